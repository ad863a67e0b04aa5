//! ECMAScript modules: `ModuleWrap`, a V8 module for the library's loaders.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use isolate::library::{Scope, codes, string};

use crate::binding::{Args, Binding, Class, Return, functions, set, set_number};
use crate::callbacks;
use crate::coded_error::{self, Kind};
use crate::environment::{Callback, Env};
use crate::handle;

pub(super) static BINDING: Binding = Binding {
    name: "module_wrap",
    functions: functions! {
        "setImportModuleDynamicallyCallback" => set_import,
        "setInitializeImportMetaObjectCallback" => set_import_meta,
        "setImportMetaResolveInitializer" => set_import_meta_resolve,
        "createRequiredModuleFacade" => create_required_module_facade,
        "throwIfPromiseRejected" => throw_if_promise_rejected,
    },
    make: Some(make),
};

/// `kEvaluationPhase`, as V8 numbers it.
pub(crate) const EVALUATION_PHASE: i32 = 3;

/// The native half of a `ModuleWrap`.
struct ModuleWrap {
    module: v8::Global<v8::Module>,
    context: v8::Global<v8::Context>,
    /// What makes a synthetic module's exports.
    steps: Option<v8::Global<v8::Function>>,
    /// What its imports lead to, in their order.
    linked: RefCell<Vec<v8::Global<v8::Object>>>,
    is_linked: Cell<bool>,
    /// By which the library knows it again in `import.meta` and `import()`.
    symbol: v8::Global<v8::Symbol>,
    source_object: RefCell<Option<v8::Global<v8::Object>>>,
}

/// The wraps of a realm by their modules' hashes.
#[derive(Default)]
struct Modules {
    by_hash: RefCell<HashMap<i32, Vec<Wrapped>>>,
    /// How many of either kind of module the realm has had.
    count: Cell<u64>,
}

/// Counts a module of the program's, of either kind, against `limits.modules`. `None` with an exception pending if that
/// is passed.
pub(super) fn account(scope: &mut Scope<'_, '_>, env: &Env) -> Option<()> {
    // What boots before there is a program is the library.
    if env.process().is_none() {
        return Some(());
    }
    let modules = env.state::<Modules>();
    let count = modules.count.get().saturating_add(1);
    let limit = env.core.limits().modules;
    if count > limit {
        let message = format!("more than limits.modules ({limit}) modules");
        coded_error::throw(scope, Kind::Error, &message, codes::MODULE_LIMIT);
        return None;
    }
    modules.count.set(count);
    Some(())
}

/// A module and its wrap.
type Wrapped = (v8::Global<v8::Module>, v8::Global<v8::Object>);

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    for (name, value) in [
        ("kUninstantiated", 0),
        ("kInstantiating", 1),
        ("kInstantiated", 2),
        ("kEvaluating", 3),
        ("kEvaluated", 4),
        ("kErrored", 5),
    ] {
        set_number(scope, binding, name, f64::from(value))?;
    }
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "ModuleWrap", constructor)?;
    class.methods(
        scope,
        functions! {
            "link" => link,
            "getModuleRequests" => get_module_requests,
            "instantiate" => instantiate,
            "evaluate" => evaluate,
            "evaluateSync" => evaluate_sync,
            "setExport" => set_export,
            "getNamespace" => get_namespace,
            "getStatus" => get_status,
            "getError" => get_error,
            "setModuleSourceObject" => set_module_source_object,
            "getModuleSourceObject" => get_module_source_object,
            "createCachedData" => create_cached_data,
        },
    )?;
    let getter = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(has_async_graph);
    class.getter(scope, "hasAsyncGraph", getter)?;
    class.publish(scope, binding, "ModuleWrap")
}

