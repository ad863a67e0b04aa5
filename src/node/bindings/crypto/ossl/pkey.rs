//! Asymmetric keys and what is done with them.

use std::ffi::{CStr, c_char, c_int, c_void};

use foreign_types_shared::{ForeignType as _, ForeignTypeRef as _};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl_sys as ffi;

use super::params::Params;
use super::{check, check_pointer, interrupt, name};

/// A key, whatever it holds: what OpenSSL is asked to do with a private half that is not there it refuses.
pub(crate) type Key = PKey<Private>;

/// `EVP_PKEY_PUBLIC_KEY` and `EVP_PKEY_KEYPAIR`, of `openssl/evp.h`.
const SELECT_PARAMETERS: c_int = 0x84;
const SELECT_PUBLIC: c_int = SELECT_PARAMETERS | 0x2;
const SELECT_PAIR: c_int = SELECT_PUBLIC | 0x1;
/// Longest text or bytes of one parameter of a key.
const PARAMETER_MAX: usize = 1 << 16;

unsafe extern "C" {
    fn EVP_PKEY_get0_type_name(key: *const ffi::EVP_PKEY) -> *const c_char;
    fn EVP_PKEY_CTX_new_from_pkey(
        library: *mut c_void,
        key: *mut ffi::EVP_PKEY,
        properties: *const c_char,
    ) -> *mut ffi::EVP_PKEY_CTX;
    fn EVP_PKEY_CTX_set_cb(
        context: *mut ffi::EVP_PKEY_CTX,
        callback: unsafe extern "C" fn(*mut ffi::EVP_PKEY_CTX) -> c_int,
    );
    fn EVP_DigestSignInit_ex(
        context: *mut ffi::EVP_MD_CTX,
        inner: *mut *mut ffi::EVP_PKEY_CTX,
        digest: *const c_char,
        library: *mut c_void,
        properties: *const c_char,
        key: *mut ffi::EVP_PKEY,
        params: *const ffi::OSSL_PARAM,
    ) -> c_int;
    fn EVP_DigestVerifyInit_ex(
        context: *mut ffi::EVP_MD_CTX,
        inner: *mut *mut ffi::EVP_PKEY_CTX,
        digest: *const c_char,
        library: *mut c_void,
        properties: *const c_char,
        key: *mut ffi::EVP_PKEY,
        params: *const ffi::OSSL_PARAM,
    ) -> c_int;
    fn d2i_PKCS8_PRIV_KEY_INFO_bio(
        source: *mut ffi::BIO,
        information: *mut *mut ffi::PKCS8_PRIV_KEY_INFO,
    ) -> *mut ffi::PKCS8_PRIV_KEY_INFO;
    fn EVP_PKEY_public_check(context: *mut ffi::EVP_PKEY_CTX) -> c_int;
    fn EVP_PKEY_check(context: *mut ffi::EVP_PKEY_CTX) -> c_int;
}

/// A key of another kind of the crate's, as this one: the crate tells them apart, OpenSSL does not.
pub(crate) fn any<T>(key: PKey<T>) -> Key {
    let pointer = key.as_ptr();
    std::mem::forget(key);
    // SAFETY: the reference is handed over. The kinds differ in what the crate lets one do with them only.
    unsafe { Key::from_ptr(pointer) }
}

