//! What stands around the text of each script of the library: it is the body of a function, as in Node. Part of the crate
//! and of its `build.rs`, which lays the texts out as V8 takes them.

/// Modules of the library that have values of their own in the place of globals, and the names of these.
const GIVEN: &[(&str, &str)] = &[("internal/deps/undici/undici", "{ Buffer, WebAssembly }")];

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

/// What stands before the text of a script, and what behind it: a function of its own parameters, and around that a function
/// of what it is given, if it is.
pub(crate) fn around(id: &str) -> (String, &'static str) {
    let before = format!("(function ({}) {{", parameters(id));
    match GIVEN.iter().find(|(given, _)| *given == id) {
        Some((_, names)) => (format!("(function ({names}) {{ return {before}"), "\n})})"),
        None => (before, "\n})"),
    }
}
