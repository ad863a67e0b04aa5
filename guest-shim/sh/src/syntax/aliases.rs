//! Aliases: names that stand for text where a command may begin. Their text takes the place of the name before the
//! command is read on. Which there are belongs to the environment that reads, and is told before each command is read.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::SyntaxError;

/// The texts by their names.
pub type Aliases = Rc<BTreeMap<String, String>>;

/// How often a name may be replaced in one command, and how long its text may become by that. What an alias stands for
/// can hold others several times each.
const MAX_REPLACEMENTS: usize = 1000;
const MAX_TEXT: usize = 1024 * 1024;

thread_local! {
    static CURRENT: RefCell<Aliases> = RefCell::default();
}

/// What holds for the commands that are read from now on.
pub fn set(aliases: &Aliases) {
    CURRENT.with_borrow_mut(|current| {
        if !Rc::ptr_eq(current, aliases) {
            *current = aliases.clone();
        }
    });
}

/// Whether a name can be read as one: as one word, and without quotes.
pub fn is_name(name: &str) -> bool {
    let special = |character: char| character.is_whitespace() || "|&;<>()$`\\\"'=#".contains(character);
    !name.is_empty() && !name.contains(special)
}

/// Text that stands where a name was.
struct Region {
    name: String,
    start: usize,
    end: usize,
    /// The text ends in a blank: the word after it may be an alias wherever it stands.
    goes_on: bool,
}

/// A name to be replaced.
pub struct Found {
    start: usize,
    end: usize,
    value: String,
}

/// What has been replaced in the text of a command.
#[derive(Default)]
pub struct Replacements(Vec<Region>);

impl Replacements {
    /// The alias that the word at a place is, if it is one and does not stand in its own text. `may_begin` says whether a
    /// command may begin there.
    pub fn find(&self, text: &str, start: usize, end: usize, may_begin: bool) -> Option<Found> {
        let name = &text[start..end];
        let value = CURRENT.with_borrow(|current| current.get(name).cloned())?;
        let within = |region: &Region| region.name == name && region.start <= start && end <= region.end;
        let follows = |region: &Region| {
            region.goes_on
                && text
                    .get(region.end..start)
                    .is_some_and(|between| between.trim_matches([' ', '\t']).is_empty())
        };
        ((may_begin || self.0.iter().any(follows)) && !self.0.iter().any(within)).then_some(Found {
            start,
            end,
            value,
        })
    }

    /// Where the last replaced text ends: no command is complete before.
    pub fn end(&self) -> usize {
        self.0.iter().map(|region| region.end).max().unwrap_or(0)
    }

    /// Replaces a name in `text`, which is on line `line`.
    pub fn replace(&mut self, text: &mut String, found: Found, line: u32) -> Result<(), SyntaxError> {
        let Found { start, end, value } = found;
        if self.0.len() >= MAX_REPLACEMENTS || text.len() + value.len() > MAX_TEXT.max(2 * text.len()) {
            return Err(SyntaxError::new(line, "aliases stand for too much"));
        }
        let name = text[start..end].to_owned();
        text.replace_range(start..end, &value);
        let moved = |at: usize| at + value.len() - (end - start);
        for region in &mut self.0 {
            if region.end >= end {
                region.end = moved(region.end);
            }
            if region.start >= end {
                region.start = moved(region.start);
            }
        }
        let goes_on = value.ends_with([' ', '\t']);
        self.0.push(Region { name, start, end: start + value.len(), goes_on });
        Ok(())
    }
}
