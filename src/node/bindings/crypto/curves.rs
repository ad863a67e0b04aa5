//! Elliptic curves by name.

use isolate::library::Scope;
use openssl::nid::Nid;

use super::errors::{self, Result};
use super::ossl::names;
use super::values;
use crate::binding::{Args, Function, Return, functions};

pub(super) const FUNCTIONS: &[Function] = functions! { "getCurves" => get_curves, };

fn get_curves(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(values::names(scope, &names::curves()));
}

/// The curve of that name, by which the NIST knows it or OpenSSL.
pub(super) fn find(name: &str) -> Result<Nid> {
    names::curve(name).ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_CURVE"))
}

/// The name of a curve in JSON Web Keys.
pub(super) fn jwk_name(nid: Nid) -> Option<&'static str> {
    Some(match nid {
        Nid::X9_62_PRIME256V1 => "P-256",
        Nid::SECP256K1 => "secp256k1",
        Nid::SECP384R1 => "P-384",
        Nid::SECP521R1 => "P-521",
        _ => return None,
    })
}
