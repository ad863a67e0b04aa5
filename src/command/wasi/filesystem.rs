//! `wasi:filesystem` over the VM's kernel.
//!
//! Programs are given one directory, `/`. What they may do beneath it is decided by the kernel, by path, each time.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::Arc;
use std::vec;

use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use kernel::{Base, DirectoryEntry, Errno, FileKind, FileStatus, FileTimes, OpenFile, OpenFlags, Symlinks};

use super::super::guest::Guest;
use super::clocks::datetime;
use super::errors::{code, failure};
use super::streams::{FileInput, FileOutput};

/// Permission bits of what programs create, less the umask: WASI has no word for them.
const FILE_MODE: u32 = 0o666;
const DIRECTORY_MODE: u32 = 0o777;

/// Bytes that one read gives at most.
const READ_BYTES: u64 = 64 * 1024;

/// What a descriptor of WASI stands for.
///
/// The bindings name their own type for descriptors, which nobody else can make; in the table its place is taken by
/// this one, under the same number.
enum Node {
    /// The directory that every program begins with. It is a place, not an open file: nothing has been asked of the
    /// permissions yet.
    Root,
    Open(Arc<OpenFile>),
}

/// The rest of a directory's entries.
struct Entries(vec::IntoIter<DirectoryEntry>);

type Descriptor = Resource<types::Descriptor>;

/// The base and path that the kernel is asked with.
struct Place<'a>(Base<'a>, Cow<'a, str>);

impl Node {
    fn at<'a>(&'a self, path: &'a str) -> Place<'a> {
        match self {
            Node::Root => Place(Base::Cwd, format!("/{path}").into()),
            Node::Open(file) => Place(Base::Directory(file), path.into()),
        }
    }

    fn file(&self) -> Result<&Arc<OpenFile>, Errno> {
        match self {
            Node::Root => Err(Errno::Eisdir),
            Node::Open(file) => Ok(file),
        }
    }
}

impl Guest {
    fn node(&self, descriptor: &Descriptor) -> Result<&Node, FsError> {
        Ok(self.table.get(&Resource::<Node>::new_borrow(descriptor.rep()))?)
    }

    /// Keeps something for the program; too many at once are too many open files.
    fn keep<T: Send + 'static>(&mut self, thing: T) -> FsResult<Resource<T>> {
        self.table.push(thing).map_err(|error| match error {
            ResourceTableError::Full => failure(Errno::Emfile),
            broken => FsError::trap(broken),
        })
    }

    fn status_of(&self, descriptor: &Descriptor) -> FsResult<FileStatus> {
        match self.node(descriptor)? {
            Node::Root => self.process.stat("/", Symlinks::Follow),
            Node::Open(file) => file.status(),
        }
        .map_err(failure)
    }

    fn status_at(&self, directory: &Descriptor, flags: types::PathFlags, path: &str) -> FsResult<FileStatus> {
        let Place(base, path) = self.node(directory)?.at(path);
        self.process.stat_at(base, &path, symlinks(flags)).map_err(failure)
    }

    fn times(&self, accessed: types::NewTimestamp, modified: types::NewTimestamp) -> FsResult<FileTimes> {
        let time = |wish| match wish {
            types::NewTimestamp::NoChange => Ok(None),
            types::NewTimestamp::Now => Ok(Some(self.kernel.clock().realtime())),
            types::NewTimestamp::Timestamp(time) => {
                let seconds = time.seconds.checked_mul(1_000_000_000);
                seconds
                    .and_then(|nanoseconds| nanoseconds.checked_add(time.nanoseconds.into()))
                    .map(Some)
                    .ok_or(types::ErrorCode::Overflow)
            }
        };
        Ok(FileTimes { accessed: time(accessed)?, modified: time(modified)? })
    }

    fn output_at(
        &mut self,
        descriptor: &Descriptor,
        position: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let file = self.node(descriptor)?.file().map_err(failure)?.clone();
        if !file.is_writable() {
            return Err(types::ErrorCode::BadDescriptor.into());
        }
        // Whether a program appends is a property of its streams; the file was opened for it alone.
        file.set_append(position.is_none());
        let stream = FileOutput::from(self.process.clone(), file, position.unwrap_or(u64::MAX));
        self.keep(Box::new(stream) as DynOutputStream)
    }
}

impl preopens::Host for Guest {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Descriptor, String)>> {
        let root = self.table.push(Node::Root)?;
        Ok(vec![(Resource::new_own(root.rep()), "/".to_owned())])
    }
}

impl types::Host for Guest {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<types::ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<types::ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<Errno>().copied().map(code))
    }
}

impl types::HostDescriptor for Guest {
    fn read_via_stream(&mut self, descriptor: Descriptor, offset: u64) -> FsResult<Resource<DynInputStream>> {
        let file = self.node(&descriptor)?.file().map_err(failure)?.clone();
        if file.kind() == FileKind::Directory {
            return Err(types::ErrorCode::IsDirectory.into());
        }
        if !file.is_readable() {
            return Err(types::ErrorCode::BadDescriptor.into());
        }
        let stream = FileInput::from(self.process.clone(), file, offset);
        self.keep(Box::new(stream) as DynInputStream)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Descriptor,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.output_at(&descriptor, Some(offset))
    }

