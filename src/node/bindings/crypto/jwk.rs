//! JSON Web Keys.

use isolate::library::{Scope, string};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::{Rsa, RsaPrivateKeyBuilder};

use super::curves;
use super::encoding::{self, Raw};
use super::errors::{self, Error, Result};
use super::keys::{self, KeyData};
use super::ossl::params::Params;
use super::ossl::pkey::{self, Key, Parts};
use super::values;
use crate::binding::{get, set};

fn invalid(message: &str) -> Error {
    errors::coded("ERR_CRYPTO_INVALID_JWK", message)
}

/// A member that is text. `None` for what is not.
fn member<'s>(
    scope: &mut Scope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
) -> Result<Option<v8::Local<'s, v8::String>>> {
    let value = get(scope, object, name).ok_or(Error::Pending)?;
    Ok(value.try_cast::<v8::String>().ok())
}

/// A member's bytes. What is not text is not taken for undefined.
fn bytes(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    invalid: &Error,
) -> Result<Option<Vec<u8>>> {
    let value = get(scope, object, name).ok_or(Error::Pending)?;
    if value.is_undefined() {
        return Ok(None);
    }
    let text: v8::Local<v8::String> = value.try_cast().map_err(|_| invalid.clone())?;
    values::from_base64(scope, text).map(Some)
}

/// A member's bytes, which have to be there.
fn needed(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    invalid: &Error,
) -> Result<Vec<u8>> {
    bytes(scope, object, name, invalid)?.ok_or_else(|| invalid.clone())
}

/// Reads a secret key.
pub(crate) fn import_secret(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>) -> Result<KeyData> {
    let invalid = invalid("Invalid JWK secret key format");
    needed(scope, object, "k", &invalid).map(KeyData::Secret)
}

/// Reads a private key; or a public one, unless it has to be private.
pub(crate) fn import(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    private: bool,
    either: bool,
) -> Result<KeyData> {
    super::ossl::clear_errors();
    let kind = member(scope, object, "kty")?;
    let kind = kind.map(|kind| kind.to_rust_string_lossy(scope)).unwrap_or_default();
    let (key, is_private) = match kind.as_str() {
        "RSA" => import_rsa(scope, object)?,
        "EC" => import_ec(scope, object)?,
        "OKP" => import_okp(scope, object)?,
        "AKP" => import_akp(scope, object)?,
        _ => return Err(invalid(&format!("{kind} is not a supported JWK key type"))),
    };
    super::ossl::clear_errors();
    match (private, is_private) {
        (true, false) => Err(invalid(&format!("Invalid JWK {kind} key"))),
        (_, true) if private || either => Ok(KeyData::Private(key)),
        _ => Ok(KeyData::Public(key)),
    }
}

fn import_rsa(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>) -> Result<(Key, bool)> {
    let invalid = invalid("Invalid JWK RSA key");
    let mut number = |name| -> Result<Option<BigNum>> {
        let bytes = bytes(scope, object, name, &invalid)?;
        Ok(bytes.map(|bytes| BigNum::from_slice(&bytes)).transpose()?)
    };
    let (n, e, d) = (number("n")?, number("e")?, number("d")?);
    let (Some(n), Some(e)) = (n, e) else { return Err(invalid) };
    let Some(d) = d else {
        let rsa = Rsa::from_public_components(n, e).map_err(|_| invalid.clone())?;
        return Ok((pkey::any(PKey::from_rsa(rsa)?), false));
    };
    let parts = [number("p")?, number("q")?, number("dp")?, number("dq")?, number("qi")?];
    let [Some(p), Some(q), Some(dp), Some(dq), Some(qi)] = parts else { return Err(invalid) };
    let rsa = RsaPrivateKeyBuilder::new(n, e, d)
        .and_then(|rsa| rsa.set_factors(p, q))
        .and_then(|rsa| rsa.set_crt_params(dp, dq, qi))
        .map_err(|_| invalid.clone())?;
    Ok((PKey::from_rsa(rsa.build())?, true))
}

