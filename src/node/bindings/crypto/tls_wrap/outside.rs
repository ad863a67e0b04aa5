//! A client's TLS over a connection that leads beyond the VM: the host speaks it, and this stream passes on the content.
//! OpenSSL speaks it here where something is wanted that it alone does.

use std::rc::Rc;

use isolate::library::{Delivery, Scope, forget, spawn, string};
use protocol::abi::{NetworkError, NetworkErrorCode, TlsSession};

use super::super::ossl::tls::Failure;
use super::wrap::TlsWrap;
use crate::binding::set;
use crate::environment::Env;
use crate::stream_base::{EOF, Incoming, Turn};

impl TlsWrap {
    /// Has the host begin the handshake, if it can be the one: whether it is.
    pub(super) fn start_outside(self: &Rc<Self>, env: &Rc<Env>) -> bool {
        let (Some(connection), Some(_)) = (self.connection(), self.stream.outside()) else { return false };
        let Some(request) = connection.request_outside() else { return false };
        connection.begin_outside();
        *self.request_outside.borrow_mut() = Some(request);
        self.ask_outside(env);
        true
    }

    /// Asks the host, once whoever had the stream before has written all that they had.
    pub(super) fn ask_outside(self: &Rc<Self>, env: &Rc<Env>) {
        if self.waits_for_others.get() {
            return;
        }
        let (Some(request), Some(stream)) = (self.request_outside.take(), self.stream.outside()) else {
            return;
        };
        let Some(realm) = env.realm() else { return };
        let starting = stream.start_tls(request);
        let (own, then) = (self.clone(), env.clone());
        let operation = spawn(&env.core, &realm, async move {
            let started = starting.await;
            let deliver: Delivery = Box::new(move |scope| {
                own.outside.take();
                let _turn = Turn::of_loop(&then);
                own.started_outside(scope, &then, started)
            });
            deliver
        });
        *self.outside.borrow_mut() = operation;
    }

    /// Does not want to hear of it any more.
    pub(super) fn forget_outside(&self, env: &Rc<Env>) {
        self.request_outside.take();
        if let (Some(operation), Some(realm)) = (self.outside.take(), env.realm()) {
            forget(&env.core, &realm, operation);
        }
    }

    fn started_outside(
        self: &Rc<Self>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        started: Result<TlsSession, NetworkError>,
    ) -> Option<()> {
        let Some(connection) = self.connection() else { return Some(()) };
        match started {
            Ok(session) => {
                connection.agreed_outside(session);
                self.tell_events(scope, env, &connection)?;
                self.cycle(scope, env)?;
                match self.delayed_end.take() {
                    Some(end) => self.come_in(scope, env, &Incoming::End(end)),
                    None => Some(()),
                }
            }
            Err(error) => self.fail_outside(scope, env, &error),
        }
    }

    fn fail_outside(
        self: &Rc<Self>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        error: &NetworkError,
    ) -> Option<()> {
        let (code, message) = match error.code {
            NetworkErrorCode::Handshake => {
                let reason = &error.message;
                return self.fail(
                    scope,
                    env,
                    &Failure {
                        message: format!("0000000000000000:error:0A000000:SSL routines::{reason}:\n"),
                        library: Some("SSL routines".to_owned()),
                        reason: Some(reason.clone()),
                    },
                );
            }
            NetworkErrorCode::Certificate => {
                error.message.split_once(": ").unwrap_or(("CERT_REJECTED", error.message.as_str()))
            }
            NetworkErrorCode::Denied => ("EACCES", error.message.as_str()),
            NetworkErrorCode::TimedOut => ("ETIMEDOUT", error.message.as_str()),
            _ => {
                // As of a connection that ends during its handshake, which the library has words for.
                return if self.end() { self.emit(scope, env, Incoming::End(EOF)) } else { Some(()) };
            }
        };
        self.call(scope, env, "onerror", |scope| {
            let message = string(scope, message);
            let error = v8::Exception::error(scope, message);
            let code = string(scope, code).into();
            set(scope, error.try_cast().ok()?, "code", code)?;
            Some(vec![error])
        })
    }
}
