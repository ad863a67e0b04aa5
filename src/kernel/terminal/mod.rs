//! Terminals: a pair of ends, one held by the embedder on behalf of whoever sits there, the other open in processes; the
//! line discipline between them; and the session whose controlling terminal it is (POSIX.1-2024, XBD 11.1).
//!
//! Lock order: the state of a terminal is the last of all. Signals are sent once it is free again.

mod attributes;
mod discipline;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use parking_lot::Mutex;

pub use self::attributes::{
    Attributes, ControlCharacters, DISABLED, InputModes, LocalModes, OutputModes, WindowSize,
};
use self::discipline::{Discipline, TERMINAL_BYTES};
pub use self::discipline::{TERMINAL_INPUT_CAPACITY, TERMINAL_LINE_MAX, TERMINAL_OUTPUT_CAPACITY};
use super::fs::Filesystem;
use super::limits::Share;
use super::process::table::ProcessTable;
use super::wait::Wakers;
use super::{Errno, OpenFile, Pid, Process, Signal};
use crate::file::terminal::TerminalFile;

/// What one terminal takes of [`KernelLimits::terminal_bytes`](crate::KernelLimits::terminal_bytes) while it exists.
pub const TERMINAL_COST: u64 = TERMINAL_BYTES as u64;

/// A terminal, as processes know it.
pub struct Terminal {
    /// Tells terminals apart, as an inode number does. No address: guests see it.
    id: u64,
    state: Mutex<State>,
    table: Weak<ProcessTable>,
    _share: Share,
}

#[derive(Default)]
struct State {
    discipline: Discipline,
    size: WindowSize,
    /// The session whose controlling terminal it is.
    session: Option<Pid>,
    /// The group of that session that may read and gets the signals.
    foreground: Option<Pid>,
    /// Nobody sits there any more.
    hung_up: bool,
    /// Processes that wait to read, and to write or for everything to be shown.
    readers: Wakers,
    writers: Wakers,
    /// The embedder, which waits for something to show, and for room for what is typed.
    viewers: Wakers,
    typists: Wakers,
}

/// When a change of attributes takes place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeWhen {
    /// At once (`TCSANOW`).
    #[default]
    Now,
    /// Once all output was shown (`TCSADRAIN`).
    Drained,
    /// Likewise, and what was typed and not read is forgotten (`TCSAFLUSH`).
    Flushed,
}

impl Terminal {
    pub(crate) fn new(table: &Arc<ProcessTable>, size: WindowSize, share: Share) -> Arc<Terminal> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let state = Mutex::new(State { size, ..State::default() });
        Arc::new(Terminal { id, state, table: Arc::downgrade(table), _share: share })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Its modes and special characters.
    pub fn attributes(&self) -> Attributes {
        self.state.lock().discipline.attributes()
    }

