//! `less` at a terminal: what keys do, the prompt, and going from file to file.

use std::collections::HashMap;
use std::io;

use cordon_multicall::keys::Key;
use cordon_multicall::{launch, say};
use cordon_vm::process::Signal;

use super::text::{Stop, Text};
use super::tty::{Event, Size, Tty};
use super::view::{Folding, Pattern, Place, Screen, Settings, View};
use super::{open_input, why};

/// How long a number for a command may be.
const MAX_DIGITS: usize = 15;
/// How often it is looked whether a file has grown, in milliseconds.
const FOLLOWING: u32 = 250;
/// How long it is waited for text before keys are looked at again, in milliseconds.
const WAITING: u32 = 50;

const HELP: &str = "\
KEYS OF LESS

 Numbers N may be typed before a key.

  h  H                 This help.
  q  :q  Q  ZZ         Leave.

  e  j  Down  Enter    Forward one line (or N).
  y  k  Up             Back one line (or N).
  f  Space  PageDown   Forward one screen (or N lines).
  b  PageUp            Back one screen (or N lines).
  z  w                 Like f and b, and N lines are a screen from then on.
  d  u                 Forward, back half a screen (or N lines from then on).
  Right  Left          Half a screen aside (or N columns).
  g  <  Home           To the first line (or line N).
  G  >  End            To the last line (or line N).
  p  %                 To N percent of the text.
  F                    To the end, and on as the file grows; any key ends that.
  r  R  Ctrl-L         Show everything anew.

  /pattern             Forward to a line with the pattern; !pattern: without it.
  ?pattern             The same, back.
  n  N                 Look for it once more, in the same or the other direction.
  Alt-u                Mark what is found, or do not.
  mX  'X  ''           Mark a place by a letter; go to it; go to where one was.

  :n  :p  :x           To the next file, the one before, the first.
  :e file              Another file.
  =  :f                Where one is.
  -N -S -i -I -R -s    Turn line numbers, chopping of long lines, searches that do
                       not tell capitals, colours, squeezing of blank lines on or off.
";

/// How much the prompt tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prompt {
    #[default]
    Short,
    Medium,
    Long,
}

/// What a call asks for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub settings: Settings,
    pub files: Vec<String>,
    pub prompt: Prompt,
    /// What fits on one screen is shown and left.
    pub leaves_if_short: bool,
    /// The end leaves: the second time that it is met, or the first.
    pub leaves_at_end: Option<bool>,
    /// Ctrl-C leaves.
    pub leaves_by_interrupt: bool,
    /// What is shown stays there.
    pub keeps_screen: bool,
    /// Lines of a screen, if not all.
    pub window: Option<usize>,
    /// Columns that an arrow moves by, if not half a screen.
    pub shift: Option<usize>,
    /// Commands to begin with (`+...`).
    pub commands: Vec<String>,
}

/// Whether to go on.
enum Flow {
    On,
    Leave,
}

struct Pager {
    tty: Tty,
    request: Request,
    view: View,
    /// The text itself, while help is shown.
    behind: Option<View>,
    current: usize,
    /// Where one was in other files.
    places: HashMap<usize, Place>,
    size: Size,
    /// What is on the screen.
    shown: Vec<String>,
    message: Option<String>,
    /// The number that is being typed.
    number: String,
    half: Option<usize>,
    is_search_back: bool,
    marks: HashMap<char, (usize, Place)>,
    /// Where one was before a long way.
    last: Place,
    is_named: bool,
    was_at_end: bool,
    status: i32,
}

/// The text of a file, or why there is none.
fn text_of(name: &str) -> Result<Text, String> {
    open_input(name).map(Text::new).map_err(|errno| why(name, errno))
}

/// Shows files until somebody leaves.
pub fn run(tty: Tty, request: Request) -> i32 {
    Tty::handle_signals();
    let mut status = 0;
    let mut first = None;
    for (number, name) in request.files.iter().enumerate() {
        match text_of(name) {
            Ok(text) => {
                first = Some((number, text));
                break;
            }
            Err(why) => {
                say(&mut io::stderr(), &why);
                status = 1;
            }
        }
    }
    let Some((current, text)) = first else { return 1 };
    let size = tty.size();
    let view = View::new(text, request.settings, size);
    let mut pager = Pager {
        tty,
        view,
        behind: None,
        current,
        places: HashMap::new(),
        size,
        shown: vec![],
        message: None,
        number: String::new(),
        half: None,
        is_search_back: false,
        marks: HashMap::new(),
        last: Place::default(),
        is_named: false,
        was_at_end: false,
        status,
        request,
    };
    if pager.request.leaves_if_short && pager.request.files.len() == 1 && pager.is_short() {
        return pager.status;
    }
    pager.tty.enter(!pager.request.keeps_screen);
    if pager.request.keeps_screen {
        // What is above stays above.
        pager.tty.show(&"\n".repeat(size.rows - 1));
    }
    pager.turn_pages();
    pager.tty.show(&format!("\x1b[{};1H\x1b[K", pager.size.rows));
    pager.tty.leave();
    pager.status
}