fn import_ec(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>) -> Result<(Key, bool)> {
    let invalid = invalid("Invalid JWK EC key");
    let curve = member(scope, object, "crv")?;
    let curve = curve.map(|curve| curve.to_rust_string_lossy(scope)).ok_or_else(|| invalid.clone())?;
    let nid = curves::find(&curve)?;
    let (x, y) = (needed(scope, object, "x", &invalid)?, needed(scope, object, "y", &invalid)?);
    let d = bytes(scope, object, "d", &invalid)?;
    let made = || -> std::result::Result<(Key, bool), openssl::error::ErrorStack> {
        use openssl::ec::{EcGroup, EcKey, EcPoint};
        let mut group = EcGroup::from_curve_name(nid)?;
        group.set_asn1_flag(openssl::ec::Asn1Flag::NAMED_CURVE);
        let (x, y) = (BigNum::from_slice(&x)?, BigNum::from_slice(&y)?);
        let mut context = BigNumContext::new()?;
        let mut point = EcPoint::new(&group)?;
        point.set_affine_coordinates(&group, &x, &y, &mut context)?;
        match &d {
            Some(d) => {
                let key = EcKey::from_private_components(&group, &*BigNum::from_slice(d)?, &point)?;
                Ok((PKey::from_ec_key(key)?, true))
            }
            None => {
                let key = EcKey::from_public_key(&group, &point)?;
                Ok((pkey::any(PKey::from_ec_key(key)?), false))
            }
        }
    };
    made().map_err(|_| invalid)
}

/// Curves of Bernstein's kind, as JSON Web Keys name them.
const OKP: &[(&str, &str)] =
    &[("Ed25519", "ed25519"), ("Ed448", "ed448"), ("X25519", "x25519"), ("X448", "x448")];

fn import_okp(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>) -> Result<(Key, bool)> {
    let invalid_key = invalid("Invalid JWK OKP key");
    let curve = member(scope, object, "crv")?;
    let curve = curve.map(|curve| curve.to_rust_string_lossy(scope)).ok_or_else(|| invalid_key.clone())?;
    let Some((_, name)) = OKP.iter().find(|(jwk, _)| *jwk == curve) else {
        return Err(invalid("Unsupported JWK OKP \"crv\""));
    };
    let x = needed(scope, object, "x", &invalid_key)?;
    let public = pkey::from_parts(name, Parts::Public, &Params::new().bytes(c"pub", &x))
        .map_err(|_| invalid_key.clone())?;
    match bytes(scope, object, "d", &invalid_key)? {
        Some(d) => {
            let key = pkey::from_parts(name, Parts::Pair, &Params::new().bytes(c"priv", &d))
                .map_err(|_| invalid_key.clone())?;
            if !key.public_eq(&public) {
                return Err(invalid_key);
            }
            Ok((key, true))
        }
        None => Ok((public, false)),
    }
}

fn import_akp(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>) -> Result<(Key, bool)> {
    let invalid_key = invalid("Invalid JWK AKP key");
    let alg = member(scope, object, "alg")?;
    let alg = alg.map(|alg| alg.to_rust_string_lossy(scope)).ok_or_else(|| invalid_key.clone())?;
    let name = alg.to_lowercase();
    let known = encoding::raw_kind(&name).filter(|_| !name.starts_with('x') && !name.starts_with('e'));
    let Some(raw) = known else { return Err(invalid("Unsupported JWK AKP \"alg\"")) };
    let x = needed(scope, object, "pub", &invalid_key)?;
    let public = pkey::from_parts(&name, Parts::Public, &Params::new().bytes(c"pub", &x))
        .map_err(|_| invalid_key.clone())?;
    if pkey::type_name(&public) != alg {
        return Err(invalid("Unsupported JWK AKP \"alg\""));
    }
    match bytes(scope, object, "priv", &invalid_key)? {
        Some(private) => {
            let parameter = if raw == Raw::Seed { c"seed" } else { c"priv" };
            let key = pkey::from_parts(&name, Parts::Pair, &Params::new().bytes(parameter, &private))
                .map_err(|_| invalid_key.clone())?;
            if !key.public_eq(&public) {
                return Err(invalid_key);
            }
            Ok((key, true))
        }
        None => Ok((public, false)),
    }
}

