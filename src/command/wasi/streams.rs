//! `wasi:io` streams over open files of the kernel.
//!
//! A stream over a standard descriptor reads and writes at the file's own offset, which it shares with every process
//! that has the file. A stream that a program made of a file that it opened keeps an offset of its own, as
//! `wasi:filesystem` wants it; files without offsets (pipes, devices) know no difference.
//!
//! Nothing is read ahead: what a program did not ask for stays for the next reader.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi_io::bytes::{Buf, Bytes};

use kernel::{Errno, OpenFile, Process};

use super::super::guest::Ended;

/// Bytes that one read gives, and one write takes, at most.
const CHUNK: usize = 64 * 1024;

/// A stream that is at its end, for descriptors that are not open.
pub(super) struct ClosedStream;

#[async_trait]
impl Pollable for ClosedStream {
    async fn ready(&mut self) {}
}

impl InputStream for ClosedStream {
    fn read(&mut self, _: usize) -> StreamResult<Bytes> {
        Err(StreamError::Closed)
    }
}

impl OutputStream for ClosedStream {
    fn write(&mut self, _: Bytes) -> StreamResult<()> {
        Err(StreamError::Closed)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Err(StreamError::Closed)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Err(StreamError::Closed)
    }
}

fn failure(process: &Process, errno: Errno) -> StreamError {
    // Who is being ended by a signal gets no say, not even about the error that came with it.
    if matches!(errno, Errno::Epipe | Errno::Eintr) && process.killed().is_some() {
        return StreamError::Trap(Ended::Killed.into());
    }
    StreamError::LastOperationFailed(errno.into())
}

/// Reading from an open file.
pub(super) struct FileInput {
    process: Arc<Process>,
    file: Arc<OpenFile>,
    /// Where the next read starts; none means at the file's own offset.
    position: Option<u64>,
}

impl FileInput {
    /// Reads at the file's own offset.
    pub(super) fn sequential(process: Arc<Process>, file: Arc<OpenFile>) -> FileInput {
        FileInput { process, file, position: None }
    }

    /// Reads from `position` on.
    pub(super) fn from(process: Arc<Process>, file: Arc<OpenFile>, position: u64) -> FileInput {
        let position = file.is_seekable().then_some(position);
        FileInput { process, file, position }
    }

    /// One read; an empty result for a non-empty wish never happens.
    fn poll_chunk(&mut self, cx: &mut Context<'_>, wish: usize) -> Poll<StreamResult<Bytes>> {
        let mut buffer = vec![0; wish.min(CHUNK)];
        let read = match &mut self.position {
            None => std::task::ready!(self.process.poll_read(cx, &self.file, &mut buffer)),
            Some(position) => {
                self.file.pread(&mut buffer, *position).inspect(|&read| *position += read as u64)
            }
        };
        Poll::Ready(match read {
            Ok(0) => Err(StreamError::Closed),
            Ok(read) => {
                buffer.truncate(read);
                Ok(buffer.into())
            }
            Err(errno) => Err(failure(&self.process, errno)),
        })
    }
}

#[async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {
        if self.position.is_none() {
            poll_fn(|cx| self.file.poll_readable(cx)).await;
        }
    }
}

#[async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self.poll_chunk(&mut Context::from_waker(Waker::noop()), size) {
            Poll::Ready(chunk) => chunk,
            Poll::Pending => Ok(Bytes::new()),
        }
    }

    // The default waits until the stream is ready and reads then, which fails if another reader was quicker.
    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        poll_fn(|cx| self.poll_chunk(cx, size)).await
    }
}

/// Writing to an open file.
pub(super) struct FileOutput {
    process: Arc<Process>,
    file: Arc<OpenFile>,
    /// Where the next write starts; none means at the file's own offset.
    position: Option<u64>,
    /// What was taken from the program and did not fit yet.
    pending: Bytes,
}

impl FileOutput {
    /// Writes at the file's own offset.
    pub(super) fn sequential(process: Arc<Process>, file: Arc<OpenFile>) -> FileOutput {
        FileOutput { process, file, position: None, pending: Bytes::new() }
    }

    /// Writes from `position` on.
    pub(super) fn from(process: Arc<Process>, file: Arc<OpenFile>, position: u64) -> FileOutput {
        let position = file.is_seekable().then_some(position);
        FileOutput { process, file, position, pending: Bytes::new() }
    }

    /// Writes until nothing is pending.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<StreamResult<()>> {
        while !self.pending.is_empty() {
            let written = match &mut self.position {
                None => std::task::ready!(self.process.poll_write(cx, &self.file, &self.pending)),
                Some(position) => {
                    self.file.pwrite(&self.pending, *position).inspect(|&written| *position += written as u64)
                }
            };
            match written {
                Ok(0) => return Poll::Ready(Err(failure(&self.process, Errno::Eio))),
                Ok(written) => self.pending.advance(written),
                Err(errno) => {
                    self.pending.clear();
                    return Poll::Ready(Err(failure(&self.process, errno)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn drain_now(&mut self) -> StreamResult<()> {
        match self.poll_drain(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

#[async_trait]
impl Pollable for FileOutput {
    async fn ready(&mut self) {
        if self.position.is_none() {
            // Whether what is pending could be written, or why not, is told by the next call.
            poll_fn(|cx| self.file.poll_writable(cx)).await;
        }
    }
}

#[async_trait]
impl OutputStream for FileOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if !self.pending.is_empty() || bytes.len() > CHUNK {
            return Err(StreamError::trap("write without a permit of check-write"));
        }
        self.pending = bytes;
        self.drain_now()
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.drain_now()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.drain_now()?;
        if !self.pending.is_empty() {
            return Ok(0);
        }
        let mut cx = Context::from_waker(Waker::noop());
        let ready = self.position.is_some() || self.file.poll_writable(&mut cx).is_ready();
        Ok(if ready { CHUNK } else { 0 })
    }

    async fn write_ready(&mut self) -> StreamResult<usize> {
        poll_fn(|cx| self.poll_drain(cx)).await?;
        self.ready().await;
        Ok(CHUNK)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        poll_fn(|cx| self.poll_drain(cx)).await?;
        self.pending = bytes;
        poll_fn(|cx| self.poll_drain(cx)).await
    }

    async fn cancel(&mut self) {
        // A stream that is dropped owes what it took. An error has nobody left to be told to.
        let _ = poll_fn(|cx| self.poll_drain(cx)).await;
    }
}
