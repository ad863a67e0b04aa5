//! `cpio`, over the crate `cpio`: archives of the form "newc".

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use ::cpio::newc::{Builder, Entry, Reader, trailer};
use cordon_multicall::launch::errno_text;
use cordon_multicall::{calendar, options, say, users};
use cordon_vm::byte_text::{self, ToText};
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, FileType, Symlinks};

use crate::reason;

type Args = std::vec::IntoIter<OsString>;

const TROUBLE: i32 = 2;

/// Archives are that many bytes, or a multiple.
const BLOCK: u64 = 512;

const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const FIFO: u32 = 0o010_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

const HELP: &str = "\
Usage: cpio -o|-i|-p|-t [OPTION]... [PATTERN]... [< names or archive] [> archive]

  -o, --create             make an archive of the files that standard input names
  -i, --extract            extract files from an archive
  -p, --pass-through DIR   copy the files that standard input names to a directory
  -t, --list               list what is in an archive
  -0, --null               names end with a zero
  -d, --make-directories   make directories where they are needed
  -f, --nonmatching        only files that do not match the patterns
  -F, --file=FILE          the archive; also -I, -O
  -H, --format=FORMAT      newc, which is the only one
  -L, --dereference        follow symbolic links
  -m, --preserve-modification-time
  -u, --unconditional      replace all files
  -v, --verbose            tell the files
      --no-absolute-filenames, --quiet, --to-stdout";

const LONGS: &[&str] = &[
    "create=o",
    "extract=i",
    "pass-through=p",
    "list=t",
    "null=0",
    "make-directories=d",
    "nonmatching=f",
    "file:=F",
    "format:=H",
    "dereference=L",
    "preserve-modification-time=m",
    "unconditional=u",
    "verbose=v",
    "no-absolute-filenames=N",
    "quiet=Q",
    "to-stdout=S",
    "link=l",
    "append=A",
    "reset-access-time=a",
    "owner:=R",
    "pattern-file:=E",
    "no-preserve-owner=n",
    "numeric-uid-gid=n",
    "dot=V",
    "sparse=n",
    "help=h",
    "version=Z",
];

/// A file that goes into an archive or a directory.
struct Source {
    name: String,
    about: FileStatus,
    /// Kind and permissions, as an archive has them.
    mode: u32,
    contents: Vec<u8>,
}

struct Call {
    parsed: options::Parsed,
    patterns: Vec<glob::Pattern>,
}

pub fn cpio(args: Args) -> i32 {
    let parsed = match options::parse(args, "oiptadfmuvlLnABkcVO:I:F:H:M:R:E:C:0", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => return misused(&message),
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('Z') {
        say(&mut io::stdout(), "cpio (cordon)");
        return 0;
    }
    if parsed.has('A') {
        return fail("--append is not supported");
    }
    match parsed.value('H').map(str::to_ascii_lowercase).as_deref() {
        None | Some("newc") => {}
        Some("crc" | "odc" | "bin" | "ustar" | "tar") => return fail("of formats there is newc only"),
        Some(other) => {
            return misused(&format!("invalid archive format `{other}'; valid formats are:\nnewc"));
        }
    }
    let modes = ['o', 'i', 'p'].into_iter().filter(|mode| parsed.has(*mode)).count();
    if modes > 1 {
        return misused("Mode already defined");
    }
    let mut patterns = vec![];
    for pattern in parsed.operands.iter().map(|word| word.to_text()) {
        match glob::Pattern::new(&pattern) {
            Ok(pattern) => patterns.push(pattern),
            Err(_) => return fail(&format!("{pattern}: invalid pattern")),
        }
    }
    let call = Call { parsed, patterns };
    let outcome = match () {
        () if call.has('o') => call.create(),
        () if call.has('p') => call.pass(),
        () if call.has('i') || call.has('t') => call.extract(),
        () => return misused("You must specify one of -oipt options."),
    };
    outcome.unwrap_or_else(|message| fail(&message))
}

fn fail(message: &str) -> i32 {
    say(&mut io::stderr(), &format!("cpio: {message}"));
    TROUBLE
}

fn misused(message: &str) -> i32 {
    fail(&format!("{message}\nTry 'cpio --help' or 'cpio --usage' for more information."))
}

/// Counts what goes through.
struct Counted<T> {
    inner: T,
    count: u64,
}

impl<T: Write> Write for Counted<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Counted<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.count += read as u64;
        Ok(read)
    }
}

/// What standard input names.
fn names(zeros: bool) -> Result<Vec<String>, String> {
    let mut text = vec![];
    io::stdin().lock().read_to_end(&mut text).map_err(|error| reason(&error))?;
    let end = if zeros { 0 } else { b'\n' };
    let names = text.split(|byte| *byte == end).filter(|name| !name.is_empty());
    Ok(names.map(|name| byte_text::decoded(name).into_owned()).collect())
}

impl Call {
    fn has(&self, letter: char) -> bool {
        self.parsed.has(letter)
    }

