//! The line that somebody types at a terminal: moving in it, changing it, earlier commands, searching these, completing
//! words. Keys are those of Emacs, as bash and readline have them. What a line is and what becomes of it is rustyline's
//! `LineBuffer`, earlier commands are its `MemHistory`; its own reading of terminals needs an operating system that a VM
//! is not, so `cordon_multicall::keys` decodes what is typed and `screen` shows the line. It knows nothing of what commands
//! mean.

mod completion;
mod screen;
pub mod transfer;

use rustyline::{
    At, Word,
    completion::{Candidate, Pair, longest_common_prefix},
    history::{History, MemHistory, SearchDirection},
    line_buffer::{ChangeListener, DeleteListener, Direction, LineBuffer, WordAction},
};

use crate::{
    state::Shell,
    system::{
        self, Attributes, Errno, Handle, LocalModes,
        signals::{self, Signal},
    },
};
use cordon_multicall::keys::{self, Key};
use screen::Screen;

/// A line holds so many bytes; more is not taken.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// So many earlier commands are kept.
const MAX_COMMANDS: usize = 500;

/// A longer command is not kept.
const MAX_COMMAND_BYTES: usize = 16 * 1024;

/// Most candidates that are shown.
const MAX_SHOWN: usize = 200;

/// What somebody has typed.
pub enum Line {
    Typed(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line, or nobody is there any more.
    End,
}

/// What is kept from one line to the next.
pub struct Editor {
    commands: MemHistory,
    killed: String,
}

impl Editor {
    pub fn new() -> Self {
        let mut commands = MemHistory::new();
        // Neither is refused.
        let _ = commands.set_max_len(MAX_COMMANDS);
        let _ = commands.ignore_dups(true);
        Editor { commands, killed: String::new() }
    }

    /// Keeps a command for Up and Ctrl-R.
    pub fn remember(&mut self, command: &str) {
        if command.len() <= MAX_COMMAND_BYTES {
            let _ = self.commands.add(command.trim_end_matches('\n'));
        }
    }

    /// The commands that are kept, the oldest first.
    pub fn commands(&self) -> Vec<String> {
        let command = |index| self.commands.get(index, SearchDirection::Forward).ok().flatten();
        (0..self.commands.len()).filter_map(command).map(|found| found.entry.into_owned()).collect()
    }

    /// Keeps none of them any more.
    pub fn forget(&mut self) {
        // It is not refused.
        let _ = self.commands.clear();
    }

    /// Lets a line be typed, with the terminal in a mode of its own until then.
    pub fn read(&mut self, shell: &Shell, prompt: &str, terminal: &Terminal) -> Line {
        let _raw = terminal.enter();
        let (before, prompt) = prompt.rsplit_once('\n').map_or(("", prompt), |(before, last)| (before, last));
        if !before.is_empty() {
            terminal.show(&format!("{}\n", screen::printed(before)));
        }
        let typing = Typing {
            shell,
            terminal,
            prompt,
            line: LineBuffer::with_capacity(MAX_LINE_BYTES),
            screen: Screen::default(),
            at: self.commands.len(),
            draft: String::new(),
            may_list: false,
            editor: self,
        };
        typing.run()
    }
}

/// Where it is typed and shown.
pub struct Terminal {
    pub input: Handle,
    pub output: Handle,
}

impl Terminal {
    fn show(&self, text: &str) {
        // Nobody is left to see it otherwise.
        let _ = self.output.write_text(text);
    }

    fn enter(&self) -> Option<Raw<'_>> {
        let before = system::attributes(&self.input)?;
        let mut raw = before;
        let off = LocalModes::CANONICAL | LocalModes::ECHO | LocalModes::SIGNALS | LocalModes::EXTENDED;
        raw.local = raw.local ^ (raw.local & off);
        raw.characters.minimum = 1;
        system::set_attributes(&self.input, &raw).ok()?;
        Some(Raw { terminal: self, before })
    }

    /// The next byte that is typed; none if nobody is there any more, or the shell was interrupted.
    fn byte(&self) -> Option<u8> {
        loop {
            match self.input.read(1) {
                Ok(bytes) => return bytes.first().copied(),
                Err(Errno::Eintr) if !is_interrupted() => {}
                Err(_) => return None,
            }
        }
    }
}

fn is_interrupted() -> bool {
    signals::is_caught(Signal::Interrupt, true)
}

/// A terminal that does nothing by itself. It goes back to what it was.
struct Raw<'a> {
    terminal: &'a Terminal,
    before: Attributes,
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        let _ = system::set_attributes(&self.terminal.input, &self.before);
    }
}

/// What was cut out of a line.
#[derive(Default)]
struct Cut(String);

