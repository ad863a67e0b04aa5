//! Making contexts: a fresh one is stripped of what the VM may not have before anything else runs in it, then the library
//! boots, then (after the claim) it learns what is particular to this VM.

pub(crate) mod core;
pub(crate) mod numbers;
pub(crate) mod resources;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::library::Library;
use crate::realm::core::{Core, Realm, Scope, string};
use protocol::engine::WasmLevel;

/// Creates a context and boots the library in it. `None` if V8 has no memory left for one.
pub(crate) fn create(
    isolate: &mut v8::OwnedIsolate,
    core: &Rc<Core>,
    library: &dyn Library,
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
        environment: OnceCell::new(),
        retained: Cell::new(None),
        active: RefCell::default(),
        waiting: RefCell::new(VecDeque::new()),
        process: RefCell::default(),
        resources: RefCell::default(),
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
    let made = prepare(scope, core, &realm, library);
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
    library: &dyn Library,
) -> Option<()> {
    library.boot(scope, core, realm)?;
    if core.settings.get().is_none() {
        return Some(());
    }
    configure(scope, realm)
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

/// An object with the native functions behind the modules `cordon:vm/...`.
pub fn natives<'s>(scope: &mut Scope<'s, '_>, core: &Core) -> Option<v8::Local<'s, v8::Object>> {
    v8::Local::new(scope, core.natives.get()?).new_instance(scope)
}

/// Tells a context about its VM: host functions, shared memory, the start of its clock.
pub(crate) fn configure(scope: &mut Scope<'_, '_>, realm: &Realm) -> Option<()> {
    realm.environment()?.configure(scope)
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
    core.operations.borrow_mut().cancel(realm.id);
    realm.pending.set(0);
    realm.unreferenced.set(0);
    if let Some(environment) = realm.environment() {
        environment.quiesce();
    }
    realm.held.borrow_mut().clear();
}

/// Takes a realm out of the tables. Its context goes with the last handle to it.
pub(crate) fn dispose(core: &Core, realm: &Rc<Realm>) {
    quiesce(core, realm);
    let resources = realm.resources.take();
    drop(resources);
    realm.process.take();
    core.realms.borrow_mut().remove(&realm.id);
}
