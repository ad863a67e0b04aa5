//! What the host has lately told of a mount, so that a program that loads a thousand files asks some ten times.
//!
//! It counts as long as nobody could have told the VM otherwise: until something reaches the VM from outside or changes
//! something in a mount through the VM ([`HostFs::moment`]), and for [`FRESH`] at most, since others may work on the host's
//! directories unheard. The first question about something in a directory is answered alone, further ones with what
//! lies beside it; where that was worth it in the directories before ([`Habit`]), the first one is as well. Knows no paths
//! but those within the mount, and decides about nothing: whoever asks was admitted.
//!
//! [`HostFs::moment`]: crate::HostFs::moment

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::{FileKind, FileStatus, SMALL_FILE_MAX, SMALL_FILES_MAX, SmallFile};

/// How long something counts that nobody has heard to be otherwise.
pub(crate) const FRESH: Duration = Duration::from_secs(1);
/// Bytes of names and contents that are kept of one mount.
const BYTES_MAX: usize = 4 << 20;
/// How many files come with the first of a directory where that is worth it.
const AHEAD: u32 = 64;
/// What an entry costs besides its name.
const ENTRY_BYTES: usize = 200;

/// See the module.
#[derive(Default)]
pub(crate) struct Recent(Mutex<State>);

#[derive(Default)]
struct State {
    /// When it was told, by what the VM has heard, and by the clock.
    moment: u64,
    since: Option<Instant>,
    bytes: usize,
    directories: HashMap<String, Directory>,
    /// Whether a directory that is asked about once is asked about again.
    returns: Habit,
    /// Whether files are opened that were told with another.
    opens: Habit,
}

/// What programs have made of chances so far.
#[derive(Default, Clone, Copy)]
struct Habit {
    chances: u32,
    taken: u32,
}

impl Habit {
    /// So many chances say something.
    const TRIED: u32 = 8;
    /// The older half of more than so many counts less.
    const REMEMBERED: u32 = 1024;

    fn chances(&mut self, more: u32) {
        self.chances = self.chances.saturating_add(more);
        if self.chances > Habit::REMEMBERED {
            self.chances /= 2;
            self.taken /= 2;
        }
    }

    fn taken(&mut self) {
        self.taken = self.taken.saturating_add(1).min(self.chances);
    }

    /// Whether one in three was taken.
    fn is_worth_it(self) -> bool {
        self.chances >= Habit::TRIED && self.taken >= self.chances / 3
    }
}

#[derive(Default)]
struct Directory {
    /// Asked about once, and again.
    is_asked: bool,
    returned: bool,
    listing: Listing,
    /// How many files come with the next that is opened.
    ahead: u32,
    files: HashMap<String, Kept>,
}

struct Kept {
    copy: Copy,
    /// Told with another, and not opened yet.
    is_chance: bool,
}

#[derive(Default)]
enum Listing {
    #[default]
    Unknown,
    Known {
        entries: HashMap<String, FileStatus>,
        /// The names in lower case: some filesystems take one for the other.
        folded: HashSet<String>,
    },
    /// There is none to be had.
    Refused,
}

/// A file as it was.
#[derive(Clone)]
pub(crate) struct Copy {
    pub(crate) status: FileStatus,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) moment: u64,
    pub(crate) since: Instant,
}

/// What is known of a name in a directory.
pub(crate) enum Known<T> {
    There(T),
    NotThere,
    /// Nothing, and it is worth asking for the whole directory, or for so many files.
    Ask(u32),
    Nothing,
}

impl Copy {
    /// Whether it still counts at a moment.
    pub(crate) fn is_fresh(&self, moment: Option<u64>) -> bool {
        moment == Some(self.moment) && self.since.elapsed() < FRESH
    }
}

impl State {
    /// Forgets what does not count any more.
    fn at(&mut self, moment: u64) -> &mut State {
        let is_fresh = self.moment == moment && self.since.is_some_and(|since| since.elapsed() < FRESH);
        if !is_fresh {
            let State { returns, opens, .. } = *self;
            *self = State { moment, since: Some(Instant::now()), returns, opens, ..State::default() };
        }
        self
    }

