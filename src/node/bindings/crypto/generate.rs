//! Making keys.

use std::rc::Rc;

use isolate::library::Scope;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;

use super::crypto_key;
use super::curves;
use super::dh;
use super::encoding::{self, Target};
use super::errors::{self, Error, Result};
use super::job::{Make, Mode, Output, Work};
use super::keys::{self, KeyData};
use super::ossl::digest;
use super::ossl::params::Params;
use super::ossl::pkey::{self, Key, Parts};
use super::random;
use super::values;
use crate::binding::{Args, set};
use crate::environment::Env;

/// Longest keys that are made. Some primes of this length take minutes to find; longer ones nobody would wait for.
const BITS_MAX: u32 = 16384;

/// What becomes of a new pair.
enum Wanted {
    /// Both halves encoded, or as handles.
    Encoded { public: Target, private: Target },
    /// As `CryptoKey`s.
    CryptoKeys {
        algorithm: v8::Global<v8::Value>,
        public_usages: v8::Global<v8::Value>,
        private_usages: v8::Global<v8::Value>,
        extractable: bool,
    },
}

impl Wanted {
    /// From the arguments from this one on.
    fn of(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32, mode: Mode) -> Result<Wanted> {
        if mode == Mode::WebCrypto {
            return Ok(Wanted::CryptoKeys {
                algorithm: v8::Global::new(scope, args.get(index)),
                public_usages: v8::Global::new(scope, args.get(index + 1)),
                private_usages: v8::Global::new(scope, args.get(index + 2)),
                extractable: args.get(index + 3).is_true(),
            });
        }
        let public = Target::of(scope, args, index, false)?;
        let private = Target::of(scope, args, index + 2, true)?;
        Ok(Wanted::Encoded { public, private })
    }

    fn make(self, key: Key) -> Make {
        let public = Rc::new(KeyData::Public(encoding::public_half(&key)));
        let private = Rc::new(KeyData::Private(key));
        Box::new(move |scope, env| match self {
            Wanted::Encoded { public: public_target, private: private_target } => {
                let mut pair = Vec::new();
                for (target, key) in [(public_target, public), (private_target, private)] {
                    match target.write(scope, env, &key) {
                        Ok(value) => pair.push(value?),
                        Err(error) => {
                            error.throw(scope);
                            return None;
                        }
                    }
                }
                Some(v8::Array::new_with_elements(scope, &pair).into())
            }
            Wanted::CryptoKeys { algorithm, public_usages, private_usages, extractable } => {
                let algorithm = v8::Local::new(scope, &algorithm);
                let pair = v8::Object::new(scope);
                let usages = v8::Local::new(scope, &public_usages);
                let key = crypto_key::create(scope, env, public, algorithm, usages, true)?;
                set(scope, pair, "publicKey", key)?;
                let usages = v8::Local::new(scope, &private_usages);
                let key = crypto_key::create(scope, env, private, algorithm, usages, extractable)?;
                set(scope, pair, "privateKey", key)?;
                Some(pair.into())
            }
        })
    }
}

fn pair_work(
    wanted: Wanted,
    generate: impl FnOnce() -> std::result::Result<Key, ErrorStack> + 'static,
) -> Work {
    Box::new(move || {
        super::ossl::clear_errors();
        let key = generate().map_err(|stack| errors::openssl(stack, "Key generation job failed"))?;
        Ok(Output::Make(wanted.make(key)))
    })
}

/// (mode, bits) or for Web Crypto (mode, bits, algorithm, usages, extractable)
pub(super) fn secret_job(
    scope: &mut Scope<'_, '_>,
    _: &Rc<Env>,
    args: &Args<'_>,
    mode: Mode,
) -> Result<Work> {
    let bits = values::uint(scope, args.get(1)).ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    let wanted = (mode == Mode::WebCrypto).then(|| {
        let (algorithm, usages) = (args.get(2), args.get(3));
        (v8::Global::new(scope, algorithm), v8::Global::new(scope, usages), args.get(4).is_true())
    });
    Ok(Box::new(move || {
        // Web Crypto has keys whose last byte is not used whole; elsewhere that byte is left out.
        let bytes = if wanted.is_some() { bits.div_ceil(8) } else { bits / 8 };
        let mut key = random::bytes(bytes as usize)?;
        if wanted.is_some()
            && bits % 8 != 0
            && let Some(last) = key.last_mut()
        {
            *last &= 0xff << (8 - bits % 8);
        }
        let key = Rc::new(KeyData::Secret(key));
        Ok(Output::Make(Box::new(move |scope, env| match wanted {
            None => keys::wrap(scope, env, key),
            Some((algorithm, usages, extractable)) => {
                let algorithm = v8::Local::new(scope, &algorithm);
                let usages = v8::Local::new(scope, &usages);
                crypto_key::create(scope, env, key, algorithm, usages, extractable)
            }
        })))
    }))
}

