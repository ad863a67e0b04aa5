//! What V8 asks of the embedder about modules: which module an import means, what a synthetic module exports, what
//! `import()` gives and what is in `import.meta`.

use std::rc::Rc;

use super::evaluate::evaluate;
use super::load::{attribute_type, link, load, local, throw_phase};
use super::resolve::{Resolved, Style, file_url, join, location, parent, to_file_url};
use super::{Kind, Type};
use crate::core::{Core, Realm, Scope, string};
use crate::values::set;

/// Sets the callbacks of an isolate.
pub(crate) fn install(isolate: &mut v8::OwnedIsolate) {
    isolate.set_host_import_module_dynamically_callback(import);
    isolate.set_host_import_module_with_phase_dynamically_callback(import_with_phase);
    isolate.set_host_initialize_import_meta_object_callback(initialize_import_meta);
}

/// The module that `specifier` means in `referrer`: `link` has found it before.
pub(super) fn resolve<'s>(
    context: v8::Local<'s, v8::Context>,
    specifier: v8::Local<'s, v8::String>,
    attributes: v8::Local<'s, v8::FixedArray>,
    referrer: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Module>> {
    v8::callback_scope!(unsafe scope, context);
    let core = Core::of(scope);
    let realm = core.realm_of(scope, context)?;
    let specifier = specifier.to_rust_string_lossy(scope);
    let expected = attribute_type(scope, attributes, 3)?;
    let target = {
        let modules = realm.modules.borrow();
        let entry = &modules.entries[modules.find(referrer)?];
        entry.links.get(&(specifier.clone(), expected)).copied()
    };
    match target {
        Some(index) => Some(local(scope, &realm, index)),
        None => {
            let message = format!("Cannot find module '{specifier}'");
            crate::errors::throw(scope, &message, crate::outcome::codes::MODULE_NOT_FOUND);
            None
        }
    }
}

/// The object behind a `cordon:vm/...` module.
pub(super) fn interface<'s>(
    scope: &mut Scope<'s, '_>,
    realm: &Rc<Realm>,
    name: &str,
) -> Option<v8::Local<'s, v8::Object>> {
    let hooks = v8::Local::new(scope, &realm.hooks.get()?.object);
    let key = string(scope, "interfaces");
    let interfaces: v8::Local<v8::Object> = hooks.get(scope, key.into())?.try_cast().ok()?;
    let key = string(scope, name);
    interfaces.get(scope, key.into())?.try_cast().ok()
}

/// Gives a synthetic module its exports.
pub(super) fn evaluation_steps<'s>(
    context: v8::Local<'s, v8::Context>,
    module: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Value>> {
    v8::callback_scope!(unsafe scope, context);
    let core = Core::of(scope);
    let realm = core.realm_of(scope, context)?;
    let (name, json, is_interface) = {
        let modules = realm.modules.borrow();
        let entry = &modules.entries[modules.find(module)?];
        let json = match &entry.kind {
            Kind::Json(value) => Some(v8::Local::new(scope, value)),
            _ => None,
        };
        (entry.name.clone(), json, matches!(entry.kind, Kind::Interface))
    };
    let default = string(scope, "default");
    if let Some(value) = json {
        module.set_synthetic_module_export(scope, default, value)?;
    } else if is_interface {
        let object = interface(scope, &realm, &name)?;
        module.set_synthetic_module_export(scope, default, object.into())?;
        export_properties(scope, module, object)?;
    } else {
        let path = string(scope, &name);
        let receiver = v8::undefined(scope).into();
        let require = realm.hook(scope, "requireFile")?;
        let exports = require.call(scope, receiver, &[path.into()])?;
        module.set_synthetic_module_export(scope, default, exports)?;
        let whole = string(scope, "module.exports");
        module.set_synthetic_module_export(scope, whole, exports)?;
        if let Ok(object) = exports.try_cast::<v8::Object>() {
            export_properties(scope, module, object)?;
        }
    }
    let resolver = v8::PromiseResolver::new(scope)?;
    let undefined = v8::undefined(scope).into();
    resolver.resolve(scope, undefined)?;
    Some(resolver.get_promise(scope).into())
}

