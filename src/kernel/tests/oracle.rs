//! Random operations done twice, in the kernel and on the machine's own filesystem: results, error numbers and what
//! lies there at the end have to be equal.
//!
//! Modes are left out, since root, as whom tests often run, is not bound by them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::os::fd::OwnedFd;

use proptest::prelude::*;
use rustix::fs::{self as host, AtFlags, Mode, OFlags};

use super::host::{TestHost, oflags};
use super::*;

/// Deep enough that `..` in paths and links does not lead out of the temporary directory.
const BASE: &str = "0/1/2/3/4/5/6/7/8/9";
const SLOTS: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Open(usize, String, OpenFlags),
    Close(usize),
    Read(usize, usize),
    Write(usize, usize),
    PWrite(usize, u64, usize),
    Seek(usize, i64, u8),
    FTruncate(usize, u64),
    Mkdir(String),
    Rmdir(String),
    Unlink(String),
    Rename(String, String),
    Symlink(String, String),
    Link(String, String, bool),
    Stat(String, bool),
    Readlink(String),
    Truncate(String, u64),
    ReadDir(String),
}

fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![5 => Just("a"), 4 => Just("b"), 3 => Just("c"), 1 => Just("."), 1 => Just("")];
    let parts = prop_oneof![
        6 => prop::collection::vec(name.clone(), 1..4),
        1 => prop::collection::vec(name, 0..2).prop_map(|mut parts| {
            parts.push("..");
            parts
        }),
    ];
    (parts, prop::bool::weighted(0.15)).prop_map(|(parts, slash)| {
        // No path may begin with a slash: the two sides have different roots.
        let path = parts.join("/").trim_start_matches('/').to_owned();
        if slash && !path.is_empty() { path + "/" } else { path }
    })
}

fn flags() -> impl Strategy<Value = OpenFlags> {
    let write = OpenFlags::WRITE;
    let extra = [OpenFlags::CREATE, OpenFlags::EXCLUSIVE, OpenFlags::TRUNCATE, OpenFlags::APPEND];
    prop_oneof![
        1 => Just(OpenFlags::READ),
        1 => Just(OpenFlags::READ | OpenFlags::CREATE),
        1 => Just(OpenFlags::READ | OpenFlags::DIRECTORY),
        1 => Just(OpenFlags::READ | OpenFlags::NO_FOLLOW),
        1 => Just(OpenFlags::READ | OpenFlags::DIRECTORY | OpenFlags::NO_FOLLOW),
        5 => (prop::sample::subsequence(extra.to_vec(), 0..4), any::<bool>(), any::<bool>()).prop_map(
            move |(extra, read, nofollow)| {
                let mut flags = extra.into_iter().fold(write, |a, b| a | b);
                flags.set(OpenFlags::READ, read);
                flags.set(OpenFlags::NO_FOLLOW, nofollow);
                // Without CREATE it means nothing, and Linux leaves it undefined.
                if !flags.contains(OpenFlags::CREATE) {
                    flags.remove(OpenFlags::EXCLUSIVE);
                }
                flags
            }
        ),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let slot = 0..SLOTS;
    let size = prop_oneof![0..200_u64, 65_530..65_550_u64, 0..200_000_u64];
    let length = prop_oneof![0..50_usize, 0..70_000_usize];
    prop_oneof![
        6 => (slot.clone(), path(), flags()).prop_map(|(s, p, f)| Op::Open(s, p, f)),
        1 => slot.clone().prop_map(Op::Close),
        2 => (slot.clone(), length.clone()).prop_map(|(s, n)| Op::Read(s, n)),
        3 => (slot.clone(), length.clone()).prop_map(|(s, n)| Op::Write(s, n)),
        2 => (slot.clone(), size.clone(), length).prop_map(|(s, o, n)| Op::PWrite(s, o, n)),
        2 => (slot.clone(), -300..300_i64, 0..3_u8).prop_map(|(s, o, w)| Op::Seek(s, o, w)),
        1 => (slot, size.clone()).prop_map(|(s, n)| Op::FTruncate(s, n)),
        6 => path().prop_map(Op::Mkdir),
        2 => path().prop_map(Op::Rmdir),
        2 => path().prop_map(Op::Unlink),
        6 => (path(), path()).prop_map(|(a, b)| Op::Rename(a, b)),
        4 => (path(), path()).prop_map(|(a, b)| Op::Symlink(a, b)),
        3 => (path(), path(), any::<bool>()).prop_map(|(a, b, f)| Op::Link(a, b, f)),
        3 => (path(), any::<bool>()).prop_map(|(p, f)| Op::Stat(p, f)),
        1 => path().prop_map(Op::Readlink),
        1 => (path(), size).prop_map(|(p, n)| Op::Truncate(p, n)),
        1 => path().prop_map(Op::ReadDir),
    ]
}

/// What an operation came to, in a form that both sides can give.
type Outcome = Result<String, i32>;

fn show<T: Debug, E>(result: Result<T, E>, code: impl Fn(E) -> i32) -> Outcome {
    result.map(|value| format!("{value:?}")).map_err(code)
}

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + seed) as u8).collect()
}

