//! What a template opens before it gives up files, and what it makes heritable: V8 marks the memory that it maps as not
//! to be inherited by children (`MADV_DONTFORK`), which is undone here mapping by mapping, once all of it is there.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::mm::{Advice, madvise};

use super::super::memory::Memory;

/// Files of this process that cannot be opened after it was enclosed.
pub(super) struct Heritage {
    maps: File,
    memory: Memory,
    /// For standard output of workers.
    null: File,
}

impl Heritage {
    /// Opens them.
    ///
    /// # Errors
    /// There is no `/proc` or no `/dev/null`.
    pub(super) fn open() -> io::Result<Heritage> {
        Ok(Heritage {
            maps: File::open("/proc/self/smaps")?,
            memory: Memory::open(),
            null: File::options().write(true).open("/dev/null")?,
        })
    }

    /// Lets children inherit all memory of this process. Gives how much of it is private and writable, in bytes, and the
    /// standard output of workers; nothing else stays open.
    ///
    /// # Errors
    /// As read(2) and madvise(2).
    pub(super) fn let_children_inherit(self) -> io::Result<(u64, File)> {
        let mut text = String::new();
        Reader(&self.maps, 0).read_to_string(&mut text)?;
        for range in not_inherited(&text) {
            let start = std::ptr::with_exposed_provenance_mut(range.start);
            // SAFETY: the range is a mapping of this process, which has one thread, and this advice changes nothing in
            // it: only what a child will have at these addresses.
            unsafe { madvise(start, range.len(), Advice::LinuxDoFork) }?;
        }
        Ok((self.memory.bytes()?, self.null))
    }
}

/// Reads a file of `/proc` from its start, wherever its offset is.
struct Reader<'a>(&'a File, u64);

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read_at(buffer, self.1)?;
        self.1 += length as u64;
        Ok(length)
    }
}

/// The mappings that a text of the form of `/proc/self/smaps` marks with `dc`: do not copy.
fn not_inherited(maps: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut mapping = None;
    for line in maps.lines() {
        let first = line.split(' ').next().unwrap_or_default();
        if first == "VmFlags:" {
            if line.split(' ').any(|flag| flag == "dc") {
                found.extend(mapping.take());
            }
        } else if let Some((start, end)) = first.split_once('-')
            && let (Ok(start), Ok(end)) = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16))
        {
            mapping = Some(start..end);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_that_are_not_inherited_are_found() {
        let maps = "1000-3000 rw-p 00000000 00:00 0 \nSize: 8 kB\nVmFlags: rd wr mr mw me dc ac \n\
                    4000-5000 r--p 00000000 00:00 0 [vdso]\nVmFlags: rd mr mw me de \n\
                    ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\nVmFlags: ex dc\n";
        assert_eq!(not_inherited(maps), [0x1000..0x3000, 0xffff_ffff_ff60_0000..0xffff_ffff_ff60_1000]);
    }
}
