//! What a terminal does with the bytes that go through it: its modes and special characters, as termios has them.
//!
//! Knows no terminal. What a program may choose is a value; what it does is [`Discipline`](super::discipline)'s part.

bitflags::bitflags! {
    /// What becomes of bytes that are typed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct InputModes: u16 {
        /// Take the eighth bit away (`ISTRIP`).
        const STRIP = 1 << 0;
        /// A newline becomes a carriage return (`INLCR`).
        const NEWLINE_TO_RETURN = 1 << 1;
        /// Carriage returns are dropped (`IGNCR`).
        const IGNORE_RETURN = 1 << 2;
        /// A carriage return becomes a newline (`ICRNL`).
        const RETURN_TO_NEWLINE = 1 << 3;
        /// Start and stop characters hold output (`IXON`).
        const FLOW_CONTROL = 1 << 4;
        /// Any character lets output go on (`IXANY`).
        const ANY_STARTS = 1 << 5;
        /// Erasing takes away a whole character of UTF-8 (`IUTF8`).
        const UTF8 = 1 << 6;
    }
}

bitflags::bitflags! {
    /// What becomes of bytes that are written.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OutputModes: u16 {
        /// Anything at all (`OPOST`).
        const PROCESS = 1 << 0;
        /// A newline becomes a carriage return and a newline (`ONLCR`).
        const NEWLINE_TO_RETURN_NEWLINE = 1 << 1;
        /// A carriage return becomes a newline (`OCRNL`).
        const RETURN_TO_NEWLINE = 1 << 2;
        /// No carriage return in the first column (`ONOCR`).
        const NO_RETURN_AT_START = 1 << 3;
        /// A newline does what a carriage return does, too (`ONLRET`).
        const NEWLINE_RETURNS = 1 << 4;
    }
}

bitflags::bitflags! {
    /// How a terminal serves whoever sits at it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LocalModes: u16 {
        /// Characters send signals (`ISIG`).
        const SIGNALS = 1 << 0;
        /// Lines are edited before they are read (`ICANON`).
        const CANONICAL = 1 << 1;
        /// What is typed is shown (`ECHO`).
        const ECHO = 1 << 2;
        /// Erasing shows (`ECHOE`).
        const ECHO_ERASE = 1 << 3;
        /// A newline after the kill character (`ECHOK`), unless [`ECHO_KILL_ERASE`](Self::ECHO_KILL_ERASE).
        const ECHO_KILL = 1 << 4;
        /// Newlines are shown also without `ECHO` (`ECHONL`).
        const ECHO_NEWLINE = 1 << 5;
        /// Control characters are shown as `^X` (`ECHOCTL`).
        const ECHO_CONTROL = 1 << 6;
        /// The kill character erases the line from sight (`ECHOKE`).
        const ECHO_KILL_ERASE = 1 << 7;
        /// Signals leave alone what waits to be read or shown (`NOFLSH`).
        const NO_FLUSH = 1 << 8;
        /// Who is in the background is stopped when it writes (`TOSTOP`).
        const STOP_BACKGROUND = 1 << 9;
        /// Word erase, literal next and reprint (`IEXTEN`).
        const EXTENDED = 1 << 10;
    }
}

/// The value that a special character has while it is switched off (`_POSIX_VDISABLE`).
pub const DISABLED: u8 = 0;

/// The special characters of a terminal, each of which [`DISABLED`] switches off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names are those of POSIX, after the V")]
pub struct ControlCharacters {
    pub interrupt: u8,
    pub quit: u8,
    pub suspend: u8,
    pub erase: u8,
    pub word_erase: u8,
    pub kill: u8,
    pub end_of_file: u8,
    pub end_of_line: u8,
    pub start: u8,
    pub stop: u8,
    pub literal_next: u8,
    pub reprint: u8,
    /// How many bytes a read waits for outside of canonical mode; with 0 it waits for none. There is no `TIME`: nothing
    /// in the kernel measures time.
    pub minimum: u8,
}

/// Everything that a program may choose of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Attributes {
    pub input: InputModes,
    pub output: OutputModes,
    pub local: LocalModes,
    pub characters: ControlCharacters,
}

/// A control character by the letter that it is typed with.
pub(super) const fn control(letter: u8) -> u8 {
    letter & 0x1f
}

/// What deletes, on nearly all keyboards.
pub(super) const DELETE: u8 = 0x7f;

impl Default for Attributes {
    /// Those of a new terminal: Linux's.
    fn default() -> Self {
        Attributes {
            input: InputModes::RETURN_TO_NEWLINE | InputModes::FLOW_CONTROL | InputModes::UTF8,
            output: OutputModes::PROCESS | OutputModes::NEWLINE_TO_RETURN_NEWLINE,
            local: LocalModes::SIGNALS
                | LocalModes::CANONICAL
                | LocalModes::ECHO
                | LocalModes::ECHO_ERASE
                | LocalModes::ECHO_KILL
                | LocalModes::ECHO_CONTROL
                | LocalModes::ECHO_KILL_ERASE
                | LocalModes::EXTENDED,
            characters: ControlCharacters {
                interrupt: control(b'C'),
                quit: control(b'\\'),
                suspend: control(b'Z'),
                erase: DELETE,
                word_erase: control(b'W'),
                kill: control(b'U'),
                end_of_file: control(b'D'),
                end_of_line: DISABLED,
                start: control(b'Q'),
                stop: control(b'S'),
                literal_next: control(b'V'),
                reprint: control(b'R'),
                minimum: 1,
            },
        }
    }
}

impl Attributes {
    /// The same in raw mode, as `cfmakeraw` has it: bytes go through as they are.
    #[must_use]
    pub fn raw(mut self) -> Attributes {
        self.input = self.input.intersection(InputModes::UTF8);
        self.output.remove(OutputModes::PROCESS);
        self.local.remove(
            LocalModes::ECHO
                | LocalModes::ECHO_NEWLINE
                | LocalModes::CANONICAL
                | LocalModes::SIGNALS
                | LocalModes::EXTENDED,
        );
        self.characters.minimum = 1;
        self
    }
}

/// How many characters a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct WindowSize {
    pub columns: u16,
    pub rows: u16,
}

impl Default for WindowSize {
    fn default() -> Self {
        WindowSize { columns: 80, rows: 24 }
    }
}
