//! `Sign` and `Verify`, and signing at once.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::Scope;

use super::errors::{self, Error, Result};
use super::job::{Mode, Output, Work};
use super::keys;
use super::ossl::digest::{self, Digest};
use super::ossl::params::Params;
use super::ossl::pkey::{self, Act, Key};
use super::signer::{self, Manner};
use super::values;
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;

/// The native half of a `Sign` or a `Verify`.
#[derive(Default)]
struct Signing {
    state: RefCell<Option<(Digest, String)>>,
}

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "Sign", constructor)?;
    class.methods(scope, functions! { "init" => init, "update" => update, "sign" => sign, })?;
    class.publish(scope, binding, "Sign")?;
    let class = Class::new(scope, "Verify", constructor)?;
    class.methods(scope, functions! { "init" => init, "update" => update, "verify" => verify, })?;
    class.publish(scope, binding, "Verify")
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    if let Some(env) = Env::of(scope) {
        let _ = values::attach(scope, &env, args.this(), Rc::new(Signing::default()));
    }
}

fn not_begun() -> Error {
    errors::coded("ERR_CRYPTO_INVALID_STATE", "Not initialised")
}

/// (digest)
fn init(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, signing)) = handle::receiver::<Signing>(scope, args.this()) else { return };
    let begun = (|| {
        let mut name = values::required_name(scope, &args, 0)?;
        // What OpenSSL once called SHA-1 in signatures with DSA.
        if name == "DSS1" || name == "dss1" {
            name = "sha1".to_owned();
        }
        let md = digest::fetch(&name).ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_DIGEST"))?;
        let name = digest::provided_name(&name).ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_DIGEST"))?;
        Ok::<_, Error>((Digest::new(&md)?, name))
    })();
    match begun {
        Ok(begun) => *signing.state.borrow_mut() = Some(begun),
        Err(error) => error.throw(scope),
    }
}

/// (data, encoding)
fn update(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, signing)) = handle::receiver::<Signing>(scope, args.this()) else { return };
    let updated = values::with_data(scope, args.get(0), args.get(1), |data| {
        match signing.state.borrow_mut().as_mut() {
            Some((digest, _)) => Ok(digest.update(data)?),
            None => Err(not_begun()),
        }
    })
    .flatten();
    if let Err(error) = updated {
        error.throw(scope);
    }
}

/// The end of what was hashed: its digest, and the digest's name.
fn hashed(signing: &Signing) -> Result<(Vec<u8>, String)> {
    let (digest, name) = signing.state.borrow_mut().take().ok_or_else(not_begun)?;
    let md = digest::fetch(&name).ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_DIGEST"))?;
    Ok((digest.finish(digest::size(&md), digest::is_xof(&md))?, name))
}

/// Keys that hash by themselves sign nothing that was hashed before.
fn check_key(key: &Key) -> Result<()> {
    match keys::type_name(key).as_str() {
        "rsa" | "rsa-pss" | "dsa" | "ec" | "sm2" => Ok(()),
        _ => Err(errors::node("ERR_CRYPTO_UNSUPPORTED_OPERATION")),
    }
}

/// (five of a key, padding, length of the salt, encoding) -> the signature
fn sign(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, signing)) = handle::receiver::<Signing>(scope, args.this()) else { return };
    let signed = (|| {
        let key = keys::argument(scope, &env, &args, 0, true)?;
        let key = key.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
        let manner = Manner::of(scope, &args, 5, 6, 7);
        check_key(key)?;
        let (value, name) = hashed(&signing)?;
        super::ossl::clear_errors();
        let params = with_digest(manner.params(key), &name);
        let signature = pkey::perform(Act::Sign, key, &params, &value)
            .map_err(|stack| errors::openssl(stack, "PEM_read_bio_PrivateKey"))?;
        if manner.plain { signer::to_plain(key, signature) } else { Ok(signature) }
    })();
    match signed {
        Ok(signature) => {
            if let Some(buffer) = values::buffer(scope, &env, &signature) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

/// A padding has to be known before the digest that goes with it.
fn with_digest(params: Params, name: &str) -> Params {
    params.text(c"digest", name)
}

/// (five of a key, signature, padding, length of the salt, encoding) -> whether it is right
fn verify(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, signing)) = handle::receiver::<Signing>(scope, args.this()) else { return };
    let verified = (|| -> Result<bool> {
        let key = keys::argument(scope, &env, &args, 0, false)?;
        let key = key.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
        let mut signature = values::required(args.get(5), "signature")?;
        let manner = Manner::of(scope, &args, 6, 7, 8);
        check_key(key)?;
        if manner.plain {
            signature = signer::from_plain(key, &signature)?
                .ok_or_else(|| errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Malformed signature"))?;
        }
        let (value, name) = hashed(&signing)?;
        super::ossl::clear_errors();
        let params = with_digest(manner.params(key), &name);
        Ok(pkey::verify_value(key, &params, &value, &signature)?)
    })();
    match verified {
        Ok(verified) => result.set_bool(verified),
        Err(error) => error.throw(scope),
    }
}

/// (mode, sign or verify, five of a key, data, digest, length of the salt, padding, encoding, context, signature)
pub(super) fn job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let verifies = args.get(1).uint32_value(scope) == Some(1);
    let key = keys::argument(scope, env, args, 2, !verifies)?;
    let data = values::required(args.get(7), "data")?;
    let digest = match values::name(scope, args.get(8)) {
        None => None,
        Some(name) => Some(digest::provided_name(&name).ok_or_else(|| errors::invalid_digest(&name))?),
    };
    let mut manner = Manner::of(scope, args, 10, 9, 11);
    manner.context = values::bytes(args.get(12))?;
    if manner.context.as_ref().is_some_and(|context| context.len() > 255) {
        return Err(errors::coded("ERR_OUT_OF_RANGE", "context string must be at most 255 bytes"));
    }
    let signature = if verifies { Some(values::required(args.get(13), "signature")?) } else { None };
    Ok(Box::new(move || {
        let key = key.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))?;
        super::ossl::clear_errors();
        let params = manner.params(key);
        match signature {
            None => {
                let signature = pkey::sign(key, digest.as_deref(), &params, &data)
                    .map_err(|stack| errors::openssl(stack, "Failed to sign"))?;
                let signature = if manner.plain { signer::to_plain(key, signature)? } else { signature };
                Ok(Output::Bytes(signature))
            }
            Some(signature) => {
                let signature = match manner.plain {
                    true => match signer::from_plain(key, &signature)? {
                        Some(signature) => signature,
                        None => return Ok(Output::Bool(false)),
                    },
                    false => signature,
                };
                let verified = pkey::verify(key, digest.as_deref(), &params, &data, &signature)
                    .map_err(|stack| errors::openssl(stack, "Failed to verify"))?;
                Ok(Output::Bool(verified))
            }
        }
    }))
}
