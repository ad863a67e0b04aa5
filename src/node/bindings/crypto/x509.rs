//! Certificates: `X509Certificate`, and what comes in a PKCS #12 bundle.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::{Scope, string};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::x509::{X509, X509NameRef, X509VerifyResult};

use super::super::messaging::{self, Native, Transferable};
use super::curves;
use super::encoding;
use super::errors::{self, Result};
use super::keys::{self, KeyData};
use super::ossl::certificate::{self, Found, Kind};
use super::ossl::pkey::{self, Key};
use super::values;
use crate::binding::{Args, Class, Function, Return, functions, get, set, set_number};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "createX509CertificateClass" => create_class,
    "isX509Certificate" => is_certificate,
    "parseX509" => parse,
};

/// The native half of a certificate: it, and those behind it that lead to one that is trusted.
#[derive(Clone)]
struct Certificate(X509, Vec<X509>);

/// The library's class of certificates.
#[derive(Default)]
struct LibraryClass(RefCell<Option<v8::Global<v8::Function>>>);

/// A certificate on its way to another thread.
struct SentCertificate(Certificate);

impl Native for SentCertificate {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let Certificate(certificate, issuers) = self.0;
        let handle = wrap(scope, env, certificate, issuers)?;
        let class = env.state::<LibraryClass>().0.borrow().clone()?;
        let class = v8::Local::new(scope, &class);
        class.new_instance(scope, &[handle])
    }
}

impl Transferable for Certificate {
    const IS_COPIED: bool = true;

    fn send(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn messaging::Native>> {
        Some(Box::new(SentCertificate(self.clone())))
    }
}

/// Under which the class of handles is kept, from which the library makes its objects.
const TEMPLATE: &str = "crypto.CertificateHandle";

/// (callback) -> what the library makes of the class
fn create_class<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let made = (|| {
        let env = Env::of(scope)?;
        let callback: v8::Local<v8::Function> = args.get(0).try_cast().ok()?;
        let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
        let class = Class::new(scope, "X509Certificate", constructor)?;
        class.methods(
            scope,
            functions! {
                "subject" => subject,
                "subjectAltName" => subject_alt_name,
                "issuer" => issuer,
                "infoAccess" => info_access,
                "validFrom" => valid_from,
                "validTo" => valid_to,
                "validFromDate" => valid_from_date,
                "validToDate" => valid_to_date,
                "fingerprint" => fingerprint,
                "fingerprint256" => fingerprint256,
                "fingerprint512" => fingerprint512,
                "keyUsage" => key_usage,
                "serialNumber" => serial_number,
                "signatureAlgorithm" => signature_algorithm,
                "signatureAlgorithmOid" => signature_algorithm_oid,
                "raw" => raw,
                "publicKey" => public_key,
                "pem" => pem,
                "checkCA" => check_ca,
                "checkHost" => check_host,
                "checkEmail" => check_email,
                "checkIP" => check_ip,
                "checkIssued" => check_issued,
                "checkPrivateKey" => check_private_key,
                "verify" => verify,
                "toLegacy" => to_legacy,
                "getIssuerCert" => get_issuer_cert,
            },
        )?;
        class.keep(scope, &env, TEMPLATE);
        let class = class.template.get_function(scope)?;
        let receiver = v8::undefined(scope).into();
        let made = callback.call(scope, receiver, &[class.into()])?;
        if let Ok(classes) = made.try_cast::<v8::Array>()
            && let Ok(class) = classes.get_index(scope, 1)?.try_cast::<v8::Function>()
        {
            *env.state::<LibraryClass>().0.borrow_mut() = Some(v8::Global::new(scope, class));
        }
        messaging::register::<Certificate>(&env);
        Some(made)
    })();
    if let Some(made) = made {
        result.set(made);
    }
}

/// (bytes or a certificate)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let certificate = match of(scope, &env, args.get(0)) {
        Some(other) => Ok(other),
        None => encoded(args.get(0), "buffer").and_then(|bytes| {
            super::ossl::clear_errors();
            Ok(Rc::new(Certificate(certificate::read(&bytes)?, Vec::new())))
        }),
    };
    match certificate {
        Ok(certificate) => {
            let _ = values::attach(scope, &env, args.this(), certificate);
        }
        Err(error) => error.throw(scope),
    }
}

/// The certificate of an object.
fn of(scope: &mut Scope<'_, '_>, env: &Env, value: v8::Local<'_, v8::Value>) -> Option<Rc<Certificate>> {
    if value.is_array_buffer_view() || value.is_array_buffer() {
        return None;
    }
    handle::of::<Certificate>(scope, env, value.try_cast().ok()?)
}

