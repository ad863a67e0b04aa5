//! Keys as bytes and text: PEM, DER and raw.

use std::rc::Rc;

use isolate::library::{Scope, string};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;

use super::errors::{self, Error, Result};
use super::jwk;
use super::keys::{self, KeyData};
use super::ossl::cipher::Cipher;
use super::ossl::params::Params;
use super::ossl::pkey::{self, Key, Parts};
use super::values;
use crate::binding::Args;
use crate::environment::Env;

/// `kKeyFormat*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Der,
    Pem,
    Jwk,
    RawPublic,
    RawPrivate,
    RawSeed,
    Store,
}

impl Format {
    pub fn of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Format> {
        Some(match values::uint(scope, value)? {
            0 => Format::Der,
            1 => Format::Pem,
            2 => Format::Jwk,
            3 => Format::RawPublic,
            4 => Format::RawPrivate,
            5 => Format::RawSeed,
            6 => Format::Store,
            _ => return None,
        })
    }
}

/// `kKeyEncoding*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Pkcs1,
    Pkcs8,
    Spki,
    Sec1,
}

impl Type {
    pub fn of(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Type> {
        Some(match values::uint(scope, value)? {
            0 => Type::Pkcs1,
            1 => Type::Pkcs8,
            2 => Type::Spki,
            3 => Type::Sec1,
            _ => return None,
        })
    }
}

/// Longest encoded key, or certificate, that is read.
pub(crate) const LENGTH_MAX: usize = 1 << 24;
/// Longest passphrase that a key is encrypted with; OpenSSL reads back no more than a part of it.
const PASSPHRASE_MAX: usize = 1 << 16;

/// The encoding does not suit the key.
pub(super) fn incompatible() -> Error {
    errors::coded(
        "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS",
        "The selected key encoding is incompatible with the key type",
    )
}

/// What is wrong with a private key that could not be read.
fn unreadable(stack: ErrorStack, has_passphrase: bool) -> Error {
    let entries = errors::entries(&stack);
    // ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ
    if !has_passphrase && entries.first().is_some_and(|first| first.is(9, 104)) {
        return errors::node("ERR_MISSING_PASSPHRASE");
    }
    errors::openssl_whole(stack, "Failed to read private key")
}

/// Whether DER is an encrypted PKCS #8: where a plain one has its version there is another sequence.
fn is_encrypted(der: &[u8]) -> bool {
    let mut bytes = der.iter().copied();
    if bytes.next() != Some(0x30) {
        return false;
    }
    match bytes.next() {
        Some(length) if length & 0x80 != 0 => {
            for _ in 0..length & 0x7f {
                bytes.next();
            }
        }
        Some(_) => {}
        None => return false,
    }
    bytes.next() == Some(0x30)
}

/// Reads a private key.
pub(crate) fn private(
    bytes: &[u8],
    format: Format,
    kind: Option<Type>,
    passphrase: Option<&[u8]>,
) -> Result<Key> {
    super::ossl::clear_errors();
    let read = if format == Format::Pem {
        pkey::from_pem(bytes, passphrase)
    } else if kind == Some(Type::Pkcs8) {
        if is_encrypted(bytes) {
            let Some(passphrase) = passphrase else { return Err(errors::node("ERR_MISSING_PASSPHRASE")) };
            pkey::from_encrypted_pkcs8(bytes, passphrase)
        } else {
            pkey::from_pkcs8(bytes)
        }
    } else {
        PKey::private_key_from_der(bytes)
    };
    let key = read.map_err(|stack| unreadable(stack, passphrase.is_some()));
    super::ossl::clear_errors();
    key
}

/// Whether a text has a PEM block of that label.
fn has_label(bytes: &[u8], label: &str) -> bool {
    memchr::memmem::find(bytes, format!("-----BEGIN {label}-----").as_bytes()).is_some()
}

fn unreadable_public(stack: ErrorStack) -> Error {
    errors::openssl_behind(stack, "Failed to read asymmetric key")
}

/// Reads a public key in PEM. `None` where the text has none.
fn public_pem(bytes: &[u8]) -> Result<Option<Key>> {
    let key = if has_label(bytes, "PUBLIC KEY") {
        PKey::public_key_from_pem(bytes).map(pkey::any)
    } else if has_label(bytes, "RSA PUBLIC KEY") {
        Rsa::public_key_from_pem_pkcs1(bytes).and_then(PKey::from_rsa).map(pkey::any)
    } else if has_label(bytes, "CERTIFICATE")
        || has_label(bytes, "X509 CERTIFICATE")
        || has_label(bytes, "TRUSTED CERTIFICATE")
    {
        X509::from_pem(bytes).and_then(|certificate| certificate.public_key()).map(pkey::any)
    } else {
        return Ok(None);
    };
    key.map(Some).map_err(unreadable_public)
}

/// Reads a public key; or a private one, where there is one instead.
pub(crate) fn either(
    bytes: &[u8],
    format: Format,
    kind: Option<Type>,
    passphrase: Option<&[u8]>,
) -> Result<KeyData> {
    super::ossl::clear_errors();
    if format == Format::Pem {
        if let Some(key) = public_pem(bytes)? {
            return Ok(KeyData::Public(key));
        }
        return private(bytes, format, kind, passphrase).map(KeyData::Private);
    }
    match kind {
        Some(Type::Spki) => PKey::public_key_from_der(bytes)
            .map(|key| KeyData::Public(pkey::any(key)))
            .map_err(unreadable_public),
        // It may be either half; the public one has two numbers.
        Some(Type::Pkcs1) => {
            let public = Rsa::public_key_from_der_pkcs1(bytes).and_then(PKey::from_rsa);
            match public {
                Ok(key) => Ok(KeyData::Public(pkey::any(key))),
                Err(_) => private(bytes, format, kind, passphrase).map(KeyData::Private),
            }
        }
        _ => private(bytes, format, kind, passphrase).map(KeyData::Private),
    }
}

/// The public half of a private key.
pub(crate) fn public_half(key: &Key) -> Key {
    // What has the private half can do all that the public one can; the kind says what it may be used for.
    key.clone()
}

/// The curve of a key and its public point.
fn point_of(key: &Key) -> Option<(EcGroup, EcPoint)> {
    let ec = key.ec_key().ok()?;
    let group = EcGroup::from_curve_name(ec.group().curve_name()?).ok()?;
    let point = ec.public_key().to_owned(&group).ok()?;
    Some((group, point))
}

/// The curve of a key.
pub(crate) fn curve_of(key: &Key) -> Option<Nid> {
    let curve = match pkey::text(key, c"group") {
        Some(name) => super::ossl::names::curve(&name),
        None => None,
    };
    let curve = curve.or_else(|| key.ec_key().ok()?.group().curve_name());
    super::ossl::clear_errors();
    curve
}

/// The public point of a key.
pub(crate) fn ec_point(key: &Key, form: PointConversionForm) -> Result<Vec<u8>> {
    if keys::type_name(key) != "ec" {
        return Err(incompatible());
    }
    let Some((group, point)) = point_of(key) else {
        return Err(errors::node("ERR_CRYPTO_OPERATION_FAILED"));
    };
    let mut context = BigNumContext::new()?;
    Ok(point.to_bytes(&group, form, &mut context)?)
}

/// Bytes that a number of a curve's takes.
fn scalar_length(nid: Nid) -> Result<i32> {
    let group = EcGroup::from_curve_name(nid)?;
    Ok((group.order_bits() as i32 + 7) / 8)
}

/// The private number of a key.
pub(crate) fn ec_scalar(key: &Key) -> Result<Vec<u8>> {
    if keys::type_name(key) != "ec" {
        return Err(incompatible());
    }
    let number = pkey::number(key, c"priv").ok_or_else(|| errors::node("ERR_CRYPTO_OPERATION_FAILED"))?;
    let nid = curve_of(key).ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_CURVE"))?;
    Ok(number.to_vec_padded(scalar_length(nid)?)?)
}

/// A private key as PKCS #8 with its public point, which not every key has been read with.
pub(crate) fn ec_pkcs8(key: &Key) -> Result<Vec<u8>> {
    let scalar = BigNum::from_slice(&ec_scalar(key)?)?;
    let nid = curve_of(key).ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_CURVE"))?;
    Ok(ec_pair(nid, scalar)?.private_key_to_pkcs8()?)
}

/// A pair of a curve, from its private number.
pub(crate) fn ec_pair(nid: Nid, scalar: BigNum) -> std::result::Result<Key, ErrorStack> {
    let mut group = EcGroup::from_curve_name(nid)?;
    group.set_asn1_flag(openssl::ec::Asn1Flag::NAMED_CURVE);
    let mut point = EcPoint::new(&group)?;
    let mut context = BigNumContext::new()?;
    point.mul_generator2(&group, &scalar, &mut context)?;
    let key = EcKey::from_private_components(&group, &scalar, &point)?;
    key.check_key()?;
    PKey::from_ec_key(key)
}

/// A public key of a curve, from its point.
pub(crate) fn ec_public(nid: Nid, point: &[u8]) -> std::result::Result<Key, ErrorStack> {
    let mut group = EcGroup::from_curve_name(nid)?;
    group.set_asn1_flag(openssl::ec::Asn1Flag::NAMED_CURVE);
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    key.check_key()?;
    PKey::from_ec_key(key).map(pkey::any)
}

/// Types of keys that are raw bytes, and how: with a private half of their own, or a seed.
pub(crate) const NAMED: &[(&str, Raw)] = &[
    ("ed25519", Raw::Private),
    ("ed448", Raw::Private),
    ("x25519", Raw::Private),
    ("x448", Raw::Private),
    ("ml-dsa-44", Raw::Seed),
    ("ml-dsa-65", Raw::Seed),
    ("ml-dsa-87", Raw::Seed),
    ("ml-kem-512", Raw::Seed),
    ("ml-kem-768", Raw::Seed),
    ("ml-kem-1024", Raw::Seed),
    ("slh-dsa-sha2-128f", Raw::Private),
    ("slh-dsa-sha2-128s", Raw::Private),
    ("slh-dsa-sha2-192f", Raw::Private),
    ("slh-dsa-sha2-192s", Raw::Private),
    ("slh-dsa-sha2-256f", Raw::Private),
    ("slh-dsa-sha2-256s", Raw::Private),
    ("slh-dsa-shake-128f", Raw::Private),
    ("slh-dsa-shake-128s", Raw::Private),
    ("slh-dsa-shake-192f", Raw::Private),
    ("slh-dsa-shake-192s", Raw::Private),
    ("slh-dsa-shake-256f", Raw::Private),
    ("slh-dsa-shake-256s", Raw::Private),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    Private,
    Seed,
}

/// How keys of a type are raw bytes; none where they are not.
pub(crate) fn raw_kind(name: &str) -> Option<Raw> {
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, raw)| *raw)
}

