//! What is asked of `ls` beyond which files and in which order, read from the arguments once more: uutils' keeps it for
//! itself.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ArgMatches;
use clap::parser::ValueSource;
use cordon_vm::byte_text::ToText;
use cordon_vm::types::{FileStatus, FileType};
use uu_ls::{Config, Format, options};
use uucore::colors::TERMS;
use uucore::format::human::{SizeFormat, human_readable};
use uucore::parser::parse_size::parse_size_non_zero_u64;
use uucore::quoting_style::{QuotingStyle, locale_aware_escape_name};
use uucore::time::{FormatSystemTimeFallback, format_system_time};

use super::Entry;

/// Columns of a terminal that nobody tells of.
const WIDTH: usize = 80;
/// Columns from one stop of a tabulator to the next.
const TAB_SIZE: usize = 8;
/// The unit of `-s` and of totals.
const BLOCK: u64 = 1024;
/// What is older is shown with its year: half of a mean Gregorian one.
const RECENT: Duration = Duration::from_secs(31_556_952 / 2);

/// How much the letter behind a name tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Indicator {
    None,
    Slash,
    FileType,
    Classify,
}

#[derive(Clone, Copy)]
enum Time {
    Modified,
    Accessed,
    Changed,
}

/// How times are written, recent ones and others.
struct TimeStyle {
    recent: String,
    older: String,
}

pub struct Request {
    pub inode: bool,
    pub allocated: bool,
    pub owner: bool,
    pub group: bool,
    pub author: bool,
    pub numeric: bool,
    pub indicator: Indicator,
    pub color: bool,
    pub width: usize,
    pub tab_size: usize,
    /// What ends a line.
    pub end: u8,
    pub quoting: QuotingStyle,
    time: Time,
    time_style: TimeStyle,
    now: SystemTime,
    /// By time of change, which uutils' does not know.
    order_by_change: bool,
    reverse: bool,
    human: SizeFormat,
    /// The unit of sizes, and of blocks.
    size_unit: u64,
    block_unit: u64,
}

/// Where an option was said last, or 0.
fn place(matches: &ArgMatches, id: &str) -> usize {
    let place = matches.indices_of(id).and_then(Iterator::last).unwrap_or(0);
    if matches.value_source(id) == Some(ValueSource::CommandLine) { place } else { 0 }
}

/// What `--when=WHEN` comes to.
fn when(said: &str) -> bool {
    match said {
        "auto" | "tty" | "if-tty" => io::stdout().is_terminal(),
        never => !matches!(never, "never" | "no" | "none"),
    }
}

impl Request {
    /// None where nothing is asked that uutils' does not know, or something that it alone does.
    pub fn read(matches: &ArgMatches, config: &Config) -> Option<Request> {
        let flag = |id: &str| matches.get_flag(id);
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        if flag(options::DIRED) || flag(options::CONTEXT) || text(options::HYPERLINK).is_some_and(when) {
            return None;
        }
        let is_long = config.format == Format::Long;
        let time = match text(options::TIME) {
            Some("atime" | "access" | "use") => Time::Accessed,
            Some("ctime" | "status") => Time::Changed,
            Some(_) => Time::Modified,
            None if flag(options::time::ACCESS) => Time::Accessed,
            None if flag(options::time::CHANGE) => Time::Changed,
            None => Time::Modified,
        };
        let (size_unit, block_unit, human) = units(matches);
        let is_colored = asks_for_color(matches);
        let color = is_colored && is_colorful();
        let width = text(options::WIDTH).map(str::to_owned).or_else(|| env::var("COLUMNS").ok());
        let request = Request {
            inode: flag(options::INODE),
            allocated: flag(options::size::ALLOCATION_SIZE),
            owner: !flag(options::format::LONG_NO_OWNER),
            group: !flag(options::NO_GROUP) && !flag(options::format::LONG_NO_GROUP),
            author: flag(options::AUTHOR),
            numeric: flag(options::format::LONG_NUMERIC_UID_GID),
            indicator: indicator(matches),
            color,
            width: width.and_then(|width| width.parse().ok()).unwrap_or(WIDTH),
            tab_size: match text(options::format::TAB_SIZE) {
                _ if color => 0,
                Some(size) => size.parse().unwrap_or(TAB_SIZE),
                None => TAB_SIZE,
            },
            quoting: config.quoting_style,
            end: if flag(options::ZERO) { 0 } else { b'\n' },
            time_style: TimeStyle::read(matches),
            now: SystemTime::now(),
            order_by_change: matches!(time, Time::Changed) && is_by_time(matches, is_long),
            time,
            reverse: flag(options::REVERSE),
            human,
            size_unit,
            block_unit,
        };
        let is_more = is_long
            || request.inode
            || request.allocated
            || request.indicator != Indicator::None
            || is_colored
            // Columns are as wide as GNU's.
            || matches!(config.format, Format::Columns | Format::Across | Format::Commas)
            || request.order_by_change;
        is_more.then_some(request)
    }

