//! Diffie-Hellman: `DiffieHellman`, `DiffieHellmanGroup`, and the secret that two keys have in common.

use std::cell::RefCell;
use std::rc::Rc;

use foreign_types_shared::ForeignType as _;
use isolate::library::{Core, Scope};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::dh::Dh;
use openssl::error::ErrorStack;

use super::errors::{self, Error, Result};
use super::job::{Mode, Output, Work};
use super::keys;
use super::ossl::params::Params;
use super::ossl::pkey::{self, Parts};
use super::ossl::{dh_check, interrupt, pkey::Key};
use super::values;
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;

/// Longest primes that are looked for.
const BITS_MAX: u32 = 10_000;
/// Longest numbers that are taken: OpenSSL computes with no more bits.
const BYTES_MAX: usize = 10_000 / 8;

/// A well-known prime; its generator is 2.
#[derive(Clone, Copy)]
pub(super) struct Group(fn() -> std::result::Result<BigNum, ErrorStack>);

impl Group {
    pub fn prime(&self) -> std::result::Result<BigNum, ErrorStack> {
        (self.0)()
    }

    pub fn generator(&self) -> std::result::Result<BigNum, ErrorStack> {
        BigNum::from_u32(2)
    }
}

/// The group of that name.
pub(super) fn group(name: &str) -> Result<Group> {
    Ok(Group(match name.to_ascii_lowercase().as_str() {
        "modp1" => BigNum::get_rfc2409_prime_768,
        "modp2" => BigNum::get_rfc2409_prime_1024,
        "modp5" => BigNum::get_rfc3526_prime_1536,
        "modp14" => BigNum::get_rfc3526_prime_2048,
        "modp15" => BigNum::get_rfc3526_prime_3072,
        "modp16" => BigNum::get_rfc3526_prime_4096,
        "modp17" => BigNum::get_rfc3526_prime_6144,
        "modp18" => BigNum::get_rfc3526_prime_8192,
        _ => return Err(errors::node("ERR_CRYPTO_UNKNOWN_DH_GROUP")),
    }))
}

/// The native half of both classes.
struct DiffieHellman {
    prime: BigNum,
    generator: BigNum,
    verify_error: i32,
    public: RefCell<Option<BigNum>>,
    private: RefCell<Option<BigNum>>,
}

impl DiffieHellman {
    fn new(prime: BigNum, generator: BigNum) -> Result<DiffieHellman> {
        let parameters = Dh::from_pqg(prime.to_owned()?, None, generator.to_owned()?)?;
        let verify_error = dh_check(parameters.as_ptr());
        Ok(DiffieHellman {
            prime,
            generator,
            verify_error,
            public: RefCell::new(None),
            private: RefCell::new(None),
        })
    }

    fn params(&self) -> std::result::Result<Params, ErrorStack> {
        Ok(Params::new().number(c"p", self.prime.to_owned()?).number(c"g", self.generator.to_owned()?))
    }

    /// Makes a pair, or the public half of the private one that there is.
    fn generate(&self) -> Result<Vec<u8>> {
        let mut public = self.public.borrow_mut();
        let mut private = self.private.borrow_mut();
        if let Some(private) = private.as_ref() {
            let mut number = BigNum::new()?;
            let mut context = BigNumContext::new()?;
            number.mod_exp(&self.generator, private, &self.prime, &mut context)?;
            *public = Some(number);
        } else {
            let parameters = pkey::from_parts("DH", Parts::Parameters, &self.params()?)?;
            let pair = pkey::generate_with(&parameters)
                .map_err(|stack| errors::openssl(stack, "Key generation failed"))?;
            *public = pkey::number(&pair, c"pub");
            *private = pkey::number(&pair, c"priv");
        }
        let public = public.as_ref().ok_or_else(|| errors::node("ERR_CRYPTO_OPERATION_FAILED"))?;
        self.padded(public)
    }

