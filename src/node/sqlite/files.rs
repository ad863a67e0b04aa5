//! SQLite's files: those of the VM, opened as the process that a call is made for. Clock, random numbers and waiting are
//! the VM's too.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use kernel::{Errno, FileKind, OpenFile, OpenFlags, Process, Symlinks};
use libsqlite3_sys as ffi;

use super::here;
use super::locks::{self, Key, Shared};
use super::shared_memory::Held;

/// Longest path.
const PATH_MAX: usize = 4096;

/// Milliseconds from the Julian epoch to that of Unix.
const EPOCH: i64 = 210_866_760_000_000;

/// What SQLite has room for in each open file: its own part, and ours.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// An open file.
struct Open {
    id: u64,
    file: Arc<OpenFile>,
    key: Key,
    shared: Arc<Shared>,
    level: c_int,
    held: Held,
    uses_memory: bool,
    /// Of this process's, if it is to be removed when it is closed.
    removed: Option<(Arc<Process>, String)>,
}

static LAST: AtomicU64 = AtomicU64::new(0);

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes the VM's files SQLite's.
pub(super) fn register() -> c_int {
    let vfs = ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX),
        mxPathname: PATH_MAX as c_int,
        pNext: std::ptr::null_mut(),
        zName: c"vm".as_ptr(),
        pAppData: std::ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time_int64),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: it lives as long as the process; SQLite links it into a list of its own.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 1) }
}

/// A path of SQLite's.
///
/// # Safety
/// It is null or ends with a zero, and lives as long as what is given.
unsafe fn path<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

