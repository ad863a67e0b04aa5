//! The colours of names: which name has which is told by `LS_COLORS`, or is what GNU has where that says nothing.

use std::collections::HashMap;
use std::env;

use cordon_vm::types::{FileStatus, FileType};

use super::Entry;

/// What GNU has without `LS_COLORS`.
const DEFAULTS: [(&str, &str); 12] = [
    ("rs", "0"),
    ("di", "01;34"),
    ("ln", "01;36"),
    ("pi", "33"),
    ("cd", "01;33"),
    ("ex", "01;32"),
    ("su", "37;41"),
    ("sg", "30;43"),
    ("st", "37;44"),
    ("ow", "34;42"),
    ("tw", "30;42"),
    ("fi", ""),
];

pub struct Colors {
    kinds: HashMap<String, String>,
    /// By the end of a name; the last one counts.
    endings: Vec<(String, String)>,
    /// Some name has been coloured: before the first, what was before is ended.
    begun: bool,
}

impl Colors {
    pub fn from_environment() -> Colors {
        Colors::read(&env::var("LS_COLORS").unwrap_or_default())
    }

    fn read(said: &str) -> Colors {
        let mut kinds: HashMap<String, String> =
            DEFAULTS.map(|(kind, color)| (kind.to_owned(), color.to_owned())).into();
        let mut endings = vec![];
        for (what, color) in said.split(':').filter_map(|part| part.split_once('=')) {
            match what.strip_prefix('*') {
                Some(ending) => endings.push((ending.to_owned(), color.to_owned())),
                None => drop(kinds.insert(what.to_owned(), color.to_owned())),
            }
        }
        Colors { kinds, endings, begun: false }
    }

    /// The colour of a kind, if it has one.
    fn of(&self, kind: &str) -> Option<&str> {
        let color = self.kinds.get(kind).map(String::as_str)?;
        (!matches!(color, "" | "0" | "00")).then_some(color)
    }

    /// Whether it matters what links lead to.
    pub fn look_at_targets(&self) -> bool {
        self.of("or").is_some() || self.of("mi").is_some() || self.links_are_as_targets()
    }

    fn links_are_as_targets(&self) -> bool {
        self.kinds.get("ln").is_some_and(|color| color == "target")
    }

    fn of_file(&self, known: &FileStatus, name: &str) -> Option<&str> {
        let mode = known.mode;
        let kind = match known.file_type {
            FileType::Directory => match (mode & 0o1000 != 0, mode & 0o2 != 0) {
                (true, true) if self.of("tw").is_some() => "tw",
                (_, true) if self.of("ow").is_some() => "ow",
                (true, _) if self.of("st").is_some() => "st",
                _ => "di",
            },
            FileType::SymbolicLink => "ln",
            FileType::Fifo => "pi",
            FileType::CharacterDevice => "cd",
            FileType::RegularFile if mode & 0o4000 != 0 && self.of("su").is_some() => "su",
            FileType::RegularFile if mode & 0o2000 != 0 && self.of("sg").is_some() => "sg",
            FileType::RegularFile if mode & 0o111 != 0 && self.of("ex").is_some() => "ex",
            FileType::RegularFile if known.links > 1 && self.of("mh").is_some() => "mh",
            FileType::RegularFile => return self.of_ending(name).or_else(|| self.of("fi")),
        };
        self.of(kind)
    }

    fn of_ending(&self, name: &str) -> Option<&str> {
        let matches = |(ending, color): &&(String, String)| {
            !color.is_empty()
                && name.len() >= ending.len()
                && name.is_char_boundary(name.len() - ending.len())
                && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
        };
        self.endings.iter().rev().find(matches).map(|(_, color)| color.as_str())
    }

    /// Writes a name in the colour of its file.
    pub fn paint(&mut self, entry: &Entry, name: &str, text: &mut String) {
        let color = entry.known.as_ref().and_then(|known| self.of_file(known, &entry.name));
        let color = color.map(str::to_owned);
        self.put(color.as_deref(), name, text);
    }

    /// Writes the name of a symbolic link.
    pub fn paint_link(&mut self, entry: &Entry, leads_nowhere: bool, text: &mut String) {
        let color = self.of("or").filter(|_| leads_nowhere).or_else(|| self.of("ln")).map(str::to_owned);
        self.put(color.as_deref(), &entry.name, text);
    }

    /// Writes what a symbolic link leads to; nothing is known where nobody looked, or nothing is there.
    pub fn paint_target(&mut self, known: Option<&FileStatus>, name: &str, text: &mut String) {
        let color = match known {
            Some(known) => self.of_file(known, name),
            None => self.of("mi").or_else(|| self.of("or")),
        };
        let color = color.map(str::to_owned);
        self.put(color.as_deref(), name, text);
    }

    fn put(&mut self, color: Option<&str>, name: &str, text: &mut String) {
        let Some(color) = color else { return text.push_str(name) };
        let reset = self.kinds.get("rs").map_or("0", String::as_str);
        if !self.begun {
            text.push_str("\x1b[0m");
            self.begun = true;
        }
        text.push_str("\x1b[");
        text.push_str(color);
        text.push('m');
        text.push_str(name);
        text.push_str("\x1b[");
        text.push_str(reset);
        text.push('m');
    }
}

#[cfg(test)]
mod tests {
    use super::Colors;

    #[test]
    fn the_last_ending_that_fits_counts() {
        let colors = Colors::read("di=1:*.tar=31:*.TAR=32:*x=0:garbage:=:*=");
        assert_eq!(colors.of("di"), Some("1"));
        assert_eq!(colors.of("ln"), Some("01;36"));
        assert_eq!(colors.of_ending("a.tar"), Some("32"));
        let colors = Colors::read("*.tar=31:*.TAR=32");
        assert_eq!(colors.of_ending("a.tar"), Some("32"));
        assert_eq!(colors.of_ending("ar"), None);
        assert_eq!(colors.of_ending("äar"), None);
    }
}
