//! What this Node was built with. It has no inspector and traces nothing.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "config",
    functions: functions! { "getDefaultLocale" => get_default_locale, },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    for name in ["hasInspector", "hasTracing", "fipsMode", "noBrowserGlobals"] {
        let value = v8::Boolean::new(scope, false);
        set(scope, binding, name, value.into())?;
    }
    Some(())
}

fn get_default_locale(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(string(scope, "en-US").into());
}
