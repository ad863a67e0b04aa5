//! Jobs: what is computed at once, or later with a callback or a promise. The classes differ in how they read their
//! arguments and what they compute.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::{Delivery, Scope, spawn, string};

use super::errors::{self, Result};
use super::ossl::interrupt;
use super::values;
use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{self, Args, Class, Return, functions, set};
use crate::environment::Env;
use crate::handle;

/// How a job gives its result; `kCryptoJob*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Async,
    Sync,
    WebCrypto,
}

/// What a job computes, without JavaScript.
pub(crate) type Work = Box<dyn FnOnce() -> Result<Output>>;

/// Makes a result in a turn.
pub(crate) type Make =
    Box<dyn for<'s, 'i> FnOnce(&mut Scope<'s, 'i>, &Rc<Env>) -> Option<v8::Local<'s, v8::Value>>>;

/// What a job gives.
pub(crate) enum Output {
    /// An `ArrayBuffer`.
    Bytes(Vec<u8>),
    Bool(bool),
    Make(Make),
}

impl Output {
    fn into_value<'s>(self, scope: &mut Scope<'s, '_>, env: &Rc<Env>) -> Option<v8::Local<'s, v8::Value>> {
        match self {
            Output::Bytes(bytes) => values::array_buffer(scope, &bytes),
            Output::Bool(value) => Some(v8::Boolean::new(scope, value).into()),
            Output::Make(make) => make(scope, env),
        }
    }
}

/// Reads a job's arguments, the first of which says its mode.
pub(crate) type Prepare = for<'s, 'i, 'a> fn(&mut Scope<'s, 'i>, &Rc<Env>, &Args<'a>, Mode) -> Result<Work>;

/// A class of jobs.
pub(crate) struct Kind {
    name: &'static str,
    provider: &'static str,
    prepare: Prepare,
}

const KINDS: &[Kind] = &[
    kind("RandomBytesJob", "RANDOMBYTESREQUEST", super::random::bytes_job),
    kind("RandomPrimeJob", "RANDOMPRIMEREQUEST", super::prime::random_job),
    kind("CheckPrimeJob", "CHECKPRIMEREQUEST", super::prime::check_job),
    kind("HashJob", "HASHREQUEST", super::hash::job),
    kind("TurboShakeJob", "HASHREQUEST", super::sponge::turbo_shake_job),
    kind("KangarooTwelveJob", "HASHREQUEST", super::sponge::kangaroo_twelve_job),
    kind("HmacJob", "SIGNREQUEST", super::mac::hmac_job),
    kind("KmacJob", "SIGNREQUEST", super::mac::kmac_job),
    kind("PBKDF2Job", "PBKDF2REQUEST", super::kdf::pbkdf2_job),
    kind("ScryptJob", "SCRYPTREQUEST", super::kdf::scrypt_job),
    kind("HKDFJob", "DERIVEBITSREQUEST", super::kdf::hkdf_job),
    kind("Argon2Job", "DERIVEBITSREQUEST", super::kdf::argon2_job),
    kind("SecretKeyGenJob", "KEYGENREQUEST", super::generate::secret_job),
    kind("RsaKeyPairGenJob", "KEYPAIRGENREQUEST", super::generate::rsa_job),
    kind("DsaKeyPairGenJob", "KEYPAIRGENREQUEST", super::generate::dsa_job),
    kind("EcKeyPairGenJob", "KEYPAIRGENREQUEST", super::generate::ec_job),
    kind("DhKeyPairGenJob", "KEYPAIRGENREQUEST", super::generate::dh_job),
    kind("NamedKeyPairGenJob", "KEYPAIRGENREQUEST", super::generate::named_job),
    kind("SignJob", "SIGNREQUEST", super::sign::job),
    kind("DHBitsJob", "DERIVEBITSREQUEST", super::dh::bits_job),
    kind("KEMEncapsulateJob", "DERIVEBITSREQUEST", super::kem::encapsulate_job),
    kind("KEMDecapsulateJob", "DERIVEBITSREQUEST", super::kem::decapsulate_job),
    kind("AESCipherJob", "CIPHERREQUEST", super::webcipher::aes_job),
    kind("ChaCha20Poly1305CipherJob", "CIPHERREQUEST", super::webcipher::chacha20_job),
    kind("RSACipherJob", "CIPHERREQUEST", super::rsa::job),
];

const fn kind(name: &'static str, provider: &'static str, prepare: Prepare) -> Kind {
    Kind { name, provider, prepare }
}

