//! How much private writable memory this process has (`VmData` of proc_pid_status(5)), which is what `RLIMIT_DATA`
//! limits. `limits.memoryBytes` is what a VM adds to what its process had once it was booted.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The process's own status, which is opened while there is a `/proc`.
pub(super) struct Memory(Option<File>);

/// Bytes of the status that are read; it is half as long.
const STATUS_BYTES: usize = 4096;

impl Memory {
    /// Opens it.
    pub(super) fn open() -> Memory {
        Memory(File::open("/proc/self/status").ok())
    }

    /// The figure of now, in bytes. Without a `/proc` it is that of the room for machine code alone, which is most of it.
    ///
    /// # Errors
    /// As pread(2); or the file has another form.
    pub(super) fn bytes(&self) -> io::Result<u64> {
        let Some(file) = &self.0 else { return Ok(isolate::CODE_RANGE as u64) };
        let mut buffer = [0; STATUS_BYTES];
        let length = file.read_at(&mut buffer, 0)?;
        data(&String::from_utf8_lossy(&buffer[..length]))
            .ok_or_else(|| io::Error::other("the process's status has no VmData"))
    }
}

fn data(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_the_one_of_this_process_and_grows_with_it() {
        assert_eq!(data("Name:\tx\nVmData:\t    1232 kB\nVmStk:\t 1 kB\n"), Some(1232 * 1024));
        assert_eq!(data("VmData: many\n"), None);
        let memory = Memory::open();
        let before = memory.bytes().unwrap();
        let more = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(memory.bytes().unwrap() >= before + (more.len() as u64) / 2);
    }
}
