//! What the library wants to know of a connection.

use std::rc::Rc;

use isolate::library::{Scope, memory_for, string};
use openssl::x509::{X509, X509VerifyResult};

use super::super::ossl::tls::{Connection, Ephemeral, is_same, verify_error};
use super::super::{errors, values, x509};
use super::receiver;
use crate::binding::{Args, Function, Return, functions, set, set_number};
use crate::environment::Env;

pub(super) const METHODS: &[Function] = functions! {
    "exportKeyingMaterial" => export_keying_material,
    "getALPNNegotiatedProtocol" => get_alpn_negotiated_protocol,
    "getCertificate" => get_certificate,
    "getCipher" => get_cipher,
    "getEphemeralKeyInfo" => get_ephemeral_key_info,
    "getFinished" => get_finished,
    "getPeerCertificate" => get_peer_certificate,
    "getPeerFinished" => get_peer_finished,
    "getPeerX509Certificate" => get_peer_x509_certificate,
    "getProtocol" => get_protocol,
    "getServername" => get_servername,
    "getSession" => get_session,
    "getSharedSigalgs" => get_shared_sigalgs,
    "getTLSTicket" => get_tls_ticket,
    "getX509Certificate" => get_x509_certificate,
    "hasPeerCertificate" => has_peer_certificate,
    "isSessionReused" => is_session_reused,
    "verifyError" => verify,
};

/// Most certificates that are shown one behind the other.
const CHAIN_MAX: usize = 64;

/// Most bytes that are made of a connection's secrets at once.
const EXPORT_MAX: usize = 16 << 20;

fn connection(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Connection>)> {
    let (env, wrap, _) = receiver(scope, args)?;
    Some((env, wrap.connection()?))
}

fn give_buffer(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    result: &mut Return<'_>,
    read: impl FnOnce(&Connection) -> Option<Vec<u8>>,
) {
    let Some((env, connection)) = connection(scope, args) else { return };
    if let Some(bytes) = read(&connection)
        && let Some(buffer) = values::buffer(scope, &env, &bytes)
    {
        result.set(buffer);
    }
}

fn get_finished(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give_buffer(scope, &args, &mut result, |connection| connection.finished(false));
}

fn get_peer_finished(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give_buffer(scope, &args, &mut result, |connection| connection.finished(true));
}

fn get_session(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give_buffer(scope, &args, &mut result, Connection::session);
}

fn get_tls_ticket(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    give_buffer(scope, &args, &mut result, Connection::ticket);
}

fn get_protocol(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, connection)) = connection(scope, &args) {
        result.set(string(scope, &connection.version()).into());
    }
}

fn get_servername(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, connection)) = connection(scope, &args) else { return };
    match connection.server_name() {
        Some(name) => result.set(string(scope, &name).into()),
        None => result.set_bool(false),
    }
}

fn get_alpn_negotiated_protocol(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, connection)) = connection(scope, &args) else { return };
    let protocol = connection.protocol();
    if protocol.is_empty() {
        return result.set_bool(false);
    }
    let text: String = protocol.into_iter().map(char::from).collect();
    result.set(string(scope, &text).into());
}

fn is_session_reused(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, connection)) = connection(scope, &args) {
        result.set_bool(connection.is_session_reused());
    }
}

fn has_peer_certificate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, connection)) = connection(scope, &args) {
        result.set_bool(connection.has_peer_certificate());
    }
}

/// -> undefined where there is none yet
fn get_cipher(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, connection)) = connection(scope, &args) else { return };
    let Some(cipher) = connection.cipher() else { return };
    let object = v8::Object::new(scope);
    for (name, value) in
        [("name", cipher.name), ("standardName", cipher.standard_name), ("version", cipher.version)]
    {
        let value = string(scope, &value).into();
        if set(scope, object, name, value).is_none() {
            return;
        }
    }
    result.set(object.into());
}

/// -> null for a server
fn get_ephemeral_key_info(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, connection)) = connection(scope, &args) else { return };
    if connection.is_server() {
        return result.set_null();
    }
    let object = v8::Object::new(scope);
    let (kind, name, bits) = match connection.ephemeral() {
        Some(Ephemeral::Dh { bits }) => (Some("DH"), None, Some(bits)),
        Some(Ephemeral::Curve { name, bits }) => (Some("ECDH"), Some(name), Some(bits)),
        Some(Ephemeral::Group { name }) => (Some("TLSGroup"), Some(name), None),
        None => (None, None, None),
    };
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let made = (|| {
        let kind = kind.map_or(undefined, |kind| string(scope, kind).into());
        set(scope, object, "type", kind)?;
        let name = name.map_or(undefined, |name| string(scope, &name).into());
        set(scope, object, "name", name)?;
        match bits {
            Some(bits) => set_number(scope, object, "size", bits.into()),
            None => set(scope, object, "size", undefined),
        }
    })();
    if made.is_some() {
        result.set(object.into());
    }
}

