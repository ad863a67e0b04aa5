//! `zgrep`, `zdiff`, `zless` and their like: programs that read packed files as if they were not packed.
//!
//! The work is that of `gzip`, `bzip2` or `xz`, and of `grep`, `diff`, `cmp` or `less`: they are started here, one reading
//! what the other writes.

use std::ffi::OsString;
use std::io;

use cordon_multicall::launch::{code_of, errno_text, start_with};
use cordon_multicall::say;
use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::filesystem::{self, OpenFlags};
use cordon_vm::process::{self, Child};
use cordon_vm::types::Errno;

type Args = std::vec::IntoIter<OsString>;

/// Something is wrong, as `grep` and `diff` tell it.
const TROUBLE: i32 = 2;

/// A file that can be read unpacked, and the program that unpacks it, if any.
struct Plain {
    input: Descriptor,
    unpacker: Option<Child>,
}

impl Plain {
    /// Waits for the unpacker. `false` if it failed; one that nobody listened to any more has not.
    fn end(self) -> bool {
        drop(self.input);
        self.unpacker.is_none_or(|child| child.wait().is_ok_and(|status| matches!(code_of(status), 0 | 141)))
    }
}

/// The program that unpacks what begins so.
fn unpacker(start: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 4] =
        [(b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd")];
    KNOWN.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, program)| *program)
}

/// Opens a file, or the standard input as `-`, which is kept as a file.
fn open(name: &str) -> Result<Plain, Errno> {
    let file = if name == "-" {
        let input = descriptors::inherited(0)?;
        let kept = descriptors::memory_file()?;
        loop {
            let piece = input.read(1 << 16)?;
            if piece.is_empty() {
                break;
            }
            kept.write(&piece)?;
        }
        kept.seek(0, descriptors::Whence::Start)?;
        kept
    } else {
        filesystem::open(name, OpenFlags::READ, 0)?
    };
    let start = file.read(8)?;
    file.seek(0, descriptors::Whence::Start)?;
    let Some(program) = unpacker(&start) else { return Ok(Plain { input: file, unpacker: None }) };
    let (input, output) = descriptors::pipe()?;
    let words = [program.to_owned(), "-cd".to_owned()];
    let child = start_with(&words, process::environment(), None, &[(0, &file), (1, &output)])?;
    Ok(Plain { input, unpacker: Some(child) })
}

/// Runs a program with such streams.
fn run(words: &[String], instead: &[(u32, &Descriptor)]) -> i32 {
    let outcome = start_with(words, process::environment(), None, instead).and_then(|child| child.wait());
    match outcome {
        Ok(status) => code_of(status),
        Err(errno) => {
            say(&mut io::stderr(), &format!("{}: {}", words[0], errno_text(errno)));
            TROUBLE
        }
    }
}

pub fn zgrep(args: Args) -> i32 {
    grep("zgrep", &["grep"], args)
}

pub fn zegrep(args: Args) -> i32 {
    grep("zegrep", &["grep", "-E"], args)
}

pub fn zfgrep(args: Args) -> i32 {
    grep("zfgrep", &["grep", "-F"], args)
}

pub fn bzgrep(args: Args) -> i32 {
    grep("bzgrep", &["grep"], args)
}

pub fn xzgrep(args: Args) -> i32 {
    grep("xzgrep", &["grep"], args)
}

const GREP_HELP: &str = "[OPTION]... [-e] PATTERN [FILE]...
Look for instances of PATTERN in the input FILEs, using their
uncompressed contents if they are compressed.

OPTIONs are the same as for 'grep', but for those that go through directories.";

/// Options of `grep` that have a value in the next word.
const LONG_VALUES: [&str; 9] = [
    "--regexp",
    "--file",
    "--max-count",
    "--context",
    "--after-context",
    "--before-context",
    "--label",
    "--binary-files",
    "--color",
];

