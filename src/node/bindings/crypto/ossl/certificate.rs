//! Certificates: what is read of them and not by the safe crate.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};

use foreign_types_shared::{ForeignType as _, ForeignTypeRef as _};
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509NameRef, X509Ref};
use openssl_sys as ffi;

use super::pkey::{Key, any};
use super::{check, check_pointer, name, take};

/// `ASN1_STRFLGS_ESC_2253`, `ASN1_STRFLGS_ESC_CTRL`, `ASN1_STRFLGS_ESC_MSB`, `ASN1_STRFLGS_UTF8_CONVERT`, and
/// `XN_FLAG_SEP_MULTILINE`: a line for each part of a name.
const LINES: c_ulong = 0x1 | 0x2 | 0x10 | (4 << 16);
/// `XN_FLAG_RFC2253` less the flags for what would be escaped, which is done in another way.
const ONE_LINE: c_ulong = 0x0111_0317 & !(0x4 | 0x2);

/// `GEN_*`, of `openssl/x509v3.h`.
const OTHER_NAME: c_int = 0;
const EMAIL: c_int = 1;
const DNS: c_int = 2;
const X400: c_int = 3;
const DIRECTORY: c_int = 4;
const EDI: c_int = 5;
const URI: c_int = 6;
const IP: c_int = 7;
const REGISTERED: c_int = 8;

/// Most names, or lines of another kind, that are read of a certificate.
const NAMES_MAX: c_int = 1 << 16;

#[repr(C)]
struct NetscapeSpki {
    spkac: *mut NetscapeSpkac,
    _algorithm: *mut c_void,
    _signature: *mut c_void,
}

#[repr(C)]
struct NetscapeSpkac {
    _key: *mut c_void,
    challenge: *mut ffi::ASN1_STRING,
}

unsafe extern "C" {
    fn X509_NAME_print_ex(
        out: *mut ffi::BIO,
        name: *const ffi::X509_NAME,
        indent: c_int,
        flags: c_ulong,
    ) -> c_int;
    fn ASN1_TIME_print(out: *mut ffi::BIO, time: *const ffi::ASN1_TIME) -> c_int;
    fn X509_check_ca(certificate: *mut ffi::X509) -> c_int;
    fn X509_check_private_key(certificate: *const ffi::X509, key: *const ffi::EVP_PKEY) -> c_int;
    fn NETSCAPE_SPKI_b64_decode(text: *const c_char, length: c_int) -> *mut NetscapeSpki;
    fn NETSCAPE_SPKI_free(spki: *mut NetscapeSpki);
    fn NETSCAPE_SPKI_get_pubkey(spki: *mut NetscapeSpki) -> *mut ffi::EVP_PKEY;
    fn NETSCAPE_SPKI_verify(spki: *mut NetscapeSpki, key: *mut ffi::EVP_PKEY) -> c_int;
    fn ASN1_STRING_to_UTF8(out: *mut *mut u8, text: *const ffi::ASN1_STRING) -> c_int;
    fn OPENSSL_sk_value(stack: *const c_void, index: c_int) -> *mut c_void;
    fn OPENSSL_sk_num(stack: *const c_void) -> c_int;
    fn GENERAL_NAME_get0_value(name: *const c_void, kind: *mut c_int) -> *mut c_void;
    fn GENERAL_NAMES_free(names: *mut c_void);
    fn AUTHORITY_INFO_ACCESS_free(accesses: *mut c_void);
    fn EXTENDED_KEY_USAGE_free(usages: *mut c_void);
    fn OBJ_obj2txt(buffer: *mut c_char, size: c_int, object: *const c_void, numbers: c_int) -> c_int;
    fn X509_check_host(
        certificate: *mut ffi::X509,
        name: *const c_char,
        length: usize,
        flags: c_uint,
        found: *mut *mut c_char,
    ) -> c_int;
    fn X509_check_email(
        certificate: *mut ffi::X509,
        name: *const c_char,
        length: usize,
        flags: c_uint,
    ) -> c_int;
    fn X509_check_ip_asc(certificate: *mut ffi::X509, name: *const c_char, flags: c_uint) -> c_int;
    fn ASN1_TIME_to_tm(time: *const ffi::ASN1_TIME, tm: *mut libc_tm) -> c_int;
    fn X509_ALGOR_get0(
        object: *mut *const c_void,
        kind: *mut c_int,
        value: *mut *const c_void,
        algorithm: *const ffi::X509_ALGOR,
    );
}

