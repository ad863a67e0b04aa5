//! The file operations of clients, on the VM's own process: `fs` permissions bind guests, not the embedder.

use std::sync::Arc;

use kernel::{
    Errno, FileKind as KernelKind, FileStatus as KernelStatus, Kernel, OpenFlags, Process, Symlinks,
};
use kernel::{Interrupt, block_on};
use protocol::wire::{
    Bytes, DirectoryEntry, ErrorData, FRAME_BYTES_MAX, FileKind, FileStatus, VmRequest, VmResponse, code,
};

/// The longest file that one answer can carry; the rest of the frame is more than what surrounds it.
const FILE_BYTES_MAX: u64 = FRAME_BYTES_MAX as u64 - 4096;

/// Performs a file request; none if it is another kind of request.
pub(super) fn perform(kernel: &Kernel, request: &VmRequest) -> Option<Result<VmResponse, ErrorData>> {
    let system = kernel.system();
    let done = |result: Result<(), Errno>| result.map(|()| VmResponse::Done {});
    let (path, result) = match request {
        VmRequest::ReadFile { path } => match read(system, path) {
            Ok(data) => (path, Ok(VmResponse::Data { data })),
            Err(ReadError::Errno(errno)) => (path, Err(errno)),
            Err(ReadError::TooLong(size)) => {
                let text = format!("{path} has {size} bytes; one answer carries at most {FILE_BYTES_MAX}");
                return Some(Err(ErrorData::new(code::LIMIT, text)));
            }
        },
        VmRequest::WriteFile { path, data } => (path, done(write(system, path, &data.0))),
        VmRequest::Stat { path, follow } => {
            let symlinks = if *follow { Symlinks::Follow } else { Symlinks::NoFollow };
            (path, system.stat(path, symlinks).map(|found| VmResponse::Status { status: status(&found) }))
        }
        VmRequest::List { path } => (path, list(system, path)),
        VmRequest::Mkdir { path, recursive: false } => (path, done(system.mkdir(path, 0o777))),
        VmRequest::Mkdir { path, recursive: true } => (path, done(make_all(system, path))),
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

enum ReadError {
    Errno(Errno),
    TooLong(u64),
}

impl From<Errno> for ReadError {
    fn from(errno: Errno) -> Self {
        ReadError::Errno(errno)
    }
}

fn read(system: &Arc<Process>, path: &str) -> Result<Bytes, ReadError> {
    let file = system.open(path, OpenFlags::READ | OpenFlags::NONBLOCK, 0)?;
    let status = file.status()?;
    if status.kind == KernelKind::Directory {
        return Err(Errno::Eisdir.into());
    }
    if status.size > FILE_BYTES_MAX {
        return Err(ReadError::TooLong(status.size));
    }
    let never = Interrupt::new();
    let mut bytes = Vec::with_capacity(status.size as usize);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = block_on(std::future::poll_fn(|cx| file.poll_read(cx, &mut chunk)), &never)
            .map_err(Errno::from)??;
        if length == 0 {
            return Ok(Bytes(bytes));
        }
        bytes.extend_from_slice(&chunk[..length]);
        // Devices have no end.
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(ReadError::TooLong(bytes.len() as u64));
        }
    }
}

fn write(system: &Arc<Process>, path: &str, mut bytes: &[u8]) -> Result<(), Errno> {
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::NONBLOCK;
    let file = system.open(path, flags, 0o666)?;
    let never = Interrupt::new();
    while !bytes.is_empty() {
        let length = block_on(std::future::poll_fn(|cx| file.poll_write(cx, bytes)), &never)??;
        bytes = &bytes[length..];
    }
    Ok(())
}

fn list(system: &Arc<Process>, path: &str) -> Result<VmResponse, Errno> {
    let entries = system.read_dir(path)?;
    let entries =
        entries.into_iter().map(|entry| DirectoryEntry { name: entry.name, kind: kind(entry.kind) });
    Ok(VmResponse::Entries { entries: entries.collect() })
}

fn make_all(system: &Arc<Process>, path: &str) -> Result<(), Errno> {
    for (end, _) in path.match_indices('/').filter(|(at, _)| *at > 0).chain([(path.len(), "")]) {
        match system.mkdir(&path[..end], 0o777) {
            Ok(()) => {}
            Err(Errno::Eexist)
                if system.stat(&path[..end], Symlinks::Follow)?.kind == KernelKind::Directory => {}
            // The root and mounts that may only be read are there already.
            Err(Errno::Erofs) if system.stat(&path[..end], Symlinks::Follow).is_ok() => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn remove(system: &Arc<Process>, path: &str, recursive: bool) -> Result<(), Errno> {
    if system.stat(path, Symlinks::NoFollow)?.kind != KernelKind::Directory {
        return system.unlink(path);
    }
    if recursive {
        // An explicit stack: depth is the guest's to choose.
        let mut stack = vec![(path.to_owned(), false)];
        while let Some((directory, emptied)) = stack.pop() {
            if emptied {
                system.rmdir(&directory)?;
                continue;
            }
            stack.push((directory.clone(), true));
            for entry in system.read_dir(&directory)? {
                let child = format!("{}/{}", directory.trim_end_matches('/'), entry.name);
                if entry.kind == KernelKind::Directory {
                    stack.push((child, false))
                } else {
                    system.unlink(&child)?
                }
            }
        }
        return Ok(());
    }
    system.rmdir(path)
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
