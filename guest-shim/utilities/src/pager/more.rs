//! `more` at a terminal: a screenful, a prompt, and on. What is shown stays; only going back shows something again.

use std::io;

use cordon_multicall::keys::Key;
use cordon_multicall::{launch, say};
use cordon_vm::process::Signal;

use super::open_input;
use super::text::{Stop, Text};
use super::tty::{Event, Tty};
use super::view::{Folding, Pattern, Place, Settings, View};

const SCROLLED: usize = 11;
const MAX_DIGITS: usize = 9;

const HELP: &str = "\
Numbers k may be typed before a key.
Space, f, z       On by a screen; by k lines; z: k lines are a screen from then on
Enter, j          On by a line, or k
d, Ctrl-D         On by 11 lines, or k from then on
s                 Leave out a line, or k
b, Ctrl-B         Back by a screen, or k
'                 To where the last search began
=                 The number of the line
/pattern, n       To a line with the pattern, or the k-th; the same again
:n, :p            To the next file, the one before
:f                The name of the file, and the number of the line
Ctrl-L            Show the screen anew
.                 What the last key did
q                 Leave
";

/// What a call asks for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub settings: Settings,
    pub files: Vec<String>,
    /// Lines of a screen, if not all.
    pub lines: Option<usize>,
    /// Each screen begins at its top.
    pub clears: bool,
    /// The prompt says what can be pressed.
    pub explains: bool,
    /// The line to begin with, counted from 1, or what is looked for to begin.
    pub start: Option<u64>,
    pub pattern: Option<String>,
}

/// Where a file leads.
enum Flow {
    File(usize),
    Leave,
}

/// What a key leads to in a file.
enum Then {
    /// Rows are shown.
    Show(usize),
    /// A prompt, and this before it.
    Say(String),
    Flow(Flow),
}

struct More {
    tty: Tty,
    request: Request,
    view: View,
    /// The row that is shown next; none at the end.
    place: Option<Place>,
    scrolled: usize,
    searched_from: Place,
    last_key: Option<(Key, Option<usize>)>,
    status: i32,
}

pub fn run(tty: Tty, request: Request) -> i32 {
    Tty::handle_signals();
    let size = tty.size();
    let mut more = More {
        view: View::new(Text::new(""), request.settings, size),
        tty,
        request,
        place: None,
        scrolled: SCROLLED,
        searched_from: Place::default(),
        last_key: None,
        status: 0,
    };
    more.tty.enter(false);
    let mut number = 0;
    while number < more.request.files.len() {
        match more.show_file(number) {
            Ok(Flow::File(next)) => number = next,
            Ok(Flow::Leave) => break,
            Err(stop) => {
                if let Stop::Failed(errno) = stop {
                    more.tty.show(&format!("more: {}\n", launch::errno_text(errno)));
                    more.status = 1;
                }
                break;
            }
        }
    }
    more.tty.leave();
    more.status
}

