//! Watching what the kernel tells nothing of, such as directories of the host: by looking at it again and again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Errno, FileKind, FileStatus, FsChange, Process, Symlinks};

/// Time between two looks.
pub(in crate::bindings) const INTERVAL: Duration = Duration::from_millis(500);

/// Entries of a directory that are looked at one by one; of a larger one only its names are.
const ENTRIES_MAX: usize = 256;

/// What tells that something has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    inode: u64,
    size: u64,
    mode: u32,
    modified: u64,
}

impl Look {
    fn of(status: FileStatus) -> Look {
        Look { inode: status.inode, size: status.size, mode: status.mode, modified: status.modified }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    itself: Option<Look>,
    entries: BTreeMap<String, Option<Look>>,
}

/// See the module.
pub(in crate::bindings) struct Looking {
    process: Arc<Process>,
    path: String,
    seen: RefCell<Seen>,
}

impl Looking {
    pub fn begin(process: &Arc<Process>, path: &str) -> Result<Looking, Errno> {
        process.stat(path, Symlinks::Follow)?;
        let seen = look(process, path);
        Ok(Looking { process: process.clone(), path: path.to_owned(), seen: RefCell::new(seen) })
    }

    /// What has changed since the last look.
    pub fn compare(&self) -> Vec<FsChange> {
        let now = look(&self.process, &self.path);
        let before = self.seen.replace(now.clone());
        differences(&before, &now)
    }
}

fn look(process: &Process, path: &str) -> Seen {
    let Ok(status) = process.stat(path, Symlinks::Follow) else { return Seen::default() };
    let mut entries = BTreeMap::new();
    if status.kind == FileKind::Directory {
        let listed = process.read_dir(path).unwrap_or_default();
        let one_by_one = listed.len() <= ENTRIES_MAX;
        for entry in listed {
            let look = one_by_one.then(|| {
                let path = format!("{path}/{}", entry.name);
                process.stat(&path, Symlinks::NoFollow).ok().map(Look::of)
            });
            entries.insert(entry.name, look.flatten());
        }
    }
    Seen { itself: Some(Look::of(status)), entries }
}

fn differences(before: &Seen, now: &Seen) -> Vec<FsChange> {
    let mut changes = Vec::new();
    let mut note = |renamed: bool, name: Option<&str>| {
        changes.push(FsChange { renamed, name: name.map(str::to_owned) });
    };
    match (before.itself, now.itself) {
        (Some(_), None) => note(true, None),
        (Some(old), Some(new)) if old != new && before.entries.is_empty() && now.entries.is_empty() => {
            note(old.inode != new.inode, None);
        }
        _ => {}
    }
    for name in before.entries.keys().filter(|name| !now.entries.contains_key(*name)) {
        note(true, Some(name));
    }
    for (name, look) in &now.entries {
        match before.entries.get(name) {
            None => note(true, Some(name)),
            Some(old) if old != look => note(false, Some(name)),
            Some(_) => {}
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_came_or_went_and_entries_that_changed_are_told() {
        let look = |size| Some(Look { inode: 1, size, mode: 0o644, modified: 1 });
        let seen = |entries: &[(&str, u64)]| Seen {
            itself: look(0),
            entries: entries.iter().map(|(name, size)| ((*name).to_owned(), look(*size))).collect(),
        };
        let told = |before, now| -> Vec<(bool, Option<String>)> {
            differences(&before, &now).into_iter().map(|change| (change.renamed, change.name)).collect()
        };
        let named = |renamed, name: &str| (renamed, Some(name.to_owned()));
        assert_eq!(told(seen(&[("a", 1)]), seen(&[("b", 1)])), [named(true, "a"), named(true, "b")]);
        assert_eq!(told(seen(&[("a", 1)]), seen(&[("a", 2)])), [named(false, "a")]);
        assert_eq!(told(seen(&[("a", 1)]), seen(&[("a", 1)])), []);
        assert_eq!(told(seen(&[("a", 1)]), Seen::default()), [(true, None), named(true, "a")]);
    }
}
