//! What happens in a handshake, as the library is told of it, and what it is asked.

use std::rc::Rc;

use isolate::library::{Scope, string};

use super::super::ossl::tls::{Answer, Asks, Connection, Event, Question, Ticket};
use super::super::values;
use super::wrap::TlsWrap;
use crate::binding::{get, set};
use crate::environment::Env;
use crate::stream_base::Turn;

impl TlsWrap {
    /// Tells what has happened, until it is destroyed. `None` with an exception pending if the guest's code threw: what is
    /// left is told later.
    pub fn tell_events(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        connection: &Rc<Connection>,
    ) -> Option<()> {
        while self.connection().is_some()
            && let Some(event) = connection.next_event()
        {
            self.tell(scope, env, connection, event)?;
        }
        Some(())
    }

    fn tell(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        connection: &Rc<Connection>,
        event: Event,
    ) -> Option<()> {
        match event {
            Event::HandshakeStart => self.call(scope, env, "onhandshakestart", |scope| {
                Some(vec![v8::Number::new(scope, crate::bindings::timers::now()).into()])
            }),
            Event::HandshakeDone => self.call(scope, env, "onhandshakedone", |_| Some(Vec::new())),
            Event::KeyLog(line) => {
                self.call(scope, env, "onkeylog", |scope| Some(vec![values::buffer(scope, env, &line)?]))
            }
            Event::NewSession { id, session } => {
                let has_listener = self.object(scope).and_then(|object| get(scope, object, "onnewsession"));
                if !has_listener.is_some_and(|listener| listener.is_function()) {
                    connection.session_done();
                    return Some(());
                }
                // There may be another by now; whoever asks is told of this one.
                connection.show_session(Some(session.clone()));
                let told = self.call(scope, env, "onnewsession", |scope| {
                    Some(vec![values::buffer(scope, env, &id)?, values::buffer(scope, env, &session)?])
                });
                connection.show_session(None);
                told
            }
            Event::ServerName(name) => {
                let Some(object) = self.object(scope) else { return Some(()) };
                let owner = env.symbol(scope, "owner_symbol");
                let owner = object.get(scope, owner.into())?;
                if let Ok(owner) = owner.try_cast::<v8::Object>() {
                    let (key, name) = (string(scope, "servername"), string(scope, &name));
                    owner.set(scope, key.into(), name.into())?;
                }
                Some(())
            }
            Event::ClientHello { session_id, server_name, has_ticket } => {
                self.call(scope, env, "onclienthello", |scope| {
                    let hello = v8::Object::new(scope);
                    let id = values::buffer(scope, env, &session_id)?;
                    set(scope, hello, "sessionId", id)?;
                    let name = string(scope, &String::from_utf8_lossy(&server_name)).into();
                    set(scope, hello, "servername", name)?;
                    let has_ticket = v8::Boolean::new(scope, has_ticket).into();
                    set(scope, hello, "tlsTicket", has_ticket)?;
                    Some(vec![hello.into()])
                })
            }
            Event::Certificate { server_name, wants_status } => self.call(scope, env, "oncertcb", |scope| {
                let info = v8::Object::new(scope);
                let name = string(scope, &server_name).into();
                set(scope, info, "servername", name)?;
                let wants_status = v8::Boolean::new(scope, wants_status).into();
                set(scope, info, "OCSPRequest", wants_status)?;
                Some(vec![info.into()])
            }),
            Event::Status(response) => self.call(scope, env, "onocspresponse", |scope| {
                Some(vec![match response {
                    Some(response) => values::buffer(scope, env, &response)?,
                    None => v8::null(scope).into(),
                }])
            }),
        }
    }
}

/// Asks the library while one of OpenSSL's functions runs. It may call whatever it likes meanwhile: what would change the
/// connection does nothing then, or is put off.
pub(super) struct Asker<'a, 's, 'i> {
    scope: &'a mut Scope<'s, 'i>,
    env: &'a Rc<Env>,
    wrap: &'a Rc<TlsWrap>,
    /// An exception is pending: nothing more is asked.
    pub threw: bool,
}

