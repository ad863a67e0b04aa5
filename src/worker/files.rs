//! The file operations of clients that are done at once, on the VM's own process: `fs` permissions bind guests, not the
//! embedder. Contents are [`super::transfers`]' part.

use std::sync::Arc;

use kernel::{Errno, FileKind as KernelKind, FileStatus as KernelStatus, Kernel, Process, Symlinks};
use protocol::abi::DIRECTORY_ENTRIES_MAX;
use protocol::wire::{DirectoryEntry, ErrorData, FileKind, FileStatus, VmRequest, VmResponse};

/// Performs a file request; none if it is another kind of request.
pub(super) fn perform(kernel: &Kernel, request: &VmRequest) -> Option<Result<VmResponse, ErrorData>> {
    let system = kernel.system();
    let done = |result: Result<(), Errno>| result.map(|()| VmResponse::Done {});
    let (path, result) = match request {
        VmRequest::Stat { path, follow } => {
            let symlinks = if *follow { Symlinks::Follow } else { Symlinks::NoFollow };
            (path, system.stat(path, symlinks).map(|found| VmResponse::Status { status: status(&found) }))
        }
        VmRequest::List { path } => (path, list(system, path)),
        VmRequest::Mkdir { path, recursive: false } => (path, done(system.mkdir(path, 0o777))),
        VmRequest::Mkdir { path, recursive: true } => (path, done(system.make_tree(path, 0o777))),
        VmRequest::Remove { path, recursive } => (path, done(remove(system, path, *recursive))),
        VmRequest::Rename { source, target } => (source, done(system.rename(source, target))),
        _ => return None,
    };
    Some(result.map_err(|errno| error(errno, path)))
}

/// An errno as clients see it.
pub(super) fn error(errno: Errno, what: &str) -> ErrorData {
    ErrorData {
        code: errno.name().to_owned(),
        name: "SystemError".to_owned(),
        message: format!("{}: {}: {what}", errno.name(), errno.message()),
        ..ErrorData::default()
    }
}

fn list(system: &Arc<Process>, path: &str) -> Result<VmResponse, Errno> {
    let entries = system.read_dir(path)?;
    if entries.len() > DIRECTORY_ENTRIES_MAX {
        return Err(Errno::Enomem);
    }
    let entries =
        entries.into_iter().map(|entry| DirectoryEntry { name: entry.name, kind: kind(entry.kind) });
    Ok(VmResponse::Entries { entries: entries.collect() })
}

fn remove(system: &Arc<Process>, path: &str, recursive: bool) -> Result<(), Errno> {
    if recursive {
        return system.remove_tree(path);
    }
    match system.unlink(path) {
        Err(Errno::Eisdir) => system.rmdir(path),
        outcome => outcome,
    }
}

fn kind(kind: KernelKind) -> FileKind {
    match kind {
        KernelKind::Regular => FileKind::File,
        KernelKind::Directory => FileKind::Directory,
        KernelKind::Symlink => FileKind::Symlink,
        KernelKind::CharacterDevice => FileKind::Device,
        KernelKind::Fifo => FileKind::Pipe,
    }
}

fn status(status: &KernelStatus) -> FileStatus {
    let milliseconds = |nanoseconds: u64| nanoseconds as f64 / 1e6;
    FileStatus {
        kind: kind(status.kind),
        size: status.size,
        mode: status.mode,
        links: status.links,
        inode: status.inode,
        modified_ms: milliseconds(status.modified),
        accessed_ms: milliseconds(status.accessed),
        changed_ms: milliseconds(status.changed),
    }
}
