//! SQLite's files under WASI: the library is compiled without any way of its own to the system (`.cargo/config.toml`).
//!
//! Owns reading, writing, clock and waiting; who may use a file when is told by `locks`.

use cordon_vm::byte_text::ToText;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libsqlite3_sys as ffi;

use crate::locks::Locks;

/// Longest path.
const PATH_MAX: c_int = 4096;

/// Milliseconds from the Julian epoch to that of Unix.
const EPOCH: i64 = 210_866_760_000_000;

/// What SQLite has room for in each open file: its own part, and ours.
#[repr(C)]
struct Slot {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// An open file.
struct Open {
    file: File,
    locks: Locks,
    /// The index of a write-ahead log, which other systems share between processes. Here one process has it at a time.
    regions: Vec<Vec<u64>>,
}

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

/// SQLite calls this where it would set up the system's own files.
#[unsafe(no_mangle)]
extern "C" fn sqlite3_os_init() -> c_int {
    let vfs = ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: size_of::<Slot>() as c_int,
        mxPathname: PATH_MAX,
        pNext: std::ptr::null_mut(),
        zName: c"unix".as_ptr(),
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

#[unsafe(no_mangle)]
extern "C" fn sqlite3_os_end() -> c_int {
    ffi::SQLITE_OK
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
    unsafe { &mut *(*file.cast::<Slot>()).open }
}

fn options(flags: c_int) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(flags & ffi::SQLITE_OPEN_READWRITE != 0);
    if flags & ffi::SQLITE_OPEN_CREATE != 0 {
        options.create(true).create_new(flags & ffi::SQLITE_OPEN_EXCLUSIVE != 0);
    }
    options
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let slot = file.cast::<Slot>();
    // SAFETY: SQLite gives room for a file; without methods it is none.
    unsafe { (*slot).base.pMethods = std::ptr::null() };
    // SAFETY: it ends with a zero. What has no name lies in memory (`SQLITE_TEMP_STORE`).
    let Some(name) = (unsafe { path(name) }) else { return ffi::SQLITE_CANTOPEN };
    let mut flags = flags;
    let outcome = match options(flags).open(name) {
        Err(error)
            if flags & ffi::SQLITE_OPEN_READWRITE != 0
                && matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
        {
            flags =
                flags & !(ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE) | ffi::SQLITE_OPEN_READONLY;
            options(flags).open(name)
        }
        outcome => outcome,
    };
    let Ok(opened) = outcome else { return ffi::SQLITE_CANTOPEN };
    if !opened.metadata().is_ok_and(|about| about.is_file()) {
        return ffi::SQLITE_CANTOPEN;
    }
    // Only data bases are locked: whoever may use one may use its journals.
    let locks = Locks::new((flags & ffi::SQLITE_OPEN_MAIN_DB != 0).then_some(&opened));
    let open = Open { file: opened, locks, regions: vec![] };
    // SAFETY: SQLite gives room for a file, and for the flags or null.
    unsafe {
        (*slot).open = Box::into_raw(Box::new(open));
        (*slot).base.pMethods = &METHODS;
        if !flags_out.is_null() {
            *flags_out = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` has put it there, and SQLite closes once.
    drop(unsafe {
        (*file).pMethods = std::ptr::null();
        Box::from_raw((*file.cast::<Slot>()).open)
    });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let Ok(length) = usize::try_from(length) else { return ffi::SQLITE_IOERR_READ };
    // SAFETY: the file is open, and the buffer is SQLite's own and has so many bytes.
    let (open, buffer) =
        unsafe { (opened(file), std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length)) };
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(done as i64);
        // SAFETY: the descriptor is open, and the rest of the buffer is ours to fill.
        match unsafe { libc::pread(open.file.as_raw_fd(), rest.as_mut_ptr().cast(), rest.len(), at) } {
            0 => {
                rest.fill(0);
                return ffi::SQLITE_IOERR_SHORT_READ;
            }
            count if count > 0 => done += count.cast_unsigned(),
            _ => return ffi::SQLITE_IOERR_READ,
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
    let Ok(length) = usize::try_from(length) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: the file is open, and SQLite has so many bytes there.
    let (open, bytes) = unsafe { (opened(file), std::slice::from_raw_parts(bytes.cast::<u8>(), length)) };
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(done as i64);
        // SAFETY: the descriptor is open, and there are so many bytes.
        match unsafe { libc::pwrite(open.file.as_raw_fd(), rest.as_ptr().cast(), rest.len(), at) } {
            count if count > 0 => done += count.cast_unsigned(),
            _ => {
                return match io::Error::last_os_error().kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ffi::SQLITE_FULL,
                    _ => ffi::SQLITE_IOERR_WRITE,
                };
            }
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    match u64::try_from(size).map(|size| open.file.set_len(size)) {
        Ok(Ok(())) => ffi::SQLITE_OK,
        _ => ffi::SQLITE_IOERR_TRUNCATE,
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    match unsafe { opened(file) }.file.sync_data() {
        Ok(()) => ffi::SQLITE_OK,
        Err(_) => ffi::SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open, and SQLite has room for the number.
    unsafe {
        let Ok(about) = opened(file).file.metadata() else { return ffi::SQLITE_IOERR_FSTAT };
        *size = i64::try_from(about.len()).unwrap_or(i64::MAX);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open.
    if unsafe { opened(file) }.locks.lock(wanted) { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe { opened(file) }.locks.unlock(wanted);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, is_reserved: *mut c_int) -> c_int {
    // SAFETY: the file is open, and SQLite has room for the answer.
    unsafe { *is_reserved = c_int::from(opened(file).locks.is_reserved()) };
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
    if !open.locks.own_log() {
        return ffi::SQLITE_BUSY;
    }
    while extend != 0 && open.regions.len() <= index {
        open.regions.push(vec![0; size.div_ceil(size_of::<u64>())]);
    }
    if let Some(region) = open.regions.get_mut(index) {
        *start = region.as_mut_ptr().cast();
    }
    ffi::SQLITE_OK
}

/// Who has the log has it alone.
unsafe extern "C" fn shm_lock(_: *mut ffi::sqlite3_file, _: c_int, _: c_int, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    open.regions.clear();
    open.locks.disown_log();
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int) -> c_int {
    // SAFETY: it ends with a zero.
    match unsafe { path(name) }.map(fs::remove_file) {
        Some(Ok(())) => ffi::SQLITE_OK,
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => ffi::SQLITE_IOERR_DELETE_NOENT,
        _ => ffi::SQLITE_IOERR_DELETE,
    }
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    answer: *mut c_int,
) -> c_int {
    // SAFETY: it ends with a zero.
    let Some(name) = (unsafe { path(name) }) else { return ffi::SQLITE_IOERR_ACCESS };
    // An empty file is none: SQLite asks for journals.
    let is_there = fs::metadata(name)
        .is_ok_and(|about| flags != ffi::SQLITE_ACCESS_EXISTS || !about.is_file() || about.len() > 0);
    // SAFETY: SQLite has room for the answer.
    unsafe { *answer = c_int::from(is_there) };
    ffi::SQLITE_OK
}

/// The path of a file without links, as far as it is there.
fn resolved(name: &str) -> io::Result<PathBuf> {
    match fs::canonicalize(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        outcome => return outcome,
    }
    let path = Path::new(name);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::canonicalize(directory)?.join(path.file_name().unwrap_or_default()))
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    full: *mut c_char,
) -> c_int {
    // SAFETY: it ends with a zero.
    let Some(name) = (unsafe { path(name) }) else { return ffi::SQLITE_CANTOPEN };
    // Where it has none, opening it says why not.
    let path = resolved(name).unwrap_or_else(|_| name.into());
    let path = path.to_text();
    if path.len() >= usize::try_from(room).unwrap_or(0) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: SQLite has room for that many bytes, the zero at the end among them.
    unsafe {
        std::ptr::copy_nonoverlapping(path.as_ptr(), full.cast(), path.len());
        *full.add(path.len()) = 0;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, length: c_int, bytes: *mut c_char) -> c_int {
    let count = usize::try_from(length).unwrap_or(0);
    // SAFETY: SQLite has room for that many bytes.
    let filled = unsafe { libc::getentropy(bytes.cast(), count.min(256)) };
    if filled == 0 { length.min(256) } else { 0 }
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    std::thread::sleep(Duration::from_micros(u64::try_from(microseconds).unwrap_or(0)));
    microseconds
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EPOCH.saturating_add(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, days: *mut f64) -> c_int {
    // SAFETY: SQLite has room for the number.
    unsafe { *days = now() as f64 / 86_400_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_int64(
    _: *mut ffi::sqlite3_vfs,
    milliseconds: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite has room for the number.
    unsafe { *milliseconds = now() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
