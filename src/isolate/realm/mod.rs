//! Making contexts: a fresh one is stripped of what the VM may not have before anything else runs in it, then the
//! bootstrap JavaScript runs, then (after the claim) it learns what is particular to this VM.

pub(crate) mod core;
pub(crate) mod resources;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::TimingMitigation;
use crate::library::Library;
use crate::platform::modules;
use crate::realm::core::{Core, Hooks, Realm, Scope, string};
use protocol::engine::WasmLevel;

/// The bootstrap JavaScript: one function body, in parts.
const BOOTSTRAP: &str = concat!(
    "(function (natives, platform) {\"use strict\";\n",
    include_str!("../../../guest-shim/js/src/prelude.js"),
    include_str!("../../../guest-shim/js/src/errors.js"),
    include_str!("../../../guest-shim/js/src/inspect.js"),
    include_str!("../../../guest-shim/js/src/console.js"),
    include_str!("../../../guest-shim/js/src/events.js"),
    include_str!("../../../guest-shim/js/src/timers.js"),
    include_str!("../../../guest-shim/js/src/text.js"),
    include_str!("../../../guest-shim/js/src/url.js"),
    include_str!("../../../guest-shim/js/src/vm.js"),
    include_str!("../../../guest-shim/js/src/commonjs.js"),
    include_str!("../../../guest-shim/js/src/wasm.js"),
    include_str!("../../../guest-shim/js/src/main.js"),
    "})"
);

/// What every context of an isolate is made from.
pub(crate) struct Bootstrap {
    script: v8::Global<v8::UnboundScript>,
}

/// Prepares the bootstrap once for all contexts of an isolate.
pub(crate) fn compile_bootstrap(isolate: &mut v8::OwnedIsolate) -> Bootstrap {
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let name = string(scope, "cordon:bootstrap");
    let origin = v8::ScriptOrigin::new(scope, name.into(), 0, 0, false, 0, None, false, false, false, None);
    let text = string(scope, BOOTSTRAP);
    let mut source = v8::script_compiler::Source::new(text, Some(&origin));
    let script = v8::script_compiler::compile_unbound_script(
        scope,
        &mut source,
        v8::script_compiler::CompileOptions::NoCompileOptions,
        v8::script_compiler::NoCacheReason::NoReason,
    )
    .expect("the bootstrap is part of this program");
    Bootstrap { script: v8::Global::new(scope, script) }
}

/// Creates and bootstraps a context. `None` if V8 has no memory left for one.
pub(crate) fn create(
    isolate: &mut v8::OwnedIsolate,
    core: &Rc<Core>,
    bootstrap: Option<&Bootstrap>,
    library: Option<&dyn Library>,
) -> Option<Rc<Realm>> {
    let microtasks = v8::MicrotaskQueue::new(isolate, v8::MicrotasksPolicy::Explicit);
    let queue: *const v8::MicrotaskQueue = &*microtasks;
    v8::scope!(let scope, isolate);
    let options =
        v8::ContextOptions { microtask_queue: Some(queue.cast_mut()), ..v8::ContextOptions::default() };
    let context = v8::Context::new(scope, options);
    let id = core.next_realm.replace(core.next_realm.get().wrapping_add(1));
    let realm = Rc::new(Realm {
        id,
        context: v8::Global::new(scope, context),
        microtasks,
        hooks: OnceCell::new(),
        environment: OnceCell::new(),
        retained: Cell::new(None),
        active: RefCell::default(),
        waiting: RefCell::new(VecDeque::new()),
        process: RefCell::default(),
        modules: RefCell::default(),
        timers: RefCell::default(),
        resources: RefCell::default(),
        rejections: RefCell::default(),
        uncaught: RefCell::default(),
        pending: Cell::new(0),
        unreferenced: Cell::new(0),
        held: RefCell::default(),
        threads: RefCell::default(),
    });
    let scope = &mut v8::ContextScope::new(scope, context);
    realm.mark(scope, context);
    strip(scope, core);
    // Functions of a library's ask for their realm while it boots.
    core.realms.borrow_mut().insert(id, realm.clone());
    let made = prepare(scope, core, &realm, bootstrap, library);
    if made.is_none() {
        core.realms.borrow_mut().remove(&id);
    }
    made.map(|()| realm)
}

/// Makes another context within a realm: what runs there is the realm's, its microtasks among it. It is stripped like the
/// realm's own, and may look into that. `None` if V8 has no memory left for one.
pub fn inner_context<'s>(
    scope: &mut Scope<'s, '_>,
    core: &Core,
    realm: &Realm,
    template: v8::Local<'s, v8::ObjectTemplate>,
) -> Option<v8::Local<'s, v8::Context>> {
    let outer = scope.get_current_context();
    let queue: *const v8::MicrotaskQueue = &*realm.microtasks;
    let options = v8::ContextOptions {
        global_template: Some(template),
        microtask_queue: Some(queue.cast_mut()),
        ..v8::ContextOptions::default()
    };
    let context = v8::Context::new(scope, options);
    let token = outer.get_security_token(scope);
    context.set_security_token(token);
    realm.mark(scope, context);
    let inner = &mut v8::ContextScope::new(scope, context);
    strip(inner, core);
    Some(context)
}

/// Boots what guest code will find in a realm, and after the claim tells it of the VM.
fn prepare(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    bootstrap: Option<&Bootstrap>,
    library: Option<&dyn Library>,
) -> Option<()> {
    match library {
        Some(library) => {
            library.boot(scope, core, realm)?;
        }
        None => {
            let hooks = run_bootstrap(scope, core, bootstrap?)?;
            let _ = realm.hooks.set(Hooks { object: hooks });
        }
    }
    let Some(settings) = core.settings.get() else { return Some(()) };
    configure(scope, realm, &settings.host_functions, settings.timing_mitigation)
}

