//! `stty`: shows and changes the modes of a terminal, by the names that POSIX.1-2024 and GNU give them.

use std::ffi::OsString;
use std::io;
use std::ops::{BitAnd, BitOr, BitXor};

use cordon_multicall::launch::errno_text;
use cordon_multicall::{options, say};
use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::filesystem::{self, OpenFlags};
use cordon_vm::terminal::{
    self, Attributes, ChangeWhen, ControlCharacters, InputModes, LocalModes, OutputModes, Size,
};

type Args = std::vec::IntoIter<OsString>;

const INPUT: &[(&str, InputModes)] = &[
    ("istrip", InputModes::STRIP),
    ("inlcr", InputModes::NEWLINE_TO_RETURN),
    ("igncr", InputModes::IGNORE_RETURN),
    ("icrnl", InputModes::RETURN_TO_NEWLINE),
    ("ixon", InputModes::FLOW_CONTROL),
    ("ixany", InputModes::ANY_STARTS),
    ("iutf8", InputModes::UTF8),
];

const OUTPUT: &[(&str, OutputModes)] = &[
    ("opost", OutputModes::PROCESS),
    ("ocrnl", OutputModes::RETURN_TO_NEWLINE),
    ("onlcr", OutputModes::NEWLINE_TO_RETURN_NEWLINE),
    ("onocr", OutputModes::NO_RETURN_AT_START),
    ("onlret", OutputModes::NEWLINE_RETURNS),
];

const LOCAL: &[(&str, LocalModes)] = &[
    ("isig", LocalModes::SIGNALS),
    ("icanon", LocalModes::CANONICAL),
    ("iexten", LocalModes::EXTENDED),
    ("echo", LocalModes::ECHO),
    ("echoe", LocalModes::ECHO_ERASE),
    ("echok", LocalModes::ECHO_KILL),
    ("echonl", LocalModes::ECHO_NEWLINE),
    ("noflsh", LocalModes::NO_FLUSH),
    ("tostop", LocalModes::STOP_BACKGROUND),
    ("echoctl", LocalModes::ECHO_CONTROL),
    ("echoke", LocalModes::ECHO_KILL_ERASE),
];

/// Where a special character is.
type Place = fn(&mut ControlCharacters) -> &mut u8;

/// Names, places, and what `sane` makes of them.
const CHARACTERS: &[(&str, Place, u8)] = &[
    ("intr", |all| &mut all.interrupt, 3),
    ("quit", |all| &mut all.quit, 28),
    ("erase", |all| &mut all.erase, 127),
    ("kill", |all| &mut all.kill, 21),
    ("eof", |all| &mut all.end_of_file, 4),
    ("eol", |all| &mut all.end_of_line, 0),
    ("start", |all| &mut all.start, 17),
    ("stop", |all| &mut all.stop, 19),
    ("susp", |all| &mut all.suspend, 26),
    ("rprnt", |all| &mut all.reprint, 18),
    ("werase", |all| &mut all.word_erase, 23),
    ("lnext", |all| &mut all.literal_next, 22),
];

fn fail(message: &str) -> i32 {
    say(&mut io::stderr(), &format!("stty: {message}"));
    1
}

