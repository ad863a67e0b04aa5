//! Keys: `KeyObjectHandle`, and how functions take keys as arguments.

use std::cell::RefCell;
use std::rc::Rc;

use foreign_types_shared::ForeignType as _;
use isolate::library::{Scope, string};
use openssl::ec::PointConversionForm;
use openssl::nid::Nid;

use super::super::messaging::{self, Native, Transferable};
use super::curves;
use super::encoding::{self, Format};
use super::errors::{self, Error, Result};
use super::jwk;
use super::ossl::pkey::{self, Key};
use super::values;
use crate::binding::{Args, Class, Function, Return, functions, set, set_number};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! { "parsePKCS12" => super::x509::parse_pkcs12, };

/// A key. It never changes.
#[derive(Clone)]
pub(crate) enum KeyData {
    Secret(Vec<u8>),
    Public(Key),
    Private(Key),
}

impl KeyData {
    /// `kKeyType*`.
    pub fn kind(&self) -> u32 {
        match self {
            KeyData::Secret(_) => 0,
            KeyData::Public(_) => 1,
            KeyData::Private(_) => 2,
        }
    }

    /// The key, if it is one of two halves.
    pub fn asymmetric(&self) -> Option<&Key> {
        match self {
            KeyData::Secret(_) => None,
            KeyData::Public(key) | KeyData::Private(key) => Some(key),
        }
    }

    fn expect_asymmetric(&self) -> Result<&Key> {
        self.asymmetric().ok_or_else(|| errors::node("ERR_CRYPTO_INVALID_KEYTYPE"))
    }
}

/// The native half of a `KeyObjectHandle`.
#[derive(Default)]
pub(crate) struct KeyHandle {
    data: RefCell<Option<Rc<KeyData>>>,
}

impl Native for KeyData {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        let half = KeyHandle { data: RefCell::new(Some(Rc::new(*self))) };
        handle::create(scope, env, TEMPLATE, Rc::new(half))
    }
}

impl Transferable for KeyHandle {
    const IS_COPIED: bool = true;

    fn send(&self, scope: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn Native>> {
        let data = self.data.borrow().as_deref().cloned();
        if data.is_none() {
            let message = string(scope, "Cannot clone object of unsupported type.");
            messaging::throw_clone_error(scope, message.into());
        }
        Some(Box::new(data?))
    }
}

/// Under which the class is kept.
const TEMPLATE: &str = "crypto.KeyObjectHandle";

pub(super) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "KeyObjectHandle", constructor)?;
    class.methods(
        scope,
        functions! {
            "init" => init,
            "getKeyType" => get_key_type,
            "getSymmetricKeySize" => get_symmetric_key_size,
            "getAsymmetricKeyType" => get_asymmetric_key_type,
            "checkEcKeyData" => check_ec_key_data,
            "export" => export,
            "exportJwk" => export_jwk,
            "rawPublicKey" => raw_public_key,
            "rawPrivateKey" => raw_private_key,
            "rawSeed" => raw_seed,
            "exportECPublicRaw" => export_ec_public_raw,
            "exportECPrivateRaw" => export_ec_private_raw,
            "exportECPrivatePkcs8" => export_ec_private_pkcs8,
            "keyDetail" => key_detail,
            "equals" => equals,
        },
    )?;
    class.keep(scope, env, TEMPLATE);
    messaging::register::<KeyHandle>(env);
    class.publish(scope, binding, "KeyObjectHandle")
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    if let Some(env) = Env::of(scope) {
        let _ = values::attach(scope, &env, args.this(), Rc::new(KeyHandle::default()));
    }
}

/// A new handle of a key.
pub(crate) fn wrap<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    data: Rc<KeyData>,
) -> Option<v8::Local<'s, v8::Value>> {
    values::create(scope, env, TEMPLATE, Rc::new(KeyHandle { data: RefCell::new(Some(data)) }))
}

/// The key of a handle.
pub(crate) fn of(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    value: v8::Local<'_, v8::Value>,
) -> Option<Rc<KeyData>> {
    let object: v8::Local<v8::Object> = value.try_cast().ok()?;
    if value.is_array_buffer_view() || value.is_array_buffer() {
        return None;
    }
    handle::of::<KeyHandle>(scope, env, object)?.data.borrow().clone()
}

