//! `SecureContext`: what the connections of a server, or of a client's options, have in common.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::{Scope, string};
use openssl::error::ErrorStack;
use openssl::x509::X509;

use super::errors::{self, Error, Result};
use super::ossl::tls::{self, BadBundle, Context, DhParameters, Side, TICKET_KEYS, up_to_nul};
use super::ossl::{self, pkey};
use super::{roots, values};
use crate::binding::{Args, Class, Function, Return, functions, set_number};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! { "getSSLCiphers" => get_ciphers, };

/// Most bytes of a key, of certificates, and of lists of names.
const TEXT_MAX: usize = 16 << 20;

/// `TLS1_VERSION` and those behind it.
const TLS_1: i32 = 0x301;
const TLS_1_1: i32 = 0x302;
const TLS_1_2: i32 = 0x303;
const TLS_1_3: i32 = 0x304;

/// Where what is answered for the keys of tickets stands: `kTicketKey*Index`.
pub(super) const TICKET_INDICES: [&str; 5] = ["Return", "HMAC", "AES", "Name", "IV"];

/// The native half.
#[derive(Default)]
pub(super) struct SecureContext {
    context: RefCell<Option<Rc<Context>>>,
    /// Its object, for whoever asks for the keys of tickets.
    object: RefCell<Option<v8::Weak<v8::Object>>>,
}

impl SecureContext {
    /// None before it is prepared, and once it is closed.
    pub fn context(&self) -> Option<Rc<Context>> {
        self.context.borrow().clone()
    }

    pub fn object<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
        self.object.borrow().as_ref()?.to_local(scope)
    }
}

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "SecureContext", constructor)?;
    class.methods(
        scope,
        functions! {
            "init" => init,
            "setKey" => set_key,
            "setCert" => set_cert,
            "addCACert" => add_ca_cert,
            "setAllowPartialTrustChain" => set_allow_partial_trust_chain,
            "addCRL" => add_crl,
            "addRootCerts" => add_root_certs,
            "setCipherSuites" => set_cipher_suites,
            "setCiphers" => set_ciphers,
            "setSigalgs" => set_sigalgs,
            "setECDHCurve" => set_ecdh_curve,
            "setDHParam" => set_dh_param,
            "setMaxProto" => set_max_proto,
            "setMinProto" => set_min_proto,
            "getMaxProto" => get_max_proto,
            "getMinProto" => get_min_proto,
            "setOptions" => set_options,
            "setSessionIdContext" => set_session_id_context,
            "setSessionTimeout" => set_session_timeout,
            "setCertificateCompression" => set_certificate_compression,
            "close" => close,
            "loadPKCS12" => load_pkcs12,
            "setTicketKeys" => set_ticket_keys,
            "enableTicketKeyCallback" => enable_ticket_key_callback,
            "getTicketKeys" => get_ticket_keys,
            "getCertificate" => get_certificate,
            "getIssuer" => get_issuer,
        },
    )?;
    class.getter(scope, "_external", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(external))?;
    class.publish(scope, binding, "SecureContext")?;
    let function: v8::Local<v8::Object> = class.template.get_function(scope)?.into();
    for (index, name) in TICKET_INDICES.into_iter().enumerate() {
        set_number(scope, function, &format!("kTicketKey{name}Index"), index as f64)?;
    }
    Some(())
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let half = Rc::new(SecureContext::default());
    let object = v8::Weak::new(scope, args.this());
    *half.object.borrow_mut() = Some(object);
    let _ = values::attach(scope, &env, args.this(), half);
}

/// The context that a value is.
pub(super) fn of(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    value: v8::Local<'_, v8::Value>,
) -> Option<Rc<SecureContext>> {
    handle::of::<SecureContext>(scope, env, value.try_cast().ok()?)
}

