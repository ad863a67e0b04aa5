//! What the library decides.

use std::rc::Rc;

use isolate::library::Scope;

use super::super::errors::{self, Error};
use super::super::ossl::tls::{Connection, up_to_nul};
use super::super::{ossl, secure_context, values};
use super::receiver;
use super::wrap::TlsWrap;
use crate::binding::{Args, Function, Return, functions, get};
use crate::coded_error::{self, Kind};
use crate::environment::Env;

pub(super) const METHODS: &[Function] = functions! {
    "certCbDone" => cert_cb_done,
    "clientHelloDone" => client_hello_done,
    "destroySSL" => destroy_ssl,
    "enableALPNCb" => enable_alpn_cb,
    "enableCertCb" => enable_cert_cb,
    "enableKeylogCallback" => enable_keylog_callback,
    "enablePskCallback" => enable_psk_callback,
    "enableSessionCallbacks" => enable_session_callbacks,
    "enableTrace" => enable_trace,
    "loadSession" => load_session,
    "newSessionDone" => new_session_done,
    "receive" => receive,
    "renegotiate" => renegotiate,
    "requestOCSP" => request_ocsp,
    "setALPNProtocols" => set_alpn_protocols,
    "setKeyCert" => set_key_cert,
    "setMaxSendFragment" => set_max_send_fragment,
    "setOCSPResponse" => set_ocsp_response,
    "setPskIdentityHint" => set_psk_identity_hint,
    "setServername" => set_servername,
    "setSession" => set_session,
    "setVerifyMode" => set_verify_mode,
    "start" => start,
    "writesIssuedByPrevListenerDone" => writes_issued_by_prev_listener_done,
};

/// Longest name of a host, hint or list of protocols.
const NAME_MAX: usize = 64 * 1024;

/// Changes a connection. It does nothing to one that is destroyed; to one for which OpenSSL is at work it is an error.
fn change(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    change: impl FnOnce(&mut Scope<'_, '_>, &Rc<Env>, &Rc<TlsWrap>, &Rc<Connection>) -> errors::Result<()>,
) {
    let Some((env, wrap, _turn)) = receiver(scope, args) else { return };
    let Some(connection) = wrap.connection() else { return };
    let changed = if connection.is_busy() {
        Err(errors::coded("ERR_CRYPTO_INVALID_STATE", "The connection is at work"))
    } else {
        change(scope, &env, &wrap, &connection)
    };
    ossl::clear_errors();
    if let Err(error) = changed {
        error.throw(scope);
    }
}

/// What follows from a call: an exception may be pending.
fn told(done: Option<()>) -> errors::Result<()> {
    done.ok_or(Error::Pending)
}

/// Begins the handshake of a client.
fn start(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, wrap, connection| {
        if connection.is_server() || wrap.is_started.replace(true) {
            return Err(errors::node("ERR_CRYPTO_INVALID_STATE"));
        }
        if wrap.start_outside(env) {
            return Ok(());
        }
        told(wrap.clear_out(scope, env).and_then(|()| wrap.pass_on(scope, env)))
    });
}

/// (bytes): as if they had come in
fn receive(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, wrap, _| {
        let bytes = values::required(args.get(0), "buffer")?;
        if !wrap.stream.is_open() {
            return Ok(());
        }
        told(wrap.receive(scope, env, &bytes))
    });
}

fn destroy_ssl(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, wrap, _turn)) = receiver(scope, &args) else { return };
    let _ = wrap.destroy(scope, &env);
}

fn writes_issued_by_prev_listener_done(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, wrap, _| {
        wrap.waits_for_others.set(false);
        wrap.ask_outside(env);
        told(wrap.pass_on(scope, env))
    });
}

/// (whether a certificate is asked for, whether there must be one)
fn set_verify_mode(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.set_verify(args.get(0).is_true(), args.get(1).is_true());
        Ok(())
    });
}

fn enable_session_callbacks(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.tell_sessions();
        Ok(())
    });
}

fn enable_keylog_callback(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.log_keys();
        Ok(())
    });
}

/// As `HAVE_SSL_TRACE` says, there is none.
fn enable_trace(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

fn enable_cert_cb(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.ask_for_certificate();
        Ok(())
    });
}

/// The handshake waits for it.
fn client_hello_done(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, wrap, connection| {
        connection.hello_done();
        told(wrap.cycle(scope, env))
    });
}

fn new_session_done(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, wrap, connection| {
        connection.session_done();
        told(wrap.cycle(scope, env))
    });
}

/// What is not a context where one is to be.
fn not_a_context(scope: &mut Scope<'_, '_>, env: &Rc<Env>, wrap: &TlsWrap) -> Option<()> {
    wrap.call(scope, env, "onerror", |scope| {
        let message = isolate::library::string(scope, "Invalid SNI context");
        Some(vec![v8::Exception::type_error(scope, message)])
    })
}

