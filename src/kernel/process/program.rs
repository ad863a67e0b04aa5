//! Programs: what a file that can be run stands for, and the way from a name to what has to run (`PATH`, the program
//! attribute, `#!` lines).

use std::sync::Arc;

use parking_lot::RwLock;

use crate::Errno;
use crate::fs::open::Executable;
use crate::fs::walk::Node;
use crate::fs::{At, Caller, Filesystem};

/// Where programs are looked for when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// Most scripts that name one another as interpreter.
const INTERPRETERS_MAX: usize = 4;

/// What the executor runs for an executable file: an attribute that only [`Kernel::install_program`] can give to a
/// file, so that no guest can forge one.
///
/// [`Kernel::install_program`]: crate::Kernel::install_program
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    /// What runs it.
    pub engine: Engine,
    /// The name by which that engine's executor knows it, for example `coreutils`.
    pub module: Arc<str>,
}

impl Program {
    /// The program of that module.
    pub fn new(engine: Engine, module: &str) -> Program {
        Program { engine, module: module.into() }
    }
}

/// What runs files that begin with certain bytes, beside scripts.
#[derive(Default)]
pub(crate) struct Formats(RwLock<Vec<(&'static [u8], Program)>>);

impl Formats {
    /// Has files that begin so run as that program, which reads its file itself: it is the process's `exe`.
    pub(crate) fn add(&self, magic: &'static [u8], program: Program) {
        self.0.write().push((magic, program));
    }

    fn program(&self, head: &[u8]) -> Option<Program> {
        let formats = self.0.read();
        formats.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, program)| program.clone())
    }
}

/// The name of something that runs programs. Which there are is no matter of the kernel's: whoever is an executor names
/// its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Engine(pub &'static str);

/// A program that was found.
pub(crate) struct Resolved {
    pub(crate) program: Program,
    /// The path of the program itself, of the interpreter for a script.
    pub(crate) exe: String,
    pub(crate) argv: Vec<String>,
}

/// Finds `name`, for a process that will start in `cwd`.
pub(crate) fn resolve(
    fs: &Arc<Filesystem>,
    caller: &Caller<'_>,
    cwd: &Node,
    name: &str,
    mut argv: Vec<String>,
    path_variable: Option<&str>,
    formats: &Formats,
) -> Result<Resolved, Errno> {
    let (mut path, (mut exe, mut executable)) = search(fs, caller, cwd, name, path_variable)?;
    for _ in 0..=INTERPRETERS_MAX {
        let head = match executable {
            Executable::Program(program) => return Ok(Resolved { program, exe, argv }),
            Executable::Text(head) => head,
        };
        if let Some(program) = formats.program(&head) {
            return Ok(Resolved { program, exe, argv });
        }
        let (interpreter, argument) = interpreter(&head).ok_or(Errno::Enoexec)?;
        // The script's own name gives way to: interpreter, its argument if any, the script's path.
        let front = [Some(interpreter.clone()), argument, Some(path)];
        argv.splice(..argv.len().min(1), front.into_iter().flatten());
        (exe, executable) = fs.executable(caller, &At { start: cwd.clone(), path: &interpreter })?;
        path = interpreter;
    }
    Err(Errno::Eloop)
}

/// Returns the path under which it was found, as far as the name or `PATH` tell it, and what is there.
fn search(
    fs: &Arc<Filesystem>,
    caller: &Caller<'_>,
    cwd: &Node,
    name: &str,
    path_variable: Option<&str>,
) -> Result<(String, (String, Executable)), Errno> {
    let look = |path: String| {
        let found = fs.executable(caller, &At { start: cwd.clone(), path: &path })?;
        Ok((path, found))
    };
    if name.is_empty() {
        return Err(Errno::Enoent);
    }
    if name.contains('/') {
        return look(name.to_owned());
    }
    let mut failure = Errno::Enoent;
    for directory in path_variable.unwrap_or(DEFAULT_PATH).split(':') {
        let candidate =
            if directory.is_empty() { format!("./{name}") } else { format!("{directory}/{name}") };
        match look(candidate) {
            Ok(found) => return Ok(found),
            // Not there; perhaps further on.
            Err(Errno::Enoent | Errno::Enotdir) => {}
            // There, but not to be run: told if nothing else is found.
            Err(Errno::Eacces) => failure = Errno::Eacces,
            Err(errno) => return Err(errno),
        }
    }
    Err(failure)
}

/// The interpreter and its one argument that a script's first line names.
fn interpreter(head: &[u8]) -> Option<(String, Option<String>)> {
    let line = head.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let line = str::from_utf8(line).ok()?.trim_matches([' ', '\t', '\r']);
    if line.is_empty() {
        return None;
    }
    match line.split_once([' ', '\t']) {
        Some((path, argument)) => Some((path.to_owned(), Some(argument.trim_start().to_owned()))),
        None => Some((line.to_owned(), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::interpreter;

    #[test]
    fn the_first_line_names_an_interpreter_and_at_most_one_argument() {
        let read = |text: &str| interpreter(text.as_bytes());
        assert_eq!(read("#!/bin/sh\nrest"), Some(("/bin/sh".into(), None)));
        assert_eq!(read("#! /bin/env  -S a b \n"), Some(("/bin/env".into(), Some("-S a b".into()))));
        assert_eq!(read("#!\n/bin/sh"), None);
        assert_eq!(read("# /bin/sh"), None);
        assert_eq!(interpreter(b"#!\xff"), None);
    }
}
