//! `cp` from a device by its name, which uutils' refuses where it cannot tell devices from what is no file at all.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};
use uucore::display::Quotable;

use super::reason;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    if let [_, source, target] = args.as_slice()
        && is_device(source)
        && !target.as_encoded_bytes().starts_with(b"-")
    {
        return copy(Path::new(source), Path::new(target));
    }
    uu_cp::uumain(args)
}

fn is_device(path: &OsString) -> bool {
    let status = path.to_str().map(|path| filesystem::status(path, Symlinks::Follow));
    matches!(status, Some(Ok(status)) if status.file_type == FileType::CharacterDevice)
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
