//! Redirections: what a command's descriptors are while it runs.

use crate::{
    bytes,
    state::{Descriptors, Flow, MAX_DESCRIPTOR, Outcome, Shell},
    syntax::{
        dialect::Dialect,
        tree::{Redirect, RedirectKind, Word},
    },
    system::{self, Errno, FileStatus, FileType, Handle, OpenFlags},
    variables::Place,
};

/// Descriptors that a script leaves the numbers of to the shell begin here.
const FIRST_NAMED: u32 = 10;

impl Shell {
    /// Runs something with its redirections in place.
    pub fn with_redirects(
        &mut self,
        redirects: &[Redirect],
        run: impl FnOnce(&mut Shell) -> Outcome,
    ) -> Outcome {
        if redirects.is_empty() {
            return run(self);
        }
        let before = self.descriptors.clone();
        let outcome = match self.redirect(redirects) {
            Ok(true) => run(self),
            Ok(false) => Ok(self.error_status()),
            Err(flow) => Err(flow),
        };
        self.end_redirects(before);
        outcome
    }

    /// Ends redirections. What the shell has of coprocesses is none of them.
    pub fn end_redirects(&mut self, before: Descriptors) {
        let later = std::mem::replace(&mut self.descriptors, before);
        self.descriptors.keep_own(&later);
    }

