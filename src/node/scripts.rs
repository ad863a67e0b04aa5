//! The library's modules as V8 has compiled them: once for all realms of an isolate, so that a realm that boots runs
//! code which an earlier one has had compiled.
//!
//! Further isolates of the process get what the first has compiled in V8's serial form ([`store::code`]). That is made
//! here, in this process and before it was forked, of nothing but the library's own texts; it leads nowhere a guest could
//! write to, and nothing that a guest brings is ever taken for it.

use std::cell::RefCell;
use std::collections::HashMap;

use isolate::library::{Scope, string};

use crate::binding;
use crate::environment::{Callback, Env};
use crate::store;

/// See the module.
#[derive(Default)]
pub(crate) struct Scripts {
    compiled: RefCell<HashMap<String, v8::Global<v8::UnboundScript>>>,
}

/// Modules of the library in whose place others stand: what they do with WebAssembly is done by native code here.
const REPLACED: &[(&str, &str)] =
    &[("internal/deps/amaro/dist/index", include_str!("../../guest-shim/js/node/amaro.js"))];

/// A module of the library that has values of its own in the place of globals: their names, and the script that exports
/// them.
const GIVEN: &[(&str, &str, &str)] = &[(
    "internal/deps/undici/undici",
    "{ Buffer, WebAssembly }",
    include_str!("../../guest-shim/js/node/undici.js"),
)];

/// The parameters of a module of the library, by where it lies: as in Node's `BuiltinLoader::LookupAndCompile`.
fn parameters(id: &str) -> &'static str {
    if id == "internal/bootstrap/realm" {
        "process, getLinkedBinding, getInternalBinding, primordials"
    } else if id.starts_with("internal/per_context/") {
        "exports, primordials, privateSymbols, perIsolateSymbols"
    } else if id == "internal/cordon/vm" {
        "natives"
    } else if id.starts_with("internal/main/cordon") {
        "process, require, internalBinding, primordials, vm"
    } else if id.starts_with("internal/main/") || id.starts_with("internal/bootstrap/") {
        "process, require, internalBinding, primordials"
    } else {
        "exports, require, module, process, internalBinding, primordials"
    }
}

/// What a further thread needs beside what a main one has run.
const OF_THREADS: &[&str] = &[
    "internal/main/worker_thread",
    "internal/bootstrap/switches/is_not_main_thread",
    "internal/bootstrap/switches/does_not_own_process_state",
    "internal/process/worker_thread_only",
    "internal/worker",
    "internal/worker/io",
    "internal/worker/messaging",
    "internal/error_serdes",
    "worker_threads",
];

impl Scripts {
    /// Keeps what has been compiled for further isolates of this process.
    pub fn keep(&self, scope: &mut Scope<'_, '_>) {
        for id in OF_THREADS {
            if self.compiled.borrow().contains_key(*id) {
                continue;
            }
            // None of its functions has run: all are compiled.
            let (before, after) = around(id);
            let Some(text) = store::wrapped(id, &before, after) else { continue };
            if let Some(script) = compile(scope, id, text, before.len(), Compile::Whole)
                && let Some(code) = script.create_code_cache()
            {
                store::keep_code(id, &code);
            }
        }
        for (id, script) in self.compiled.borrow().iter() {
            if let Some(code) = v8::Local::new(scope, script).create_code_cache() {
                store::keep_code(id, &code);
            }
        }
    }