/// The native half of a job.
struct Job {
    mode: Mode,
    wrap: AsyncWrap,
    work: RefCell<Option<Work>>,
}

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    for (index, kind) in KINDS.iter().enumerate() {
        let data = v8::Integer::new_from_unsigned(scope, u32::try_from(index).ok()?).into();
        let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
        let class = Class::with_data(scope, kind.name, constructor, data)?;
        class.methods(scope, functions! { "run" => run, })?;
        class.methods(scope, async_methods!(Job, wrap))?;
        class.publish(scope, binding, kind.name)?;
    }
    Some(())
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let index = args.data().uint32_value(scope).and_then(|index| usize::try_from(index).ok());
    let Some(kind) = index.and_then(|index| KINDS.get(index)) else { return };
    let mode = match args.get(0).uint32_value(scope) {
        Some(0) => Mode::Async,
        Some(1) => Mode::Sync,
        Some(2) => Mode::WebCrypto,
        _ => return isolate::library::throw_type(scope, "Invalid mode of a job"),
    };
    let work = match (kind.prepare)(scope, &env, &args, mode) {
        Ok(work) => work,
        Err(error) => return error.throw(scope),
    };
    let wrap = AsyncWrap::new(scope, &env, args.this(), kind.provider);
    let job = Job { mode, wrap, work: RefCell::new(Some(work)) };
    let _ = values::attach(scope, &env, args.this(), Rc::new(job));
}

fn run<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, job)) = handle::receiver::<Job>(scope, args.this()) else { return };
    let Some(work) = job.work.borrow_mut().take() else {
        return errors::node("ERR_CRYPTO_INVALID_STATE").throw(scope);
    };
    match job.mode {
        Mode::Sync => {
            let output = interrupt::with(&env.core, work);
            if let Some(pair) = outcome(scope, &env, output) {
                result.set(v8::Array::new_with_elements(scope, &pair).into());
            }
        }
        Mode::Async => {
            later(scope, &env, args.this(), job, work, None);
        }
        Mode::WebCrypto => {
            let Some(resolver) = v8::PromiseResolver::new(scope) else { return };
            result.set(resolver.get_promise(scope).into());
            later(scope, &env, args.this(), job, work, Some(resolver));
        }
    }
}

/// [error, result], one of which is undefined. `None` with an exception pending.
fn outcome<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    output: Result<Output>,
) -> Option<[v8::Local<'s, v8::Value>; 2]> {
    let undefined = v8::undefined(scope).into();
    match output {
        Ok(output) => Some([undefined, output.into_value(scope, env)?]),
        Err(error) => Some([error.to_value(scope)?, undefined]),
    }
}

/// Computes in a turn of its own.
fn later<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    object: v8::Local<'s, v8::Object>,
    job: Rc<Job>,
    work: Work,
    resolver: Option<v8::Local<'s, v8::PromiseResolver>>,
) {
    let object = v8::Global::new(scope, object);
    let resolver = resolver.map(|resolver| v8::Global::new(scope, resolver));
    let then = env.clone();
    let operation = async move {
        let deliver: Delivery = Box::new(move |scope| {
            let env = then;
            // In a turn, so that it ends with its job.
            let output = interrupt::with(&env.core, work);
            let object = v8::Local::new(scope, &object);
            let pair = {
                v8::tc_scope!(let scope, scope);
                match outcome(scope, &env, output) {
                    Some(pair) => pair,
                    // What its result could not be made of is its error; unless the program ends.
                    None => [scope.exception()?, v8::undefined(scope).into()],
                }
            };
            let done = match resolver {
                Some(resolver) => {
                    let resolver = v8::Local::new(scope, &resolver);
                    settle(scope, &env, resolver, pair)
                }
                None => {
                    let arguments = if pair[1].is_undefined() && !pair[0].is_undefined() {
                        &pair[..1]
                    } else {
                        &pair[..]
                    };
                    job.wrap.call_method(scope, &env, object, "ondone", arguments).map(drop)
                }
            };
            job.wrap.destroy(scope, &env);
            done
        });
        deliver
    };
    let Some(realm) = env.realm() else { return };
    if spawn(&env.core, &realm, operation).is_none() {
        isolate::library::throw_errno(scope, kernel::Errno::Eagain, "crypto", None);
    }
}

/// Settles the promise of a job, past whatever the program has made of `then` on the prototypes.
fn settle<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    resolver: v8::Local<'s, v8::PromiseResolver>,
    [error, value]: [v8::Local<'s, v8::Value>; 2],
) -> Option<()> {
    if !error.is_undefined() {
        let error = operation_error(scope, env, error)?;
        return resolver.reject(scope, error).map(drop);
    }
    let object = value.try_cast::<v8::Object>().ok();
    let then = string(scope, "then");
    if let Some(object) = object {
        let undefined = v8::undefined(scope).into();
        object.create_data_property(scope, then.into(), undefined)?;
    }
    let resolved = resolver.resolve(scope, value);
    if let Some(object) = object {
        object.delete(scope, then.into())?;
    }
    resolved.map(drop)
}

/// The `DOMException` that a failed operation of Web Crypto rejects with.
fn operation_error<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    cause: v8::Local<'s, v8::Value>,
) -> Option<v8::Local<'s, v8::Value>> {
    let util = env.require(scope, "internal/util")?;
    let make: v8::Local<v8::Function> = binding::get(scope, util, "lazyDOMException")?.try_cast().ok()?;
    let options = v8::Object::new(scope);
    let name = string(scope, "OperationError").into();
    set(scope, options, "name", name)?;
    set(scope, options, "cause", cause)?;
    let message = string(scope, "The operation failed for an operation-specific reason").into();
    let receiver = v8::undefined(scope).into();
    make.call(scope, receiver, &[message, options.into()])
}
