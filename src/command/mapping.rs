//! Artifacts in memory: native code mapped from a descriptor, readable and executable from its first moment and never
//! writable.
//!
//! This is the one place of the command runtime with `unsafe` code. Whoever hands in a descriptor vouches for it: it is
//! an artifact made by the project's own compiler, in memory that the supervisor has sealed, so that nobody changes it.
//! Nothing here checks bytes beyond what the engine does itself.

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, ProtFlags};
use wasmtime::component::Component;
use wasmtime::{CustomCodeMemory, Engine};

/// Code that was mapped executable has nothing left to be published.
pub struct AlreadyExecutable;

impl CustomCodeMemory for AlreadyExecutable {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, _start: *const u8, _len: usize) -> wasmtime::Result<()> {
        Ok(())
    }

    fn unpublish_executable(&self, _start: *const u8, _len: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// Maps the first `len` bytes of `file` and makes a component of them, for an engine that was configured with
/// [`AlreadyExecutable`].
///
/// The mapping stays for the life of the process: code of a command may be on a stack that is never unwound, and the
/// number of programs is fixed by whoever set up the VM.
///
/// # Safety
///
/// `file` holds, from offset 0, `len` bytes that [`Engine::precompile_component`] produced; they never change.
pub unsafe fn load(engine: &Engine, file: BorrowedFd<'_>, len: u64) -> wasmtime::Result<Component> {
    let len = usize::try_from(len)?;
    if len == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let protection = ProtFlags::READ | ProtFlags::EXEC;
    // SAFETY: a new mapping at an address of the system's choice touches no memory that is in use.
    let start = unsafe { rustix::mm::mmap(ptr::null_mut(), len, protection, MapFlags::PRIVATE, file, 0) }?;
    let code = NonNull::new(ptr::slice_from_raw_parts_mut(start.cast::<u8>(), len))
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    // SAFETY: the caller vouches for the bytes. They outlive the component, being unmapped only below, where no
    // component came to be, and the mapping is private and not writable, so that no one in this process changes them.
    unsafe { Component::deserialize_raw(engine, code) }.inspect_err(|_| {
        // SAFETY: the range was mapped above, and the engine that failed to load it keeps no reference into it.
        let _ = unsafe { rustix::mm::munmap(start, len) };
    })
}
