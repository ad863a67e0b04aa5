//! Lists of what OpenSSL has.

use std::ffi::{CStr, c_char, c_int, c_void};

use openssl_sys as ffi;

use super::{cipher, digest, mac};

type Each<T> = unsafe extern "C" fn(*mut T, *mut c_void);
type EachSorted<T> = unsafe extern "C" fn(*const T, *const c_char, *const c_char, *mut c_void);
type EachName = unsafe extern "C" fn(*const c_char, *mut c_void);

#[repr(C)]
struct BuiltinCurve {
    nid: c_int,
    comment: *const c_char,
}

unsafe extern "C" {
    fn EVP_MD_do_all_sorted(each: EachSorted<ffi::EVP_MD>, argument: *mut c_void);
    fn EVP_MD_do_all_provided(library: *mut c_void, each: Each<ffi::EVP_MD>, argument: *mut c_void);
    fn EVP_MD_names_do_all(md: *const ffi::EVP_MD, each: EachName, argument: *mut c_void) -> c_int;
    fn EVP_CIPHER_do_all_sorted(each: EachSorted<ffi::EVP_CIPHER>, argument: *mut c_void);
    fn EVP_CIPHER_do_all_provided(library: *mut c_void, each: Each<ffi::EVP_CIPHER>, argument: *mut c_void);
    fn EVP_CIPHER_names_do_all(
        cipher: *const ffi::EVP_CIPHER,
        each: EachName,
        argument: *mut c_void,
    ) -> c_int;
    fn EVP_MAC_do_all_provided(library: *mut c_void, each: Each<ffi::EVP_MAC>, argument: *mut c_void);
    fn EVP_MAC_names_do_all(mac: *const ffi::EVP_MAC, each: EachName, argument: *mut c_void) -> c_int;
    fn EC_get_builtin_curves(curves: *mut BuiltinCurve, count: usize) -> usize;
    fn OBJ_nid2sn(nid: c_int) -> *const c_char;
    fn OBJ_sn2nid(name: *const c_char) -> c_int;
    fn EC_curve_nist2nid(name: *const c_char) -> c_int;
}

/// Adds a name to the list that `argument` is.
///
/// # Safety
/// `argument` is a `Vec<String>` that nobody else uses meanwhile, `name` is null or ends with a NUL.
unsafe extern "C" fn collect(name: *const c_char, argument: *mut c_void) {
    if name.is_null() {
        return;
    }
    // SAFETY: the caller's promise.
    let (name, list) = unsafe { (CStr::from_ptr(name), &mut *argument.cast::<Vec<String>>()) };
    list.push(name.to_string_lossy().into_owned());
}

unsafe extern "C" fn collect_sorted<T>(
    _: *const T,
    from: *const c_char,
    _: *const c_char,
    argument: *mut c_void,
) {
    // SAFETY: this is called with the lists of this file.
    unsafe { collect(from, argument) };
}

unsafe extern "C" fn collect_digest(md: *mut ffi::EVP_MD, argument: *mut c_void) {
    // SAFETY: as above; the digest lives while this is called.
    unsafe { EVP_MD_names_do_all(md, collect, argument) };
}

unsafe extern "C" fn collect_cipher(cipher: *mut ffi::EVP_CIPHER, argument: *mut c_void) {
    // SAFETY: as above.
    unsafe { EVP_CIPHER_names_do_all(cipher, collect, argument) };
}

unsafe extern "C" fn collect_mac(mac: *mut ffi::EVP_MAC, argument: *mut c_void) {
    // SAFETY: as above.
    unsafe { EVP_MAC_names_do_all(mac, collect, argument) };
}

/// Whether a name is a number that stands for it.
fn is_number(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit()) && name.contains('.')
}

/// What OpenSSL has under their old names, then what its providers have; without those that cannot be had.
fn list(old: impl FnOnce(*mut c_void), provided: impl FnOnce(*mut c_void)) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    old((&raw mut names).cast());
    let mut more: Vec<String> = Vec::new();
    provided((&raw mut more).cast());
    names.extend(more.into_iter().map(|name| name.to_lowercase()));
    names.retain(|name| !is_number(name));
    names
}

/// Names of digests.
pub(crate) fn hashes() -> Vec<String> {
    // SAFETY: the callbacks are given the list that they are written for.
    let mut names = list(
        |names| unsafe { EVP_MD_do_all_sorted(collect_sorted, names) },
        |names| unsafe { EVP_MD_do_all_provided(std::ptr::null_mut(), collect_digest, names) },
    );
    names.retain(|name| digest::fetch(name).is_some() && !name.eq_ignore_ascii_case("null"));
    names
}

/// Names of ciphers.
pub(crate) fn ciphers() -> Vec<String> {
    // SAFETY: as above.
    let mut names = list(
        |names| unsafe { EVP_CIPHER_do_all_sorted(collect_sorted, names) },
        |names| unsafe { EVP_CIPHER_do_all_provided(std::ptr::null_mut(), collect_cipher, names) },
    );
    names.iter_mut().for_each(|name| *name = name.to_lowercase());
    // Those for one use of TLS alone are none for whoever encrypts.
    names.retain(|name| !name.contains("hmac") && name != "null" && cipher::Cipher::fetch(name).is_some());
    names
}

/// Names of message authentication codes.
pub(crate) fn macs() -> Vec<String> {
    // SAFETY: as above.
    let mut names =
        list(|_| {}, |names| unsafe { EVP_MAC_do_all_provided(std::ptr::null_mut(), collect_mac, names) });
    names.retain(|name| mac::exists(name));
    names
}

/// Names of elliptic curves.
pub(crate) fn curves() -> Vec<String> {
    // SAFETY: without a list it says how many there are; then the list has room for so many.
    unsafe {
        let count = EC_get_builtin_curves(std::ptr::null_mut(), 0);
        let mut curves: Vec<BuiltinCurve> =
            (0..count).map(|_| BuiltinCurve { nid: 0, comment: std::ptr::null() }).collect();
        let count = EC_get_builtin_curves(curves.as_mut_ptr(), curves.len()).min(curves.len());
        curves.truncate(count);
        let mut names: Vec<String> = Vec::new();
        for curve in curves {
            collect(OBJ_nid2sn(curve.nid), (&raw mut names).cast());
        }
        names
    }
}

/// The curve of that name.
pub(crate) fn curve(text: &str) -> Option<openssl::nid::Nid> {
    let text = super::name(text)?;
    // SAFETY: the name ends with a NUL.
    let nid = unsafe {
        let nid = EC_curve_nist2nid(text.as_ptr());
        if nid != 0 { nid } else { OBJ_sn2nid(text.as_ptr()) }
    };
    let nid = openssl::nid::Nid::from_raw(nid);
    let known = nid.as_raw() != 0 && openssl::ec::EcGroup::from_curve_name(nid).is_ok();
    super::clear_errors();
    known.then_some(nid)
}