/// -> names like RSA+SHA256
fn get_shared_sigalgs(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, connection)) = connection(scope, &args) else { return };
    let names: Vec<String> = connection
        .shared_signature_algorithms()
        .into_iter()
        .map(|(key, digest)| format!("{key}+{digest}"))
        .collect();
    result.set(values::names(scope, &names));
}

/// -> null, or an error
fn verify(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, connection)) = connection(scope, &args) else { return };
    let number = connection.verify_result();
    if number == 0 {
        return result.set_null();
    }
    let (code, mut message) = verify_error(number);
    // Whoever knows more certificates may trust it.
    let hint = "; if the root CA is installed locally, try running Node.js with --use-system-ca";
    if matches!(
        code,
        "UNABLE_TO_GET_ISSUER_CERT" | "DEPTH_ZERO_SELF_SIGNED_CERT" | "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
    ) {
        message.push_str(hint);
    }
    let message = string(scope, &message);
    let error = v8::Exception::error(scope, message);
    let code = string(scope, code).into();
    if let Ok(object) = error.try_cast::<v8::Object>()
        && set(scope, object, "code", code).is_some()
    {
        result.set(error);
    }
}

/// (how many bytes, label, context)
fn export_keying_material(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, connection)) = connection(scope, &args) else { return };
    let made = (|| {
        let bad = || errors::node("ERR_INVALID_ARG_TYPE");
        let length = values::uint(scope, args.get(0)).ok_or_else(bad)? as usize;
        let label = values::required_name(scope, &args, 1)?;
        let context =
            if args.get(2).is_undefined() { None } else { Some(values::required(args.get(2), "context")?) };
        if length > EXPORT_MAX || !memory_for(length) {
            return Err(errors::no_memory());
        }
        let mut bytes = vec![0; length];
        connection
            .export(&mut bytes, label.as_bytes(), context.as_deref())
            .map_err(|stack| errors::openssl(stack, "SSL_export_keying_material"))?;
        Ok(bytes)
    })();
    match made {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

fn get_certificate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, connection)) = connection(scope, &args) else { return };
    if let Some(certificate) = connection.certificate()
        && let Some(object) = x509::legacy(scope, &env, &certificate)
    {
        result.set(object.into());
    }
}

fn get_x509_certificate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, connection)) = connection(scope, &args) else { return };
    if let Some(certificate) = connection.certificate()
        && let Some(handle) = x509::wrap(scope, &env, certificate, Vec::new())
    {
        result.set(handle);
    }
}

fn get_peer_x509_certificate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, connection)) = connection(scope, &args) else { return };
    let mut all = connection.peer_certificates().into_iter();
    if let Some(certificate) = all.next()
        && let Some(handle) = x509::wrap(scope, &env, certificate, all.collect())
    {
        result.set(handle);
    }
}

/// (whether with those who issued it)
fn get_peer_certificate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, connection)) = connection(scope, &args) else { return };
    if let Some(object) = peer(scope, &env, &connection, args.get(0).is_true()) {
        result.set(object.into());
    }
}

/// `None` where there is none, or with an exception pending.
fn peer<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    connection: &Connection,
    detailed: bool,
) -> Option<v8::Local<'s, v8::Object>> {
    let mut sent = connection.peer_certificates();
    if sent.is_empty() {
        return None;
    }
    let mut certificate = sent.remove(0);
    let object = x509::legacy(scope, env, &certificate)?;
    if !detailed {
        return Some(object);
    }
    let issued = |issuer: &X509, certificate: &X509| issuer.issued(certificate) == X509VerifyResult::OK;
    let mut last = object;
    // Those that were sent, in whatever order.
    while let Some(at) = sent.iter().position(|other| issued(other, &certificate)) {
        let issuer = sent.remove(at);
        let described = x509::legacy(scope, env, &issuer)?;
        set(scope, last, "issuerCertificate", described.into())?;
        (last, certificate) = (described, issuer);
    }
    // Those that are trusted.
    for _ in 0..CHAIN_MAX {
        if issued(&certificate, &certificate) {
            break;
        }
        let Some(issuer) = connection.context().issuer_of(&certificate) else { break };
        let described = x509::legacy(scope, env, &issuer)?;
        set(scope, last, "issuerCertificate", described.into())?;
        last = described;
        if is_same(&issuer, &certificate) {
            break;
        }
        certificate = issuer;
    }
    if issued(&certificate, &certificate) {
        set(scope, last, "issuerCertificate", last.into())?;
    }
    Some(object)
}
