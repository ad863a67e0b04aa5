//! `getopt` as util-linux has it: reads options for a script.

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;
use std::io;

use cordon_multicall::options::{self, Item, Long, Order, Parser};
use cordon_multicall::say;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage:
 getopt <optstring> <parameters>
 getopt [options] [--] <optstring> <parameters>
 getopt [options] -o|--options <optstring> [options] [--] <parameters>

Parse command options.

Options:
 -a, --alternative             allow long options starting with single -
 -l, --longoptions <longopts>  the long options to be recognized
 -n, --name <progname>         the name under which errors are reported
 -o, --options <optstring>     the short options to be recognized
 -q, --quiet                   disable error reporting by getopt(3)
 -Q, --quiet-output            no normal output
 -s, --shell <shell>           set quoting conventions to those of <shell>
 -T, --test                    test for getopt(1) version
 -u, --unquoted                do not quote the output

 -h, --help                    display this help
 -V, --version                 display version";

const LONGS: &[&str] = &[
    "alternative=a",
    "longoptions:=l",
    "name:=n",
    "options:=o",
    "quiet=q",
    "quiet-output=Q",
    "shell:=s",
    "test=T",
    "unquoted=u",
    "help=h",
    "version=V",
];

/// Exit statuses: the script's arguments are wrong, getopt's own are, and what `-T` answers.
const WRONG: i32 = 1;
const USAGE: i32 = 2;
const ENHANCED: i32 = 4;
/// Letters that are nobody's.
const PRIVATE: u32 = 0xf_0000;

pub fn main(args: Args) -> i32 {
    let usage = |message: &str| {
        say(&mut io::stderr(), &format!("getopt: {message}\nTry 'getopt --help' for more information."));
        USAGE
    };
    let mut args: Vec<OsString> = args.collect();
    // The old form: the letters come first, and nothing is quoted.
    let first = args.get(1).map(|word| word.to_text().into_owned());
    let is_old = std::env::var_os("GETOPT_COMPATIBLE").is_some()
        || first.as_ref().is_some_and(|first| !first.starts_with('-'));
    if first.is_none() {
        return usage("missing optstring argument");
    }
    if is_old {
        let letters = args.remove(1).to_text().trim_start_matches(['-', '+']).to_owned();
        let words = args.split_off(1);
        return Call { letters, has_letters: true, unquoted: true, name: "getopt".into(), ..Call::default() }
            .run(words);
    }
    let parsed = match options::parse(args, "+ao:l:n:qQs:TuhV", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => return usage(&message),
    };
    let mut call = Call { name: "getopt".into(), ..Call::default() };
    for (letter, value) in parsed.options {
        match letter {
            'a' => call.alternative = true,
            'h' => {
                say(&mut io::stdout(), HELP);
                return 0;
            }
            'l' => {
                for name in value.split([',', ' ', '\t', '\n']).filter(|name| !name.is_empty()) {
                    if name.trim_end_matches(':').is_empty() {
                        return usage("empty long option after -l or --long argument");
                    }
                    // Each its own: two that begin alike are not told apart by what they begin with.
                    let own =
                        u32::try_from(call.longs.len()).ok().and_then(|at| char::from_u32(PRIVATE + at));
                    call.longs.push(options::named(name, own.unwrap_or('\0')));
                }
            }
            'n' => call.name = value,
            'o' => (call.letters, call.has_letters) = (value, true),
            'q' => call.quiet = true,
            'Q' => call.quiet_output = true,
            's' => match value.as_str() {
                "sh" | "bash" => {}
                "csh" | "tcsh" => return usage("quoting for csh and tcsh is not supported"),
                _ => return usage("unknown shell after -s or --shell argument"),
            },
            'T' => return ENHANCED,
            'u' => call.unquoted = true,
            _ => {
                say(&mut io::stdout(), "getopt (cordon)");
                return 0;
            }
        }
    }
    let mut words = parsed.operands;
    if !call.has_letters {
        if words.is_empty() {
            return usage("missing optstring argument");
        }
        call.letters = words.remove(0).to_text().into_owned();
    }
    call.run(words)
}

#[derive(Default)]
struct Call {
    letters: String,
    has_letters: bool,
    longs: Vec<Long>,
    name: String,
    alternative: bool,
    quiet: bool,
    quiet_output: bool,
    unquoted: bool,
}

impl Call {
    fn run(&self, words: Vec<OsString>) -> i32 {
        let (is_required, in_order) = match self.letters.chars().next() {
            Some('+') => (true, false),
            Some('-') => (false, true),
            _ => (std::env::var_os("POSIXLY_CORRECT").is_some(), false),
        };
        let letters = options::letters(self.letters.trim_start_matches(['+', '-', ':']));
        let mut parser = Parser::new(&letters, &self.longs, words);
        parser.order = if is_required { Order::Require } else { Order::Permute };
        parser.alternative = self.alternative;
        let (mut line, mut operands, mut status) = (String::new(), vec![], 0);
        for item in parser.by_ref() {
            match item {
                Ok(Item::Option { letter, long, value }) => {
                    let takes = match &long {
                        Some(name) => {
                            line.push_str(&format!(" --{name}"));
                            self.longs.iter().find(|(known, ..)| known == name).map(|(_, takes, _)| *takes)
                        }
                        None => {
                            line.push_str(&format!(" -{letter}"));
                            letters.iter().find(|(known, _)| *known == letter).map(|(_, takes)| *takes)
                        }
                    };
                    match (takes, value) {
                        (_, Some(value)) => {
                            line.push(' ');
                            line.push_str(&self.quoted(&value.to_text()));
                        }
                        (Some(options::Takes::MaybeValue), None) => {
                            line.push(' ');
                            line.push_str(&self.quoted(""));
                        }
                        _ => {}
                    }
                }
                Ok(Item::Operand(word)) if in_order => {
                    line.push(' ');
                    line.push_str(&self.quoted(&word.to_text()));
                }
                Ok(Item::Operand(word)) => operands.push(word),
                Err(message) => {
                    status = WRONG;
                    if !self.quiet {
                        say(&mut io::stderr(), &format!("{}: {message}", self.name));
                    }
                }
            }
        }
        line.push_str(" --");
        for word in operands {
            line.push(' ');
            line.push_str(&self.quoted(&word.to_text()));
        }
        if !self.quiet_output {
            say(&mut io::stdout(), &line);
        }
        status
    }

    fn quoted(&self, word: &str) -> String {
        if self.unquoted { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    }
}