pub fn main(args: Args) -> i32 {
    let mut words = cordon_multicall::words(args);
    let mut device = None;
    if let Some(at) = words.iter().position(|word| word == "-F" || word == "--file") {
        if at + 1 == words.len() {
            return options::misused("stty", "option requires an argument -- 'F'");
        }
        device = words.drain(at..at + 2).nth(1);
    }
    match words.first().map(String::as_str) {
        Some("--help") => {
            say(
                &mut io::stdout(),
                "Usage: stty [-F DEVICE] [SETTING]...\n       stty [-F DEVICE] [-a | -g | size]\n\
                 Shows or changes the modes of the terminal that is the standard input.",
            );
            return 0;
        }
        Some("--version") => {
            say(&mut io::stdout(), "stty (cordon)");
            return 0;
        }
        _ => {}
    }
    let opened = match &device {
        Some(path) => filesystem::open(path, OpenFlags::READ | OpenFlags::WRITE, 0),
        None => descriptors::inherited(0),
    };
    let name = device.as_deref().map_or("'standard input'".to_owned(), |path| format!("'{path}'"));
    let stream = match opened {
        Ok(stream) => stream,
        Err(errno) => return fail(&format!("{name}: {}", errno_text(errno))),
    };
    let (mut attributes, size) = match (terminal::get_attributes(&stream), terminal::get_size(&stream)) {
        (Ok(attributes), Ok(size)) => (attributes, size),
        (Err(errno), _) | (_, Err(errno)) => return fail(&format!("{name}: {}", errno_text(errno))),
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => say(&mut io::stdout(), &differences(attributes)),
        ["-a" | "--all"] => say(&mut io::stdout(), &everything(attributes, size)),
        ["-g" | "--save"] => say(&mut io::stdout(), &saved(attributes)),
        _ => {
            if let Err(message) = change(&words, &stream, &mut attributes, size) {
                return options::misused("stty", &message);
            }
            if let Err(errno) = terminal::set_attributes(&stream, ChangeWhen::Drained, attributes) {
                return fail(&format!("{name}: {}", errno_text(errno)));
            }
        }
    }
    0
}

/// Switches modes on or off.
fn put<M: Copy + BitOr<Output = M> + BitAnd<Output = M> + BitXor<Output = M>>(
    all: &mut M,
    modes: M,
    on: bool,
) {
    *all = if on { *all | modes } else { *all ^ (*all & modes) };
}

/// Makes the settings, in their order.
fn change(
    words: &[String],
    stream: &Descriptor,
    attributes: &mut Attributes,
    mut size: Size,
) -> Result<(), String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("missing argument to '{word}'"));
        let number =
            |text: &String| text.parse::<u32>().map_err(|_| format!("invalid integer argument: '{text}'"));
        let (on, name) = match word.strip_prefix('-') {
            Some(name) => (false, name),
            None => (true, word.as_str()),
        };
        if let Some((_, mode)) = INPUT.iter().find(|(known, _)| *known == name) {
            put(&mut attributes.input, *mode, on);
            continue;
        }
        if let Some((_, mode)) = OUTPUT.iter().find(|(known, _)| *known == name) {
            put(&mut attributes.output, *mode, on);
            continue;
        }
        if let Some((_, mode)) = LOCAL.iter().find(|(known, _)| *known == name) {
            put(&mut attributes.local, *mode, on);
            continue;
        }
        if let Some((_, place, _)) = CHARACTERS.iter().find(|(known, ..)| *known == word) {
            let text = value()?;
            *place(&mut attributes.characters) =
                character(text).ok_or(format!("invalid integer argument: '{text}'"))?;
            continue;
        }
        match word.as_str() {
            "size" => say(&mut io::stdout(), &format!("{} {}", size.rows, size.columns)),
            "speed" => say(&mut io::stdout(), "38400"),
            "sane" => *attributes = sane(),
            "raw" | "-cooked" => {
                attributes.input = attributes.input & InputModes::UTF8;
                put(&mut attributes.output, OutputModes::PROCESS, false);
                put(&mut attributes.local, LocalModes::SIGNALS | LocalModes::CANONICAL, false);
                attributes.characters.minimum = 1;
            }
            "cooked" | "-raw" => {
                put(&mut attributes.input, InputModes::RETURN_TO_NEWLINE | InputModes::FLOW_CONTROL, true);
                put(&mut attributes.output, OutputModes::PROCESS, true);
                put(&mut attributes.local, LocalModes::SIGNALS | LocalModes::CANONICAL, true);
            }
            "cbreak" | "-cbreak" => put(&mut attributes.local, LocalModes::CANONICAL, !on),
            "nl" | "-nl" => {
                put(&mut attributes.input, InputModes::RETURN_TO_NEWLINE, !on);
                put(&mut attributes.output, OutputModes::NEWLINE_TO_RETURN_NEWLINE, !on);
            }
            "ek" => (attributes.characters.erase, attributes.characters.kill) = (127, 21),
            "crt" => {
                put(
                    &mut attributes.local,
                    LocalModes::ECHO_ERASE | LocalModes::ECHO_CONTROL | LocalModes::ECHO_KILL_ERASE,
                    true,
                );
            }
            "crterase" | "-crterase" => put(&mut attributes.local, LocalModes::ECHO_ERASE, on),
            "ctlecho" | "-ctlecho" => put(&mut attributes.local, LocalModes::ECHO_CONTROL, on),
            "crtkill" | "-crtkill" => put(&mut attributes.local, LocalModes::ECHO_KILL_ERASE, on),
            "min" => {
                let text = value()?;
                attributes.characters.minimum = number(text)?.try_into().unwrap_or(u8::MAX);
            }
            // There is no such time, and lines have no speed, no parity and no modem.
            "time" | "line" | "ispeed" | "ospeed" => drop(number(value()?)?),
            "cs5" | "cs6" | "cs7" | "cs8" | "cread" | "clocal" | "hupcl" | "hup" | "parenb" | "parodd"
            | "cstopb" | "crtscts" | "inpck" | "parmrk" | "ignpar" | "ignbrk" | "brkint" | "ixoff"
            | "imaxbel" | "iuclc" | "olcuc" | "xcase" | "pass8" | "evenp" | "oddp" | "-parenb"
            | "-parodd" | "-cstopb" | "-crtscts" | "-inpck" | "-parmrk" | "-ignpar" | "-ignbrk"
            | "-brkint" | "-ixoff" | "-imaxbel" | "-iuclc" | "-olcuc" | "-xcase" | "-hupcl" | "-hup"
            | "-clocal" | "-cread" => {}
            "rows" | "cols" | "columns" => {
                let text = value()?;
                let many: u32 = number(text)?;
                let many = many.try_into().map_err(|_| format!("invalid integer argument: '{text}'"))?;
                match word.as_str() {
                    "rows" => size.rows = many,
                    _ => size.columns = many,
                }
                terminal::set_size(stream, size).map_err(|errno| errno_text(errno).to_owned())?;
            }
            saved => match restored(saved) {
                Some(before) => *attributes = before,
                None if saved.bytes().all(|byte| byte.is_ascii_digit()) && !saved.is_empty() => {}
                None => return Err(format!("invalid argument '{saved}'")),
            },
        }
    }
    Ok(())
}

