//! `clear` and `tput`: what terminals of our time understand, without a data base of terminals.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, Write};

use cordon_multicall::files::finish;
use cordon_multicall::{options, say};

type Args = std::vec::IntoIter<OsString>;

/// Exit statuses of `tput`: wrong usage, an unknown terminal, an unknown capability.
const USAGE: i32 = 2;
const NO_TERMINAL: i32 = 3;
const NO_CAPABILITY: i32 = 4;

#[derive(PartialEq)]
enum Terminal {
    Ansi { colors: u32 },
    Dumb,
}

fn terminal(name: &str) -> Option<Terminal> {
    let family = name.split('-').next().unwrap_or(name);
    Some(match family {
        "dumb" => Terminal::Dumb,
        "vt100" | "vt102" | "vt220" => Terminal::Ansi { colors: 0 },
        _ if name.ends_with("-256color") || matches!(family, "alacritty" | "kitty" | "foot" | "wezterm") => {
            Terminal::Ansi { colors: 256 }
        }
        "xterm" | "screen" | "tmux" | "linux" | "ansi" | "rxvt" | "cygwin" | "konsole" | "gnome"
        | "putty" | "st" | "vte" | "eterm" => Terminal::Ansi { colors: 8 },
        _ => return None,
    })
}

pub fn clear(args: Args) -> i32 {
    let parsed = match options::parse(args, "T:Vx", &[]) {
        Ok(parsed) if parsed.operands.is_empty() => parsed,
        Ok(_) => return usage_of_clear(""),
        Err(message) => return usage_of_clear(&format!("clear: {message}\n")),
    };
    if parsed.has('V') {
        say(&mut io::stdout(), "clear (cordon)");
        return 0;
    }
    let name = match parsed.value('T').map(str::to_owned).or_else(|| env::var("TERM").ok()) {
        Some(name) if !name.is_empty() => name,
        _ => {
            say(&mut io::stderr(), "TERM environment variable not set.");
            return 1;
        }
    };
    match terminal(&name) {
        None => {
            say(&mut io::stderr(), &format!("'{name}': unknown terminal type."));
            1
        }
        Some(Terminal::Dumb) => 1,
        Some(Terminal::Ansi { .. }) => {
            let mut out = io::stdout();
            let text: &[u8] = if parsed.has('x') { b"\x1b[H\x1b[2J" } else { b"\x1b[H\x1b[2J\x1b[3J" };
            let _ = out.write_all(text);
            finish("clear", out, 0)
        }
    }
}

fn usage_of_clear(message: &str) -> i32 {
    say(
        &mut io::stderr(),
        &format!(
            "{message}Usage: clear [options]\n\nOptions:\n  -T TERM     use this instead of $TERM\n  \
             -V          print version\n  -x          do not try to clear scrollback"
        ),
    );
    1
}

pub fn tput(args: Args) -> i32 {
    const HELP: &str = "\
Usage: tput [options] [command]

Options:
  -S <<       read commands from standard input
  -T TERM     use this instead of $TERM
  -V          print version
  -x          do not try to clear scrollback

Commands:
  clear       clear the screen
  init        initialize the terminal
  reset       reinitialize the terminal
  capname     unlike clear/init/reset, print value for capability \"capname\"";
    let parsed = match options::parse(args, "+ST:Vx", &[]) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("tput: {message}\n{HELP}"));
            return USAGE;
        }
    };
    if parsed.has('V') {
        say(&mut io::stdout(), "tput (cordon)");
        return 0;
    }
    let name = match parsed.value('T').map(str::to_owned).or_else(|| env::var("TERM").ok()) {
        Some(name) if !name.is_empty() => name,
        _ => {
            say(&mut io::stderr(), "tput: No value for $TERM and no -T specified");
            return USAGE;
        }
    };
    let Some(terminal) = terminal(&name) else {
        say(&mut io::stderr(), &format!("tput: unknown terminal \"{name}\""));
        return NO_TERMINAL;
    };
    let mut commands: Vec<Vec<String>> = vec![];
    if parsed.has('S') {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            commands.push(line.split_whitespace().map(str::to_owned).collect());
        }
    } else {
        commands.push(parsed.words());
    }
    let mut status = 0;
    for words in commands {
        let Some((capability, values)) = words.split_first() else {
            if parsed.has('S') {
                continue;
            }
            say(&mut io::stderr(), HELP);
            return USAGE;
        };
        status = match shown(capability, values, &name, &terminal, parsed.has('x')) {
            Shown::Text(text) => {
                let mut out = io::stdout();
                let _ = out.write_all(text.as_bytes());
                finish("tput", out, 0)
            }
            Shown::Flag(is_set) => i32::from(!is_set),
            Shown::Lacking => 1,
            Shown::Unknown => {
                say(&mut io::stderr(), &format!("tput: unknown terminfo capability '{capability}'"));
                return NO_CAPABILITY;
            }
        };
    }
    status
}

enum Shown {
    Text(String),
    Flag(bool),
    /// The terminal does not have it.
    Lacking,
    Unknown,
}

