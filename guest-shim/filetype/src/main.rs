//! `file` of a VM: a WASI program of its own, because its rules are large and few need them.
//!
//! The rules are those of libmagic, read by the crate `pure-magic`; how text is written is told by this program.

mod text;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, Read, Write};

use cordon_multicall::files::{finish, output, reason};
use cordon_multicall::quoting::octal;
use cordon_multicall::{Program, Utilities, is_sorted, options, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};
use pure_magic::MagicDb;
use text::Encoding;
use unicode_width::UnicodeWidthStr;

/// Sorted by name: it is searched, and `--list` prints it, in this order.
const UTILITIES: Utilities = &[("file", main_of_file)];

const _: () = assert!(is_sorted(UTILITIES), "UTILITIES must be sorted by name");

fn main() {
    Program {
        in_text: &["file"],
        ..Program::new(
            "filetype",
            concat!("filetype (cordon ", env!("CARGO_PKG_VERSION"), ")"),
            UTILITIES,
            cordon_posix::keep_text,
        )
    }
    .main()
}

const HELP: &str = "\
Usage: file [OPTION...] [FILE...]
Determine type of FILEs.

  -b, --brief                do not prepend filenames to output lines
  -E                         exit with an error where a file cannot be read
  -f, --files-from FILE      read the filenames to be examined from FILE
  -F, --separator STRING     use string as separator instead of `:'
  -h, --no-dereference       don't follow symlinks (default)
  -i, --mime                 output MIME type strings (--mime-type and --mime-encoding)
      --mime-type            output the MIME type
      --mime-encoding        output the MIME encoding
  -L, --dereference          follow symlinks
  -n, --no-buffer            do not buffer output
  -N, --no-pad               do not pad output
  -0, --print0               terminate filenames with ASCII NUL
  -r, --raw                  accepted
  -s, --special-files        accepted
      --help                 display this help and exit
  -v, --version              output version information and exit";

const LONGS: &[&str] = &[
    "brief=b",
    "files-from:=f",
    "separator:=F",
    "no-dereference=h",
    "mime=i",
    "mime-type=1",
    "mime-encoding=2",
    "dereference=L",
    "no-buffer=n",
    "no-pad=N",
    "print0=0",
    "raw=r",
    "special-files=s",
    "preserve-date=p",
    "help=3",
    "version=v",
];

/// How much of a file is looked at.
const LOOKED_AT: u64 = 1 << 20;

/// A kind of file that MIME knows, and how it is encoded.
struct Found {
    text: String,
    mime: String,
    charset: &'static str,
    failed: bool,
}

impl Found {
    fn new(text: impl Into<String>, mime: &str) -> Self {
        Self { text: text.into(), mime: mime.into(), charset: "binary", failed: false }
    }
}

fn main_of_file(args: std::vec::IntoIter<OsString>) -> i32 {
    let usage =
        "Usage: file [-bEhiLNnprsv0] [--mime-type] [--mime-encoding] [-f namefile] [-F separator] file ...";
    let parsed = match options::parse(args, "bEf:F:hiLnN0rspv", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("file: {message}\n{usage}"));
            return 1;
        }
    };
    if parsed.has('3') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('v') {
        say(&mut io::stdout(), "file (cordon)");
        return 0;
    }
    let mut names: Vec<String> = vec![];
    for (_, list) in parsed.options.iter().filter(|(letter, _)| *letter == 'f') {
        let lines: io::Result<Vec<String>> = match list.as_str() {
            "-" => io::stdin().lock().lines().collect(),
            list => File::open(list).and_then(|file| io::BufReader::new(file).lines().collect()),
        };
        match lines {
            Ok(lines) => names.extend(lines),
            Err(error) => {
                say(&mut io::stderr(), &format!("file: Cannot open `{list}' ({})", reason(&error)));
                return 1;
            }
        }
    }
    let listed = parsed.has('f');
    names.extend(parsed.operands.iter().map(|name| name.to_text().into_owned()));
    if names.is_empty() && !listed {
        say(&mut io::stderr(), usage);
        return 1;
    }
    let widest = if parsed.has('N') || parsed.has('b') {
        0
    } else {
        names.iter().map(|name| shown(name).width()).max().unwrap_or(0)
    };
    let separator = parsed.value('F').unwrap_or(":");
    let mut out = output();
    let mut status = 0;
    let mut rules = None;
    for name in &names {
        let found = about(name, parsed.has('L'), &mut rules);
        let is_error = found.failed && parsed.has('E');
        status |= i32::from(is_error);
        let answer = if is_error {
            format!("ERROR: {}", found.text.replacen("open", "stat", 1))
        } else if found.failed || !(parsed.has('i') || parsed.has('1') || parsed.has('2')) {
            found.text
        } else if parsed.has('1') {
            found.mime
        } else if parsed.has('2') {
            found.charset.into()
        } else {
            format!("{}; charset={}", found.mime, found.charset)
        };
        let line = if parsed.has('b') {
            format!("{answer}\n")
        } else {
            let gap = " ".repeat(widest.saturating_sub(shown(name).width()));
            let end = if parsed.has('0') { "\0" } else { "" };
            format!("{}{end}{separator}{gap} {answer}\n", shown(name))
        };
        if out.write_all(line.as_bytes()).is_err() {
            return 1;
        }
    }
    finish("file", out, status)
}

