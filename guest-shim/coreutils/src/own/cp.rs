//! `cp`: uutils', which copies modes and leaves the umask out where it cannot ask for it. A device by its name is copied
//! here: uutils' refuses it where it cannot tell devices from what is no file at all.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use cordon_posix::{Modes, set_modes};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};
use uucore::display::Quotable;

use super::reason;
use super::tree::{self, Copier, below};

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    if let [_, source, target] = args.as_slice()
        && is_device(source)
        && !target.as_encoded_bytes().starts_with(b"-")
    {
        return copy(Path::new(source), Path::new(target));
    }
    // A mistake is uutils' to explain.
    let Ok(matches) = uu_cp::uu_app().try_get_matches_from(args.as_slice()) else {
        return uu_cp::uumain(args);
    };
    let modes = modes(&matches);
    if let Some(status) = with_fifos(&matches, modes) {
        return status;
    }
    set_modes(modes);
    if follows_operands(&matches) {
        return uu_cp::uumain(entered(args.collect(), &matches).into_iter());
    }
    uu_cp::uumain(args)
}

/// Copies trees that have named pipes in them, which uutils' would wait to read. None where there are none, or where they
/// are meant to be read. Of the options only those count that say which modes and times there are to be.
fn with_fifos(matches: &ArgMatches, modes: Modes) -> Option<i32> {
    let is_set = |flag: &str| matches.get_flag(flag);
    if !(is_set("recursive") || is_set("archive")) || is_set("copy-contents") {
        return None;
    }
    let mut paths: Vec<_> = matches.get_many::<OsString>("paths")?.map(|path| path.to_text()).collect();
    let target = match matches.get_one::<PathBuf>("target-directory") {
        Some(directory) => directory.to_text().into_owned(),
        None => paths.pop()?.into_owned(),
    };
    if !paths.iter().any(|path| tree::has_fifo(path)) {
        return None;
    }
    let is_directory = Path::new(&target).is_dir() && !is_set("no-target-directory");
    let mut copier = Copier::new(modes == Modes::Exact);
    let mut status = 0;
    for source in paths {
        let place = match Path::new(&*source).file_name().and_then(|name| name.to_str()) {
            Some(name) if is_directory => below(&target, name),
            _ => target.clone(),
        };
        let copied = match filesystem::status(&place, Symlinks::NoFollow) {
            Ok(_) => {
                Err(format!("cannot copy {}, which has named pipes, over {}", source.quote(), place.quote()))
            }
            Err(_) => copier.copy(&source, &place),
        };
        if let Err(message) = copied {
            eprintln!("cp: {message}");
            status = 1;
        }
    }
    Some(status)
}

/// Where an option was said last.
fn place(matches: &ArgMatches, flag: &str) -> Option<usize> {
    let place = matches.indices_of(flag).and_then(Iterator::last);
    place.filter(|_| matches.get_flag(flag))
}

/// What becomes of the modes of what is copied: the last option that speaks of it decides.
fn modes(matches: &ArgMatches) -> Modes {
    let mut said: Vec<(usize, Modes)> = vec![];
    for flag in ["archive", "preserve-default-attributes"] {
        said.extend(place(matches, flag).map(|at| (at, Modes::Exact)));
    }
    for (list, modes) in [("preserve", Modes::Exact), ("no-preserve", Modes::Kept)] {
        let (Some(names), Some(places)) = (matches.get_many::<String>(list), matches.indices_of(list)) else {
            continue;
        };
        let of_modes = names.zip(places).filter(|(name, _)| matches!(name.as_str(), "mode" | "all"));
        said.extend(of_modes.map(|(_, at)| (at, modes)));
    }
    said.into_iter().max_by_key(|(at, _)| *at).map_or(Modes::Masked, |(_, modes)| modes)
}

/// Whether links are followed that are operands, and no others.
fn follows_operands(matches: &ArgMatches) -> bool {
    let others = ["dereference", "no-dereference", "archive", "no-dereference-preserve-links"];
    let last = others.iter().filter_map(|flag| place(matches, flag)).max();
    place(matches, "cli-symbolic-links").is_some_and(|at| last.is_none_or(|other| other < at))
}

/// The arguments with a slash behind the sources that are links to directories: of those uutils' follows only files.
fn entered(mut args: Vec<OsString>, matches: &ArgMatches) -> Vec<OsString> {
    let sources = args.len() - usize::from(!matches.contains_id("target-directory"));
    for arg in &mut args[1..sources] {
        let path = Path::new(&*arg);
        if !arg.as_encoded_bytes().starts_with(b"-") && path.is_symlink() && path.is_dir() {
            arg.push("/");
        }
    }
    args
}

fn is_device(path: &OsString) -> bool {
    let status = filesystem::status(&path.to_text(), Symlinks::Follow);
    matches!(status, Ok(status) if status.file_type == FileType::CharacterDevice)
}

fn copy(source: &Path, target: &Path) -> i32 {
    let place: PathBuf = match source.file_name() {
        Some(name) if target.is_dir() => target.join(name),
        _ => target.to_owned(),
    };
    let copied = File::open(source)
        .map_err(|error| (format!("cannot open {} for reading", source.quote()), error))
        .and_then(|from| {
            let to = File::create(&place)
                .map_err(|error| (format!("cannot create regular file {}", place.quote()), error))?;
            Ok((from, to))
        })
        .and_then(|(mut from, mut to)| {
            io::copy(&mut from, &mut to).map_err(|error| (format!("error writing {}", place.quote()), error))
        });
    match copied {
        Ok(_) => 0,
        Err((what, error)) => {
            eprintln!("cp: {what}: {}", reason(&error));
            1
        }
    }
}
