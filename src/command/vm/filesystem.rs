//! `cordon:vm/filesystem`: the VM's filesystem by path, from the program's current directory.

use std::future::poll_fn;

use wasmtime::component::Resource;

use kernel::{Errno, FileTimes, OpenFile, OpenFlags, Symlinks};

use super::super::guest::Guest;
use super::bindings::cordon::vm::{filesystem, types};
use super::descriptors::{Descriptor, or_interrupted};
use super::errors::Failure;

/// Permission bits of a file that `write-file` creates, less the umask.
const FILE_MODE: u32 = 0o666;

/// Bytes that `read-file` reads with one call of the kernel.
const CHUNK: usize = 1 << 20;

fn open_flags(flags: filesystem::OpenFlags) -> OpenFlags {
    let pairs = [
        (filesystem::OpenFlags::READ, OpenFlags::READ),
        (filesystem::OpenFlags::WRITE, OpenFlags::WRITE),
        (filesystem::OpenFlags::APPEND, OpenFlags::APPEND),
        (filesystem::OpenFlags::CREATE, OpenFlags::CREATE),
        (filesystem::OpenFlags::EXCLUSIVE, OpenFlags::EXCLUSIVE),
        (filesystem::OpenFlags::TRUNCATE, OpenFlags::TRUNCATE),
        (filesystem::OpenFlags::DIRECTORY, OpenFlags::DIRECTORY),
        (filesystem::OpenFlags::NO_FOLLOW, OpenFlags::NO_FOLLOW),
    ];
    pairs.into_iter().filter(|(theirs, _)| flags.contains(*theirs)).map(|(_, ours)| ours).collect()
}

/// The whole contents of a regular file, if they are not more than `most` bytes.
fn read_whole(file: &OpenFile, most: usize) -> Result<Vec<u8>, Errno> {
    let mut contents = Vec::new();
    loop {
        let start = contents.len();
        if start > most {
            return Err(Errno::Efbig);
        }
        contents.resize(start + CHUNK, 0);
        let read = file.pread(&mut contents[start..], start as u64)?;
        contents.truncate(start + read);
        if read == 0 {
            return Ok(contents);
        }
    }
}

impl filesystem::Host for Guest {
    async fn open(
        &mut self,
        path: String,
        flags: filesystem::OpenFlags,
        mode: u32,
    ) -> Result<Resource<Descriptor>, Failure> {
        let process = &*self.process;
        let file = process.open(&path, open_flags(flags), mode)?;
        poll_fn(|cx| {
            let outcome = process.poll_opened(cx, &file);
            or_interrupted(process, cx, outcome)
        })
        .await?;
        self.push_file(file)
    }

    fn read_file(&mut self, path: String) -> Result<Vec<u8>, Failure> {
        let file = self.process.open(&path, OpenFlags::READ, 0)?;
        Ok(read_whole(&file, self.growth.memory())?)
    }

    fn write_file(&mut self, path: String, contents: Vec<u8>) -> Result<(), Failure> {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let file = self.process.open(&path, flags, FILE_MODE)?;
        let mut written = 0;
        while written < contents.len() {
            match file.pwrite(&contents[written..], written as u64)? {
                0 => return Err(Errno::Eio.into()),
                more => written += more,
            }
        }
        Ok(())
    }

    fn status(&mut self, path: String, symlinks: types::Symlinks) -> Result<types::FileStatus, Failure> {
        Ok(self.process.stat(&path, symlinks.into())?.into())
    }

    fn read_directory(&mut self, path: String) -> Result<Vec<filesystem::DirectoryEntry>, Failure> {
        let entries = self.process.read_dir(&path)?.into_iter();
        let entry = |entry: kernel::DirectoryEntry| filesystem::DirectoryEntry {
            name: entry.name,
            inode: entry.inode,
            file_type: entry.kind.into(),
        };
        Ok(entries.map(entry).collect())
    }

    fn create_directory(&mut self, path: String, mode: u32) -> Result<(), Failure> {
        Ok(self.process.mkdir(&path, mode)?)
    }

    fn create_fifo(&mut self, path: String, mode: u32) -> Result<(), Failure> {
        Ok(self.process.mkfifo(&path, mode)?)
    }

    fn remove_directory(&mut self, path: String) -> Result<(), Failure> {
        Ok(self.process.rmdir(&path)?)
    }

    fn remove_file(&mut self, path: String) -> Result<(), Failure> {
        Ok(self.process.unlink(&path)?)
    }

    fn rename(&mut self, source: String, target: String) -> Result<(), Failure> {
        Ok(self.process.rename(&source, &target)?)
    }

    fn create_symlink(&mut self, target: String, path: String) -> Result<(), Failure> {
        Ok(self.process.symlink(&target, &path)?)
    }

    fn read_symlink(&mut self, path: String) -> Result<String, Failure> {
        Ok(self.process.readlink(&path)?)
    }

    fn create_link(&mut self, existing: String, path: String) -> Result<(), Failure> {
        Ok(self.process.link(&existing, &path)?)
    }

    fn set_mode(&mut self, path: String, mode: u32) -> Result<(), Failure> {
        Ok(self.process.chmod(&path, mode)?)
    }

    fn set_times(
        &mut self,
        path: String,
        accessed: u64,
        modified: u64,
        symlinks: types::Symlinks,
    ) -> Result<(), Failure> {
        let times = FileTimes { accessed: Some(accessed), modified: Some(modified) };
        Ok(self.process.utimens(&path, times, Symlinks::from(symlinks))?)
    }

    fn canonical_path(&mut self, path: String) -> Result<String, Failure> {
        Ok(self.process.realpath(&path)?)
    }
}
