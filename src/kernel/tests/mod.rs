//! Tests of the kernel through its public interface, by subject.

mod fifos;
mod files;
mod groups;
mod host;
mod layout;
mod mounts;
mod oracle;
mod paths;
mod permissions;
mod policy;
mod processes;
mod signals;
mod terminals;
mod threads;
mod trees;
mod watches;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;

/// Whose programs these tests install.
pub(super) const ENGINE: Engine = Engine("test");

pub(super) fn options() -> KernelOptions {
    KernelOptions {
        limits: KernelLimits::default(),
        fs_policy: Arc::new(AllowAll),
        clock: Arc::new(SystemClock::default()),
        random: |buffer| buffer.fill(4),
    }
}

/// A kernel and a process in `/workspace`.
pub(super) fn machine(options: KernelOptions) -> (Arc<Kernel>, Arc<Process>) {
    let kernel = Kernel::new(options);
    let process = start(&kernel, "/workspace");
    (kernel, process)
}

pub(super) fn start(kernel: &Kernel, cwd: &str) -> Arc<Process> {
    kernel.create_process(None, vec!["test".into()], Vec::new(), cwd, Vec::new()).unwrap()
}

pub(crate) fn idle() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Count(pub(crate) AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(super) fn now<T>(poll: Poll<T>) -> T {
    match poll {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("would wait"),
    }
}

pub(super) fn read_all(file: &OpenFile) -> Result<Vec<u8>, Errno> {
    let (mut all, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        match now(file.poll_read(&mut idle(), &mut buffer))? {
            0 => return Ok(all),
            length => all.extend_from_slice(&buffer[..length]),
        }
    }
}

pub(super) fn read(process: &Process, path: &str) -> Result<String, Errno> {
    let bytes = read_all(&*process.open(path, OpenFlags::READ, 0)?)?;
    Ok(String::from_utf8(bytes).unwrap())
}

pub(super) const CREATE: OpenFlags = OpenFlags::WRITE.union(OpenFlags::CREATE).union(OpenFlags::TRUNCATE);

pub(super) fn write(process: &Process, path: &str, contents: &str) -> Result<(), Errno> {
    let file = process.open(path, CREATE, 0o666)?;
    let mut rest = contents.as_bytes();
    while !rest.is_empty() {
        rest = &rest[now(file.poll_write(&mut idle(), rest))?..];
    }
    Ok(())
}

pub(super) fn names(process: &Process, path: &str) -> Result<Vec<String>, Errno> {
    Ok(process.read_dir(path)?.into_iter().map(|entry| entry.name).collect())
}