fn invalid_data() -> Error {
    errors::coded("ERR_INVALID_ARG_VALUE", "Invalid key data")
}

/// Reads a key that is nothing but its bytes.
pub(crate) fn from_raw(format: Format, bytes: &[u8], kind: &str, curve: Option<&str>) -> Result<Key> {
    let made = match (kind, format) {
        ("ec", Format::RawPublic) => ec_public(keys::curve(curve)?, bytes),
        ("ec", Format::RawPrivate) => {
            let nid = keys::curve(curve)?;
            if bytes.len() != usize::try_from(scalar_length(nid)?).unwrap_or(0) {
                return Err(invalid_data());
            }
            ec_pair(nid, BigNum::from_slice(bytes)?)
        }
        ("ec" | "rsa" | "rsa-pss" | "dsa" | "dh", _) => return Err(incompatible()),
        _ => {
            let raw = raw_kind(kind).ok_or_else(|| {
                errors::coded("ERR_INVALID_ARG_VALUE", format!("Invalid asymmetricKeyType: {kind}"))
            })?;
            match (format, raw) {
                (Format::RawPublic, _) => {
                    pkey::from_parts(kind, Parts::Public, &Params::new().bytes(c"pub", bytes))
                }
                (Format::RawPrivate, Raw::Private) => {
                    pkey::from_parts(kind, Parts::Pair, &Params::new().bytes(c"priv", bytes))
                }
                (Format::RawSeed, Raw::Seed) => {
                    pkey::from_parts(kind, Parts::Pair, &Params::new().bytes(c"seed", bytes))
                }
                _ => return Err(incompatible()),
            }
        }
    };
    super::ossl::clear_errors();
    made.map_err(|_| invalid_data())
}