impl Pager {
    /// Shows the text if it fits on the screen.
    fn is_short(&mut self) -> bool {
        loop {
            match self.view.whole() {
                Ok(Some(lines)) => {
                    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                    self.tty.show(&text);
                    return true;
                }
                Ok(None) | Err(Stop::Failed(_) | Stop::NotYet) => return false,
                Err(Stop::Interrupted) => match cordon_vm::process::take_signal() {
                    Some(Signal::WindowChange) => self.resize(),
                    Some(Signal::TerminalStop) => self.tty.suspend(),
                    Some(Signal::Interrupt) | None => return false,
                    Some(signal) => self.tty.end_by(signal),
                },
            }
        }
    }

    fn turn_pages(&mut self) {
        for command in std::mem::take(&mut self.request.commands) {
            if let Flow::Leave = self.begin_with(&command) {
                return;
            }
        }
        loop {
            let screen = self.draw();
            if self.leaves_at(&screen) {
                return;
            }
            if screen.is_waiting && !self.wait_for_text() {
                continue;
            }
            let flow = match self.tty.event() {
                Event::Key(key) => self.press(key),
                event => self.handle(event),
            };
            if let Flow::Leave = flow {
                return;
            }
        }
    }

    /// Waits until there is something to do; false if it is text.
    fn wait_for_text(&mut self) -> bool {
        while !self.tty.is_awaited() {
            if self.view.text.is_ready(WAITING) {
                return false;
            }
        }
        true
    }

    fn leaves_at(&mut self, screen: &Screen) -> bool {
        let Some(is_first) = self.request.leaves_at_end else { return false };
        if self.behind.is_some() || self.current + 1 < self.request.files.len() {
            return false;
        }
        screen.is_end && is_first
    }

    /// What `+` was in front of.
    fn begin_with(&mut self, command: &str) -> Flow {
        let first = command.chars().next();
        if let Some(direction @ ('/' | '?')) = first {
            let outcome = self.look_for(&command[1..], direction == '?', 1);
            self.tell(outcome);
            return Flow::On;
        }
        if !command.is_empty() && command.bytes().all(|byte| byte.is_ascii_digit()) {
            self.number = command.chars().take(MAX_DIGITS).collect();
            return self.press(Key::Character('g'));
        }
        for character in command.chars() {
            if let Flow::Leave = self.press(Key::Character(character)) {
                return Flow::Leave;
            }
        }
        Flow::On
    }

    fn resize(&mut self) {
        self.size = self.tty.size();
        let settings = self.view.settings;
        self.view.change(settings, self.size);
        self.shown.clear();
    }

    /// Does what no key is.
    fn handle(&mut self, event: Event) -> Flow {
        match event {
            Event::Key(_) => {}
            Event::Gone => {
                self.status = 1;
                return Flow::Leave;
            }
            Event::Signal(Signal::WindowChange) => self.resize(),
            Event::Signal(Signal::TerminalStop) => {
                self.tty.suspend();
                self.resize();
            }
            Event::Signal(Signal::Interrupt | Signal::Quit) => {
                self.number.clear();
                if self.request.leaves_by_interrupt {
                    self.status = 2;
                    return Flow::Leave;
                }
            }
            Event::Signal(signal) => self.tty.end_by(signal),
        }
        Flow::On
    }

    /// Shows what has changed on the screen.
    fn draw(&mut self) -> Screen {
        let screen = self.view.screen(false);
        let mut out = String::new();
        let is_new = self.shown.is_empty();
        if is_new {
            out.push_str("\x1b[H\x1b[J");
        }
        for (row, text) in screen.rows.iter().enumerate() {
            if self.shown.get(row) != Some(text) && !(is_new && text.is_empty()) {
                out.push_str(&format!("\x1b[{};1H{text}", row + 1));
                if !is_new {
                    out.push_str("\x1b[K");
                }
            }
        }
        self.shown.clone_from(&screen.rows);
        let prompt = self.prompt(&screen);
        out.push_str(&format!("\x1b[{};1H{prompt}\x1b[K", self.size.rows));
        self.tty.show(&out);
        screen
    }

