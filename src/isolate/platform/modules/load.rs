//! Reading, compiling and linking modules.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::resolve::{ResolveError, Resolved, Style};
use super::{Entry, Kind, SOURCE_LIMIT, Type, exports};
use crate::binding::errors;
use crate::platform::source::{extension, language_of, strip_types};
use crate::realm::core::{Core, Realm, Scope, string};
use crate::run::outcome::{Language, codes};
use kernel::{Errno, Process};
use protocol::engine::WasmLevel;

/// CommonJS modules whose re-exported names are followed from one another.
const REEXPORT_LIMIT: usize = 64;

/// How the code of a file runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Module,
    CommonJs,
    Json,
}

/// What a module file is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To see what it is. Its code, if it runs, is what was seen: a file is read once.
    Look,
    /// To run it.
    Run,
}

/// A module file's bytes, read now or when it was looked at.
fn read_bytes(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    path: &str,
    purpose: Purpose,
) -> Option<Vec<u8>> {
    let seen = realm.modules.borrow_mut().seen.remove(path);
    let bytes = match seen {
        Some(bytes) => bytes,
        None => {
            let process = realm.process().ok_or(Errno::Esrch);
            match process.and_then(|process| process.read_file(path, SOURCE_LIMIT as u64)) {
                Ok(bytes) => account(scope, core, realm, bytes.len()).map(|()| bytes)?,
                Err(errno) => {
                    errors::throw_errno(scope, errno, "open", Some(path));
                    return None;
                }
            }
        }
    };
    if purpose == Purpose::Look {
        realm.modules.borrow_mut().seen.insert(path.to_owned(), bytes.clone());
    }
    Some(bytes)
}

