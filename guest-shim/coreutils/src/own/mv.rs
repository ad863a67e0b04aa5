//! `mv` between filesystems: from a mount into the VM's files, back, and from mount to mount. There uutils' cannot tell
//! under WASI why a rename is refused, and its copies lose modes, times and symbolic links.
//!
//! What has to cross is copied to beside its target, is moved from there by uutils' `mv`, which knows all about targets
//! that exist, and is removed where it was only after that. A move that fails or is declined takes nothing away.

use std::ffi::OsString;

use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{Errno, FileStatus, FileType, Symlinks};
use uucore::display::Quotable;

use super::errno_text;
use super::tree::{self, Copier, below};

/// What is asked for, as far as it matters here.
#[derive(Default)]
struct Request {
    /// Everything but operands, `-t` and `-v`, each option by itself.
    options: Vec<String>,
    verbose: bool,
    backup: bool,
    no_clobber: bool,
    into: Option<String>,
    /// The target is not a directory to move into, even if it is one.
    plain_target: bool,
    operands: Vec<String>,
}

/// A source that lies on another filesystem than its target.
struct Crossing {
    source: String,
    target: String,
    /// A directory beside the target, for the copy alone.
    stage: String,
    copy: String,
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let all: Vec<OsString> = args.collect();
    let request = read(&all);
    if let Some(status) = request.as_ref().and_then(Request::over_link) {
        return status;
    }
    match request.and_then(|request| request.divide().map(|parts| (request, parts))) {
        Some((request, Parts { crossing, near, target })) if !crossing.is_empty() => {
            let mut status = 0;
            if !near.is_empty() {
                status = request.call(&all[0], &near, &target, request.verbose);
            }
            status.max(request.cross(&all[0], crossing, &target))
        }
        _ => uu_mv::uumain(all.into_iter()),
    }
}

/// None for what is not understood: uutils' says what is wrong with it.
fn read(all: &[OsString]) -> Option<Request> {
    let mut words = all.iter().skip(1).map(|word| word.to_text().into_owned());
    let mut request = Request::default();
    while let Some(word) = words.next() {
        if word == "--" {
            request.operands.extend(words);
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let name = long_option(name)?;
            match name {
                "target-directory" => request.into = Some(attached.or_else(|| words.next())?),
                "suffix" => {
                    let value = attached.or_else(|| words.next())?;
                    request.options.push(format!("--suffix={value}"));
                    request.backup = true;
                }
                "verbose" => request.verbose = true,
                "no-target-directory" => request.plain_target = true,
                "no-clobber" => request.no_clobber = true,
                "force" | "interactive" => request.no_clobber = false,
                "backup" => request.backup = true,
                "update" | "strip-trailing-slashes" => {}
                _ => return None,
            }
            if !matches!(name, "target-directory" | "suffix" | "verbose") {
                request.options.push(word);
            }
        } else if let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            for (at, letter) in cluster.char_indices() {
                let mut value = || match &cluster[at + letter.len_utf8()..] {
                    "" => words.next(),
                    attached => Some(attached.to_owned()),
                };
                match letter {
                    't' => {
                        request.into = Some(value()?);
                        break;
                    }
                    'S' => {
                        request.options.push(format!("--suffix={}", value()?));
                        request.backup = true;
                        break;
                    }
                    'v' => {
                        request.verbose = true;
                        continue;
                    }
                    'T' => request.plain_target = true,
                    'n' => request.no_clobber = true,
                    'b' => request.backup = true,
                    'f' | 'i' => request.no_clobber = false,
                    'u' => {}
                    _ => return None,
                }
                request.options.push(format!("-{letter}"));
            }
        } else {
            request.operands.push(word);
        }
    }
    Some(request)
}

/// The long options of `mv`. Those that are not looked at here are uutils' alone.
const LONG: [&str; 15] = [
    "backup",
    "context",
    "debug",
    "exchange",
    "force",
    "help",
    "interactive",
    "no-clobber",
    "no-target-directory",
    "strip-trailing-slashes",
    "suffix",
    "target-directory",
    "update",
    "verbose",
    "version",
];

/// The option that a name or the beginning of one stands for.
fn long_option(name: &str) -> Option<&'static str> {
    let mut matching = LONG.into_iter().filter(|known| known.starts_with(name));
    let first = matching.next()?;
    (first == name || matching.next().is_none()).then_some(first)
}