fn put(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>, name: &str, text: &str) -> Result<()> {
    let text = string(scope, text).into();
    set(scope, object, name, text).ok_or(Error::Pending)
}

fn put_bytes(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    bytes: &[u8],
) -> Result<()> {
    put(scope, object, name, &values::to_base64url(bytes))
}

fn unsupported() -> Error {
    errors::node("ERR_CRYPTO_JWK_UNSUPPORTED_KEY_TYPE")
}

/// Writes a key into an object.
pub(crate) fn export(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    data: &KeyData,
    pss_as_rsa: bool,
) -> Result<()> {
    let (key, is_private) = match data {
        KeyData::Secret(bytes) => {
            put(scope, object, "kty", "oct")?;
            return put_bytes(scope, object, "k", bytes);
        }
        KeyData::Public(key) => (key, false),
        KeyData::Private(key) => (key, true),
    };
    match keys::type_name(key).as_str() {
        "rsa" => export_rsa(scope, object, key, is_private),
        "rsa-pss" if pss_as_rsa => export_rsa(scope, object, key, is_private),
        "ec" => export_ec(scope, object, key, is_private),
        name => match OKP.iter().find(|(_, known)| *known == name) {
            Some((curve, _)) => {
                put(scope, object, "kty", "OKP")?;
                put(scope, object, "crv", curve)?;
                put_bytes(scope, object, "x", &encoding::raw_public(key)?)?;
                if is_private {
                    put_bytes(scope, object, "d", &encoding::raw_private(key)?)?;
                }
                Ok(())
            }
            None => {
                let raw = encoding::raw_kind(name).ok_or_else(unsupported)?;
                let private = match (is_private, raw) {
                    (false, _) => None,
                    (true, Raw::Seed) => Some(encoding::raw_seed(key)?),
                    (true, Raw::Private) => Some(encoding::raw_private(key)?),
                };
                put(scope, object, "kty", "AKP")?;
                put(scope, object, "alg", &pkey::type_name(key))?;
                put_bytes(scope, object, "pub", &encoding::raw_public(key)?)?;
                match private {
                    Some(private) => put_bytes(scope, object, "priv", &private),
                    None => Ok(()),
                }
            }
        },
    }
}

fn export_rsa(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    key: &Key,
    is_private: bool,
) -> Result<()> {
    put(scope, object, "kty", "RSA")?;
    let mut names = vec![("n", c"n"), ("e", c"e")];
    if is_private {
        names.extend([
            ("d", c"d"),
            ("p", c"rsa-factor1"),
            ("q", c"rsa-factor2"),
            ("dp", c"rsa-exponent1"),
            ("dq", c"rsa-exponent2"),
            ("qi", c"rsa-coefficient1"),
        ]);
    }
    for (name, parameter) in names {
        if let Some(number) = pkey::number(key, parameter) {
            put_bytes(scope, object, name, &number.to_vec())?;
        }
    }
    Ok(())
}

fn export_ec(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    key: &Key,
    is_private: bool,
) -> Result<()> {
    let nid = encoding::curve_of(key).unwrap_or(Nid::UNDEF);
    let Some(curve) = curves::jwk_name(nid) else {
        let name = nid.short_name().unwrap_or("undefined");
        return Err(errors::coded(
            "ERR_CRYPTO_JWK_UNSUPPORTED_CURVE",
            format!("Unsupported JWK EC curve: {name}."),
        ));
    };
    let ec = key.ec_key()?;
    let group = ec.group();
    let length = (group.degree() as i32 + 7) / 8;
    let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
    let mut context = BigNumContext::new()?;
    ec.public_key().affine_coordinates(group, &mut x, &mut y, &mut context)?;
    let padded = |number: &BigNumRef| number.to_vec_padded(length);
    put(scope, object, "kty", "EC")?;
    put_bytes(scope, object, "x", &padded(&x)?)?;
    put_bytes(scope, object, "y", &padded(&y)?)?;
    put(scope, object, "crv", curve)?;
    if is_private {
        put_bytes(scope, object, "d", &encoding::ec_scalar(key)?)?;
    }
    Ok(())
}