/// The bytes of a secret key: of a handle, or as they are.
pub(crate) fn secret(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    value: v8::Local<'_, v8::Value>,
) -> Result<Vec<u8>> {
    match of(scope, env, value).as_deref() {
        Some(KeyData::Secret(bytes)) if !isolate::library::memory_for(bytes.len()) => {
            Err(errors::no_memory())
        }
        Some(KeyData::Secret(bytes)) => Ok(bytes.clone()),
        Some(_) => Err(errors::node("ERR_CRYPTO_INVALID_KEYTYPE")),
        None => values::required(value, "key"),
    }
}

/// The arguments from this one on that say a key: data, format, type, passphrase, curve. There are five of them.
pub(crate) fn argument(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    args: &Args<'_>,
    index: i32,
    private: bool,
) -> Result<Rc<KeyData>> {
    let key = match of(scope, env, args.get(index)) {
        Some(key) => key,
        None => parse(scope, args, index, private, true)?,
    };
    match (&*key, private) {
        (KeyData::Private(_), _) | (KeyData::Public(_), false) => Ok(key),
        _ => Err(errors::node("ERR_CRYPTO_INVALID_KEYTYPE")),
    }
}

/// Reads a key in the arguments from this one on.
fn parse(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    index: i32,
    private: bool,
    either: bool,
) -> Result<Rc<KeyData>> {
    let format =
        Format::of(scope, args.get(index + 1)).ok_or_else(|| errors::node("ERR_INVALID_ARG_VALUE"))?;
    match format {
        Format::Jwk => {
            let object: v8::Local<v8::Object> =
                args.get(index).try_cast().map_err(|_| errors::node("ERR_CRYPTO_INVALID_JWK"))?;
            jwk::import(scope, object, private, either).map(Rc::new)
        }
        Format::RawPublic | Format::RawPrivate | Format::RawSeed => {
            let bytes = values::required(args.get(index), "key")?;
            let kind = values::name(scope, args.get(index + 2)).unwrap_or_default();
            let curve = values::name(scope, args.get(index + 4));
            let key = encoding::from_raw(format, &bytes, &kind, curve.as_deref())?;
            Ok(Rc::new(match format {
                Format::RawPublic if private => return Err(errors::node("ERR_CRYPTO_INVALID_KEYTYPE")),
                Format::RawPublic => KeyData::Public(key),
                _ => KeyData::Private(key),
            }))
        }
        Format::Store => {
            Err(errors::coded("ERR_CORDON_UNSUPPORTED", "Keys cannot be taken from a store in a cordon VM"))
        }
        Format::Pem | Format::Der => {
            let bytes = values::required(args.get(index), "key")?;
            if bytes.len() > encoding::LENGTH_MAX {
                return Err(errors::coded("ERR_OUT_OF_RANGE", "key is too big"));
            }
            let kind = encoding::Type::of(scope, args.get(index + 2));
            let passphrase = values::bytes(args.get(index + 3))?;
            let data = if private {
                KeyData::Private(encoding::private(&bytes, format, kind, passphrase.as_deref())?)
            } else {
                encoding::either(&bytes, format, kind, passphrase.as_deref())?
            };
            Ok(Rc::new(data))
        }
    }
}

/// The receiver of a method, and its key. `None` with an exception pending where there is none.
fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<KeyData>)> {
    let (env, handle) = handle::receiver::<KeyHandle>(scope, args.this())?;
    let data = handle.data.borrow().clone();
    if data.is_none() {
        errors::node("ERR_CRYPTO_INVALID_STATE").throw(scope);
    }
    Some((env, data?))
}