fn grep(name: &str, program: &[&str], args: Args) -> i32 {
    let (mut options, mut operands) = (vec![], vec![]);
    let (mut has_pattern, mut names, mut lists) = (false, None, None);
    let mut words = cordon_multicall::words(args).into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            operands.extend(words.by_ref());
            break;
        }
        if word == "-" || !word.starts_with('-') {
            operands.push(word);
            continue;
        }
        let mut takes_next = false;
        if word.starts_with("--") {
            match word.as_str() {
                "--help" => {
                    say(&mut io::stdout(), &format!("Usage: {name} {GREP_HELP}"));
                    return 0;
                }
                "--with-filename" => names = Some(true),
                "--no-filename" => names = Some(false),
                "--files-with-matches" => lists = Some(true),
                "--files-without-match" => lists = Some(false),
                _ => {}
            }
            let bare = word.split('=').next().unwrap_or_default();
            if matches!(
                bare,
                "--recursive" | "--dereference-recursive" | "--directories" | "--null" | "--null-data"
            ) || bare.starts_with("--include")
                || bare.starts_with("--exclude")
            {
                say(&mut io::stderr(), &format!("{name}: {word}: option not supported"));
                return TROUBLE;
            }
            has_pattern |= matches!(bare, "--regexp" | "--file");
            takes_next = !word.contains('=') && LONG_VALUES[..7].contains(&bare);
        } else {
            for (at, letter) in word.char_indices().skip(1) {
                match letter {
                    'e' | 'f' => has_pattern = true,
                    'H' => names = Some(true),
                    'h' => names = Some(false),
                    'l' => lists = Some(true),
                    'L' => lists = Some(false),
                    'r' | 'R' | 'd' | 'z' | 'Z' => {
                        say(&mut io::stderr(), &format!("{name}: -{letter}: option not supported"));
                        return TROUBLE;
                    }
                    _ => {}
                }
                if matches!(letter, 'e' | 'f' | 'm' | 'A' | 'B' | 'C' | 'D') {
                    takes_next = at + 1 == word.len();
                    break;
                }
            }
        }
        options.push(word);
        if takes_next {
            options.extend(words.next());
        }
    }
    let mut operands = operands.into_iter();
    if !has_pattern {
        let Some(pattern) = operands.next() else {
            say(&mut io::stderr(), &format!("{name}: missing pattern; try `{name} --help' for help"));
            return TROUBLE;
        };
        options.extend(["-e".to_owned(), pattern]);
    }
    let mut files: Vec<String> = operands.collect();
    if files.is_empty() {
        files.push("-".into());
    }
    let names = names.unwrap_or(files.len() > 1);
    let mut status = 1;
    for file in &files {
        let plain = match open(file) {
            Ok(plain) => plain,
            Err(errno) => {
                say(&mut io::stderr(), &format!("gzip: {file}: {}", errno_text(errno)));
                status = TROUBLE;
                continue;
            }
        };
        let mut command: Vec<String> = program.iter().map(|&word| word.to_owned()).collect();
        command.extend(options.iter().cloned());
        command.push(if names || lists.is_some() { "-H" } else { "-h" }.into());
        if file != "-" {
            command.push(format!("--label={file}"));
        }
        command.extend(["--".to_owned(), "-".to_owned()]);
        let code = run(&command, &[(0, &plain.input)]);
        let is_whole = plain.end();
        // One that matches makes it 0, unless something was wrong.
        status = match (is_whole, code) {
            (false, _) => TROUBLE,
            (true, 0) if status == 1 => 0,
            (true, code) if code > 1 => code.max(status),
            _ => status,
        };
    }
    status
}

pub fn zdiff(args: Args) -> i32 {
    compare("zdiff", "diff", args)
}

pub fn zcmp(args: Args) -> i32 {
    compare("zcmp", "cmp", args)
}

fn compare(name: &str, program: &str, args: Args) -> i32 {
    let (mut command, mut files) = (vec![program.to_owned()], vec![]);
    for word in cordon_multicall::words(args) {
        match word.as_str() {
            "--help" => {
                say(
                    &mut io::stdout(),
                    &format!(
                        "Usage: {name} [OPTION]... FILE1 [FILE2]\nCompare FILE1 to FILE2, using their uncompressed \
                         contents if they are\ncompressed.  If FILE2 is omitted, FILE1 is compared to FILE1 without its \
                         ending.\n\nOPTIONs are the same as for '{program}'."
                    ),
                );
                return 0;
            }
            "-" => files.push(word),
            _ if word.starts_with('-') => command.push(word),
            _ => files.push(word),
        }
    }
    if let [file] = files.as_slice() {
        let bare =
            [".gz", ".tgz", ".z", ".Z", ".bz2", ".xz"].iter().find_map(|ending| file.strip_suffix(ending));
        let Some(bare) = bare else {
            say(&mut io::stderr(), &format!("{name}: {file}: unknown compressed file extension"));
            return TROUBLE;
        };
        files.push(bare.to_owned());
    }
    let [left, right] = files.as_slice() else {
        say(&mut io::stderr(), &format!("{name}: invalid number of operands; try `{name} --help' for help"));
        return TROUBLE;
    };
    let mut opened = vec![];
    for file in [left, right] {
        match open(file) {
            Ok(plain) => opened.push(plain),
            Err(errno) => {
                say(&mut io::stderr(), &format!("{program}: {file}: {}", errno_text(errno)));
                return TROUBLE;
            }
        }
    }
    // The first packed one is the standard input, a second one another descriptor; those that are not are themselves.
    let mut instead: Vec<(u32, &Descriptor)> = vec![];
    for (plain, file) in opened.iter().zip([left, right]) {
        let number = if instead.is_empty() { 0 } else { 5 };
        if plain.unpacker.is_some() {
            instead.push((number, &plain.input));
            command.push(if number == 0 { "-".to_owned() } else { format!("/dev/fd/{number}") });
        } else {
            command.push(file.clone());
        }
    }
    let status = run(&command, &instead);
    drop(instead);
    let mut is_whole = true;
    for plain in opened {
        is_whole &= plain.end();
    }
    if is_whole { status } else { TROUBLE }
}

pub fn zless(args: Args) -> i32 {
    page("less", args)
}

pub fn zmore(args: Args) -> i32 {
    page("more", args)
}

/// Shows files one after the other.
fn page(program: &str, args: Args) -> i32 {
    let (options, mut files): (Vec<String>, Vec<String>) =
        cordon_multicall::words(args).into_iter().partition(|word| word.starts_with('-') && word != "-");
    if files.is_empty() {
        files.push("-".into());
    }
    let mut status = 0;
    for file in &files {
        match open(file) {
            Ok(plain) => {
                let command = [&[program.to_owned()], options.as_slice()].concat();
                status = run(&command, &[(0, &plain.input)]).max(status);
                if !plain.end() {
                    status = status.max(1);
                }
            }
            Err(errno) => {
                say(&mut io::stderr(), &format!("{file}: {}", errno_text(errno)));
                status = 1;
            }
        }
    }
    status
}
