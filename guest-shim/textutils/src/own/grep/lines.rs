//! Lines by large pieces: which of them match is found by one automaton that goes over many at once, and not line by line
//! by one that goes back. For the options and expressions that most calls have; what else there is, and whatever is wrong,
//! is uutils'.
//!
//! The automaton decides about lines of ASCII. Others are Oniguruma's, as uutils' has it, but where only bytes count.

use cordon_vm::byte_text::{ToText, byte_of, encode};
use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::ops::Range;
use std::path::Path;

use clap::ArgMatches;
use cordon_multicall::say;
use cordon_multicall::stream::{self, Output};
use memchr::{memchr, memchr_iter, memrchr};
use regex_automata::Input;
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use uu_grep::matcher::Matcher;
use uu_grep::{BinaryMode, ColorConfig, Config, DeviceMode, DirectoryMode, GlobSet, RegexMode};
use uucore::error::strip_errno;

use super::expression::{Kind, translated};

/// Bytes that are read at once, at least; a line may need more.
const CHUNK: usize = stream::CHUNK;

/// Options that change what is done here in ways that are not known here.
const OTHERS: &[&str] = &[
    "perl_regexp",
    "null_data",
    "byte_offset",
    "only_matching",
    "skip_binary",
    "recursive",
    "dereference_recursive",
    "files_without_match",
    "initial_tab",
    "null",
    "no_group_separator",
    "binary",
];
const OTHERS_VALUED: &[&str] = &[
    "file_pattern",
    "max_count",
    "label",
    "binary_files",
    "directories",
    "devices",
    "include",
    "exclude",
    "exclude_from",
    "exclude_dir",
    "before_context",
    "after_context",
    "context",
];

/// The exit status; none if nothing was done.
pub fn run(args: &[OsString]) -> Option<i32> {
    // An expression is looked for byte by byte where it has bytes that are no characters.
    let args = args.iter().map(|word| OsString::from(&*word.to_text()));
    let matches = uu_grep::uu_app().try_get_matches_from(args).ok()?;
    let given = |id: &str| matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    if OTHERS.iter().any(|id| matches.get_flag(id)) || OTHERS_VALUED.iter().any(|id| given(id)) {
        return None;
    }
    let is_colored = match matches.get_one::<String>("color").map(String::as_str) {
        Some("always") => true,
        Some("never") => false,
        _ => io::stdout().is_terminal(),
    };
    if is_colored {
        return None;
    }
    let (kind, mode) =
        match ["basic_regexp", "extended_regexp", "fixed_strings"].map(|id| matches.get_flag(id)) {
            [_, false, false] => (Kind::Basic, RegexMode::Basic),
            [false, true, false] => (Kind::Extended, RegexMode::Extended),
            [false, false, true] => (Kind::Fixed, RegexMode::Fixed),
            _ => return None,
        };
    let mut operands = matches.get_many::<OsString>("patterns_or_files").unwrap_or_default();
    let texts: Vec<&str> = match matches.get_many::<String>("regexp") {
        Some(texts) => texts.map(String::as_str).collect(),
        None => vec![operands.next()?.to_str()?],
    };
    let patterns: Vec<&str> = texts.iter().flat_map(|text| text.split('\n')).collect();
    let files: Vec<&OsString> = operands.collect();
    if patterns.contains(&"") || files.iter().any(|file| Path::new(file).is_dir()) {
        return None;
    }
    let config = config(&matches, &patterns, mode);
    let mut search = Search {
        selector: Selector::new(&config, kind)?,
        config: &config,
        inverts: matches.get_flag("invert_match"),
        is_text: matches.get_flag("text"),
        shows_names: match files.as_slice() {
            _ if matches.get_flag("with_filename") => true,
            [] | [_] => false,
            _ => !matches.get_flag("no_filename"),
        },
        is_watched: matches.get_flag("line_buffered") || stream::is_watched(),
        made: vec![],
    };
    Some(search.run(&files))
}