fn shown(capability: &str, values: &[String], name: &str, terminal: &Terminal, keeps_scroll: bool) -> Shown {
    let number = |at: usize| values.get(at).and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
    let from_environment = |name: &str, default: u32| {
        let given = env::var(name).ok().and_then(|value| value.parse::<u32>().ok());
        given.filter(|given| *given > 0).unwrap_or(default)
    };
    let colors = match terminal {
        Terminal::Ansi { colors } => *colors,
        Terminal::Dumb => 0,
    };
    match capability {
        "cols" => return Shown::Text(format!("{}\n", from_environment("COLUMNS", 80))),
        "lines" => return Shown::Text(format!("{}\n", from_environment("LINES", 24))),
        "longname" => return Shown::Text(format!("{name}\n")),
        "colors" if colors == 0 => return Shown::Text("-1\n".into()),
        "colors" => return Shown::Text(format!("{colors}\n")),
        "it" => return Shown::Text("8\n".into()),
        "am" => return Shown::Flag(true),
        "km" | "xenl" | "mir" | "msgr" | "bce" => return Shown::Flag(*terminal != Terminal::Dumb),
        "bel" => return Shown::Text("\x07".into()),
        "cr" => return Shown::Text("\r".into()),
        _ => {}
    }
    let color = |base: u32, number: u32| match number {
        0..8 => format!("\x1b[{}m", base + number),
        8..16 => format!("\x1b[{}m", base + 60 + number - 8),
        _ => format!("\x1b[{};5;{number}m", base + 8),
    };
    let text = match capability {
        "setaf" | "setf" if colors > 0 => color(30, number(0)),
        "setab" | "setb" if colors > 0 => color(40, number(0)),
        "op" if colors > 0 => "\x1b[39;49m".into(),
        "setaf" | "setab" | "setf" | "setb" | "op" => return Shown::Lacking,
        "cup" => format!("\x1b[{};{}H", number(0).saturating_add(1), number(1).saturating_add(1)),
        "hpa" => format!("\x1b[{}G", number(0).saturating_add(1)),
        "vpa" => format!("\x1b[{}d", number(0).saturating_add(1)),
        "cuu" => format!("\x1b[{}A", number(0)),
        "cud" => format!("\x1b[{}B", number(0)),
        "cuf" => format!("\x1b[{}C", number(0)),
        "cub" => format!("\x1b[{}D", number(0)),
        "ech" => format!("\x1b[{}X", number(0)),
        "il" => format!("\x1b[{}L", number(0)),
        "dl" => format!("\x1b[{}M", number(0)),
        "clear" if keeps_scroll => "\x1b[H\x1b[2J".into(),
        "clear" => "\x1b[H\x1b[2J\x1b[3J".into(),
        _ => match FIXED.iter().find(|(known, _)| *known == capability) {
            Some((_, text)) => (*text).to_owned(),
            None => return Shown::Unknown,
        },
    };
    if *terminal == Terminal::Dumb { Shown::Lacking } else { Shown::Text(text) }
}

/// Capabilities without parameters.
const FIXED: &[(&str, &str)] = &[
    ("bold", "\x1b[1m"),
    ("dim", "\x1b[2m"),
    ("sitm", "\x1b[3m"),
    ("ritm", "\x1b[23m"),
    ("smul", "\x1b[4m"),
    ("rmul", "\x1b[24m"),
    ("blink", "\x1b[5m"),
    ("rev", "\x1b[7m"),
    ("invis", "\x1b[8m"),
    ("smso", "\x1b[7m"),
    ("rmso", "\x1b[27m"),
    ("sgr0", "\x1b(B\x1b[m"),
    ("el", "\x1b[K"),
    ("el1", "\x1b[1K"),
    ("ed", "\x1b[J"),
    ("home", "\x1b[H"),
    ("civis", "\x1b[?25l"),
    ("cnorm", "\x1b[?12l\x1b[?25h"),
    ("cvvis", "\x1b[?12;25h"),
    ("sc", "\x1b7"),
    ("rc", "\x1b8"),
    ("smcup", "\x1b[?1049h\x1b[22;0;0t"),
    ("rmcup", "\x1b[?1049l\x1b[23;0;0t"),
    ("smkx", "\x1b[?1h\x1b="),
    ("rmkx", "\x1b[?1l\x1b>"),
    ("cuu1", "\x1b[A"),
    ("cud1", "\n"),
    ("cuf1", "\x1b[C"),
    ("cub1", "\x08"),
    ("ind", "\n"),
    ("ri", "\x1bM"),
    ("init", "\x1b[!p\x1b[?3;4l\x1b[4l\x1b>"),
    ("reset", "\x1bc\x1b[!p\x1b[?3;4l\x1b[4l\x1b>"),
    ("kcuu1", "\x1bOA"),
    ("kcud1", "\x1bOB"),
    ("kcuf1", "\x1bOC"),
    ("kcub1", "\x1bOD"),
];
