//! `Cipheriv` and `Decipheriv`.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::{Scope, memory_for, string};

use super::errors::{self, Error, Result};
use super::keys;
use super::ossl::cipher::{self, Cipher, Context, Mode};
use super::ossl::params::Params;
use super::values;
use crate::binding::{Args, Class, Function, Return, functions, set};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "getCipherInfo" => get_cipher_info,
    "getSSLCiphers" => get_ssl_ciphers,
};

/// Where a tag is that a program has given.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tag {
    Unknown,
    Given(Vec<u8>),
    Passed,
}

/// What a cipher is in the midst of.
struct State {
    context: Option<Context>,
    mode: Mode,
    encrypts: bool,
    authenticated: bool,
    tag: Tag,
    /// Of the tag that was made.
    made: Option<Vec<u8>>,
    tag_length: Option<usize>,
    /// In CCM: longest message, and whether the tag was found to be wrong.
    message_max: usize,
    has_failed: bool,
    has_begun: bool,
}

/// The native half of a `CipherBase`.
struct CipherBase(RefCell<State>);

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "CipherBase", constructor)?;
    class.methods(
        scope,
        functions! {
            "update" => update,
            "final" => finish,
            "setAutoPadding" => set_auto_padding,
            "getAuthTag" => get_auth_tag,
            "setAuthTag" => set_auth_tag,
            "setAAD" => set_aad,
        },
    )?;
    class.publish(scope, binding, "CipherBase")
}

/// Whether a cipher says whether a message is what was encrypted.
pub(super) fn is_authenticated(cipher: &Cipher) -> bool {
    matches!(cipher.mode(), Mode::Gcm | Mode::Ccm | Mode::Ocb | Mode::Siv | Mode::GcmSiv)
        || cipher.is_chacha20_poly1305()
}

/// Lengths of a tag that GCM has.
pub(super) fn is_gcm_tag_length(length: usize) -> bool {
    length == 4 || length == 8 || (12..=16).contains(&length)
}

fn invalid_tag(length: usize) -> Error {
    errors::coded("ERR_CRYPTO_INVALID_AUTH_TAG", format!("Invalid authentication tag length: {length}"))
}

/// The longest IV of any cipher.
const IV_MAX: usize = 1 << 16;

/// The cipher of that name.
pub(super) fn find(name: &str) -> Result<Cipher> {
    match Cipher::fetch(name) {
        Some(cipher) if cipher.nid() != 0 || !cipher.name().eq_ignore_ascii_case("null") => Ok(cipher),
        _ if cipher::is_known(name) => Err(errors::unsupported()),
        _ => Err(errors::node("ERR_CRYPTO_UNKNOWN_CIPHER")),
    }
}

fn begin(
    encrypts: bool,
    name: &str,
    key: &[u8],
    iv: Option<Vec<u8>>,
    tag_length: Option<usize>,
    cts: Option<String>,
    xts: Option<String>,
) -> Result<State> {
    let cipher = find(name)?;
    let mode = cipher.mode();
    let authenticated = is_authenticated(&cipher);
    let iv = iv.unwrap_or_default();
    let expected = cipher.iv_length();
    let invalid_iv = || errors::node("ERR_CRYPTO_INVALID_IV");
    if iv.is_empty() && expected != 0 || iv.len() > IV_MAX {
        return Err(invalid_iv());
    }
    if iv.len() != expected && (!authenticated || mode == Mode::Siv || mode == Mode::GcmSiv) {
        return Err(invalid_iv());
    }
    if cipher.is_chacha20_poly1305() && iv.len() > 12 {
        return Err(invalid_iv());
    }
    let mut context = Context::new(&cipher, encrypts)
        .map_err(|stack| errors::openssl_whole(stack, "Failed to initialize cipher"))?;
    for (value, option, parameter) in [(cts, "ctsMode", c"cts_mode"), (xts, "xtsStandard", c"xts_standard")] {
        let Some(value) = value else { continue };
        if !context.has_parameter(parameter) {
            return Err(errors::coded(
                "ERR_CRYPTO_UNSUPPORTED_OPERATION",
                format!("{name} does not support the {option} option"),
            ));
        }
        context
            .set_params(&Params::new().text(parameter, &value))
            .map_err(|stack| errors::openssl_whole(stack, "Failed to initialize cipher"))?;
    }
    let mut state = State {
        context: None,
        mode,
        encrypts,
        authenticated,
        tag: Tag::Unknown,
        made: None,
        tag_length: None,
        message_max: usize::MAX,
        has_failed: false,
        has_begun: false,
    };
    if authenticated {
        if mode != Mode::Siv && mode != Mode::GcmSiv && context.set_iv_length(iv.len()).is_err() {
            return Err(invalid_iv());
        }
        state.tag_length = match mode {
            Mode::Gcm => match tag_length {
                Some(length) if !is_gcm_tag_length(length) => return Err(invalid_tag(length)),
                length => length,
            },
            Mode::Siv | Mode::GcmSiv => match tag_length {
                Some(length) if length != 16 => return Err(invalid_tag(length)),
                _ => Some(16),
            },
            _ => {
                let length = match tag_length {
                    Some(length) => length,
                    None if cipher.is_chacha20_poly1305() => 16,
                    None => {
                        return Err(errors::coded(
                            "ERR_CRYPTO_INVALID_AUTH_TAG",
                            format!("authTagLength required for {name}"),
                        ));
                    }
                };
                if context.set_tag_length(length).is_err() {
                    return Err(invalid_tag(length));
                }
                Some(length)
            }
        };
        if mode == Mode::Ccm {
            state.message_max = match iv.len() {
                12 => 16_777_215,
                13 => 65_535,
                _ => i32::MAX as usize,
            };
        }
    }
    if context.set_key_length(key.len()).is_err() {
        return Err(errors::node("ERR_CRYPTO_INVALID_KEYLEN"));
    }
    super::ossl::clear_errors();
    let iv = (!iv.is_empty()).then_some(iv.as_slice());
    context
        .start(Some(key), iv, encrypts)
        .map_err(|stack| errors::openssl_whole(stack, "Failed to initialize cipher"))?;
    state.context = Some(context);
    Ok(state)
}