impl DeleteListener for Cut {
    fn delete(&mut self, _: usize, text: &str, direction: Direction) {
        match direction {
            Direction::Forward => self.0.push_str(text),
            Direction::Backward => self.0.insert_str(0, text),
        }
    }
}

impl ChangeListener for Cut {
    fn insert_char(&mut self, _: usize, _: char) {}
    fn insert_str(&mut self, _: usize, _: &str) {}
    fn replace(&mut self, _: usize, _: &str, _: &str) {}
}

/// One line while it is typed.
struct Typing<'a> {
    editor: &'a mut Editor,
    shell: &'a Shell,
    terminal: &'a Terminal,
    prompt: &'a str,
    line: LineBuffer,
    screen: Screen,
    /// Which earlier command is shown; their number for the line itself.
    at: usize,
    /// The line itself, while another is shown.
    draft: String,
    /// The last key was a Tab that could not say which: another one shows what there is.
    may_list: bool,
}

impl Typing<'_> {
    fn run(mut self) -> Line {
        self.draw();
        loop {
            let Some(key) = keys::read(|| self.terminal.byte()) else { return self.left() };
            let key = match key {
                Key::Control('r') => match self.search() {
                    Some(key) => key,
                    None => return self.left(),
                },
                key => key,
            };
            if let Some(line) = self.press(key) {
                return line;
            }
        }
    }

    /// No more keys come.
    fn left(&self) -> Line {
        if is_interrupted() { Line::Interrupted } else { Line::End }
    }

    /// Does what a key stands for; gives the line if that ends it.
    fn press(&mut self, key: Key) -> Option<Line> {
        let listed = std::mem::take(&mut self.may_list);
        let mut cut = Cut::default();
        let done = match key {
            Key::Character(character) => return self.insert(character),
            Key::Enter => {
                self.go_to_end();
                self.terminal.show("\n");
                return Some(Line::Typed(self.line.as_str().to_owned()));
            }
            Key::Control('c') => {
                self.go_to_end();
                self.terminal.show("^C");
                return Some(Line::Interrupted);
            }
            Key::Control('d') if self.line.is_empty() => return Some(Line::End),
            Key::Control('d') | Key::Delete => self.line.delete(1, &mut cut).is_some(),
            Key::Backspace => self.line.backspace(1, &mut cut),
            Key::Tab => self.complete(listed),
            Key::Left | Key::Control('b') => self.line.move_backward(1),
            Key::Right | Key::Control('f') => self.line.move_forward(1),
            Key::Home | Key::Control('a') => self.line.move_home(),
            Key::End | Key::Control('e') => self.line.move_end(),
            Key::WordLeft | Key::Alt('b') => self.line.move_to_prev_word(Word::Emacs, 1),
            Key::WordRight | Key::Alt('f') => self.line.move_to_next_word(At::AfterEnd, Word::Emacs, 1),
            Key::Up | Key::Control('p') => self.go_to(self.at.checked_sub(1)),
            Key::Down | Key::Control('n') => self.go_to(Some(self.at + 1)),
            Key::Alt('<') => self.go_to(Some(0)),
            Key::Alt('>') => self.go_to(Some(self.editor.commands.len())),
            Key::Control('k') => self.keep(|line, cut| line.kill_line(cut)),
            Key::Control('u') => self.keep(|line, cut| line.discard_line(cut)),
            Key::Control('w') => self.keep(|line, cut| line.delete_prev_word(Word::Big, 1, cut)),
            Key::Alt('\x7f') => self.keep(|line, cut| line.delete_prev_word(Word::Emacs, 1, cut)),
            Key::Alt('d') => self.keep(|line, cut| line.delete_word(At::AfterEnd, Word::Emacs, 1, cut)),
            Key::Control('y') => self.line.yank(&self.editor.killed, 1, &mut cut).is_some(),
            Key::Control('t') => self.line.transpose_chars(&mut cut),
            Key::Alt('t') => self.line.transpose_words(1, &mut cut),
            Key::Alt('u') => self.line.edit_word(WordAction::Uppercase, &mut cut),
            Key::Alt('l') => self.line.edit_word(WordAction::Lowercase, &mut cut),
            Key::Alt('c') => self.line.edit_word(WordAction::Capitalize, &mut cut),
            Key::Control('l') => {
                self.terminal.show("\x1b[H\x1b[2J");
                self.screen = Screen::default();
                true
            }
            Key::Control(_) | Key::Alt(_) | Key::PageUp | Key::PageDown | Key::Unknown => false,
        };
        if done {
            self.draw();
        } else if !self.may_list {
            self.terminal.show("\x07");
        }
        None
    }

    fn go_to_end(&mut self) {
        if self.line.move_buffer_end() {
            self.draw();
        }
    }

    fn draw(&mut self) {
        let columns = system::columns(&self.terminal.output);
        let drawn = self.screen.draw(columns, self.prompt, self.line.as_str(), self.line.pos());
        self.terminal.show(&drawn);
    }

    fn insert(&mut self, character: char) -> Option<Line> {
        match self.line.insert(character, 1, &mut Cut::default()) {
            // What is added at the end needs no other to be shown again.
            Some(true) => {
                let columns = system::columns(&self.terminal.output);
                match self.screen.append(columns, character) {
                    Some(shown) => self.terminal.show(&shown),
                    None => self.draw(),
                }
            }
            Some(false) => self.draw(),
            None => self.terminal.show("\x07"),
        }
        None
    }

    /// Cuts something out and keeps it for Ctrl-Y.
    fn keep(&mut self, cut_out: impl FnOnce(&mut LineBuffer, &mut Cut) -> bool) -> bool {
        let mut cut = Cut::default();
        let done = cut_out(&mut self.line, &mut cut);
        if !cut.0.is_empty() {
            self.editor.killed = cut.0;
        }
        done
    }

    fn replace(&mut self, text: &str, position: usize) {
        self.line.update(text, position, &mut Cut::default());
    }

    /// Shows an earlier command, or the line itself again.
    fn go_to(&mut self, place: Option<usize>) -> bool {
        let commands = &self.editor.commands;
        let Some(place) = place.filter(|place| *place <= commands.len() && *place != self.at) else {
            return false;
        };
        if self.at == commands.len() {
            self.draft = self.line.as_str().to_owned();
        }
        let text = match commands.get(place, SearchDirection::Forward) {
            Ok(Some(found)) if place < commands.len() => found.entry.into_owned(),
            _ => self.draft.clone(),
        };
        self.at = place;
        self.replace(&text, text.len());
        true
    }

    /// Looks for an earlier command while its part is typed. The key that ends this is not done yet; none if no more
    /// come.
    fn search(&mut self) -> Option<Key> {
        let before = (self.line.as_str().to_owned(), self.line.pos());
        let mut part = String::new();
        let mut from = self.editor.commands.len();
        loop {
            let prompt = format!("(reverse-i-search)`{part}': ");
            let columns = system::columns(&self.terminal.output);
            let drawn = self.screen.draw(columns, &prompt, self.line.as_str(), self.line.pos());
            self.terminal.show(&drawn);
            match keys::read(|| self.terminal.byte())? {
                Key::Character(character) if part.len() < MAX_COMMAND_BYTES => part.push(character),
                Key::Backspace => {
                    part.pop();
                    from = self.editor.commands.len();
                }
                Key::Control('r') if self.at < self.editor.commands.len() => from = self.at,
                Key::Control('r') => {}
                Key::Control('g') => {
                    self.replace(&before.0, before.1);
                    self.at = self.editor.commands.len();
                    self.draw();
                    return keys::read(|| self.terminal.byte());
                }
                key => {
                    self.draw();
                    return Some(key);
                }
            }
            if !self.find(&part, from) && !part.is_empty() {
                self.terminal.show("\x07");
            }
        }
    }

    /// Shows the last command before `from` that has this part; of those further on none again.
    fn find(&mut self, part: &str, from: usize) -> bool {
        let start = from.min(self.editor.commands.len()).checked_sub(1);
        let found = start.and_then(|start| {
            self.editor.commands.search(part, start, SearchDirection::Reverse).ok().flatten()
        });
        let Some(found) = found.map(|found| (found.entry.into_owned(), found.idx, found.pos)) else {
            return false;
        };
        self.at = found.1;
        self.replace(&found.0, found.2);
        true
    }

    /// Completes the word before the cursor as far as there is only one way, or shows the ways.
    fn complete(&mut self, lists: bool) -> bool {
        let (start, found) = completion::complete(self.shell, self.line.as_str(), self.line.pos());
        let Some(common) = longest_common_prefix(&found) else { return false };
        let mut common = common.to_owned();
        if found.len() == 1 && !common.ends_with('/') {
            common.push(' ');
        }
        let position = self.line.pos();
        if self.line.as_str().get(start..position).is_some_and(|typed| common.len() > typed.len()) {
            self.line.replace(start..position, &common, &mut Cut::default());
            return true;
        }
        self.may_list = true;
        if lists {
            self.list(&found);
        }
        lists
    }

    fn list(&mut self, found: &[Pair]) {
        let columns = system::columns(&self.terminal.output);
        let shown: Vec<&str> = found.iter().take(MAX_SHOWN).map(Candidate::display).collect();
        let mut text = format!("\n{}", screen::in_columns(columns, &shown));
        if found.len() > shown.len() {
            text.push_str(&format!("... and {} more\n", found.len() - shown.len()));
        }
        self.terminal.show(&text);
        self.screen = Screen::default();
    }
}