/// (url, context, source, lineOffset, columnOffset, symbol or cached data)
/// (url, context, names of exports, function that sets them)
fn construct<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(
            scope,
            "Class constructor ModuleWrap cannot be invoked without 'new'",
        );
    }
    let Some(env) = Env::of(scope) else { return };
    let this = args.this();
    let Ok(url) = args.get(0).try_cast::<v8::String>() else {
        return isolate::library::throw_type(scope, "the URL of a module is a string");
    };
    let Some(context) = super::contextify::context_of(scope, &env, args.get(1)) else { return };
    let id: v8::Local<v8::Symbol> = match args.get(5).try_cast::<v8::Symbol>() {
        Ok(symbol) if !args.get(2).is_array() => symbol,
        _ => v8::Symbol::new(scope, Some(url)),
    };
    let scope = &mut v8::ContextScope::new(scope, context);
    let (module, steps) = if let Ok(names) = args.get(2).try_cast::<v8::Array>() {
        let Ok(steps) = args.get(3).try_cast::<v8::Function>() else {
            return isolate::library::throw_type(
                scope,
                "a synthetic module has a function that sets its exports",
            );
        };
        let mut exports = Vec::new();
        for index in 0..names.length() {
            let Some(name) = names.get_index(scope, index).and_then(|name| name.to_string(scope)) else {
                return;
            };
            exports.push(name);
        }
        let module = v8::Module::create_synthetic_module(scope, url, &exports, run_synthetic);
        (module, Some(v8::Global::new(scope, steps)))
    } else {
        if account(scope, &env).is_none() {
            return;
        }
        let Some(source) = args.get(2).to_string(scope) else { return };
        let line = args.get(3).int32_value(scope).unwrap_or(0);
        let column = args.get(4).int32_value(scope).unwrap_or(0);
        let origin = callbacks::origin(scope, url, (line, column), id, true);
        let mut source = v8::script_compiler::Source::new(source, Some(&origin));
        let Some(module) = compile(scope, &env, &mut source) else { return };
        (module, None)
    };
    let made = (|| {
        let key = string(scope, "url");
        this.define_own_property(scope, key.into(), url.into(), v8::PropertyAttribute::NONE)?;
        if module.is_source_text_module() {
            let script = module.get_unbound_module_script(scope);
            let map = script.get_source_mapping_url(scope);
            set(scope, this, "sourceMapURL", map)?;
            let source_url = script.get_source_url(scope);
            set(scope, this, "sourceURL", source_url)?;
            let waits = v8::Boolean::new(scope, module.has_top_level_await());
            set(scope, this, "hasTopLevelAwait", waits.into())?;
        }
        let key = super::util::private_symbol(scope, &env, "host_defined_option_symbol")?;
        this.set_private(scope, key, id.into())?;
        let wrap = ModuleWrap {
            module: v8::Global::new(scope, module),
            context: v8::Global::new(scope, context),
            steps,
            linked: RefCell::default(),
            is_linked: Cell::new(false),
            symbol: v8::Global::new(scope, id),
            source_object: RefCell::default(),
        };
        handle::attach(scope, &env, this, Rc::new(wrap))?;
        let entry = (v8::Global::new(scope, module), v8::Global::new(scope, this));
        let hash = module.get_identity_hash().get();
        env.state::<Modules>().by_hash.borrow_mut().entry(hash).or_default().push(entry);
        Some(())
    })();
    if made.is_some() {
        result.set(this.into());
    }
}

/// Compiles a module; a syntax error says where it is.
fn compile<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    source: &mut v8::script_compiler::Source,
) -> Option<v8::Local<'s, v8::Module>> {
    v8::tc_scope!(let attempt, scope);
    let module = v8::script_compiler::compile_module(attempt, source);
    if module.is_none() {
        decorate(attempt, env);
        attempt.rethrow();
    }
    module
}

/// Notes on an error that is being thrown where in the source it happened, for whoever prints it.
pub(super) fn decorate(
    attempt: &mut v8::PinnedRef<'_, v8::TryCatch<'_, '_, v8::HandleScope<'_>>>,
    env: &Env,
) {
    decorate_in(attempt, env, (0, 0));
}

