//! What signatures are made of: paddings, salts and the two ways to write two numbers.

use isolate::library::Scope;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;

use super::errors::{self, Result};
use super::keys;
use super::ossl::params::Params;
use super::ossl::pkey::{self, Key};
use super::values;
use crate::binding::Args;

/// `RSA_PKCS1_PADDING` and `RSA_PKCS1_PSS_PADDING`.
const PKCS1: i32 = 1;
const PSS: i32 = 6;

/// How a signature is to be made.
#[derive(Default)]
pub(super) struct Manner {
    pub padding: Option<i32>,
    pub salt: Option<i32>,
    /// Two numbers are written one after the other (IEEE P1363), not as DER.
    pub plain: bool,
    pub context: Option<Vec<u8>>,
}

impl Manner {
    /// From the arguments at these places: padding, salt's length, encoding.
    pub fn of(scope: &mut Scope<'_, '_>, args: &Args<'_>, padding: i32, salt: i32, encoding: i32) -> Manner {
        Manner {
            padding: values::int(scope, args.get(padding)),
            salt: values::int(scope, args.get(salt)),
            plain: values::uint(scope, args.get(encoding)) == Some(1),
            context: None,
        }
    }

    /// The parameters of a signature with a key.
    pub fn params(&self, key: &Key) -> Params {
        let mut params = Params::new();
        let name = keys::type_name(key);
        if name == "rsa" || name == "rsa-pss" {
            let padding = self.padding.unwrap_or(if name == "rsa" { PKCS1 } else { PSS });
            params = params.int(c"pad-mode", padding);
            if padding == PSS
                && let Some(salt) = self.salt
            {
                params = params.int(c"saltlen", salt);
            }
        }
        if let Some(context) = &self.context
            && (name == "ed448" || name.starts_with("ml-dsa") || name.starts_with("slh-dsa"))
        {
            params = params.bytes(c"context-string", context);
        }
        params
    }
}

/// Bytes of each of the two numbers that a signature with a key is; none where it is something else.
pub(super) fn number_length(key: &Key) -> Option<i32> {
    let bits = match keys::type_name(key).as_str() {
        "ec" => key.ec_key().ok()?.group().order_bits() as i32,
        "dsa" => pkey::number(key, c"q")?.num_bits(),
        _ => return None,
    };
    Some((bits + 7) / 8)
}

/// Writes the two numbers of a signature one after the other.
pub(super) fn to_plain(key: &Key, signature: Vec<u8>) -> Result<Vec<u8>> {
    let Some(length) = number_length(key) else { return Ok(signature) };
    let numbers = EcdsaSig::from_der(&signature)
        .map_err(|_| errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Malformed signature"))?;
    let mut plain = numbers.r().to_vec_padded(length)?;
    plain.extend(numbers.s().to_vec_padded(length)?);
    Ok(plain)
}

/// Reads them. `None` where there are not so many bytes.
pub(super) fn from_plain(key: &Key, plain: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(length) = number_length(key).and_then(|length| usize::try_from(length).ok()) else {
        return Ok(Some(plain.to_vec()));
    };
    if plain.len() != length * 2 {
        return Ok(None);
    }
    let Some((r, s)) = plain.split_at_checked(length) else { return Ok(None) };
    let numbers = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
    Ok(Some(numbers.to_der()?))
}
