//! Directories of the host that no VM is shown: cordon's cache of native code, which has the key that vouches for that
//! code, and, to write, the installation, whose executables every worker is, and the VM's own commands.
//!
//! Directories are compared by what they are, not by what they are called: by device and inode up to the root, and, for
//! directories that are mounted in several places, by their place in their filesystem as [`super::mount_table`] has it.
//! Not seen are hard links to single files, and what the host moves after the mount was opened.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use compile::cache::ArtifactCache;
use rustix::fs::{Mode, OFlags};

use super::mount_table::{MountTable, Position};
use crate::supervisor::installation::Installation;
use protocol::config::Mount;
use protocol::wire::{ErrorData, code};

/// Levels of directories that are walked up at most; the longest path has fewer.
const LEVELS_MAX: usize = 4096;

/// The directories.
#[derive(Default)]
pub(crate) struct Forbidden {
    directories: Vec<Directory>,
}

#[derive(Clone)]
struct Directory {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Not to be read either.
    Cache,
    /// Not to be written to.
    Installation,
    /// Likewise.
    Commands,
}

/// Why a directory is not mounted, and what to do instead.
pub(super) struct Refusal {
    reason: String,
    hint: &'static str,
}

impl Refusal {
    /// As whoever asked for that mount is told; `field` is where it stands in a configuration.
    pub(super) fn of(self, mount: &Mount, field: &str) -> ErrorData {
        let text = format!("invalid configuration: {field}.host: {}: {}", mount.host, self.reason);
        ErrorData::new(code::CONFIG, text).field(format!("{field}.host")).hint(self.hint)
    }
}

impl Forbidden {
    /// The cache of this process's environment, and whatever folders the installation's files lie in.
    pub(crate) fn new(installation: &Installation) -> Self {
        let mut paths = vec![installation.directory().to_owned()];
        for file in installation.files() {
            let folders = [Some(file.clone()), file.canonicalize().ok()];
            paths.extend(folders.into_iter().flatten().filter_map(|file| Some(file.parent()?.to_owned())));
        }
        paths.sort();
        paths.dedup();
        let installed = paths.into_iter().map(|path| Directory { path, kind: Kind::Installation });
        let cache = ArtifactCache::default_directory().ok();
        let cache = cache.map(|path| Directory { path, kind: Kind::Cache });
        Forbidden { directories: cache.into_iter().chain(installed).collect() }
    }

    /// These, and the directories of a VM's own commands: what is written there the supervisor compiles.
    pub(crate) fn with_commands(self: &Arc<Self>, directories: &[String]) -> Arc<Forbidden> {
        if directories.is_empty() {
            return self.clone();
        }
        let commands = directories.iter().map(|path| Directory { path: path.into(), kind: Kind::Commands });
        Arc::new(Forbidden { directories: self.directories.iter().cloned().chain(commands).collect() })
    }

    /// Whether an open directory may be mounted.
    ///
    /// # Errors
    /// It contains, is or lies inside one of these; or that cannot be found out.
    pub(super) fn check(&self, directory: impl AsFd, read_only: bool) -> Result<(), Refusal> {
        let relevant = |own: &&Directory| own.kind == Kind::Cache || !read_only;
        let mut relevant = self.directories.iter().filter(relevant).peekable();
        if relevant.peek().is_none() {
            return Ok(());
        }
        let unknown = |error: io::Error| Refusal {
            reason: format!("it cannot be compared with cordon's own directories: {error}"),
            hint: "mount a directory whose parents can be entered",
        };
        let table = MountTable::read();
        let mounted = Place::of(directory.as_fd(), &table).map_err(unknown)?;
        let views = mounted.position.as_ref().map(|position| table.views(position)).unwrap_or_default();
        for own in relevant {
            let Some((place, is_there)) = Place::nearest(&own.path, &table).map_err(unknown)? else {
                continue;
            };
            let is_within = |view: &Position| place.position.as_ref().is_some_and(|place| place.is_in(view));
            let has_within = |view: &Position| place.position.as_ref().is_some_and(|place| view.is_in(place));
            let contains = place.is_in(&mounted) || views.iter().any(is_within);
            // What is to be made one day has nothing in it.
            let is_inside = is_there && (mounted.is_in(&place) || views.iter().any(has_within));
            if contains || is_inside {
                return Err(own.refusal());
            }
        }
        Ok(())
    }
}

