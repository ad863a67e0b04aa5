//! What a job is and what comes of it, as plain data: nothing here touches V8.

use std::sync::Arc;

use kernel::{Process, Signal};

/// Names a job; chosen by the caller, unique among the jobs under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// Names a context that keeps its state between jobs; chosen by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextId(pub u64);

/// Names a call of a host function; chosen by the isolate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// One piece of guest code to run.
pub struct Job {
    /// Its name in every later message.
    pub id: JobId,
    /// The kernel's process that it runs as: descriptors 0, 1 and 2 are attached, arguments, environment and current
    /// directory are set. The isolate ends it with the job's exit code.
    pub process: Arc<Process>,
    /// A retained context, else the job gets one of its own. Jobs of one context run one after another.
    pub context: Option<ContextId>,
    /// The code.
    pub work: Work,
}

/// What a job runs.
pub enum Work {
    /// The value of an expression or a list of statements; a promise is awaited. The job ends when it settles.
    Evaluate {
        /// The code.
        source: String,
        /// How it is read.
        options: SourceOptions,
    },
    /// A program given as text. The job ends when nothing is left that could run.
    Execute {
        /// The code.
        source: String,
        /// How it is read.
        options: SourceOptions,
    },
    /// A program in the VM's filesystem. Relative to the process's current directory.
    ExecuteFile {
        /// Its path.
        path: String,
        /// How it is read.
        options: SourceOptions,
    },
    /// What the library of a further isolate was made for.
    Thread,
}

/// How a source text is read. What is left out follows from the file's name and from where the code runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// The path that inline code pretends to have: for stack traces and relative imports.
    pub file_path: Option<String>,
    /// JavaScript unless the path ends in `.ts` or `.mts` (`.cts`: CommonJS).
    pub language: Option<Language>,
    /// A module for `execute` without a retained context; a script in one, whose bindings persist.
    pub format: Option<Format>,
    /// Globals to define before the code runs: name and JSON text.
    pub inputs: Vec<(String, String)>,
}

impl SourceOptions {
    /// How a program given as text is run, in a retained context or not.
    pub fn format_in(&self, retained: bool) -> Format {
        self.format.unwrap_or(if retained { Format::Script } else { Format::Module })
    }
}

/// The language of a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// ECMAScript.
    JavaScript,
    /// TypeScript whose types can be erased.
    TypeScript,
}

/// How a source text is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An ECMAScript module.
    Module,
    /// A classic script: its top-level declarations persist in the context.
    Script,
    /// A CommonJS module with `require`, `module` and `exports`.
    CommonJs,
}

impl Format {
    /// The name that inline code of this format goes by, if it is given none.
    pub fn inline_name(self) -> &'static str {
        match self {
            Format::Module => "[eval].mjs",
            Format::Script => "[eval].js",
            Format::CommonJs => "[eval].cjs",
        }
    }
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran to its end with exit code 0.
    Succeeded,
    /// It threw, was refused, hit a limit or exited with another code.
    Failed,
    /// The caller gave up.
    Cancelled,
    /// Its time was up.
    TimedOut,
}

/// Everything that is known at a job's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// How it ended.
    pub outcome: Outcome,
    /// The value of `Evaluate` as a JSON text; none for `undefined`.
    pub value: Option<String>,
    /// The exit code; 124 when timed out, 130 when cancelled.
    pub exit_code: i32,
    /// Why it failed.
    pub error: Option<ErrorData>,
}

impl Completion {
    /// What is told of a job that was ended from outside, and by which signal if that was the cause.
    pub fn ended(cause: Cause, signal: Option<Signal>) -> Completion {
        let (outcome, exit_code, code, message) = match cause {
            Cause::Cancelled => {
                (Outcome::Cancelled, 130, codes::CANCELLED, "the call was cancelled".to_owned())
            }
            Cause::TimedOut => {
                (Outcome::TimedOut, 124, codes::TIMED_OUT, "the call took too long".to_owned())
            }
            Cause::Signaled => match signal {
                Some(signal) => (
                    Outcome::Failed,
                    128 + i32::from(signal.number()),
                    codes::SIGNALED,
                    format!("a signal ended the process: {}", signal.name()),
                ),
                None => (Outcome::Failed, 1, codes::SIGNALED, "a signal ended the process".to_owned()),
            },
        };
        let error =
            ErrorData { code: code.to_owned(), name: "Error".to_owned(), message, ..ErrorData::default() };
        Completion { outcome, value: None, exit_code, error: Some(error) }
    }
}

/// An error as it reaches a client: the thrown value's own words where it had any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorData {
    /// Whether it was thrown in guest code, which then chose all of its words.
    pub guest: bool,
    /// The error's own `code`, else one of `codes`.
    pub code: String,
    /// The error's `name`.
    pub name: String,
    /// The error's `message`.
    pub message: String,
    /// The error's `stack`.
    pub stack: Option<String>,
    /// The error's `cause` in words, with the causes of that, as the console shows it.
    pub cause: Option<String>,
    /// The `errors` that it sums up, likewise.
    pub errors: Option<String>,
    /// What the reader could do about it.
    pub hint: Option<String>,
    /// The configuration field that decided; never a guest's word.
    pub field: Option<&'static str>,
    /// Where it happened: `file:line:column`.
    pub location: Option<String>,
}

/// Codes of errors that the isolate itself reports.
pub mod codes {
    /// The guest threw something that carries no code of its own.
    pub const UNCAUGHT: &str = "ERR_UNCAUGHT_EXCEPTION";
    /// A promise was rejected and nobody handled it.
    pub const UNHANDLED_REJECTION: &str = "ERR_UNHANDLED_REJECTION";
    /// The source text cannot be parsed.
    pub const SYNTAX: &str = "ERR_SYNTAX";
    /// The value has no JSON form.
    pub const NOT_SERIALIZABLE: &str = "ERR_VALUE_NOT_SERIALIZABLE";
    /// The value's JSON text is larger than the limit.
    pub const VALUE_TOO_LARGE: &str = "ERR_VALUE_TOO_LARGE";
    /// The value is a promise that nothing can settle any more.
    pub const NEVER_SETTLED: &str = "ERR_NEVER_SETTLED";
    /// The program ended itself with an exit code other than 0.
    pub const EXITED: &str = "ERR_EXITED";
    /// V8's heap is full.
    pub const OUT_OF_MEMORY: &str = "ERR_OUT_OF_MEMORY";
    /// The caller gave up.
    pub const CANCELLED: &str = "ERR_CANCELLED";
    /// The time was up.
    pub const TIMED_OUT: &str = "ERR_TIMED_OUT";
    /// No retained context of that name.
    pub const UNKNOWN_CONTEXT: &str = "ERR_NOT_FOUND";
    /// A signal ended the process.
    pub const SIGNALED: &str = "ERR_SIGNALED";
    /// More modules than the limit allows.
    pub const MODULE_LIMIT: &str = "ERR_MODULE_LIMIT";
}

/// Why a job is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The caller gave up.
    Cancelled,
    /// Its time was up.
    TimedOut,
    /// A signal ended its process.
    Signaled,
}
