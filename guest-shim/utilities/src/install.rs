//! `install`: copies files and sets their modes.

use std::ffi::OsString;
use std::fs;
use std::io;

use cordon_multicall::files::reason;
use cordon_multicall::{launch, options, say};
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage: install [OPTION]... [-T] SOURCE DEST
  or:  install [OPTION]... SOURCE... DIRECTORY
  or:  install [OPTION]... -t DIRECTORY SOURCE...
  or:  install [OPTION]... -d DIRECTORY...

      --backup, -b    back up each existing destination file, with ~ behind its name
  -c                  (ignored)
  -C, --compare       leave what is the same already
  -d, --directory     treat all arguments as directory names; create all components
  -D                  create all leading components of DEST
  -m, --mode=MODE     set permission mode (as in chmod), instead of rwxr-xr-x
  -p, --preserve-timestamps  apply times of SOURCE files to corresponding destination files
  -t, --target-directory=DIRECTORY  copy all SOURCE arguments into DIRECTORY
  -T, --no-target-directory  treat DEST as a normal file
  -v, --verbose       print the name of each created file or directory";

const LONGS: &[&str] = &[
    "backup=b",
    "compare=C",
    "directory=d",
    "group:=g",
    "mode:=m",
    "no-target-directory=T",
    "owner:=o",
    "preserve-timestamps=p",
    "strip=s",
    "target-directory:=t",
    "verbose=v",
];

fn fail(message: &str) -> i32 {
    say(&mut io::stderr(), &format!("install: {message}"));
    1
}

pub fn main(args: Args) -> i32 {
    let parsed = match options::begin("install", HELP, args, "bcCdDg:m:o:pst:TvZ", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if let Some((letter, _)) = parsed.options.iter().find(|(letter, _)| "gosZ".contains(*letter)) {
        return fail(&format!("option '-{letter}' is not supported: a VM has one user, and no strip"));
    }
    let mode = match parsed.value('m') {
        None => 0o755,
        Some(text) => match mode(text) {
            Some(mode) => mode,
            None => return fail(&format!("invalid mode '{text}'")),
        },
    };
    let job = Job { parsed: &parsed, mode };
    let mut names = parsed.words();
    if names.is_empty() {
        return options::misused("install", "missing file operand");
    }
    if parsed.has('d') {
        return names.iter().map(|name| job.directory(name)).max().unwrap_or(0);
    }
    let target = match parsed.value('t') {
        Some(target) => {
            if parsed.has('D') && fs::create_dir_all(target).is_err() {
                return fail(&format!("cannot create directory '{target}'"));
            }
            if !fs::metadata(target).is_ok_and(|about| about.is_dir()) {
                return fail(&format!("failed to access '{target}': No such file or directory"));
            }
            target.to_owned()
        }
        None => {
            if names.len() == 1 {
                return options::misused(
                    "install",
                    &format!("missing destination file operand after '{}'", names[0]),
                );
            }
            names.pop().unwrap_or_default()
        }
    };
    let into = !parsed.has('T') && fs::metadata(&target).is_ok_and(|about| about.is_dir());
    if !into && names.len() > 1 {
        if parsed.has('T') {
            return options::misused("install", &format!("extra operand '{target}'"));
        }
        return fail(&format!("target '{target}' is not a directory"));
    }
    if !into
        && parsed.has('D')
        && let Some((parent, _)) = target.rsplit_once('/')
        && !parent.is_empty()
        && let Err(error) = fs::create_dir_all(parent)
    {
        return fail(&format!("cannot create directory '{parent}': {}", reason(&error)));
    }
    let mut status = 0;
    for name in names {
        let to = if into {
            let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or(&name);
            format!("{}/{last}", target.trim_end_matches('/'))
        } else {
            target.clone()
        };
        status = status.max(job.file(&name, &to));
    }
    status
}

struct Job<'a> {
    parsed: &'a options::Parsed,
    mode: u32,
}

