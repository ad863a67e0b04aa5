//! `du`: how much there is in directories. uutils' prints from a thread. A file counts as the blocks it would fill.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Write};

use cordon_multicall::facts::{UNIT, blocks};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, FileType, Symlinks};
use glob::Pattern;
use uucore::format::human::{SizeFormat, human_readable};
use uucore::parser::parse_size::parse_size_non_zero_u64;

use super::errno_text;
use super::tree::below;

const HELP: &str = "\
Usage: du [OPTION]... [FILE]...
Show how much is in each FILE, and in the directories below it (default: the current directory).

  -a, --all             also files, not only directories
  -b, --bytes           the files' own sizes, in bytes
  -B, --block-size=SIZE in units of SIZE
      --apparent-size   the files' own sizes
  -c, --total           also the sum
  -d, --max-depth=N     only down to N levels below a FILE
  -D, -H, --dereference-args  follow links that are arguments
      --exclude=PATTERN leave out what matches
  -h, --human-readable  with units (powers of 1024)
      --si              with units (powers of 1000)
  -k, -m                in units of 1024, of 1048576 (default 1024)
  -l, --count-links     files of several names for each
  -L, --dereference     follow all links
  -S, --separate-dirs   directories without those in them
  -s, --summarize       only each FILE
  -x, --one-file-system only what is on the FILE's filesystem
  -0, --null            end lines with NUL";

/// Which links are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    None,
    Arguments,
    All,
}

struct Du {
    all: bool,
    apparent: bool,
    total: bool,
    depth: usize,
    unit: u64,
    human: SizeFormat,
    end: char,
    links: Links,
    each_name: bool,
    separate: bool,
    one_device: bool,
    excluded: Vec<Pattern>,
    /// What has been counted: a file of two names counts once.
    seen: HashSet<(u64, u64)>,
    failed: bool,
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let mut du = Du {
        all: false,
        apparent: false,
        total: false,
        depth: usize::MAX,
        unit: 1024,
        human: SizeFormat::Bytes,
        end: '\n',
        links: Links::None,
        each_name: false,
        separate: false,
        one_device: false,
        excluded: vec![],
        seen: HashSet::new(),
        failed: false,
    };
    let mut paths = vec![];
    let mut args = args.skip(1).map(|arg| arg.to_text().into_owned());
    while let Some(arg) = args.next() {
        let outcome = match arg.as_str() {
            "--" => {
                paths.extend(args.by_ref());
                Ok(())
            }
            "--help" => {
                let _ = writeln!(io::stdout(), "{HELP}");
                return 0;
            }
            long if long.starts_with("--") => du.read_long(long, &mut args),
            short if short.starts_with('-') && short.len() > 1 => du.read_short(&short[1..], &mut args),
            _ => {
                paths.push(arg);
                Ok(())
            }
        };
        if let Err(message) = outcome {
            let _ = writeln!(io::stderr(), "du: {message}\nTry 'du --help' for more information.");
            return 1;
        }
    }
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    let mut sum = 0;
    for path in &paths {
        sum += du.measure(path, 0, None);
    }
    if du.total {
        du.show(sum, "total");
    }
    i32::from(du.failed)
}