/// What uutils' has to know to decide about a line.
fn config<'a>(matches: &ArgMatches, patterns: &'a [&'a str], regex_mode: RegexMode) -> Config<'a> {
    let flag = |id| matches.get_flag(id);
    Config {
        directory_mode: DirectoryMode::Read,
        device_mode: DeviceMode::Default,
        follow_symlinks: false,
        include_globs: GlobSet::new(),
        exclude_globs: GlobSet::new(),
        exclude_dir_globs: GlobSet::new(),
        label: "(standard input)",
        binary_mode: BinaryMode::Binary,
        max_count: None,
        before_context: 0,
        after_context: 0,
        has_context: false,
        patterns,
        regex_mode,
        ignore_case: flag("ignore_case"),
        // That is seen to here.
        invert_match: false,
        word_regexp: flag("word_regexp"),
        line_regexp: flag("line_regexp"),
        quiet: flag("quiet"),
        count: flag("count"),
        show_filename: false,
        files_with_matches: flag("files_with_matches"),
        files_without_match: false,
        only_matching: false,
        byte_offset: false,
        line_number: flag("line_number"),
        initial_tab: false,
        null_separator: false,
        null_data: false,
        line_buffered: false,
        no_messages: flag("no_messages"),
        group_separator: None,
        use_color: false,
        color_config: ColorConfig {
            matched_selected: "",
            matched_context: "",
            filename: "",
            line_number: "",
            byte_offset: "",
            separator: "",
            selected_line: "",
            context_line: "",
            reverse_video: false,
            no_erase: false,
        },
    }
}

/// Tells which lines match.
struct Selector<'a> {
    regex: Regex,
    /// Lines are no more than bytes, of which the automaton knows all.
    are_bytes: bool,
    config: &'a Config<'a>,
    /// Decides about other lines than those of ASCII, once there is one.
    matcher: OnceCell<Option<Matcher<'a>>>,
}

impl<'a> Selector<'a> {
    /// None for expressions that are not known.
    fn new(config: &'a Config<'a>, kind: Kind) -> Option<Self> {
        let mut texts = vec![];
        let mut are_bytes = !config.ignore_case && !config.word_regexp;
        for pattern in config.patterns {
            if config.ignore_case && !pattern.is_ascii() {
                return None;
            }
            let expression = translated(pattern, kind, config.ignore_case)?;
            if config.word_regexp && !expression.takes_something {
                return None;
            }
            let is_literal =
                pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-/:,".contains(&byte));
            are_bytes &= kind == Kind::Fixed || is_literal;
            let mut text = String::with_capacity(expression.text.len());
            for character in expression.text.chars() {
                match byte_of(character) {
                    Some(byte) => {
                        are_bytes = true;
                        text.push_str(&format!(r"\x{byte:02X}"));
                    }
                    None => text.push(character),
                }
            }
            texts.push(format!("(?:{text})"));
        }
        let mut text = texts.join("|");
        if config.line_regexp {
            text = format!("^(?:{text})$");
        } else if config.word_regexp {
            text = format!(r"\b{{start-half}}(?:{text})\b{{end-half}}");
        }
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .multi_line(true)
            .case_insensitive(config.ignore_case);
        // No more than what finds the end of a match: the rest takes longer to make than small files to read.
        let parts = meta::Config::new()
            .utf8_empty(false)
            .which_captures(WhichCaptures::Implicit)
            .onepass(false)
            .backtrack(false)
            .dfa(false);
        let regex = Regex::builder().syntax(syntax).configure(parts).build(&text).ok()?;
        Some(Selector { regex, are_bytes, config, matcher: OnceCell::new() })
    }

    /// Whether a line matches.
    fn matches(&self, line: &[u8]) -> bool {
        if line.is_ascii() {
            return self.regex.search_half(&Input::new(line).earliest(true)).is_some();
        }
        let matcher = self.matcher.get_or_init(|| Matcher::compile(self.config).ok());
        matcher.as_ref().is_some_and(|matcher| matcher.is_match(line).is_some())
    }