/// A new handle of a certificate, and of those behind it.
pub(super) fn wrap<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    certificate: X509,
    issuers: Vec<X509>,
) -> Option<v8::Local<'s, v8::Value>> {
    if !env.templates.borrow().contains_key(TEMPLATE) {
        // The library makes the class when it is first asked for a certificate.
        env.require(scope, "internal/crypto/x509")?;
    }
    values::create(scope, env, TEMPLATE, Rc::new(Certificate(certificate, issuers)))
}

fn is_certificate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    result.set_bool(of(scope, &env, args.get(0)).is_some());
}

/// (bytes) -> a handle
fn parse<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    super::ossl::clear_errors();
    let read = encoded(args.get(0), "buffer").and_then(|bytes| Ok(certificate::read(&bytes)?));
    match read {
        Ok(certificate) => {
            if let Some(handle) = wrap(scope, &env, certificate, Vec::new()) {
                result.set(handle);
            }
        }
        Err(error) => error.throw(scope),
    }
}

/// The bytes of something encoded.
fn encoded(value: v8::Local<'_, v8::Value>, name: &str) -> Result<Vec<u8>> {
    let bytes = values::required(value, name)?;
    if bytes.len() > encoding::LENGTH_MAX {
        return Err(errors::coded("ERR_OUT_OF_RANGE", format!("{name} is too big")));
    }
    Ok(bytes)
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Certificate>)> {
    handle::receiver::<Certificate>(scope, args.this())
}

/// Gives a text; undefined where there is none.
fn text(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    result: &mut Return<'_>,
    read: impl FnOnce(&X509) -> Option<String>,
) {
    let Some((_, certificate)) = receiver(scope, args) else { return };
    if let Some(text) = read(&certificate.0) {
        result.set(string(scope, &text).into());
    }
}

fn subject(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| certificate::lines(certificate.subject_name()));
}

fn issuer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| certificate::lines(certificate.issuer_name()));
}

fn subject_alt_name(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| certificate::alternative_names(certificate));
}

fn info_access(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| certificate::information_access(certificate));
}

fn valid_from(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| Some(certificate::time_text(certificate.not_before())));
}

fn valid_to(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| Some(certificate::time_text(certificate.not_after())));
}

fn date(scope: &mut Scope<'_, '_>, result: &mut Return<'_>, milliseconds: Option<f64>) {
    if let Some(date) = milliseconds.and_then(|milliseconds| v8::Date::new(scope, milliseconds)) {
        result.set(date.into());
    }
}

fn valid_from_date(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, certificate)) = receiver(scope, &args) else { return };
    date(scope, &mut result, certificate::time_milliseconds(certificate.0.not_before()));
}

fn valid_to_date(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, certificate)) = receiver(scope, &args) else { return };
    date(scope, &mut result, certificate::time_milliseconds(certificate.0.not_after()));
}

fn digest(certificate: &X509, digest: MessageDigest) -> Option<String> {
    let bytes = certificate.digest(digest).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

fn fingerprint(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| digest(certificate, MessageDigest::sha1()));
}

fn fingerprint256(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| digest(certificate, MessageDigest::sha256()));
}

fn fingerprint512(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| digest(certificate, MessageDigest::sha512()));
}

fn key_usage(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, certificate)) = receiver(scope, &args) else { return };
    if let Some(usages) = certificate::extended_key_usage(&certificate.0) {
        result.set(values::names(scope, &usages));
    }
}

fn serial(certificate: &X509) -> Option<String> {
    let number = certificate.serial_number().to_bn().ok()?;
    Some(number.to_hex_str().ok()?.to_string())
}

fn serial_number(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, serial);
}

fn signature_algorithm(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| {
        let nid = certificate.signature_algorithm().object().nid();
        let name = if nid.as_raw() == 0 { None } else { nid.long_name().ok() };
        super::ossl::clear_errors();
        name.map(str::to_owned)
    });
}

fn signature_algorithm_oid(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| Some(certificate::signature_algorithm(certificate)));
}

fn raw(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, certificate)) = receiver(scope, &args) else { return };
    if let Ok(bytes) = certificate.0.to_der()
        && let Some(buffer) = values::buffer(scope, &env, &bytes)
    {
        result.set(buffer);
    }
}

fn pem(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    text(scope, &args, &mut result, |certificate| String::from_utf8(certificate.to_pem().ok()?).ok());
}

fn public_key<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, certificate)) = receiver(scope, &args) else { return };
    super::ossl::clear_errors();
    match certificate.0.public_key() {
        Ok(key) => {
            if let Some(handle) = keys::wrap(scope, &env, Rc::new(KeyData::Public(pkey::any(key)))) {
                result.set(handle);
            }
        }
        Err(stack) => errors::openssl(stack, "Failed to get the public key").throw(scope),
    }
}