/// A module file's text, without types.
fn read_source(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    path: &str,
    module: Option<bool>,
    purpose: Purpose,
) -> Option<String> {
    let bytes = read_bytes(scope, core, realm, path, purpose)?;
    if bytes.starts_with(b"\0asm") || extension(path) == "wasm" {
        throw_wasm(scope, core, path);
        return None;
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    if language_of(path) == Language::TypeScript { strip(scope, text, path, module) } else { Some(text) }
}

/// A program's text, for a classic script.
pub(crate) fn read_text(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    path: &str,
) -> Option<String> {
    read_source(scope, core, realm, path, Some(false), Purpose::Run)
}

/// Loads a file as an ECMAScript module, whatever its name says.
pub(crate) fn load_module(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    path: &str,
) -> Option<usize> {
    let key = (path.to_owned(), Type::Code);
    if let Some(index) = realm.modules.borrow().by_name.get(&key) {
        return Some(*index);
    }
    let text = read_source(scope, core, realm, path, Some(true), Purpose::Run)?;
    load_source(scope, realm, path, &text, Some(key))
}

/// Counts a module against the limits of its realm.
fn account(scope: &mut Scope<'_, '_>, core: &Rc<Core>, realm: &Rc<Realm>, bytes: usize) -> Option<()> {
    let limit = core.limits().modules;
    let within = {
        let mut modules = realm.modules.borrow_mut();
        modules.count += 1;
        modules.bytes = modules.bytes.saturating_add(bytes);
        modules.count <= limit && modules.bytes <= SOURCE_LIMIT
    };
    if !within {
        let message =
            format!("more than limits.modules ({limit}) modules, or more than {SOURCE_LIMIT} bytes of them");
        errors::throw(scope, &message, codes::MODULE_LIMIT);
        return None;
    }
    Some(())
}

/// Takes the types out of a source text; a `SyntaxError` with the position if that cannot be done.
pub(crate) fn strip(
    scope: &mut Scope<'_, '_>,
    text: String,
    path: &str,
    module: Option<bool>,
) -> Option<String> {
    match strip_types(text, module) {
        Ok(text) => Some(text),
        Err(error) => {
            let at = error.position.map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
            let message = string(scope, &format!("{} ({path}{at})", error.message));
            let exception = v8::Exception::syntax_error(scope, message);
            scope.throw_exception(exception);
            None
        }
    }
}

fn throw_wasm(scope: &mut Scope<'_, '_>, core: &Rc<Core>, path: &str) {
    let message = if core.wasm == WasmLevel::Allowed {
        format!("{path} cannot be imported as a module; read its bytes and use WebAssembly.compile")
    } else {
        format!("{path} is WebAssembly, which this VM does not have: permissions.webAssembly is \"deny\"")
    };
    errors::throw(scope, &message, codes::WASM_DENIED);
}

/// How a file's code runs: by its extension, by its package, else by what its text looks like.
pub(crate) fn format_of(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    process: &Process,
    path: &str,
) -> Option<FileFormat> {
    match extension(path) {
        "mjs" | "mts" => return Some(FileFormat::Module),
        "cjs" | "cts" => return Some(FileFormat::CommonJs),
        "json" => return Some(FileFormat::Json),
        "wasm" => {
            throw_wasm(scope, core, path);
            return None;
        }
        _ => {}
    }
    let declared = realm.modules.borrow_mut().packages().type_of(process, path);
    match declared.as_deref() {
        Some("module") => return Some(FileFormat::Module),
        Some("commonjs") => return Some(FileFormat::CommonJs),
        _ => {}
    }
    let text = read_source(scope, core, realm, path, None, Purpose::Look)?;
    Some(if looks_like_module(scope, &text, path) { FileFormat::Module } else { FileFormat::CommonJs })
}

/// Whether a text fails as CommonJS for a reason that a module would not have.
fn looks_like_module(scope: &mut Scope<'_, '_>, text: &str, path: &str) -> bool {
    const ONLY_IN_MODULES: &[&str] = &[
        "Cannot use import statement outside a module",
        "Unexpected token 'export'",
        "Cannot use 'import.meta' outside a module",
        "await is only valid in async functions and the top level bodies of modules",
    ];
    v8::tc_scope!(let scope, scope);
    if common_js_function(scope, text, path).is_some() {
        return false;
    }
    let Some(message) = scope.message() else { return false };
    let message = message.get(scope).to_rust_string_lossy(scope);
    ONLY_IN_MODULES.iter().any(|reason| message.contains(reason))
}

fn origin<'s>(scope: &mut Scope<'s, '_>, path: &str, module: bool) -> v8::ScriptOrigin<'s> {
    let name = string(scope, path);
    v8::ScriptOrigin::new(scope, name.into(), 0, 0, false, 0, None, false, false, module, None)
}

fn common_js_function<'s>(
    scope: &mut Scope<'s, '_>,
    text: &str,
    path: &str,
) -> Option<v8::Local<'s, v8::Function>> {
    // A `#!` line is allowed at the start of programs, not of function bodies.
    let commented = text.starts_with("#!").then(|| format!("//{}", &text[2..]));
    let text = string(scope, commented.as_deref().unwrap_or(text));
    let origin = origin(scope, path, false);
    let mut source = v8::script_compiler::Source::new(text, Some(&origin));
    let names = ["exports", "require", "module", "__filename", "__dirname"].map(|name| string(scope, name));
    v8::script_compiler::compile_function(
        scope,
        &mut source,
        &names,
        &[],
        v8::script_compiler::CompileOptions::NoCompileOptions,
        v8::script_compiler::NoCacheReason::NoReason,
    )
}

/// The function that a CommonJS file's code is the body of.
pub(crate) fn compile_common_js<'s>(
    scope: &mut Scope<'s, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    path: &str,
    source: Option<String>,
) -> Option<v8::Local<'s, v8::Function>> {
    let text = match source {
        Some(text) => text,
        None => read_source(scope, core, realm, path, Some(false), Purpose::Run)?,
    };
    common_js_function(scope, &text, path)
}

