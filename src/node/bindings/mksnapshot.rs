//! Snapshots of the heap: none is ever being made, and none of a guest's is taken.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "mksnapshot",
    functions: functions! {
        "setSerializeCallback" => ignored,
        "setDeserializeCallback" => ignored,
        "setDeserializeMainFunction" => ignored,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let buffer = v8::ArrayBuffer::new(scope, 1);
    let building = v8::Uint8Array::new(scope, buffer, 0, 1)?;
    set(scope, binding, "isBuildingSnapshotBuffer", building.into())?;
    let path = string(scope, "__node_anonymous_main");
    set(scope, binding, "anonymousMainPath", path.into())
}

fn ignored(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
