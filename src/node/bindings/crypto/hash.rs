//! Digests.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use isolate::library::{Scope, memory_for};

use super::errors::{self, Result};
use super::job::{Mode, Output, Work};
use super::ossl::digest::{self, Digest};
use super::values::{self, Encoding};
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! { "oneShotDigest" => one_shot_digest, };

/// A digest that has been begun, with its length.
struct Started {
    digest: Digest,
    length: usize,
    own: usize,
    xof: bool,
}

impl Started {
    /// `None` where there is no such digest. These two parameters belong to digests that OpenSSL does not have.
    fn new(name: &str, length: Option<usize>, is_parametrized: bool) -> Result<Option<Started>> {
        if is_parametrized {
            return Ok(None);
        }
        let Some(md) = digest::fetch(name) else { return Ok(None) };
        let (xof, own) = (digest::is_xof(&md), default_length(&md));
        let length = checked_length(length.unwrap_or(own), own, xof)?;
        Ok(Some(Started { digest: Digest::new(&md)?, length, own, xof }))
    }

    fn finish(self) -> Result<Vec<u8>> {
        Ok(self.digest.finish(self.length, self.xof)?)
    }

    fn copy(&self, length: Option<usize>) -> Result<Started> {
        let length = checked_length(length.unwrap_or(self.own), self.own, self.xof)?;
        Ok(Started { digest: self.digest.copy()?, length, own: self.own, xof: self.xof })
    }
}

/// A length that was asked for, where the digest has its own.
fn checked_length(wanted: usize, own: usize, xof: bool) -> Result<usize> {
    if wanted != own && !xof {
        return Err(errors::NOT_XOF.into());
    }
    if !memory_for(wanted) {
        return Err(errors::no_memory());
    }
    Ok(wanted)
}

/// How long a digest is where nobody says so. The lengths of these two are Node's own.
fn default_length(md: &openssl::md::MdRef) -> usize {
    match digest::nid(md) {
        nid if nid == openssl::nid::Nid::SHAKE128.as_raw() => 16,
        nid if nid == openssl::nid::Nid::SHAKE256.as_raw() => 32,
        _ => digest::size(md),
    }
}

/// The native half of a `Hash`.
struct Hash {
    started: RefCell<Option<Started>>,
    finished: RefCell<Option<Vec<u8>>>,
    has_ended: Cell<bool>,
}

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "Hash", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(scope, functions! { "update" => update, "digest" => finish, })?;
    class.publish(scope, binding, "Hash")
}

fn length(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<usize> {
    values::uint(scope, value).map(|length| length as usize)
}

/// (algorithm or hash, length, cached id, cache, function name, customization)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let length = length(scope, args.get(1));
    let other = match args.get(0).try_cast::<v8::Object>() {
        Ok(object) => handle::of::<Hash>(scope, &env, object),
        Err(_) => None,
    };
    let started = (|| {
        if let Some(other) = other {
            return match &*other.started.borrow() {
                Some(started) => started.copy(length).map(Some),
                None => Ok(None),
            };
        }
        let name = values::required_name(scope, &args, 0)?;
        let is_parametrized = !args.get(4).is_undefined() || !args.get(5).is_undefined();
        Started::new(&name, length, is_parametrized)
    })();
    match started {
        Ok(Some(started)) => {
            let hash = Hash {
                started: RefCell::new(Some(started)),
                finished: RefCell::new(None),
                has_ended: Cell::new(false),
            };
            let _ = values::attach(scope, &env, args.this(), Rc::new(hash));
        }
        Ok(None) => errors::plain("Digest method not supported").throw(scope),
        Err(error) => error.throw(scope),
    }
}

/// (data, encoding) -> whether it was taken
fn update(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, hash)) = handle::receiver::<Hash>(scope, args.this()) else { return };
    let updated = values::with_data(scope, args.get(0), args.get(1), |bytes| {
        let mut started = hash.started.borrow_mut();
        started.as_mut().is_some_and(|started| started.digest.update(bytes).is_ok())
    });
    match updated {
        Ok(updated) => result.set_bool(updated),
        Err(error) => error.throw(scope),
    }
}

/// (encoding) -> the digest; the same one if it is asked again
fn finish(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, hash)) = handle::receiver::<Hash>(scope, args.this()) else { return };
    let encoding = Encoding::of(scope, args.get(0), Encoding::Buffer);
    hash.has_ended.set(true);
    let started = hash.started.borrow_mut().take();
    if let Some(started) = started {
        match started.finish() {
            Ok(bytes) => *hash.finished.borrow_mut() = Some(bytes),
            Err(error) => return error.throw(scope),
        }
    }
    let bytes = hash.finished.borrow().clone().unwrap_or_default();
    if let Some(value) = values::encode(scope, &env, &bytes, encoding) {
        result.set(value);
    }
}

/// (algorithm, id, cache, input, name of an encoding, encoding, length, function name, customization)
fn one_shot_digest(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let digested = (|| {
        let name = values::required_name(scope, &args, 0)?;
        if !args.get(7).is_undefined() || !args.get(8).is_undefined() {
            let known = digest::fetch(&name).is_some();
            return Err(errors::plain(&match known {
                true => "Digest options are not supported".to_owned(),
                false => format!("Digest method {name} is not supported"),
            }));
        }
        let length = length(scope, args.get(6));
        let started = match Started::new(&name, length, false) {
            Err(errors::Error::OpenSsl { .. }) => {
                let length = length.unwrap_or(0);
                return Err(errors::plain(&format!(
                    "Output length {length} is invalid for {name}, which does not support XOF"
                )));
            }
            started => started?,
        };
        let Some(mut started) = started else {
            return Err(errors::plain(&format!("Digest method {name} is not supported")));
        };
        let undefined = v8::undefined(scope).into();
        values::with_data(scope, args.get(3), undefined, |bytes| started.digest.update(bytes))??;
        started.finish()
    })();
    match digested {
        Ok(bytes) => {
            let by_name = Encoding::of(scope, args.get(4), Encoding::Hex);
            let encoding = Encoding::of(scope, args.get(5), by_name);
            if let Some(value) = values::encode(scope, &env, &bytes, encoding) {
                result.set(value);
            }
        }
        Err(error) => error.throw(scope),
    }
}

/// (mode, algorithm, data, length in bits, function name, customization)
pub(super) fn job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let name = values::required_name(scope, args, 1)?;
    let data = values::required(args.get(2), "data")?;
    let length = length(scope, args.get(3)).map(|bits| bits / 8);
    let Some(mut started) = Started::new(&name, length, false)? else {
        return Err(errors::invalid_digest(&name));
    };
    Ok(Box::new(move || {
        started.digest.update(&data)?;
        Ok(Output::Bytes(started.finish()?))
    }))
}