/// (encrypts, name, key, iv, length of the tag, mode of ciphertext stealing, standard of XTS)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let begun = (|| {
        let name = values::required_name(scope, &args, 1)?;
        let key = keys::secret(scope, &env, args.get(2))?;
        let iv = values::bytes(args.get(3))?;
        let tag_length = values::uint(scope, args.get(4)).map(|length| length as usize);
        let (cts, xts) = (values::name(scope, args.get(5)), values::name(scope, args.get(6)));
        begin(args.get(0).is_true(), &name, &key, iv, tag_length, cts, xts)
    })();
    match begun {
        Ok(state) => {
            let _ = values::attach(scope, &env, args.this(), Rc::new(CipherBase(RefCell::new(state))));
        }
        Err(error) => error.throw(scope),
    }
}

/// Gives OpenSSL the tag, if it has not got it yet. Whether that worked.
fn pass_tag(state: &mut State) -> bool {
    if let Tag::Given(tag) = &state.tag
        && let Some(context) = &mut state.context
    {
        if context.set_tag(tag).is_err() {
            super::ossl::clear_errors();
            return false;
        }
        state.tag = Tag::Passed;
    }
    true
}

fn unsupported_state() -> Error {
    errors::plain("Trying to add data in unsupported state")
}

fn take(state: &mut State, data: &[u8]) -> Result<Vec<u8>> {
    if state.context.is_none() {
        return Err(unsupported_state());
    }
    if data.len() > state.message_max || data.len() > i32::MAX as usize {
        return Err(errors::node("ERR_CRYPTO_INVALID_MESSAGELEN"));
    }
    if !memory_for(data.len()) {
        return Err(errors::no_memory());
    }
    if state.authenticated && !state.encrypts && !pass_tag(state) {
        return Err(unsupported_state());
    }
    let Some(context) = &mut state.context else { return Err(unsupported_state()) };
    super::ossl::clear_errors();
    state.has_begun = true;
    match context.update(data) {
        Ok(output) => Ok(output),
        // These decrypt all at once: whether the tag was right is told at the end.
        Err(_) if !state.encrypts && matches!(state.mode, Mode::Ccm | Mode::Siv | Mode::GcmSiv) => {
            state.has_failed = true;
            Ok(Vec::new())
        }
        Err(_) => Err(unsupported_state()),
    }
}