    fn name(&self) -> &str {
        if self.behind.is_some() {
            return "HELP -- press q when done";
        }
        self.request.files.get(self.current).map_or("", |name| if name == "-" { "" } else { name })
    }

    /// What the last row says.
    fn prompt(&mut self, screen: &Screen) -> String {
        if let Some(errno) = screen.failed {
            self.message = Some(format!("read error: {}", launch::errno_text(errno)));
        }
        let text = match self.message.take() {
            Some(message) => message,
            None if !self.number.is_empty() => return format!(":{}", self.number),
            None => self.state(screen, self.request.prompt),
        };
        self.is_named = true;
        if text.is_empty() {
            return ":".into();
        }
        let text: String = text
            .chars()
            .map(|letter| if letter.is_control() { '?' } else { letter })
            .take(self.size.columns - 1)
            .collect();
        format!("\x1b[7m{text}\x1b[0m")
    }

    /// Where one is, as a prompt of that length tells it.
    fn state(&mut self, screen: &Screen, prompt: Prompt) -> String {
        let mut parts: Vec<String> = vec![];
        let is_first = !self.is_named || self.behind.is_some();
        let count = self.request.files.len();
        if is_first || prompt != Prompt::Short {
            if !self.name().is_empty() {
                parts.push(self.name().to_owned());
            }
            if count > 1 && is_first && self.behind.is_none() {
                parts.push(format!("(file {} of {count})", self.current + 1));
            }
        }
        if prompt == Prompt::Long {
            let total = self.view.text.known_count().map_or(String::new(), |count| format!("/{count}"));
            parts.push(format!("lines {}-{}{total}", self.view.top.line + 1, screen.bottom.line + 1));
        }
        if screen.is_end {
            parts.push("(END)".into());
            if self.behind.is_none()
                && let Some(next) = self.request.files.get(self.current + 1)
            {
                parts.push(format!("- Next: {next}"));
            }
        } else if prompt != Prompt::Short
            && let Some(percent) = self.view.percent(screen)
        {
            parts.push(format!("{percent}%"));
        }
        parts.join(" ")
    }

    /// Takes what was done for what the next prompt says.
    fn tell(&mut self, outcome: Result<(), Stop>) {
        if let Err(Stop::Failed(errno)) = outcome {
            self.message = Some(launch::errno_text(errno).into());
        }
    }

    fn press(&mut self, key: Key) -> Flow {
        if let Key::Character(digit @ '0'..='9') = key
            && self.number.len() < MAX_DIGITS
        {
            self.number.push(digit);
            return Flow::On;
        }
        if key == Key::Character('.') && !self.number.is_empty() && !self.number.contains('.') {
            self.number.push('.');
            return Flow::On;
        }
        if key == Key::Backspace && !self.number.is_empty() {
            self.number.pop();
            return Flow::On;
        }
        let typed = std::mem::take(&mut self.number);
        let fraction = typed.parse::<f64>().ok();
        let number = fraction.map(|number| number as u64);
        match self.command(key, number, fraction) {
            Ok(flow) => flow,
            Err(stop) => {
                self.tell(Err(stop));
                Flow::On
            }
        }
    }

