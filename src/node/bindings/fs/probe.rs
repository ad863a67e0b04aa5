//! Whether files are there and what they are, as the loaders ask.

use isolate::library::{Scope, throw};
use kernel::{Errno, FileKind, OpenFlags, Process, Symlinks};
use url::Url;

use crate::binding::{Args, Return};
use crate::coded_error::{self, Kind};
use crate::environment::Env;
use crate::system_error::Subject;

use super::arguments;
use super::call::{Answer, Call};

/// Bits of an access mode.
const READ: u32 = 4;
const WRITE: u32 = 2;
const EXECUTE: u32 = 1;

/// What a file without an extension is: see `module_formats` of the library.
const JAVASCRIPT: i32 = 0;
const WASM: i32 = 1;

/// Whether a file may be used so: what opening it would say.
fn may(process: &Process, path: &str, mode: u32) -> Result<(), Errno> {
    let status = process.stat(path, Symlinks::Follow)?;
    let permits = |bits: u32| if status.mode & bits == 0 { Err(Errno::Eacces) } else { Ok(()) };
    if mode & EXECUTE != 0 {
        permits(0o111)?;
    }
    match status.kind {
        FileKind::Regular => {
            if mode & READ != 0 {
                process.open(path, OpenFlags::READ, 0)?;
            }
            if mode & WRITE != 0 {
                process.open(path, OpenFlags::WRITE, 0)?;
            }
        }
        FileKind::Directory => {
            if mode & READ != 0 {
                process.read_dir(path)?;
            }
            if mode & WRITE != 0 {
                permits(0o222)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// (path, mode, request)
pub(super) fn access<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, result: Return<'s>) {
    let Some(call) = Call::new(scope, &args, 2) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let Some(mode) = arguments::bits(scope, &args, 1) else { return };
    call.run(scope, result, Subject::path("access", &path), move |process| {
        may(process, &path, mode)?;
        Ok(Answer::Undefined)
    });
}

/// (path) -> whether it is there
pub(super) fn exists_sync(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    result.set_bool(false);
    let Some(process) = Env::of(scope).and_then(|env| env.process()) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    result.set_bool(process.stat(&path, Symlinks::Follow).is_ok());
}

/// (path) -> 0 for a file, 1 for a directory, below 0 for what is not there
pub(super) fn internal_module_stat(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(process) = Env::of(scope).and_then(|env| env.process()) else { return };
    let value = args.get(0);
    let Ok(path) = value.try_cast::<v8::String>() else {
        return isolate::library::throw_type(scope, "a path is wanted");
    };
    let Some(path) = isolate::library::text(scope, path) else { return };
    result.set_int32(match process.stat(&path, Symlinks::Follow) {
        Ok(status) => i32::from(status.kind == FileKind::Directory),
        Err(errno) => crate::system_error::number(errno),
    });
}

/// What is tried for a package without `exports`: after the first seven with its `main` before them.
const EXTENSIONS: [&str; 10] = [
    "",
    ".js",
    ".json",
    ".node",
    "/index.js",
    "/index.json",
    "/index.node",
    "index.js",
    "index.json",
    "index.node",
];

/// (package URL or path, main, base) -> which of the extensions it is
pub(super) fn legacy_main_resolve(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(process) = Env::of(scope).and_then(|env| env.process()) else { return };
    let given = args.get(0).to_rust_string_lossy(scope);
    let package = match given.strip_prefix("file:") {
        Some(_) => Url::parse(&given).ok().and_then(|url| super::super::modules::path_of(&url)),
        None => Some(given.clone()),
    };
    let Some(package) = package else { return };
    let directory = package.trim_end_matches('/');
    let main = args.get(1).is_string().then(|| args.get(1).to_rust_string_lossy(scope));
    let is_file = |path: &str| {
        process.stat(path, Symlinks::Follow).is_ok_and(|status| status.kind != FileKind::Directory)
    };
    for (index, extension) in (0..).zip(EXTENSIONS) {
        let path = match (&main, index) {
            (Some(main), ..7) => format!("{directory}/{main}{extension}"),
            (None, ..7) => continue,
            _ => format!("{directory}/{extension}"),
        };
        if is_file(&path) {
            return result.set_int32(index);
        }
    }
    let first = match &main {
        Some(main) => join(directory, main),
        None => format!("{directory}/index.js"),
    };
    let base = args.get(2);
    let base = base.is_string().then(|| base.to_rust_string_lossy(scope));
    let Some(base) = base.and_then(|base| super::super::modules::path_of(&Url::parse(&base).ok()?)) else {
        coded_error::throw(scope, Kind::Type, "Invalid URL", "ERR_INVALID_URL");
        return;
    };
    let message = format!("Cannot find package '{first}' imported from {base}");
    throw(scope, &message, "ERR_MODULE_NOT_FOUND");
}

/// A path below a directory, without `.` and `..`.
fn join(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// (path) -> JavaScript, or WebAssembly by its first bytes
pub(super) fn get_format_of_extensionless_file(
    scope: &mut Scope<'_, '_>,
    args: Args<'_>,
    mut result: Return<'_>,
) {
    let Some(process) = Env::of(scope).and_then(|env| env.process()) else { return };
    let Some(path) = arguments::path(scope, &args, 0) else { return };
    let mut start = [0; 4];
    let read = process.open(&path, OpenFlags::READ, 0).and_then(|file| file.pread(&mut start, 0));
    result.set_int32(if read == Ok(4) && start == *b"\0asm" { WASM } else { JAVASCRIPT });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_paths_have_no_dots() {
        assert_eq!(join("/a/b", "./c/../d.js"), "/a/b/d.js");
        assert_eq!(join("/", "../x"), "/x");
    }
}