    /// Makes room for so many bytes; whether there can be.
    fn takes(&mut self, bytes: usize) -> bool {
        if self.bytes + bytes > BYTES_MAX {
            self.directories.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        bytes <= BYTES_MAX
    }
}

impl Listing {
    fn look(&self, name: &str) -> Option<Known<FileStatus>> {
        let Listing::Known { entries, folded } = self else { return None };
        if let Some(status) = entries.get(name) {
            return Some(Known::There(*status));
        }
        // It might be there under another writing of its name.
        let is_plain = name.is_ascii() && !folded.contains(&name.to_ascii_lowercase());
        Some(if is_plain { Known::NotThere } else { Known::Nothing })
    }
}

impl Directory {
    fn status(&self, name: &str, follow: bool) -> Known<FileStatus> {
        match self.listing.look(name) {
            Some(Known::There(status)) if follow && status.kind == FileKind::Symlink => {}
            Some(found) => return found,
            None => {}
        }
        match self.files.get(name).filter(|_| follow) {
            Some(Kept { copy, .. }) => Known::There(copy.status),
            None => Known::Nothing,
        }
    }
}

impl Recent {
    /// What is known of a name.
    pub(crate) fn status(&self, moment: u64, directory: &str, name: &str, follow: bool) -> Known<FileStatus> {
        let mut state = self.0.lock();
        let state = state.at(moment);
        state.make_known(directory);
        let State { directories, returns, .. } = state;
        let Some(known) = directories.get_mut(directory) else { return Known::Nothing };
        let is_asked = std::mem::replace(&mut known.is_asked, true);
        if !is_asked {
            returns.chances(1);
        } else if !std::mem::replace(&mut known.returned, true) {
            returns.taken();
        }
        match (known.status(name, follow), &known.listing) {
            (Known::Nothing, Listing::Unknown) if is_asked || returns.is_worth_it() => Known::Ask(0),
            (found, _) => found,
        }
    }

    /// The same, of a directory that has just been told, which is no other question.
    pub(crate) fn told_status(
        &self,
        moment: u64,
        directory: &str,
        name: &str,
        follow: bool,
    ) -> Known<FileStatus> {
        let mut state = self.0.lock();
        let known = state.at(moment).directories.get(directory);
        known.map_or(Known::Nothing, |known| known.status(name, follow))
    }

    /// The contents of a file.
    pub(crate) fn file(&self, moment: u64, directory: &str, name: &str) -> Known<Copy> {
        let mut state = self.0.lock();
        let state = state.at(moment);
        state.make_known(directory);
        let State { directories, opens, .. } = state;
        let Some(known) = directories.get_mut(directory) else { return Known::Nothing };
        if let Some(Kept { copy, is_chance }) = known.files.get_mut(name) {
            if std::mem::replace(is_chance, false) {
                opens.taken();
            }
            return Known::There(copy.clone());
        }
        match known.listing.look(name) {
            Some(Known::NotThere) => return Known::NotThere,
            Some(Known::There(status))
                if status.kind == FileKind::Directory
                    || (status.kind == FileKind::Regular && status.size > SMALL_FILE_MAX as u64) =>
            {
                return Known::Nothing;
            }
            _ => {}
        }
        let first = if opens.is_worth_it() { AHEAD } else { 1 };
        known.ahead = known.ahead.saturating_mul(4).clamp(first, SMALL_FILES_MAX);
        Known::Ask(known.ahead)
    }

    /// Keeps what was told of a directory at a moment that is not over; none if it told nothing.
    pub(crate) fn keep_listing(&self, moment: u64, directory: &str, told: Option<Vec<(String, FileStatus)>>) {
        let mut state = self.0.lock();
        let state = state.at(moment);
        let bytes = |told: &[(String, FileStatus)]| {
            told.iter().map(|(name, _)| 2 * name.len() + ENTRY_BYTES).sum::<usize>()
        };
        state.directory(directory).listing = match told {
            Some(told) if state.takes(bytes(&told)) => {
                let folded = told.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
                Listing::Known { entries: told.into_iter().collect(), folded }
            }
            _ => Listing::Refused,
        };
    }

    /// Keeps files that were told at a moment that is not over.
    pub(crate) fn keep_files(&self, moment: u64, directory: &str, told: Vec<SmallFile>) {
        let mut state = self.0.lock();
        let state = state.at(moment);
        let Some(since) = state.since else { return };
        // The first is the one that was asked for.
        for (index, SmallFile { name, status, bytes }) in told.into_iter().enumerate() {
            if !state.takes(name.len() + bytes.len() + ENTRY_BYTES) {
                continue;
            }
            let copy = Copy { status, bytes: Arc::from(bytes.into_vec()), moment, since };
            let is_chance = index > 0;
            let before = state.directory(directory).files.insert(name, Kept { copy, is_chance });
            if is_chance && before.is_none() {
                state.opens.chances(1);
            }
        }
    }
}

impl State {
    /// Begins to know a directory.
    fn make_known(&mut self, path: &str) {
        if !self.directories.contains_key(path) {
            self.takes(path.len() + ENTRY_BYTES);
            self.directories.insert(path.to_owned(), Directory::default());
        }
    }