/// (data, encoding) -> what has been encrypted of it
fn update(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, cipher)) = handle::receiver::<CipherBase>(scope, args.this()) else { return };
    let updated =
        values::with_data(scope, args.get(0), args.get(1), |data| take(&mut cipher.0.borrow_mut(), data))
            .flatten();
    match updated {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

fn end(state: &mut State) -> Result<Vec<u8>> {
    if state.context.is_none() {
        return Err(errors::node("ERR_CRYPTO_INVALID_STATE"));
    }
    let unauthentic = || errors::plain("Unsupported state or unable to authenticate data");
    if state.mode == Mode::Ccm && !state.has_begun && (state.encrypts || state.tag != Tag::Unknown) {
        // Without a message there would be no tag, and none would be looked at.
        take(state, &[])?;
    }
    if state.authenticated && !state.encrypts {
        let passed = pass_tag(state);
        if !passed || state.tag != Tag::Passed {
            state.context = None;
            return Err(unauthentic());
        }
    }
    let Some(mut context) = state.context.take() else { return Err(unauthentic()) };
    if state.mode == Mode::Ccm && !state.encrypts {
        return if state.has_failed { Err(unauthentic()) } else { Ok(Vec::new()) };
    }
    if state.has_failed {
        return Err(unauthentic());
    }
    super::ossl::clear_errors();
    let output = match context.finish() {
        Ok(output) => output,
        Err(_) if state.authenticated => {
            super::ossl::clear_errors();
            return Err(unauthentic());
        }
        Err(stack) => return Err(errors::openssl_whole(stack, "Unsupported state")),
    };
    if state.authenticated && state.encrypts {
        let length = state.tag_length.unwrap_or(16);
        state.made = Some(context.tag(length).map_err(|_| unauthentic())?);
    }
    Ok(output)
}

/// () -> the rest
fn finish(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, cipher)) = handle::receiver::<CipherBase>(scope, args.this()) else { return };
    let ended = end(&mut cipher.0.borrow_mut());
    match ended {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

fn set_auto_padding(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, cipher)) = handle::receiver::<CipherBase>(scope, args.this()) else { return };
    let padding = args.length() < 1 || args.get(0).boolean_value(scope);
    let mut state = cipher.0.borrow_mut();
    result.set_bool(state.context.as_mut().is_some_and(|context| context.set_padding(padding)));
}

/// () -> the tag; undefined while there is none
fn get_auth_tag(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, cipher)) = handle::receiver::<CipherBase>(scope, args.this()) else { return };
    let tag = cipher.0.borrow().made.clone();
    if let Some(tag) = tag
        && let Some(buffer) = values::buffer(scope, &env, &tag)
    {
        result.set(buffer);
    }
}

/// (tag) -> whether that was the time for it
fn set_auth_tag(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, cipher)) = handle::receiver::<CipherBase>(scope, args.this()) else { return };
    let taken = (|| {
        let mut state = cipher.0.borrow_mut();
        if state.context.is_none() || !state.authenticated || state.encrypts || state.tag != Tag::Unknown {
            return Ok(false);
        }
        let tag = values::required(args.get(0), "tag")?;
        let expected = state.tag_length.unwrap_or(16);
        if tag.len() != expected {
            return Err(invalid_tag(tag.len()));
        }
        state.tag = Tag::Given(tag);
        Ok(true)
    })();
    match taken {
        Ok(taken) => result.set_bool(taken),
        Err(error) => error.throw(scope),
    }
}

/// (data, length of the message) -> whether that was the time for it
fn set_aad(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, cipher)) = handle::receiver::<CipherBase>(scope, args.this()) else { return };
    let length = values::int(scope, args.get(1)).and_then(|length| usize::try_from(length).ok());
    let taken = (|| {
        let data = values::required(args.get(0), "aadbuf")?;
        let mut state = cipher.0.borrow_mut();
        if state.context.is_none() || !state.authenticated {
            return Ok(false);
        }
        if state.mode == Mode::Ccm {
            let Some(length) = length else {
                return Err(errors::coded(
                    "ERR_MISSING_ARGS",
                    "options.plaintextLength required for CCM mode with AAD",
                ));
            };
            if length > state.message_max {
                return Err(errors::node("ERR_CRYPTO_INVALID_MESSAGELEN"));
            }
            if !state.encrypts && !pass_tag(&mut state) {
                return Ok(false);
            }
            let announced = state.context.as_mut().is_some_and(|context| context.announce(length).is_ok());
            if !announced {
                return Ok(false);
            }
        }
        // An empty string is one of the parts that SIV authenticates, and OpenSSL has no such part.
        let taken = state.context.as_mut().is_some_and(|context| context.authenticate(&data).is_ok());
        super::ossl::clear_errors();
        Ok(taken)
    })();
    match taken {
        Ok(taken) => result.set_bool(taken),
        Err(error) => error.throw(scope),
    }
}