    /// Puts redirections in place. False when one failed, which was reported; those before it stay.
    pub fn redirect(&mut self, redirects: &[Redirect]) -> Result<bool, Flow> {
        for redirect in redirects {
            if !self.redirect_one(redirect)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn redirect_one(&mut self, redirect: &Redirect) -> Result<bool, Flow> {
        let input = matches!(
            redirect.kind,
            RedirectKind::Read
                | RedirectKind::ReadWrite
                | RedirectKind::HereDocument
                | RedirectKind::HereString
                | RedirectKind::Duplicate { output: false }
        );
        let number = match &redirect.variable {
            None => redirect.number.unwrap_or(u32::from(!input)),
            Some(name) => match self.named_descriptor(name, redirect)? {
                Some(number) => number,
                None => return Ok(false),
            },
        };
        let opened = match redirect.kind {
            RedirectKind::HereDocument => {
                let text = self.expand_quoted(&redirect.target)?;
                system::file_with(&bytes::encode(&text)).map_err(|errno| ("here-document".to_owned(), errno))
            }
            RedirectKind::HereString => {
                let text = self.expand_text(&redirect.target)? + "\n";
                system::file_with(&bytes::encode(&text)).map_err(|errno| ("here-string".to_owned(), errno))
            }
            RedirectKind::Duplicate { output } => {
                let source = self.expand_text(&redirect.target)?;
                // `>&name` without a number is `&>name`.
                let plain = redirect.number.is_none() && redirect.variable.is_none();
                if output && plain && source.trim_end_matches('-').parse::<u32>().is_err() && source != "-" {
                    return Ok(self.redirect_both(&source, false));
                }
                return Ok(self.duplicate(number, &source));
            }
            RedirectKind::Both { append } => {
                let Some(path) = self.expand_path(&redirect.target)? else { return Ok(false) };
                return Ok(self.redirect_both(&path, append));
            }
            kind => {
                let Some(path) = self.expand_path(&redirect.target)? else { return Ok(false) };
                self.open(&path, kind).map_err(|errno| (path, errno))
            }
        };
        Ok(match opened {
            Ok(handle) => self.put(number, Some(handle)),
            Err((path, errno)) => {
                let verb = if input { "open" } else { "create" };
                let message = system::describe(errno);
                self.report(&match self.dialect {
                    Dialect::Posix => format!("cannot {verb} {path}: {message}"),
                    Dialect::Bash => format!("{path}: {message}"),
                });
                false
            }
        })
    }

    /// The file that a redirection names. None in bash where that is not one word, which was reported.
    fn expand_path(&mut self, word: &Word) -> Result<Option<String>, Flow> {
        if self.dialect == Dialect::Posix {
            return self.expand_text(word).map(Some);
        }
        match <[String; 1]>::try_from(self.expand_words(std::slice::from_ref(word))?) {
            Ok([path]) => Ok(Some(path)),
            Err(_) => {
                self.report("ambiguous redirect");
                Ok(None)
            }
        }
    }

    /// The number that a variable gets for a redirection of its own, or has for one that closes it.
    fn named_descriptor(&mut self, name: &str, redirect: &Redirect) -> Result<Option<u32>, Flow> {
        if matches!(redirect.kind, RedirectKind::Duplicate { .. }) && redirect.target.is_text("-") {
            let (base, place) = place_of(name);
            let number = match place {
                Place::Whole => self.parameter(base),
                place => self.element(base, &place),
            };
            let number = number.and_then(|value| value.parse().ok());
            if number.is_none() {
                self.report(&format!("{name}: ambiguous redirect"));
            }
            return Ok(number);
        }
        let number = (FIRST_NAMED..MAX_DESCRIPTOR).find(|number| self.descriptors.get(*number).is_err());
        match number {
            Some(number) => {
                let (base, place) = place_of(name);
                self.assign_place(base, &place, number.to_string(), false)?;
            }
            None => self.report(&format!("{name}: {}", system::describe(Errno::Emfile))),
        }
        Ok(number)
    }

    fn redirect_both(&mut self, path: &str, append: bool) -> bool {
        let kind = if append { RedirectKind::Append } else { RedirectKind::Write };
        match self.open(path, kind) {
            Ok(handle) => self.put(1, Some(handle.clone())) && self.put(2, Some(handle)),
            Err(errno) => {
                self.report(&format!("cannot create {path}: {}", system::describe(errno)));
                false
            }
        }
    }

    fn duplicate(&mut self, number: u32, source: &str) -> bool {
        if source == "-" {
            return self.put(number, None);
        }
        // `5>&6-` moves.
        if let Some(moved) = source.strip_suffix('-')
            && let Ok(closed) = moved.parse::<u32>()
        {
            return self.duplicate(number, moved) && (closed == number || self.put(closed, None));
        }
        // To itself it is nothing, even where it is closed.
        if source.parse() == Ok(number) {
            return true;
        }
        match source.parse::<u32>().map_err(|_| Errno::Ebadf).and_then(|source| self.descriptors.get(source))
        {
            Ok(handle) => self.put(number, Some(handle)),
            Err(errno) => {
                self.report(&format!("{source}: {}", system::describe(errno)));
                false
            }
        }
    }

    fn put(&mut self, number: u32, handle: Option<Handle>) -> bool {
        match self.descriptors.set(number, handle) {
            Ok(()) => true,
            Err(errno) => {
                self.report(&format!("{number}: {}", system::describe(errno)));
                false
            }
        }
    }

    /// The descriptor of this environment that a path stands for. The process has others: those it was started with.
    fn descriptor_at(&self, path: &str) -> Option<Result<Handle, Errno>> {
        let number = match path {
            "/dev/stdin" => 0,
            "/dev/stdout" => 1,
            "/dev/stderr" => 2,
            _ => {
                path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?.parse().ok()?
            }
        };
        Some(self.descriptors.get(number).map_err(|_| Errno::Enoent))
    }

    /// Whether a redirection opens a named pipe, which may wait for somebody else. Those that run commands to tell their file
    /// are not asked.
    pub fn may_wait_to_open(&self, redirects: &[Redirect]) -> bool {
        let mut shell = None;
        redirects.iter().any(|redirect| {
            let names_file = !matches!(
                redirect.kind,
                RedirectKind::HereDocument | RedirectKind::HereString | RedirectKind::Duplicate { .. }
            );
            if !names_file || redirect.target.runs_commands() {
                return false;
            }
            let shell = shell.get_or_insert_with(|| {
                let mut shell = self.clone();
                // What is wrong with it is told when it is opened.
                let _ = shell.descriptors.set(2, None);
                shell
            });
            let path = shell.expand_text(&redirect.target);
            path.is_ok_and(|path| {
                self.file_status(&path).is_ok_and(|status| status.file_type == FileType::Fifo)
            })
        })
    }

    /// What is known of a file.
    pub fn file_status(&self, path: &str) -> Result<FileStatus, Errno> {
        match self.descriptor_at(path) {
            Some(handle) => handle?.status(),
            None => system::status(path),
        }
    }

    /// All that a file has to read.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno> {
        match self.descriptor_at(path) {
            Some(handle) => system::read_to_end(&handle?.reopen(OpenFlags::READ)?),
            None => system::read_file(path),
        }
    }

    fn open(&self, path: &str, kind: RedirectKind) -> Result<Handle, Errno> {
        let existing = self.descriptor_at(path).transpose()?;
        let open = |flags: OpenFlags| match &existing {
            Some(handle) if flags & OpenFlags::EXCLUSIVE == OpenFlags::EXCLUSIVE => {
                handle.status().and(Err(Errno::Eexist))
            }
            Some(handle) => handle.reopen(flags),
            None => system::open(path, flags),
        };
        let writing = OpenFlags::WRITE | OpenFlags::CREATE;
        match kind {
            RedirectKind::Write if self.options.noclobber => {
                match open(writing | OpenFlags::EXCLUSIVE) {
                    Err(Errno::Eexist) => {
                        // Only regular files are kept from being overwritten.
                        let regular =
                            self.file_status(path).is_ok_and(|s| s.file_type == FileType::RegularFile);
                        if regular { Err(Errno::Eexist) } else { open(OpenFlags::WRITE) }
                    }
                    other => other,
                }
            }
            RedirectKind::Write | RedirectKind::Clobber => open(writing | OpenFlags::TRUNCATE),
            RedirectKind::Append => open(writing | OpenFlags::APPEND),
            RedirectKind::ReadWrite => open(OpenFlags::READ | writing),
            _ => open(OpenFlags::READ),
        }
    }
}

/// What the name of a variable, or of an element, stands for.
fn place_of(name: &str) -> (&str, Place) {
    let Some((base, subscript)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) else {
        return (name, Place::Whole);
    };
    (base, subscript.parse().map_or_else(|_| Place::Key(subscript.to_owned()), Place::Index))
}
