//! The VM's `fs` rules, asked again for what reaches a host directory.
//!
//! The kernel in the worker has decided already, of every operation and on the path that it resolved. A worker that was
//! taken over decides nothing, so what reads or changes something is decided here once more, on the path that the host
//! resolves. What only tells of a file (`Stat`, `Lstat`, `Canonicalize`) is left to the worker: the kernel asks it on
//! the way of operations that are allowed. Handles were decided on when they were opened.
//!
//! An embedder's own requests for files pass the guest's rules by. The supervisor knows which of them are under way, and
//! lets the operations pass that lie on their paths.

use std::io;

use cap_std::fs::Dir;

use protocol::abi::{HostFsRequest, OpenFlags};
use protocol::policy::{FsOperation, Policy};

use super::directory::{canonical, canonical_parent, here, within};

/// Decides about the paths of one mount.
pub(super) struct Rules<'a> {
    pub(super) policy: &'a Policy,
    /// Where the mount lies in the VM.
    pub(super) guest: &'a str,
    pub(super) root: &'a Dir,
    /// What clients work on now.
    pub(super) client_paths: &'a [String],
}

impl Rules<'_> {
    /// Decides about a request by path.
    ///
    /// # Errors
    /// `EACCES`; or the path leads nowhere.
    pub(super) fn admit(&self, request: &HostFsRequest) -> io::Result<()> {
        use FsOperation::{Create, List, Read, Remove, Write};
        use HostFsRequest as R;
        match request {
            R::Open { path, flags, .. } if flags.writes() => {
                let follow = !flags.intersects(OpenFlags::NO_FOLLOW | OpenFlags::EXCLUSIVE);
                let operation = if flags.contains(OpenFlags::CREATE)
                    && self.root.symlink_metadata(here(path)?).is_err()
                {
                    Create
                } else {
                    Write
                };
                self.any(&[operation], path, follow)?;
                if flags.contains(OpenFlags::READ) { self.any(&[Read], path, follow) } else { Ok(()) }
            }
            R::Open { path, flags, .. } => {
                // A script is opened to be run, a directory as a place to start from.
                let follow = !flags.contains(OpenFlags::NO_FOLLOW);
                match self.any(&[Read, FsOperation::Execute], path, follow) {
                    Err(_) if self.root.metadata(here(path)?).is_ok_and(|found| found.is_dir()) => {
                        self.any(&[FsOperation::Stat], path, follow)
                    }
                    decided => decided,
                }
            }
            R::ReadDir { path } | R::ReadDirPlus { path } => self.any(&[List], path, true),
            R::ReadFile { path } => self.any(&[Read], path, true),
            R::ReadFiles { path, first, most } => {
                // The others are as the first only where no rule tells them apart.
                if *most > 1
                    && !self.policy.uniform_below(self.guest)
                    && !self.policy.uniform_below(&self.in_vm(&canonical(self.root, path)?))
                {
                    return Err(rustix::io::Errno::ACCESS.into());
                }
                self.any(&[Read], &within(path, first), true)
            }
            R::Readlink { path } => self.any(&[Read], path, false),
            R::Mkdir { path, .. } | R::Symlink { path, .. } => self.any(&[Create], path, false),
            R::Rmdir { path } | R::Unlink { path } => self.any(&[Remove], path, false),
            // No guest asks for this: where rules tell apart what lies in the directory, only a client may.
            R::RemoveTree { path } if !self.policy.uniform_below(&self.in_vm(path)) => {
                self.any(&[], path, false)
            }
            R::RemoveTree { path } => self.any(&[Remove], path, false),
            R::Rename { from, to } => {
                self.any(&[Remove], from, false)?;
                self.any(&[Create], to, false)
            }
            R::Link { from, to } => {
                self.any(&[Read], from, false)?;
                self.any(&[Write], from, false)?;
                self.any(&[Create], to, false)
            }
            R::Truncate { path, .. } | R::SetMode { path, .. } => self.any(&[Write], path, true),
            R::SetTimes { path, follow, .. } => self.any(&[Write], path, *follow),
            R::Stat { .. }
            | R::Lstat { .. }
            | R::Canonicalize { .. }
            | R::Read { .. }
            | R::Write { .. }
            | R::TruncateHandle { .. }
            | R::StatHandle { .. }
            | R::Sync { .. }
            | R::Close { .. } => Ok(()),
        }
    }

    /// `EACCES` unless one of the operations may be done at the path.
    fn any(&self, operations: &[FsOperation], path: &str, follow: bool) -> io::Result<()> {
        let allowed =
            |path: &str| operations.iter().any(|operation| self.policy.still_allows_path(*operation, path));
        let written = self.in_vm(path);
        let decided = if self.policy.uniform_below(self.guest) {
            allowed(&written)
        } else {
            let resolved =
                if follow { canonical(self.root, path) } else { canonical_parent(self.root, path) };
            match resolved {
                Ok(resolved) => allowed(&self.in_vm(&resolved)),
                // What is not there yet lies where its directory does.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    allowed(&self.in_vm(&canonical_parent(self.root, path)?))
                }
                Err(error) => return Err(error),
            }
        };
        if decided || self.client_paths.iter().any(|client| on_the_way(client, &written)) {
            return Ok(());
        }
        Err(rustix::io::Errno::ACCESS.into())
    }

    /// A path of the mount as the guest names it.
    fn in_vm(&self, path: &str) -> String {
        let mount = self.guest.trim_end_matches('/');
        if path.is_empty() { mount.to_owned() } else { format!("{mount}/{path}") }
    }
}