struct Ours {
    process: Arc<Process>,
    slots: [Option<Arc<OpenFile>>; SLOTS],
}

impl Ours {
    fn slot(&self, slot: usize) -> Result<&Arc<OpenFile>, Errno> {
        self.slots[slot].as_ref().ok_or(Errno::Ebadf)
    }

    fn apply(&mut self, op: &Op, step: usize) -> Outcome {
        let p = self.process.clone();
        let done = |result: Result<(), Errno>| show(result, Errno::code);
        match op {
            Op::Open(slot, path, flags) => {
                let opened = p.open(path, *flags, 0o644);
                done(opened.map(|file| self.slots[*slot] = Some(file)))
            }
            Op::Close(slot) => {
                self.slots[*slot] = None;
                done(Ok(()))
            }
            Op::Read(slot, length) => {
                let mut buffer = vec![0; *length];
                let read = self.slot(*slot).and_then(|file| now(file.poll_read(&mut idle(), &mut buffer)));
                show(read.map(|n| buffer[..n].to_vec()), Errno::code)
            }
            Op::Write(slot, length) => {
                let bytes = pattern(*length, step);
                show(self.slot(*slot).and_then(|file| now(file.poll_write(&mut idle(), &bytes))), Errno::code)
            }
            Op::PWrite(slot, offset, length) => {
                let bytes = pattern(*length, step);
                show(self.slot(*slot).and_then(|file| file.pwrite(&bytes, *offset)), Errno::code)
            }
            Op::Seek(slot, offset, whence) => {
                let whence = [Whence::Start, Whence::Current, Whence::End][usize::from(*whence)];
                let file = self.slot(*slot);
                // Where a directory's offset stands is every filesystem's own.
                match file {
                    Ok(file) if file.kind() == FileKind::Directory => Ok(String::new()),
                    file => show(file.and_then(|file| file.seek(*offset, whence)), Errno::code),
                }
            }
            Op::FTruncate(slot, size) => done(self.slot(*slot).and_then(|file| file.truncate(*size))),
            Op::Mkdir(path) => done(p.mkdir(path, 0o755)),
            Op::Rmdir(path) => done(p.rmdir(path)),
            Op::Unlink(path) => done(p.unlink(path)),
            Op::Rename(from, to) => done(p.rename(from, to)),
            Op::Symlink(target, path) => done(p.symlink(target, path)),
            Op::Link(from, to, follow) => {
                let symlinks = if *follow { Symlinks::Follow } else { Symlinks::NoFollow };
                done(p.link_at(Base::Cwd, from, symlinks, Base::Cwd, to))
            }
            Op::Stat(path, follow) => {
                let symlinks = if *follow { Symlinks::Follow } else { Symlinks::NoFollow };
                let status = p.stat(path, symlinks).map(|status| match status.kind {
                    FileKind::Directory => (status.kind, 0, 0),
                    kind => (kind, status.links, status.size),
                });
                show(status, Errno::code)
            }
            Op::Readlink(path) => show(p.readlink(path), Errno::code),
            Op::Truncate(path, size) => done(p.truncate(path, *size)),
            Op::ReadDir(path) => show(names(&p, path), Errno::code),
        }
    }

    fn tree(&self, root: &str) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut pending = vec![root.to_owned()];
        while let Some(directory) = pending.pop() {
            for entry in self.process.read_dir(&directory).unwrap() {
                let path = format!("{directory}/{}", entry.name);
                let status = self.process.stat(&path, Symlinks::NoFollow).unwrap();
                assert_eq!((status.kind, status.inode), (entry.kind, entry.inode));
                let what = match entry.kind {
                    FileKind::Directory => {
                        if root == "/workspace" {
                            let subdirectories = self.process.read_dir(&path).unwrap();
                            let count =
                                subdirectories.iter().filter(|e| e.kind == FileKind::Directory).count();
                            assert_eq!(status.links, 2 + count as u64, "{path}");
                        }
                        pending.push(path.clone());
                        "directory".to_owned()
                    }
                    FileKind::Symlink => self.process.readlink(&path).unwrap(),
                    _ => {
                        let file = self.process.open(&path, OpenFlags::READ, 0).unwrap();
                        format!("{} {:?}", status.links, read_all(&file).unwrap())
                    }
                };
                tree.insert(path[root.len()..].to_owned(), what);
            }
        }
        tree
    }
}