/// What a terminal begins with.
fn sane() -> Attributes {
    let mut characters = ControlCharacters {
        interrupt: 0,
        quit: 0,
        suspend: 0,
        erase: 0,
        word_erase: 0,
        kill: 0,
        end_of_file: 0,
        end_of_line: 0,
        start: 0,
        stop: 0,
        literal_next: 0,
        reprint: 0,
        minimum: 1,
    };
    for (_, place, usual) in CHARACTERS {
        *place(&mut characters) = *usual;
    }
    Attributes {
        input: InputModes::RETURN_TO_NEWLINE | InputModes::FLOW_CONTROL | InputModes::UTF8,
        output: OutputModes::PROCESS | OutputModes::NEWLINE_TO_RETURN_NEWLINE,
        local: LocalModes::SIGNALS
            | LocalModes::CANONICAL
            | LocalModes::EXTENDED
            | LocalModes::ECHO
            | LocalModes::ECHO_ERASE
            | LocalModes::ECHO_KILL
            | LocalModes::ECHO_CONTROL
            | LocalModes::ECHO_KILL_ERASE,
        characters,
    }
}

/// `^C`, `^-`, `undef`, a number, or the character itself.
fn character(text: &str) -> Option<u8> {
    match text.as_bytes() {
        b"^-" | b"undef" => Some(0),
        b"^?" => Some(127),
        [b'^', letter] => Some(letter.to_ascii_uppercase() & 0x1f),
        [single] => Some(*single),
        _ => text.parse().ok(),
    }
}

