//! The terminal at which pages are turned: keys from it and signals, what it shows, and what it was before. Whatever the
//! pager's streams are, keys come from the terminal that controls the session.

use std::io::{self, Write};

use cordon_multicall::keys::{self, Key};
use cordon_multicall::launch;
use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::filesystem::{self, OpenFlags};
use cordon_vm::polling;
use cordon_vm::process::{self, Disposition, Signal};
use cordon_vm::terminal::{self, Attributes, ChangeWhen, LocalModes};
use cordon_vm::types::Errno;

/// Signals that would leave the terminal as no shell wants it, and the one that tells of a new size.
const HANDLED: [Signal; 6] = [
    Signal::Interrupt,
    Signal::Quit,
    Signal::Terminate,
    Signal::Hangup,
    Signal::TerminalStop,
    Signal::WindowChange,
];

/// A text that is typed for a pager to read is no longer.
const MAX_TYPED: usize = 1024;

pub enum Event {
    Key(Key),
    Signal(Signal),
    /// Nobody is there any more.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

pub struct Tty {
    input: Descriptor,
    before: Attributes,
    /// What is shown is forgotten at the end.
    has_own_screen: bool,
    is_entered: bool,
}

impl Tty {
    /// None if pages are not turned: nobody sees the output, or keys cannot be read.
    pub fn open() -> Option<Self> {
        if !descriptors::inherited(1).ok()?.is_terminal() {
            return None;
        }
        if matches!(std::env::var("TERM").as_deref(), Err(_) | Ok("" | "dumb")) {
            return None;
        }
        let input = filesystem::open("/dev/tty", OpenFlags::READ | OpenFlags::WRITE, 0)
            .or_else(|_| descriptors::inherited(2))
            .ok()?;
        let before = terminal::get_attributes(&input).ok()?;
        Some(Tty { input, before, has_own_screen: false, is_entered: false })
    }

    /// From here on signals are events.
    pub fn handle_signals() {
        for signal in HANDLED {
            if process::get_disposition(signal) == Disposition::Default {
                // Only KILL and STOP are refused.
                let _ = process::set_disposition(signal, Disposition::Handle);
            }
        }
    }

    pub fn enter(&mut self, has_own_screen: bool) {
        self.has_own_screen = has_own_screen;
        self.is_entered = true;
        let mut raw = self.before;
        let off = LocalModes::CANONICAL | LocalModes::ECHO | LocalModes::EXTENDED;
        raw.local = raw.local ^ (raw.local & off);
        raw.characters.minimum = 1;
        let _ = terminal::set_attributes(&self.input, ChangeWhen::Drained, raw);
        if has_own_screen {
            self.show("\x1b[?1049h\x1b[H");
        }
    }

    pub fn leave(&mut self) {
        if std::mem::take(&mut self.is_entered) {
            if self.has_own_screen {
                self.show("\x1b[?1049l");
            }
            let _ = terminal::set_attributes(&self.input, ChangeWhen::Drained, self.before);
        }
    }

    /// Stops as a key or another program wants it, and goes on later.
    pub fn suspend(&mut self) {
        let was_entered = self.is_entered;
        self.leave();
        let _ = process::set_disposition(Signal::TerminalStop, Disposition::Default);
        let _ = process::kill(process::id(), Signal::TerminalStop);
        let _ = process::set_disposition(Signal::TerminalStop, Disposition::Handle);
        if was_entered {
            self.enter(self.has_own_screen);
        }
    }

    /// Ends by a signal, as whoever waits is to see it.
    pub fn end_by(&mut self, signal: Signal) -> ! {
        self.leave();
        let _ = process::set_disposition(signal, Disposition::Default);
        let _ = process::kill(process::id(), signal);
        std::process::exit(128 + launch::number_of(signal));
    }

    pub fn size(&self) -> Size {
        let size = terminal::get_size(&self.input).ok().filter(|size| size.columns > 0 && size.rows > 0);
        let (columns, rows) = size.map_or((80, 24), |size| (size.columns, size.rows));
        // A prompt and a row above it, at least.
        Size { columns: usize::from(columns).max(2), rows: usize::from(rows).max(2) }
    }

    pub fn show(&self, text: &str) {
        let mut out = io::stdout();
        // Nobody is left to see it otherwise.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Whether there is something to be done at once.
    pub fn is_awaited(&self) -> bool {
        // A signal that waits is an error here.
        polling::wait_readable(&self.input, 0).unwrap_or(true)
    }

    /// Waits so long at most for something to do.
    pub fn pause(&self, milliseconds: u32) -> bool {
        polling::wait_readable(&self.input, milliseconds).unwrap_or(true)
    }

    pub fn event(&self) -> Event {
        loop {
            if let Some(signal) = process::take_signal() {
                return Event::Signal(signal);
            }
            let mut outcome = Ok(());
            let key = keys::read(|| match self.input.read(1) {
                Ok(bytes) => bytes.first().copied(),
                Err(errno) => {
                    outcome = Err(errno);
                    None
                }
            });
            match (key, outcome) {
                (Some(key), _) => return Event::Key(key),
                (None, Err(Errno::Eintr)) => {}
                (None, _) => return Event::Gone,
            }
        }
    }

    /// A text that is typed in the last row behind a prompt; none if it was given up.
    ///
    /// # Errors
    /// What has to be done first.
    pub fn typed(&self, prompt: &str) -> Result<Option<String>, Event> {
        let mut text = String::new();
        loop {
            let size = self.size();
            let shown: String = format!("{prompt}{text}").chars().rev().take(size.columns - 1).collect();
            let shown: String = shown.chars().rev().collect();
            self.show(&format!("\x1b[{};1H{shown}\x1b[K", size.rows));
            match self.event() {
                Event::Key(Key::Character(character)) if text.len() < MAX_TYPED => text.push(character),
                Event::Key(Key::Enter) => return Ok(Some(text)),
                Event::Key(Key::Backspace) => {
                    if text.pop().is_none() {
                        return Ok(None);
                    }
                }
                Event::Key(Key::Control('u')) => text.clear(),
                Event::Key(Key::Control('w')) => {
                    let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                    text.truncate(kept);
                }
                Event::Key(Key::Control('c' | 'g') | Key::Alt(_)) | Event::Signal(Signal::Interrupt) => {
                    return Ok(None);
                }
                Event::Key(_) | Event::Signal(Signal::WindowChange) => {}
                event => return Err(event),
            }
        }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.leave();
    }
}