/// What we have of an open file.
///
/// # Safety
/// It was opened here and not closed; nobody else looks at it meanwhile, which SQLite sees to.
unsafe fn opened<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Open {
    // SAFETY: as above: `open` has put it there.
    unsafe { &mut *(*file.cast::<File>()).open }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let file = file.cast::<File>();
    // SAFETY: SQLite gives room for a file; without methods it is none.
    unsafe { (*file).base.pMethods = std::ptr::null() };
    // SAFETY: it ends with a zero. What has no name lies in memory (`SQLITE_TEMP_STORE`).
    let (Some(name), Some(here)) = (unsafe { path(name) }, here::here()) else { return ffi::SQLITE_CANTOPEN };
    let mut wanted = OpenFlags::READ;
    for (flag, wants) in [
        (ffi::SQLITE_OPEN_READWRITE, OpenFlags::WRITE),
        (ffi::SQLITE_OPEN_CREATE, OpenFlags::CREATE),
        (ffi::SQLITE_OPEN_EXCLUSIVE, OpenFlags::EXCLUSIVE | OpenFlags::CREATE),
    ] {
        if flags & flag != 0 {
            wanted |= wants;
        }
    }
    let mut flags = flags;
    let outcome = match here.process.open(name, wanted, 0o644) {
        Err(Errno::Eacces | Errno::Erofs | Errno::Eperm) if wanted.contains(OpenFlags::WRITE) => {
            flags =
                flags & !(ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE) | ffi::SQLITE_OPEN_READONLY;
            here.process.open(name, OpenFlags::READ, 0)
        }
        outcome => outcome,
    };
    let Ok(opened) = outcome else { return ffi::SQLITE_CANTOPEN };
    let status = match opened.status() {
        Ok(status) if status.kind == FileKind::Regular => status,
        _ => return ffi::SQLITE_CANTOPEN,
    };
    let key = (status.device, status.inode);
    let removed = (flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0).then(|| (here.process, name.to_owned()));
    let open = Open {
        id: LAST.fetch_add(1, Ordering::Relaxed),
        file: opened,
        key,
        shared: locks::shared(key),
        level: ffi::SQLITE_LOCK_NONE,
        held: Held::default(),
        uses_memory: false,
        removed,
    };
    // SAFETY: SQLite gives room for a file, and for the flags or null.
    unsafe {
        (*file).open = Box::into_raw(Box::new(open));
        (*file).base.pMethods = &METHODS;
        if !flags_out.is_null() {
            *flags_out = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` has put it there, and SQLite closes once.
    let mut open = unsafe {
        (*file).pMethods = std::ptr::null();
        Box::from_raw((*file.cast::<File>()).open)
    };
    if open.uses_memory {
        open.shared.memory.lock().leave(&mut open.held);
    }
    open.shared.unlock(open.id, open.level, ffi::SQLITE_LOCK_NONE);
    if let Some((process, path)) = open.removed.take() {
        let _ = process.unlink(&path);
    }
    let Open { key, shared, .. } = *open;
    locks::release(key, shared);
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(length), Ok(offset)) = (usize::try_from(length), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: the file is open, and the buffer is SQLite's own and has so many bytes.
    let (open, buffer) =
        unsafe { (opened(file), std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length)) };
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match open.file.pread(rest, offset.saturating_add(done as u64)) {
            Ok(0) => {
                rest.fill(0);
                return ffi::SQLITE_IOERR_SHORT_READ;
            }
            Ok(count) => done += count,
            Err(_) => return ffi::SQLITE_IOERR_READ,
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(length), Ok(offset)) = (usize::try_from(length), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: the file is open, and SQLite has so many bytes there.
    let (open, bytes) = unsafe { (opened(file), std::slice::from_raw_parts(bytes.cast::<u8>(), length)) };
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match open.file.pwrite(rest, offset.saturating_add(done as u64)) {
            Ok(0) | Err(Errno::Enospc | Errno::Edquot) => return ffi::SQLITE_FULL,
            Ok(count) => done += count,
            Err(_) => return ffi::SQLITE_IOERR_WRITE,
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    match u64::try_from(size).map(|size| open.file.truncate(size)) {
        Ok(Ok(())) => ffi::SQLITE_OK,
        _ => ffi::SQLITE_IOERR_TRUNCATE,
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    match unsafe { opened(file) }.file.sync() {
        Ok(()) => ffi::SQLITE_OK,
        Err(_) => ffi::SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open, and SQLite has room for the number.
    unsafe {
        match opened(file).file.status() {
            Ok(status) => {
                *size = i64::try_from(status.size).unwrap_or(i64::MAX);
                ffi::SQLITE_OK
            }
            Err(_) => ffi::SQLITE_IOERR_FSTAT,
        }
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let (level, answer) = open.shared.lock(open.id, open.level, wanted);
    open.level = level;
    answer
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    open.level = open.shared.unlock(open.id, open.level, wanted);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, is_reserved: *mut c_int) -> c_int {
    // SAFETY: the file is open, and SQLite has room for the answer.
    unsafe { *is_reserved = c_int::from(opened(file).shared.is_reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    index: c_int,
    size: c_int,
    extend: c_int,
    start: *mut *mut c_void,
) -> c_int {
    // SAFETY: the file is open, and SQLite has room for the pointer.
    let (open, start) = unsafe { (opened(file), &mut *start) };
    *start = std::ptr::null_mut();
    let (Ok(index), Ok(size)) = (usize::try_from(index), usize::try_from(size)) else {
        return ffi::SQLITE_IOERR_SHMMAP;
    };
    let mut memory = open.shared.memory.lock();
    if !open.uses_memory {
        open.uses_memory = true;
        memory.users += 1;
    }
    match memory.region(index, size, extend != 0) {
        Ok(region) => {
            *start = region.cast();
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    let (Ok(first), Ok(count)) = (usize::try_from(first), usize::try_from(count)) else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    open.shared.memory.lock().lock(&mut open.held, first, count, flags)
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    if std::mem::take(&mut open.uses_memory) {
        open.shared.memory.lock().leave(&mut open.held);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int) -> c_int {
    // SAFETY: it ends with a zero.
    let (Some(name), Some(here)) = (unsafe { path(name) }, here::here()) else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    match here.process.unlink(name) {
        Ok(()) => ffi::SQLITE_OK,
        Err(Errno::Enoent) => ffi::SQLITE_IOERR_DELETE_NOENT,
        Err(_) => ffi::SQLITE_IOERR_DELETE,
    }
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    answer: *mut c_int,
) -> c_int {
    // SAFETY: it ends with a zero.
    let (Some(name), Some(here)) = (unsafe { path(name) }, here::here()) else {
        return ffi::SQLITE_IOERR_ACCESS;
    };
    let status = here.process.stat(name, Symlinks::Follow);
    // An empty file is none: SQLite asks for journals.
    let is_there = status.is_ok_and(|status| {
        flags != ffi::SQLITE_ACCESS_EXISTS || status.kind != FileKind::Regular || status.size > 0
    });
    // SAFETY: SQLite has room for the answer.
    unsafe { *answer = c_int::from(is_there) };
    ffi::SQLITE_OK
}

/// The path of a file without links, as far as it is there.
fn resolved(process: &Process, name: &str) -> Result<String, Errno> {
    match process.realpath(name) {
        Err(Errno::Enoent) => {}
        outcome => return outcome,
    }
    let trimmed = name.trim_end_matches('/');
    let (directory, name) = trimmed.rsplit_once('/').unwrap_or((".", trimmed));
    let directory = process.realpath(if directory.is_empty() { "/" } else { directory })?;
    Ok(format!("{}/{name}", directory.trim_end_matches('/')))
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    full: *mut c_char,
) -> c_int {
    // SAFETY: it ends with a zero.
    let (Some(name), Some(here)) = (unsafe { path(name) }, here::here()) else { return ffi::SQLITE_CANTOPEN };
    let path = match resolved(&here.process, name) {
        Ok(path) => path,
        // Opening it says why not.
        Err(_) if name.starts_with('/') => name.to_owned(),
        Err(_) => return ffi::SQLITE_CANTOPEN,
    };
    let room = usize::try_from(room).unwrap_or(0);
    if path.len() >= room {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: SQLite has room for so many bytes, and the text with its zero fits.
    unsafe {
        std::ptr::copy_nonoverlapping(path.as_ptr(), full.cast::<u8>(), path.len());
        *full.add(path.len()) = 0;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, length: c_int, bytes: *mut c_char) -> c_int {
    let Ok(length) = usize::try_from(length) else { return 0 };
    // SAFETY: SQLite has room for so many bytes.
    let bytes = unsafe { std::slice::from_raw_parts_mut(bytes.cast::<u8>(), length) };
    bytes.fill(0);
    match getrandom::fill(bytes) {
        Ok(()) => c_int::try_from(length).unwrap_or(0),
        Err(_) => 0,
    }
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    here::sleep(Duration::from_micros(u64::try_from(microseconds).unwrap_or(0)));
    microseconds
}

fn now() -> i64 {
    i64::try_from(isolate::library::wall().as_millis()).unwrap_or(0).saturating_add(EPOCH)
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, days: *mut f64) -> c_int {
    // SAFETY: SQLite has room for the number.
    unsafe { *days = now() as f64 / 86_400_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_int64(_: *mut ffi::sqlite3_vfs, time: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite has room for the number.
    unsafe { *time = now() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
