//! `ar`: archives of the kind that libraries are, over the crate `ar`, in GNU's form and without an index.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};

use ::ar::{Archive, GnuBuilder, Header};
use cordon_multicall::{calendar, say, write_line};
use cordon_vm::byte_text::{self, ToText};
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;

use crate::reason;

type Args = std::vec::IntoIter<OsString>;

/// What an archive that cannot be opened ends with.
const NO_ARCHIVE: i32 = 9;

const HELP: &str = "\
Usage: ar [-]{dmpqrtx}[abcDioPsSuUv] [member-name] archive-file file...
  d            - delete file(s) from the archive
  m[ab]        - move file(s) in the archive
  p            - print file(s) found in the archive
  q            - quick append file(s) to the archive
  r[ab][u]     - replace existing or insert new file(s) into the archive
  t[v]         - display contents of the archive
  x[o]         - extract file(s) from the archive
 [a], [b], [i] - put file(s) after or before [member-name]
 [c]           - do not warn if the library had to be created
 [D], [U]      - use zero (default), or actual timestamps and uids/gids
 [o]           - preserve original dates
 [u]           - only replace files that are newer than current archive contents
 [v]           - be verbose
There is no index: [s] and [S] change nothing.";

struct Member {
    name: String,
    header: Header,
    contents: Vec<u8>,
}

struct Call {
    operation: char,
    modifiers: String,
    place: Option<String>,
    archive: String,
    files: Vec<String>,
}

impl Call {
    fn has(&self, modifier: char) -> bool {
        self.modifiers.contains(modifier)
    }
}

fn complain(text: &str) {
    say(&mut io::stderr(), &format!("ar: {text}"));
}

