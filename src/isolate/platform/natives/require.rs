//! What `require` is made of; its cache and its wrapper objects are in JavaScript.

use super::{Args, Native, Return, here, here_as, natives, text_of, texts_of};
use crate::binding::errors;
use crate::platform::modules::resolve::{Resolved, Style};
use crate::platform::modules::{self, FileFormat, SOURCE_LIMIT, Type};
use crate::realm::core::{Scope, string};

pub(super) static NATIVES: &[Native] = natives! {
    "requireResolve" => resolve,
    "moduleFormat" => format,
    "compileCommonJs" => compile,
    "requireModule" => require_module,
    "readModuleText" => read_text,
};

/// (specifier, path of the code that asks) -> path or `cordon:...`
fn resolve(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm, process)) = here_as(scope) else { return };
    let (Some(specifier), Some(referrer)) = (text_of(scope, &args, 0), text_of(scope, &args, 1)) else {
        return;
    };
    let resolved =
        realm.modules.borrow_mut().packages().resolve(&process, &specifier, &referrer, Style::Require);
    match resolved {
        Ok(Resolved::File(name) | Resolved::Interface(name)) => result.set(string(scope, &name).into()),
        Err(error) => modules::throw_unresolved(scope, &core, error, &referrer),
    }
}

/// (path) -> "module" | "commonjs" | "json"
fn format(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    let Some(format) = modules::format_of(scope, &core, &realm, &process, &path) else { return };
    let name = match format {
        FileFormat::Module => "module",
        FileFormat::CommonJs => "commonjs",
        FileFormat::Json => "json",
    };
    result.set(string(scope, name).into());
}

/// (path, source or undefined) -> function
fn compile(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    let source = if args.get(1).is_string() { text_of(scope, &args, 1) } else { None };
    if let Some(function) = modules::compile_common_js(scope, &core, &realm, &path, source) {
        result.set(function.into());
    }
}

/// (path, paths of the CommonJS modules whose code runs) -> namespace of an ECMAScript module that needs no waiting
fn require_module(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((core, realm)) = here(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    let Some(requiring) = texts_of(scope, &args, 1) else { return };
    let Some(index) = modules::load_file(scope, &core, &realm, &path, Type::Code) else { return };
    if modules::link(scope, &core, &realm, index).is_none() {
        return;
    }
    if let Some(namespace) = modules::require(scope, &realm, index, &requiring) {
        result.set(namespace);
    }
}

/// (path) -> text
fn read_text(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, _, process)) = here_as(scope) else { return };
    let Some(path) = text_of(scope, &args, 0) else { return };
    match process.read_file(&path, SOURCE_LIMIT as u64) {
        Ok(bytes) => result.set(string(scope, &String::from_utf8_lossy(&bytes)).into()),
        Err(errno) => errors::throw_errno(scope, errno, "open", Some(&path)),
    }
}
