//! Encrypting with RSA.

use std::rc::Rc;

use isolate::library::Scope;

use super::errors::{self, Error, Result};
use super::job::{Mode, Output, Work};
use super::keys::{self, KeyData};
use super::ossl::digest;
use super::ossl::params::Params;
use super::ossl::pkey::{self, Act};
use super::values;
use crate::binding::{Args, Function, Return, functions};
use crate::environment::Env;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "publicEncrypt" => public_encrypt,
    "privateDecrypt" => private_decrypt,
    "privateEncrypt" => private_encrypt,
    "publicDecrypt" => public_decrypt,
};

/// `RSA_PKCS1_OAEP_PADDING` and `RSA_PKCS1_PADDING`.
const OAEP: i32 = 4;
const PKCS1: i32 = 1;

fn public_encrypt(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    perform(scope, &args, &mut result, Act::Encrypt);
}

fn private_decrypt(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    perform(scope, &args, &mut result, Act::Decrypt);
}

fn private_encrypt(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    perform(scope, &args, &mut result, Act::Sign);
}

fn public_decrypt(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    perform(scope, &args, &mut result, Act::Recover);
}

/// Node's words for a digest that there is none of here.
fn invalid_digest() -> Error {
    errors::coded("ERR_OSSL_EVP_INVALID_DIGEST", "Invalid digest used")
}

fn oaep(mut params: Params, hash: Option<&str>, label: &[u8], mask: Option<&str>) -> Result<Params> {
    for (name, parameter) in [(hash, c"digest"), (mask, c"mgf1-digest")] {
        if let Some(name) = name {
            let name = digest::provided_name(name).ok_or_else(invalid_digest)?;
            params = params.text(parameter, &name);
        }
    }
    if !label.is_empty() {
        params = params.bytes(c"oaep-label", label);
    }
    Ok(params)
}

/// (five of a key, data, padding, digest, label, digest of the mask)
fn perform(scope: &mut Scope<'_, '_>, args: &Args<'_>, result: &mut Return<'_>, act: Act) {
    let Some(env) = Env::of(scope) else { return };
    let done = (|| {
        let private = matches!(act, Act::Decrypt | Act::Sign);
        for index in [7, 9] {
            let name = values::name(scope, args.get(index));
            if name.is_some_and(|name| digest::fetch(&name).is_none()) {
                return Err(invalid_digest());
            }
        }
        let key = keys::argument(scope, &env, args, 0, private)?;
        let key = key.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
        let data = values::required(args.get(5), "buffer")?;
        let padding = values::int(scope, args.get(6)).ok_or_else(|| errors::node("ERR_INVALID_ARG_VALUE"))?;
        let hash = values::name(scope, args.get(7));
        let label = values::optional(args.get(8))?;
        let mask = values::name(scope, args.get(9));
        let mut params = Params::new().int(c"pad-mode", padding);
        if matches!(act, Act::Encrypt | Act::Decrypt) {
            if padding == OAEP {
                // Node's default, whatever OpenSSL's is.
                let hash = hash.as_deref().unwrap_or("sha1");
                params = oaep(params, Some(hash), &label, mask.as_deref())?;
            } else if hash.is_some() || mask.is_some() {
                oaep(Params::new(), hash.as_deref(), &[], mask.as_deref())?;
            }
            if padding == PKCS1 && matches!(act, Act::Decrypt) {
                // A wrong padding gives random bytes, so that nobody learns from it.
                params = params.uint(c"implicit-rejection", 1);
            }
        }
        super::ossl::clear_errors();
        pkey::perform(act, key, &params, &data).map_err(|stack| errors::openssl(stack, "Operation failed"))
    })();
    match done {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

/// (mode, whether to decrypt, key, data, variant, digest, label); OAEP alone
pub(super) fn job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let encrypt = args.get(1).uint32_value(scope) == Some(0);
    let key = keys::of(scope, env, args.get(2)).ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
    let data = values::required(args.get(3), "data")?;
    let hash = values::required_name(scope, args, 5)?;
    if digest::fetch(&hash).is_none() {
        return Err(errors::invalid_digest(&hash));
    }
    let label = values::optional(args.get(6))?;
    match (&*key, encrypt) {
        (KeyData::Private(_), _) | (KeyData::Public(_), true) => {}
        _ => return Err(errors::node("ERR_CRYPTO_INVALID_KEYTYPE")),
    }
    Ok(Box::new(move || {
        let params = oaep(Params::new().int(c"pad-mode", OAEP), Some(&hash), &label, None)?;
        let act = if encrypt { Act::Encrypt } else { Act::Decrypt };
        let key = key.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
        super::ossl::clear_errors();
        Ok(Output::Bytes(pkey::perform(act, key, &params, &data)?))
    }))
}
