//! The library's modules as V8 has compiled them: once for all realms of an isolate, so that a realm that boots runs
//! code which an earlier one has had compiled.
//!
//! Further isolates of the process get what the first has compiled in V8's serial form ([`store::code`]). That is made
//! here, in this process and before it was forked, of nothing but the library's own texts; it leads nowhere a guest could
//! write to, and nothing that a guest brings is ever taken for it. What is not there comes from the installation, if it
//! fits ([`crate::compiled`]).

use std::cell::RefCell;
use std::collections::HashMap;

use isolate::library::{Scope, string};

use crate::binding;
use crate::compiled;
use crate::environment::{Callback, Env};
use crate::store;
use crate::wrapping;

/// See the module.
#[derive(Default)]
pub(crate) struct Scripts {
    compiled: RefCell<HashMap<String, Known>>,
}

/// A script, and what it was compiled from.
#[derive(Clone)]
struct Known {
    script: v8::Global<v8::UnboundScript>,
    text: store::Text,
}

/// Modules of the library in whose place others stand: what they do with WebAssembly is done by native code here.
const REPLACED: &[(&str, &str)] =
    &[("internal/deps/amaro/dist/index", include_str!("../../guest-shim/js/node/amaro.js"))];

/// A module of the library that has values of its own in the place of globals (`wrapping.rs` names them), and the script
/// that exports them.
const GIVEN: &[(&str, &str)] =
    &[("internal/deps/undici/undici", include_str!("../../guest-shim/js/node/undici.js"))];

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
            let Some(text) = store::wrapped(id) else { continue };
            if let Some(script) = compile(scope, id, text, Compile::Whole)
                && let Some(code) = script.create_code_cache()
            {
                store::keep_code(id, text, &code);
            }
        }
        for (id, known) in self.compiled.borrow().iter() {
            if let Some(code) = v8::Local::new(scope, &known.script).create_code_cache() {
                store::keep_code(id, known.text, &code);
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
        self.compiled(scope, id, || store::own(id, text))
    }

    /// The function of a module, in the present context. `None` with an exception pending where there is no such module.
    pub fn function<'s>(&self, scope: &mut Scope<'s, '_>, id: &str) -> Option<v8::Local<'s, v8::Function>> {
        if let Some((_, text)) = REPLACED.iter().find(|(replaced, _)| *replaced == id) {
            return self.own(scope, id, text);
        }
        let Some((_, text)) = GIVEN.iter().find(|(given, ..)| *given == id) else {
            return self.compiled(scope, id, || store::wrapped(id));
        };
        // The text stands as it is, in a function within a function that has the parameter.
        let outer = self.compiled(scope, id, || store::wrapped(id))?;
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
    /// given something, a function of that.
    fn compiled<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        id: &str,
        text: impl FnOnce() -> Option<store::Text>,
    ) -> Option<v8::Local<'s, v8::Function>> {
        let known = self.compiled.borrow().get(id).cloned();
        let script = match known {
            Some(known) => v8::Local::new(scope, &known.script),
            None => {
                let Some(text) = text() else {
                    let message = string(scope, &format!("No such built-in module: {id}"));
                    let error = v8::Exception::error(scope, message);
                    scope.throw_exception(error);
                    return None;
                };
                let script = compile(scope, id, text, Compile::AsNeeded)?;
                let known = Known { script: v8::Global::new(scope, script), text };
                self.compiled.borrow_mut().insert(id.to_owned(), known);
                script
            }
        };
        script.bind_to_current_context(scope).run(scope)?.try_cast().ok()
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
    how: Compile,
) -> Option<v8::Local<'s, v8::UnboundScript>> {
    use v8::script_compiler::{CachedData, CompileOptions, NoCacheReason, Source, compile_unbound_script};
    let column = -i32::try_from(wrapping::around(id).0.len()).ok()?;
    let source = text.string(scope)?;
    let name = string(scope, &format!("node:{id}"));
    let origin =
        v8::ScriptOrigin::new(scope, name.into(), 0, column, false, 0, None, false, false, false, None);
    let known = match how {
        Compile::AsNeeded => store::code(id).or_else(|| compiled::code(id, text)),
        Compile::Whole => None,
    };
    let (mut source, options) = match known {
        Some(code) => {
            let source = Source::new_with_cached_data(source, Some(&origin), CachedData::new(code));
            (source, CompileOptions::ConsumeCodeCache)
        }
        None if how == Compile::Whole => (Source::new(source, Some(&origin)), CompileOptions::EagerCompile),
        None => (Source::new(source, Some(&origin)), CompileOptions::NoCompileOptions),
    };
    let script = compile_unbound_script(scope, &mut source, options, NoCacheReason::NoReason);
    if source.get_cached_data().is_some_and(|code| code.rejected()) {
        compiled::refuse();
    }
    script
}