/// The name of a key's type, as OpenSSL has it.
pub(crate) fn type_name(key: &Key) -> String {
    // SAFETY: the key lives; its name ends with a NUL and lives as long.
    unsafe {
        let name = EVP_PKEY_get0_type_name(key.as_ptr());
        if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}

/// An octet string among a key's parameters.
pub(crate) fn octets(key: &Key, parameter: &CStr) -> Option<Vec<u8>> {
    let mut length = 0;
    // SAFETY: without a buffer it says the length; then the buffer has so many bytes.
    let bytes = unsafe {
        let get = |buffer: *mut u8, size: usize, length: &mut usize| {
            ffi::EVP_PKEY_get_octet_string_param(key.as_ptr(), parameter.as_ptr(), buffer, size, length)
        };
        if get(std::ptr::null_mut(), 0, &mut length) != 1 || length > PARAMETER_MAX {
            super::clear_errors();
            return None;
        }
        let mut bytes = vec![0; length];
        let got = get(bytes.as_mut_ptr(), bytes.len(), &mut length);
        bytes.truncate(length);
        (got == 1).then_some(bytes)
    };
    if bytes.is_none() {
        super::clear_errors();
    }
    bytes
}

/// A number among a key's parameters.
pub(crate) fn number(key: &Key, parameter: &CStr) -> Option<BigNum> {
    let mut number = std::ptr::null_mut();
    // SAFETY: the number is OpenSSL's until it is handed over here.
    unsafe {
        if ffi::EVP_PKEY_get_bn_param(key.as_ptr(), parameter.as_ptr(), &mut number) != 1 || number.is_null()
        {
            super::clear_errors();
            return None;
        }
        Some(BigNum::from_ptr(number))
    }
}

/// A small number among a key's parameters.
pub(crate) fn int(key: &Key, parameter: &CStr) -> Option<i32> {
    let mut number = 0;
    // SAFETY: it writes one number.
    let got = unsafe { ffi::EVP_PKEY_get_int_param(key.as_ptr(), parameter.as_ptr(), &mut number) };
    if got != 1 {
        super::clear_errors();
    }
    (got == 1).then_some(number)
}

/// A text among a key's parameters.
pub(crate) fn text(key: &Key, parameter: &CStr) -> Option<String> {
    let mut buffer = [0u8; 256];
    let mut length = 0;
    // SAFETY: the buffer has that many bytes.
    let got = unsafe {
        ffi::EVP_PKEY_get_utf8_string_param(
            key.as_ptr(),
            parameter.as_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &mut length,
        )
    };
    if got != 1 {
        super::clear_errors();
        return None;
    }
    Some(String::from_utf8_lossy(buffer.get(..length)?).into_owned())
}

/// Something done with a key.
pub(crate) struct Operation(*mut ffi::EVP_PKEY_CTX);

/// What [`Operation`] does.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Encrypt,
    Decrypt,
    Sign,
    Recover,
}

impl Operation {
    fn of(key: &PKeyRef<Private>) -> Result<Operation, ErrorStack> {
        // SAFETY: the context takes a reference to the key, and is owned from here on.
        let context =
            unsafe { EVP_PKEY_CTX_new_from_pkey(std::ptr::null_mut(), key.as_ptr(), std::ptr::null()) };
        Ok(Operation(check_pointer(context)?))
    }

    fn named(algorithm: &str) -> Result<Operation, ErrorStack> {
        let Some(algorithm) = name(algorithm) else { return Err(ErrorStack::get()) };
        // SAFETY: as above.
        let context = unsafe {
            ffi::EVP_PKEY_CTX_new_from_name(std::ptr::null_mut(), algorithm.as_ptr(), std::ptr::null())
        };
        Ok(Operation(check_pointer(context)?))
    }

    fn set(&self, params: &Params) -> Result<(), ErrorStack> {
        let params = params.build()?;
        // SAFETY: the context lives, and the list is read before this returns.
        check(unsafe { ffi::EVP_PKEY_CTX_set_params(self.0, params.as_ptr()) }).map(drop)
    }

    /// Calls what writes bytes: first without a buffer, for their number.
    fn output(
        &self,
        write: impl Fn(*mut ffi::EVP_PKEY_CTX, *mut u8, *mut usize) -> c_int,
    ) -> Result<Vec<u8>, ErrorStack> {
        let mut length = 0;
        check(write(self.0, std::ptr::null_mut(), &mut length))?;
        let mut output = vec![0; length];
        check(write(self.0, output.as_mut_ptr(), &mut length))?;
        output.truncate(length);
        Ok(output)
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        // SAFETY: this alone owns the context.
        unsafe { ffi::EVP_PKEY_CTX_free(self.0) };
    }
}

/// Encrypts, decrypts, signs without a digest, or recovers what was signed so.
pub(crate) fn perform(act: Act, key: &Key, params: &Params, input: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let operation = Operation::of(key)?;
    let context = operation.0;
    // SAFETY: the context lives.
    check(unsafe {
        match act {
            Act::Encrypt => ffi::EVP_PKEY_encrypt_init(context),
            Act::Decrypt => ffi::EVP_PKEY_decrypt_init(context),
            Act::Sign => ffi::EVP_PKEY_sign_init(context),
            Act::Recover => ffi::EVP_PKEY_verify_recover_init(context),
        }
    })?;
    operation.set(params)?;
    // SAFETY: `input` has that length; the output has as many bytes as OpenSSL asked for.
    operation.output(|context, output, length| unsafe {
        let (input, input_length) = (input.as_ptr(), input.len());
        match act {
            Act::Encrypt => ffi::EVP_PKEY_encrypt(context, output, length, input, input_length),
            Act::Decrypt => ffi::EVP_PKEY_decrypt(context, output, length, input, input_length),
            Act::Sign => ffi::EVP_PKEY_sign(context, output, length, input, input_length),
            Act::Recover => ffi::EVP_PKEY_verify_recover(context, output, length, input, input_length),
        }
    })
}