/// Compiles a text as the module `path`. It is not entered under that name: inline code is nobody's import.
pub(crate) fn load_source(
    scope: &mut Scope<'_, '_>,
    realm: &Rc<Realm>,
    path: &str,
    text: &str,
    key: Option<(String, Type)>,
) -> Option<usize> {
    let text = string(scope, text);
    let origin = origin(scope, path, true);
    let mut source = v8::script_compiler::Source::new(text, Some(&origin));
    let module = v8::script_compiler::compile_module(scope, &mut source)?;
    let entry = Entry {
        module: v8::Global::new(scope, module),
        name: path.to_owned(),
        kind: Kind::Source,
        links: HashMap::new(),
        linked: false,
    };
    Some(realm.modules.borrow_mut().add(module.get_identity_hash().get(), key, entry))
}

/// Loads the module at a path, once for each type.
pub(crate) fn load_file(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    path: &str,
    expected: Type,
) -> Option<usize> {
    let key = (path.to_owned(), expected);
    if let Some(index) = realm.modules.borrow().by_name.get(&key) {
        return Some(*index);
    }
    let Some(process) = realm.process() else {
        errors::throw_errno(scope, Errno::Esrch, "open", Some(path));
        return None;
    };
    let format = match expected {
        Type::Json => FileFormat::Json,
        Type::Code => format_of(scope, core, realm, &process, path)?,
    };
    match format {
        FileFormat::Module => {
            let text = read_source(scope, core, realm, path, Some(true), Purpose::Run)?;
            load_source(scope, realm, path, &text, Some(key))
        }
        FileFormat::Json if expected == Type::Code => {
            let message = format!("Module \"{path}\" needs an import attribute of \"type: json\"");
            errors::throw(scope, &message, "ERR_IMPORT_ATTRIBUTE_MISSING");
            None
        }
        FileFormat::Json => {
            let text = read_source(scope, core, realm, path, None, Purpose::Run)?;
            let value = parse_json(scope, &text, path)?;
            let kind = Kind::Json(v8::Global::new(scope, value));
            Some(synthetic(scope, realm, key, kind, &["default".to_owned()]))
        }
        FileFormat::CommonJs => {
            let text = read_source(scope, core, realm, path, Some(false), Purpose::Look)?;
            let mut names = common_js_names(realm, &process, path, &text);
            names.insert("default".to_owned());
            names.insert("module.exports".to_owned());
            let names: Vec<String> = names.into_iter().collect();
            Some(synthetic(scope, realm, key, Kind::CommonJs, &names))
        }
    }
}

/// Parses JSON; the error names the file.
fn parse_json<'s>(scope: &mut Scope<'s, '_>, text: &str, path: &str) -> Option<v8::Local<'s, v8::Value>> {
    let text = string(scope, text.strip_prefix('\u{feff}').unwrap_or(text));
    let problem = {
        v8::tc_scope!(let scope, scope);
        match v8::json::parse(scope, text) {
            Some(value) => return Some(value),
            None => scope.message().map(|message| message.get(scope).to_rust_string_lossy(scope)),
        }
    };
    let problem = problem.unwrap_or_default();
    let problem = problem.strip_prefix("Uncaught SyntaxError: ").unwrap_or(&problem);
    let message = string(scope, &format!("{path}: {problem}"));
    let error = v8::Exception::syntax_error(scope, message);
    scope.throw_exception(error);
    None
}

/// The names that a CommonJS module exports, and those of the modules that it re-exports.
fn common_js_names(realm: &Rc<Realm>, process: &Process, path: &str, text: &str) -> BTreeSet<String> {
    let found = exports::scan(text);
    let mut names = found.names;
    let mut seen = HashSet::from([path.to_owned()]);
    let mut open: Vec<(String, String)> = found.reexports.into_iter().map(|s| (path.to_owned(), s)).collect();
    while let Some((referrer, specifier)) = open.pop() {
        if seen.len() >= REEXPORT_LIMIT {
            break;
        }
        let resolved =
            realm.modules.borrow_mut().packages().resolve(process, &specifier, &referrer, Style::Require);
        let Ok(Resolved::File(target)) = resolved else { continue };
        if !matches!(extension(&target), "js" | "cjs") || !seen.insert(target.clone()) {
            continue;
        }
        let Ok(bytes) = process.read_file(&target, SOURCE_LIMIT as u64) else { continue };
        let found = exports::scan(&String::from_utf8_lossy(&bytes));
        names.extend(found.names);
        open.extend(found.reexports.into_iter().map(|s| (target.clone(), s)));
    }
    names
}