/// A text, or bytes. `None` for what is neither.
pub(super) fn text(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Result<Option<Vec<u8>>> {
    let bytes = match value.try_cast::<v8::String>() {
        Ok(text) if text.length() > TEXT_MAX => return Err(too_big()),
        Ok(text) => Some(isolate::library::text(scope, text).map(String::into_bytes).ok_or(Error::Pending)?),
        Err(_) => values::bytes(value)?,
    };
    match &bytes {
        Some(bytes) if bytes.len() > TEXT_MAX => Err(too_big()),
        _ => Ok(bytes),
    }
}

fn too_big() -> Error {
    errors::coded("ERR_OUT_OF_RANGE", "The argument is too big")
}

/// A context that is not prepared, closed, or at work for a connection that asks the program something.
fn unusable() -> Error {
    errors::coded("ERR_CRYPTO_INVALID_STATE", "The secure context cannot be used now")
}

/// Changes a context. `None` with an exception pending.
fn change<R>(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    change: impl FnOnce(&mut Scope<'_, '_>, &Rc<Env>, &Context) -> Result<R>,
) -> Option<R> {
    let (env, half) = handle::receiver::<SecureContext>(scope, args.this())?;
    ossl::clear_errors();
    let changed = match half.context().filter(|context| context.is_idle()) {
        Some(context) => change(scope, &env, &context),
        None => Err(unusable()),
    };
    ossl::clear_errors();
    match changed {
        Ok(value) => Some(value),
        Err(error) => {
            error.throw(scope);
            None
        }
    }
}

/// An argument that is a text or bytes: nothing is done with any other.
macro_rules! text_or_return {
    ($scope:ident, $value:expr) => {
        match text($scope, $value)? {
            Some(text) => text,
            None => return Ok(Default::default()),
        }
    };
}

fn failed(fallback: &'static str) -> impl Fn(ErrorStack) -> Error {
    move |stack| errors::openssl(stack, fallback)
}

/// (method, oldest version, newest version)
fn init(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, half)) = handle::receiver::<SecureContext>(scope, args.this()) else { return };
    let made = (|| {
        let bad = || errors::node("ERR_INVALID_ARG_TYPE");
        let mut minimum = values::int(scope, args.get(1)).ok_or_else(bad)?;
        let mut maximum = values::int(scope, args.get(2)).ok_or_else(bad)?;
        if maximum == 0 {
            maximum = TLS_1_3;
        }
        let mut side = Side::Both;
        if args.get(0).is_string() {
            let name = values::required_name(scope, &args, 0)?;
            (side, minimum, maximum) = method(&name, minimum)?;
        }
        ossl::clear_errors();
        Context::new(side, minimum, maximum).map_err(failed("SSL_CTX_new"))
    })();
    match made {
        Ok(context) => {
            let before = half.context.replace(Some(Rc::new(context)));
            drop(before);
        }
        Err(error) => error.throw(scope),
    }
}

/// What the name of one of OpenSSL's methods says of sides and versions.
fn method(name: &str, minimum: i32) -> Result<(Side, i32, i32)> {
    let invalid = |message: String| Error::Node {
        class: errors::Class::Type,
        code: Some("ERR_TLS_INVALID_PROTOCOL_METHOD"),
        message,
    };
    let unknown = || invalid(format!("Unknown method: {name}"));
    let rest = name.strip_suffix("_method").ok_or_else(unknown)?;
    let (version, side) = if let Some(version) = rest.strip_suffix("_server") {
        (version, Side::Server)
    } else if let Some(version) = rest.strip_suffix("_client") {
        (version, Side::Client)
    } else {
        (rest, Side::Both)
    };
    Ok(match version {
        "SSLv2" | "SSLv3" => return Err(invalid(format!("{version} methods disabled"))),
        "SSLv23" => (side, minimum, TLS_1_2),
        "TLS" => (side, 0, TLS_1_3),
        "TLSv1" => (side, TLS_1, TLS_1),
        "TLSv1_1" => (side, TLS_1_1, TLS_1_1),
        "TLSv1_2" => (side, TLS_1_2, TLS_1_2),
        _ => return Err(unknown()),
    })
}

/// (PEM, passphrase)
fn set_key(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        let pem = text_or_return!(scope, args.get(0));
        let passphrase = text(scope, args.get(1))?.unwrap_or_default();
        let key = pkey::from_pem(&pem, Some(&passphrase)).map_err(failed("PEM_read_bio_PrivateKey"))?;
        ossl::clear_errors();
        context.set_key(&key).map_err(failed("SSL_CTX_use_PrivateKey"))
    });
}

/// (PEM)
fn set_cert(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        let pem = text_or_return!(scope, args.get(0));
        context.set_certificates(&pem).map_err(failed("SSL_CTX_use_certificate_chain"))
    });
}

/// (PEM)
fn add_ca_cert(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, context| {
        let pem = text_or_return!(scope, args.get(0));
        context.add_authorities(&pem, || roots::make(scope, env));
        Ok(())
    });
}

fn set_allow_partial_trust_chain(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, context| {
        context.allow_partial_chains(|| roots::make(scope, env));
        Ok(())
    });
}

/// (PEM)
fn add_crl(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, context| {
        let pem = text_or_return!(scope, args.get(0));
        context.set_particular();
        match context.add_revocations(&pem, || roots::make(scope, env)) {
            true => Ok(()),
            false => Err(errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Failed to parse CRL")),
        }
    });
}