    /// A script of this crate's own, as the body of a function with the parameters of a module of that id.
    pub fn own<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        id: &str,
        text: &'static str,
    ) -> Option<v8::Local<'s, v8::Function>> {
        self.compiled(scope, id, |before, after| {
            let text = format!("{before}{text}{after}");
            Some(store::Text::Wide(Box::leak(text.into_boxed_str())))
        })
    }

    /// The function of a module, in the present context. `None` with an exception pending where there is no such module.
    pub fn function<'s>(&self, scope: &mut Scope<'s, '_>, id: &str) -> Option<v8::Local<'s, v8::Function>> {
        if let Some((_, text)) = REPLACED.iter().find(|(replaced, _)| *replaced == id) {
            return self.own(scope, id, text);
        }
        let Some((_, _, text)) = GIVEN.iter().find(|(given, ..)| *given == id) else {
            return self.compiled(scope, id, |before, after| store::wrapped(id, before, after));
        };
        // The text stands as it is, in a function within a function that has the parameter.
        let outer = self.compiled(scope, id, |before, after| store::wrapped(id, before, after))?;
        let given = self.given(scope, &format!("internal/cordon/{id}"), text)?;
        let receiver = v8::undefined(scope).into();
        outer.call(scope, receiver, &[given])?.try_cast().ok()
    }

    /// What a script of this crate's own exports, in the present context.
    fn given<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        id: &str,
        text: &'static str,
    ) -> Option<v8::Local<'s, v8::Value>> {
        let env = Env::of(scope)?;
        let undefined = v8::undefined(scope).into();
        let module = v8::Object::new(scope);
        let function = self.own(scope, id, text)?;
        let require = env.callback_value(scope, Callback::Require)?;
        let internal_binding = env.callback_value(scope, Callback::InternalBinding)?;
        let primordials = env.callback_value(scope, Callback::Primordials)?;
        let arguments = [undefined, require, module.into(), undefined, internal_binding, primordials];
        function.call(scope, undefined, &arguments)?;
        binding::get(scope, module, "exports")
    }

    /// The function of a script in the present context, compiled if that has not been done for another; of one that is
    /// given something, a function of that. Its text is made to stand between two others.
    fn compiled<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        id: &str,
        text: impl FnOnce(&str, &str) -> Option<store::Text>,
    ) -> Option<v8::Local<'s, v8::Function>> {
        let known = self.compiled.borrow().get(id).cloned();
        let script = match known {
            Some(script) => v8::Local::new(scope, &script),
            None => {
                let (before, after) = around(id);
                let Some(text) = text(&before, after) else {
                    let message = string(scope, &format!("No such built-in module: {id}"));
                    let error = v8::Exception::error(scope, message);
                    scope.throw_exception(error);
                    return None;
                };
                let script = compile(scope, id, text, before.len(), Compile::AsNeeded)?;
                let global = v8::Global::new(scope, script);
                self.compiled.borrow_mut().insert(id.to_owned(), global);
                script
            }
        };
        script.bind_to_current_context(scope).run(scope)?.try_cast().ok()
    }
}

/// What stands before the text of a script, and what behind it: a function of its own parameters, and around that a function
/// of what it is given, if it is.
fn around(id: &str) -> (String, &'static str) {
    let before = format!("(function ({}) {{", parameters(id));
    match GIVEN.iter().find(|(given, ..)| *given == id) {
        Some((_, names, _)) => (format!("(function ({names}) {{ return {before}"), "\n})})"),
        None => (before, "\n})"),
    }
}

/// How much of a script is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compile {
    /// What of it an earlier isolate has used, else what is run.
    AsNeeded,
    /// All functions.
    Whole,
}

fn compile<'s>(
    scope: &mut Scope<'s, '_>,
    id: &str,
    text: store::Text,
    before: usize,
    how: Compile,
) -> Option<v8::Local<'s, v8::UnboundScript>> {
    use v8::script_compiler::{CachedData, CompileOptions, NoCacheReason, Source, compile_unbound_script};
    let column = -i32::try_from(before).ok()?;
    let source = text.string(scope)?;
    let name = string(scope, &format!("node:{id}"));
    let origin =
        v8::ScriptOrigin::new(scope, name.into(), 0, column, false, 0, None, false, false, false, None);
    let known = if how == Compile::AsNeeded { store::code(id) } else { None };
    let (mut source, options) = match known {
        Some(code) => {
            let source = Source::new_with_cached_data(source, Some(&origin), CachedData::new(code));
            (source, CompileOptions::ConsumeCodeCache)
        }
        None if how == Compile::Whole => (Source::new(source, Some(&origin)), CompileOptions::EagerCompile),
        None => (Source::new(source, Some(&origin)), CompileOptions::NoCompileOptions),
    };
    compile_unbound_script(scope, &mut source, options, NoCacheReason::NoReason)
}