/// (name or number, length of the key, length of the IV) -> what is known of the cipher, if it has such lengths
fn get_cipher_info(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let cipher = match values::int(scope, args.get(0)) {
        Some(nid) => Cipher::of_number(nid),
        None => values::name(scope, args.get(0)).and_then(|name| Cipher::fetch(&name)),
    };
    let Some(cipher) = cipher else { return };
    let mode = cipher.mode();
    let (mut key_length, mut iv_length) = (cipher.key_length(), cipher.iv_length());
    let wanted = |scope: &mut Scope<'_, '_>, index| {
        values::int(scope, args.get(index)).map(|length| usize::try_from(length).unwrap_or(0))
    };
    let (key, iv) = (wanted(scope, 1), wanted(scope, 2));
    if key.is_some() || iv.is_some() {
        let Ok(mut context) = Context::new(&cipher, true) else { return super::ossl::clear_errors() };
        if let Some(length) = key {
            if context.set_key_length(length).is_err() {
                return;
            }
            key_length = length;
        }
        if let Some(length) = iv {
            let fits = match mode {
                Mode::Ccm => (7..=13).contains(&length),
                Mode::Gcm | Mode::Ocb => context.set_iv_length(length).is_ok(),
                _ if cipher.is_chacha20_poly1305() => context.set_iv_length(length).is_ok(),
                _ => length == iv_length,
            };
            if !fits {
                return super::ossl::clear_errors();
            }
            iv_length = length;
        }
    }
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let nid = cipher.nid();
    let members: [(&str, v8::Local<v8::Value>); 6] = [
        ("mode", mode.label().map_or(undefined, |label| string(scope, label).into())),
        ("name", string(scope, &shown(&cipher)).into()),
        ("nid", if nid > 0 { v8::Integer::new(scope, nid).into() } else { undefined }),
        ("keyLength", v8::Number::new(scope, key_length as f64).into()),
        (
            "blockSize",
            // Those that make a stream have blocks that nobody needs to know of.
            if mode == Mode::Stream {
                undefined
            } else {
                v8::Number::new(scope, cipher.block_size() as f64).into()
            },
        ),
        (
            "ivLength",
            if iv_length == 0 { undefined } else { v8::Number::new(scope, iv_length as f64).into() },
        ),
    ];
    let null = v8::null(scope).into();
    let object = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    for (name, value) in members {
        if set(scope, object, name, value).is_none() {
            return;
        }
    }
    result.set(object.into());
}

/// A cipher's name as programs write it.
fn shown(cipher: &Cipher) -> String {
    cipher.name().to_lowercase()
}

/// The ciphers of TLS, which a VM does not have yet, by the names that programs check for.
fn get_ssl_ciphers(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let names: Vec<String> = SSL_CIPHERS.iter().map(|name| (*name).to_owned()).collect();
    result.set(values::names(scope, &names));
}

const SSL_CIPHERS: &[&str] = &[
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "DHE-RSA-AES256-SHA256",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "DHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-SHA",
    "RSA-PSK-AES256-GCM-SHA384",
    "DHE-PSK-AES256-GCM-SHA384",
    "RSA-PSK-CHACHA20-POLY1305",
    "DHE-PSK-CHACHA20-POLY1305",
    "ECDHE-PSK-CHACHA20-POLY1305",
    "AES256-GCM-SHA384",
    "PSK-AES256-GCM-SHA384",
    "PSK-CHACHA20-POLY1305",
    "RSA-PSK-AES128-GCM-SHA256",
    "DHE-PSK-AES128-GCM-SHA256",
    "AES128-GCM-SHA256",
    "PSK-AES128-GCM-SHA256",
    "AES256-SHA256",
    "AES128-SHA256",
    "ECDHE-PSK-AES256-CBC-SHA384",
    "ECDHE-PSK-AES256-CBC-SHA",
    "SRP-RSA-AES-256-CBC-SHA",
    "SRP-AES-256-CBC-SHA",
    "RSA-PSK-AES256-CBC-SHA384",
    "DHE-PSK-AES256-CBC-SHA384",
    "RSA-PSK-AES256-CBC-SHA",
    "DHE-PSK-AES256-CBC-SHA",
    "AES256-SHA",
    "PSK-AES256-CBC-SHA384",
    "PSK-AES256-CBC-SHA",
    "ECDHE-PSK-AES128-CBC-SHA256",
    "ECDHE-PSK-AES128-CBC-SHA",
    "SRP-RSA-AES-128-CBC-SHA",
    "SRP-AES-128-CBC-SHA",
    "RSA-PSK-AES128-CBC-SHA256",
    "DHE-PSK-AES128-CBC-SHA256",
    "RSA-PSK-AES128-CBC-SHA",
    "DHE-PSK-AES128-CBC-SHA",
    "AES128-SHA",
    "PSK-AES128-CBC-SHA256",
    "PSK-AES128-CBC-SHA",
    "tls_aes_256_gcm_sha384",
    "tls_chacha20_poly1305_sha256",
    "tls_aes_128_gcm_sha256",
    "tls_aes_128_ccm_8_sha256",
    "tls_aes_128_ccm_sha256",
];