fn add_root_certs(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, context| {
        if let Some(store) = roots::shared(scope, env) {
            context.set_store(&store);
        }
        Ok(())
    });
}

/// The ciphers of who names none: the suites of TLS 1.3, and those of the versions before.
fn default_ciphers(env: &Env) -> (&str, &str) {
    let all = crate::options::default_text(&env.facts, "--tls-cipher-list").unwrap_or_default();
    let older = all.split(':').position(|name| !name.starts_with("TLS_")).unwrap_or(0);
    match all.match_indices(':').nth(older.saturating_sub(1)) {
        Some((at, _)) => (&all[..at], &all[at + 1..]),
        None => (all, ""),
    }
}

fn list(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Result<Vec<u8>> {
    if !args.get(0).is_string() {
        return Err(errors::node("ERR_INVALID_ARG_TYPE"));
    }
    Ok(text(scope, args.get(0))?.unwrap_or_default())
}

/// (names)
fn set_cipher_suites(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, context| {
        let names = list(scope, &args)?;
        if names != default_ciphers(env).0.as_bytes() {
            context.set_particular();
        }
        context.set_cipher_suites(&up_to_nul(&names)).map_err(failed("Failed to set ciphers"))
    });
}

/// (names)
fn set_ciphers(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, context| {
        let names = list(scope, &args)?;
        if names != default_ciphers(env).1.as_bytes() {
            context.set_particular();
        }
        match context.set_ciphers(&up_to_nul(&names)) {
            // Those of the older versions are not wanted at all.
            Err(_) if names.is_empty() => Ok(()),
            set => set.map_err(failed("Failed to set ciphers")),
        }
    });
}

/// (names)
fn set_sigalgs(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        let names = list(scope, &args)?;
        context.set_particular();
        let set = context.set_signature_algorithms(&up_to_nul(&names));
        set.map_err(failed("error:00000000:lib(0)::reason(0)"))
    });
}

/// (names)
fn set_ecdh_curve(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        let names = list(scope, &args)?;
        if names == b"auto" {
            return Ok(());
        }
        context.set_particular();
        context
            .set_groups(&up_to_nul(&names))
            .map_err(|_| errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Failed to set ECDH curve"))
    });
}

/// (PEM, or true for what OpenSSL chooses) -> a warning
fn set_dh_param(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let warning = change(scope, &args, |scope, _, context| {
        let refused = |_| errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Error setting temp DH parameter");
        if args.get(0).is_true() {
            context.choose_dh().map_err(refused)?;
            return Ok(None);
        }
        let pem = text_or_return!(scope, args.get(0));
        // What is none is passed over: then there is no Diffie-Hellman.
        let Some(parameters) = DhParameters::read(&pem) else { return Ok(None) };
        let bits = parameters.bits();
        if bits < 1024 {
            let message = "DH parameter is less than 1024 bits";
            return Err(errors::coded("ERR_INVALID_ARG_VALUE", message));
        }
        context.set_dh(parameters).map_err(refused)?;
        Ok((bits < 2048).then_some("DH parameter is less than 2048 bits"))
    });
    if let Some(Some(warning)) = warning {
        result.set(string(scope, warning).into());
    }
}

fn number(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Result<i32> {
    values::int(scope, args.get(0)).ok_or_else(|| errors::node("ERR_INVALID_ARG_TYPE"))
}

fn set_min_proto(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        context.set_minimum(number(scope, &args)?);
        Ok(())
    });
}

fn set_max_proto(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        context.set_maximum(number(scope, &args)?);
        Ok(())
    });
}

fn protocol(scope: &mut Scope<'_, '_>, args: &Args<'_>, result: &mut Return<'_>, read: fn(&Context) -> i32) {
    if let Some((_, half)) = handle::receiver::<SecureContext>(scope, args.this()) {
        result.set_int32(half.context().map_or(0, |context| read(&context)));
    }
}

fn get_min_proto(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    protocol(scope, &args, &mut result, Context::minimum);
}

fn get_max_proto(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    protocol(scope, &args, &mut result, Context::maximum);
}

/// (bits)
fn set_options(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        let options = args.get(0).integer_value(scope).filter(|_| args.get(0).is_number());
        context.set_particular();
        context.set_options(options.ok_or_else(|| errors::node("ERR_INVALID_ARG_TYPE"))?.cast_unsigned());
        Ok(())
    });
}

/// (name)
fn set_session_id_context(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        let name = list(scope, &args)?;
        if context.set_session_context(&name) {
            return Ok(());
        }
        Err(Error::Node { class: errors::Class::Type, code: None, message: tls::errors_text() })
    });
}