    fn blocks(&self, bytes: u64) {
        if !self.has('Q') {
            let blocks = bytes.div_ceil(BLOCK);
            say(&mut io::stderr(), &format!("{blocks} block{}", if blocks == 1 { "" } else { "s" }));
        }
    }

    fn status(&self, name: &str) -> Result<FileStatus, String> {
        let links = if self.has('L') { Symlinks::Follow } else { Symlinks::NoFollow };
        filesystem::status(name, links).map_err(|errno| format!("{name}: Cannot stat: {}", errno_text(errno)))
    }

    /// Hands over the files that standard input names, one after the other, and reports those that cannot be read.
    /// The status is what the last complaint, of this or of who takes them, makes it.
    fn each(&self, mut take: impl FnMut(Source) -> Result<i32, String>) -> Result<i32, String> {
        let mut status = 0;
        for name in names(self.has('0'))? {
            let taken = match self.source(name) {
                Ok(source) => take(source)?,
                Err(message) => fail(&message),
            };
            if taken != 0 {
                status = taken;
            }
        }
        Ok(status)
    }

    fn source(&self, name: String) -> Result<Source, String> {
        let about = self.status(&name)?;
        let (kind, contents) = match about.file_type {
            FileType::Directory => (DIRECTORY, vec![]),
            FileType::SymbolicLink => {
                let target = filesystem::read_symlink(&name);
                let target = target.map_err(|errno| format!("{name}: {}", errno_text(errno)))?;
                (SYMLINK, byte_text::encode(&target).into_owned())
            }
            FileType::RegularFile => {
                let contents = fs::read(&name);
                (REGULAR, contents.map_err(|error| format!("{name}: Cannot open: {}", reason(&error)))?)
            }
            FileType::Fifo => (FIFO, vec![]),
            FileType::CharacterDevice => (CHARACTER_DEVICE, vec![]),
        };
        let mode = kind | about.mode & 0o7777;
        Ok(Source { name, about, mode, contents })
    }

    fn create(&self) -> Result<i32, String> {
        let file = self.parsed.value('O').or(self.parsed.value('F'));
        let out: Box<dyn Write> = match file {
            Some(file) => {
                Box::new(File::create(file).map_err(|error| format!("{file}: {}", reason(&error)))?)
            }
            None => Box::new(io::stdout().lock()),
        };
        let failed = |error: io::Error| format!("write error: {}", reason(&error));
        let mut out = Counted { inner: BufWriter::with_capacity(64 * 1024, out), count: 0 };
        let status = self.each(|file| {
            let size = u32::try_from(file.contents.len())
                .map_err(|_| format!("{}: too large for this format", file.name))?;
            let member = if self.has('N') { file.name.trim_start_matches('/') } else { &file.name };
            let builder = Builder::new(member)
                .ino((file.about.inode & 0xffff_ffff) as u32)
                .mode(file.mode)
                .uid(cordon_vm::USER_ID)
                .gid(cordon_vm::USER_ID)
                .nlink(u32::try_from(file.about.links).unwrap_or(1))
                .mtime(u32::try_from(file.about.modified / 1_000_000_000).unwrap_or(u32::MAX));
            let mut writer = builder.write(&mut out, size);
            writer.write_all(&file.contents).map_err(failed)?;
            writer.finish().map_err(failed)?;
            if self.has('v') {
                say(&mut io::stderr(), &file.name);
            }
            Ok(0)
        })?;
        let mut out = trailer(out).map_err(failed)?;
        let rest = (BLOCK - out.count % BLOCK) % BLOCK;
        out.write_all(&vec![0; usize::try_from(rest).unwrap_or(0)])
            .and_then(|()| out.flush())
            .map_err(failed)?;
        self.blocks(out.count);
        Ok(status)
    }