fn decorate_in(
    attempt: &mut v8::PinnedRef<'_, v8::TryCatch<'_, '_, v8::HandleScope<'_>>>,
    env: &Env,
    begins: (i32, i32),
) {
    if attempt.has_terminated() {
        return;
    }
    let (Some(exception), Some(message)) = (attempt.exception(), attempt.message()) else { return };
    let Ok(error) = exception.try_cast::<v8::Object>() else { return };
    let Some(source) = callbacks::source_in(attempt, message, begins) else { return };
    let text = string(attempt, &source);
    if let Some(key) = super::util::private_symbol(attempt, env, "arrow_message_private_symbol") {
        error.set_private(attempt, key, text.into());
    }
}

/// As [`decorate`], and shows it in the error's stack; of a text that begins at that line and column of its file.
pub(super) fn decorate_stack(
    attempt: &mut v8::PinnedRef<'_, v8::TryCatch<'_, '_, v8::HandleScope<'_>>>,
    env: &Env,
    begins: (i32, i32),
) {
    decorate_in(attempt, env, begins);
    let Some(error) = attempt.exception().and_then(|exception| exception.try_cast::<v8::Object>().ok())
    else {
        return;
    };
    let _ = (|| {
        let decorated = super::util::private_symbol(attempt, env, "decorated_private_symbol")?;
        if error.get_private(attempt, decorated)?.is_true() {
            return None;
        }
        let arrow = super::util::private_symbol(attempt, env, "arrow_message_private_symbol")?;
        let arrow = error.get_private(attempt, arrow)?.try_cast::<v8::String>().ok()?;
        let key = string(attempt, "stack");
        let stack = error.get(attempt, key.into())?.try_cast::<v8::String>().ok()?;
        let line = string(attempt, "\n");
        let text = v8::String::concat(attempt, arrow, line)?;
        let text = v8::String::concat(attempt, text, stack)?;
        error.set(attempt, key.into(), text.into())?;
        let yes = v8::Boolean::new(attempt, true).into();
        error.set_private(attempt, decorated, yes)
    })();
}

/// The wrap of a module.
pub(crate) fn object_of<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    module: v8::Local<'_, v8::Module>,
) -> Option<v8::Local<'s, v8::Object>> {
    let modules = env.state::<Modules>();
    let modules = modules.by_hash.borrow();
    let candidates = modules.get(&module.get_identity_hash().get())?;
    let (_, object) = candidates.iter().find(|(known, _)| *known == module)?;
    Some(v8::Local::new(scope, object))
}

/// The symbol of a wrap.
pub(crate) fn symbol_of<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    object: v8::Local<'_, v8::Object>,
) -> Option<v8::Local<'s, v8::Value>> {
    let wrap = handle::of::<ModuleWrap>(scope, env, object)?;
    Some(v8::Local::new(scope, &wrap.symbol).into())
}

/// Attributes of an import, which V8 lists with `stride` entries for each.
pub(crate) fn attributes<'s>(
    scope: &mut Scope<'s, '_>,
    list: v8::Local<'_, v8::FixedArray>,
    stride: usize,
) -> Option<v8::Local<'s, v8::Object>> {
    let null = v8::null(scope).into();
    let object = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    for index in (0..list.length()).step_by(stride) {
        let key: v8::Local<v8::Name> = list.get(scope, index)?.try_cast().ok()?;
        let value: v8::Local<v8::Value> = list.get(scope, index + 1)?.try_cast().ok()?;
        object.create_data_property(scope, key, value)?;
    }
    Some(object)
}

fn set_import(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::ImportDynamically, args.get(0));
    }
}

fn set_import_meta(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::ImportMeta, args.get(0));
    }
}

fn set_import_meta_resolve(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some(env) = Env::of(scope) {
        env.set_callback(scope, Callback::ImportMetaResolve, args.get(0));
    }
}