    fn command(&mut self, key: Key, number: Option<u64>, fraction: Option<f64>) -> Result<Flow, Stop> {
        let rows = self.view.rows();
        let screenful = self.request.window.unwrap_or(rows);
        let count = number.map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let half = match (key, count) {
            (Key::Character('d' | 'u') | Key::Control('d' | 'u'), Some(count)) => {
                self.half = Some(count);
                count
            }
            _ => self.half.unwrap_or(rows / 2).max(1),
        };
        match key {
            Key::Character('q' | 'Q') => {
                return Ok(match self.behind.take() {
                    Some(view) => {
                        self.view = view;
                        self.resize();
                        Flow::On
                    }
                    None => Flow::Leave,
                });
            }
            Key::Character('Z') if self.next_character()? == Some('Z') => return Ok(Flow::Leave),
            Key::Enter | Key::Down | Key::Character('j' | 'e' | 'J') | Key::Control('n' | 'e') => {
                return self.forward(count.unwrap_or(1));
            }
            Key::Up | Key::Character('k' | 'y' | 'K' | 'Y') | Key::Control('p' | 'y' | 'k') => {
                self.view.back(count.unwrap_or(1))?;
            }
            Key::Character(' ' | 'f') | Key::PageDown | Key::Control('f' | 'v') => {
                return self.forward(count.unwrap_or(screenful));
            }
            Key::Character('z') => {
                self.request.window = count.or(self.request.window);
                return self.forward(count.unwrap_or(screenful));
            }
            Key::Character('b') | Key::PageUp | Key::Control('b') | Key::Alt('v') => {
                self.view.back(count.unwrap_or(screenful))?;
            }
            Key::Character('w') => {
                self.request.window = count.or(self.request.window);
                self.view.back(count.unwrap_or(screenful))?;
            }
            Key::Character('d') | Key::Control('d') => return self.forward(half),
            Key::Character('u') | Key::Control('u') => {
                self.view.back(half)?;
            }
            Key::Character('g' | '<') | Key::Home | Key::Alt('<') => self.go_to_line(number.unwrap_or(1))?,
            Key::Character('G' | '>') | Key::End | Key::Alt('>') => match number {
                Some(number) => self.go_to_line(number)?,
                None => {
                    self.last = self.view.top;
                    self.view.go_to_end(true)?;
                }
            },
            Key::Character('p' | '%') => {
                self.last = self.view.top;
                self.view.go_to_percent(fraction.unwrap_or(0.0))?;
            }
            Key::Right | Key::Left | Key::Alt(')' | '(') => {
                let by = count.or(self.request.shift).unwrap_or(self.view.columns() / 2).max(1);
                self.request.shift = count.or(self.request.shift);
                let is_right = matches!(key, Key::Right | Key::Alt(')'));
                self.view.left = if is_right {
                    self.view.left.saturating_add(by).min(super::text::MAX_LINE)
                } else {
                    self.view.left.saturating_sub(by)
                };
                self.chop_for_columns();
            }
            Key::Character('r' | 'R') | Key::Control('l' | 'r') => self.resize(),
            Key::Character('F') => return Ok(self.follow()),
            Key::Character(direction @ ('/' | '?')) => return self.ask_for_pattern(direction, number),
            Key::Character(direction @ ('n' | 'N')) => {
                let is_back = self.is_search_back != (direction == 'N');
                self.look_on(is_back, number.unwrap_or(1), false)?;
            }
            Key::Alt('u') => {
                let mut settings = self.view.settings;
                settings.marks_found = !settings.marks_found;
                self.view.change(settings, self.size);
            }
            Key::Character('m') => {
                if let Some(letter) = self.next_character()?.filter(char::is_ascii_alphabetic) {
                    self.marks.insert(letter, (self.current, self.view.top));
                }
            }
            Key::Character('\'') => self.go_to_mark()?,
            Key::Character('=') | Key::Control('g') => self.tell_place(),
            Key::Character('h' | 'H') => {
                if self.behind.is_none() {
                    let help = View::new(Text::new(HELP), self.view.settings, self.size);
                    self.behind = Some(std::mem::replace(&mut self.view, help));
                    self.shown.clear();
                }
            }
            Key::Character('-') => self.turn_option()?,
            Key::Character(':') => return self.colon(),
            Key::Character('V') => self.message = Some("less (cordon)".into()),
            Key::Character('!' | '|' | 'v' | '&' | 's') => {
                self.message = Some("Command not available".into());
            }
            _ => self.tty.show("\x07"),
        }
        Ok(Flow::On)
    }

    /// Moves aside only where lines are chopped, or as if they were.
    fn chop_for_columns(&mut self) {
        let mut settings = self.view.settings;
        settings.chops = self.request.settings.chops || self.view.left > 0;
        self.view.change(settings, self.size);
    }

    fn forward(&mut self, rows: usize) -> Result<Flow, Stop> {
        if rows > 0 && self.view.forward(rows)? == 0 {
            if self.request.leaves_at_end.is_some() && self.behind.is_none() {
                if self.current + 1 < self.request.files.len() {
                    self.go_to_file(self.current + 1, 1);
                    return Ok(Flow::On);
                }
                if std::mem::replace(&mut self.was_at_end, true) {
                    return Ok(Flow::Leave);
                }
            }
            self.tty.show("\x07");
        }
        Ok(Flow::On)
    }

    fn go_to_line(&mut self, number: u64) -> Result<(), Stop> {
        let before = self.view.top;
        if self.view.go_to_line(number.saturating_sub(1))? {
            self.last = before;
        } else if number > 1 {
            self.message = Some(format!("Cannot seek to line number {number}"));
        }
        Ok(())
    }