fn synthetic(
    scope: &mut Scope<'_, '_>,
    realm: &Rc<Realm>,
    key: (String, Type),
    kind: Kind,
    names: &[String],
) -> usize {
    let name = string(scope, &key.0);
    let names: Vec<v8::Local<v8::String>> = names.iter().map(|name| string(scope, name)).collect();
    let module = v8::Module::create_synthetic_module(scope, name, &names, super::callbacks::evaluation_steps);
    let entry = Entry {
        module: v8::Global::new(scope, module),
        name: key.0.clone(),
        kind,
        links: HashMap::new(),
        linked: true,
    };
    realm.modules.borrow_mut().add(module.get_identity_hash().get(), Some(key), entry)
}

fn load_interface(scope: &mut Scope<'_, '_>, realm: &Rc<Realm>, name: &str) -> Option<usize> {
    let key = (name.to_owned(), Type::Code);
    if let Some(index) = realm.modules.borrow().by_name.get(&key) {
        return Some(*index);
    }
    let Some(object) = super::callbacks::interface(scope, realm, name) else {
        let message = format!("Cannot find module '{name}': this VM has no interface of that name");
        errors::throw(scope, &message, codes::MODULE_NOT_FOUND);
        return None;
    };
    let names = object.get_own_property_names(scope, v8::GetPropertyNamesArgs::default())?;
    let mut exported = vec!["default".to_owned()];
    for index in 0..names.length() {
        exported.push(names.get_index(scope, index)?.to_rust_string_lossy(scope));
    }
    Some(synthetic(scope, realm, key, Kind::Interface, &exported))
}

/// Finds and loads what `specifier` names for the code at `referrer`.
pub(super) fn load(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    specifier: &str,
    referrer: &str,
    expected: Type,
) -> Option<usize> {
    let Some(process) = realm.process() else {
        errors::throw_errno(scope, Errno::Esrch, "open", Some(specifier));
        return None;
    };
    let resolved =
        realm.modules.borrow_mut().packages().resolve(&process, specifier, referrer, Style::Import);
    match resolved {
        Ok(Resolved::File(path)) => load_file(scope, core, realm, &path, expected),
        Ok(Resolved::Interface(name)) => load_interface(scope, realm, &name),
        Err(error) => {
            throw_unresolved(scope, core, error, referrer);
            None
        }
    }
}

/// Throws what explains why a specifier leads nowhere.
pub(crate) fn throw_unresolved(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    error: ResolveError,
    referrer: &str,
) {
    let (message, code) = match error {
        ResolveError::NotFound(name) => {
            (format!("Cannot find module '{name}' imported from {referrer}"), codes::MODULE_NOT_FOUND)
        }
        ResolveError::NodeBuiltin(name) => (
            format!(
                "'{name}' is a module of Node.js, which the platform '{}' does not have (imported from {referrer}); \
                 a platform 'node' with Node's own library is to come",
                core.platform.name()
            ),
            codes::UNSUPPORTED_BUILTIN,
        ),
        ResolveError::NotExported(name) => (
            format!("The package does not export '{name}' (imported from {referrer})"),
            "ERR_PACKAGE_PATH_NOT_EXPORTED",
        ),
        ResolveError::Scheme(name) => (
            format!("'{name}' has a scheme that cannot be imported; only paths, file: and cordon: can"),
            "ERR_UNSUPPORTED_ESM_URL_SCHEME",
        ),
    };
    errors::throw(scope, &message, code);
}