/// Whether a client's request for one path may touch the other: the same, one beneath it (a directory is removed with
/// all that is in it), or one above it (missing directories are made).
fn on_the_way(client: &str, path: &str) -> bool {
    let client = plain(client);
    let beneath = |path: &str, above: &str| {
        path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    beneath(path, &client) || beneath(&client, path)
}

/// A client's path without empty, `.` and `..` parts. Links in the VM that lead into a mount are not known here.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;
    use protocol::config::Permissions;
    use serde_json::json;

    #[test]
    fn what_a_client_works_on_is_its_path_and_what_lies_beneath_or_above() {
        for (client, path, passes) in [
            ("/m/a", "/m/a", true),
            ("/m/a", "/m/a/b/c", true),
            ("/m/a/b", "/m/a", true),
            ("/m/a/../b/./c", "/m/b/c", true),
            ("m/a", "/m/a", true),
            ("/m/a", "/m/ab", false),
            ("/m/a", "/m/b", false),
            ("/other", "/m", false),
        ] {
            assert_eq!(on_the_way(client, path), passes, "{client} {path}");
        }
    }

    #[test]
    fn rules_hold_for_every_request_that_reads_or_changes() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["secret", "open"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("file"), name).unwrap();
        }
        std::os::unix::fs::symlink("../secret/file", folder.path().join("open/link")).unwrap();
        std::os::unix::fs::symlink("../secret", folder.path().join("open/directory")).unwrap();
        let root = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        let permissions: Permissions = serde_json::from_value(
            json!({ "fs": { "rules": [{ "mode": "deny", "paths": ["/m/secret/**", "/m/secret"] }] } }),
        )
        .unwrap();
        let policy = Policy::new(&permissions).unwrap();
        let admit = |client_paths: &[String], request: &HostFsRequest| {
            Rules { policy: &policy, guest: "/m", root: &root, client_paths }.admit(request)
        };
        let open = |path: &str, flags| HostFsRequest::Open { path: path.to_owned(), flags, mode: 0o644 };
        let files = |path: &str, most| {
            let (path, first) = path.rsplit_once('/').unwrap();
            HostFsRequest::ReadFiles { path: path.to_owned(), first: first.to_owned(), most }
        };
        let requests = |path: &str| {
            let path = || path.to_owned();
            let other = || "open/other".to_owned();
            vec![
                open(&path(), OpenFlags::READ),
                HostFsRequest::ReadFile { path: path() },
                files(&path(), 1),
                open(&path(), OpenFlags::WRITE),
                open(&path(), OpenFlags::WRITE | OpenFlags::CREATE),
                HostFsRequest::Mkdir { path: path(), mode: 0o755 },
                HostFsRequest::Symlink { target: "x".to_owned(), path: path() },
                HostFsRequest::Unlink { path: path() },
                HostFsRequest::Rmdir { path: path() },
                HostFsRequest::RemoveTree { path: path() },
                HostFsRequest::Rename { from: path(), to: other() },
                HostFsRequest::Rename { from: other(), to: path() },
                HostFsRequest::Link { from: path(), to: other() },
                HostFsRequest::Link { from: other(), to: path() },
                HostFsRequest::Truncate { path: path(), size: 0 },
                HostFsRequest::SetMode { path: path(), mode: 0 },
                HostFsRequest::SetTimes { path: path(), accessed: None, modified: None, follow: true },
            ]
        };
        for (path, client) in
            [("secret/file", "/m/secret/file"), ("open/directory/file", "/m/open/directory")]
        {
            for request in requests(path) {
                let refused = admit(&[], &request).unwrap_err();
                assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{request:?}");
                // A client may do what its guest may not.
                let clients = [client.to_owned(), "/m/open/other".to_owned()];
                assert!(admit(&clients, &request).is_ok(), "{request:?}");
            }
        }
        for request in requests("open/file") {
            assert!(admit(&[], &request).is_ok(), "{request:?}");
        }
        for (path, passes) in [("open/file", true), ("secret/file", false), ("open/directory/file", false)] {
            assert_eq!(admit(&[], &files(path, 2)).is_ok(), passes, "{path}");
        }
        // A link is decided on as what it leads to, where it is followed.
        assert!(admit(&[], &files("open/link", 1)).is_err());
        assert!(admit(&[], &HostFsRequest::ReadDirPlus { path: "open/directory".to_owned() }).is_err());
        assert!(admit(&[], &open("open/link", OpenFlags::READ)).is_err());
        assert!(admit(&[], &open("open/link", OpenFlags::WRITE)).is_err());
        assert!(admit(&[], &HostFsRequest::Truncate { path: "open/link".to_owned(), size: 0 }).is_err());
        assert!(admit(&[], &HostFsRequest::Readlink { path: "open/link".to_owned() }).is_ok());
        assert!(admit(&[], &HostFsRequest::ReadDir { path: "secret".to_owned() }).is_err());
        assert!(admit(&[], &HostFsRequest::ReadDir { path: "open/directory".to_owned() }).is_err());
        assert!(admit(&[], &HostFsRequest::ReadDir { path: String::new() }).is_ok());
    }
}