/// The public half of a key that is raw bytes.
pub(crate) fn raw_public(key: &Key) -> Result<Vec<u8>> {
    raw_kind(&keys::type_name(key)).ok_or_else(incompatible)?;
    pkey::octets(key, c"pub").ok_or_else(|| errors::node("ERR_CRYPTO_OPERATION_FAILED"))
}

/// The private half of a key that is raw bytes.
pub(crate) fn raw_private(key: &Key) -> Result<Vec<u8>> {
    match raw_kind(&keys::type_name(key)) {
        Some(Raw::Private) => {
            pkey::octets(key, c"priv").ok_or_else(|| errors::node("ERR_CRYPTO_OPERATION_FAILED"))
        }
        _ => Err(incompatible()),
    }
}

/// What a key was made of.
pub(crate) fn raw_seed(key: &Key) -> Result<Vec<u8>> {
    match raw_kind(&keys::type_name(key)) {
        Some(Raw::Seed) => pkey::octets(key, c"seed").ok_or_else(|| {
            errors::coded("ERR_CRYPTO_OPERATION_FAILED", "key does not have an available seed")
        }),
        _ => Err(incompatible()),
    }
}

/// How a key is to be written.
pub(crate) struct Target {
    /// None: as a handle.
    format: Option<Format>,
    kind: Option<Type>,
    form: PointConversionForm,
    cipher: Option<Cipher>,
    passphrase: Vec<u8>,
}