impl Directory {
    fn refusal(&self) -> Refusal {
        let path = self.path.display();
        match self.kind {
            Kind::Cache => Refusal {
                reason: format!("it would show cordon's cache of native code, {path}, and the key in it"),
                hint: "mount a directory beside it, or set CORDON_CACHE_DIR to a folder elsewhere",
            },
            Kind::Installation => Refusal {
                reason: format!("a guest could change cordon's own executables in {path}"),
                hint: "mount it read-only, or a directory that these are not in",
            },
            Kind::Commands => Refusal {
                reason: format!(
                    "a guest could change the commands in {path}, which commandDirectories names"
                ),
                hint: "mount it read-only, or a directory that these are not in",
            },
        }
    }
}

/// Where a directory is.
struct Place {
    /// Device and inode of the directory and of those above it, up to the root.
    line: Vec<(u64, u64)>,
    /// Where it lies in its filesystem, if the system says so.
    position: Option<Position>,
}

impl Place {
    fn of(directory: impl AsFd, table: &MountTable) -> io::Result<Place> {
        let position = table.position(directory.as_fd());
        let mut at: OwnedFd = directory.as_fd().try_clone_to_owned()?;
        let mut line = Vec::new();
        for _ in 0..LEVELS_MAX {
            let status = rustix::fs::fstat(&at)?;
            let identity = (status.st_dev, status.st_ino);
            // The root is above itself.
            if line.last() == Some(&identity) {
                return Ok(Place { line, position });
            }
            line.push(identity);
            at = rustix::fs::openat(
                &at,
                "..",
                OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
                Mode::empty(),
            )?;
        }
        Err(io::Error::other("it lies too deep"))
    }

    /// That of a path, or of the nearest directory above it that there is; and whether it is the path's own.
    fn nearest(path: &Path, table: &MountTable) -> io::Result<Option<(Place, bool)>> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        for above in path.ancestors() {
            match rustix::fs::open(above, flags, Mode::empty()) {
                Ok(opened) => return Ok(Some((Place::of(&opened, table)?, above == path))),
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(None)
    }

    /// Whether this is the other directory, or inside it.
    fn is_in(&self, other: &Place) -> bool {
        other.line.first().is_some_and(|other| self.line.contains(other))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::*;

    fn forbidden(cache: &Path, installation: &Path) -> Forbidden {
        let of = |path: &Path, kind| Directory { path: path.to_owned(), kind };
        Forbidden { directories: vec![of(cache, Kind::Cache), of(installation, Kind::Installation)] }
    }

    fn is_refused(forbidden: &Forbidden, path: &Path, read_only: bool) -> bool {
        forbidden.check(File::open(path).unwrap(), read_only).is_err()
    }

    #[test]
    fn what_contains_is_or_is_inside_is_refused_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["home/cache/commands/deep", "opt/cordon/commands", "opt/other", "home/project", "links"]
        {
            std::fs::create_dir_all(at(path)).unwrap();
        }
        symlink(at("home"), at("links/home")).unwrap();
        symlink("../opt/cordon/commands", at("links/commands")).unwrap();
        let forbidden = forbidden(&at("links/home/cache/commands"), &at("opt/cordon"));
        for path in
            ["", "home", "home/cache", "home/cache/commands", "home/cache/commands/deep", "links/home"]
        {
            assert!(is_refused(&forbidden, &at(path), true), "{path}");
            assert!(is_refused(&forbidden, &at(path), false), "{path}");
        }
        for path in ["opt", "opt/cordon", "opt/cordon/commands", "links/commands"] {
            assert!(!is_refused(&forbidden, &at(path), true), "{path}");
            assert!(is_refused(&forbidden, &at(path), false), "{path}");
        }
        for path in ["opt/other", "home/project", "links"] {
            assert!(!is_refused(&forbidden, &at(path), false), "{path}");
        }
        assert!(is_refused(&forbidden, Path::new("/"), true));
    }

    #[test]
    fn a_cache_that_is_not_there_yet_is_kept_out_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("home/project")).unwrap();
        let forbidden = forbidden(&at("home/.cache/cordon/commands"), &at("nowhere"));
        assert!(is_refused(&forbidden, &at("home"), true));
        assert!(!is_refused(&forbidden, &at("home/project"), false));
    }
}