/// () -> [{ specifier, attributes, phase }]
fn get_module_requests(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let module = v8::Local::new(scope, &wrap.module);
    let requests = module.get_module_requests();
    let mut list: Vec<v8::Local<v8::Value>> = Vec::new();
    for index in 0..requests.length() {
        let made = (|| {
            let request: v8::Local<v8::ModuleRequest> = requests.get(scope, index)?.try_cast().ok()?;
            let object = v8::Object::new(scope);
            set(scope, object, "specifier", request.get_specifier().into())?;
            let attributes = attributes(scope, request.get_import_attributes(), 3)?;
            set(scope, object, "attributes", attributes.into())?;
            let phase = match request.get_phase() {
                v8::ModuleImportPhase::kSource => 1,
                v8::ModuleImportPhase::kDefer => 2,
                v8::ModuleImportPhase::kEvaluation => EVALUATION_PHASE,
            };
            set_number(scope, object, "phase", f64::from(phase))?;
            Some(object)
        })();
        let Some(object) = made else { return };
        list.push(object.into());
    }
    result.set(v8::Array::new_with_elements(scope, &list).into());
}

/// (wraps, in the order of the requests)
fn link(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let Ok(wraps) = args.get(0).try_cast::<v8::Array>() else {
        return isolate::library::throw_type(scope, "link takes a list of modules");
    };
    let count = v8::Local::new(scope, &wrap.module).get_module_requests().length();
    if wraps.length() as usize != count {
        return isolate::library::throw(
            scope,
            "there is a module for each import",
            "ERR_VM_MODULE_LINK_FAILURE",
        );
    }
    let mut linked = Vec::new();
    for index in 0..wraps.length() {
        let Some(object) =
            wraps.get_index(scope, index).and_then(|value| value.try_cast::<v8::Object>().ok())
        else {
            return isolate::library::throw_type(scope, "link takes modules");
        };
        if handle::of::<ModuleWrap>(scope, &env, object).is_none() {
            return isolate::library::throw_type(scope, "link takes modules");
        }
        linked.push(v8::Global::new(scope, object));
    }
    wrap.is_linked.set(true);
    *wrap.linked.borrow_mut() = linked;
}

fn instantiate(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let module = v8::Local::new(scope, &wrap.module);
    let context = v8::Local::new(scope, &wrap.context);
    if module.get_status() == v8::ModuleStatus::Errored {
        return;
    }
    let scope = &mut v8::ContextScope::new(scope, context);
    v8::tc_scope!(let attempt, scope);
    if module.instantiate_module(attempt, resolve).is_none() {
        decorate(attempt, &env);
        attempt.rethrow();
    }
}

/// V8 asks which module an import means.
fn resolve<'s>(
    context: v8::Local<'s, v8::Context>,
    specifier: v8::Local<'s, v8::String>,
    attributes: v8::Local<'s, v8::FixedArray>,
    referrer: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Module>> {
    v8::callback_scope!(unsafe scope, context);
    let env = Env::of(scope)?;
    let found = (|| {
        let object = object_of(scope, &env, referrer)?;
        let wrap = handle::of::<ModuleWrap>(scope, &env, object)?;
        let requests = referrer.get_module_requests();
        let at = (0..requests.length()).find(|index| {
            let Some(request) = requests.get(scope, *index) else { return false };
            let Ok(request) = request.try_cast::<v8::ModuleRequest>() else { return false };
            request.get_specifier().strict_equals(specifier.into())
                && same_attributes(scope, request.get_import_attributes(), attributes)
        })?;
        let target = wrap.linked.borrow().get(at).cloned()?;
        let target = v8::Local::new(scope, &target);
        let target = handle::of::<ModuleWrap>(scope, &env, target)?;
        Some(v8::Local::new(scope, &target.module))
    })();
    if found.is_none() {
        let message = format!("request for '{}' is not in cache", specifier.to_rust_string_lossy(scope));
        isolate::library::throw(scope, &message, "ERR_VM_MODULE_LINK_FAILURE");
    }
    found
}