struct Theirs {
    base: OwnedFd,
    slots: [Option<OwnedFd>; SLOTS],
}

impl Theirs {
    fn slot(&self, slot: usize) -> Result<&OwnedFd, rustix::io::Errno> {
        self.slots[slot].as_ref().ok_or(rustix::io::Errno::BADF)
    }

    fn apply(&mut self, op: &Op, step: usize) -> Outcome {
        let base = &self.base;
        let code = rustix::io::Errno::raw_os_error;
        let done = |result: rustix::io::Result<()>| show(result, code);
        match op {
            Op::Open(slot, path, flags) => {
                let opened = host::openat(base, path, oflags(*flags), Mode::from_raw_mode(0o644));
                done(opened.map(|file| self.slots[*slot] = Some(file)))
            }
            Op::Close(slot) => {
                self.slots[*slot] = None;
                done(Ok(()))
            }
            Op::Read(slot, length) => {
                let mut buffer = vec![0; *length];
                let read = self.slot(*slot).and_then(|file| rustix::io::read(file, &mut buffer));
                show(read.map(|n| buffer[..n].to_vec()), code)
            }
            Op::Write(slot, length) => {
                let bytes = pattern(*length, step);
                show(self.slot(*slot).and_then(|file| rustix::io::write(file, &bytes)), code)
            }
            Op::PWrite(slot, offset, length) => {
                let bytes = pattern(*length, step);
                show(self.slot(*slot).and_then(|file| rustix::io::pwrite(file, &bytes, *offset)), code)
            }
            Op::Seek(slot, offset, whence) => {
                let file = match self.slot(*slot) {
                    Ok(file) => file,
                    Err(errno) => return Err(code(errno)),
                };
                if host::FileType::from_raw_mode(host::fstat(file).unwrap().st_mode)
                    == host::FileType::Directory
                {
                    return Ok(String::new());
                }
                let from = match whence {
                    // Rustix takes the start unsigned; a negative one wraps to what Linux refuses as well.
                    0 => host::SeekFrom::Start(*offset as u64),
                    1 => host::SeekFrom::Current(*offset),
                    _ => host::SeekFrom::End(*offset),
                };
                show(host::seek(file, from), code)
            }
            Op::FTruncate(slot, size) => done(self.slot(*slot).and_then(|file| host::ftruncate(file, *size))),
            Op::Mkdir(path) => done(host::mkdirat(base, path, Mode::from_raw_mode(0o755))),
            Op::Rmdir(path) => done(host::unlinkat(base, path, AtFlags::REMOVEDIR)),
            Op::Unlink(path) => done(host::unlinkat(base, path, AtFlags::empty())),
            Op::Rename(from, to) => done(host::renameat(base, from, base, to)),
            Op::Symlink(target, path) => done(host::symlinkat(target, base, path)),
            Op::Link(from, to, follow) => {
                let flags = if *follow { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
                done(host::linkat(base, from, base, to, flags))
            }
            Op::Stat(path, follow) => {
                let flags = if *follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
                let status = host::statat(base, path, flags).map(|status| {
                    let kind = match host::FileType::from_raw_mode(status.st_mode) {
                        host::FileType::Directory => return (FileKind::Directory, 0, 0),
                        host::FileType::Symlink => FileKind::Symlink,
                        _ => FileKind::Regular,
                    };
                    (kind, status.st_nlink, status.st_size)
                });
                show(status, code)
            }
            Op::Readlink(path) => show(
                host::readlinkat(base, path, Vec::new()).map(|target| target.into_string().unwrap()),
                code,
            ),
            Op::Truncate(path, size) => {
                // There is no truncateat; opening tells the same errors but for what cannot be written.
                let flags = OFlags::WRONLY | OFlags::CLOEXEC;
                let file = host::openat(base, path, flags, Mode::empty());
                done(file.and_then(|file| host::ftruncate(file, *size)))
            }
            Op::ReadDir(path) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let entries = host::openat(base, path, flags, Mode::empty()).map(|directory| {
                    let entries = host::Dir::read_from(&directory).unwrap();
                    let name = |entry: rustix::io::Result<host::DirEntry>| {
                        entry.unwrap().file_name().to_str().unwrap().to_owned()
                    };
                    let mut names: Vec<String> = entries.map(name).collect();
                    names.retain(|name| name != "." && name != "..");
                    names.sort();
                    names
                });
                show(entries, code)
            }
        }
    }
}