/// Verifies a signature of a digest's value.
pub(crate) fn verify_value(
    key: &Key,
    params: &Params,
    value: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    let operation = Operation::of(key)?;
    // SAFETY: the context lives; both slices have their lengths.
    unsafe {
        check(ffi::EVP_PKEY_verify_init(operation.0))?;
        operation.set(params)?;
        let verified = ffi::EVP_PKEY_verify(
            operation.0,
            signature.as_ptr(),
            signature.len(),
            value.as_ptr(),
            value.len(),
        );
        super::clear_errors();
        Ok(verified == 1)
    }
}

/// Starts a signature over data, or its verification. Where there is no digest the key has its own.
fn with_digest<R>(
    key: &Key,
    digest: Option<&str>,
    params: &Params,
    verify: bool,
    then: impl FnOnce(*mut ffi::EVP_MD_CTX) -> Result<R, ErrorStack>,
) -> Result<R, ErrorStack> {
    let digest = match digest {
        None => None,
        Some(digest) => Some(name(digest).ok_or_else(ErrorStack::get)?),
    };
    let digest = digest.as_ref().map_or(std::ptr::null(), |digest| digest.as_ptr());
    let params = params.build()?;
    // SAFETY: the context is freed on every way out, and what it was given is read or referenced by then.
    unsafe {
        let context = check_pointer(ffi::EVP_MD_CTX_new())?;
        let begin = if verify { EVP_DigestVerifyInit_ex } else { EVP_DigestSignInit_ex };
        let begun = check(begin(
            context,
            std::ptr::null_mut(),
            digest,
            std::ptr::null_mut(),
            std::ptr::null(),
            key.as_ptr(),
            params.as_ptr(),
        ));
        let result = begun.and_then(|_| then(context));
        ffi::EVP_MD_CTX_free(context);
        result
    }
}

/// Signs data.
pub(crate) fn sign(
    key: &Key,
    digest: Option<&str>,
    params: &Params,
    data: &[u8],
) -> Result<Vec<u8>, ErrorStack> {
    with_digest(key, digest, params, false, |context| {
        let mut length = 0;
        // SAFETY: the context lives; first it says the length, then the output has so many bytes.
        unsafe {
            check(ffi::EVP_DigestSign(
                context,
                std::ptr::null_mut(),
                &mut length,
                data.as_ptr(),
                data.len(),
            ))?;
            let mut output = vec![0; length];
            check(ffi::EVP_DigestSign(context, output.as_mut_ptr(), &mut length, data.as_ptr(), data.len()))?;
            output.truncate(length);
            Ok(output)
        }
    })
}

/// Verifies a signature over data.
pub(crate) fn verify(
    key: &Key,
    digest: Option<&str>,
    params: &Params,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    with_digest(key, digest, params, true, |context| {
        // SAFETY: the context lives; both slices have their lengths.
        let verified = unsafe {
            ffi::EVP_DigestVerify(context, signature.as_ptr(), signature.len(), data.as_ptr(), data.len())
        };
        super::clear_errors();
        Ok(verified == 1)
    })
}

/// The secret that two keys have in common.
pub(crate) fn derive(private: &Key, public: &Key) -> Result<Vec<u8>, ErrorStack> {
    let operation = Operation::of(private)?;
    // SAFETY: the context lives, and takes a reference to the other key.
    unsafe {
        check(ffi::EVP_PKEY_derive_init(operation.0))?;
        if type_name(private).starts_with("DH") {
            // As long as the prime, whatever it begins with.
            operation.set(&Params::new().uint(c"pad", 1))?;
        }
        check(ffi::EVP_PKEY_derive_set_peer(operation.0, public.as_ptr()))?;
    }
    // SAFETY: the output has as many bytes as OpenSSL asked for.
    operation.output(|context, output, length| unsafe { ffi::EVP_PKEY_derive(context, output, length) })
}

