//! Options as `getopt_long` of GNU reads them, with its messages: letters that stand together, values in the same word
//! or in the next, long names that are cut short, options behind operands.

use cordon_vm::byte_text::ToText;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    Value,
    /// Only in the same word.
    MaybeValue,
}

/// What is done with operands that stand before options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// They are operands; options are looked for behind them.
    Permute,
    /// The first ends the options.
    Require,
}

/// A long option: its name, whether it has a value, and what stands for it in [`Item::Option`].
pub type Long = (String, Takes, char);

#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    Option { letter: char, long: Option<String>, value: Option<OsString> },
    Operand(OsString),
}

/// Gives options and operands in their order.
pub struct Parser<'a> {
    pub shorts: &'a [(char, Takes)],
    pub longs: &'a [Long],
    pub order: Order,
    /// Whether long options may begin with one hyphen.
    pub alternative: bool,
    words: VecDeque<OsString>,
    cluster: String,
    is_over: bool,
}

impl<'a> Parser<'a> {
    /// `words` are without the program's own name.
    pub fn new(
        shorts: &'a [(char, Takes)],
        longs: &'a [Long],
        words: impl IntoIterator<Item = OsString>,
    ) -> Self {
        Self {
            shorts,
            longs,
            order: Order::Permute,
            alternative: false,
            words: words.into_iter().collect(),
            cluster: String::new(),
            is_over: false,
        }
    }

    fn long(&mut self, word: &str) -> Result<Item, String> {
        let hyphens = if word.starts_with("--") { "--" } else { "-" };
        let bare = &word[hyphens.len()..];
        let (name, value) = match bare.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (bare, None),
        };
        let exact = self.longs.iter().find(|(known, ..)| known == name);
        let near: Vec<&Long> = self.longs.iter().filter(|(known, ..)| known.starts_with(name)).collect();
        let (known, takes, letter) = match (exact, near.as_slice()) {
            (Some(found), _) => found,
            (None, []) => return Err(format!("unrecognized option '{hyphens}{name}'")),
            (None, [found, rest @ ..])
                if rest.iter().all(|other| (other.1, other.2) == (found.1, found.2)) =>
            {
                found
            }
            (None, several) => {
                let names: String = several.iter().map(|(known, ..)| format!(" '--{known}'")).collect();
                return Err(format!("option '{hyphens}{name}' is ambiguous; possibilities:{names}"));
            }
        };
        let value = match (takes, value) {
            (Takes::Nothing, Some(_)) => {
                return Err(format!("option '{hyphens}{known}' doesn't allow an argument"));
            }
            (Takes::Value, None) => match self.words.pop_front() {
                None => return Err(format!("option '{hyphens}{known}' requires an argument")),
                next => next,
            },
            (_, value) => value,
        };
        Ok(Item::Option { letter: *letter, long: Some(known.clone()), value })
    }

    fn short(&mut self) -> Result<Item, String> {
        let letter = self.cluster.remove(0);
        let Some((_, takes)) = self.shorts.iter().find(|(known, _)| *known == letter) else {
            return Err(format!("invalid option -- '{letter}'"));
        };
        let rest = |cluster: &mut String| OsString::from(std::mem::take(cluster));
        let value = match takes {
            Takes::Nothing => None,
            _ if !self.cluster.is_empty() => Some(rest(&mut self.cluster)),
            Takes::MaybeValue => None,
            Takes::Value => match self.words.pop_front() {
                None => return Err(format!("option requires an argument -- '{letter}'")),
                next => next,
            },
        };
        Ok(Item::Option { letter, long: None, value })
    }
}

impl Iterator for Parser<'_> {
    type Item = Result<Item, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.cluster.is_empty() {
            return Some(self.short());
        }
        let word = self.words.pop_front()?;
        let text = word.to_text().into_owned();
        if self.is_over || text == "-" || !text.starts_with('-') {
            self.is_over |= self.order == Order::Require;
            return Some(Ok(Item::Operand(word)));
        }
        if text == "--" {
            self.is_over = true;
            return self.next();
        }
        let is_letter = |text: &str| {
            text[1..].chars().next().is_some_and(|first| self.shorts.iter().any(|(known, _)| *known == first))
        };
        if text.starts_with("--") || (self.alternative && (text.chars().count() > 2 || !is_letter(&text))) {
            let is_long = |long: &Long| long.0.starts_with(text[1..].split('=').next().unwrap_or_default());
            if text.starts_with("--") || !is_letter(&text) || self.longs.iter().any(is_long) {
                return Some(self.long(&text));
            }
        }
        text[1..].clone_into(&mut self.cluster);
        Some(self.short())
    }
}