    fn append_via_stream(&mut self, descriptor: Descriptor) -> FsResult<Resource<DynOutputStream>> {
        self.output_at(&descriptor, None)
    }

    async fn advise(&mut self, _: Descriptor, _: u64, _: u64, _: types::Advice) -> FsResult<()> {
        Ok(())
    }

    async fn sync_data(&mut self, descriptor: Descriptor) -> FsResult<()> {
        types::HostDescriptor::sync(self, descriptor).await
    }

    async fn get_flags(&mut self, descriptor: Descriptor) -> FsResult<types::DescriptorFlags> {
        let when = |holds, flag| if holds { flag } else { types::DescriptorFlags::empty() };
        let (readable, writable, directory) = match self.node(&descriptor)? {
            Node::Root => (true, false, true),
            Node::Open(file) => (file.is_readable(), file.is_writable(), file.kind() == FileKind::Directory),
        };
        Ok(when(readable, types::DescriptorFlags::READ)
            | when(writable, types::DescriptorFlags::WRITE)
            | when(directory, types::DescriptorFlags::MUTATE_DIRECTORY))
    }

    async fn get_type(&mut self, descriptor: Descriptor) -> FsResult<types::DescriptorType> {
        Ok(match self.node(&descriptor)? {
            Node::Root => types::DescriptorType::Directory,
            Node::Open(file) => kind(file.kind()),
        })
    }

    async fn set_size(&mut self, descriptor: Descriptor, size: u64) -> FsResult<()> {
        self.node(&descriptor)?.file().and_then(|file| file.truncate(size)).map_err(failure)
    }

    async fn set_times(
        &mut self,
        descriptor: Descriptor,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        let times = self.times(accessed, modified)?;
        match self.node(&descriptor)? {
            Node::Root => self.process.utimens("/", times, Symlinks::Follow),
            Node::Open(file) => self.process.futimens(file, times),
        }
        .map_err(failure)
    }

    async fn read(&mut self, descriptor: Descriptor, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        let file = self.node(&descriptor)?.file().map_err(failure)?;
        let mut buffer = vec![0; usize::try_from(length.min(READ_BYTES)).unwrap_or_default()];
        let read = file.pread(&mut buffer, offset).map_err(failure)?;
        buffer.truncate(read);
        Ok((buffer, read == 0 && length != 0))
    }

    async fn write(&mut self, descriptor: Descriptor, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        let file = self.node(&descriptor)?.file().map_err(failure)?;
        file.set_append(false);
        let written = file.pwrite(&bytes, offset).map_err(failure)?;
        Ok(written as u64)
    }

    async fn read_directory(
        &mut self,
        descriptor: Descriptor,
    ) -> FsResult<Resource<types::DirectoryEntryStream>> {
        let entries = match self.node(&descriptor)? {
            Node::Root => self.process.read_dir("/"),
            Node::Open(file) => self.process.read_directory(file),
        }
        .map_err(failure)?;
        let entries = self.keep(Entries(entries.into_iter()))?;
        Ok(Resource::new_own(entries.rep()))
    }

    async fn sync(&mut self, descriptor: Descriptor) -> FsResult<()> {
        match self.node(&descriptor)? {
            Node::Root => Ok(()),
            Node::Open(file) => file.sync().map_err(failure),
        }
    }

    async fn create_directory_at(&mut self, directory: Descriptor, path: String) -> FsResult<()> {
        let Place(base, path) = self.node(&directory)?.at(&path);
        self.process.mkdir_at(base, &path, DIRECTORY_MODE).map_err(failure)
    }

    async fn stat(&mut self, descriptor: Descriptor) -> FsResult<types::DescriptorStat> {
        Ok(stat(&self.status_of(&descriptor)?))
    }

    async fn stat_at(
        &mut self,
        directory: Descriptor,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        Ok(stat(&self.status_at(&directory, flags, &path)?))
    }

    async fn set_times_at(
        &mut self,
        directory: Descriptor,
        flags: types::PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        let times = self.times(accessed, modified)?;
        let Place(base, path) = self.node(&directory)?.at(&path);
        self.process.utimens_at(base, &path, times, symlinks(flags)).map_err(failure)
    }

    async fn link_at(
        &mut self,
        old_directory: Descriptor,
        flags: types::PathFlags,
        old_path: String,
        new_directory: Descriptor,
        new_path: String,
    ) -> FsResult<()> {
        let Place(old_base, old_path) = self.node(&old_directory)?.at(&old_path);
        let Place(new_base, new_path) = self.node(&new_directory)?.at(&new_path);
        self.process.link_at(old_base, &old_path, symlinks(flags), new_base, &new_path).map_err(failure)
    }