impl Target {
    /// From the arguments (format, type), and of a private key (cipher, passphrase).
    pub fn of(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32, private: bool) -> Result<Target> {
        let format = Format::of(scope, args.get(index));
        let form = keys::point_form(scope, args.get(index + 1));
        let mut target = Target {
            format,
            kind: Type::of(scope, args.get(index + 1)),
            form,
            cipher: None,
            passphrase: Vec::new(),
        };
        if private && let Some(name) = values::name(scope, args.get(index + 2)) {
            let cipher = Cipher::fetch(&name).ok_or_else(|| errors::node("ERR_CRYPTO_UNKNOWN_CIPHER"))?;
            target.cipher = Some(cipher);
            target.passphrase = values::optional(args.get(index + 3))?;
            if target.passphrase.len() > PASSPHRASE_MAX {
                return Err(errors::node("ERR_OUT_OF_RANGE"));
            }
        }
        Ok(target)
    }

    /// Writes a key.
    pub fn write<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        data: &Rc<KeyData>,
    ) -> Result<Option<v8::Local<'s, v8::Value>>> {
        let Some(format) = self.format else { return Ok(keys::wrap(scope, env, data.clone())) };
        let bytes = match (format, &**data) {
            (Format::Jwk, _) => {
                let object = v8::Object::new(scope);
                jwk::export(scope, object, data, false)?;
                return Ok(Some(object.into()));
            }
            (Format::RawPublic, KeyData::Public(key)) => match keys::type_name(key).as_str() {
                "ec" => ec_point(key, self.form)?,
                _ => raw_public(key)?,
            },
            (Format::RawPrivate, KeyData::Private(key)) => match keys::type_name(key).as_str() {
                "ec" => ec_scalar(key)?,
                _ => raw_private(key)?,
            },
            (Format::RawSeed, KeyData::Private(key)) => raw_seed(key)?,
            (Format::Pem, KeyData::Public(key)) => self.public(key, true)?,
            (Format::Der, KeyData::Public(key)) => self.public(key, false)?,
            (Format::Pem, KeyData::Private(key)) => self.private(key, true)?,
            (Format::Der, KeyData::Private(key)) => self.private(key, false)?,
            _ => return Err(incompatible()),
        };
        if format == Format::Pem {
            return Ok(Some(string(scope, &String::from_utf8_lossy(&bytes)).into()));
        }
        Ok(values::buffer(scope, env, &bytes))
    }

    fn public(&self, key: &Key, pem: bool) -> Result<Vec<u8>> {
        let written = match (self.kind, pem) {
            (Some(Type::Pkcs1), _) if keys::type_name(key) != "rsa" => return Err(incompatible()),
            (Some(Type::Pkcs1), true) => key.rsa().and_then(|rsa| rsa.public_key_to_pem_pkcs1()),
            (Some(Type::Pkcs1), false) => key.rsa().and_then(|rsa| rsa.public_key_to_der_pkcs1()),
            (_, true) => key.public_key_to_pem(),
            (_, false) => key.public_key_to_der(),
        };
        written.map_err(|stack| errors::openssl_whole(stack, "Failed to encode public key"))
    }

    fn private(&self, key: &Key, pem: bool) -> Result<Vec<u8>> {
        let cipher = match &self.cipher {
            None => None,
            Some(cipher) => {
                Some(cipher.symmetric().ok_or_else(|| errors::node("ERR_CRYPTO_UNKNOWN_CIPHER"))?)
            }
        };
        let name = keys::type_name(key);
        // A key that was read with its seed is written as that alone, as one that was made here is.
        let seeded = match raw_kind(&name) {
            Some(Raw::Seed) => pkey::octets(key, c"seed").and_then(|seed| {
                pkey::from_parts(&name, Parts::Pair, &Params::new().bytes(c"seed", &seed)).ok()
            }),
            _ => None,
        };
        super::ossl::clear_errors();
        let key = seeded.as_ref().unwrap_or(key);
        let passphrase = self.passphrase.as_slice();
        let written = match (self.kind, pem) {
            (Some(Type::Pkcs1), _) if name != "rsa" => return Err(incompatible()),
            (Some(Type::Sec1), _) if name != "ec" => return Err(incompatible()),
            (Some(Type::Pkcs1), true) => key.rsa().and_then(|rsa| match cipher {
                Some(cipher) => rsa.private_key_to_pem_passphrase(cipher, passphrase),
                None => rsa.private_key_to_pem(),
            }),
            (Some(Type::Pkcs1), false) => key.rsa().and_then(|rsa| rsa.private_key_to_der()),
            (Some(Type::Sec1), true) => key.ec_key().and_then(|ec| match cipher {
                Some(cipher) => ec.private_key_to_pem_passphrase(cipher, passphrase),
                None => ec.private_key_to_pem(),
            }),
            (Some(Type::Sec1), false) => key.ec_key().and_then(|ec| ec.private_key_to_der()),
            (_, true) => match cipher {
                Some(cipher) => key.private_key_to_pem_pkcs8_passphrase(cipher, passphrase),
                None => key.private_key_to_pem_pkcs8(),
            },
            (_, false) => match cipher {
                Some(cipher) => key.private_key_to_pkcs8_passphrase(cipher, passphrase),
                None => key.private_key_to_pkcs8(),
            },
        };
        written.map_err(|stack| errors::openssl_whole(stack, "Failed to encode private key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_keys_are_told_from_plain_ones() {
        assert!(is_encrypted(&[0x30, 0x81, 0xf0, 0x30, 0x4b]));
        assert!(!is_encrypted(&[0x30, 0x2e, 0x02, 0x01, 0x00]));
        assert!(!is_encrypted(&[]));
    }
}