impl Du {
    fn read_long(&mut self, arg: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg, None),
        };
        match name {
            "--all" => self.all = true,
            "--bytes" => (self.apparent, self.unit) = (true, 1),
            "--apparent-size" => self.apparent = true,
            "--total" => self.total = true,
            "--human-readable" => self.human = SizeFormat::Binary,
            "--si" => self.human = SizeFormat::Decimal,
            "--summarize" => self.depth = 0,
            "--null" => self.end = '\0',
            "--dereference" => self.links = Links::All,
            "--dereference-args" => self.links = Links::Arguments,
            "--no-dereference" => self.links = Links::None,
            "--count-links" => self.each_name = true,
            "--separate-dirs" => self.separate = true,
            "--one-file-system" => self.one_device = true,
            "--max-depth" => self.depth = depth(attached.or_else(|| rest.next()))?,
            "--block-size" => self.unit = unit(attached.or_else(|| rest.next()))?,
            "--exclude" => self.exclude(attached.or_else(|| rest.next()))?,
            _ => return Err(format!("unrecognized option '{arg}'")),
        }
        Ok(())
    }

    fn read_short(&mut self, cluster: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        for (at, flag) in cluster.char_indices() {
            let mut value = || {
                let attached = Some(cluster[at + 1..].to_owned()).filter(|text| !text.is_empty());
                attached.or_else(|| rest.next())
            };
            match flag {
                'a' => self.all = true,
                'b' => (self.apparent, self.unit) = (true, 1),
                'c' => self.total = true,
                'h' => self.human = SizeFormat::Binary,
                'k' => self.unit = 1024,
                'm' => self.unit = 1024 * 1024,
                's' => self.depth = 0,
                '0' => self.end = '\0',
                'L' => self.links = Links::All,
                'D' | 'H' => self.links = Links::Arguments,
                'P' => self.links = Links::None,
                'l' => self.each_name = true,
                'S' => self.separate = true,
                'x' => self.one_device = true,
                'd' => {
                    self.depth = depth(value())?;
                    break;
                }
                'B' => {
                    self.unit = unit(value())?;
                    break;
                }
                _ => return Err(format!("invalid option -- '{flag}'")),
            }
        }
        Ok(())
    }

    fn exclude(&mut self, pattern: Option<String>) -> Result<(), String> {
        let pattern = pattern.ok_or("option '--exclude' requires an argument")?;
        self.excluded.push(Pattern::new(&pattern).map_err(|_| format!("invalid pattern '{pattern}'"))?);
        Ok(())
    }

    fn is_excluded(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.excluded.iter().any(|pattern| pattern.matches(path) || pattern.matches(name))
    }

    /// The bytes at a path; shows it, and what is below it, as far as asked for. `device` is that of what it is below.
    fn measure(&mut self, path: &str, level: usize, device: Option<u64>) -> u64 {
        let follows = self.links == Links::All || (self.links == Links::Arguments && level == 0);
        let follow = if follows { Symlinks::Follow } else { Symlinks::NoFollow };
        let known = match filesystem::status(path, follow) {
            Ok(known) => known,
            Err(errno) => {
                self.fail(&format!("cannot access '{path}': {}", errno_text(errno)));
                return 0;
            }
        };
        let is_directory = known.file_type == FileType::Directory;
        if self.is_excluded(path) || (self.one_device && device.is_some_and(|device| device != known.device))
        {
            return 0;
        }
        let may_come_again = is_directory || known.links > 1 || self.links == Links::All;
        let counts_each = self.each_name && !is_directory;
        if may_come_again && !counts_each && !self.seen.insert((known.device, known.inode)) {
            return 0;
        }
        let mut bytes = self.bytes(&known);
        let mut below_it = 0;
        if is_directory {
            match filesystem::read_directory(path) {
                Ok(entries) => {
                    for entry in entries {
                        let inner = self.measure(&below(path, &entry.name), level + 1, Some(known.device));
                        if self.separate && entry.file_type == FileType::Directory {
                            below_it += inner;
                        } else {
                            bytes += inner;
                        }
                    }
                }
                Err(errno) => {
                    self.fail(&format!("cannot read directory '{path}': {}", errno_text(errno)));
                }
            }
        }
        if level == 0 || (level <= self.depth && (is_directory || self.all)) {
            self.show(bytes, path);
        }
        bytes + below_it
    }

    fn bytes(&self, known: &FileStatus) -> u64 {
        match (self.apparent, known.file_type) {
            (true, FileType::Directory) => 0,
            (true, _) => known.size,
            (false, _) => blocks(known) * UNIT,
        }
    }

    fn show(&self, bytes: u64, name: &str) {
        let size = match self.human {
            SizeFormat::Bytes => bytes.div_ceil(self.unit).to_string(),
            human => human_readable(bytes, human),
        };
        let _ = write!(io::stdout(), "{size}\t{name}{}", self.end);
    }

    fn fail(&mut self, message: &str) {
        self.failed = true;
        let _ = writeln!(io::stderr(), "du: {message}");
    }
}

fn depth(text: Option<String>) -> Result<usize, String> {
    let text = text.ok_or("option requires an argument -- 'd'")?;
    text.parse().map_err(|_| format!("invalid maximum depth '{text}'"))
}

fn unit(text: Option<String>) -> Result<u64, String> {
    let text = text.ok_or("option requires an argument -- 'B'")?;
    parse_size_non_zero_u64(&text).map_err(|_| format!("invalid -B argument '{text}'"))
}