    /// Puts entries in the order that is asked for where uutils' cannot.
    pub fn order(&self, entries: &mut [Entry]) {
        if !self.order_by_change {
            return;
        }
        let changed = |entry: &Entry| entry.known.as_ref().map_or(0, |known| known.changed);
        entries.sort_by(|one, other| {
            let order = changed(other).cmp(&changed(one));
            let order = order.then_with(|| one.info.display_name.cmp(&other.info.display_name));
            if self.reverse { order.reverse() } else { order }
        });
    }

    /// The letter behind a name.
    pub fn indicator(&self, known: &FileStatus) -> Option<char> {
        let (letter, least) = match known.file_type {
            FileType::Directory => ('/', Indicator::Slash),
            FileType::SymbolicLink => ('@', Indicator::FileType),
            FileType::Fifo => ('|', Indicator::FileType),
            FileType::RegularFile if known.mode & 0o111 != 0 => ('*', Indicator::Classify),
            FileType::RegularFile | FileType::CharacterDevice => return None,
        };
        (self.indicator >= least).then_some(letter)
    }

    /// A file's size.
    pub fn size(&self, bytes: u64) -> String {
        human_readable(bytes.div_ceil(self.size_unit), self.human)
    }

    /// What a file takes, or a total, of bytes.
    pub fn blocks(&self, bytes: u64) -> String {
        match self.human {
            SizeFormat::Bytes => bytes.div_ceil(self.block_unit).to_string(),
            SizeFormat::Binary | SizeFormat::Decimal => human_readable(bytes, self.human),
        }
    }