fn their_tree(root: &std::path::Path) -> BTreeMap<String, String> {
    use std::os::unix::fs::MetadataExt;
    let mut tree = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let what = if metadata.is_dir() {
                pending.push(path.clone());
                "directory".to_owned()
            } else if metadata.is_symlink() {
                std::fs::read_link(&path).unwrap().to_str().unwrap().to_owned()
            } else {
                format!("{} {:?}", metadata.nlink(), std::fs::read(&path).unwrap())
            };
            tree.insert(path.to_str().unwrap()[root.to_str().unwrap().len()..].to_owned(), what);
        }
    }
    tree
}

fn temporary() -> tempfile::TempDir {
    // In memory where the machine has that; thousands of sequences run.
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// As many as a test run can spare; more where somebody asks for them.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn behaves_like_the_filesystem_of_the_machine(ops in prop::collection::vec(op(), 1..60)) {
        let (kernel, process) = machine(options());
        let before = kernel.usage();
        let temporary = temporary();
        std::fs::create_dir_all(temporary.path().join(BASE)).unwrap();
        let mut path = String::from("/workspace");
        for part in BASE.split('/') {
            path = format!("{path}/{part}");
            process.mkdir(&path, 0o755).unwrap();
        }
        process.chdir(&path).unwrap();
        let (mut ours, theirs) = compare(&process, &temporary.path().join(BASE), &ops, true)?;
        drop(theirs);
        prop_assert_eq!(ours.tree("/workspace"), their_tree(temporary.path()));
        // Whatever was done: once all is removed, nothing is in use any more.
        ours.slots = Default::default();
        process.chdir("/").unwrap();
        remove(&process, "/workspace");
        prop_assert_eq!(kernel.usage(), before);
    }

    #[test]
    fn a_mount_behaves_like_what_is_mounted(ops in prop::collection::vec(op(), 1..40), tells: bool) {
        // Links are resolved on the host there, and `.` and `..` by their letters.
        let plain = |op: &Op| !matches!(op, Op::Symlink(..)) && !format!("{op:?}").contains('.');
        let ops: Vec<Op> = ops.into_iter().filter(plain).collect();
        let (kernel, process) = machine(options());
        let host = TestHost::new();
        if tells {
            host.tell_moments();
        }
        kernel.mount("/m", MountId(1), false, host.clone()).unwrap();
        process.chdir("/m").unwrap();
        let temporary = temporary();
        let (mut ours, theirs) = compare(&process, temporary.path(), &ops, false)?;
        drop(theirs);
        prop_assert_eq!(ours.tree("/m"), their_tree(temporary.path()));
        ours.slots = Default::default();
        prop_assert_eq!(host.open_handles(), 0);
    }
}

/// Does the operations on both sides. Where two paths are wrong, which of them is told may differ unless `strict`.
fn compare(
    process: &Arc<Process>,
    base: &std::path::Path,
    ops: &[Op],
    strict: bool,
) -> Result<(Ours, Theirs), TestCaseError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let base = host::open(base, flags, Mode::empty()).unwrap();
    let mut ours = Ours { process: process.clone(), slots: Default::default() };
    let mut theirs = Theirs { base, slots: Default::default() };
    for (step, op) in ops.iter().enumerate() {
        let (our, their) = (ours.apply(op, step), theirs.apply(op, step));
        let lenient =
            !strict && matches!(op, Op::Rename(..) | Op::Link(..)) && our.is_err() && their.is_err();
        prop_assert!(
            lenient || our == their,
            "step {} {:?}: {:?} here, {:?} there",
            step,
            op,
            brief(&our),
            brief(&their)
        );
    }
    Ok((ours, theirs))
}

fn brief(outcome: &Outcome) -> Result<&str, i32> {
    match outcome {
        Ok(text) => Ok(&text[..text.len().min(60)]),
        Err(code) => Err(*code),
    }
}

fn remove(process: &Process, directory: &str) {
    for entry in process.read_dir(directory).unwrap() {
        let path = format!("{directory}/{}", entry.name);
        if entry.kind == FileKind::Directory {
            remove(process, &path);
            process.rmdir(&path).unwrap();
        } else {
            process.unlink(&path).unwrap();
        }
    }
}