pub fn ar(args: Args) -> i32 {
    let mut words = args.skip(1).map(|word| word.to_text().into_owned());
    let mut first = words.next().unwrap_or_default();
    if first == "--help" {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if matches!(first.as_str(), "--version" | "V") {
        say(&mut io::stdout(), "ar (cordon)");
        return 0;
    }
    if let Some(bare) = first.strip_prefix('-') {
        first = bare.to_owned();
    }
    let mut operation = None;
    let mut modifiers = String::new();
    for letter in first.chars() {
        match letter {
            'd' | 'm' | 'p' | 'q' | 'r' | 't' | 'x' if operation.is_none() => operation = Some(letter),
            'd' | 'm' | 'p' | 'q' | 'r' | 't' | 'x' => {
                complain("two different operation options specified");
                return 1;
            }
            'a' | 'b' | 'c' | 'D' | 'f' | 'i' | 'l' | 'o' | 'P' | 's' | 'S' | 'u' | 'U' | 'v' => {
                modifiers.push(letter)
            }
            letter => {
                complain(&format!("invalid option -- '{letter}'"));
                say(&mut io::stderr(), HELP);
                return 1;
            }
        }
    }
    let place = if modifiers.contains(['a', 'b', 'i']) { words.next() } else { None };
    // The index that `s` alone would make is none here.
    let operation = operation.or(modifiers.contains('s').then_some('s'));
    let (Some(operation), Some(archive)) = (operation, words.next()) else {
        say(&mut io::stderr(), HELP);
        return 1;
    };
    let call = Call { operation, modifiers, place, archive, files: words.collect() };
    run(&call).unwrap_or_else(|(status, message)| {
        complain(&message);
        status
    })
}

type Failure = (i32, String);

fn members(path: &str) -> Result<Vec<Member>, Failure> {
    let file = File::open(path).map_err(|error| (NO_ARCHIVE, format!("{path}: {}", reason(&error))))?;
    let unknown = |_| (1, format!("{path}: file format not recognized"));
    let mut archive = Archive::new(BufReader::new(file));
    let mut members = vec![];
    while let Some(entry) = archive.next_entry() {
        let mut entry = entry.map_err(unknown)?;
        let header = entry.header().clone();
        let name = byte_text::decoded(header.identifier()).into_owned();
        let mut contents = vec![];
        entry.read_to_end(&mut contents).map_err(unknown)?;
        members.push(Member { name, header, contents });
    }
    Ok(members)
}

fn run(call: &Call) -> Result<i32, Failure> {
    let changes = matches!(call.operation, 'd' | 'm' | 'q' | 'r');
    if !changes {
        return read(call, &members(&call.archive)?);
    }
    let is_new = fs::metadata(&call.archive).is_err();
    let mut all = if is_new { vec![] } else { members(&call.archive)? };
    if is_new && !call.has('c') {
        complain(&format!("creating {}", call.archive));
    }
    match call.operation {
        'd' => delete(call, &mut all),
        'm' => shift(call, &mut all)?,
        _ => insert(call, &mut all)?,
    }
    write(&call.archive, &all).map_err(|error| (1, format!("{}: {}", call.archive, reason(&error))))?;
    Ok(0)
}

fn read(call: &Call, all: &[Member]) -> Result<i32, Failure> {
    let mut out = io::stdout().lock();
    let failed = |error: io::Error| (1, reason(&error));
    let mut missing = vec![];
    let mut chosen: Vec<&Member> = vec![];
    for file in &call.files {
        match all.iter().find(|member| member.name == base(file)) {
            Some(member) => chosen.push(member),
            None => missing.push(file),
        }
    }
    if call.files.is_empty() {
        chosen.extend(all);
    }
    for member in chosen {
        match call.operation {
            't' if call.has('v') => write_line(&mut out, &described(member)).map_err(failed)?,
            't' => write_line(&mut out, &member.name).map_err(failed)?,
            'p' => {
                if call.has('v') {
                    write_line(&mut out, &format!("\n<{}>\n", member.name)).map_err(failed)?;
                }
                out.write_all(&member.contents).map_err(failed)?;
            }
            'x' => {
                if call.has('v') {
                    write_line(&mut out, &format!("x - {}", member.name)).map_err(failed)?;
                }
                // Members have no paths: one that is written elsewhere was meant to be.
                let name = base(&member.name);
                fs::write(name, &member.contents)
                    .map_err(|error| (1, format!("{name}: {}", reason(&error))))?;
                let _ = filesystem::set_mode(name, member.header.mode() & 0o777);
                if call.has('o') {
                    let time = member.header.mtime().saturating_mul(1_000_000_000);
                    let _ = filesystem::set_times(name, time, time, Symlinks::Follow);
                }
            }
            _ => {}
        }
    }
    out.flush().map_err(failed)?;
    for file in missing {
        say(&mut io::stderr(), &format!("no entry {file} in archive"));
    }
    Ok(0)
}

fn delete(call: &Call, all: &mut Vec<Member>) {
    for file in &call.files {
        if let Some(at) = all.iter().position(|member| member.name == base(file)) {
            all.remove(at);
            if call.has('v') {
                say(&mut io::stdout(), &format!("d - {file}"));
            }
        } else if call.has('v') {
            say(&mut io::stdout(), &format!("No member named `{file}'"));
        }
    }
}

/// Where the member is that others are put in front of or behind; the end where none is named.
fn place(call: &Call, all: &[Member]) -> usize {
    let named =
        call.place.as_ref().and_then(|place| all.iter().position(|member| member.name == base(place)));
    named.map_or(all.len(), |at| at + usize::from(call.has('a')))
}

fn shift(call: &Call, all: &mut Vec<Member>) -> Result<(), Failure> {
    let mut moved = vec![];
    for file in &call.files {
        let Some(at) = all.iter().position(|member| member.name == base(file)) else {
            return Err((1, format!("no entry {file} in archive {}!", call.archive)));
        };
        moved.push(all.remove(at));
        if call.has('v') {
            say(&mut io::stdout(), &format!("m - {file}"));
        }
    }
    let at = place(call, all);
    all.splice(at..at, moved);
    Ok(())
}

fn insert(call: &Call, all: &mut Vec<Member>) -> Result<(), Failure> {
    for file in &call.files {
        let wrong = |error: io::Error| (1, format!("{file}: {}", reason(&error)));
        let contents = fs::read(file).map_err(wrong)?;
        let status = filesystem::status(file, Symlinks::Follow)
            .map_err(|errno| (1, format!("{file}: {}", cordon_multicall::launch::errno_text(errno))))?;
        let name = base(file).to_owned();
        let mut header = Header::new(byte_text::encode(&name).into_owned(), contents.len() as u64);
        // All that may differ from one machine to another is left out.
        header.set_mode(0o644);
        let modified = status.modified / 1_000_000_000;
        if call.has('U') {
            header.set_mtime(modified);
            header.set_mode(0o100_000 | status.mode & 0o7777);
            header.set_uid(cordon_vm::USER_ID);
            header.set_gid(cordon_vm::USER_ID);
        }
        let at = all.iter().position(|member| member.name == name).filter(|_| call.operation == 'r');
        let verb = if at.is_some() { 'r' } else { 'a' };
        if at.is_some_and(|at| {
            call.has('u') && all[at].header.mtime() >= modified && all[at].header.mtime() > 0
        }) {
            continue;
        }
        let member = Member { name, header, contents };
        match at {
            Some(at) if call.place.is_none() => all[at] = member,
            Some(at) => {
                all.remove(at);
                let at = place(call, all);
                all.insert(at, member);
            }
            None => {
                let at = place(call, all);
                all.insert(at, member);
            }
        }
        if call.has('v') {
            say(&mut io::stdout(), &format!("{verb} - {file}"));
        }
    }
    Ok(())
}

fn write(path: &str, all: &[Member]) -> io::Result<()> {
    let names = all.iter().map(|member| byte_text::encode(&member.name).into_owned()).collect();
    let mut builder = GnuBuilder::new(vec![], names);
    for member in all {
        builder.append(&member.header, member.contents.as_slice())?;
    }
    let mut bytes = builder.into_inner()?;
    if bytes.is_empty() {
        bytes.extend_from_slice(b"!<arch>\n");
    }
    fs::write(path, bytes)
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn described(member: &Member) -> String {
    let header = &member.header;
    let bits: String = (0..9)
        .map(|bit| if header.mode() >> (8 - bit) & 1 == 1 { ['r', 'w', 'x'][bit as usize % 3] } else { '-' })
        .collect();
    let seconds = header.mtime();
    let (year, month, day) = calendar::date(seconds / 86400);
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = usize::try_from(month).ok().and_then(|month| names.get(month.wrapping_sub(1))).unwrap_or(&"");
    format!(
        "{bits} {}/{} {:>6} {month} {day:>2} {:02}:{:02} {year} {}",
        header.uid(),
        header.gid(),
        header.size(),
        seconds / 3600 % 24,
        seconds / 60 % 60,
        member.name
    )
}