fn bits(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Result<u32> {
    let bits = values::uint(scope, value).ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    if bits > BITS_MAX {
        return Err(errors::coded(
            "ERR_OUT_OF_RANGE",
            format!("Keys of more than {BITS_MAX} bits are not made in a cordon VM"),
        ));
    }
    Ok(bits)
}

/// (mode, variant, bits, exponent, and for RSA-PSS digest, digest of the mask, length of the salt, ...)
pub(super) fn rsa_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, mode: Mode) -> Result<Work> {
    let is_pss = args.get(1).uint32_value(scope) == Some(1) && mode != Mode::WebCrypto;
    let bits = bits(scope, args.get(2))?;
    let exponent = values::uint(scope, args.get(3)).ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    let mut params = Params::new().size(c"bits", bits as usize).number(c"e", BigNum::from_u32(exponent)?);
    let mut next = 4;
    if is_pss {
        let (digest_name, mask_name) = (values::name(scope, args.get(4)), values::name(scope, args.get(5)));
        let salt = values::int(scope, args.get(6));
        next = 7;
        if let Some(name) = &digest_name
            && digest::fetch(name).is_none()
        {
            return Err(errors::invalid_digest(name));
        }
        if let Some(name) = &mask_name
            && digest::fetch(name).is_none()
        {
            let message = format!("Invalid MGF1 digest: {name}");
            return Err(errors::coded("ERR_CRYPTO_INVALID_DIGEST", message));
        }
        let own = |name: Option<String>| name.and_then(|name| digest::provided_name(&name));
        let (digest_name, mask_name) = (own(digest_name), own(mask_name));
        if let Some(name) = digest_name.as_ref() {
            params = params.text(c"digest", name);
        }
        // The mask's digest is the other one where nobody says so; and so is the salt's length that of the digest.
        if let Some(name) = mask_name.as_ref().or(digest_name.as_ref()) {
            params = params.text(c"mgf1-digest", name);
        }
        let own = digest_name.as_ref().and_then(|name| digest::fetch(name)).map(|md| digest::size(&md));
        let salt = salt.or_else(|| own.and_then(|size| i32::try_from(size).ok()));
        if let Some(salt) = salt {
            params = params.int(c"saltlen", salt);
        }
    }
    let wanted = Wanted::of(scope, args, next, mode)?;
    Ok(pair_work(wanted, move || pkey::generate(if is_pss { "RSA-PSS" } else { "RSA" }, &params)))
}

/// (mode, bits, bits of the divisor, ...)
pub(super) fn dsa_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, mode: Mode) -> Result<Work> {
    let bits = bits(scope, args.get(1))?;
    let divisor = values::int(scope, args.get(2)).and_then(|bits| usize::try_from(bits).ok());
    let wanted = Wanted::of(scope, args, 3, mode)?;
    Ok(pair_work(wanted, move || {
        let mut params = Params::new().size(c"pbits", bits as usize);
        if let Some(divisor) = divisor {
            params = params.size(c"qbits", divisor);
        }
        let parameters = pkey::generate_parameters("DSA", &params)?;
        pkey::generate_with(&parameters)
    }))
}

/// (mode, curve, whether it is written by its name, ...)
pub(super) fn ec_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, mode: Mode) -> Result<Work> {
    let name = values::required_name(scope, args, 1)?;
    let curve = curves::find(&name)?;
    let group = curve.short_name().map_err(|_| errors::node("ERR_CRYPTO_INVALID_CURVE"))?;
    let is_explicit = args.get(2).is_uint32() && args.get(2).uint32_value(scope) == Some(0);
    let wanted = Wanted::of(scope, args, 3, mode)?;
    Ok(pair_work(wanted, move || {
        let encoding = if is_explicit { "explicit" } else { "named_curve" };
        pkey::generate("EC", &Params::new().text(c"group", group).text(c"encoding", encoding))
    }))
}

/// (mode, group, ...) or (mode, prime or its bits, generator, ...)
pub(super) fn dh_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, mode: Mode) -> Result<Work> {
    if let Some(name) = values::name(scope, args.get(1)) {
        let group = dh::group(&name)?;
        let wanted = Wanted::of(scope, args, 2, mode)?;
        return Ok(pair_work(wanted, move || {
            let params = Params::new().number(c"p", group.prime()?).number(c"g", group.generator()?);
            pkey::generate_with(&pkey::from_parts("DH", Parts::Parameters, &params)?)
        }));
    }
    let generator = values::int(scope, args.get(2)).and_then(|generator| u32::try_from(generator).ok());
    let generator = generator.ok_or_else(|| errors::node("ERR_OUT_OF_RANGE"))?;
    let wanted = Wanted::of(scope, args, 3, mode)?;
    if let Some(prime) = values::bytes(args.get(1))? {
        let prime = BigNum::from_slice(&prime)?;
        return Ok(pair_work(wanted, move || {
            let params = Params::new().number(c"p", prime).number(c"g", BigNum::from_u32(generator)?);
            pkey::generate_with(&pkey::from_parts("DH", Parts::Parameters, &params)?)
        }));
    }
    let bits = bits(scope, args.get(1))?;
    Ok(pair_work(wanted, move || {
        let params = Params::new()
            .text(c"type", "generator")
            .size(c"pbits", bits as usize)
            .int(c"safeprime-generator", i32::try_from(generator).unwrap_or(2));
        pkey::generate_with(&pkey::generate_parameters("DH", &params)?)
    }))
}

/// (mode, type, ...)
pub(super) fn named_job(scope: &mut Scope<'_, '_>, _: &Rc<Env>, args: &Args<'_>, mode: Mode) -> Result<Work> {
    let name = values::required_name(scope, args, 1)?;
    let lower = name.to_lowercase();
    let known = encoding::raw_kind(&lower).is_some() && (mode == Mode::WebCrypto || lower == name);
    if !known {
        return Err(unknown_type(&name));
    }
    let wanted = Wanted::of(scope, args, 2, mode)?;
    Ok(pair_work(wanted, move || pkey::generate(&lower, &Params::new())))
}

/// As the library says it of an option that it checks itself.
fn unknown_type(name: &str) -> Error {
    errors::coded(
        "ERR_INVALID_ARG_VALUE",
        format!("The argument 'type' must be a supported key type. Received '{name}'"),
    )
}
