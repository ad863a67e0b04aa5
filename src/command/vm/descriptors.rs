//! `cordon:vm/descriptors`: open file descriptions as handles.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use wasmtime::component::Resource;

use kernel::{Errno, OpenFile, Process, Whence};

use super::super::guest::{Ended, Guest};
use super::bindings::cordon::vm::{descriptors, types};
use super::errors::Failure;

/// Bytes that one `read` gives at most; the contract names it.
const READ_BYTES: u32 = 1 << 20;

/// What a handle refers to.
pub struct Descriptor(pub(super) Arc<OpenFile>);

impl Guest {
    pub(super) fn open_file(&self, handle: &Resource<Descriptor>) -> Result<&Arc<OpenFile>, Failure> {
        Ok(&self.table.get(handle)?.0)
    }

    pub(super) fn push_file(&mut self, file: Arc<OpenFile>) -> Result<Resource<Descriptor>, Failure> {
        Ok(self.table.push(Descriptor(file))?)
    }
}

/// For errors of reading and writing: who is being ended by a signal runs no further.
pub(super) fn transfer_failure(process: &Process, errno: Errno) -> Failure {
    if matches!(errno, Errno::Epipe | Errno::Eintr) && process.killed().is_some() {
        return Failure::Trap(Ended::Killed.into());
    }
    errno.into()
}

/// A transfer that would wait ends instead while a signal that the program handles is pending.
pub(super) fn or_interrupted<T>(
    process: &Process,
    cx: &Context<'_>,
    outcome: Poll<Result<T, Errno>>,
) -> Poll<Result<T, Errno>> {
    match outcome {
        Poll::Pending => process.poll_interrupted(cx).map(|()| Err(Errno::Eintr)),
        outcome => outcome,
    }
}

impl descriptors::Host for Guest {
    fn inherited(&mut self, number: u32) -> Result<Resource<Descriptor>, Failure> {
        let file = self.process.fds().get(number)?;
        self.push_file(file)
    }

    fn pipe(&mut self) -> Result<(Resource<Descriptor>, Resource<Descriptor>), Failure> {
        let (read, write) = self.kernel.pipe()?;
        Ok((self.push_file(read)?, self.push_file(write)?))
    }

    fn memory_file(&mut self) -> Result<Resource<Descriptor>, Failure> {
        let file = self.kernel.memory_file()?;
        self.push_file(file)
    }

    fn memory_file_of(&mut self, contents: Vec<u8>) -> Result<Resource<Descriptor>, Failure> {
        let file = self.kernel.memory_file_of(&contents)?;
        self.push_file(file)
    }
}

impl descriptors::HostDescriptor for Guest {
    async fn read(&mut self, handle: Resource<Descriptor>, length: u32) -> Result<Vec<u8>, Failure> {
        let (process, file) = (&*self.process, &*self.table.get(&handle)?.0);
        let mut buffer = vec![0; length.min(READ_BYTES) as usize];
        let read = poll_fn(|cx| {
            let outcome = process.poll_read(cx, file, &mut buffer);
            or_interrupted(process, cx, outcome)
        })
        .await;
        buffer.truncate(read.map_err(|errno| transfer_failure(process, errno))?);
        Ok(buffer)
    }

    async fn write(&mut self, handle: Resource<Descriptor>, bytes: Vec<u8>) -> Result<(), Failure> {
        let (process, file) = (&*self.process, &*self.table.get(&handle)?.0);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // How much was written of the rest could not be told.
            let has_begun = rest.len() < bytes.len();
            let outcome = poll_fn(|cx| match process.poll_write(cx, file, rest) {
                outcome if has_begun => outcome,
                outcome => or_interrupted(process, cx, outcome),
            });
            match outcome.await {
                Ok(0) => return Err(Errno::Eio.into()),
                Ok(written) => rest = &rest[written..],
                Err(errno) => return Err(transfer_failure(process, errno)),
            }
        }
        Ok(())
    }

    fn seek(
        &mut self,
        handle: Resource<Descriptor>,
        offset: i64,
        whence: descriptors::Whence,
    ) -> Result<u64, Failure> {
        let whence = match whence {
            descriptors::Whence::Start => Whence::Start,
            descriptors::Whence::Current => Whence::Current,
            descriptors::Whence::End => Whence::End,
        };
        Ok(self.open_file(&handle)?.seek(offset, whence)?)
    }

    fn truncate(&mut self, handle: Resource<Descriptor>, size: u64) -> Result<(), Failure> {
        Ok(self.open_file(&handle)?.truncate(size)?)
    }

    fn status(&mut self, handle: Resource<Descriptor>) -> Result<types::FileStatus, Failure> {
        Ok(self.open_file(&handle)?.status()?.into())
    }

    fn duplicate(&mut self, handle: Resource<Descriptor>) -> Result<Resource<Descriptor>, Failure> {
        let file = self.open_file(&handle)?.clone();
        self.push_file(file)
    }

    fn is_terminal(&mut self, handle: Resource<Descriptor>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&handle)?.0.is_terminal())
    }

    fn drop(&mut self, handle: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