/// (type, data, format, type of encoding, passphrase, curve)
fn init(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, handle)) = handle::receiver::<KeyHandle>(scope, args.this()) else { return };
    let made = (|| match args.get(0).uint32_value(scope) {
        Some(0) => {
            if matches!(Format::of(scope, args.get(2)), Some(Format::Jwk)) {
                let object: v8::Local<v8::Object> =
                    args.get(1).try_cast().map_err(|_| errors::node("ERR_CRYPTO_INVALID_JWK"))?;
                return jwk::import_secret(scope, object).map(Rc::new);
            }
            if let Some(key) = of(scope, &env, args.get(1)) {
                return Ok(key);
            }
            values::required(args.get(1), "key").map(|bytes| Rc::new(KeyData::Secret(bytes)))
        }
        Some(1) => {
            let key = argument(scope, &env, &args, 1, false)?;
            match &*key {
                KeyData::Private(key) => Ok(Rc::new(KeyData::Public(encoding::public_half(key)))),
                _ => Ok(key),
            }
        }
        Some(2) => argument(scope, &env, &args, 1, true),
        _ => Err(errors::node("ERR_CRYPTO_INVALID_KEYTYPE")),
    })();
    match made {
        Ok(data) => *handle.data.borrow_mut() = Some(data),
        Err(error) => error.throw(scope),
    }
}

fn get_key_type(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, key)) = receiver(scope, &args) {
        result.set(v8::Integer::new_from_unsigned(scope, key.kind()).into());
    }
}

fn get_symmetric_key_size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, key)) = receiver(scope, &args) else { return };
    match &*key {
        KeyData::Secret(bytes) => result.set(v8::Number::new(scope, bytes.len() as f64).into()),
        _ => errors::node("ERR_CRYPTO_INVALID_KEYTYPE").throw(scope),
    }
}

/// The name of a key's type, as Node has it.
pub(crate) fn type_name(key: &Key) -> String {
    let name = pkey::type_name(key).to_lowercase();
    if name == "dhx" { "dh".to_owned() } else { name }
}

fn get_asymmetric_key_type(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, key)) = receiver(scope, &args) else { return };
    match key.expect_asymmetric() {
        Ok(key) => result.set(string(scope, &type_name(key)).into()),
        Err(error) => error.throw(scope),
    }
}

fn check_ec_key_data(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, key)) = receiver(scope, &args) else { return };
    let sound = match &*key {
        KeyData::Secret(_) => false,
        KeyData::Public(key) => pkey::is_sound(key, false),
        KeyData::Private(key) => pkey::is_sound(key, true),
    };
    result.set_bool(sound);
}

/// What a method gives.
pub(crate) fn give<'s>(
    scope: &mut Scope<'s, '_>,
    result: &mut Return<'s>,
    made: Result<Option<v8::Local<'s, v8::Value>>>,
) {
    match made {
        Ok(Some(value)) => result.set(value),
        Ok(None) => {}
        Err(error) => error.throw(scope),
    }
}

/// (format, type, cipher, passphrase) -> the key, encoded
fn export<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, key)) = receiver(scope, &args) else { return };
    let made = match &*key {
        KeyData::Secret(bytes) => Ok(values::buffer(scope, &env, bytes)),
        KeyData::Public(_) | KeyData::Private(_) => {
            encoding::Target::of(scope, &args, 0, matches!(&*key, KeyData::Private(_)))
                .and_then(|target| target.write(scope, &env, &key))
        }
    };
    give(scope, &mut result, made);
}

/// (object, whether keys for RSA-PSS alone are written as RSA's)
fn export_jwk<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, key)) = receiver(scope, &args) else { return };
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else { return };
    match jwk::export(scope, object, &key, args.get(1).is_true()) {
        Ok(()) => result.set(args.get(0)),
        Err(error) => error.throw(scope),
    }
}

fn incompatible() -> Error {
    encoding::incompatible()
}

fn raw(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    result: &mut Return<'_>,
    read: impl FnOnce(&KeyData) -> Result<Vec<u8>>,
) {
    let Some((env, key)) = receiver(scope, args) else { return };
    match read(&key) {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

fn raw_public_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    raw(scope, &args, &mut result, |key| encoding::raw_public(key.expect_asymmetric()?));
}

fn raw_private_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    raw(scope, &args, &mut result, |key| match key {
        KeyData::Private(key) => encoding::raw_private(key),
        _ => Err(incompatible()),
    });
}

fn raw_seed(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    raw(scope, &args, &mut result, |key| match key {
        KeyData::Private(key) => encoding::raw_seed(key),
        _ => Err(incompatible()),
    });
}

/// (form)
fn export_ec_public_raw(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let form = point_form(scope, args.get(0));
    raw(scope, &args, &mut result, |key| encoding::ec_point(key.expect_asymmetric()?, form));
}