    fn padded(&self, number: &BigNumRef) -> Result<Vec<u8>> {
        Ok(number.to_vec_padded(self.prime.num_bytes().max(number.num_bytes()))?)
    }

    fn compute(&self, other: &[u8]) -> Result<Vec<u8>> {
        let too = |what| errors::coded("ERR_CRYPTO_INVALID_KEYLEN", format!("Supplied key is too {what}"));
        if other.len() > BYTES_MAX {
            return Err(too("large"));
        }
        let other = BigNum::from_slice(other)?;
        // 1 and below, and the prime less 1 and above, have no secret.
        let one = BigNum::from_u32(1)?;
        if other.ucmp(&one).is_le() {
            return Err(too("small"));
        }
        let mut last = self.prime.to_owned()?;
        last.sub_word(1)?;
        if other.ucmp(&last).is_ge() {
            return Err(too("large"));
        }
        let private = self.private.borrow();
        let Some(private) = private.as_ref() else {
            return Err(no_key("private"));
        };
        let mut secret = BigNum::new()?;
        let mut context = BigNumContext::new_secure()?;
        let mut exponent = BigNumRef::to_owned(private)?;
        exponent.set_const_time();
        secret
            .mod_exp(&other, &exponent, &self.prime, &mut context)
            .map_err(|stack| errors::openssl(stack, "Failed to compute the secret"))?;
        self.padded(&secret)
    }
}

fn no_key(which: &str) -> Error {
    errors::coded("ERR_CRYPTO_INVALID_STATE", format!("No {which} key - did you forget to generate one?"))
}

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    for (name, constructor) in [
        ("DiffieHellman", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct)),
        ("DiffieHellmanGroup", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_group)),
    ] {
        let class = Class::new(scope, name, constructor)?;
        class.methods(
            scope,
            functions! {
                "generateKeys" => generate_keys,
                "computeSecret" => compute_secret,
                "getPrime" => get_prime,
                "getGenerator" => get_generator,
                "getPublicKey" => get_public_key,
                "getPrivateKey" => get_private_key,
                "setPublicKey" => set_public_key,
                "setPrivateKey" => set_private_key,
            },
        )?;
        class.instance_getter(scope, "verifyError", get_verify_error)?;
        class.publish(scope, binding, name)?;
    }
    Some(())
}

/// As OpenSSL says it.
fn bad(reason: u64, text: &'static str) -> Error {
    errors::diffie_hellman(reason, text)
}

fn from_arguments(scope: &mut Scope<'_, '_>, core: &Rc<Core>, args: &Args<'_>) -> Result<DiffieHellman> {
    let bad_generator = || bad(101, "bad generator");
    let too_small = || bad(126, "modulus too small");
    let generator = match values::int(scope, args.get(1)) {
        Some(generator) => BigNum::from_u32(u32::try_from(generator).map_err(|_| bad_generator())?)?,
        None => {
            let bytes = values::required(args.get(1), "generator")?;
            if bytes.len() > BYTES_MAX {
                return Err(bad_generator());
            }
            BigNum::from_slice(&bytes)?
        }
    };
    let is_number = values::int(scope, args.get(0));
    if let Some(bits) = is_number {
        let bits = u32::try_from(bits).map_err(|_| too_small())?;
        if bits < 512 {
            return Err(too_small());
        }
        if bits > BITS_MAX {
            return Err(bad(103, "modulus too large"));
        }
        if generator.num_bits() <= 1 || generator.num_bits() > 31 {
            return Err(bad_generator());
        }
        let word = generator.to_vec().iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let params = Params::new()
            .text(c"type", "generator")
            .size(c"pbits", bits as usize)
            .int(c"safeprime-generator", i32::try_from(word).unwrap_or(2));
        let parameters = interrupt::with(core, || pkey::generate_parameters("DH", &params))?;
        return match (pkey::number(&parameters, c"p"), pkey::number(&parameters, c"g")) {
            (Some(prime), Some(generator)) => DiffieHellman::new(prime, generator),
            _ => Err(errors::node("ERR_CRYPTO_OPERATION_FAILED")),
        };
    }
    if generator.num_bits() <= 1 {
        return Err(bad_generator());
    }
    let prime = values::required(args.get(0), "sizeOrKey")?;
    if prime.len() > BYTES_MAX {
        return Err(bad(103, "modulus too large"));
    }
    DiffieHellman::new(BigNum::from_slice(&prime)?, generator)
}

