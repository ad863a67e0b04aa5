//! Ports, structured clones and `DOMException`: what is sent from one place to another as a copy.

mod message;
mod port;
mod transferable;

pub(crate) use message::{Message, Native};
pub(crate) use port::{OpenPorts, Port, object_for};
pub(crate) use transferable::{Transferable, register};

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "messaging",
    functions: functions! {
        "exposeLazyDOMExceptionProperty" => expose_dom_exception,
        "setDeserializerCreateObjectFunction" => set_deserializer,
        "structuredClone" => structured_clone,
        "stopMessagePort" => port::stop,
        "drainMessagePort" => port::drain,
        "receiveMessageOnPort" => port::receive,
        "moveMessagePortToContext" => port::move_to_context,
        "broadcastChannel" => port::broadcast_channel,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    for name in ["DOMException", "QuotaExceededError"] {
        let class = super::builtins::exported(scope, env, name)?;
        set(scope, binding, name, class)?;
    }
    port::make(scope, env, binding)
}

fn expose_dom_exception(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Ok(target) = args.get(0).try_cast::<v8::Object>() else { return };
    let name = string(scope, "DOMException");
    let undefined = v8::undefined(scope).into();
    let _ = target.set_lazy_data_property_with_data(
        scope,
        name.into(),
        dom_exception,
        undefined,
        v8::PropertyAttribute::DONT_ENUM,
        v8::SideEffectType::HasNoSideEffect,
        v8::SideEffectType::HasSideEffectToReceiver,
    );
}

fn dom_exception(
    scope: &mut Scope<'_, '_>,
    _: v8::Local<'_, v8::Name>,
    _: v8::PropertyCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) {
    let Some(env) = Env::of(scope) else { return };
    if let Some(class) = super::builtins::exported(scope, &env, "DOMException") {
        result.set(class);
    }
}

/// Throws a `DOMException` of the name `DataCloneError`.
pub(crate) fn throw_clone_error(scope: &mut Scope<'_, '_>, message: v8::Local<'_, v8::Value>) {
    let thrown = (|| {
        let env = Env::of(scope)?;
        let class: v8::Local<v8::Function> =
            super::builtins::exported(scope, &env, "DOMException")?.try_cast().ok()?;
        let name = string(scope, "DataCloneError");
        class.new_instance(scope, &[message, name.into()])
    })();
    if let Some(error) = thrown {
        scope.throw_exception(error.into());
    }
}

fn set_deserializer(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::Deserialize, args.get(0));
    }
}

/// The list of what is transferred: an array, an iterable that the library has made one, or `{ transfer }`.
fn transfer_list<'s>(
    scope: &mut Scope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Option<Vec<v8::Local<'s, v8::Value>>> {
    if value.is_null_or_undefined() {
        return Some(Vec::new());
    }
    // A list, or options with one; any iterable is made an array by the library's own means.
    let env = Env::of(scope)?;
    let list: v8::Local<v8::Array> = env.call_main(scope, "transferList", &[value])?.try_cast().ok()?;
    let mut values = Vec::new();
    for index in 0..list.length() {
        values.push(list.get_index(scope, index)?);
    }
    Some(values)
}

/// (value, { transfer }) -> copy
fn structured_clone<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(transfer) = transfer_list(scope, args.get(1)) else { return };
    let Some(message) = message::Message::write(scope, &env, args.get(0), &transfer, None) else { return };
    if let Some((value, _)) = message.read(scope, &env) {
        result.set(value);
    }
}