    /// The next key, if it is a character.
    fn next_character(&mut self) -> Result<Option<char>, Stop> {
        match self.tty.event() {
            Event::Key(Key::Character(character)) => Ok(Some(character)),
            Event::Key(_) => Ok(None),
            event => {
                self.handle(event);
                Err(Stop::Interrupted)
            }
        }
    }

    /// A text that is typed behind a prompt.
    fn typed(&mut self, prompt: &str) -> Option<String> {
        match self.tty.typed(prompt) {
            Ok(text) => text,
            Err(event) => {
                self.handle(event);
                None
            }
        }
    }

    fn ask_for_pattern(&mut self, direction: char, number: Option<u64>) -> Result<Flow, Stop> {
        let Some(text) = self.typed(&direction.to_string()) else { return Ok(Flow::On) };
        self.look_for(&text, direction == '?', number.unwrap_or(1))?;
        Ok(Flow::On)
    }

    /// Looks for a pattern, or for the last one again.
    fn look_for(&mut self, text: &str, is_back: bool, number: u64) -> Result<(), Stop> {
        self.is_search_back = is_back;
        if text.is_empty() {
            return self.look_on(is_back, number, false);
        }
        match Pattern::new(text, self.view.settings.folding) {
            Ok(pattern) => {
                self.view.pattern = Some(pattern);
                self.look_on(is_back, number, true)
            }
            Err(_) => {
                self.message = Some(format!("Invalid pattern: {text}"));
                Ok(())
            }
        }
    }

    /// Goes to where the pattern is, the `number`th time; the line at the top counts if it is new.
    fn look_on(&mut self, is_back: bool, number: u64, is_new: bool) -> Result<(), Stop> {
        if self.view.pattern.is_none() {
            self.message = Some("No previous regular expression".into());
            return Ok(());
        }
        let before = self.view.top;
        let mut from = match (is_back, is_new) {
            (false, true) => before.line,
            (false, false) => before.line + 1,
            (true, true) => self.view.screen(false).bottom.line,
            (true, false) if before.line == 0 => return self.not_found(),
            (true, false) => before.line - 1,
        };
        let mut left = number.max(1);
        loop {
            match self.view.search(from, is_back)? {
                None => return self.not_found(),
                Some(Ok(found)) => {
                    left -= 1;
                    if left == 0 {
                        self.last = before;
                        return self.view.show_found(found);
                    }
                    if is_back && found == 0 {
                        return self.not_found();
                    }
                    from = if is_back { found - 1 } else { found + 1 };
                }
                Some(Err(next)) => {
                    // Whoever looks at this may have had enough.
                    if let Some(signal) = cordon_vm::process::take_signal() {
                        self.handle(Event::Signal(signal));
                        if signal != Signal::WindowChange {
                            self.message = Some("Search interrupted".into());
                            return Ok(());
                        }
                    }
                    from = next;
                }
            }
        }
    }

    fn not_found(&mut self) -> Result<(), Stop> {
        self.message = Some("Pattern not found".into());
        Ok(())
    }

    fn go_to_mark(&mut self) -> Result<(), Stop> {
        let before = self.view.top;
        match self.next_character()? {
            Some('\'') => self.view.top = self.last,
            Some('^') => self.view.top = Place::default(),
            Some('$') => self.view.go_to_end(true)?,
            Some(letter) => match self.marks.get(&letter).copied() {
                Some((file, place)) => {
                    if file != self.current && self.behind.is_none() {
                        self.go_to_file(file, 1);
                    }
                    self.view.top = place;
                }
                None => {
                    self.message = Some("Mark not set".into());
                    return Ok(());
                }
            },
            None => return Ok(()),
        }
        self.last = before;
        let settings = self.view.settings;
        self.view.change(settings, self.size);
        Ok(())
    }

    fn tell_place(&mut self) {
        let screen = self.view.screen(false);
        let was_named = std::mem::replace(&mut self.is_named, false);
        let mut told = self.state(&screen, Prompt::Long);
        self.is_named = was_named;
        if screen.is_end {
            told.push_str(" 100%");
        }
        self.message = Some(told);
    }