/// (seconds)
fn set_session_timeout(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, context| {
        context.set_session_timeout(number(scope, &args)?);
        Ok(())
    });
}

/// This OpenSSL compresses nothing; `getCertificateCompressionAlgorithms` says so.
fn set_certificate_compression(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    crate::binding::unsupported_feature(scope, "certificateCompression");
}

fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, half)) = handle::receiver::<SecureContext>(scope, args.this()) {
        let before = half.context.take();
        drop(before);
    }
}

/// (bundle, passphrase)
fn load_pkcs12(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, context| {
        let failure = |message| errors::coded("ERR_CRYPTO_OPERATION_FAILED", message);
        if args.length() < 1 {
            return Err(errors::coded("ERR_MISSING_ARGS", "PFX certificate argument is mandatory"));
        }
        let bundle = text(scope, args.get(0))?.ok_or_else(|| failure("Unable to load PFX certificate"))?;
        let passphrase = match args.length() {
            1 => Vec::new(),
            _ => values::required(args.get(1), "Pass phrase")?,
        };
        let set = context.set_bundle(&bundle, &up_to_nul(&passphrase), || roots::make(scope, env));
        set.map_err(|bad| {
            let stack = match bad {
                BadBundle::NoKey => return failure("Unable to load private key from PFX data"),
                BadBundle::NoCertificate => return failure("Unable to load certificate from PFX data"),
                BadBundle::Failed(stack) => stack,
            };
            let reason = stack.errors().first().and_then(|error| error.reason()).unwrap_or("Unknown error");
            match reason {
                "unsupported" => {
                    errors::coded("ERR_CRYPTO_UNSUPPORTED_OPERATION", "Unsupported PKCS12 PFX data")
                }
                _ => errors::plain(reason),
            }
        })
    });
}

/// (48 bytes)
fn set_ticket_keys(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let set = change(scope, &args, |_, _, context| {
        let bytes = values::required(args.get(0), "ticketKeys")?;
        let keys: [u8; TICKET_KEYS] = bytes.try_into().map_err(|_| errors::node("ERR_INVALID_ARG_VALUE"))?;
        context.set_ticket_keys(keys);
        Ok(())
    });
    if set.is_some() {
        result.set_bool(true);
    }
}

fn enable_ticket_key_callback(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, context| {
        context.ask_for_ticket_keys();
        Ok(())
    });
}

fn get_ticket_keys(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, half)) = handle::receiver::<SecureContext>(scope, args.this()) else { return };
    let Some(context) = half.context() else { return unusable().throw(scope) };
    if let Some(buffer) = values::buffer(scope, &env, &context.ticket_keys()) {
        result.set(buffer);
    }
}

fn certificate(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    result: &mut Return<'_>,
    read: fn(&Context) -> Option<X509>,
) {
    let Some((env, half)) = handle::receiver::<SecureContext>(scope, args.this()) else { return };
    let encoded = half.context().and_then(|context| read(&context)?.to_der().ok());
    match encoded {
        Some(encoded) => {
            if let Some(buffer) = values::buffer(scope, &env, &encoded) {
                result.set(buffer);
            }
        }
        None => result.set_null(),
    }
}

fn get_certificate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    certificate(scope, &args, &mut result, Context::certificate);
}

fn get_issuer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    certificate(scope, &args, &mut result, Context::issuer);
}

/// There is no native code in a VM that could take it.
fn external(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_null();
}

/// -> names
fn get_ciphers(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let mut ciphers = tls::ciphers();
    // Those of the newest version are named in two ways.
    let newest = ["aes_256_gcm_sha384", "chacha20_poly1305_sha256", "aes_128_gcm_sha256"];
    let more = ["aes_128_ccm_8_sha256", "aes_128_ccm_sha256"];
    ciphers.extend(newest.iter().chain(&more).map(|name| format!("tls_{name}")));
    result.set(values::names(scope, &ciphers));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_sides_and_versions() {
        assert_eq!(method("TLSv1_2_server_method", 0).unwrap(), (Side::Server, TLS_1_2, TLS_1_2));
        assert_eq!(method("SSLv23_method", TLS_1).unwrap(), (Side::Both, TLS_1, TLS_1_2));
        assert_eq!(method("TLS_client_method", TLS_1).unwrap(), (Side::Client, 0, TLS_1_3));
        for none in ["SSLv2_method", "SSLv3_client_method", "TLSv1_3_method", "TLS", ""] {
            assert!(method(none, 0).is_err(), "{none}");
        }
    }
}