/// Whether two lists of attributes say the same; both come from V8, in its order, with a position after each pair.
fn same_attributes(
    scope: &mut Scope<'_, '_>,
    one: v8::Local<'_, v8::FixedArray>,
    other: v8::Local<'_, v8::FixedArray>,
) -> bool {
    one.length() == other.length()
        && (0..one.length()).filter(|index| index % 3 != 2).all(|index| {
            let value = |list: v8::Local<'_, v8::FixedArray>, scope: &mut Scope<'_, '_>| {
                let value: v8::Local<v8::Value> = list.get(scope, index)?.try_cast().ok()?;
                Some(value.to_rust_string_lossy(scope))
            };
            value(one, scope) == value(other, scope)
        })
}

/// V8 evaluates a synthetic module.
fn run_synthetic<'s>(
    context: v8::Local<'s, v8::Context>,
    module: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Value>> {
    v8::callback_scope!(unsafe scope, context);
    let env = Env::of(scope)?;
    let object = object_of(scope, &env, module)?;
    let wrap = handle::of::<ModuleWrap>(scope, &env, object)?;
    let steps = v8::Local::new(scope, wrap.steps.as_ref()?);
    steps.call(scope, object.into(), &[])?;
    let resolver = v8::PromiseResolver::new(scope)?;
    let undefined = v8::undefined(scope).into();
    resolver.resolve(scope, undefined);
    Some(resolver.get_promise(scope).into())
}

/// (timeout, breakOnSigint) -> promise
fn evaluate(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let timeout = args.get(0).integer_value(scope).filter(|timeout| *timeout > 0);
    let value = super::contextify::within(scope, &env, timeout, |scope| {
        let module = v8::Local::new(scope, &wrap.module);
        let context = v8::Local::new(scope, &wrap.context);
        let scope = &mut v8::ContextScope::new(scope, context);
        if !matches!(
            module.get_status(),
            v8::ModuleStatus::Instantiated | v8::ModuleStatus::Evaluated | v8::ModuleStatus::Errored
        ) {
            isolate::library::throw(scope, "the module is not linked", "ERR_VM_MODULE_STATUS");
            return None;
        }
        let value = module.evaluate(scope)?;
        Some(v8::Global::new(scope, value))
    });
    if let Some(value) = value {
        result.set(v8::Local::new(scope, &value));
    }
}

/// (file, its parent) -> namespace
fn evaluate_sync(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let module = v8::Local::new(scope, &wrap.module);
    let context = v8::Local::new(scope, &wrap.context);
    let scope = &mut v8::ContextScope::new(scope, context);
    if !matches!(
        module.get_status(),
        v8::ModuleStatus::Instantiated | v8::ModuleStatus::Evaluated | v8::ModuleStatus::Errored
    ) {
        return isolate::library::throw(scope, "the module is not linked", "ERR_VM_MODULE_STATUS");
    }
    let Some(value) = module.evaluate(scope) else { return };
    let Ok(promise) = value.try_cast::<v8::Promise>() else { return };
    if promise.state() == v8::PromiseState::Rejected {
        // It is thrown, so nobody is to be told that it was rejected.
        promise.mark_as_handled();
        let exception = promise.result(scope);
        scope.throw_exception(exception);
        return;
    }
    if module.is_graph_async() {
        promise.mark_as_handled();
        return throw_require_async(scope, args.get(0), args.get(1));
    }
    result.set(module.get_module_namespace());
}

fn throw_require_async(
    scope: &mut Scope<'_, '_>,
    file: v8::Local<'_, v8::Value>,
    parent: v8::Local<'_, v8::Value>,
) {
    let mut message =
        "require() cannot be used on an ESM graph with top-level await. Use import() instead. To see \
        where the top-level await comes from, use --experimental-print-required-tla."
            .to_owned();
    if parent.is_string() {
        message.push_str(&format!("\n  From {} ", parent.to_rust_string_lossy(scope)));
    }
    if file.is_string() {
        message.push_str(&format!("\n  Requiring {} ", file.to_rust_string_lossy(scope)));
    }
    isolate::library::throw(scope, &message, "ERR_REQUIRE_ASYNC_MODULE");
}