    async fn open_at(
        &mut self,
        directory: Descriptor,
        path_flags: types::PathFlags,
        path: String,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Descriptor> {
        let mut wish = OpenFlags::empty();
        wish.set(OpenFlags::CREATE, open_flags.contains(types::OpenFlags::CREATE));
        wish.set(OpenFlags::DIRECTORY, open_flags.contains(types::OpenFlags::DIRECTORY));
        wish.set(OpenFlags::EXCLUSIVE, open_flags.contains(types::OpenFlags::EXCLUSIVE));
        wish.set(OpenFlags::TRUNCATE, open_flags.contains(types::OpenFlags::TRUNCATE));
        wish.set(OpenFlags::NO_FOLLOW, !path_flags.contains(types::PathFlags::SYMLINK_FOLLOW));
        wish.set(OpenFlags::WRITE, flags.contains(types::DescriptorFlags::WRITE));
        // A directory that is opened only to look things up beneath it is opened with neither.
        let reads = flags.contains(types::DescriptorFlags::READ) || !wish.contains(OpenFlags::WRITE);
        wish.set(OpenFlags::READ, reads);
        let Place(base, path) = self.node(&directory)?.at(&path);
        let file = self.process.open_at(base, &path, wish, FILE_MODE).map_err(failure)?;
        poll_fn(|cx| self.process.poll_opened(cx, &file)).await.map_err(failure)?;
        let node = self.keep(Node::Open(file))?;
        Ok(Resource::new_own(node.rep()))
    }

    async fn readlink_at(&mut self, directory: Descriptor, path: String) -> FsResult<String> {
        let Place(base, path) = self.node(&directory)?.at(&path);
        self.process.readlink_at(base, &path).map_err(failure)
    }

    async fn remove_directory_at(&mut self, directory: Descriptor, path: String) -> FsResult<()> {
        let Place(base, path) = self.node(&directory)?.at(&path);
        self.process.rmdir_at(base, &path).map_err(failure)
    }

    async fn rename_at(
        &mut self,
        old_directory: Descriptor,
        old_path: String,
        new_directory: Descriptor,
        new_path: String,
    ) -> FsResult<()> {
        let Place(old_base, old_path) = self.node(&old_directory)?.at(&old_path);
        let Place(new_base, new_path) = self.node(&new_directory)?.at(&new_path);
        self.process.rename_at(old_base, &old_path, new_base, &new_path).map_err(failure)
    }

    async fn symlink_at(&mut self, directory: Descriptor, target: String, path: String) -> FsResult<()> {
        let Place(base, path) = self.node(&directory)?.at(&path);
        self.process.symlink_at(&target, base, &path).map_err(failure)
    }

    async fn unlink_file_at(&mut self, directory: Descriptor, path: String) -> FsResult<()> {
        let Place(base, path) = self.node(&directory)?.at(&path);
        self.process.unlink_at(base, &path).map_err(failure)
    }

    async fn is_same_object(&mut self, one: Descriptor, other: Descriptor) -> wasmtime::Result<bool> {
        let identity = |descriptor| self.status_of(descriptor).map(|status| (status.device, status.inode));
        Ok(matches!((identity(&one), identity(&other)), (Ok(one), Ok(other)) if one == other))
    }

    async fn metadata_hash(&mut self, descriptor: Descriptor) -> FsResult<types::MetadataHashValue> {
        Ok(identity(&self.status_of(&descriptor)?))
    }

    async fn metadata_hash_at(
        &mut self,
        directory: Descriptor,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        Ok(identity(&self.status_at(&directory, flags, &path)?))
    }

    fn drop(&mut self, descriptor: Descriptor) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Node>::new_own(descriptor.rep()))?;
        Ok(())
    }
}

impl types::HostDirectoryEntryStream for Guest {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        let entries = self.table.get_mut(&Resource::<Entries>::new_borrow(stream.rep()))?;
        Ok(entries.0.next().map(|entry| types::DirectoryEntry { type_: kind(entry.kind), name: entry.name }))
    }

    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Entries>::new_own(stream.rep()))?;
        Ok(())
    }
}

fn symlinks(flags: types::PathFlags) -> Symlinks {
    if flags.contains(types::PathFlags::SYMLINK_FOLLOW) { Symlinks::Follow } else { Symlinks::NoFollow }
}

fn kind(kind: FileKind) -> types::DescriptorType {
    match kind {
        FileKind::Regular => types::DescriptorType::RegularFile,
        FileKind::Directory => types::DescriptorType::Directory,
        FileKind::Symlink => types::DescriptorType::SymbolicLink,
        FileKind::CharacterDevice => types::DescriptorType::CharacterDevice,
        FileKind::Fifo => types::DescriptorType::Fifo,
    }
}

fn stat(status: &FileStatus) -> types::DescriptorStat {
    types::DescriptorStat {
        type_: kind(status.kind),
        link_count: status.links,
        size: status.size,
        data_access_timestamp: Some(datetime(status.accessed)),
        data_modification_timestamp: Some(datetime(status.modified)),
        status_change_timestamp: Some(datetime(status.changed)),
    }
}

/// What tells a file from all others. Programs of preview 1 take the lower half for the inode number and know no
/// devices, so the device goes where inode numbers do not reach.
fn identity(status: &FileStatus) -> types::MetadataHashValue {
    types::MetadataHashValue { lower: status.inode ^ status.device.rotate_right(16), upper: status.device }
}