/// Options and operands of a program.
#[derive(Debug, Default)]
pub struct Parsed {
    /// In their order.
    pub options: Vec<(char, String)>,
    pub operands: Vec<OsString>,
}

impl Parsed {
    /// The operands as text.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.operands.iter().map(|word| word.to_text().into_owned()).collect()
    }

    pub fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(known, _)| *known == letter)
    }

    /// The value of an option, the last one given.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.options.iter().rev().find(|(known, _)| *known == letter).map(|(_, value)| value.as_str())
    }

    /// The operands as text, or `-` where there is none.
    pub fn files(&self) -> Vec<String> {
        let files: Vec<String> = self.operands.iter().map(|file| text(file)).collect();
        if files.is_empty() { vec!["-".into()] } else { files }
    }
}

fn text(word: &OsStr) -> String {
    word.to_text().into_owned()
}

/// Reads a program's arguments, its own name among them. `shorts` is `getopt`'s text (`ab:c::`), with `+` in front where
/// the first operand ends the options; `longs` names the long options, each with the letter that it means, written like
/// `name=c` or, with a value, `name:=c` and `name::=c`.
///
/// # Errors
/// The first thing that is wrong, as text.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    shorts: &str,
    longs: &[&str],
) -> Result<Parsed, String> {
    let order = if shorts.starts_with('+') { Order::Require } else { Order::Permute };
    let shorts = letters(shorts.trim_start_matches('+'));
    let longs: Vec<Long> = longs
        .iter()
        .filter_map(|long| {
            let (name, letter) = long.rsplit_once('=')?;
            Some(named(name, letter.chars().next()?))
        })
        .collect();
    let mut parser = Parser::new(&shorts, &longs, args.into_iter().skip(1));
    parser.order = order;
    let mut parsed = Parsed::default();
    for item in parser {
        match item? {
            Item::Option { letter, value, .. } => {
                parsed.options.push((letter, value.map(|value| text(&value)).unwrap_or_default()));
            }
            Item::Operand(word) => parsed.operands.push(word),
        }
    }
    Ok(parsed)
}

/// Stands for `--help` and `--version` where a utility has no letters for them.
const HELP: &str = "help=\u{1}";
const VERSION: &str = "version=\u{2}";

/// Reads the arguments of a utility as [`parse`] does, and does what all utilities do alike: complains of what is wrong,
/// and answers `--help` with `usage` and `--version`, which need not be named. A utility that has letters for these two
/// names them like its other long options.
///
/// # Errors
/// The exit status, where that was all.
pub fn begin(
    name: &str,
    usage: &str,
    args: impl IntoIterator<Item = OsString>,
    shorts: &str,
    longs: &[&str],
) -> Result<Parsed, i32> {
    let letter = |long: &&str| long.rsplit_once('=').and_then(|(_, letter)| letter.chars().next());
    let given = |name: &str| longs.iter().copied().find(|long| long.starts_with(name));
    let (help, version) = (given("help=").unwrap_or(HELP), given("version=").unwrap_or(VERSION));
    let all = [longs, &[help, version]].concat();
    let parsed = parse(args, shorts, &all).map_err(|message| misused(name, &message))?;
    let has = |long: &str| letter(&long).is_some_and(|letter| parsed.has(letter));
    let text = match (has(help), has(version)) {
        (true, _) => usage.to_owned(),
        (_, true) => format!("{name} (cordon)"),
        _ => return Ok(parsed),
    };
    crate::say(&mut io::stdout(), &text);
    Err(0)
}

/// Complains of the arguments of a utility, and gives its exit status.
pub fn misused(name: &str, message: &str) -> i32 {
    crate::say(&mut io::stderr(), &format!("{name}: {message}\nTry '{name} --help' for more information."));
    1
}

/// The letters of `getopt`'s text.
pub fn letters(shorts: &str) -> Vec<(char, Takes)> {
    let mut found: Vec<(char, Takes)> = vec![];
    for letter in shorts.chars() {
        match (letter, found.last_mut()) {
            (':', Some((_, takes))) => {
                *takes = if *takes == Takes::Nothing { Takes::Value } else { Takes::MaybeValue };
            }
            (':', None) => {}
            _ => found.push((letter, Takes::Nothing)),
        }
    }
    found
}

/// A long option whose name may end in one colon or two.
pub fn named(name: &str, letter: char) -> Long {
    match (name.strip_suffix("::"), name.strip_suffix(':')) {
        (Some(bare), _) => (bare.into(), Takes::MaybeValue, letter),
        (None, Some(bare)) => (bare.into(), Takes::Value, letter),
        (None, None) => (name.into(), Takes::Nothing, letter),
    }
}