/// Follows the imports of a module to the end of its graph, and has V8 link it.
pub(crate) fn link(scope: &mut Scope<'_, '_>, core: &Rc<Core>, realm: &Rc<Realm>, root: usize) -> Option<()> {
    let mut followed = Vec::new();
    if follow(scope, core, realm, root, &mut followed).is_none() {
        // The whole graph must be looked at again by the next import of any part of it.
        let mut modules = realm.modules.borrow_mut();
        followed.into_iter().for_each(|index: usize| modules.entries[index].linked = false);
        return None;
    }
    let module = local(scope, realm, root);
    module.instantiate_module(scope, super::callbacks::resolve).map(|_| ())
}

/// Loads what a module imports, and so on, and notes in `followed` whose imports were looked at.
fn follow(
    scope: &mut Scope<'_, '_>,
    core: &Rc<Core>,
    realm: &Rc<Realm>,
    root: usize,
    followed: &mut Vec<usize>,
) -> Option<()> {
    let mut open = vec![root];
    while let Some(index) = open.pop() {
        let (module, referrer) = {
            let mut modules = realm.modules.borrow_mut();
            let entry = &mut modules.entries[index];
            if entry.linked {
                continue;
            }
            entry.linked = true;
            (v8::Local::new(scope, &entry.module), entry.name.clone())
        };
        followed.push(index);
        let requests = module.get_module_requests();
        for at in 0..requests.length() {
            let Some(request) = requests.get(scope, at) else { continue };
            let request: v8::Local<v8::ModuleRequest> = request.cast();
            let specifier = request.get_specifier().to_rust_string_lossy(scope);
            if request.get_phase() != v8::ModuleImportPhase::kEvaluation {
                throw_phase(scope, core, &specifier);
                return None;
            }
            let expected = attribute_type(scope, request.get_import_attributes(), 3)?;
            let target = load(scope, core, realm, &specifier, &referrer, expected)?;
            let mut modules = realm.modules.borrow_mut();
            modules.entries[index].links.insert((specifier, expected), target);
            if !modules.entries[target].linked {
                open.push(target);
            }
        }
    }
    Some(())
}

/// Throws the refusal of `import source` and `import defer`.
pub(super) fn throw_phase(scope: &mut Scope<'_, '_>, core: &Rc<Core>, specifier: &str) {
    if core.wasm == WasmLevel::Allowed {
        errors::throw(
            scope,
            &format!("'{specifier}' cannot be imported in this phase"),
            codes::MODULE_NOT_FOUND,
        );
    } else {
        throw_wasm(scope, core, specifier);
    }
}

/// The `type` among import attributes, which are lists of `stride` values each; another attribute is an error.
pub(super) fn attribute_type(
    scope: &mut Scope<'_, '_>,
    attributes: v8::Local<'_, v8::FixedArray>,
    stride: usize,
) -> Option<Type> {
    let mut found = Type::Code;
    for at in (0..attributes.length()).step_by(stride) {
        let text = |index| -> Option<String> {
            let value: v8::Local<v8::Value> = attributes.get(scope, index)?.try_cast().ok()?;
            Some(value.to_rust_string_lossy(scope))
        };
        let (key, value) = (text(at)?, text(at + 1)?);
        if key == "type" && value == "json" {
            found = Type::Json;
        } else {
            let message =
                string(scope, &format!("Import attribute \"{key}\" with value \"{value}\" is not supported"));
            let error = v8::Exception::type_error(scope, message);
            scope.throw_exception(error);
            return None;
        }
    }
    Some(found)
}

pub(super) fn local<'s>(
    scope: &mut Scope<'s, '_>,
    realm: &Rc<Realm>,
    index: usize,
) -> v8::Local<'s, v8::Module> {
    v8::Local::new(scope, &realm.modules.borrow().entries[index].module)
}
