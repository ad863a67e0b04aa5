//! HTTP/2: nghttp2 speaks the protocol (`engine`), a session lets it do so over any stream, and JavaScript has sessions and
//! their streams as objects.

mod engine;
mod events;
mod fields;
mod headers;
mod options;
mod receiving;
mod request;
mod sending;
mod session;
mod session_methods;
mod settings;
mod state;
mod statistics;
mod stream;
mod stream_methods;

use std::rc::Rc;

use isolate::library::{Scope, string, throw_type};

use self::state::{CALLBACKS, State};
pub(crate) use self::stream::Stream;
use super::buffer::from_bytes;
use crate::binding::{Args, Binding, Return, functions};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "http2",
    functions: functions! {
        "nghttp2ErrorString" => error_string,
        "refreshDefaultSettings" => refresh_default_settings,
        "packSettings" => pack_settings,
        "setCallbackFunctions" => set_callback_functions,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    state::make(scope, env, binding)?;
    stream_methods::make(scope, env, binding)?;
    session_methods::make(scope, binding)
}

/// (number) -> text
fn error_string(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(error) = args.get(0).int32_value(scope) {
        let text = string(scope, &engine::error_text(error));
        result.set(text.into());
    }
}

fn refresh_default_settings(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        settings::show_defaults(&env.state::<State>());
    }
}

/// () -> the payload of a frame, of what is in `settingsBuffer`
fn pack_settings(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(payload) = engine::pack_settings(&settings::requested(&env.state::<State>())) else { return };
    if let Some(buffer) = from_bytes(scope, &env, &payload) {
        result.set(buffer);
    }
}

/// (functions, in the order of `state::Callback`)
fn set_callback_functions(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let mut callbacks = Vec::new();
    for index in 0..i32::try_from(CALLBACKS).unwrap_or(0) {
        let Ok(callback) = args.get(index).try_cast::<v8::Function>() else {
            return throw_type(scope, "The callbacks must be functions");
        };
        callbacks.push(v8::Global::new(scope, callback));
    }
    env.state::<State>().set_callbacks(callbacks);
}