/// The handshake waits for it. The certificate is that of `sni_context`, if there is one.
fn cert_cb_done(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, wrap, connection| {
        if !connection.is_choosing_certificate() {
            return Ok(());
        }
        let value = get(scope, args.this(), "sni_context").ok_or(Error::Pending)?;
        let context = secure_context::of(scope, env, value).and_then(|half| half.context());
        if context.is_none() && value.is_object() {
            return told(not_a_context(scope, env, wrap));
        }
        if let Some(context) = context
            && connection.show(&context)
        {
            connection.trust(&context).map_err(|stack| errors::openssl(stack, "CertCbDone"))?;
        }
        connection.certificate_done();
        told(wrap.cycle(scope, env))
    });
}

/// (context): its certificate is shown from now on. It may come while a protocol is chosen.
fn set_key_cert(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, wrap, _turn)) = receiver(scope, &args) else { return };
    let Some(connection) = wrap.connection() else { return };
    let half = secure_context::of(scope, &env, args.get(0));
    let Some(context) = half.and_then(|half| half.context()) else {
        let message = "Must give a SecureContext as first argument";
        return errors::coded("ERR_INVALID_ARG_TYPE", message).throw(scope);
    };
    let set = if connection.show(&context) {
        connection.trust(&context).map_err(|stack| errors::openssl(stack, "SetKeyCert"))
    } else {
        Err(errors::plain("Failed to set key and certificate"))
    };
    ossl::clear_errors();
    if let Err(error) = set {
        error.throw(scope);
    }
}

/// (session)
fn load_session(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        if let Some(session) = values::bytes(args.get(0))? {
            connection.set_next_session(&session);
        }
        Ok(())
    });
}

/// (session)
fn set_session(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        if args.length() < 1 {
            return Err(errors::coded("ERR_MISSING_ARGS", "Session argument is mandatory"));
        }
        let session = values::bytes(args.get(0))?
            .ok_or_else(|| errors::coded("ERR_INVALID_ARG_TYPE", "Session must be a buffer"))?;
        match connection.set_session(&session) {
            Some(false) => Err(errors::plain("SSL_set_session error")),
            _ => Ok(()),
        }
    });
}

fn renegotiate(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.renegotiate().map_err(|stack| errors::openssl(stack, "error:00000000:lib(0)::reason(0)"))
    });
}

fn request_ocsp(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.ask_for_status();
        Ok(())
    });
}

/// (response)
fn set_ocsp_response(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        if args.length() < 1 {
            return Err(errors::coded("ERR_MISSING_ARGS", "OCSP response argument is mandatory"));
        }
        let response = values::bytes(args.get(0))?
            .ok_or_else(|| errors::coded("ERR_INVALID_ARG_TYPE", "OCSP response must be a buffer"))?;
        connection.set_status(response);
        Ok(())
    });
}

/// (list of protocols)
fn set_alpn_protocols(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, _, connection| {
        let list = values::bytes(args.get(0))?.filter(|list| list.len() <= NAME_MAX);
        let Some(list) = list else {
            isolate::library::throw_type(scope, "Must give a Buffer as first argument");
            return Err(Error::Pending);
        };
        match list.is_empty() || connection.set_protocols(list) {
            true => Ok(()),
            false => Err(errors::node("ERR_INVALID_ARG_VALUE")),
        }
    });
}

fn enable_alpn_cb(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.ask_for_protocol();
        Ok(())
    });
}

fn enable_psk_callback(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |_, _, _, connection| {
        connection.ask_for_psk();
        Ok(())
    });
}

fn name(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> errors::Result<std::ffi::CString> {
    let text: v8::Local<v8::String> =
        args.get(0).try_cast().map_err(|_| errors::node("ERR_INVALID_ARG_TYPE"))?;
    if text.length() > NAME_MAX {
        return Err(errors::node("ERR_OUT_OF_RANGE"));
    }
    let text = isolate::library::text(scope, text).ok_or(Error::Pending)?;
    Ok(up_to_nul(text.as_bytes()))
}

/// (hint)
fn set_psk_identity_hint(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, env, wrap, connection| {
        let hint = name(scope, &args)?;
        if connection.set_psk_hint(&hint) {
            return Ok(());
        }
        told(wrap.call(scope, env, "onerror", |scope| {
            let message = "Failed to set PSK identity hint";
            let code = "ERR_TLS_PSK_SET_IDENTITY_HINT_FAILED";
            Some(vec![coded_error::make(scope, Kind::Error, message, code)])
        }))
    });
}

/// (host)
fn set_servername(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |scope, _, wrap, connection| {
        let host = name(scope, &args)?;
        if connection.is_server() || wrap.is_started.get() {
            return Err(errors::node("ERR_CRYPTO_INVALID_STATE"));
        }
        connection.set_server_name(&host);
        Ok(())
    });
}

/// (size) -> whether it is one
fn set_max_send_fragment(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap, _turn)) = receiver(scope, &args) else { return };
    let Some(size) = args.get(0).int32_value(scope) else { return };
    if let Some(connection) = wrap.connection() {
        let set = connection.set_max_send_fragment(size);
        result.set_int32(set);
    }
    ossl::clear_errors();
}
