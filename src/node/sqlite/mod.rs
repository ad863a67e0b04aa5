//! SQLite, compiled without any way of its own to the system (`.cargo/config.toml`): its memory, its mutexes, its files
//! come from here.
//!
//! Owns what SQLite asks of an operating system. The binding `sqlite` gives its databases to JavaScript.

mod files;
pub(crate) mod here;
mod locks;
mod memory;
mod mutex;
mod shared_memory;

use std::ffi::c_int;
use std::sync::OnceLock;

use libsqlite3_sys as ffi;

/// Configures SQLite, once in the process. `false` if it does not work here.
pub(crate) fn start() -> bool {
    static STARTED: OnceLock<bool> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let memory = memory::methods();
        // SAFETY: nothing else of SQLite has been called in this process, which is what configuring asks for; the tables
        // are copied.
        unsafe {
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const memory) == ffi::SQLITE_OK
                && ffi::sqlite3_config(ffi::SQLITE_CONFIG_MUTEX, mutex::methods()) == ffi::SQLITE_OK
                && ffi::sqlite3_initialize() == ffi::SQLITE_OK
        }
    })
}

unsafe extern "C" {
    /// Closes a connection once the last that was made of it has ended; the crate's own declarations leave it out.
    pub(crate) fn sqlite3_close_v2(connection: *mut ffi::sqlite3) -> c_int;
}

/// SQLite calls this where it would set up the system's own files.
#[unsafe(no_mangle)]
extern "C" fn sqlite3_os_init() -> c_int {
    files::register()
}

#[unsafe(no_mangle)]
extern "C" fn sqlite3_os_end() -> c_int {
    ffi::SQLITE_OK
}