    /// The first line that matches from `at` on, with its end.
    fn next(&self, lines: &[u8], at: usize, is_ascii: bool) -> Option<Range<usize>> {
        if !self.are_bytes && !is_ascii {
            let mut start = at;
            while start < lines.len() {
                let end = memchr(b'\n', &lines[start..]).map_or(lines.len(), |length| start + length);
                let after = lines.len().min(end + 1);
                if self.matches(&lines[start..end]) {
                    return Some(start..after);
                }
                start = after;
            }
            return None;
        }
        let inside = self.regex.search_half(&Input::new(lines).range(at..).earliest(true))?.offset();
        if inside == lines.len() && lines.ends_with(b"\n") {
            // Nothing matches what is behind the last line.
            return None;
        }
        let start = memrchr(b'\n', &lines[at..inside]).map_or(at, |length| at + length + 1);
        let end = memchr(b'\n', &lines[inside..]).map_or(lines.len(), |length| inside + length + 1);
        Some(start..end)
    }
}

fn is_ascii(bytes: &[u8]) -> bool {
    // Without a branch for each: many at once.
    bytes.iter().fold(0, |all, byte| all | byte) < 128
}

/// How many lines there are.
fn count(lines: &[u8]) -> u64 {
    let open = !lines.is_empty() && !lines.ends_with(b"\n");
    memchr_iter(b'\n', lines).count() as u64 + u64::from(open)
}

struct Search<'a> {
    selector: Selector<'a>,
    config: &'a Config<'a>,
    inverts: bool,
    /// Files are text, whatever is in them.
    is_text: bool,
    shows_names: bool,
    /// Somebody waits for what is made.
    is_watched: bool,
    /// What is made and not written yet.
    made: Vec<u8>,
}

/// What is known of a file that is being read.
struct Reading<'a> {
    name: &'a str,
    /// Lines that were selected; where one is enough, no more than that.
    selected: u64,
    is_binary: bool,
    /// Something that is selected is no text, and not shown: that is told.
    is_told: bool,
    /// Lines that were counted, for their numbers, and up to where in this piece.
    lines: u64,
    counted_to: usize,
}