/// What a key encapsulation needs to be told.
fn encapsulation(key: &Key) -> Params {
    match type_name(key).as_str() {
        "RSA" => Params::new().text(c"operation", "RSASVE"),
        "EC" | "X25519" | "X448" => Params::new().text(c"operation", "DHKEM"),
        _ => Params::new(),
    }
}

/// A secret, and its encapsulation for the owner of a key.
pub(crate) fn encapsulate(key: &Key) -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
    let operation = Operation::of(key)?;
    let params = encapsulation(key).build()?;
    let (mut wrapped_length, mut secret_length) = (0, 0);
    // SAFETY: the context lives; first it says both lengths, then both outputs have so many bytes.
    unsafe {
        check(ffi::EVP_PKEY_encapsulate_init(operation.0, params.as_ptr()))?;
        check(ffi::EVP_PKEY_encapsulate(
            operation.0,
            std::ptr::null_mut(),
            &mut wrapped_length,
            std::ptr::null_mut(),
            &mut secret_length,
        ))?;
        let (mut wrapped, mut secret) = (vec![0; wrapped_length], vec![0; secret_length]);
        check(ffi::EVP_PKEY_encapsulate(
            operation.0,
            wrapped.as_mut_ptr(),
            &mut wrapped_length,
            secret.as_mut_ptr(),
            &mut secret_length,
        ))?;
        wrapped.truncate(wrapped_length);
        secret.truncate(secret_length);
        Ok((secret, wrapped))
    }
}

/// The secret in an encapsulation.
pub(crate) fn decapsulate(key: &Key, wrapped: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let operation = Operation::of(key)?;
    let params = encapsulation(key).build()?;
    // SAFETY: the context lives.
    check(unsafe { ffi::EVP_PKEY_decapsulate_init(operation.0, params.as_ptr()) })?;
    // SAFETY: `wrapped` has that length; the output has as many bytes as OpenSSL asked for.
    operation.output(|context, output, length| unsafe {
        ffi::EVP_PKEY_decapsulate(context, output, length, wrapped.as_ptr(), wrapped.len())
    })
}

fn generated(operation: &Operation) -> Result<Key, ErrorStack> {
    let mut key = std::ptr::null_mut();
    // SAFETY: the context lives; the key is OpenSSL's until it is handed over here.
    unsafe {
        EVP_PKEY_CTX_set_cb(operation.0, interrupt::while_generating);
        check(ffi::EVP_PKEY_generate(operation.0, &mut key))?;
        Ok(Key::from_ptr(check_pointer(key)?))
    }
}

/// Generates a pair.
pub(crate) fn generate(algorithm: &str, params: &Params) -> Result<Key, ErrorStack> {
    let operation = Operation::named(algorithm)?;
    // SAFETY: the context lives.
    check(unsafe { ffi::EVP_PKEY_keygen_init(operation.0) })?;
    operation.set(params)?;
    generated(&operation)
}

/// Generates parameters that pairs may have in common.
pub(crate) fn generate_parameters(algorithm: &str, params: &Params) -> Result<Key, ErrorStack> {
    let operation = Operation::named(algorithm)?;
    // SAFETY: the context lives.
    check(unsafe { ffi::EVP_PKEY_paramgen_init(operation.0) })?;
    operation.set(params)?;
    generated(&operation)
}

/// Generates a pair with the parameters of a key.
pub(crate) fn generate_with(parameters: &Key) -> Result<Key, ErrorStack> {
    let operation = Operation::of(parameters)?;
    // SAFETY: the context lives.
    check(unsafe { ffi::EVP_PKEY_keygen_init(operation.0) })?;
    generated(&operation)
}

/// How much of a key [`from_parts`] is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    Parameters,
    Public,
    Pair,
}

/// Puts a key together.
pub(crate) fn from_parts(algorithm: &str, parts: Parts, params: &Params) -> Result<Key, ErrorStack> {
    let operation = Operation::named(algorithm)?;
    let params = params.build()?;
    let selection = match parts {
        Parts::Parameters => SELECT_PARAMETERS,
        Parts::Public => SELECT_PUBLIC,
        Parts::Pair => SELECT_PAIR,
    };
    let mut key = std::ptr::null_mut();
    // SAFETY: the context lives, the list is read before this returns; the key is OpenSSL's until it is handed over.
    unsafe {
        check(ffi::EVP_PKEY_fromdata_init(operation.0))?;
        check(ffi::EVP_PKEY_fromdata(operation.0, &mut key, selection, params.as_ptr()))?;
        Ok(Key::from_ptr(check_pointer(key)?))
    }
}

