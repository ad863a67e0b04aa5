//! What the host has lately told of a mount, so that a program that loads a thousand files asks some ten times.
//!
//! It counts as long as nobody could have told the VM otherwise: until something reaches the VM from outside or changes
//! something in a mount through the VM ([`HostFs::moment`]), and for [`FRESH`] at most, since others may work on the host's
//! directories unheard. The first question about something in a directory is answered alone, further ones with what
//! lies beside it. Knows no paths but those within the mount, and decides about nothing: whoever asks was admitted.
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
}

#[derive(Default)]
struct Directory {
    is_asked: bool,
    listing: Listing,
    /// How many files come with the next that is opened.
    ahead: u32,
    files: HashMap<String, Copy>,
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
            *self = State { moment, since: Some(Instant::now()), ..State::default() };
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

impl Recent {
    /// What is known of a name.
    pub(crate) fn status(&self, moment: u64, directory: &str, name: &str, follow: bool) -> Known<FileStatus> {
        let mut state = self.0.lock();
        let known = state.at(moment).directory(directory);
        match known.listing.look(name) {
            Some(Known::There(status)) if follow && status.kind == FileKind::Symlink => {}
            Some(found) => return found,
            None => {}
        }
        if let Some(copy) = known.files.get(name).filter(|_| follow) {
            return Known::There(copy.status);
        }
        let is_asked = std::mem::replace(&mut known.is_asked, true);
        match known.listing {
            Listing::Unknown if is_asked => Known::Ask(0),
            _ => Known::Nothing,
        }
    }

    /// The contents of a file.
    pub(crate) fn file(&self, moment: u64, directory: &str, name: &str) -> Known<Copy> {
        let mut state = self.0.lock();
        let known = state.at(moment).directory(directory);
        if let Some(copy) = known.files.get(name) {
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
        known.ahead = known.ahead.saturating_mul(4).clamp(1, SMALL_FILES_MAX);
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
        for SmallFile { name, status, bytes } in told {
            if state.takes(name.len() + bytes.len() + ENTRY_BYTES) {
                let bytes = Arc::from(bytes.into_vec());
                state.directory(directory).files.insert(name, Copy { status, bytes, moment, since });
            }
        }
    }
}

impl State {
    fn directory(&mut self, path: &str) -> &mut Directory {
        if !self.directories.contains_key(path) {
            self.takes(path.len() + ENTRY_BYTES);
        }
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
        let kept: usize =
            recent.0.lock().directories.values().flat_map(|d| d.files.values()).map(|f| f.bytes.len()).sum();
        assert!(kept <= BYTES_MAX);
    }
}
