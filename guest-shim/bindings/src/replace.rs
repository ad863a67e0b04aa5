//! What stands for `exec`, which the virtual machine does not have: a program that waits for another, and is to its own
//! parent as if it were that one. Signals go on to the child, and its end is the caller's.

use crate::process::{self, Child, Disposition, ExitStatus, Signal};

/// Signals that end a program by default, as far as somebody would send them.
const PASSED_ON: [Signal; 7] = [
    Signal::Hangup,
    Signal::Interrupt,
    Signal::Quit,
    Signal::User1,
    Signal::User2,
    Signal::Alarm,
    Signal::Terminate,
];

/// Does all of it: waits, passes signals on, and ends the caller if a signal has ended the child. How the child ended
/// otherwise, which is the caller's to leave with.
pub fn stand_in(child: &Child) -> ExitStatus {
    handle_signals();
    let status = wait(child);
    end_by_signal(status);
    status
}

/// From here on signals that would end the caller are handled; whoever calls this calls [`pass_on`] then. What the
/// caller ignores it goes on to ignore, like the child.
pub fn handle_signals() {
    for signal in PASSED_ON {
        if process::get_disposition(signal) == Disposition::Default {
            // Only KILL and STOP are refused.
            let _ = process::set_disposition(signal, Disposition::Handle);
        }
    }
}

/// Sends the child what has arrived.
pub fn pass_on(child: &Child) {
    while let Some(signal) = process::take_signal() {
        // It may have ended meanwhile.
        let _ = child.kill(signal);
    }
}

/// Waits for the end of the child and passes on signals meanwhile.
pub fn wait(child: &Child) -> ExitStatus {
    loop {
        match child.wait() {
            Ok(status) => return status,
            // Nothing but a signal ends a wait early.
            Err(_) => pass_on(child),
        }
    }
}

/// Ends the caller as the child ended, if a signal did that and the caller does not ignore it. Else the exit status is the
/// caller's to leave with.
pub fn end_by_signal(status: ExitStatus) {
    let ExitStatus::Signaled(signal) = status else { return };
    if process::get_disposition(signal) == Disposition::Handle {
        // It can be handled, so its default can be chosen.
        let _ = process::set_disposition(signal, Disposition::Default);
    }
    // A program may be refused to send signals; its exit status tells then.
    let _ = process::kill(process::id(), signal);
}