/// (name, value)
fn set_export<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, _: Return<'s>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let Ok(name) = args.get(0).try_cast::<v8::String>() else {
        return isolate::library::throw_type(scope, "the name of an export is a string");
    };
    let module = v8::Local::new(scope, &wrap.module);
    if module.is_synthetic_module() {
        let _ = module.set_synthetic_module_export(scope, name, args.get(1));
    }
}

fn get_namespace(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let module = v8::Local::new(scope, &wrap.module);
    if matches!(module.get_status(), v8::ModuleStatus::Uninstantiated | v8::ModuleStatus::Instantiating) {
        let message = string(scope, "cannot get namespace, module has not been instantiated");
        let error = v8::Exception::error(scope, message);
        scope.throw_exception(error);
        return;
    }
    result.set(module.get_module_namespace());
}

fn get_status(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let status = v8::Local::new(scope, &wrap.module).get_status();
    result.set(v8::Integer::new(scope, status as i32).into());
}

fn get_error(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let module = v8::Local::new(scope, &wrap.module);
    if module.get_status() == v8::ModuleStatus::Errored {
        result.set(module.get_exception());
    }
}

fn has_async_graph(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let module = v8::Local::new(scope, &wrap.module);
    let known =
        !matches!(module.get_status(), v8::ModuleStatus::Uninstantiated | v8::ModuleStatus::Instantiating);
    result.set_bool(known && module.is_graph_async());
}

fn set_module_source_object(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let object: Option<v8::Local<v8::Object>> = args.get(0).try_cast().ok();
    *wrap.source_object.borrow_mut() = object.map(|object| v8::Global::new(scope, object));
}

fn get_module_source_object(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, wrap)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    let object = wrap.source_object.borrow().clone();
    if let Some(object) = object {
        result.set(v8::Local::new(scope, &object).into());
    }
}

/// Nothing that a guest could give back would be taken: it is empty.
fn create_cached_data(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, _)) = handle::receiver::<ModuleWrap>(scope, args.this()) else { return };
    if let Some(buffer) = super::buffer::from_bytes(scope, &env, &[]) {
        result.set(buffer);
    }
}

/// (wrap) -> the namespace of a module that exports the same, and `__esModule`
fn create_required_module_facade(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let (Some(env), Ok(object)) = (Env::of(scope), args.get(0).try_cast::<v8::Object>()) else { return };
    let Some(wrap) = handle::of::<ModuleWrap>(scope, &env, object) else {
        return isolate::library::throw_type(scope, "a module is wanted");
    };
    let text =
        "export * from 'original'; export { default } from 'original'; export const __esModule = true;";
    let (text, name) = (string(scope, text), string(scope, "node:internal/require_module_default_facade"));
    let origin = v8::ScriptOrigin::new(scope, name.into(), 0, 0, true, -1, None, false, false, true, None);
    let mut source = v8::script_compiler::Source::new(text, Some(&origin));
    let Some(facade) = v8::script_compiler::compile_module(scope, &mut source) else { return };
    // The only thing that it imports is the original, which the environment remembers for the time.
    let previous = env.state::<Original>().0.replace(Some(wrap.module.clone()));
    let linked = facade.instantiate_module(scope, resolve_original);
    env.state::<Original>().0.replace(previous);
    if linked.is_some() && facade.evaluate(scope).is_some() {
        result.set(facade.get_module_namespace());
    }
}

/// What a facade that is being linked imports.
#[derive(Default)]
struct Original(RefCell<Option<v8::Global<v8::Module>>>);

fn resolve_original<'s>(
    context: v8::Local<'s, v8::Context>,
    _: v8::Local<'s, v8::String>,
    _: v8::Local<'s, v8::FixedArray>,
    _: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Module>> {
    v8::callback_scope!(unsafe scope, context);
    let original = Env::of(scope)?.state::<Original>().0.borrow().clone()?;
    Some(v8::Local::new(scope, &original))
}

fn throw_if_promise_rejected(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Ok(promise) = args.get(0).try_cast::<v8::Promise>() else { return };
    if promise.state() == v8::PromiseState::Rejected {
        let exception = promise.result(scope);
        scope.throw_exception(exception);
    }
}