/// Exports the properties of an object whose names the module declared.
fn export_properties(
    scope: &mut Scope<'_, '_>,
    module: v8::Local<'_, v8::Module>,
    object: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let namespace: v8::Local<v8::Object> = module.get_module_namespace().try_cast().ok()?;
    let names = namespace.get_own_property_names(scope, v8::GetPropertyNamesArgs::default())?;
    for index in 0..names.length() {
        let name: v8::Local<v8::String> = names.get_index(scope, index)?.try_cast().ok()?;
        if matches!(name.to_rust_string_lossy(scope).as_str(), "default" | "module.exports") {
            continue;
        }
        let value = object.get(scope, name.into())?;
        module.set_synthetic_module_export(scope, name, value)?;
    }
    Some(())
}

/// The path of the code that imports, from the name of its script.
fn referrer_of(scope: &mut Scope<'_, '_>, realm: &Rc<Realm>, resource: v8::Local<'_, v8::Value>) -> String {
    let name = if resource.is_string() { resource.to_rust_string_lossy(scope) } else { String::new() };
    if name.starts_with('/') {
        return name;
    }
    file_url(&name).unwrap_or_else(|| {
        let cwd = realm.process().and_then(|process| process.cwd().ok());
        join(cwd.as_deref().unwrap_or("/"), "[eval]")
    })
}

fn import<'s>(
    scope: &mut Scope<'s, '_>,
    _options: v8::Local<'s, v8::Data>,
    resource: v8::Local<'s, v8::Value>,
    specifier: v8::Local<'s, v8::String>,
    attributes: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    let core = Core::of(scope);
    let realm = core.current_realm(scope)?;
    let resolver = v8::PromiseResolver::new(scope)?;
    let promise = resolver.get_promise(scope);
    let referrer = referrer_of(scope, &realm, resource);
    let referrer = string(scope, &referrer);
    let expected = {
        v8::tc_scope!(let scope, scope);
        match attribute_type(scope, attributes, 2) {
            Some(expected) => expected,
            None => {
                let error = scope.exception()?;
                resolver.reject(scope, error);
                return Some(promise);
            }
        }
    };
    let json = v8::Boolean::new(scope, expected == Type::Json);
    // Code that is imported runs after the code that imports it, as a microtask of the same realm.
    let resolver = v8::Global::new(scope, resolver);
    let number = realm.modules.borrow_mut().imports.add(resolver);
    let number = v8::Integer::new_from_unsigned(scope, number);
    let request = [number.into(), specifier.into(), referrer.into(), json.into()];
    let data = v8::Array::new_with_elements(scope, &request);
    let task = v8::Function::builder(run_import).data(data.into()).build(scope)?;
    realm.microtasks.enqueue_microtask(scope, task);
    Some(promise)
}

fn import_with_phase<'s>(
    scope: &mut Scope<'s, '_>,
    options: v8::Local<'s, v8::Data>,
    resource: v8::Local<'s, v8::Value>,
    specifier: v8::Local<'s, v8::String>,
    phase: v8::ModuleImportPhase,
    attributes: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    if phase == v8::ModuleImportPhase::kEvaluation {
        return import(scope, options, resource, specifier, attributes);
    }
    let core = Core::of(scope);
    let resolver = v8::PromiseResolver::new(scope)?;
    let specifier = specifier.to_rust_string_lossy(scope);
    v8::tc_scope!(let scope, scope);
    throw_phase(scope, &core, &specifier);
    let error = scope.exception()?;
    resolver.reject(scope, error);
    Some(resolver.get_promise(scope))
}

fn run_import(
    scope: &mut Scope<'_, '_>,
    args: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_, v8::Value>,
) {
    let Ok(request) = args.data().try_cast::<v8::Array>() else { return };
    v8::tc_scope!(let scope, scope);
    if perform_import(scope, request).is_none()
        && let Some(error) = scope.exception()
        && !scope.has_terminated()
    {
        scope.reset();
        settle_import(scope, request, Err(error));
    }
}

