//! Errors of failed system calls as Node throws them: `errno`, `code`, `syscall`, and the paths that were meant.

use byte_text::shown;
use isolate::library::{Scope, string};
use kernel::{Errno, FsOperation};

use crate::binding::{define, set, set_number};
use crate::environment::Env;

/// The number that libuv gives an error: below zero.
pub(crate) fn number(errno: Errno) -> i32 {
    -errno.code()
}

/// What a system call was about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub syscall: &'static str,
    pub path: Option<String>,
    pub dest: Option<String>,
}

impl Subject {
    /// A call that names no path.
    pub fn new(syscall: &'static str) -> Subject {
        Subject { syscall, path: None, dest: None }
    }

    /// A call about a path.
    pub fn path(syscall: &'static str, path: &str) -> Subject {
        Subject { syscall, path: Some(path.to_owned()), dest: None }
    }

    /// A call about two paths.
    pub fn paths(syscall: &'static str, path: &str, dest: &str) -> Subject {
        Subject { syscall, path: Some(path.to_owned()), dest: Some(dest.to_owned()) }
    }

    fn message(&self, errno: Errno) -> String {
        let mut text = format!("{}: {}, {}", errno.name(), description(errno), self.syscall);
        if let Some(path) = &self.path {
            text.push_str(&format!(" '{}'", shown(path)));
        }
        if let Some(dest) = &self.dest {
            text.push_str(&format!(" -> '{}'", shown(dest)));
        }
        text
    }

    /// The error object.
    pub fn error<'s>(&self, scope: &mut Scope<'s, '_>, errno: Errno) -> Option<v8::Local<'s, v8::Value>> {
        let message = string(scope, &self.message(errno));
        let error = v8::Exception::error(scope, message);
        let object: v8::Local<v8::Object> = error.try_cast().ok()?;
        self.describe(scope, object, errno)?;
        if errno == Errno::Eacces
            && let Some(cause) = self.denial(scope)
        {
            define(scope, object, "cause", cause, v8::PropertyAttribute::DONT_ENUM)?;
        }
        Some(error)
    }

    /// Which permission denies it, as an error; none if permissions allow it.
    fn denial<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Value>> {
        use FsOperation::{Create, Link, List, Read, Remove, SetAttributes, Stat, Write};
        let process = Env::of(scope)?.process()?;
        let path = self.path.iter().chain(&self.dest);
        let (path, permission) = path.into_iter().find_map(|path| {
            if process.denied(&[Stat, Read, List], path).is_some() {
                return Some((path, "FileSystemRead"));
            }
            let denied = process.denied(&[Write, Create, Remove, Link, SetAttributes], path);
            denied.map(|_| (path, "FileSystemWrite"))
        })?;
        let message = string(scope, "permission denied: the scope permissions.fs does not allow this");
        let error = v8::Exception::error(scope, message);
        let object = error.try_cast().ok()?;
        for (name, text) in [("code", "ERR_ACCESS_DENIED"), ("permission", permission), ("resource", path)] {
            let text = string(scope, text);
            set(scope, object, name, text.into())?;
        }
        Some(error)
    }

    /// Sets what an error has, or what the library makes one of.
    pub fn describe(
        &self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        errno: Errno,
    ) -> Option<()> {
        set_number(scope, object, "errno", f64::from(number(errno)))?;
        let code = string(scope, errno.name());
        set(scope, object, "code", code.into())?;
        let syscall = string(scope, self.syscall);
        set(scope, object, "syscall", syscall.into())?;
        if let Some(path) = &self.path {
            let path = string(scope, &shown(path));
            set(scope, object, "path", path.into())?;
        }
        if let Some(dest) = &self.dest {
            let dest = string(scope, &shown(dest));
            set(scope, object, "dest", dest.into())?;
        }
        Some(())
    }

    /// Throws it.
    pub fn throw(&self, scope: &mut Scope<'_, '_>, errno: Errno) {
        if let Some(error) = self.error(scope, errno) {
            scope.throw_exception(error);
        }
    }
}

/// libuv's words for an error, where they are not the kernel's.
fn description(errno: Errno) -> &'static str {
    match errno {
        Errno::Enfile => "file table overflow",
        Errno::Enotsup => "operation not supported on socket",
        _ => errno.message(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_those_of_node() {
        assert_eq!(
            Subject::path("open", "/x").message(Errno::Enoent),
            "ENOENT: no such file or directory, open '/x'"
        );
        assert_eq!(
            Subject::paths("rename", "/x", "/y").message(Errno::Eacces),
            "EACCES: permission denied, rename '/x' -> '/y'"
        );
        assert_eq!(Subject::new("close").message(Errno::Ebadf), "EBADF: bad file descriptor, close");
        assert_eq!(number(Errno::Enoent), -2);
    }
}