fn status(path: &str, symlinks: Symlinks) -> Option<FileStatus> {
    filesystem::status(path, symlinks).ok()
}

fn is_directory(path: &str, symlinks: Symlinks) -> bool {
    status(path, symlinks).is_some_and(|known| known.file_type == FileType::Directory)
}

/// The directory that a path's last name is in, and that name; none where it ends in no name.
fn split(path: &str) -> Option<(String, &str)> {
    let path = path.trim_end_matches('/');
    let (directory, name) = match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => (".", path),
    };
    (!matches!(name, "" | "." | "..")).then(|| (directory.to_owned(), name))
}

/// What a request comes down to.
struct Parts {
    /// Sources on other filesystems, and what each is to become.
    crossing: Vec<(String, String)>,
    /// All others.
    near: Vec<String>,
    target: Target,
}

enum Target {
    Into(String),
    Path(String),
}

impl Request {
    /// `mv -T` of what is no directory, over a link to a directory: uutils' takes that for the directory.
    fn over_link(&self) -> Option<i32> {
        let [source, target] = self.operands.as_slice() else { return None };
        let is_link = || {
            status(target, Symlinks::NoFollow).is_some_and(|known| known.file_type == FileType::SymbolicLink)
        };
        let is_plain = self.plain_target
            && self.into.is_none()
            && self
                .options
                .iter()
                .all(|option| matches!(option.as_str(), "-T" | "--no-target-directory" | "-f" | "--force"))
            && !target.ends_with('/')
            && is_link()
            && is_directory(target, Symlinks::Follow)
            && status(source, Symlinks::NoFollow).is_some_and(|known| known.file_type != FileType::Directory);
        // Whatever else is wrong with it, or where it has to cross, is told or done elsewhere.
        let renamed = is_plain && filesystem::rename(source, target).is_ok();
        if renamed && self.verbose {
            println!("renamed {} -> {}", source.quote(), target.quote());
        }
        renamed.then_some(0)
    }

    /// None where there is nothing to find out, or where uutils' has to say what is wrong.
    fn divide(&self) -> Option<Parts> {
        let (sources, target) = match &self.into {
            Some(into) if is_directory(into, Symlinks::Follow) => {
                (self.operands.as_slice(), Target::Into(into.clone()))
            }
            Some(_) => return None,
            None => {
                let (target, sources) = self.operands.split_last()?;
                if !self.plain_target && is_directory(target, Symlinks::Follow) {
                    (sources, Target::Into(target.clone()))
                } else {
                    (sources, Target::Path(target.clone()))
                }
            }
        };
        if matches!((&target, sources), (Target::Path(_), [] | [_, _, ..])) {
            return None;
        }
        let mut parts = Parts { crossing: vec![], near: vec![], target };
        for source in sources {
            let crosses = |target: &String| {
                // What is there stays: uutils' knows what to say.
                let is_taken = self.no_clobber && status(target, Symlinks::NoFollow).is_some();
                !is_taken && crosses(source, target)
            };
            match parts.target.of(source).filter(crosses) {
                Some(target) => parts.crossing.push((source.clone(), target)),
                None => parts.near.push(source.clone()),
            }
        }
        Some(parts)
    }

    /// Lets uutils' `mv` do it.
    fn call(&self, name: &OsString, sources: &[String], target: &Target, verbose: bool) -> i32 {
        let mut args = vec![name.clone()];
        args.extend(self.options.iter().map(OsString::from));
        args.extend(verbose.then(|| "-v".into()));
        let last = match target {
            Target::Into(directory) => {
                args.push(format!("--target-directory={directory}").into());
                None
            }
            Target::Path(path) => Some(OsString::from(path)),
        };
        args.push("--".into());
        args.extend(sources.iter().map(OsString::from).chain(last));
        uu_mv::uumain(args.into_iter())
    }

    fn cross(&self, name: &OsString, sources: Vec<(String, String)>, target: &Target) -> i32 {
        let mut failed = 0;
        let mut complain = |message: String| {
            eprintln!("mv: {message}");
            failed = 1;
        };
        let mut copier = Copier::new(true);
        let mut crossings = vec![];
        for (source, target) in sources {
            match self.stage(&mut copier, source, target) {
                Ok(crossing) => crossings.push(crossing),
                Err(message) => complain(message),
            }
        }
        let copies: Vec<String> = crossings.iter().map(|crossing| crossing.copy.clone()).collect();
        let status = if copies.is_empty() { 0 } else { self.call(name, &copies, target, false) };
        for Crossing { source, target, stage, copy } in crossings {
            let moved = matches!(filesystem::status(&copy, Symlinks::NoFollow), Err(Errno::Enoent));
            if moved {
                if let Err(message) = tree::remove(&source) {
                    complain(message);
                } else if self.verbose {
                    println!("copied {} -> {}\nremoved {}", source.quote(), target.quote(), source.quote());
                }
            }
            if let Err(message) = tree::remove(&stage) {
                complain(message);
            }
        }
        status.max(failed)
    }