    fn is_wanted(&self, name: &str) -> bool {
        let matches = self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(name));
        matches != (self.has('f') && !self.patterns.is_empty())
    }

    fn extract(&self) -> Result<i32, String> {
        let file = self.parsed.value('I').or(self.parsed.value('F'));
        let input: Box<dyn Read> = match file {
            Some(file) => Box::new(File::open(file).map_err(|error| format!("{file}: {}", reason(&error)))?),
            None => Box::new(io::stdin().lock()),
        };
        let mut input = Counted { inner: BufReader::with_capacity(64 * 1024, input), count: 0 };
        let mut status = 0;
        // Directories get their times when all that goes into them is there.
        let mut directories = vec![];
        loop {
            let reader = Reader::new(input).map_err(|_| "premature end of archive".to_owned())?;
            if reader.entry().is_trailer() {
                input = reader.finish().map_err(|_| "premature end of archive".to_owned())?;
                break;
            }
            let mut name = reader.entry().name().to_owned();
            if !self.is_wanted(&name) {
                input = reader.finish().map_err(|_| "premature end of archive".to_owned())?;
                continue;
            }
            if self.has('N') {
                name = name.trim_start_matches('/').to_owned();
            }
            let (mode, time) = (reader.entry().mode(), u64::from(reader.entry().mtime()) * 1_000_000_000);
            let shown = if self.has('t') && self.has('v') { Some(described(reader.entry())) } else { None };
            let mut contents = vec![];
            input = reader.to_writer(&mut contents).map_err(|_| "premature end of archive".to_owned())?;
            if self.has('t') {
                let target = byte_text::decoded(&contents).into_owned();
                let line = match shown {
                    Some(line) if mode & KIND == SYMLINK => format!("{line} -> {target}"),
                    Some(line) => line,
                    None => name,
                };
                say(&mut io::stdout(), &line);
                continue;
            }
            if self.has('S') {
                if mode & KIND == REGULAR {
                    io::stdout().write_all(&contents).map_err(|error| reason(&error))?;
                }
                continue;
            }
            match self.put(&name, mode, time, &contents) {
                Ok(()) => {
                    if mode & KIND == DIRECTORY && self.has('m') {
                        directories.push((name.clone(), time));
                    }
                }
                Err(message) => status = fail(&message),
            }
            if self.has('v') {
                say(&mut io::stderr(), &name);
            }
        }
        for (name, time) in directories.into_iter().rev() {
            let _ = filesystem::set_times(&name, time, time, Symlinks::Follow);
        }
        // What fills the last block.
        let _ = io::copy(&mut input, &mut io::sink());
        self.blocks(input.count);
        Ok(status)
    }

    /// Makes a file, unless one is there that is as new, of which it tells.
    fn put(&self, name: &str, mode: u32, time: u64, contents: &[u8]) -> Result<(), String> {
        let failed = |error: io::Error| format!("{name}: Cannot open: {}", reason(&error));
        if mode & KIND == DIRECTORY {
            match fs::create_dir(name) {
                Ok(()) => {}
                Err(_) if Path::new(name).is_dir() => {}
                Err(_) if self.has('d') => fs::create_dir_all(name).map_err(failed)?,
                Err(error) => return Err(format!("{name}: Cannot mkdir: {}", reason(&error))),
            }
            let _ = filesystem::set_mode(name, mode & 0o7777);
            return Ok(());
        }
        if let Ok(there) = filesystem::status(name, Symlinks::NoFollow) {
            if !self.has('u') && there.modified / 1_000_000_000 >= time / 1_000_000_000 {
                fail(&format!("{name} not created: newer or same age version exists"));
                return Ok(());
            }
            if there.file_type != FileType::Directory {
                let _ = fs::remove_file(name);
            }
        }
        if self.has('d')
            && let Some(parent) = Path::new(name).parent().filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        match mode & KIND {
            SYMLINK => {
                let target = byte_text::decoded(contents);
                return filesystem::create_symlink(&target, name)
                    .map_err(|errno| format!("{name}: Cannot symlink: {}", errno_text(errno)));
            }
            FIFO => {
                return filesystem::create_fifo(name, mode & 0o7777)
                    .map_err(|errno| format!("{name}: Cannot mkfifo: {}", errno_text(errno)));
            }
            CHARACTER_DEVICE => return Err(format!("{name}: Cannot mknod: Operation not permitted")),
            _ => fs::write(name, contents).map_err(failed)?,
        }
        let _ = filesystem::set_mode(name, mode & 0o7777);
        if self.has('m') {
            let _ = filesystem::set_times(name, time, time, Symlinks::Follow);
        }
        Ok(())
    }

    /// Copies files into a directory.
    fn pass(&self) -> Result<i32, String> {
        let Some(directory) = self.parsed.operands.first() else {
            return Ok(misused("You must specify a directory"));
        };
        let directory = directory.to_text().into_owned();
        let mut bytes = 0;
        let status = self.each(|file| {
            let target = format!("{directory}/{}", file.name);
            bytes += file.contents.len() as u64;
            let put = self.put(&target, file.mode, file.about.modified, &file.contents);
            let status = put.map_or_else(|message| fail(&message), |()| 0);
            if self.has('v') {
                say(&mut io::stderr(), &target);
            }
            Ok(status)
        })?;
        self.blocks(bytes);
        Ok(status)
    }
}

/// A member as `ls -l` shows files.
fn described(entry: &Entry) -> String {
    let mode = entry.mode();
    let kind = match mode & KIND {
        DIRECTORY => 'd',
        SYMLINK => 'l',
        FIFO => 'p',
        CHARACTER_DEVICE => 'c',
        _ => '-',
    };
    let bits: String = (0..9)
        .map(|bit| if mode >> (8 - bit) & 1 == 1 { ['r', 'w', 'x'][bit as usize % 3] } else { '-' })
        .collect();
    let (user, group) = (users::user_name(entry.uid()), users::group_name(entry.gid()));
    let time = calendar::listed(u64::from(entry.mtime()) * 1_000_000_000);
    format!(
        "{kind}{bits} {:>3} {user:<8} {group:<8} {:>8} {time} {}",
        entry.nlink(),
        entry.file_size(),
        entry.name()
    )
}