impl Search<'_> {
    fn run(&mut self, files: &[&OsString]) -> i32 {
        let standard = OsString::from("-");
        let all = if files.is_empty() { &[&standard] } else { files };
        let (mut any_selected, mut any_failed) = (false, false);
        for file in all {
            let name = if **file == *"-" { self.config.label.into() } else { file.to_text() };
            let input: io::Result<Box<dyn Read>> = match file.to_str() {
                Some("-") => Ok(Box::new(io::stdin())),
                _ => File::open(file).map(|file| Box::new(file) as Box<dyn Read>),
            };
            match input.map_err(Failure::Read).and_then(|mut input| self.file(&name, &mut *input)) {
                Ok(selected) => any_selected |= selected > 0,
                Err(Failure::Read(error)) => {
                    any_failed = true;
                    if !self.config.no_messages && !self.config.quiet {
                        say(&mut io::stderr(), &format!("grep: {name}: {}", strip_errno(&error)));
                    }
                }
                Err(Failure::Write(error)) => return unwritten(&error),
            }
            if any_selected && self.config.quiet {
                return 0;
            }
        }
        match self.write() {
            Err(error) => unwritten(&error),
            Ok(()) if any_failed => 2,
            Ok(()) => i32::from(!any_selected),
        }
    }

    /// How many lines are selected.
    fn file(&mut self, name: &str, input: &mut dyn Read) -> Result<u64, Failure> {
        let mut reading =
            Reading { name, selected: 0, is_binary: false, is_told: false, lines: 0, counted_to: 0 };
        let mut buffer = vec![0; CHUNK];
        // The beginning of a line.
        let mut kept = 0;
        loop {
            if kept == buffer.len() {
                buffer.resize(2 * kept, 0);
            }
            let read = stream::read(input, &mut buffer[kept..]).map_err(Failure::Read)?;
            let there = kept + read;
            let whole = match read {
                0 => there,
                _ => memrchr(b'\n', &buffer[kept..there]).map_or(0, |length| kept + length + 1),
            };
            let goes_on = self.lines(&mut reading, &buffer[..whole]).map_err(Failure::Write)?;
            if read == 0 || !goes_on {
                break;
            }
            buffer.copy_within(whole..there, 0);
            kept = there - whole;
        }
        if reading.is_told {
            say(&mut io::stderr(), &format!("grep: {name}: binary file matches"));
        }
        if self.config.quiet {
        } else if self.config.files_with_matches {
            if reading.selected > 0 {
                self.made.extend_from_slice(&encode(&format!("{name}\n")));
            }
        } else if self.config.count {
            let prefix = if self.shows_names { format!("{name}:") } else { String::new() };
            self.made.extend_from_slice(&encode(&format!("{prefix}{}\n", reading.selected)));
        }
        self.write_full().map_err(Failure::Write)?;
        Ok(reading.selected)
    }

    /// Whether there is more to look for.
    fn lines(&mut self, reading: &mut Reading, lines: &[u8]) -> io::Result<bool> {
        reading.is_binary |= !self.is_text && memchr(0, lines).is_some();
        reading.counted_to = 0;
        let is_ascii = !self.selector.are_bytes && is_ascii(lines);
        let mut at = 0;
        while at < lines.len() {
            let next = self.selector.next(lines, at, is_ascii);
            let (selected, after) = match (next, self.inverts) {
                (Some(line), false) => (line.clone(), line.end),
                (None, false) => break,
                (Some(line), true) => (at..line.start, line.end),
                (None, true) => (at..lines.len(), lines.len()),
            };
            at = after;
            if !selected.is_empty() && !self.select(reading, lines, selected, is_ascii)? {
                return Ok(false);
            }
        }
        if self.config.line_number {
            reading.lines += count(&lines[reading.counted_to..]);
        }
        self.write_full()?;
        Ok(true)
    }

    /// Does what is to be done with lines that follow each other. Whether there is more to look for.
    fn select(
        &mut self,
        reading: &mut Reading,
        lines: &[u8],
        selected: Range<usize>,
        is_ascii: bool,
    ) -> io::Result<bool> {
        if self.config.quiet || self.config.files_with_matches {
            reading.selected = 1;
            return Ok(false);
        }
        let shown = &lines[selected.clone()];
        if self.config.count {
            reading.selected += count(shown);
            return Ok(true);
        }
        reading.selected += 1;
        if reading.is_binary {
            reading.is_told = true;
            return Ok(false);
        }
        if self.config.line_number {
            reading.lines += count(&lines[reading.counted_to..selected.start]);
            reading.counted_to = selected.end;
        }
        let is_valid = is_ascii || self.is_text || std::str::from_utf8(shown).is_ok();
        if is_valid && !self.shows_names && !self.config.line_number {
            self.made.extend_from_slice(shown);
        } else {
            let mut rest = shown;
            while !rest.is_empty() {
                let (line, after) = rest.split_at(memchr(b'\n', rest).map_or(rest.len(), |at| at + 1));
                rest = after;
                reading.lines += 1;
                if is_valid || std::str::from_utf8(line).is_ok() {
                    self.show(reading, line);
                } else {
                    reading.is_told = true;
                }
            }
        }
        if self.made.last().is_some_and(|last| *last != b'\n') {
            self.made.push(b'\n');
        }
        if self.made.len() >= stream::CHUNK {
            self.write()?;
        }
        Ok(true)
    }

    fn show(&mut self, reading: &Reading, line: &[u8]) {
        if self.shows_names {
            self.made.extend_from_slice(&encode(reading.name));
            self.made.push(b':');
        }
        if self.config.line_number {
            self.made.extend_from_slice(itoa::Buffer::new().format(reading.lines).as_bytes());
            self.made.push(b':');
        }
        self.made.extend_from_slice(line);
    }

    /// Writes what is made if that is much, or somebody waits for it.
    fn write_full(&mut self) -> io::Result<()> {
        if self.made.len() >= stream::CHUNK || self.is_watched { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        Output::new().write_all(&self.made)?;
        self.made.clear();
        Ok(())
    }
}

enum Failure {
    Read(io::Error),
    Write(io::Error),
}

fn unwritten(error: &io::Error) -> i32 {
    say(&mut io::stderr(), &format!("grep: write error: {}", strip_errno(error)));
    2
}
