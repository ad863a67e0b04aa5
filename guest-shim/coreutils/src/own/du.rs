//! `du`: how much there is in directories. uutils' prints from a thread. A file counts as the blocks it would fill;
//! WASI does not tell what is really kept.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::reason;

const HELP: &str = "\
Usage: du [OPTION]... [FILE]...
Show how much is in each FILE, and in the directories below it (default: the current directory).

  -a, --all             also files, not only directories
  -b, --bytes           the files' own sizes, in bytes
      --apparent-size   the files' own sizes
  -c, --total           also the sum
  -d, --max-depth=N     only down to N levels below a FILE
  -h, --human-readable  with units (powers of 1024)
  -k, -m                in units of 1024, of 1048576 (default 1024)
  -s, --summarize       only each FILE
  -0, --null            end lines with NUL";

const BLOCK: u64 = 4096;

struct Du {
    all: bool,
    apparent: bool,
    total: bool,
    depth: usize,
    unit: u64,
    human: bool,
    end: char,
    failed: bool,
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let mut du = Du {
        all: false,
        apparent: false,
        total: false,
        depth: usize::MAX,
        unit: 1024,
        human: false,
        end: '\n',
        failed: false,
    };
    let mut paths = vec![];
    let mut args = args.skip(1).map(|arg| arg.to_string_lossy().into_owned());
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
    // A file of two names counts once.
    let mut seen = HashSet::new();
    let mut sum = 0;
    for path in &paths {
        sum += du.measure(Path::new(path), path, 0, &mut seen);
    }
    if du.total {
        du.show(sum, "total");
    }
    i32::from(du.failed)
}

impl Du {
    fn read_long(&mut self, arg: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        match arg {
            "--all" => self.all = true,
            "--bytes" => (self.apparent, self.unit) = (true, 1),
            "--apparent-size" => self.apparent = true,
            "--total" => self.total = true,
            "--human-readable" => self.human = true,
            "--summarize" => self.depth = 0,
            "--null" => self.end = '\0',
            "--max-depth" => self.depth = depth(rest.next())?,
            _ => match arg.strip_prefix("--max-depth=") {
                Some(text) => self.depth = depth(Some(text.to_owned()))?,
                None => return Err(format!("unrecognized option '{arg}'")),
            },
        }
        Ok(())
    }

    fn read_short(&mut self, cluster: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        for (at, flag) in cluster.char_indices() {
            match flag {
                'a' => self.all = true,
                'b' => (self.apparent, self.unit) = (true, 1),
                'c' => self.total = true,
                'h' => self.human = true,
                'k' => self.unit = 1024,
                'm' => self.unit = 1024 * 1024,
                's' => self.depth = 0,
                '0' => self.end = '\0',
                // Links are never followed, and there is one filesystem.
                'x' | 'P' => {}
                'd' => {
                    let attached = Some(cluster[at + 1..].to_owned()).filter(|text| !text.is_empty());
                    self.depth = depth(attached.or_else(|| rest.next()))?;
                    break;
                }
                _ => return Err(format!("invalid option -- '{flag}'")),
            }
        }
        Ok(())
    }

    /// The bytes in `path`; shows it, and what is below it, as far as asked for.
    fn measure(&mut self, path: &Path, name: &str, level: usize, seen: &mut HashSet<u64>) -> u64 {
        let known = match fs::symlink_metadata(path) {
            Ok(known) => known,
            Err(error) => {
                self.fail(&format!("cannot access '{name}': {}", reason(&error)));
                return 0;
            }
        };
        if !known.is_dir() && level > 0 && !is_new(path, seen) {
            return 0;
        }
        let mut bytes = match (self.apparent, known.is_dir()) {
            (true, true) => 0,
            (true, false) => known.len(),
            (false, _) => known.len().next_multiple_of(BLOCK),
        };
        if known.is_dir() {
            match fs::read_dir(path) {
                Ok(entries) => {
                    let mut names: Vec<_> = entries
                        .flatten()
                        .map(|entry| entry.file_name().to_string_lossy().into_owned())
                        .collect();
                    names.sort_unstable();
                    for entry in names {
                        let below = format!("{}/{entry}", name.trim_end_matches('/'));
                        bytes += self.measure(&path.join(&entry), &below, level + 1, seen);
                    }
                }
                Err(error) => self.fail(&format!("cannot read directory '{name}': {}", reason(&error))),
            }
        }
        if level == 0 || (level <= self.depth && (known.is_dir() || self.all)) {
            self.show(bytes, name);
        }
        bytes
    }

    fn show(&self, bytes: u64, name: &str) {
        let size = if self.human { human(bytes) } else { bytes.div_ceil(self.unit).to_string() };
        let _ = write!(io::stdout(), "{size}\t{name}{}", self.end);
    }

    fn fail(&mut self, message: &str) {
        self.failed = true;
        let _ = writeln!(io::stderr(), "du: {message}");
    }
}

/// Whether a file is met for the first time. What has no identity is always new.
fn is_new(path: &Path, seen: &mut HashSet<u64>) -> bool {
    match uucore::fs::FileInformation::from_path(path, false) {
        Ok(known) if known.number_of_links() > 1 => seen.insert(known.inode()),
        _ => true,
    }
}

fn depth(text: Option<String>) -> Result<usize, String> {
    let text = text.ok_or("option requires an argument -- 'd'")?;
    text.parse().map_err(|_| format!("invalid maximum depth '{text}'"))
}

/// With one digit behind the point below ten, always rounded up, as GNU does.
fn human(bytes: u64) -> String {
    let mut unit = 1u64;
    for name in ["", "K", "M", "G", "T"] {
        if bytes.div_ceil(unit) < 1024 || name == "T" {
            let tenths = (bytes * 10).div_ceil(unit);
            return if unit > 1 && tenths < 100 {
                format!("{}.{}{name}", tenths / 10, tenths % 10)
            } else {
                format!("{}{name}", bytes.div_ceil(unit))
            };
        }
        unit *= 1024;
    }
    bytes.to_string()
}
