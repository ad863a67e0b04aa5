//! What the multi-call programs of a VM have in common: each is one WASI module that answers to the names of its
//! utilities.
//!
//! Like busybox such a program picks the utility from the name by which it was called, or from the first argument when
//! that name is its own. Which module has which names is told to the host in `src/artifact/applets.rs`. Adds [`launch`],
//! for utilities that start other programs.

pub mod allocator;
pub mod calendar;
pub mod facts;
pub mod files;
pub mod keys;
pub mod launch;
pub mod machine;
pub mod options;
pub mod pattern;
pub mod quoting;
pub mod stream;
pub mod users;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::exit;

use cordon_vm::byte_text::{ToText, encode, encode_os};
use cordon_vm::{begin, process};

/// A utility's entry: takes the arguments, its own name first, and returns the exit status.
pub type Entry = fn(std::vec::IntoIter<OsString>) -> i32;

/// Names and entries, sorted by name.
pub type Utilities = &'static [(&'static str, Entry)];

/// A multi-call program.
pub struct Program {
    /// The name by which it offers all of its utilities.
    pub name: &'static str,
    /// What `--version` prints.
    pub version: &'static str,
    pub utilities: Utilities,
    /// Utilities that know nothing but Unicode and write names and no contents.
    pub in_text: &'static [&'static str],
    /// What keeps the names of these as text: `cordon_posix::keep_text`.
    pub keep_text: fn(),
    /// Does a call at once that needs nothing of what follows; its exit status then.
    pub direct: fn(&str, &[OsString]) -> Option<i32>,
    /// Prepares what utilities share, their messages above all, for the one of this name.
    pub prepare: fn(&str),
    /// Told when the utility is the second argument, for libraries that look for its name among the arguments.
    pub named_by_argument: fn(),
}

/// What a shell answers for a command that does not exist.
const NOT_FOUND: i32 = 127;

impl Program {
    /// One whose utilities take bytes, need nothing prepared, and go by what they are handed.
    #[must_use]
    pub const fn new(
        name: &'static str,
        version: &'static str,
        utilities: Utilities,
        keep_text: fn(),
    ) -> Program {
        Program {
            name,
            version,
            utilities,
            in_text: &[],
            keep_text,
            direct: |_, _| None,
            prepare: |_| {},
            named_by_argument: || {},
        }
    }

    /// The whole of `main`; never returns.
    pub fn main(&self) -> ! {
        // Memory that every utility comes to need grows now, while nobody waits for it.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(64 * 1024)));
        begin::wait();
        // All of them: WASI tells only as many as fit into a page.
        let mut args = process::arguments();
        let directory = complete_environment();
        let called = args.first().map_or_else(|| self.name.into(), |name| base_name(name));
        if called != self.name {
            self.run(&called, args, directory);
        }

        args.remove(0);
        let Some(name) = args.first().cloned() else {
            let own = self.name;
            say(
                &mut io::stderr(),
                &format!("{own}: missing argument\nTry '{own} --help' for more information."),
            );
            exit(1);
        };
        match name.as_str() {
            "--list" => say(&mut io::stdout(), &self.names("\n")),
            "--version" => say(&mut io::stdout(), self.version),
            "--help" => say(
                &mut io::stdout(),
                &format!(
                    "Usage: {own} UTILITY [ARGUMENT]...\n       {own} --list\n\nUtilities: {}",
                    self.names(" "),
                    own = self.name
                ),
            ),
            _ => {
                (self.named_by_argument)();
                self.run(&name, args, directory);
            }
        }
        exit(0)
    }

    /// Runs a utility and leaves with its status; never returns.
    fn run(&self, name: &str, args: Vec<String>, directory: Option<OsString>) -> ! {
        let Some(entry) = self.find(name) else {
            say(&mut io::stderr(), &format!("{}: unknown program '{name}'", self.name));
            exit(NOT_FOUND);
        };
        let args: Vec<OsString> = if self.in_text.contains(&name) {
            (self.keep_text)();
            args.into_iter().map(OsString::from).collect()
        } else {
            args.into_iter().map(encode_os).collect()
        };
        if let Some(status) = (self.direct)(name, &args) {
            exit(status);
        }
        enter_working_directory();
        name_directory(directory);
        (self.prepare)(name);
        exit(entry(args.into_iter()))
    }

    fn find(&self, name: &str) -> Option<Entry> {
        let at = self.utilities.binary_search_by_key(&name, |(known, _)| known).ok()?;
        Some(self.utilities[at].1)
    }

    fn names(&self, separator: &str) -> String {
        self.utilities.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(separator)
    }
}

/// Adds what WASI left out of the environment because it did not fit into a page, and the bytes that are no Unicode.
/// Returns the `PWD` that is really there.
fn complete_environment() -> Option<OsString> {
    let mut directory = None;
    for (name, value) in process::environment() {
        // What `set_var` does not take.
        let is_odd = name.is_empty() || name.contains(['=', '\0']) || value.contains('\0');
        if name == "PWD" && !is_odd {
            directory = Some(encode_os(value));
        } else if !is_odd {
            let (bytes, value) = (encode_os(name.clone()), encode_os(value));
            // SAFETY: this program has one thread.
            unsafe {
                if bytes != *name {
                    env::remove_var(name);
                }
                if env::var_os(&bytes).as_ref() != Some(&value) {
                    env::set_var(bytes, value);
                }
            }
        }
    }
    directory
}

/// Puts back what the environment says of the working directory, once it was entered.
fn name_directory(directory: Option<OsString>) {
    // SAFETY: this program has one thread.
    unsafe {
        match directory {
            Some(directory) => env::set_var("PWD", directory),
            None => env::remove_var("PWD"),
        }
    }
}

/// WASI has no working directory: wasi-libc keeps one per program, which begins at `/`. The host names the real one in
/// `PWD`. Where that fails, paths are taken from `/`, and the utility reports what it does not find there.
pub fn enter_working_directory() {
    if let Some(directory) = env::var_os("PWD") {
        let _ = env::set_current_dir(directory);
    }
}

/// The last component of the name by which the program was called, without the ending of a module's file.
fn base_name(called: &str) -> String {
    let called = OsStr::new(called);
    let name = Path::new(called).file_name().unwrap_or(called).to_text();
    name.strip_suffix(".wasm").unwrap_or(&name).to_owned()
}

/// The arguments of a utility as text, without its own name.
#[must_use]
pub fn words(args: std::vec::IntoIter<OsString>) -> Vec<String> {
    args.skip(1).map(|word| word.to_text().into_owned()).collect()
}

/// Writes a line; a reader who has gone is no reason to panic.
pub fn say(to: &mut dyn Write, line: &str) {
    let _ = write_line(to, line);
}

/// Writes a line, whose bytes that are no Unicode stand for themselves again.
///
/// # Errors
/// As writing.
pub fn write_line(to: &mut dyn Write, line: &str) -> io::Result<()> {
    to.write_all(&[&*encode(line), b"\n"].concat())
}

/// Whether a table can be searched by name; each program asserts it of its own when it is compiled.
pub const fn is_sorted(table: Utilities) -> bool {
    let mut at = 1;
    while at < table.len() {
        if !is_before(table[at - 1].0.as_bytes(), table[at].0.as_bytes()) {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_before(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}
