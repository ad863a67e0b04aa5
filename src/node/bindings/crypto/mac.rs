//! Message authentication codes: `Hmac`, `Mac` and the jobs of Web Crypto.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::Scope;

use super::errors::{self, Result};
use super::job::{Mode, Output, Work};
use super::keys;
use super::ossl::params::Params;
use super::ossl::{digest, mac};
use super::values::{self, Encoding};
use crate::binding::{Args, Class, Return, functions};
use crate::environment::Env;
use crate::handle;

/// The native half of an `Hmac` or a `Mac`.
#[derive(Default)]
struct Code {
    mac: RefCell<Option<mac::Mac>>,
}

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_hmac);
    let class = Class::new(scope, "Hmac", constructor)?;
    class.methods(scope, functions! { "init" => init, "update" => update, "digest" => finish, })?;
    class.publish(scope, binding, "Hmac")?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_mac);
    let class = Class::new(scope, "Mac", constructor)?;
    class.methods(scope, functions! { "update" => update, "final" => finish, })?;
    class.publish(scope, binding, "Mac")
}

fn hmac(name: &str, key: &[u8]) -> Result<mac::Mac> {
    match digest::fetch(name) {
        // Those that give as many bytes as are asked for are none that this can be made of.
        Some(md) if !digest::is_xof(&md) => {
            let own = digest::provided_name(name).unwrap_or_default();
            Ok(mac::Mac::new("HMAC", key, &Params::new().text(c"digest", &own))?)
        }
        _ => Err(errors::invalid_digest(name)),
    }
}

fn construct_hmac(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    if let Some(env) = Env::of(scope) {
        let _ = values::attach(scope, &env, args.this(), Rc::new(Code::default()));
    }
}

/// (digest, key)
fn init(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, code)) = handle::receiver::<Code>(scope, args.this()) else { return };
    let made = (|| {
        let name = values::required_name(scope, &args, 0)?;
        let key = keys::secret(scope, &env, args.get(1))?;
        hmac(&name, &key)
    })();
    match made {
        Ok(mac) => *code.mac.borrow_mut() = Some(mac),
        Err(error) => error.throw(scope),
    }
}

/// (data, encoding) -> whether it was taken
fn update(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, code)) = handle::receiver::<Code>(scope, args.this()) else { return };
    let updated = values::with_data(scope, args.get(0), args.get(1), |bytes| {
        code.mac.borrow_mut().as_mut().is_some_and(|mac| mac.update(bytes).is_ok())
    });
    match updated {
        Ok(updated) => result.set_bool(updated),
        Err(error) => error.throw(scope),
    }
}

/// (encoding) -> the code
fn finish(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, code)) = handle::receiver::<Code>(scope, args.this()) else { return };
    let encoding = Encoding::of(scope, args.get(0), Encoding::Buffer);
    let mac = code.mac.borrow_mut().take();
    let bytes = match mac.map(mac::Mac::finish).transpose() {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(stack) => return errors::openssl(stack, "Failed to finish the code").throw(scope),
    };
    if let Some(value) = values::encode(scope, &env, &bytes, encoding) {
        result.set(value);
    }
}

/// Which options a code has, and which it needs.
struct Options {
    name: &'static str,
    aliases: &'static [&'static str],
    shown: &'static str,
    digest: bool,
    cipher: bool,
    iv: bool,
    customization: bool,
    salt: bool,
    length: bool,
}

const NONE: Options = Options {
    name: "",
    aliases: &[],
    shown: "",
    digest: false,
    cipher: false,
    iv: false,
    customization: false,
    salt: false,
    length: false,
};

const CODES: &[Options] = &[
    Options { name: "HMAC", shown: "HMAC", digest: true, ..NONE },
    Options { name: "CMAC", shown: "CMAC", cipher: true, ..NONE },
    Options { name: "GMAC", shown: "GMAC", aliases: &["1.0.9797.3.4"], cipher: true, iv: true, ..NONE },
    Options {
        name: "KMAC-128",
        aliases: &["KMAC128", "2.16.840.1.101.3.4.2.19"],
        customization: true,
        length: true,
        ..NONE
    },
    Options {
        name: "KMAC-256",
        aliases: &["KMAC256", "2.16.840.1.101.3.4.2.20"],
        customization: true,
        length: true,
        ..NONE
    },
    Options {
        name: "BLAKE2BMAC",
        aliases: &["1.3.6.1.4.1.1722.12.2.1"],
        customization: true,
        salt: true,
        length: true,
        ..NONE
    },
    Options {
        name: "BLAKE2SMAC",
        aliases: &["1.3.6.1.4.1.1722.12.2.2"],
        customization: true,
        salt: true,
        length: true,
        ..NONE
    },
    Options { name: "SIPHASH", length: true, ..NONE },
    Options { name: "POLY1305", ..NONE },
];

fn invalid_value(message: String) -> errors::Error {
    errors::coded("ERR_INVALID_ARG_VALUE", message)
}