impl More {
    fn show_file(&mut self, number: usize) -> Result<Flow, Stop> {
        let name = self.request.files[number].clone();
        let text = match open_input(&name) {
            Ok(input) => Text::new(input),
            Err(cordon_vm::types::Errno::Eisdir) => {
                self.tty.show(&format!("\n*** {name}: directory ***\n\n"));
                return Ok(Flow::File(number + 1));
            }
            Err(errno) => {
                say(&mut io::stderr(), &format!("more: cannot open {name}: {}", launch::errno_text(errno)));
                return Ok(Flow::File(number + 1));
            }
        };
        let pattern = self.view.pattern.take();
        self.view = View::new(text, self.request.settings, self.tty.size());
        self.view.pattern = pattern;
        self.place = Some(Place::default());
        let mut rows = self.screenful();
        if self.request.files.len() > 1 {
            let line = "::::::::::::::";
            self.tty.show(&format!("{line}\n{name}\n{line}\n"));
            rows = rows.saturating_sub(3).max(1);
        }
        let mut then = Then::Show(rows);
        if let Some(start) = self.request.start.take() {
            self.skip(usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX))?;
        }
        if let Some(pattern) = self.request.pattern.take() {
            then = self.search(&pattern, 1)?;
            if matches!(then, Then::Say(_)) {
                then = Then::Show(rows);
            }
        }
        loop {
            let said = match then {
                Then::Flow(flow) => return Ok(flow),
                Then::Say(said) => said,
                Then::Show(count) => {
                    self.show(count)?;
                    String::new()
                }
            };
            let next = self.request.files.get(number + 1).cloned();
            if self.place.is_none() && next.is_none() {
                return Ok(Flow::Leave);
            }
            then = self.ask(&name, number, &said, next.as_deref())?;
        }
    }

    fn screenful(&self) -> usize {
        self.request.lines.unwrap_or(self.tty.size().rows - 1).max(1)
    }

    fn show(&mut self, count: usize) -> Result<(), Stop> {
        let Some(place) = self.place else { return Ok(()) };
        let outcome = self.view.take(place, count);
        let (rows, next) = self.or_ended(outcome)?;
        self.place = next;
        let mut text = String::new();
        if self.request.clears && count >= self.screenful() {
            text.push_str("\x1b[H\x1b[J");
        }
        for row in rows {
            text.push_str(&row);
            text.push('\n');
        }
        self.tty.show(&text);
        Ok(())
    }

    /// Leaves out lines.
    fn skip(&mut self, count: usize) -> Result<(), Stop> {
        if let Some(place) = self.place {
            let line = place.line.saturating_add(count as u64);
            let outcome = self.view.text.has(line, true);
            self.place = self.or_ended(outcome)?.then_some(Place { line, row: 0 });
        }
        Ok(())
    }

    /// A signal that comes meanwhile ends the program.
    fn or_ended<T>(&mut self, outcome: Result<T, Stop>) -> Result<T, Stop> {
        if let Err(Stop::Interrupted) = outcome
            && let Some(signal) = cordon_vm::process::take_signal()
        {
            self.tty.end_by(signal);
        }
        outcome
    }

    fn prompt(&mut self, said: &str, next: Option<&str>) -> String {
        let mut text = if said.is_empty() { "--More--".to_owned() } else { said.to_owned() };
        match (self.place, next) {
            _ if !said.is_empty() => {}
            (None, Some(next)) => text.push_str(&format!("(Next file: {next})")),
            (Some(place), _) => {
                if let Some(size) = self.view.text.size().filter(|size| *size > 0)
                    && let Ok(Some(offset)) = self.view.text.start(place.line, false)
                {
                    text.push_str(&format!("({}%)", u128::from(offset) * 100 / u128::from(size)));
                }
            }
            (None, None) => {}
        }
        if self.request.explains {
            text.push_str("[Press space to continue, 'q' to quit.]");
        }
        text.chars()
            .map(|letter| if letter.is_control() { '?' } else { letter })
            .take(self.tty.size().columns - 1)
            .collect()
    }

    /// Shows the prompt and does what is pressed.
    fn ask(&mut self, name: &str, number: usize, said: &str, next: Option<&str>) -> Result<Then, Stop> {
        let prompt = self.prompt(said, next);
        self.tty.show(&format!("\r\x1b[7m{prompt}\x1b[0m\x1b[K"));
        let mut typed = String::new();
        let key = loop {
            match self.tty.event() {
                Event::Key(Key::Character(digit @ '0'..='9')) if typed.len() < MAX_DIGITS => {
                    typed.push(digit);
                }
                Event::Key(key) => break key,
                Event::Gone => {
                    self.status = 1;
                    return Ok(Then::Flow(Flow::Leave));
                }
                Event::Signal(Signal::WindowChange) => {
                    let settings = self.request.settings;
                    self.view.change(settings, self.tty.size());
                }
                Event::Signal(Signal::TerminalStop) => {
                    self.tty.show("\r\x1b[K");
                    self.tty.suspend();
                    self.tty.show(&format!("\r\x1b[7m{prompt}\x1b[0m\x1b[K"));
                }
                Event::Signal(signal) => {
                    self.tty.show("\r\x1b[K");
                    self.tty.end_by(signal);
                }
            }
        };
        let mut press = (key, typed.parse::<usize>().ok());
        if key == Key::Character('.') {
            press = self.last_key.unwrap_or(press);
        } else {
            self.last_key = Some(press);
        }
        // The prompt stays until something is shown in its place.
        if matches!(press.0, Key::Character('/' | ':')) {
            return self.asked_more(press, name, number);
        }
        self.tty.show("\r\x1b[K");
        self.command(press, number)
    }

    fn command(&mut self, (key, count): (Key, Option<usize>), number: usize) -> Result<Then, Stop> {
        let screenful = self.screenful();
        if self.place.is_none() && matches!(key, Key::Character(' ' | 'f' | 'z') | Key::Enter | Key::PageDown)
        {
            return Ok(Then::Flow(Flow::File(number + 1)));
        }
        Ok(match key {
            Key::Character(' ') | Key::PageDown => Then::Show(count.unwrap_or(screenful)),
            Key::Character('z') => {
                self.request.lines = count.or(self.request.lines);
                Then::Show(self.screenful())
            }
            Key::Enter | Key::Down | Key::Character('j') => Then::Show(count.unwrap_or(1)),
            Key::Character('d') | Key::Control('d') => {
                self.scrolled = count.unwrap_or(self.scrolled);
                Then::Show(self.scrolled)
            }
            Key::Character('f') | Key::Control('f') => {
                let screens = count.unwrap_or(1);
                self.tty.show(&format!("\n...skipping {} lines\n", screens.saturating_mul(screenful)));
                self.skip(screens.saturating_mul(screenful))?;
                Then::Show(screenful)
            }
            Key::Character('s') => {
                let lines = count.unwrap_or(1);
                self.tty.show(&format!("\n...skipping {lines} line{}\n", if lines == 1 { "" } else { "s" }));
                self.skip(lines)?;
                Then::Show(screenful)
            }
            Key::Character('b') | Key::Control('b') | Key::PageUp => {
                let screens = count.unwrap_or(1);
                let plural = if screens == 1 { "" } else { "s" };
                self.tty.show(&format!("...back {screens} page{plural}\n"));
                self.go_back(screens.saturating_add(1).saturating_mul(screenful))?
            }
            Key::Control('l') => {
                self.tty.show("\x1b[H\x1b[J");
                self.go_back(screenful)?
            }
            Key::Character('\'') => {
                self.place = Some(self.searched_from);
                self.tty.show("\n***Back***\n\n");
                Then::Show(screenful)
            }
            Key::Character('=') => Then::Say(self.line_number().to_string()),
            Key::Character('n') => self.search("", count.unwrap_or(1))?,
            Key::Character('h' | '?') => {
                self.tty.show(HELP);
                Then::Show(0)
            }
            Key::Character('q' | 'Q') | Key::Control('c') => Then::Flow(Flow::Leave),
            Key::Character('!' | 'v') => Then::Say("Command not available".into()),
            _ => {
                self.tty.show("\x07");
                Then::Show(0)
            }
        })
    }

    /// Shows again what is so many rows before what would be next.
    fn go_back(&mut self, rows: usize) -> Result<Then, Stop> {
        self.view.top = match self.place {
            Some(place) => place,
            None => Place { line: self.view.text.count()?, row: 0 },
        };
        self.view.back(rows)?;
        self.place = Some(self.view.top);
        Ok(Then::Show(self.screenful()))
    }

    /// The number of the last line that is shown.
    fn line_number(&mut self) -> u64 {
        self.place.map_or_else(|| self.view.text.known_count().unwrap_or(0), |place| place.line)
    }

    /// Commands with more than one key.
    fn asked_more(
        &mut self,
        (key, count): (Key, Option<usize>),
        name: &str,
        number: usize,
    ) -> Result<Then, Stop> {
        if key == Key::Character('/') {
            return match self.tty.typed("/") {
                Ok(Some(text)) => {
                    self.tty.show("\r\x1b[K");
                    self.search(&text, count.unwrap_or(1))
                }
                Ok(None) => Ok(Then::Show(0)),
                Err(Event::Signal(signal)) if signal != Signal::TerminalStop => self.tty.end_by(signal),
                Err(_) => Ok(Then::Show(0)),
            };
        }
        self.tty.show("\r:\x1b[K");
        let event = self.tty.event();
        self.tty.show("\r\x1b[K");
        Ok(match event {
            Event::Key(Key::Character('n')) => Then::Flow(Flow::File(number + count.unwrap_or(1).max(1))),
            Event::Key(Key::Character('p')) => {
                Then::Flow(Flow::File(number.saturating_sub(count.unwrap_or(1).max(1))))
            }
            Event::Key(Key::Character('f')) => Then::Say(format!("\"{name}\" line {}", self.line_number())),
            Event::Key(Key::Character('q' | 'Q')) => Then::Flow(Flow::Leave),
            Event::Signal(signal) if signal != Signal::WindowChange => self.tty.end_by(signal),
            _ => {
                self.tty.show("\x07");
                Then::Show(0)
            }
        })
    }

    /// Shows from where the pattern is, the last one if there is no text.
    fn search(&mut self, text: &str, count: usize) -> Result<Then, Stop> {
        if !text.is_empty() {
            match Pattern::new(text, Folding::Never) {
                Ok(pattern) => self.view.pattern = Some(pattern),
                Err(_) => return Ok(Then::Say(format!("Invalid pattern: {text}"))),
            }
        }
        if self.view.pattern.is_none() {
            return Ok(Then::Say("No previous regular expression".into()));
        }
        let Some(place) = self.place else { return Ok(Then::Say("Pattern not found".into())) };
        self.searched_from = place;
        let (mut from, mut left) = (place.line, count.max(1));
        loop {
            let outcome = self.view.search(from, false);
            match self.or_ended(outcome)? {
                None => return Ok(Then::Say("Pattern not found".into())),
                Some(Ok(found)) if left <= 1 => {
                    self.tty.show("\n...skipping\n");
                    self.place = Some(Place { line: found, row: 0 });
                    return Ok(Then::Show(self.screenful()));
                }
                Some(Ok(found)) => {
                    left -= 1;
                    from = found + 1;
                }
                Some(Err(next)) => {
                    if let Some(signal) = cordon_vm::process::take_signal()
                        && signal != Signal::WindowChange
                    {
                        self.tty.end_by(signal);
                    }
                    from = next;
                }
            }
        }
    }
}
