//! What a stream reads from and writes to.

use std::sync::Arc;
use std::task::{Context, Poll};

use kernel::net::Connection;
use kernel::{OpenFile, Process};

/// A file of the kernel's. Errors are libuv's numbers, which are the system's, negated.
#[derive(Clone)]
pub(crate) enum End {
    File(Arc<OpenFile>),
    Socket(Arc<Connection>, Arc<OpenFile>),
    /// A terminal, which asks whose group is in its foreground.
    Terminal(Arc<Process>, Arc<OpenFile>),
}

impl End {
    pub fn socket(connection: Arc<Connection>) -> End {
        let file = connection.open_file();
        End::Socket(connection, file)
    }

    /// It for descriptors.
    pub fn file(&self) -> &Arc<OpenFile> {
        match self {
            End::File(file) | End::Socket(_, file) | End::Terminal(_, file) => file,
        }
    }

    pub fn connection(&self) -> Option<&Arc<Connection>> {
        match self {
            End::File(_) | End::Terminal(..) => None,
            End::Socket(connection, _) => Some(connection),
        }
    }

    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.file().poll_readable(cx)
    }

    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, i32>> {
        match self {
            End::File(file) => match file.poll_read(cx, buffer) {
                // Another holder of the description does not want to wait; this one does.
                Poll::Ready(Err(kernel::Errno::Eagain)) => Poll::Pending,
                polled => polled.map_err(|errno| -errno.code()),
            },
            End::Terminal(process, file) => {
                process.poll_read(cx, file, buffer).map_err(|errno| -errno.code())
            }
            End::Socket(connection, _) => connection.poll_receive(cx, buffer).map_err(|error| -error.code()),
        }
    }

    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, i32>> {
        match self {
            // Not in the process's name: its library handles broken pipes without a signal.
            End::File(file) => match file.poll_write(cx, bytes) {
                Poll::Ready(Err(kernel::Errno::Eagain)) => match file.poll_writable(cx) {
                    Poll::Ready(()) => file.poll_write(cx, bytes).map_err(|errno| -errno.code()),
                    Poll::Pending => Poll::Pending,
                },
                polled => polled.map_err(|errno| -errno.code()),
            },
            End::Terminal(process, file) => {
                process.poll_write(cx, file, bytes).map_err(|errno| -errno.code())
            }
            End::Socket(connection, _) => connection.poll_send(cx, bytes).map_err(|error| -error.code()),
        }
    }

    /// Nothing more will be written. Whether the file knows that by itself; if not, it is to be let go.
    pub fn shut_down(&self) -> bool {
        match self {
            End::File(file) | End::Terminal(_, file) => file.shut_down().is_ok(),
            End::Socket(connection, _) => {
                connection.shut_down();
                true
            }
        }
    }
}
