//! `internalBinding('tls_wrap')`: a stream that speaks TLS over another stream.
//!
//! `wrap` has what goes through it, `stream` is how others read and write it, `handshake` tells the library what happens
//! during a handshake and asks it, `control` is what the library decides, `information` what it wants to know, `outside` has
//! the host speak TLS with whoever is beyond the VM.

mod control;
mod handshake;
mod information;
mod outside;
mod stream;
mod wrap;

use std::rc::Rc;

use isolate::library::{Scope, string};

use self::wrap::TlsWrap;
use super::{errors, secure_context};
use crate::async_wrap::async_methods;
use crate::binding::{Args, Binding, Class, Return, functions, set, set_number};
use crate::environment::Env;
use crate::handle;
use crate::stream_base::{self, Base, Turn};

pub(crate) static BINDING: Binding =
    Binding { name: "tls_wrap", functions: functions! { "wrap" => wrap, }, make: Some(make) };

const CLASS: &str = "TLSWrap";

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    // This OpenSSL does not write down what is said.
    set_number(scope, binding, "HAVE_SSL_TRACE", 0.0)?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, CLASS, constructor)?;
    class.methods(scope, async_methods!(TlsWrap, wrap))?;
    class.methods(scope, control::METHODS)?;
    class.methods(scope, information::METHODS)?;
    stream::methods(scope, &class)?;
    let name = string(scope, "isStreamBase");
    let yes = v8::Boolean::new(scope, true);
    class.template.prototype_template(scope).set(name.into(), yes.into());
    class.keep(scope, env, CLASS);
    let function = class.template.get_function(scope)?;
    set(scope, binding, CLASS, function.into())
}

fn construct(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    isolate::library::throw_type(scope, "Illegal constructor");
}

/// A method's receiver. While the method runs the library's code does as well, so nothing that it put off is done yet.
fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<TlsWrap>, Turn)> {
    let (env, wrap) = handle::receiver::<TlsWrap>(scope, args.this())?;
    let turn = Turn::of_code(&env);
    Some((env, wrap, turn))
}

/// (handle of a stream, context, whether it is a server's, whether the stream is still writing for another) -> handle
fn wrap<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let made = (|| {
        let stream = stream_base::of(scope, &env, args.get(0));
        let context = secure_context::of(scope, &env, args.get(1));
        let (Some(stream), Some(context)) = (stream, context) else {
            errors::node("ERR_INVALID_ARG_TYPE").throw(scope);
            return None;
        };
        TlsWrap::create(scope, &env, stream, context, args.get(2).is_true(), args.get(3).is_true())
    })();
    if let Some(made) = made {
        result.set(made.into());
    }
}

/// The stream that a value is the handle of, for native code.
pub(crate) fn base(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    value: v8::Local<'_, v8::Value>,
) -> Option<Rc<dyn Base>> {
    let wrap = handle::of::<TlsWrap>(scope, env, value.try_cast().ok()?)?;
    Some(Rc::new(stream::Handle(Rc::downgrade(&wrap))))
}