/// Takes out of a context's global object what guest code must not have. Nothing has run in it, so nobody can have
/// kept a reference.
fn strip(scope: &mut Scope<'_, '_>, core: &Core) {
    let mut names = vec!["SharedArrayBuffer"];
    if core.wasm != WasmLevel::Allowed {
        names.push("WebAssembly");
    }
    let global = scope.get_current_context().global(scope);
    for name in names {
        let key = string(scope, name);
        global.delete(scope, key.into());
    }
}

fn run_bootstrap(
    scope: &mut Scope<'_, '_>,
    core: &Core,
    bootstrap: &Bootstrap,
) -> Option<v8::Global<v8::Object>> {
    v8::tc_scope!(let scope, scope);
    let hooks = (|| {
        let script = v8::Local::new(scope, &bootstrap.script).bind_to_current_context(scope);
        let function: v8::Local<v8::Function> = script.run(scope)?.try_cast().ok()?;
        let natives = natives(scope, core)?;
        let platform = string(scope, core.platform.name());
        let receiver = v8::undefined(scope).into();
        function.call(scope, receiver, &[natives.into(), platform.into()])?.try_cast::<v8::Object>().ok()
    })();
    hooks.map(|hooks| v8::Global::new(scope, hooks))
}

/// An object with the native functions behind the modules `cordon:vm/...`.
pub fn natives<'s>(scope: &mut Scope<'s, '_>, core: &Core) -> Option<v8::Local<'s, v8::Object>> {
    v8::Local::new(scope, core.natives.get()?).new_instance(scope)
}

/// Tells a context about its VM: host functions, shared memory, the start of its clock.
pub(crate) fn configure(
    scope: &mut Scope<'_, '_>,
    realm: &Realm,
    host_functions: &[String],
    timing_mitigation: TimingMitigation,
) -> Option<()> {
    if let Some(environment) = realm.environment() {
        return environment.configure(scope);
    }
    let configure = realm.hook(scope, "configure")?;
    let names: Vec<v8::Local<v8::Value>> =
        host_functions.iter().map(|name| string(scope, name).into()).collect();
    let names = v8::Array::new_with_elements(scope, &names);
    let shared = match timing_mitigation {
        TimingMitigation::Off => shared_array_buffer(scope),
        TimingMitigation::Freeze => None,
    };
    let shared = shared.unwrap_or_else(|| v8::undefined(scope).into());
    let receiver = v8::undefined(scope).into();
    configure.call(scope, receiver, &[names.into(), shared])?;
    Some(())
}

/// The constructor that the flag `--enable-sharedarraybuffer-per-context` keeps off the global object.
pub fn shared_array_buffer<'s>(scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Value>> {
    let buffer: v8::Local<v8::Object> = v8::SharedArrayBuffer::new(scope, 0)?.into();
    let key = string(scope, "constructor");
    buffer.get(scope, key.into())
}

/// Ends everything of a realm's that could make its code run again, its threads first.
pub(crate) fn quiesce(core: &Core, realm: &Realm) {
    crate::run::threads::join_threads(realm);
    realm.timers.borrow_mut().clear();
    core.operations.borrow_mut().cancel(realm.id);
    realm.pending.set(0);
    realm.unreferenced.set(0);
    if let Some(environment) = realm.environment() {
        environment.quiesce();
    }
    realm.held.borrow_mut().clear();
    realm.rejections.borrow_mut().clear();
    realm.uncaught.take();
}

/// Takes a realm out of the tables. Its context goes with the last handle to it.
pub(crate) fn dispose(core: &Core, realm: &Rc<Realm>) {
    quiesce(core, realm);
    let resources = realm.resources.take();
    drop(resources);
    *realm.modules.borrow_mut() = modules::ModuleMap::default();
    realm.process.take();
    core.realms.borrow_mut().remove(&realm.id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isolate;
    use protocol::config::Platform;
    use protocol::engine::EngineProfile;

    #[test]
    fn each_realm_has_natives_of_its_own_under_the_names_that_the_bootstrap_asks_for() {
        let profile = EngineProfile { wasm: WasmLevel::Absent, jit: true };
        crate::initialize(&profile, crate::Helpers::Now);
        let mut isolate = Isolate::new(profile, Platform::Neutral, None, 1);
        let core = isolate.core.clone();
        let mut made = Vec::new();
        for _ in 0..2 {
            let realm = create(&mut isolate.isolate, &core, isolate.bootstrap.as_ref(), None).unwrap();
            v8::scope!(let scope, &mut isolate.isolate);
            let context = v8::Local::new(scope, &realm.context);
            let scope = &mut v8::ContextScope::new(scope, context);
            let natives = natives(scope, &core).unwrap();
            let names = natives.get_own_property_names(scope, v8::GetPropertyNamesArgs::default()).unwrap();
            for index in 0..names.length() {
                let name = names.get_index(scope, index).unwrap();
                assert!(natives.get(scope, name).unwrap().is_function());
                let name = name.to_rust_string_lossy(scope);
                assert!(BOOTSTRAP.contains(&format!("natives.{name}")), "{name} is asked for by nobody");
            }
            let key = string(scope, "kindOf");
            let function: v8::Local<v8::Object> = natives.get(scope, key.into()).unwrap().cast();
            assert!(function.get_creation_context(scope).unwrap() == context);
            made.push((v8::Global::new(scope, function), realm));
        }
        assert!(made[0].0 != made[1].0, "realms share no function");
    }
}