fn shown(character: u8) -> String {
    match character {
        0 => "<undef>".to_owned(),
        127 => "^?".to_owned(),
        1..32 => format!("^{}", char::from(character + 64)),
        _ => char::from(character).to_string(),
    }
}

fn modes<M: Copy>(known: &[(&str, M)], is_set: impl Fn(M) -> bool) -> Vec<String> {
    known.iter().map(|(name, mode)| format!("{}{name}", if is_set(*mode) { "" } else { "-" })).collect()
}

fn all_modes(attributes: Attributes) -> [Vec<String>; 3] {
    [
        modes(INPUT, |mode| attributes.input & mode == mode),
        modes(OUTPUT, |mode| attributes.output & mode == mode),
        modes(LOCAL, |mode| attributes.local & mode == mode),
    ]
}

fn everything(mut attributes: Attributes, size: Size) -> String {
    let characters: Vec<String> = CHARACTERS
        .iter()
        .map(|(name, place, _)| format!("{name} = {};", shown(*place(&mut attributes.characters))))
        .collect();
    let mut lines =
        vec![format!("speed 38400 baud; rows {}; columns {}; line = 0;", size.rows, size.columns)];
    lines.push(characters.join(" "));
    lines.push(format!("min = {}; time = 0;", attributes.characters.minimum));
    lines.extend(all_modes(attributes).map(|modes| modes.join(" ")));
    lines.join("\n")
}

/// What is otherwise than `sane` makes it.
fn differences(mut attributes: Attributes) -> String {
    let mut usual = sane();
    let mut lines = vec!["speed 38400 baud; line = 0;".to_owned()];
    let characters: Vec<String> = CHARACTERS
        .iter()
        .filter_map(|(name, place, _)| {
            let own = *place(&mut attributes.characters);
            (own != *place(&mut usual.characters)).then(|| format!("{name} = {};", shown(own)))
        })
        .collect();
    lines.push(characters.join(" "));
    for (own, usual) in all_modes(attributes).into_iter().zip(all_modes(usual)) {
        let other: Vec<String> =
            own.into_iter().zip(usual).filter(|(own, usual)| own != usual).map(|(own, _)| own).collect();
        lines.push(other.join(" "));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// Everything as one word, which [`restored`] reads.
fn saved(mut attributes: Attributes) -> String {
    let mut parts = vec![
        format!("{:x}", attributes.input.bits()),
        format!("{:x}", attributes.output.bits()),
        format!("{:x}", attributes.local.bits()),
        format!("{:x}", attributes.characters.minimum),
    ];
    parts.extend(CHARACTERS.iter().map(|(_, place, _)| format!("{:x}", place(&mut attributes.characters))));
    parts.join(":")
}

fn restored(text: &str) -> Option<Attributes> {
    let parts: Vec<u16> =
        text.split(':').map(|part| u16::from_str_radix(part, 16)).collect::<Result<_, _>>().ok()?;
    let (&[input, output, local, minimum], characters) = parts.split_first_chunk::<4>()?;
    if characters.len() != CHARACTERS.len() {
        return None;
    }
    let mut attributes = sane();
    attributes.input = InputModes::from_bits_retain(input.try_into().ok()?);
    attributes.output = OutputModes::from_bits_retain(output.try_into().ok()?);
    attributes.local = LocalModes::from_bits_retain(local);
    attributes.characters.minimum = minimum.try_into().ok()?;
    for ((_, place, _), character) in CHARACTERS.iter().zip(characters) {
        *place(&mut attributes.characters) = (*character).try_into().ok()?;
    }
    Some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_restored() {
        let mut attributes = sane();
        put(&mut attributes.local, LocalModes::ECHO, false);
        attributes.characters.minimum = 7;
        let word = saved(attributes);
        let again = restored(&word).unwrap();
        assert_eq!(saved(again), word);
        assert_eq!(differences(again), "speed 38400 baud; line = 0;\n-echo");
        assert!(restored("1:2").is_none() && restored("sane").is_none());
        assert_eq!((character("^C"), character("undef"), character("x")), (Some(3), Some(0), Some(b'x')));
    }
}