    /// Shows the end of a file while it grows.
    fn follow(&mut self) -> Flow {
        loop {
            self.view.text.look_again();
            self.view.forget_heights();
            let outcome = self.view.go_to_end(false);
            self.tell(outcome);
            self.message = Some("Waiting for data... (any key ends this)".into());
            self.draw();
            if self.tty.pause(FOLLOWING) {
                return match self.tty.event() {
                    Event::Key(Key::Character('q')) => Flow::Leave,
                    Event::Key(_) => Flow::On,
                    event @ Event::Signal(Signal::WindowChange) => {
                        self.handle(event);
                        continue;
                    }
                    event => self.handle(event),
                };
            }
        }
    }

    /// What `-` and a letter do.
    fn turn_option(&mut self) -> Result<(), Stop> {
        self.tty.show(&format!("\x1b[{};1H-\x1b[K", self.size.rows));
        let Some(letter) = self.next_character()? else { return Ok(()) };
        let mut settings = self.view.settings;
        let fold = |folding, wanted| if folding == wanted { Folding::Never } else { wanted };
        let (told, is_on) = match letter {
            'N' | 'n' => {
                settings.has_numbers = letter == 'N' && !settings.has_numbers;
                ("line numbers", settings.has_numbers)
            }
            'S' => {
                settings.chops = !settings.chops;
                self.request.settings.chops = settings.chops;
                self.view.left = 0;
                ("chopped lines", settings.chops)
            }
            'i' => {
                settings.folding = fold(settings.folding, Folding::Small);
                ("searches that ignore case unless they have capitals", settings.folding == Folding::Small)
            }
            'I' => {
                settings.folding = fold(settings.folding, Folding::Always);
                ("searches that ignore case", settings.folding == Folding::Always)
            }
            'R' | 'r' => {
                settings.look.has_colors = !settings.look.has_colors;
                ("colours", settings.look.has_colors)
            }
            's' => {
                settings.squeezes = !settings.squeezes;
                ("squeezed blank lines", settings.squeezes)
            }
            'G' | 'g' => {
                settings.marks_found = !settings.marks_found;
                ("marks of what is found", settings.marks_found)
            }
            'M' | 'm' => {
                self.request.prompt = if letter == 'M' { Prompt::Long } else { Prompt::Medium };
                ("longer prompts", true)
            }
            _ => {
                self.message = Some(format!("There is no -{letter} that can be changed"));
                return Ok(());
            }
        };
        self.view.change(settings, self.size);
        self.message = Some(format!("{told}: {}", if is_on { "on" } else { "off" }));
        Ok(())
    }

    fn colon(&mut self) -> Result<Flow, Stop> {
        self.tty.show(&format!("\x1b[{};1H:\x1b[K", self.size.rows));
        match self.next_character()? {
            Some('q' | 'Q') => return Ok(Flow::Leave),
            Some('n') if self.current + 1 < self.request.files.len() => self.go_to_file(self.current + 1, 1),
            Some('n') => self.message = Some("No next file".into()),
            Some('p') if self.current > 0 => self.go_to_file(self.current - 1, -1),
            Some('p') => self.message = Some("No previous file".into()),
            Some('x') => self.go_to_file(0, 1),
            Some('f') => self.tell_place(),
            Some('e') => {
                if let Some(name) = self.typed("Examine: ").map(|name| name.trim().to_owned())
                    && !name.is_empty()
                {
                    let at = self.current + 1;
                    self.request.files.insert(at, name);
                    // What is known of files behind it is of their places no longer.
                    self.places.retain(|file, _| *file < at);
                    self.marks.retain(|_, (file, _)| *file < at);
                    if !self.go_to(at) {
                        self.request.files.remove(at);
                    }
                }
            }
            _ => self.tty.show("\x07"),
        }
        Ok(Flow::On)
    }

    /// Goes to a file, or the next in that direction that can be shown.
    fn go_to_file(&mut self, number: usize, step: isize) {
        let mut number = number;
        while number < self.request.files.len() {
            if self.go_to(number) {
                return;
            }
            match number.checked_add_signed(step) {
                Some(next) => number = next,
                None => return,
            }
        }
    }

    /// Shows another file; false and why if it cannot be.
    fn go_to(&mut self, number: usize) -> bool {
        let text = match text_of(&self.request.files[number]) {
            Ok(text) => text,
            Err(why) => {
                self.message = Some(why);
                return false;
            }
        };
        self.behind = None;
        self.places.insert(self.current, self.view.top);
        let mut view = View::new(text, self.view.settings, self.size);
        view.pattern = self.view.pattern.take();
        view.top = self.places.get(&number).copied().unwrap_or_default();
        self.view = view;
        self.current = number;
        self.is_named = false;
        self.was_at_end = false;
        self.last = Place::default();
        true
    }
}