impl<'a, 's, 'i> Asker<'a, 's, 'i> {
    pub fn new(scope: &'a mut Scope<'s, 'i>, env: &'a Rc<Env>, wrap: &'a Rc<TlsWrap>) -> Asker<'a, 's, 'i> {
        Asker { scope, env, wrap, threw: false }
    }

    /// `None` with an exception pending, or for an answer that is none.
    fn answer(&mut self, question: Question<'_>) -> Option<Answer> {
        let (scope, env) = (&mut *self.scope, self.env);
        let _turn = Turn::of_code(env);
        let object = self.wrap.object(scope)?;
        match question {
            Question::Protocol(offered) => {
                let offered = values::buffer(scope, env, offered)?;
                let answer = self.wrap.wrap.call_method(scope, env, object, "ALPNCallback", &[offered])?;
                if !answer.is_number() {
                    return None;
                }
                Some(Answer::Index(usize::try_from(answer.integer_value(scope)?).ok()?))
            }
            Question::PskServer { identity, most } => {
                let arguments =
                    [string(scope, identity).into(), v8::Integer::new_from_unsigned(scope, most).into()];
                let answer = self.exchange(object, &arguments)?;
                let key = values::bytes(answer).ok()??;
                Some(Answer::Psk { key, identity: Vec::new() })
            }
            Question::PskClient { hint, most, most_identity } => {
                let hint = match hint {
                    Some(hint) => string(scope, hint).into(),
                    None => v8::null(scope).into(),
                };
                let arguments = [
                    hint,
                    v8::Integer::new_from_unsigned(scope, most).into(),
                    v8::Integer::new_from_unsigned(scope, most_identity).into(),
                ];
                let answer: v8::Local<v8::Object> = self.exchange(object, &arguments)?.try_cast().ok()?;
                let scope = &mut *self.scope;
                let key = get(scope, answer, "psk")?;
                let key = values::bytes(key).ok()??;
                let identity: v8::Local<v8::String> = get(scope, answer, "identity")?.try_cast().ok()?;
                let identity = isolate::library::text(scope, identity)?.into_bytes();
                Some(Answer::Psk { key, identity })
            }
            Question::Ticket { name, iv, encrypts } => {
                let object = self.wrap.secure_context.object(scope)?;
                let arguments = [
                    values::buffer(scope, env, &name)?,
                    values::buffer(scope, env, &iv)?,
                    v8::Boolean::new(scope, encrypts).into(),
                ];
                let callback: v8::Local<v8::Function> =
                    get(scope, object, "onticketkeycallback")?.try_cast().ok()?;
                let answer: v8::Local<v8::Array> =
                    callback.call(scope, object.into(), &arguments)?.try_cast().ok()?;
                let result = answer.get_index(scope, 0)?;
                let result = values::int(scope, result)?;
                let part = |scope: &mut Scope<'s, 'i>, index| {
                    let value = answer.get_index(scope, index)?;
                    values::bytes(value).ok()?
                };
                if result < 0 {
                    return Some(Answer::Ticket(Ticket { result, mac: Vec::new(), key: [0; 16], name, iv }));
                }
                let (mac, key) = (part(scope, 1)?, part(scope, 2)?.try_into().ok()?);
                let (name, iv) = match encrypts {
                    true => (part(scope, 3)?.try_into().ok()?, part(scope, 4)?.try_into().ok()?),
                    false => (name, iv),
                };
                Some(Answer::Ticket(Ticket { result, mac, key, name, iv }))
            }
        }
    }

    /// Calls what exchanges secrets that both know.
    fn exchange(
        &mut self,
        object: v8::Local<'s, v8::Object>,
        arguments: &[v8::Local<'s, v8::Value>],
    ) -> Option<v8::Local<'s, v8::Value>> {
        let scope = &mut *self.scope;
        let key = self.env.symbol(scope, "onpskexchange");
        let callback: v8::Local<v8::Function> = object.get(scope, key.into())?.try_cast().ok()?;
        self.wrap.wrap.call(scope, self.env, object, callback, arguments)
    }
}

impl Asks for Asker<'_, '_, '_> {
    fn ask(&mut self, question: Question<'_>) -> Answer {
        if self.threw {
            return Answer::No;
        }
        // Whatever it throws is thrown once OpenSSL's function has returned.
        let caught = {
            v8::tc_scope!(let inner, &mut *self.scope);
            let mut asker = Asker { scope: inner, env: self.env, wrap: self.wrap, threw: false };
            let answer = asker.answer(question);
            if inner.has_caught() {
                inner.rethrow();
                None
            } else {
                Some(answer.unwrap_or(Answer::No))
            }
        };
        self.threw = caught.is_none();
        caught.unwrap_or(Answer::No)
    }
}
