//! Requests of streams, and the memory in which native code tells JavaScript how a read or a write went.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::async_wrap::async_methods;
use crate::binding::{Binding, Class, set, string_data};
use crate::environment::Env;
use crate::request::{self, Request};
use crate::stream_base::{self, SharedState};

pub(super) static BINDING: Binding = Binding { name: "stream_wrap", functions: &[], make: Some(make) };

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let buffer = v8::ArrayBuffer::new(scope, 20);
    let _ = env.state::<SharedState>().0.set(buffer.get_backing_store());
    let state = v8::Int32Array::new(scope, buffer, 0, 5)?;
    set(scope, binding, "streamBaseState", state.into())?;
    request::class(scope, binding, "ShutdownWrap", "SHUTDOWNWRAP")?;
    let stream = stream_base::base(scope, env)?.get_function(scope)?;
    set(scope, binding, "LibuvStreamWrap", stream.into())?;
    make_write_wrap(scope, binding)
}

/// Its objects have what the library will set on each, from the beginning.
fn make_write_wrap(scope: &mut Scope<'_, '_>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(request::construct);
    let data = string_data(scope, "WRITEWRAP");
    let class = Class::with_data(scope, "WriteWrap", constructor, data)?;
    class.methods(scope, async_methods!(Request, wrap))?;
    let instance = class.template.instance_template(scope);
    let null: v8::Local<v8::Value> = v8::null(scope).into();
    for (name, value) in [
        ("oncomplete", null),
        ("callback", null),
        ("handle", null),
        ("async", v8::Boolean::new(scope, false).into()),
        ("bytes", v8::Integer::new(scope, 0).into()),
        ("buffer", null),
        ("writeStatus", null),
    ] {
        let key = string(scope, name);
        instance.set(key.into(), value.into());
    }
    class.publish(scope, binding, "WriteWrap")
}
