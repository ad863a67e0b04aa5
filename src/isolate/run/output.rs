//! Writing to a descriptor of the guest's process from the isolate's thread, waiting while its reader is slow.

use std::future::poll_fn;

use crate::realm::core::Core;
use kernel::{Errno, OpenFile, Process, block_on};

/// Writes text to a descriptor of the process; what cannot be written is lost.
pub fn write(core: &Core, process: &Process, descriptor: u32, bytes: &[u8]) {
    if let Ok(file) = process.fds().get(descriptor) {
        let _ = write_all(core, &file, bytes);
    }
}

/// Writes everything, or fails. Ends early when the job that runs is ended.
pub fn write_all(core: &Core, file: &OpenFile, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let count = block_on(poll_fn(|cx| file.poll_write(cx, bytes)), core.inbox.interrupt())??;
        if count == 0 {
            return Err(Errno::Eio);
        }
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Reads to the end, or fails. Ends early when the job that runs is ended.
pub(crate) fn read_all(core: &Core, file: &OpenFile, limit: usize) -> Result<Vec<u8>, Errno> {
    let mut contents = Vec::new();
    let expected = file.status().map_or(0, |status| usize::try_from(status.size).unwrap_or(usize::MAX));
    let mut chunk = vec![0; expected.saturating_add(1).clamp(4096, 256 * 1024)];
    loop {
        let count = block_on(poll_fn(|cx| file.poll_read(cx, &mut chunk)), core.inbox.interrupt())??;
        if count == 0 {
            return Ok(contents);
        }
        if contents.len() + count > limit {
            return Err(Errno::Efbig);
        }
        contents.try_reserve(count).map_err(|_| Errno::Enomem)?;
        contents.extend_from_slice(&chunk[..count]);
    }
}