/// `struct tm`.
#[repr(C)]
#[derive(Default)]
#[allow(non_camel_case_types, reason = "its name in C")]
struct libc_tm {
    second: c_int,
    minute: c_int,
    hour: c_int,
    day: c_int,
    month: c_int,
    year: c_int,
    weekday: c_int,
    day_of_year: c_int,
    summer: c_int,
    offset: c_long,
    zone: usize,
}

/// What something writes to a stream in memory.
fn written(write: impl FnOnce(*mut ffi::BIO) -> c_int) -> Result<String, ErrorStack> {
    // SAFETY: the stream is freed here; its memory is read before.
    unsafe {
        let stream = check_pointer(ffi::BIO_new(ffi::BIO_s_mem()))?;
        let result = check(write(stream));
        let mut data: *mut c_char = std::ptr::null_mut();
        let length = ffi::BIO_get_mem_data(stream, &mut data);
        let text = if data.is_null() || length <= 0 {
            String::new()
        } else {
            let bytes = std::slice::from_raw_parts(data.cast::<u8>(), length as usize);
            String::from_utf8_lossy(bytes).into_owned()
        };
        ffi::BIO_free_all(stream);
        result.map(|_| text)
    }
}

/// A name, a line for each part.
pub(crate) fn lines(name: &X509NameRef) -> Option<String> {
    // SAFETY: the name lives meanwhile.
    let text = written(|out| unsafe {
        // It gives the number of characters, of which an empty name has none.
        X509_NAME_print_ex(out, name.as_ptr(), 0, LINES).max(0) + 1
    });
    text.ok().filter(|text| !text.is_empty())
}

/// A time as certificates are shown with it.
pub(crate) fn time_text(time: &openssl::asn1::Asn1TimeRef) -> String {
    // SAFETY: the time lives meanwhile.
    written(|out| unsafe { ASN1_TIME_print(out, time.as_ptr()) }).unwrap_or_default()
}

/// Milliseconds since 1970.
pub(crate) fn time_milliseconds(time: &openssl::asn1::Asn1TimeRef) -> Option<f64> {
    let mut tm = libc_tm::default();
    // SAFETY: the time lives meanwhile, and a time in parts is written.
    if unsafe { ASN1_TIME_to_tm(time.as_ptr(), &mut tm) } != 1 {
        super::clear_errors();
        return None;
    }
    // Days since 1970 in the calendar of all centuries.
    let (year, month) = (i64::from(tm.year) + 1900, i64::from(tm.month) + 1);
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(tm.day) - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let seconds =
        days * 86_400 + i64::from(tm.hour) * 3_600 + i64::from(tm.minute) * 60 + i64::from(tm.second);
    Some(seconds as f64 * 1000.0)
}

/// An object identifier: its numbers, or a name that OpenSSL has for it.
///
/// # Safety
/// `object` is an object of OpenSSL's that lives.
unsafe fn object_text(object: *const c_void, numbers: bool) -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer has that many bytes; what is written ends with a NUL.
    let length = unsafe {
        OBJ_obj2txt(buffer.as_mut_ptr().cast(), buffer.len() as c_int, object, c_int::from(numbers))
    };
    if length <= 0 {
        return String::new();
    }
    CStr::from_bytes_until_nul(&buffer).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether a name may be shown as it is: nobody could take a part of it for another name.
fn is_safe(text: &[u8], utf8: bool) -> bool {
    text.iter().all(|byte| match byte {
        b'"' | b'\\' | b',' | b'\'' => false,
        _ if utf8 => *byte >= b' ' && *byte != 0x7f,
        _ => (b' '..=b'~').contains(byte),
    })
}