    /// Ready once the modes and special characters are these. `EIO` once nobody sits there.
    pub fn poll_set_attributes(
        &self,
        cx: &Context<'_>,
        when: ChangeWhen,
        attributes: Attributes,
    ) -> Poll<Result<(), Errno>> {
        let mut state = self.state.lock();
        if state.hung_up {
            return Poll::Ready(Err(Errno::Eio));
        }
        if when != ChangeWhen::Now && !state.discipline.is_drained() {
            let woken = state.writers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        if when == ChangeWhen::Flushed {
            state.discipline.flush_input();
        }
        state.discipline.set_attributes(attributes);
        // What is readable, and what may be written or typed, may be others by now.
        let woken = [state.readers.take(), state.writers.take(), state.typists.take()];
        drop(state);
        woken.into_iter().for_each(|woken| woken.wake());
        Poll::Ready(Ok(()))
    }

    /// How many characters it shows.
    pub fn size(&self) -> WindowSize {
        self.state.lock().size
    }

    /// It shows so many characters from now on. The group in the foreground is sent `SIGWINCH` if that is a change.
    pub fn resize(&self, size: WindowSize) {
        let before = std::mem::replace(&mut self.state.lock().size, size);
        if before != size {
            self.signal_foreground(&[Signal::Winch]);
        }
    }

    /// The session whose controlling terminal it is.
    pub fn session(&self) -> Option<Pid> {
        self.state.lock().session
    }

    /// The process group in the foreground of its session.
    pub fn foreground(&self) -> Option<Pid> {
        self.state.lock().foreground
    }

    pub(crate) fn set_foreground(&self, group: Pid) {
        self.state.lock().foreground = Some(group);
    }

    /// Becomes the controlling terminal of the session that a process leads, which is in the foreground.
    pub(crate) fn control(&self, leader: &Process) {
        let mut state = self.state.lock();
        state.session = Some(leader.session());
        state.foreground = Some(leader.group());
    }

    /// Whether a process in this session and group is in the background of its own controlling terminal.
    pub(crate) fn is_background(&self, session: Pid, group: Pid) -> bool {
        let state = self.state.lock();
        !state.hung_up && state.session == Some(session) && state.foreground != Some(group)
    }

    /// Its session has lost its leader: it is nobody's controlling terminal any more, and whoever was in the foreground is
    /// told.
    pub(crate) fn lose_session(&self) {
        let (session, foreground) = {
            let mut state = self.state.lock();
            (state.session.take(), state.foreground.take())
        };
        self.signal_group(session, foreground, &[Signal::Hup, Signal::Cont]);
    }

    /// Nobody sits there any more: reads find the end, writes fail, and the session is told.
    pub(crate) fn hang_up(&self) {
        let (session, foreground, woken) = {
            let mut state = self.state.lock();
            if state.hung_up {
                return;
            }
            state.hung_up = true;
            state.discipline.flush_input();
            let woken =
                [state.readers.take(), state.writers.take(), state.viewers.take(), state.typists.take()];
            (state.session, state.foreground, woken)
        };
        woken.into_iter().for_each(|woken| woken.wake());
        let told = [Signal::Hup, Signal::Cont];
        if foreground != session {
            let leader =
                session.and_then(|session| self.table.upgrade().and_then(|table| table.get(session)));
            if let Some(leader) = leader.filter(|leader| Some(leader.session()) == session) {
                told.into_iter().for_each(|signal| leader.signal(signal));
            }
        }
        self.signal_group(session, foreground, &told);
    }

    fn signal_foreground(&self, signals: &[Signal]) {
        let (session, foreground) = {
            let state = self.state.lock();
            (state.session, state.foreground)
        };
        self.signal_group(session, foreground, signals);
    }

    /// Sends signals to a group, as far as it is in the session.
    fn signal_group(&self, session: Option<Pid>, group: Option<Pid>, signals: &[Signal]) {
        let (Some(session), Some(group), Some(table)) = (session, group, self.table.upgrade()) else {
            return;
        };
        for process in table.all() {
            if process.session() == session && process.group() == group {
                signals.iter().for_each(|&signal| process.signal(signal));
            }
        }
    }

    pub(crate) fn poll_read(&self, cx: &Context<'_>, target: &mut [u8]) -> Poll<Result<usize, Errno>> {
        let mut state = self.state.lock();
        if state.hung_up {
            return Poll::Ready(Ok(0));
        }
        let Some(length) = state.discipline.read(target) else {
            let woken = state.readers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        };
        let woken = state.typists.take();
        drop(state);
        woken.wake();
        Poll::Ready(Ok(length))
    }

    pub(crate) fn poll_write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        let mut state = self.state.lock();
        if state.hung_up {
            return Poll::Ready(Err(Errno::Eio));
        }
        let taken = state.discipline.write(bytes);
        if taken == 0 && !bytes.is_empty() {
            let woken = state.writers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        let woken = state.viewers.take();
        drop(state);
        woken.wake();
        Poll::Ready(Ok(taken))
    }

    pub(crate) fn poll_readable(&self, cx: &Context<'_>) -> Poll<()> {
        self.wait(cx, |state| state.hung_up || state.discipline.is_readable(), |state| &mut state.readers)
    }

    pub(crate) fn poll_writable(&self, cx: &Context<'_>) -> Poll<()> {
        self.wait(cx, |state| state.hung_up || state.discipline.is_writable(), |state| &mut state.writers)
    }

    fn wait(
        &self,
        cx: &Context<'_>,
        is_ready: impl FnOnce(&State) -> bool,
        list: impl FnOnce(&mut State) -> &mut Wakers,
    ) -> Poll<()> {
        let mut state = self.state.lock();
        if is_ready(&state) {
            return Poll::Ready(());
        }
        let woken = list(&mut state).register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }
}

/// The end of a terminal at which somebody sits. Dropping it hangs up.
pub struct TerminalHost(Arc<Terminal>);

impl TerminalHost {
    pub(crate) fn new(terminal: Arc<Terminal>) -> TerminalHost {
        TerminalHost(terminal)
    }

    /// The terminal itself.
    pub fn terminal(&self) -> &Arc<Terminal> {
        &self.0
    }

    /// Types: takes at least one of the bytes, in their order, or waits until something was read. What sends signals is
    /// taken at once. Once it was hung up everything is taken and goes nowhere.
    pub fn poll_type(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<usize> {
        let mut state = self.0.state.lock();
        if state.hung_up || bytes.is_empty() {
            return Poll::Ready(bytes.len());
        }
        let typed = state.discipline.type_in(bytes);
        if typed.taken == 0 {
            let woken = state.typists.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        // Something to read, an echo to show, or output that may go on.
        let woken = [state.readers.take(), state.viewers.take(), state.writers.take()];
        drop(state);
        woken.into_iter().for_each(|woken| woken.wake());
        if !typed.signals.is_empty() {
            self.0.signal_foreground(&typed.signals);
        }
        Poll::Ready(typed.taken)
    }

    /// Takes what is to be shown; 0 bytes once it was hung up and everything was.
    pub fn poll_show(&self, cx: &Context<'_>, target: &mut [u8]) -> Poll<usize> {
        let mut state = self.0.state.lock();
        let length = state.discipline.take_output(target);
        if length == 0 && !target.is_empty() && !state.hung_up {
            let woken = state.viewers.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        }
        let woken = state.writers.take();
        drop(state);
        woken.wake();
        Poll::Ready(length)
    }

    /// See [`Terminal::resize`].
    pub fn resize(&self, size: WindowSize) {
        self.0.resize(size);
    }

    /// Nobody sits there any more: reads find the end, writes fail with `EIO`, the session's leader and the group in the
    /// foreground are sent `SIGHUP` and `SIGCONT`.
    pub fn hang_up(&self) {
        self.0.hang_up();
    }

    pub(crate) fn open(&self, fs: &Filesystem) -> Result<Arc<OpenFile>, Errno> {
        TerminalFile::open(fs, &self.0)
    }
}

impl Drop for TerminalHost {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}