fn check_ca(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, certificate)) = receiver(scope, &args) {
        result.set_bool(certificate::is_ca(&certificate.0));
    }
}

/// (name, flags) -> the name that the certificate is for
fn check<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>, result: &mut Return<'s>, kind: Kind, invalid: &str) {
    let Some((_, certificate)) = receiver(scope, args) else { return };
    let Some(name) = values::name(scope, args.get(0)) else { return };
    let flags = args.get(1).uint32_value(scope).unwrap_or(0);
    match certificate::check_name(&certificate.0, kind, &name, flags) {
        Found::Yes(Some(found)) => result.set(string(scope, &found).into()),
        Found::Yes(None) => result.set(args.get(0)),
        Found::No => {}
        Found::Invalid => errors::coded("ERR_INVALID_ARG_VALUE", invalid).throw(scope),
        Found::Failed => errors::node("ERR_CRYPTO_OPERATION_FAILED").throw(scope),
    }
}

fn check_host<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    check(scope, &args, &mut result, Kind::Host, "Invalid name");
}

fn check_email<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    check(scope, &args, &mut result, Kind::Email, "Invalid name");
}

fn check_ip<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    check(scope, &args, &mut result, Kind::Address, "Invalid name");
}

/// (certificate) -> whether that one has issued this one
fn check_issued(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, certificate)) = receiver(scope, &args) else { return };
    let other = of(scope, &env, args.get(0));
    let issued = other.is_some_and(|other| other.0.issued(&certificate.0) == X509VerifyResult::OK);
    super::ossl::clear_errors();
    result.set_bool(issued);
}

fn asymmetric(scope: &mut Scope<'_, '_>, env: &Env, value: v8::Local<'_, v8::Value>) -> Option<Key> {
    keys::of(scope, env, value)?.asymmetric().cloned()
}

/// (handle of a key)
fn check_private_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, certificate)) = receiver(scope, &args) else { return };
    let key = asymmetric(scope, &env, args.get(0));
    result.set_bool(key.is_some_and(|key| certificate::matches(&certificate.0, &key)));
}

/// (handle of a key)
fn verify(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, certificate)) = receiver(scope, &args) else { return };
    let key = asymmetric(scope, &env, args.get(0));
    let verified = key.is_some_and(|key| certificate.0.verify(&key).unwrap_or(false));
    super::ossl::clear_errors();
    result.set_bool(verified);
}

/// The certificate of whoever issued it, where TLS has brought one.
fn get_issuer_cert(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, certificate)) = receiver(scope, &args) else { return };
    if let Some((issuer, others)) = certificate.1.split_first()
        && let Some(handle) = wrap(scope, &env, issuer.clone(), others.to_vec())
    {
        result.set(handle);
    }
}

/// A name as an object: parts of the same kind are in an array.
fn name_object<'s>(scope: &mut Scope<'s, '_>, name: &X509NameRef) -> Option<v8::Local<'s, v8::Value>> {
    let null = v8::null(scope).into();
    let object = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    for entry in name.entries() {
        let nid = entry.object().nid();
        let key = match nid.short_name() {
            Ok(key) if nid.as_raw() != 0 => key.to_owned(),
            _ => entry.object().to_string(),
        };
        let value = match entry.data().to_string() {
            Ok(value) => string(scope, &value).into(),
            Err(_) => continue,
        };
        let known = get(scope, object, &key)?;
        if let Ok(list) = known.try_cast::<v8::Array>() {
            list.set_index(scope, list.length(), value)?;
        } else if known.is_undefined() {
            set(scope, object, &key, value)?;
        } else {
            let list = v8::Array::new_with_elements(scope, &[known, value]);
            set(scope, object, &key, list.into())?;
        }
    }
    super::ossl::clear_errors();
    Some(object.into())
}

/// All that is known of it in one object, as TLS shows certificates.
fn to_legacy<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, certificate)) = receiver(scope, &args) else { return };
    if let Some(object) = legacy(scope, &env, &certificate.0) {
        result.set(object.into());
    }
}

