//! Key encapsulation.

use std::rc::Rc;

use isolate::library::Scope;

use super::errors::{self, Result};
use super::job::{Mode, Output, Work};
use super::keys;
use super::ossl::pkey;
use super::values;
use crate::binding::{Args, set};
use crate::environment::Env;

/// (mode, five of a key) -> [secret, its encapsulation], or an object of both for Web Crypto
pub(super) fn encapsulate_job(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    args: &Args<'_>,
    mode: Mode,
) -> Result<Work> {
    let key = keys::argument(scope, env, args, 1, false)?;
    Ok(Box::new(move || {
        let key = key.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
        let (secret, wrapped) = pkey::encapsulate(key)
            .map_err(|_| errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Encapsulation failed"))?;
        super::ossl::clear_errors();
        Ok(Output::Make(Box::new(move |scope, env| {
            if mode == Mode::WebCrypto {
                let object = v8::Object::new(scope);
                let secret = values::array_buffer(scope, &secret)?;
                set(scope, object, "sharedKey", secret)?;
                let wrapped = values::array_buffer(scope, &wrapped)?;
                set(scope, object, "ciphertext", wrapped)?;
                return Some(object.into());
            }
            let pair = [values::buffer(scope, env, &secret)?, values::buffer(scope, env, &wrapped)?];
            Some(v8::Array::new_with_elements(scope, &pair).into())
        })))
    }))
}

/// (mode, five of a key, encapsulation) -> the secret
pub(super) fn decapsulate_job(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    args: &Args<'_>,
    mode: Mode,
) -> Result<Work> {
    let key = keys::argument(scope, env, args, 1, true)?;
    let wrapped = values::required(args.get(6), "ciphertext")?;
    Ok(Box::new(move || {
        let key = key.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
        let secret = pkey::decapsulate(key, &wrapped)
            .map_err(|_| errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Decapsulation failed"))?;
        super::ossl::clear_errors();
        if mode == Mode::WebCrypto {
            return Ok(Output::Bytes(secret));
        }
        Ok(Output::Make(Box::new(move |scope, env| values::buffer(scope, env, &secret))))
    }))
}
