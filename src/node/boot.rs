//! Booting the library in a context, in Node's own order, and beginning a job in it.

use std::rc::Rc;

use isolate::library::{
    Awaited, Begun, Format, Realm, Scope, Work, evaluate_text, file_path, plain_text, string,
};

use crate::binding;
use crate::command_line::Program;
use crate::environment::{Callback, Env};
use crate::process;
use protocol::config::Platform;

/// This crate's own script, which runs as a part of the library: what Node's C++ calls in it, and how jobs begin.
const MAIN: &str = include_str!("../../guest-shim/js/node/main.js");

/// The modules `cordon:vm/...`, over native functions of the isolate's.
const INTERFACES: &str = concat!(
    "\"use strict\";\n",
    include_str!("../../guest-shim/js/vm/prelude.js"),
    include_str!("../../guest-shim/js/vm/interfaces.js"),
    include_str!("../../guest-shim/js/vm/wasm.js"),
    "return { __proto__: null, interfaces, hideSharedMemory, hostFunction };"
);

/// What other platforms than `node` keep of it.
const KEPT: &str = include_str!("../../guest-shim/js/node/platform.js");

/// How `browser` takes packages.
const PACKAGES: &str = include_str!("../../guest-shim/js/node/browser.js");

/// What runs after `internal/bootstrap/realm`, each with the same parameters.
const ORDER: &[&str] = &[
    "internal/bootstrap/node",
    "internal/bootstrap/web/exposed-wildcard",
    "internal/bootstrap/web/exposed-window-or-worker",
];

/// What follows in a main thread, and in another.
const OF_MAIN_THREAD: &[&str] =
    &["internal/bootstrap/switches/is_main_thread", "internal/bootstrap/switches/does_own_process_state"];
pub(crate) const OF_FURTHER_THREAD: &[&str] = &[
    "internal/bootstrap/switches/is_not_main_thread",
    "internal/bootstrap/switches/does_not_own_process_state",
];

/// Begins a further thread.
pub(crate) const THREAD: &str = "internal/main/worker_thread";

/// See the module. `None` with an exception pending if that failed.
pub(crate) fn boot(scope: &mut Scope<'_, '_>, realm: &Rc<Realm>, env: Rc<Env>) -> Option<()> {
    realm.install(env.clone());
    v8::tc_scope!(let scope, scope);
    let booted = run(scope, &env);
    // Whoever changes bindings wants to know what the library threw.
    if cfg!(test) && booted.is_none() {
        let told = scope.stack_trace().or(scope.exception()).map(|value| value.to_rust_string_lossy(scope));
        eprintln!("node: {}", told.unwrap_or_default());
    }
    booted
}

fn run(scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let platform = env.core.platform();
    // Before the library adds to them.
    let language = match platform {
        Platform::Node => None,
        Platform::Browser | Platform::Neutral | Platform::Bare => Some(global_names(scope)?),
    };
    let (exports, primordials) = run_per_context(scope, env)?;
    env.set_callback(scope, Callback::Primordials, primordials.into());
    env.set_callback(scope, Callback::PerContextExports, exports.into());
    let process = process::create(scope, env)?;
    let get_linked = v8::Function::new(scope, linked_binding)?;
    let get_internal = v8::Function::new(scope, internal_binding)?;
    let realm = env.scripts.function(scope, "internal/bootstrap/realm")?;
    let arguments = [process.into(), get_linked.into(), get_internal.into(), primordials.into()];
    realm.call(scope, undefined, &arguments)?;
    let require = env.callback_value(scope, Callback::Require)?;
    let internal = env.callback_value(scope, Callback::InternalBinding)?;
    let arguments = [process.into(), require, internal, primordials.into()];
    let switches = if env.thread.is_some() { OF_FURTHER_THREAD } else { OF_MAIN_THREAD };
    for id in ORDER.iter().chain(switches) {
        let function = env.scripts.function(scope, id)?;
        function.call(scope, undefined, &arguments)?;
    }
    let interfaces = env.scripts.own(scope, "internal/cordon/vm", INTERFACES)?;
    let natives = isolate::library::natives(scope, &env.core)?;
    let vm: v8::Local<v8::Object> = interfaces.call(scope, undefined, &[natives.into()])?.try_cast().ok()?;
    let name = string(scope, platform.name());
    binding::set(scope, vm, "platform", name.into())?;
    let main = env.scripts.own(scope, "internal/main/cordon", MAIN)?;
    let arguments = [process.into(), require, internal, primordials.into(), vm.into()];
    let main = main.call(scope, undefined, &arguments)?;
    env.set_callback(scope, Callback::Main, main);
    if let Some(language) = language {
        binding::set(scope, vm, "language", language.into())?;
        let kept = env.scripts.own(scope, "internal/main/cordon_platform", KEPT)?;
        kept.call(scope, undefined, &arguments)?;
        if platform == Platform::Browser {
            let packages = env.scripts.own(scope, "internal/main/cordon_browser", PACKAGES)?;
            packages.call(scope, undefined, &arguments)?;
        }
    }
    Some(())
}

/// The names of all that the global object has by now.
fn global_names<'s>(scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Array>> {
    let global = scope.get_current_context().global(scope);
    let all =
        v8::GetPropertyNamesArgsBuilder::new().property_filter(v8::PropertyFilter::ALL_PROPERTIES).build();
    global.get_own_property_names(scope, all)
}

