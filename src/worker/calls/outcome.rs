//! How calls end and why they cannot begin, in the words of the wire.

use crate::files;
use isolate::{self, Cause, Completion, ContextError};
use kernel::{Errno, ExitStatus};
use protocol::wire::{ErrorData, Outcome, code};

/// How a call ended, before its output is added.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) value: Option<String>,
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<String>,
    pub(super) error: Option<ErrorData>,
}

pub(super) fn job_ended(Completion { outcome, value, exit_code, error }: Completion) -> Ended {
    Ended {
        outcome: match outcome {
            isolate::Outcome::Succeeded => Outcome::Succeeded,
            isolate::Outcome::Failed => Outcome::Failed,
            isolate::Outcome::Cancelled => Outcome::Cancelled,
            isolate::Outcome::TimedOut => Outcome::TimedOut,
        },
        value,
        exit_code: Some(exit_code),
        signal: None,
        error: error.map(guest_error),
    }
}

pub(super) fn program_ended(command: &str, status: ExitStatus, cause: Option<Cause>) -> Ended {
    let (exit_code, signal) = match status {
        ExitStatus::Exited(code) => (Some(i32::from(code)), None),
        ExitStatus::Signaled(signal) => (None, Some(signal.name().to_owned())),
    };
    let (outcome, error) = match (cause, exit_code, &signal) {
        (Some(Cause::TimedOut), ..) => (
            Outcome::TimedOut,
            Some(ErrorData::new(code::TIMED_OUT, format!("{command} took longer than it may"))),
        ),
        (Some(Cause::Cancelled), ..) => {
            (Outcome::Cancelled, Some(ErrorData::new(code::CANCELLED, format!("{command} was cancelled"))))
        }
        // Programs are ended by signals in any case; that cause is the isolate's own.
        (None | Some(Cause::Signaled), Some(0), _) => (Outcome::Succeeded, None),
        (None | Some(Cause::Signaled), Some(number), _) => {
            let error = ErrorData::new(code::EXIT, format!("{command} exited with code {number}"));
            (Outcome::Failed, Some(error.detail("exitCode", number)))
        }
        (None | Some(Cause::Signaled), None, signal) => {
            let name = signal.as_deref().unwrap_or("a signal");
            let error = ErrorData::new(code::EXIT, format!("{command} was ended by {name}"));
            (Outcome::Failed, Some(error.detail("signal", name)))
        }
    };
    Ended { outcome, value: None, exit_code, signal, error }
}

/// Why a program or job could not be started.
pub(super) fn start_error(errno: Errno, what: &str, cwd: &str) -> ErrorData {
    match errno {
        Errno::Eagain => ErrorData::new(code::LIMIT, format!("the VM has its limit of processes: {what}"))
            .field("limits.processes"),
        Errno::Enoent | Errno::Enotdir => files::error(errno, what).detail("cwd", cwd),
        Errno::Eacces => files::error(errno, what).field("permissions.fs"),
        errno => files::error(errno, what),
    }
}

pub(super) fn context_error(error: ContextError) -> ErrorData {
    match error {
        ContextError::Limit => ErrorData::new(code::LIMIT, error.to_string()).field("limits.contexts"),
        ContextError::Exists | ContextError::Unknown => ErrorData::new(code::NOT_FOUND, error.to_string()),
    }
}

pub(super) fn guest_error(error: isolate::ErrorData) -> ErrorData {
    let isolate::ErrorData { guest, code, name, message, stack, cause, errors, hint, field, location } =
        error;
    let field = field.map(str::to_owned);
    let mut data = ErrorData { guest, code, name, message, stack, hint, field, ..ErrorData::default() };
    for (name, value) in [("location", location), ("cause", cause), ("errors", errors)] {
        data.details.extend(value.map(|value| (name.to_owned(), value)));
    }
    data
}