/// (name, id, cache, key, digest, cipher, iv, customization, salt, length)
fn construct_mac(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let made = (|| {
        let name = values::required_name(scope, &args, 0)?;
        let Some(options) = CODES.iter().find(|options| {
            options.name.eq_ignore_ascii_case(&name)
                || options.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(&name))
        }) else {
            return Err(errors::coded("ERR_CRYPTO_INVALID_MAC", format!("Invalid MAC: {name}")));
        };
        let key = keys::secret(scope, &env, args.get(3))?;
        for (index, option, has) in [
            (4, "digest", options.digest),
            (5, "cipher", options.cipher),
            (6, "iv", options.iv),
            (7, "customization", options.customization),
            (8, "salt", options.salt),
            (9, "outputLength", options.length),
        ] {
            if !has && !args.get(index).is_undefined() {
                return Err(invalid_value(format!(
                    "The property 'options.{option}' is not supported by MAC {name}"
                )));
            }
        }
        let mut params = Params::new();
        for (index, option, key, has) in
            [(4, "digest", c"digest", options.digest), (5, "cipher", c"cipher", options.cipher)]
        {
            match values::name(scope, args.get(index)) {
                Some(value) if has => {
                    // What it is not found by, OpenSSL is to say.
                    let own = if option == "digest" { digest::provided_name(&value) } else { None };
                    params = params.text(key, own.as_deref().unwrap_or(&value));
                }
                None if has => {
                    return Err(invalid_value(format!(
                        "The property 'options.{option}' is required for {}",
                        options.shown
                    )));
                }
                _ => {}
            }
        }
        let iv = values::optional(args.get(6))?;
        if options.iv && iv.is_empty() {
            return Err(invalid_value(format!(
                "The property 'options.iv' must be non-empty for {}",
                options.shown
            )));
        }
        if options.iv {
            params = params.bytes(c"iv", &iv);
        }
        if let Some(customization) = values::bytes(args.get(7))? {
            params = params.bytes(c"custom", &customization);
        }
        if let Some(salt) = values::bytes(args.get(8))? {
            params = params.bytes(c"salt", &salt);
        }
        let length = values::uint(scope, args.get(9)).map(|length| length as usize);
        if let Some(length) = length {
            check_length(length)?;
            params = params.size(c"size", length);
        }
        mac::Mac::new(options.name, &key, &params).map_err(|stack| {
            if stack.errors().is_empty() {
                errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Failed to initialize MAC")
            } else {
                stack.into()
            }
        })
    })();
    match made {
        Ok(mac) => {
            let code = Code { mac: RefCell::new(Some(mac)) };
            let _ = values::attach(scope, &env, args.this(), Rc::new(code));
        }
        Err(error) => error.throw(scope),
    }
}

fn check_length(length: usize) -> Result<()> {
    if isolate::library::memory_for(length) { Ok(()) } else { Err(errors::no_memory()) }
}

/// Gives a code, or whether it is the one that was given.
fn signed_or_verified(mac: mac::Mac, data: &[u8], signature: Option<&[u8]>) -> Result<Output> {
    let mut mac = mac;
    mac.update(data)?;
    let code = mac.finish()?;
    Ok(match signature {
        None => Output::Bytes(code),
        Some(signature) => {
            Output::Bool(code.len() == signature.len() && openssl::memcmp::eq(&code, signature))
        }
    })
}

/// The signature to verify, in the mode of verifying.
fn signature(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    mode: i32,
    signature: i32,
) -> Result<Option<Vec<u8>>> {
    match args.get(mode).uint32_value(scope) {
        Some(1) => Ok(Some(values::required(args.get(signature), "signature")?)),
        _ => Ok(None),
    }
}

/// (mode, sign or verify, digest, key, data, signature)
pub(super) fn hmac_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let name = values::required_name(scope, args, 2)?;
    let key = keys::secret(scope, env, args.get(3))?;
    let data = values::required(args.get(4), "data")?;
    let signature = signature(scope, args, 1, 5)?;
    let mac = hmac(&name, &key)?;
    Ok(Box::new(move || signed_or_verified(mac, &data, signature.as_deref())))
}

/// (mode, sign or verify, key, name, customization, length in bits, data, signature)
pub(super) fn kmac_job(scope: &mut Scope<'_, '_>, env: &Rc<Env>, args: &Args<'_>, _: Mode) -> Result<Work> {
    let key = keys::secret(scope, env, args.get(2))?;
    let name = values::required_name(scope, args, 3)?;
    let customization = values::optional(args.get(4))?;
    let length = values::uint(scope, args.get(5)).unwrap_or(0) as usize / 8;
    check_length(length)?;
    let data = values::required(args.get(6), "data")?;
    let signature = signature(scope, args, 1, 7)?;
    Ok(Box::new(move || {
        if length == 0 {
            return Ok(match signature {
                None => Output::Bytes(Vec::new()),
                Some(signature) => Output::Bool(signature.is_empty()),
            });
        }
        let mut params = Params::new().size(c"size", length);
        if !customization.is_empty() {
            params = params.bytes(c"custom", &customization);
        }
        signed_or_verified(mac::Mac::new(&name, &key, &params)?, &data, signature.as_deref())
    }))
}