    fn directory(&mut self, path: &str) -> &mut Directory {
        self.make_known(path);
        self.directories.entry(path.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_bytes::ByteBuf;

    use super::*;

    fn status(kind: FileKind, size: u64) -> FileStatus {
        FileStatus {
            device: 0,
            inode: 1,
            kind,
            mode: 0o644,
            links: 1,
            size,
            allocated: 0,
            accessed: 0,
            modified: 0,
            changed: 0,
        }
    }

    fn small(name: &str, bytes: usize) -> SmallFile {
        let bytes = ByteBuf::from(vec![7; bytes]);
        SmallFile { name: name.to_owned(), status: status(FileKind::Regular, bytes.len() as u64), bytes }
    }

    #[test]
    fn a_second_question_is_worth_the_whole_directory() {
        let recent = Recent::default();
        assert!(matches!(recent.status(1, "d", "a", true), Known::Nothing));
        assert!(matches!(recent.status(1, "d", "b", true), Known::Ask(_)));
        recent.keep_listing(1, "d", Some(vec![("b".to_owned(), status(FileKind::Regular, 1))]));
        assert!(matches!(recent.status(1, "d", "b", true), Known::There(_)));
        assert!(matches!(recent.status(1, "d", "a", true), Known::NotThere));
        assert!(matches!(recent.file(1, "d", "a"), Known::NotThere));
        // Another filesystem might find it.
        assert!(matches!(recent.status(1, "d", "B", true), Known::Nothing));
        // Something was heard since.
        assert!(matches!(recent.status(2, "d", "b", true), Known::Nothing));
        recent.keep_listing(2, "d", None);
        assert!(matches!(recent.status(2, "d", "b", true), Known::Nothing));
    }

    #[test]
    fn more_files_come_the_more_are_opened() {
        let recent = Recent::default();
        assert!(matches!(recent.file(1, "", "a"), Known::Ask(1)));
        recent.keep_files(1, "", vec![small("a", 3)]);
        assert!(matches!(recent.file(1, "", "a"), Known::There(copy) if copy.bytes.len() == 3));
        assert!(matches!(recent.file(1, "", "b"), Known::Ask(4)));
        assert!(matches!(recent.file(1, "", "c"), Known::Ask(16)));
        assert!(matches!(recent.file(2, "", "a"), Known::Ask(1)));
    }

    #[test]
    fn what_was_worth_it_before_is_done_at_once() {
        let recent = Recent::default();
        for number in 0..2 * Habit::TRIED {
            let directory = number.to_string();
            let worth_it = matches!(recent.status(1, &directory, "a", true), Known::Ask(_));
            assert_eq!(worth_it, number + 1 >= Habit::TRIED);
            recent.status(1, &directory, "b", true);
        }
        // Also at another moment, until directories are left alone.
        assert!(matches!(recent.status(2, "d", "a", true), Known::Ask(_)));
        recent.keep_listing(2, "d", Some(Vec::new()));
        assert!(matches!(recent.told_status(2, "d", "a", true), Known::NotThere));
        for number in 0..8 * Habit::TRIED {
            recent.status(3, &number.to_string(), "a", true);
        }
        assert!(matches!(recent.status(3, "e", "a", true), Known::Nothing));
    }

    #[test]
    fn files_that_were_told_with_another_and_opened_bring_more() {
        let recent = Recent::default();
        let names: Vec<String> = (0..=Habit::TRIED).map(|number| number.to_string()).collect();
        recent.keep_files(1, "d", names.iter().map(|name| small(name, 1)).collect());
        assert!(matches!(recent.file(1, "e", "a"), Known::Ask(1)));
        for name in &names {
            recent.file(1, "d", name);
        }
        assert!(matches!(recent.file(1, "f", "a"), Known::Ask(AHEAD)));
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let recent = Recent::default();
        for number in 0..1000 {
            recent.keep_files(1, "d", vec![small(&number.to_string(), SMALL_FILE_MAX)]);
            assert!(recent.0.lock().bytes <= BYTES_MAX);
        }
        for number in 0..100_000 {
            recent.status(1, &number.to_string(), "x", false);
            assert!(recent.0.lock().bytes <= BYTES_MAX);
        }
        let kept: usize = recent
            .0
            .lock()
            .directories
            .values()
            .flat_map(|d| d.files.values())
            .map(|f| f.copy.bytes.len())
            .sum();
        assert!(kept <= BYTES_MAX);
    }
}