fn export_ec_private_raw(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    raw(scope, &args, &mut result, |key| match key {
        KeyData::Private(key) => encoding::ec_scalar(key),
        _ => Err(incompatible()),
    });
}

fn export_ec_private_pkcs8(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    raw(scope, &args, &mut result, |key| match key {
        KeyData::Private(key) => encoding::ec_pkcs8(key),
        _ => Err(incompatible()),
    });
}

/// How a point is written: `POINT_CONVERSION_*`.
pub(crate) fn point_form(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> PointConversionForm {
    match value.uint32_value(scope) {
        Some(2) => PointConversionForm::COMPRESSED,
        Some(6) => PointConversionForm::HYBRID,
        _ => PointConversionForm::UNCOMPRESSED,
    }
}

/// The name of a digest in a key's parameters, as Node has it.
fn digest_name(name: &str) -> String {
    super::ossl::digest::fetch(name)
        .and_then(|md| Nid::from_raw(super::ossl::digest::nid(&md)).long_name().ok().map(str::to_owned))
        .unwrap_or_else(|| name.to_lowercase())
}

/// (object): writes what is known of the key
fn key_detail<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, key)) = receiver(scope, &args) else { return };
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else { return };
    if let Err(error) = write_detail(scope, object, &key) {
        return error.throw(scope);
    }
    result.set(args.get(0));
}

fn write_detail(scope: &mut Scope<'_, '_>, object: v8::Local<'_, v8::Object>, key: &KeyData) -> Result<()> {
    let key = match key {
        KeyData::Secret(bytes) => {
            return set_number(scope, object, "length", bytes.len() as f64 * 8.0).ok_or(Error::Pending);
        }
        KeyData::Public(key) | KeyData::Private(key) => key,
    };
    let written = match type_name(key).as_str() {
        name @ ("rsa" | "rsa-pss") => (|| {
            set_number(scope, object, "modulusLength", key.bits().into())?;
            let exponent = pkey::number(key, c"e")?.to_vec();
            let exponent = values::array_buffer(scope, &exponent)?;
            set(scope, object, "publicExponent", exponent)?;
            let salt = pkey::int(key, c"saltlen");
            if name == "rsa-pss"
                && let Some(salt) = salt
            {
                // What is not written there is SHA-1.
                let hash = pkey::text(key, c"digest").unwrap_or_else(|| "sha1".to_owned());
                let mask = pkey::text(key, c"mgf1-digest").unwrap_or_else(|| "sha1".to_owned());
                for (name, digest) in [("hashAlgorithm", hash), ("mgf1HashAlgorithm", mask)] {
                    let digest = string(scope, &digest_name(&digest)).into();
                    set(scope, object, name, digest)?;
                }
                set_number(scope, object, "saltLength", salt.into())?;
            }
            Some(())
        })(),
        "dsa" => (|| {
            set_number(scope, object, "modulusLength", pkey::number(key, c"p")?.num_bits().into())?;
            set_number(scope, object, "divisorLength", pkey::number(key, c"q")?.num_bits().into())
        })(),
        "ec" => match encoding::curve_of(key).and_then(|nid| nid.short_name().ok()) {
            Some(name) => {
                let name = string(scope, name).into();
                set(scope, object, "namedCurve", name)
            }
            None => Some(()),
        },
        _ => Some(()),
    };
    written.ok_or_else(|| errors::node("ERR_CRYPTO_OPERATION_FAILED"))
}

/// (handle) -> whether it is of the same key
fn equals(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, key)) = receiver(scope, &args) else { return };
    let other = of(scope, &env, args.get(0));
    let equal = match (&*key, other.as_deref()) {
        (KeyData::Secret(one), Some(KeyData::Secret(other))) => {
            one.len() == other.len() && openssl::memcmp::eq(one, other)
        }
        (KeyData::Public(one), Some(KeyData::Public(other)))
        | (KeyData::Private(one), Some(KeyData::Private(other))) => {
            let equal = one.as_ptr() == other.as_ptr() || one.public_eq(other);
            super::ossl::clear_errors();
            equal
        }
        _ => false,
    };
    result.set_bool(equal);
}

/// A curve's name, if it is one.
pub(crate) fn curve(name: Option<&str>) -> Result<Nid> {
    curves::find(name.unwrap_or_default())
}