/// A name, in quotation marks if need be.
fn shown(text: &[u8], utf8: bool, prefix: &str) -> String {
    if is_safe(text, utf8) {
        return format!("{prefix}{}", String::from_utf8_lossy(text));
    }
    let mut quoted = String::from("\"");
    quoted.push_str(prefix);
    let characters: Vec<char> = if utf8 {
        String::from_utf8_lossy(text).chars().collect()
    } else {
        text.iter().map(|byte| char::from(*byte)).collect()
    };
    for character in characters {
        match character {
            '\\' | '"' => {
                quoted.push('\\');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            _ if utf8 && !character.is_control() => quoted.push(character),
            _ => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

/// The bytes of a string.
///
/// # Safety
/// `text` is a string of OpenSSL's that lives.
unsafe fn string_bytes<'a>(text: *const c_void) -> &'a [u8] {
    // SAFETY: the caller's promise; the string says its length.
    unsafe {
        let text = text.cast::<ffi::ASN1_STRING>();
        let data = ffi::ASN1_STRING_get0_data(text);
        let length = usize::try_from(ffi::ASN1_STRING_length(text)).unwrap_or(0);
        if data.is_null() { &[] } else { std::slice::from_raw_parts(data, length) }
    }
}

/// One general name.
///
/// # Safety
/// `general` is a `GENERAL_NAME` that lives.
unsafe fn general_name(general: *const c_void) -> Option<String> {
    let mut kind = 0;
    // SAFETY: the caller's promise; the value is of the kind that it says.
    unsafe {
        let value = GENERAL_NAME_get0_value(general, &mut kind);
        if value.is_null() {
            return None;
        }
        Some(match kind {
            EMAIL => format!("email:{}", shown(string_bytes(value), false, "")),
            DNS => format!("DNS:{}", shown(string_bytes(value), false, "")),
            URI => format!("URI:{}", shown(string_bytes(value), false, "")),
            OTHER_NAME => "othername:<unsupported>".to_owned(),
            X400 => "X400Name:<unsupported>".to_owned(),
            EDI => "EdiPartyName:<unsupported>".to_owned(),
            REGISTERED => format!("Registered ID:{}", object_text(value, false)),
            DIRECTORY => {
                let text = written(|out| X509_NAME_print_ex(out, value.cast(), 0, ONE_LINE).max(0) + 1)
                    .unwrap_or_default();
                format!("DirName:{}", shown(text.as_bytes(), true, ""))
            }
            IP => {
                let bytes = string_bytes(value);
                let text = match bytes.len() {
                    4 => bytes.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
                    16 => bytes
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .map(|pair| format!("{:X}", u16::from_be_bytes(*pair)))
                        .collect::<Vec<_>>()
                        .join(":"),
                    length => format!("<invalid length={length}>"),
                };
                format!("IP Address:{text}")
            }
            _ => return None,
        })
    }
}

/// An extension in OpenSSL's form. `None` where there is none.
fn extension(certificate: &X509Ref, nid: c_int) -> Option<*mut c_void> {
    // SAFETY: the certificate lives; what is made is the caller's.
    let found = unsafe {
        ffi::X509_get_ext_d2i(certificate.as_ptr(), nid, std::ptr::null_mut(), std::ptr::null_mut())
    };
    super::clear_errors();
    (!found.is_null()).then_some(found.cast())
}

/// The other names of a certificate's subject, in a line.
pub(crate) fn alternative_names(certificate: &X509Ref) -> Option<String> {
    let names = extension(certificate, ffi::NID_subject_alt_name)?;
    // SAFETY: a list of general names, which is freed here.
    unsafe {
        let mut shown = Vec::new();
        for index in 0..OPENSSL_sk_num(names).min(NAMES_MAX) {
            if let Some(name) = general_name(OPENSSL_sk_value(names, index)) {
                shown.push(name);
            }
        }
        GENERAL_NAMES_free(names);
        Some(shown.join(", "))
    }
}

/// `ACCESS_DESCRIPTION`, of `openssl/x509v3.h`.
#[repr(C)]
struct AccessDescription {
    method: *const c_void,
    location: *const c_void,
}

/// Where more of a certificate is to be found, each in a line.
pub(crate) fn information_access(certificate: &X509Ref) -> Option<String> {
    let accesses = extension(certificate, ffi::NID_info_access)?;
    // SAFETY: a list of descriptions, which is freed here.
    unsafe {
        let mut lines = Vec::new();
        for index in 0..OPENSSL_sk_num(accesses).min(NAMES_MAX) {
            let access = OPENSSL_sk_value(accesses, index).cast::<AccessDescription>();
            if access.is_null() {
                continue;
            }
            let Some(location) = general_name((*access).location) else { continue };
            lines.push(format!("{} - {location}", object_text((*access).method, false)));
        }
        AUTHORITY_INFO_ACCESS_free(accesses);
        Some(lines.join("\n"))
    }
}

/// What a key may be used for besides, as numbers.
pub(crate) fn extended_key_usage(certificate: &X509Ref) -> Option<Vec<String>> {
    let usages = extension(certificate, ffi::NID_ext_key_usage)?;
    // SAFETY: a list of objects, which is freed here.
    unsafe {
        let count = OPENSSL_sk_num(usages).min(NAMES_MAX);
        let texts = (0..count).map(|index| object_text(OPENSSL_sk_value(usages, index), true)).collect();
        EXTENDED_KEY_USAGE_free(usages);
        Some(texts)
    }
}

/// The number of the algorithm that a certificate is signed with.
pub(crate) fn signature_algorithm(certificate: &X509Ref) -> String {
    let mut object = std::ptr::null();
    // SAFETY: the algorithm lives as long as the certificate, and so does its object.
    unsafe {
        X509_ALGOR_get0(
            &mut object,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            certificate.signature_algorithm().as_ptr(),
        );
        if object.is_null() { String::new() } else { object_text(object, true) }
    }
}

/// Whether it may sign others.
pub(crate) fn is_ca(certificate: &X509Ref) -> bool {
    // SAFETY: the certificate lives.
    let is_ca = unsafe { X509_check_ca(certificate.as_ptr()) == 1 };
    super::clear_errors();
    is_ca
}

/// Whether a key is the other half of its own.
pub(crate) fn matches(certificate: &X509Ref, key: &Key) -> bool {
    // SAFETY: both live.
    let matches = unsafe { X509_check_private_key(certificate.as_ptr(), key.as_ptr()) == 1 };
    super::clear_errors();
    matches
}

/// What [`check_name`] looks for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Host,
    Email,
    Address,
}

/// How that has ended.
pub(crate) enum Found {
    /// With the name that stands in the certificate, if that is told.
    Yes(Option<String>),
    No,
    /// That is no such name.
    Invalid,
    Failed,
}

/// Whether a certificate is for a name.
pub(crate) fn check_name(certificate: &X509Ref, kind: Kind, text: &str, flags: u32) -> Found {
    let mut found: *mut c_char = std::ptr::null_mut();
    let pointer = text.as_ptr().cast::<c_char>();
    // SAFETY: the certificate lives, and the text has that length; where it has to end with a NUL it is copied.
    let result = unsafe {
        match kind {
            Kind::Host => X509_check_host(certificate.as_ptr(), pointer, text.len(), flags, &mut found),
            Kind::Email => X509_check_email(certificate.as_ptr(), pointer, text.len(), flags),
            Kind::Address => match name(text) {
                Some(text) => X509_check_ip_asc(certificate.as_ptr(), text.as_ptr(), flags),
                None => -2,
            },
        }
    };
    super::clear_errors();
    // SAFETY: what was found ends with a NUL, and is ours to free.
    let found = unsafe {
        if found.is_null() {
            None
        } else {
            let length = CStr::from_ptr(found).to_bytes().len();
            Some(String::from_utf8_lossy(&take(found.cast(), length)).into_owned())
        }
    };
    match result {
        1 => Found::Yes(found),
        0 => Found::No,
        -2 => Found::Invalid,
        _ => Found::Failed,
    }
}

/// What is signed of a public key in the format of `<keygen>`: freed at its end.
pub(crate) struct Spkac(*mut NetscapeSpki);

impl Spkac {
    pub fn read(text: &[u8]) -> Option<Spkac> {
        let text = text.trim_ascii_end();
        let length = c_int::try_from(text.len()).ok().filter(|length| *length > 0)?;
        // SAFETY: the text has that length.
        let spki = unsafe { NETSCAPE_SPKI_b64_decode(text.as_ptr().cast(), length) };
        super::clear_errors();
        (!spki.is_null()).then_some(Spkac(spki))
    }

    /// The public key.
    pub fn key(&self) -> Option<Key> {
        // SAFETY: it lives; the key is handed over.
        unsafe {
            let key = NETSCAPE_SPKI_get_pubkey(self.0);
            super::clear_errors();
            if key.is_null() { None } else { Some(any(PKey::<openssl::pkey::Public>::from_ptr(key))) }
        }
    }

    /// Whether the key has signed it.
    pub fn is_signed(&self) -> bool {
        // SAFETY: both live.
        let signed = self.key().is_some_and(|key| unsafe { NETSCAPE_SPKI_verify(self.0, key.as_ptr()) > 0 });
        super::clear_errors();
        signed
    }

    /// What was asked to be signed.
    pub fn challenge(&self) -> Option<Vec<u8>> {
        // SAFETY: its parts live as long as it does; what is written is ours to free.
        unsafe {
            let inner = (*self.0).spkac;
            if inner.is_null() || (*inner).challenge.is_null() {
                return None;
            }
            let mut text = std::ptr::null_mut();
            let length = ASN1_STRING_to_UTF8(&mut text, (*inner).challenge);
            super::clear_errors();
            let length = usize::try_from(length).ok()?;
            Some(take(text, length))
        }
    }
}

impl Drop for Spkac {
    fn drop(&mut self) {
        // SAFETY: this alone owns it.
        unsafe { NETSCAPE_SPKI_free(self.0) };
    }
}

/// Reads a certificate in PEM or DER.
pub(crate) fn read(bytes: &[u8]) -> Result<X509, ErrorStack> {
    X509::from_pem(bytes).or_else(|error| {
        let certificate = X509::from_der(bytes);
        super::clear_errors();
        certificate.map_err(|_| error)
    })
}