    /// The time of a file that is to be shown.
    pub fn time(&self, known: &FileStatus) -> String {
        let nanoseconds = match self.time {
            Time::Modified => known.modified,
            Time::Accessed => known.accessed,
            Time::Changed => known.changed,
        };
        let time = UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        let is_recent = self.now.duration_since(time).is_ok_and(|age| age < RECENT);
        let style = if is_recent { &self.time_style.recent } else { &self.time_style.older };
        let mut text = vec![];
        // A style that cannot be followed leaves what it had come to.
        let _ = format_system_time(&mut text, time, style, FormatSystemTimeFallback::Integer);
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl TimeStyle {
    fn read(matches: &ArgMatches) -> TimeStyle {
        let style =
            |recent: &str, older: &str| TimeStyle { recent: recent.to_owned(), older: older.to_owned() };
        let all = |format: &str| style(format, format);
        let said = matches.get_one::<String>(options::TIME_STYLE).cloned();
        let is_full = matches.get_flag(options::FULL_TIME)
            && place(matches, options::FULL_TIME) > place(matches, options::TIME_STYLE);
        let said = said.or_else(|| env::var("TIME_STYLE").ok()).filter(|_| !is_full);
        let said = match said.as_deref() {
            None if is_full => "full-iso",
            None => "locale",
            Some(said) => said.strip_prefix("posix-").unwrap_or(said),
        };
        // What is none of these uutils' has refused.
        match said {
            "full-iso" => all("%Y-%m-%d %H:%M:%S.%N %z"),
            "long-iso" => all("%Y-%m-%d %H:%M"),
            "iso" => style("%m-%d %H:%M", "%Y-%m-%d "),
            _ => {
                match said.strip_prefix('+').map(|format| format.split_once('\n').unwrap_or((format, format)))
                {
                    Some((recent, older)) => style(recent, older),
                    None => style("%b %e %H:%M", "%b %e  %Y"),
                }
            }
        }
    }
}

/// The unit of sizes, that of blocks, and whether they are written with units.
fn units(matches: &ArgMatches) -> (u64, u64, SizeFormat) {
    let said = matches.get_one::<String>(options::size::BLOCK_SIZE).map(String::as_str);
    if matches.get_flag(options::size::SI) || said == Some("si") {
        (1, 1, SizeFormat::Decimal)
    } else if matches.get_flag(options::size::HUMAN_READABLE) || said == Some("human-readable") {
        (1, 1, SizeFormat::Binary)
    } else if let Some(unit) = said.and_then(|said| parse_size_non_zero_u64(said).ok()) {
        (unit, unit, SizeFormat::Bytes)
    } else {
        (1, BLOCK, SizeFormat::Bytes)
    }
}

fn indicator(matches: &ArgMatches) -> Indicator {
    if let Some(style) = matches.get_one::<String>(options::INDICATOR_STYLE) {
        return match style.as_str() {
            "slash" => Indicator::Slash,
            "file-type" => Indicator::FileType,
            "classify" => Indicator::Classify,
            _ => Indicator::None,
        };
    }
    if let Some(said) = matches.get_one::<String>(options::indicator_style::CLASSIFY) {
        return if when(said) { Indicator::Classify } else { Indicator::None };
    }
    if matches.get_flag(options::indicator_style::SLASH) {
        Indicator::Slash
    } else if matches.get_flag(options::indicator_style::FILE_TYPE) {
        Indicator::FileType
    } else {
        Indicator::None
    }
}

fn asks_for_color(matches: &ArgMatches) -> bool {
    let is_colored = match matches.get_one::<String>(options::COLOR) {
        Some(said) => when(said),
        None => matches.contains_id(options::COLOR),
    };
    is_colored && place(matches, options::ZERO) <= place(matches, options::COLOR)
}

/// Whether the environment speaks of colours: by saying which, or by a terminal that has some.
fn is_colorful() -> bool {
    let has = |name| env::var_os(name).is_some_and(|said| !said.is_empty());
    let term = env::var("TERM").unwrap_or_default();
    let fits = |known: &&str| match (known.strip_prefix('*'), known.strip_suffix('*')) {
        (Some(_), _) => term.contains(known.trim_matches('*')),
        (None, Some(beginning)) => term.starts_with(beginning),
        (None, None) => term == *known,
    };
    has("LS_COLORS") || has("COLORTERM") || TERMS.iter().any(fits)
}

/// Whether the order is by time, of which the last option that speaks of an order decides.
fn is_by_time(matches: &ArgMatches, is_long: bool) -> bool {
    use options::sort::{EXTENSION, NONE, SIZE, TIME, VERSION};
    let others = [NONE, SIZE, VERSION, EXTENSION, options::files::UNSORTED_ALL];
    let other = others.into_iter().map(|id| place(matches, id)).max().unwrap_or(0);
    let (time, sort) = (place(matches, TIME), place(matches, options::SORT));
    match matches.get_one::<String>(options::SORT) {
        Some(said) if sort > time.max(other) => said == "time",
        _ if time.max(other) == 0 => !is_long,
        _ => time > other,
    }
}

/// A name as it is shown, and whether it stands between quotes.
pub fn shown(name: &OsStr, quoting: QuotingStyle) -> (String, bool) {
    let text = locale_aware_escape_name(name, quoting);
    let text = text.to_text().into_owned();
    let is_quoted =
        text.starts_with(['\'', '"']) && !name.as_encoded_bytes().starts_with(&text.as_bytes()[..1]);
    (text, is_quoted)
}

/// What a symbolic link leads to from where it lies.
pub fn target_of(link: &Path, target: &Path) -> std::path::PathBuf {
    link.parent().map_or_else(|| target.to_owned(), |directory| directory.join(target))
}