fn perform_import(scope: &mut Scope<'_, '_>, request: v8::Local<'_, v8::Array>) -> Option<()> {
    let core = Core::of(scope);
    let realm = core.current_realm(scope)?;
    let number = request.get_index(scope, 0)?;
    let specifier = request.get_index(scope, 1)?.to_rust_string_lossy(scope);
    let referrer = request.get_index(scope, 2)?.to_rust_string_lossy(scope);
    let expected = if request.get_index(scope, 3)?.is_true() { Type::Json } else { Type::Code };
    let index = load(scope, &core, &realm, &specifier, &referrer, expected)?;
    link(scope, &core, &realm, index)?;
    let evaluated = evaluate(scope, &realm, index)?;
    let namespace = local(scope, &realm, index).get_module_namespace();
    let data = v8::Array::new_with_elements(scope, &[number, namespace]);
    let fulfil = v8::Function::builder(fulfil_import).data(data.into()).build(scope)?;
    let reject = v8::Function::builder(reject_import).data(data.into()).build(scope)?;
    evaluated.then2(scope, fulfil, reject)?;
    Some(())
}

fn fulfil_import(
    scope: &mut Scope<'_, '_>,
    args: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_, v8::Value>,
) {
    let Ok(data) = args.data().try_cast::<v8::Array>() else { return };
    if let Some(namespace) = data.get_index(scope, 1) {
        settle_import(scope, data, Ok(namespace));
    }
}

fn reject_import(
    scope: &mut Scope<'_, '_>,
    args: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_, v8::Value>,
) {
    if let Ok(data) = args.data().try_cast::<v8::Array>() {
        settle_import(scope, data, Err(args.get(0)));
    }
}

/// Settles the promise whose number is the first element of `data`.
fn settle_import(
    scope: &mut Scope<'_, '_>,
    data: v8::Local<'_, v8::Array>,
    result: Result<v8::Local<'_, v8::Value>, v8::Local<'_, v8::Value>>,
) -> Option<()> {
    let realm = Core::of(scope).current_realm(scope)?;
    let number = data.get_index(scope, 0)?.uint32_value(scope)?;
    let resolver = realm.modules.borrow_mut().imports.remove(number)?;
    let resolver = v8::Local::new(scope, &resolver);
    match result {
        Ok(value) => resolver.resolve(scope, value)?,
        Err(error) => resolver.reject(scope, error)?,
    };
    Some(())
}

/// `import.meta`: `url`, `filename`, `dirname` and `resolve`.
pub(crate) unsafe extern "C" fn initialize_import_meta(
    context: v8::Local<'_, v8::Context>,
    module: v8::Local<'_, v8::Module>,
    meta: v8::Local<'_, v8::Object>,
) {
    v8::callback_scope!(unsafe scope, context);
    let core = Core::of(scope);
    let Some(realm) = core.realm_of(scope, context) else { return };
    let name = {
        let modules = realm.modules.borrow();
        let Some(index) = modules.find(module) else { return };
        modules.entries[index].name.clone()
    };
    let url = string(scope, &to_file_url(&name));
    let filename = string(scope, &name);
    let dirname = string(scope, parent(&name));
    set(scope, meta, "dirname", dirname.into());
    set(scope, meta, "filename", filename.into());
    let resolve = v8::Function::builder(meta_resolve)
        .data(filename.into())
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope);
    if let Some(resolve) = resolve {
        set(scope, meta, "resolve", resolve.into());
    }
    set(scope, meta, "url", url.into());
}

fn meta_resolve(
    scope: &mut Scope<'_, '_>,
    args: v8::FunctionCallbackArguments<'_>,
    mut result: v8::ReturnValue<'_, v8::Value>,
) {
    let core = Core::of(scope);
    let Some(realm) = core.current_realm(scope) else { return };
    let Some(process) = realm.process() else { return };
    let referrer = args.data().to_rust_string_lossy(scope);
    let Some(specifier) = args.get(0).to_string(scope) else { return };
    let specifier = specifier.to_rust_string_lossy(scope);
    // A location is only put together; whether something is there shows when it is imported.
    if let Some(path) = location(&specifier, &referrer) {
        return result.set(string(scope, &to_file_url(&path)).into());
    }
    let resolved =
        realm.modules.borrow_mut().packages().resolve(&process, &specifier, &referrer, Style::Import);
    match resolved {
        Ok(Resolved::File(path)) => result.set(string(scope, &to_file_url(&path)).into()),
        Ok(Resolved::Interface(name)) => result.set(string(scope, &name).into()),
        Err(error) => super::throw_unresolved(scope, &core, error, &referrer),
    }
}
