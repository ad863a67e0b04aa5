//! How much private writable memory this process has (`VmData` of proc_pid_status(5)), which is what `RLIMIT_DATA`
//! limits. `limits.memoryBytes` is what a VM adds to what its process had when it was claimed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Where the figure comes from.
pub(super) enum Memory {
    /// The process's own status, opened while there was a `/proc`.
    Status(File),
    /// It is known: a process that was forked has what its template had.
    Known(u64),
}

/// Bytes of the status that are read; it is half as long.
const STATUS_BYTES: usize = 4096;

impl Memory {
    /// Opens the source. Without one the figure is that of the room for machine code alone, which is most of it.
    pub(super) fn open() -> Memory {
        File::open("/proc/self/status").map_or(Memory::Known(isolate::CODE_RANGE as u64), Memory::Status)
    }

    /// The figure of now, in bytes.
    ///
    /// # Errors
    /// As pread(2); or the file has another form.
    pub(super) fn bytes(&self) -> io::Result<u64> {
        match self {
            Memory::Known(bytes) => Ok(*bytes),
            Memory::Status(file) => {
                let mut buffer = [0; STATUS_BYTES];
                let length = file.read_at(&mut buffer, 0)?;
                data(&String::from_utf8_lossy(&buffer[..length]))
                    .ok_or_else(|| io::Error::other("the process's status has no VmData"))
            }
        }
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
        let more = vec![1_u8; 64 << 20];
        assert!(memory.bytes().unwrap() >= before + (more.len() as u64) / 2);
    }
}