fn attach(scope: &mut Scope<'_, '_>, args: &Args<'_>, made: Result<DiffieHellman>) {
    let Some(env) = Env::of(scope) else { return };
    match made {
        Ok(made) => {
            let _ = values::attach(scope, &env, args.this(), Rc::new(made));
        }
        Err(error) => error.throw(scope),
    }
}

/// (bits or prime, generator)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let made = from_arguments(scope, &env.core, &args);
    attach(scope, &args, made);
}

/// (name)
fn construct_group(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let made = values::required_name(scope, &args, 0)
        .and_then(|name| group(&name))
        .and_then(|group| DiffieHellman::new(group.prime()?, group.generator()?));
    attach(scope, &args, made);
}

fn give(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    result: &mut Return<'_>,
    read: impl FnOnce(&DiffieHellman) -> Result<Vec<u8>>,
) {
    let Some((env, dh)) = handle::receiver::<DiffieHellman>(scope, args.this()) else { return };
    match read(&dh) {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

fn generate_keys(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give(scope, &args, &mut result, DiffieHellman::generate);
}

fn compute_secret(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let other = values::required(args.get(0), "key");
    give(scope, &args, &mut result, |dh| dh.compute(&other?));
}

fn get_prime(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give(scope, &args, &mut result, |dh| Ok(dh.prime.to_vec()));
}

fn get_generator(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give(scope, &args, &mut result, |dh| Ok(dh.generator.to_vec()));
}

fn get_public_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give(scope, &args, &mut result, |dh| match dh.public.borrow().as_ref() {
        Some(number) => Ok(number.to_vec()),
        None => Err(no_key("public")),
    });
}

fn get_private_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give(scope, &args, &mut result, |dh| match dh.private.borrow().as_ref() {
        Some(number) => Ok(number.to_vec()),
        None => Err(no_key("private")),
    });
}

fn take(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    place: impl FnOnce(&DiffieHellman) -> &RefCell<Option<BigNum>>,
) {
    let Some((_, dh)) = handle::receiver::<DiffieHellman>(scope, args.this()) else { return };
    let taken = values::required(args.get(0), "key").and_then(|bytes| {
        if bytes.len() > BYTES_MAX {
            return Err(errors::coded("ERR_OUT_OF_RANGE", "buf is too big"));
        }
        Ok(BigNum::from_slice(&bytes)?)
    });
    match taken {
        Ok(number) => *place(&dh).borrow_mut() = Some(number),
        Err(error) => error.throw(scope),
    }
}

fn set_public_key(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    take(scope, &args, |dh| &dh.public);
}

fn set_private_key(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    take(scope, &args, |dh| &dh.private);
}

fn get_verify_error(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, dh)) = handle::receiver::<DiffieHellman>(scope, args.this()) {
        result.set(v8::Integer::new(scope, dh.verify_error).into());
    }
}

/// (mode, five of the public key, five of the private one) -> their secret
pub(super) fn bits_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let public = keys::argument(scope, env, args, 1, false)?;
    let private = keys::argument(scope, env, args, 6, true)?;
    Ok(Box::new(move || {
        let key = |key: &keys::KeyData| -> Result<Key> {
            key.asymmetric().cloned().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))
        };
        super::ossl::clear_errors();
        let secret = pkey::derive(&key(&private)?, &key(&public)?)
            .map_err(|stack| errors::openssl(stack, "Deriving bits failed"))?;
        Ok(Output::Bytes(secret))
    }))
}