pub(super) fn legacy<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    certificate: &X509,
) -> Option<v8::Local<'s, v8::Object>> {
    let object = v8::Object::new(scope);
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let put = |scope: &mut Scope<'s, '_>, name: &str, text: Option<String>| {
        let value = text.map_or(undefined, |text| string(scope, &text).into());
        set(scope, object, name, value)
    };
    let subject = name_object(scope, certificate.subject_name())?;
    set(scope, object, "subject", subject)?;
    let issuer = name_object(scope, certificate.issuer_name())?;
    set(scope, object, "issuer", issuer)?;
    put(scope, "subjectaltname", certificate::alternative_names(certificate))?;
    put(scope, "infoAccess", certificate::information_access(certificate))?;
    let ca = v8::Boolean::new(scope, certificate::is_ca(certificate)).into();
    set(scope, object, "ca", ca)?;
    let key = certificate.public_key().ok().map(pkey::any);
    let kind = key.as_ref().map(keys::type_name).unwrap_or_default();
    let (mut modulus, mut exponent, mut public, mut bits, mut curve) = (None, None, None, None, None);
    if let Some(key) = &key {
        match kind.as_str() {
            "rsa" | "rsa-pss" => {
                modulus = pkey::number(key, c"n").and_then(|n| Some(n.to_hex_str().ok()?.to_string()));
                exponent = pkey::number(key, c"e").map(|e| {
                    let word = e.to_vec().iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
                    format!("0x{word:x}")
                });
                public = key.public_key_to_der().ok();
                bits = Some(key.bits());
            }
            "ec" => {
                curve = encoding::curve_of(key);
                public = encoding::ec_point(key, openssl::ec::PointConversionForm::UNCOMPRESSED).ok();
                bits = Some(key.bits());
            }
            _ => {}
        }
    }
    put(scope, "modulus", modulus)?;
    put(scope, "exponent", exponent)?;
    match public {
        Some(public) => {
            let buffer = values::buffer(scope, env, &public)?;
            set(scope, object, "pubkey", buffer)?;
        }
        None => set(scope, object, "pubkey", undefined)?,
    }
    match bits {
        Some(bits) => set_number(scope, object, "bits", bits.into())?,
        None => set(scope, object, "bits", undefined)?,
    }
    put(scope, "valid_from", Some(certificate::time_text(certificate.not_before())))?;
    put(scope, "valid_to", Some(certificate::time_text(certificate.not_after())))?;
    put(scope, "fingerprint", digest(certificate, MessageDigest::sha1()))?;
    put(scope, "fingerprint256", digest(certificate, MessageDigest::sha256()))?;
    put(scope, "fingerprint512", digest(certificate, MessageDigest::sha512()))?;
    match certificate::extended_key_usage(certificate) {
        Some(usages) => {
            let usages = values::names(scope, &usages);
            set(scope, object, "ext_key_usage", usages)?;
        }
        None => set(scope, object, "ext_key_usage", undefined)?,
    }
    put(scope, "serialNumber", serial(certificate))?;
    let raw = values::buffer(scope, env, &certificate.to_der().ok()?)?;
    set(scope, object, "raw", raw)?;
    put(scope, "asn1Curve", curve.and_then(|curve| curve.short_name().ok()).map(str::to_owned))?;
    let nist = curve.and_then(curves::jwk_name).filter(|name| name.starts_with("P-"));
    put(scope, "nistCurve", nist.map(str::to_owned))?;
    Some(object)
}

/// (bundle, passphrase) -> [handle of a key, of its certificate, of the others]
pub(super) fn parse_pkcs12<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let parsed = (|| -> Result<_> {
        let bundle = encoded(args.get(0), "bundle")?;
        let passphrase = values::optional(args.get(1))?;
        let passphrase = String::from_utf8(passphrase).ok().filter(|text| !text.contains('\0'));
        let passphrase = passphrase.ok_or_else(|| errors::node("ERR_INVALID_ARG_VALUE"))?;
        super::ossl::clear_errors();
        let bundle = Pkcs12::from_der(&bundle).map_err(|_: ErrorStack| {
            errors::coded("ERR_CRYPTO_OPERATION_FAILED", "Input is not a valid PKCS#12 structure")
        })?;
        Ok(bundle.parse2(&passphrase)?)
    })();
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return error.throw(scope),
    };
    super::ossl::clear_errors();
    let made = (|| {
        let null: v8::Local<v8::Value> = v8::null(scope).into();
        let key = match parsed.pkey {
            Some(key) => keys::wrap(scope, &env, Rc::new(KeyData::Private(key)))?,
            None => null,
        };
        let certificate = match parsed.cert {
            Some(certificate) => wrap(scope, &env, certificate, Vec::new())?,
            None => null,
        };
        let mut others = Vec::new();
        for certificate in parsed.ca.into_iter().flatten() {
            others.push(wrap(scope, &env, certificate, Vec::new())?);
        }
        let others = v8::Array::new_with_elements(scope, &others).into();
        Some(v8::Array::new_with_elements(scope, &[key, certificate, others]))
    })();
    if let Some(made) = made {
        result.set(made.into());
    }
}
