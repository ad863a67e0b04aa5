//! A terminal of a VM at the terminal that we were started at: bytes go through as they are, and the VM's has the line
//! discipline. Ours is given back as it was, however this process ends, unless it is killed outright.

use std::io::{IsTerminal, Write};
use std::sync::Once;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::arguments::VmArguments;
use super::session::stdin;
use crate::client::{Error, Stdin, Terminal, TerminalOptions, Vm};
use protocol::wire::{ExecutionResult, code};

/// How a session ended.
pub(super) enum Ended {
    /// Its command did.
    Command(ExecutionResult),
    /// It took longer than it may.
    Late,
    /// This process was sent a signal of that number.
    Signal(u8),
}

/// Whether somebody sits at a terminal and wants to see all of it there.
pub(super) fn is_there(arguments: &VmArguments) -> bool {
    let streams =
        [std::io::stdin().is_terminal(), std::io::stdout().is_terminal(), std::io::stderr().is_terminal()];
    !arguments.json && streams == [true; 3]
}

/// What our terminal was before, while it is raw.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Our terminal, raw until this is dropped.
struct Raw;

impl Raw {
    fn new() -> Result<Raw, Error> {
        let before = tcgetattr(std::io::stdin()).map_err(failed)?;
        *BEFORE.lock() = Some(before);
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let next = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                next(panic);
            }));
        });
        let raw = Raw;
        raw.set().map_err(failed)?;
        Ok(raw)
    }

    /// Makes it raw, again if need be: whoever has stopped this process may have used it meanwhile.
    fn set(&self) -> rustix::io::Result<()> {
        let Some(mut raw) = BEFORE.lock().clone() else { return Ok(()) };
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives our terminal back.
fn restore() {
    // A panic may come while it is locked; then nothing was changed yet.
    let before = BEFORE.try_lock().and_then(|mut before| before.take());
    if let Some(before) = before {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(code::INTERNAL, format!("the terminal: {error}"))
}

/// Columns and rows of ours. One that does not say so is as they usually are.
fn size() -> (u16, u16) {
    match tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

/// Signals that this process is told of while it sits there.
struct Signals {
    resized: Signal,
    continued: Signal,
    ends: [(u8, Signal); 4],
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        let ending = |kind: SignalKind| signal(kind).map(|signal| (kind.as_raw_value() as u8, signal));
        Ok(Signals {
            resized: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            ends: [
                ending(SignalKind::hangup())?,
                ending(SignalKind::interrupt())?,
                ending(SignalKind::quit())?,
                ending(SignalKind::terminate())?,
            ],
        })
    }

    /// The number of one that ends this process.
    async fn end(ends: &mut [(u8, Signal); 4]) -> u8 {
        std::future::poll_fn(|cx| {
            for (number, signal) in ends.iter_mut() {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*number);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// Runs a command at a terminal of the VM, with ours.
pub(super) async fn attended(
    vm: &Vm,
    options: TerminalOptions,
    timeout: Option<Duration>,
) -> Result<Ended, Error> {
    // Listened to from before the start, so that no signal falls between two waits.
    let Signals { mut resized, mut continued, mut ends } = Signals::listen().map_err(failed)?;
    let (cols, rows) = size();
    let mut terminal = vm.open_terminal(TerminalOptions { cols, rows, ..options }).await?;
    let raw = Raw::new()?;
    let feeding = tokio::spawn(feed(terminal.typing()));
    tokio::pin! {
        let late = async {
            match timeout {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
    }
    let ended = loop {
        tokio::select! {
            output = terminal.next_output() => match output {
                Some(bytes) => {
                    let mut stdout = std::io::stdout().lock();
                    if stdout.write_all(&bytes).and_then(|()| stdout.flush()).is_err() {
                        break hang_up(&terminal, Ended::Signal(1)).await;
                    }
                }
                None => break terminal.wait().await.map(Ended::Command),
            },
            Some(()) = resized.recv() => {
                let (cols, rows) = size();
                terminal.resize(cols, rows).await?;
            }
            Some(()) = continued.recv() => {
                let _ = raw.set();
            }
            number = Signals::end(&mut ends) => break hang_up(&terminal, Ended::Signal(number)).await,
            () = &mut late => break hang_up(&terminal, Ended::Late).await,
        }
    };
    feeding.abort();
    drop(raw);
    ended
}

async fn hang_up(terminal: &Terminal, ended: Ended) -> Result<Ended, Error> {
    terminal.close().await?;
    Ok(ended)
}

/// Passes on what is typed. Our terminal's end is noticed by its signal.
async fn feed(to: Stdin) {
    let mut input = stdin();
    while let Some(chunk) = input.recv().await {
        if chunk.is_empty() {
            return;
        }
        to.write(&chunk).await;
    }
}