/// Runs what each context has by itself. Gives what that exports, and the primordials.
pub(crate) fn run_per_context<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
) -> Option<(v8::Local<'s, v8::Object>, v8::Local<'s, v8::Object>)> {
    let undefined: v8::Local<v8::Value> = v8::undefined(scope).into();
    let null = v8::null(scope).into();
    let primordials = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    let exports = v8::Object::new(scope);
    let private = crate::bindings::util::private_symbols(scope, env)?;
    let symbols = crate::bindings::symbols::symbols(scope, env)?;
    for id in ["primordials", "domexception", "messageport"] {
        let function = env.scripts.function(scope, &format!("internal/per_context/{id}"))?;
        function.call(
            scope,
            undefined,
            &[exports.into(), primordials.into(), private.into(), symbols.into()],
        )?;
    }
    Some((exports, primordials))
}

fn linked_binding(scope: &mut Scope<'_, '_>, _: binding::Args<'_>, _: binding::Return<'_>) {
    binding::unsupported_feature(scope, "process._linkedBinding");
}

fn internal_binding(scope: &mut Scope<'_, '_>, args: binding::Args<'_>, mut result: binding::Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let name = args.get(0).to_rust_string_lossy(scope);
    if let Some(object) = binding::instantiate(scope, &env, &name) {
        result.set(object.into());
    }
}

/// Begins a further thread: what it is to run it is told through its port.
fn begin_thread(scope: &mut Scope<'_, '_>, env: &Env) -> Option<Begun> {
    process::begin_thread(scope, env)?;
    run_main_script(scope, env, THREAD)?;
    env.thread.as_ref()?.note_start();
    Some(Begun::Waits(Awaited::Nothing))
}

/// Begins what a command line asks for.
fn begin_program(scope: &mut Scope<'_, '_>, env: &Env, program: Program) -> Option<Begun> {
    match program {
        Program::File(_) => run_main_script(scope, env, "internal/main/run_main_module")?,
        Program::Script(name) => run_main_script(scope, env, &format!("internal/main/{name}"))?,
        Program::Tests => drop(env.call_main(scope, "runTests", &[])?),
        Program::Version => drop(env.call_main(scope, "tellVersion", &[])?),
        Program::Task(name, arguments) => {
            let arguments: Vec<v8::Local<v8::Value>> =
                arguments.iter().map(|argument| string(scope, argument).into()).collect();
            let arguments = v8::Array::new_with_elements(scope, &arguments);
            let name = string(scope, &name).into();
            env.call_main(scope, "runTask", &[name, arguments.into()])?;
        }
        Program::TaskList => drop(env.call_main(scope, "runTask", &[])?),
        Program::Refused(why) => {
            let why = string(scope, &why).into();
            env.call_main(scope, "refuse", &[why])?;
        }
        Program::Nothing => {}
    }
    Some(Begun::Waits(Awaited::Nothing))
}

/// Runs one of the scripts that begin Node.
fn run_main_script(scope: &mut Scope<'_, '_>, env: &Env, id: &str) -> Option<()> {
    let process = env.process_object(scope)?.into();
    let require = env.callback_value(scope, Callback::Require)?;
    let internal = env.callback_value(scope, Callback::InternalBinding)?;
    let primordials = env.callback_value(scope, Callback::Primordials)?;
    let main = env.scripts.function(scope, id)?;
    let receiver = v8::undefined(scope).into();
    main.call(scope, receiver, &[process, require, internal, primordials])?;
    Some(())
}

/// Begins a job.
pub(crate) fn begin(scope: &mut Scope<'_, '_>, env: &Env, work: Work) -> Option<Begun> {
    let realm = env.realm()?;
    let (kind, text, options, path) = match work {
        Work::Thread => return begin_thread(scope, env),
        Work::Evaluate { source, options } => {
            let path = file_path(&realm, &options, "[eval].js");
            ("evaluate", Some(source), options, path)
        }
        Work::Execute { source, options } => {
            let format = options.format_in(realm.is_retained());
            let kind = match format {
                Format::Module => "module",
                Format::Script => "script",
                Format::CommonJs => "commonjs",
            };
            let path = file_path(&realm, &options, format.inline_name());
            (kind, Some(source), options, path)
        }
        Work::ExecuteFile { path, options } => {
            let kind = match options.format {
                None => "file",
                Some(Format::Module) => "module-file",
                Some(Format::CommonJs) => "commonjs-file",
                Some(Format::Script) => "script-file",
            };
            (kind, None, options, path)
        }
    };
    let program = process::begin(scope, env, text.is_none())?;
    if program != Program::Nothing {
        return begin_program(scope, env, program);
    }
    let text = match text {
        Some(text) => Some(plain_text(scope, text, &path, &options, None)?),
        None => None,
    };
    let inputs: Vec<v8::Local<v8::Value>> = options
        .inputs
        .iter()
        .flat_map(|(name, json)| [string(scope, name).into(), string(scope, json).into()])
        .collect();
    let inputs = v8::Array::new_with_elements(scope, &inputs);
    let source = match &text {
        Some(text) => string(scope, text).into(),
        None => v8::undefined(scope).into(),
    };
    let arguments = [string(scope, kind).into(), source, string(scope, &path).into(), inputs.into()];
    env.call_main(scope, "begin", &arguments)?;
    match (kind, text) {
        ("evaluate", Some(text)) => evaluate_text(scope, &env.core, &text, &path),
        _ => Some(Begun::Waits(Awaited::Nothing)),
    }
}
