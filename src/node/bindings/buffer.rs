//! Bytes: searching, comparing, encodings.

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};
use crate::environment::{Callback, Env};

pub(super) static BINDING: Binding = Binding {
    name: "buffer",
    functions: functions! { "setBufferPrototype" => set_buffer_prototype, },
    make: None,
};

fn set_buffer_prototype(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::BufferPrototype, args.get(0));
    }
}

/// A `Buffer` with these bytes. `None` with an exception pending where there is no memory for it.
pub(crate) fn from_bytes<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    bytes: &[u8],
) -> Option<v8::Local<'s, v8::Value>> {
    let array = isolate::library::bytes(scope, bytes)?;
    let object: v8::Local<v8::Object> = array.try_cast().ok()?;
    let prototype = env.callback_value(scope, Callback::BufferPrototype)?;
    object.set_prototype(scope, prototype)?;
    Some(array)
}