/// Whether OpenSSL knows keys of that type.
pub(crate) fn is_known(algorithm: &str) -> bool {
    let known = Operation::named(algorithm)
        // SAFETY: the context lives.
        .is_ok_and(|operation| unsafe { ffi::EVP_PKEY_keygen_init(operation.0) == 1 });
    super::clear_errors();
    known
}

/// Whether the halves of a key are what they claim to be.
pub(crate) fn is_sound(key: &Key, private: bool) -> bool {
    let sound = Operation::of(key).is_ok_and(|operation| {
        // SAFETY: the context lives.
        unsafe {
            if private { EVP_PKEY_check(operation.0) == 1 } else { EVP_PKEY_public_check(operation.0) == 1 }
        }
    });
    super::clear_errors();
    sound
}

/// A passphrase, as the function below gets it.
struct Passphrase<'a>(Option<&'a [u8]>);

/// Gives OpenSSL a passphrase. There may be none, or one that its buffer does not hold.
unsafe extern "C" fn give_passphrase(
    buffer: *mut c_char,
    size: c_int,
    _: c_int,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: this is called with the address of a passphrase that lives meanwhile.
    let passphrase = unsafe { &*argument.cast::<Passphrase<'_>>() };
    let (Some(bytes), Ok(size)) = (passphrase.0, usize::try_from(size)) else { return -1 };
    if bytes.len() > size || buffer.is_null() {
        return -1;
    }
    // SAFETY: the buffer has `size` bytes, and is no memory of ours.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast::<u8>(), bytes.len()) };
    bytes.len() as c_int
}

/// Has something read bytes, with a passphrase where it asks for one.
fn read(
    bytes: &[u8],
    passphrase: Option<&[u8]>,
    reader: unsafe extern "C" fn(
        *mut ffi::BIO,
        *mut *mut ffi::EVP_PKEY,
        ffi::pem_password_cb,
        *mut c_void,
    ) -> *mut ffi::EVP_PKEY,
) -> Result<Key, ErrorStack> {
    let Ok(length) = c_int::try_from(bytes.len()) else { return Err(ErrorStack::get()) };
    let mut passphrase = Passphrase(passphrase);
    // SAFETY: the source borrows `bytes` and is freed before this returns; so does the reader the passphrase. The key is
    // handed over.
    unsafe {
        let source = check_pointer(ffi::BIO_new_mem_buf(bytes.as_ptr().cast(), length))?;
        let key = reader(source, std::ptr::null_mut(), Some(give_passphrase), (&raw mut passphrase).cast());
        let key = check_pointer(key);
        ffi::BIO_free_all(source);
        Ok(Key::from_ptr(key?))
    }
}

/// Reads a private key in PEM.
pub(crate) fn from_pem(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Key, ErrorStack> {
    read(bytes, passphrase, ffi::PEM_read_bio_PrivateKey)
}

/// Reads a plain PKCS #8.
pub(crate) fn from_pkcs8(bytes: &[u8]) -> Result<Key, ErrorStack> {
    let Ok(length) = c_int::try_from(bytes.len()) else { return Err(ErrorStack::get()) };
    // SAFETY: the source borrows `bytes`; all that is made here is freed, but for the key, which is handed over.
    unsafe {
        let source = check_pointer(ffi::BIO_new_mem_buf(bytes.as_ptr().cast(), length))?;
        let information = check_pointer(d2i_PKCS8_PRIV_KEY_INFO_bio(source, std::ptr::null_mut()));
        ffi::BIO_free_all(source);
        let information = information?;
        let key = check_pointer(ffi::EVP_PKCS82PKEY(information));
        ffi::PKCS8_PRIV_KEY_INFO_free(information);
        Ok(Key::from_ptr(key?))
    }
}

/// Reads an encrypted PKCS #8.
pub(crate) fn from_encrypted_pkcs8(bytes: &[u8], passphrase: &[u8]) -> Result<Key, ErrorStack> {
    read(bytes, Some(passphrase), ffi::d2i_PKCS8PrivateKey_bio)
}