impl Job<'_> {
    fn directory(&self, name: &str) -> i32 {
        let ends = name.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
        for end in ends.chain([name.len()]) {
            let part = &name[..end];
            if fs::metadata(part).is_ok_and(|about| about.is_dir()) {
                continue;
            }
            if let Err(error) = fs::create_dir(part) {
                return fail(&format!("cannot create directory '{part}': {}", reason(&error)));
            }
            if self.parsed.has('v') {
                say(&mut io::stdout(), &format!("install: creating directory '{part}'"));
            }
        }
        self.set_mode(name)
    }

    fn set_mode(&self, name: &str) -> i32 {
        match filesystem::set_mode(name, self.mode) {
            Ok(()) => 0,
            Err(errno) => {
                fail(&format!("cannot change permissions of '{name}': {}", launch::errno_text(errno)))
            }
        }
    }

    fn file(&self, from: &str, to: &str) -> i32 {
        let cannot = |error: io::Error| fail(&format!("cannot stat '{from}': {}", reason(&error)));
        match fs::metadata(from) {
            Err(error) => return cannot(error),
            Ok(about) if about.is_dir() => return fail(&format!("omitting directory '{from}'")),
            Ok(_) => {}
        }
        let same = |one: &str, other: &str| match (
            filesystem::status(one, Symlinks::Follow),
            filesystem::status(other, Symlinks::Follow),
        ) {
            (Ok(one), Ok(other)) => (one.device, one.inode) == (other.device, other.inode),
            _ => false,
        };
        if same(from, to) {
            return fail(&format!("'{from}' and '{to}' are the same file"));
        }
        if self.parsed.has('C')
            && let (Ok(one), Ok(other)) = (fs::read(from), fs::read(to))
            && one == other
            && filesystem::status(to, Symlinks::NoFollow).is_ok_and(|about| about.mode & 0o7777 == self.mode)
        {
            return 0;
        }
        if self.parsed.has('b') && fs::symlink_metadata(to).is_ok() {
            if let Err(error) = fs::rename(to, format!("{to}~")) {
                return fail(&format!("cannot backup '{to}': {}", reason(&error)));
            }
        } else if fs::symlink_metadata(to).is_ok_and(|about| !about.is_dir()) {
            // The name is taken from whoever uses the old file; it is not written into.
            if let Err(error) = fs::remove_file(to) {
                return fail(&format!("cannot remove '{to}': {}", reason(&error)));
            }
        }
        let copied = fs::File::open(from).and_then(|mut input| {
            let mut output = fs::File::create(to)?;
            io::copy(&mut input, &mut output)
        });
        if let Err(error) = copied {
            return fail(&format!("cannot create regular file '{to}': {}", reason(&error)));
        }
        if self.parsed.has('v') {
            say(&mut io::stdout(), &format!("'{from}' -> '{to}'"));
        }
        if self.parsed.has('p')
            && let Ok(about) = filesystem::status(from, Symlinks::Follow)
            && let Err(errno) = filesystem::set_times(to, about.accessed, about.modified, Symlinks::Follow)
        {
            return fail(&format!("setting times for '{to}': {}", launch::errno_text(errno)));
        }
        self.set_mode(to)
    }
}

/// A mode in octal, or clauses that begin at nothing.
fn mode(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    let mut mode = 0u32;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let mut who = 0;
        for letter in clause[..at].chars() {
            who |= match letter {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        let who = if who == 0 { 0o7777 } else { who };
        let mut letters = clause[at..].chars();
        let mut operation = letters.next()?;
        let mut bits = 0;
        let mut apply = |operation: char, bits: u32| match operation {
            '+' => mode |= bits & who,
            '-' => mode &= !(bits & who),
            _ => mode = mode & !who | bits & who,
        };
        for letter in letters {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' | 'X' => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                '+' | '-' | '=' => {
                    apply(operation, bits);
                    (operation, bits) = (letter, 0);
                    0
                }
                _ => return None,
            };
        }
        apply(operation, bits);
    }
    Some(mode)
}