fn shown(name: &str) -> Cow<'_, str> {
    if name == "-" { "/dev/stdin".into() } else { octal(name) }
}

fn about(name: &str, follows: bool, rules: &mut Option<MagicDb>) -> Found {
    let mut bytes = vec![];
    if name == "-" {
        if let Err(error) = io::stdin().lock().take(LOOKED_AT).read_to_end(&mut bytes) {
            return Found { failed: true, ..Found::new(format!("cannot read `-' ({})", reason(&error)), "") };
        }
        return contents(&bytes, 0, rules);
    }
    let symlinks = if follows { Symlinks::Follow } else { Symlinks::NoFollow };
    let Ok(status) = filesystem::status(name, symlinks) else {
        let why = fs::symlink_metadata(name)
            .err()
            .map_or("No such file or directory".into(), |error| reason(&error));
        return Found { failed: true, ..Found::new(format!("cannot open `{name}' ({why})"), "") };
    };
    match status.file_type {
        FileType::Directory => return Found::new("directory", "inode/directory"),
        FileType::Fifo => return Found::new("fifo (named pipe)", "inode/fifo"),
        FileType::CharacterDevice => return Found::new("character special", "inode/chardevice"),
        FileType::SymbolicLink => {
            let target = filesystem::read_symlink(name).unwrap_or_default();
            let is_broken = filesystem::status(name, Symlinks::Follow).is_err();
            let kind = if is_broken { "broken symbolic link" } else { "symbolic link" };
            return Found::new(format!("{kind} to {target}"), "inode/symlink");
        }
        FileType::RegularFile => {}
    }
    match File::open(name).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut bytes)) {
        Ok(_) => contents(&bytes, status.mode, rules),
        Err(error) => {
            Found { failed: true, ..Found::new(format!("cannot open `{name}' ({})", reason(&error)), "") }
        }
    }
}

fn contents(bytes: &[u8], _mode: u32, rules: &mut Option<MagicDb>) -> Found {
    if bytes.is_empty() {
        return Found::new("empty", "inode/x-empty");
    }
    let encoding = Encoding::of(bytes);
    if rules.is_none() {
        match magic_db::load() {
            Ok(loaded) => *rules = Some(loaded),
            Err(error) => {
                return Found { failed: true, ..Found::new(format!("cannot load the rules: {error}"), "") };
            }
        }
    }
    let known = rules.as_ref().and_then(|rules| rules.first_magic_slice(bytes, None).ok());
    let known = known
        .filter(|magic| !magic.is_default())
        .map(|magic| (magic.message(), magic.mime_type().to_owned()));
    // A rule so weak that any bytes fit it.
    let known = known.filter(|(text, _)| !text.starts_with("raw G3") && !text.is_empty());
    let Some(encoding) = encoding else {
        return match known {
            Some((text, mime)) => Found::new(text, &mime),
            None => Found::new("data", "application/octet-stream"),
        };
    };
    let lines = encoding.lines(bytes);
    let charset = encoding.charset();
    let plain = || Found { charset, ..Found::new(format!("{} text{lines}", encoding.name()), "text/plain") };
    match known {
        None => plain(),
        Some((text, mime)) => {
            // What is found in text is said together with how the text is written.
            let text = if let Some(bare) = text.strip_suffix(" text executable") {
                format!("{bare}, {} text executable{lines}", encoding.name())
            } else if let Some(bare) = text.strip_suffix(" text") {
                match bare {
                    "ASCII" | "UTF-8" | "Unicode" | "ISO-8859" => return plain(),
                    // Few lines are no table.
                    "CSV ASCII" | "CSV UTF-8" if bytes.iter().filter(|&&byte| byte == b'\n').count() < 10 => {
                        return plain();
                    }
                    "CSV ASCII" | "CSV UTF-8" => return Found { charset, ..Found::new("CSV text", &mime) },
                    _ => {}
                }
                format!("{bare}, {} text{lines}", encoding.name())
            } else {
                text
            };
            Found { charset, ..Found::new(text, &mime) }
        }
    }
}