    /// Copies a source to beside its target.
    fn stage(&self, copier: &mut Copier, source: String, target: String) -> Result<Crossing, String> {
        let kind = status(&source, Symlinks::NoFollow).map(|known| known.file_type);
        let is_there = status(&target, Symlinks::NoFollow).map(|known| known.file_type);
        let (from, to) = (source.quote(), target.quote());
        match (kind == Some(FileType::Directory), is_there) {
            _ if self.backup => {}
            (true, Some(FileType::Directory)) => {
                if filesystem::read_directory(&target).is_ok_and(|entries| !entries.is_empty()) {
                    return Err(format!("cannot move {from} to {to}: Directory not empty"));
                }
            }
            (true, Some(_)) => {
                return Err(format!("cannot overwrite non-directory {to} with directory {from}"));
            }
            (false, Some(FileType::Directory)) => {
                return Err(format!("cannot overwrite directory {to} with non-directory {from}"));
            }
            (_, None) | (false, Some(_)) => {}
        }
        let failed = |errno| match (errno, kind) {
            (Errno::Erofs, Some(FileType::Directory)) => {
                format!("cannot create directory {to}: {}", errno_text(errno))
            }
            (Errno::Erofs, _) => format!("cannot create regular file {to}: {}", errno_text(errno)),
            _ => format!("cannot move {from} to {to}: {}", errno_text(errno)),
        };
        let (directory, _) = split(&target).ok_or_else(|| failed(Errno::Einval))?;
        let (_, name) = split(&source).ok_or_else(|| failed(Errno::Einval))?;
        let stage = make_stage(&directory).map_err(failed)?;
        let copy = below(&stage, name);
        match copier.copy(&source, &copy) {
            Ok(()) => Ok(Crossing { source, target, stage, copy }),
            Err(message) => {
                // Its own failure would hide the one that matters.
                let _ = tree::remove(&stage);
                Err(message.replace(&copy, &target))
            }
        }
    }
}

impl Target {
    /// What a source becomes.
    fn of(&self, source: &str) -> Option<String> {
        Some(match self {
            Target::Into(directory) => below(directory, split(source)?.1),
            Target::Path(path) if path.ends_with('/') && !is_directory(source, Symlinks::NoFollow) => {
                return None;
            }
            Target::Path(path) => path.trim_end_matches('/').to_owned(),
        })
    }
}

/// Whether a rename would have to go from one filesystem to another, or into a directory that is not there: such a
/// directory is on neither.
fn crosses(source: &str, target: &str) -> bool {
    let device = |path: &str| {
        let (directory, _) = split(path)?;
        Some(status(&directory, Symlinks::Follow).map(|known| known.device))
    };
    let (Some(Some(from)), Some(to)) = (device(source), device(target)) else { return false };
    let Some(known) = status(source, Symlinks::NoFollow) else { return false };
    Some(from) != to && !(known.file_type == FileType::Directory && contains(source, target))
}

/// Whether `target` would be inside of `directory`.
fn contains(directory: &str, target: &str) -> bool {
    let canonical = |path: &str| filesystem::canonical_path(path).ok();
    let parent = split(target).and_then(|(parent, _)| canonical(&parent));
    match (canonical(directory), parent) {
        (Some(outer), Some(inner)) => below(&inner, "").starts_with(&below(&outer, "")),
        _ => false,
    }
}

/// Names that are tried for a stage.
const STAGES: u32 = 100;

fn make_stage(directory: &str) -> Result<String, Errno> {
    for number in 0..STAGES {
        let stage = below(directory, &format!(".mv-{}-{number}", cordon_vm::process::id()));
        match filesystem::create_directory(&stage, 0o700) {
            Err(Errno::Eexist) => {}
            outcome => return outcome.map(|()| stage),
        }
    }
    Err(Errno::Eexist)
}
