//! Writing to standard output and standard error. What a program of WASI writes is cut into pieces of 4 KiB, of which each
//! is a call; the virtual machine takes all of it at once. Of a program that keeps text the bytes are written that it
//! stands for.

use std::cell::OnceCell;
use std::ffi::{c_int, c_void};
use std::slice;

use cordon_vm::descriptors::{self, Descriptor};

use crate::{KEEPS_TEXT, errno};

unsafe extern "C" {
    fn __real_write(descriptor: c_int, bytes: *const c_void, length: usize) -> isize;
    fn __real_writev(descriptor: c_int, parts: *const libc::iovec, count: c_int) -> isize;
}

/// Bytes that one call hands over at most.
const CHUNK: usize = 1 << 20;

type Stream = OnceCell<Option<Descriptor>>;

thread_local! {
    static STREAMS: [Stream; 2] = const { [OnceCell::new(), OnceCell::new()] };
}

/// Writes, if it is one of the streams and open.
fn write(descriptor: c_int, bytes: &[u8]) -> Option<isize> {
    let number = u32::try_from(descriptor).ok().filter(|number| (1..=2).contains(number))?;
    STREAMS.with(|streams| {
        let stream = &streams[number as usize - 1];
        let stream = stream.get_or_init(|| descriptors::inherited(number).ok()).as_ref()?;
        if KEEPS_TEXT.get() && bytes.contains(&byte_text::LEAD) {
            return Some(write_text(stream, bytes));
        }
        let mut written = 0;
        for chunk in bytes.chunks(CHUNK) {
            match stream.write(chunk) {
                Ok(()) => written += chunk.len(),
                Err(_) if written > 0 => break,
                Err(error) => {
                    errno::set(error);
                    return Some(-1);
                }
            }
        }
        Some(written.cast_signed())
    })
}

/// Writes what text stands for. How much of the text that was, which is not all of it where it ends within a character.
fn write_text(stream: &Descriptor, bytes: &[u8]) -> isize {
    let (valid, is_cut) = match str::from_utf8(bytes) {
        Ok(_) => (bytes.len(), false),
        Err(error) => (error.valid_up_to(), error.error_len().is_none()),
    };
    // What is no text goes as it is, as does the beginning of a character of which there is no more.
    let length = if is_cut && valid > 0 { valid } else { bytes.len() };
    let text = str::from_utf8(&bytes[..length]).map_or(bytes.into(), byte_text::encode);
    match stream.write(&text) {
        Ok(()) => length.cast_signed(),
        Err(error) => {
            errno::set(error);
            -1
        }
    }
}

/// # Safety
/// As `write`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_write(descriptor: c_int, bytes: *const c_void, length: usize) -> isize {
    if length > 0 {
        // SAFETY: the caller gives so many bytes.
        let given = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), length) };
        if let Some(written) = write(descriptor, given) {
            return written;
        }
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { __real_write(descriptor, bytes, length) }
}

/// # Safety
/// As `writev`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_writev(descriptor: c_int, parts: *const libc::iovec, count: c_int) -> isize {
    let length = usize::try_from(count).unwrap_or(0);
    if length > 0 && (1..=2).contains(&descriptor) {
        // SAFETY: the caller gives so many parts.
        let given = unsafe { slice::from_raw_parts(parts, length) };
        // What is written may be less than all: the first part that holds anything.
        if let Some(part) = given.iter().find(|part| part.iov_len > 0) {
            // SAFETY: as for `write`.
            return unsafe { __wrap_write(descriptor, part.iov_base, part.iov_len) };
        }
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { __real_writev(descriptor, parts, count) }
}
