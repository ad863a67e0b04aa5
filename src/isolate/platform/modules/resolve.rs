//! From a specifier to a file of the VM: relative and absolute paths, `file:` URLs, and bare names through
//! `node_modules` and `package.json`.
//!
//! Every look at the filesystem goes through the process, so that the `fs` permissions decide.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use kernel::{FileKind, Process, Symlinks};

/// Largest `package.json` that is read.
const MANIFEST_LIMIT: u64 = 1024 * 1024;

/// Deepest nesting of conditions in `exports`.
const CONDITION_DEPTH: usize = 16;

/// Node's own modules: they cannot be had on this platform, and a bare name among them says so.
const NODE_BUILTINS: &[&str] = &[
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `import`: paths are taken as they are.
    Import,
    /// `require`: extensions and `index` files are tried.
    Require,
}

impl Style {
    /// This platform is neither Node nor a browser; of what packages offer, their builds for workers and browsers are
    /// the ones that use no module of Node's.
    fn conditions(self) -> &'static [&'static str] {
        match self {
            Style::Import => &["import", "module", "worker", "browser", "default"],
            Style::Require => &["require", "worker", "browser", "default"],
        }
    }
}

/// Where a specifier leads.
pub(crate) enum Resolved {
    /// A file, by its path without symbolic links.
    File(String),
    /// One of the `cordon:vm/...` modules.
    Interface(String),
}

/// Why it leads nowhere.
pub(crate) enum ResolveError {
    /// There is no such file or package.
    NotFound(String),
    /// A module of Node's.
    NodeBuiltin(String),
    /// The package does not export that path.
    NotExported(String),
    /// A scheme that means nothing here.
    Scheme(String),
}

/// What was read of `package.json` files, by folder.
#[derive(Default)]
pub(crate) struct Packages(HashMap<String, Option<Rc<Value>>>);

impl Packages {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn manifest(&mut self, process: &Process, folder: &str) -> Option<Rc<Value>> {
        if let Some(known) = self.0.get(folder) {
            return known.clone();
        }
        let path = join(folder, "package.json");
        let manifest = process
            .read_file(&path, MANIFEST_LIMIT)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .map(Rc::new);
        self.0.insert(folder.to_owned(), manifest.clone());
        manifest
    }

    /// The `type` of the package that a file belongs to.
    pub fn type_of(&mut self, process: &Process, path: &str) -> Option<String> {
        let mut folder = parent(path);
        loop {
            if let Some(manifest) = self.manifest(process, folder) {
                return manifest.get("type").and_then(Value::as_str).map(str::to_owned);
            }
            if folder == "/" || folder.ends_with("/node_modules") {
                return None;
            }
            folder = parent(folder);
        }
    }

    /// Resolves `specifier` for the code at `referrer`, an absolute path.
    pub fn resolve(
        &mut self,
        process: &Process,
        specifier: &str,
        referrer: &str,
        style: Style,
    ) -> Result<Resolved, ResolveError> {
        if specifier.starts_with("cordon:") {
            return Ok(Resolved::Interface(specifier.to_owned()));
        }
        if specifier.starts_with("node:") {
            return Err(ResolveError::NodeBuiltin(specifier.to_owned()));
        }
        if let Some(path) = location(specifier, referrer) {
            return self.file(process, &path, style, specifier);
        }
        if specifier.split('/').next().is_some_and(|head| head.contains(':')) {
            return Err(ResolveError::Scheme(specifier.to_owned()));
        }
        self.bare(process, specifier, referrer, style)
    }

    fn file(
        &mut self,
        process: &Process,
        path: &str,
        style: Style,
        specifier: &str,
    ) -> Result<Resolved, ResolveError> {
        let found = match style {
            Style::Import => regular(process, path),
            Style::Require => self.file_or_folder(process, path),
        };
        found.map(Resolved::File).ok_or_else(|| ResolveError::NotFound(specifier.to_owned()))
    }

    /// As `require` looks: the file, the file with an extension, the folder's `main`, its `index`.
    fn file_or_folder(&mut self, process: &Process, path: &str) -> Option<String> {
        if let Some(found) = with_extension(process, path) {
            return Some(found);
        }
        let main = self
            .manifest(process, path)
            .and_then(|manifest| manifest.get("main").and_then(Value::as_str).map(str::to_owned));
        if let Some(main) = main {
            let target = normalize(&join(path, &main));
            let found =
                with_extension(process, &target).or_else(|| with_extension(process, &join(&target, "index")));
            if found.is_some() {
                return found;
            }
        }
        with_extension(process, &join(path, "index"))
    }

    fn bare(
        &mut self,
        process: &Process,
        specifier: &str,
        referrer: &str,
        style: Style,
    ) -> Result<Resolved, ResolveError> {
        let (name, subpath) = split_package(specifier);
        if specifier.starts_with('#') {
            return self.internal(process, specifier, referrer, style);
        }
        let mut folder = parent(referrer).to_owned();
        loop {
            // A package may name itself.
            if let Some(manifest) = self.manifest(process, &folder)
                && manifest.get("name").and_then(Value::as_str) == Some(name)
                && manifest.get("exports").is_some()
            {
                return self.exported(process, &folder, &manifest, subpath, style, specifier);
            }
            if !folder.ends_with("/node_modules") {
                let package = join(&join(&folder, "node_modules"), name);
                if let Some(found) = self.package(process, &package, subpath, style, specifier)? {
                    return Ok(Resolved::File(found));
                }
            }
            if folder == "/" {
                break;
            }
            folder = parent(&folder).to_owned();
        }
        if NODE_BUILTINS.contains(&name) {
            return Err(ResolveError::NodeBuiltin(specifier.to_owned()));
        }
        Err(ResolveError::NotFound(specifier.to_owned()))
    }

    fn package(
        &mut self,
        process: &Process,
        package: &str,
        subpath: &str,
        style: Style,
        specifier: &str,
    ) -> Result<Option<String>, ResolveError> {
        let Some(manifest) = self.manifest(process, package) else {
            let path = join(package, subpath);
            return Ok(self.file_or_folder(process, normalize(&path).as_str()));
        };
        if manifest.get("exports").is_some_and(|exports| !exports.is_null()) {
            return match self.exported(process, package, &manifest, subpath, style, specifier)? {
                Resolved::File(path) => Ok(Some(path)),
                Resolved::Interface(_) => Ok(None),
            };
        }
        if !subpath.is_empty() {
            let path = normalize(&join(package, subpath));
            return Ok(self.file_or_folder(process, &path));
        }
        // Without `exports`, `module` is where bundlers' packages keep their ECMAScript module.
        if style == Style::Import
            && let Some(module) = manifest.get("module").and_then(Value::as_str)
            && let Some(found) = regular(process, &normalize(&join(package, module)))
        {
            return Ok(Some(found));
        }
        Ok(self.file_or_folder(process, package))
    }

    fn exported(
        &mut self,
        process: &Process,
        package: &str,
        manifest: &Value,
        subpath: &str,
        style: Style,
        specifier: &str,
    ) -> Result<Resolved, ResolveError> {
        let not_exported = || ResolveError::NotExported(specifier.to_owned());
        let exports = manifest.get("exports").ok_or_else(not_exported)?;
        let key = if subpath.is_empty() { ".".to_owned() } else { format!("./{subpath}") };
        let is_map = exports.as_object().is_some_and(|map| map.keys().any(|key| key.starts_with('.')));
        let (target, star) = if is_map {
            matching(exports, &key).ok_or_else(not_exported)?
        } else if key == "." {
            (exports, None)
        } else {
            return Err(not_exported());
        };
        let path = conditional(target, style.conditions(), CONDITION_DEPTH).ok_or_else(not_exported)?;
        let path = star.map_or_else(|| path.to_owned(), |star| path.replace('*', &star));
        if !path.starts_with("./") || path.split('/').any(|part| part == "..") {
            return Err(not_exported());
        }
        regular(process, &normalize(&join(package, &path)))
            .map(Resolved::File)
            .ok_or_else(|| ResolveError::NotFound(specifier.to_owned()))
    }

    /// `#name` through `imports` of the package that the code belongs to.
    fn internal(
        &mut self,
        process: &Process,
        specifier: &str,
        referrer: &str,
        style: Style,
    ) -> Result<Resolved, ResolveError> {
        let not_found = || ResolveError::NotFound(specifier.to_owned());
        let mut folder = parent(referrer).to_owned();
        let manifest = loop {
            if let Some(manifest) = self.manifest(process, &folder) {
                break manifest;
            }
            if folder == "/" {
                return Err(not_found());
            }
            folder = parent(&folder).to_owned();
        };
        let imports = manifest.get("imports").ok_or_else(not_found)?;
        let (target, star) = matching(imports, specifier).ok_or_else(not_found)?;
        let target = conditional(target, style.conditions(), CONDITION_DEPTH).ok_or_else(not_found)?;
        let target = star.map_or_else(|| target.to_owned(), |star| target.replace('*', &star));
        if target.starts_with('#') {
            return Err(not_found());
        }
        self.resolve(process, &target, &join(&folder, "package.json"), style)
    }
}

/// The entry of an `exports` or `imports` map for a key, and what the `*` in its pattern stands for.
fn matching<'v>(map: &'v Value, key: &str) -> Option<(&'v Value, Option<String>)> {
    let map = map.as_object()?;
    if let Some(target) = map.get(key).filter(|_| !key.contains('*')) {
        return Some((target, None));
    }
    map.iter()
        .filter_map(|(pattern, target)| {
            let (before, after) = pattern.split_once('*')?;
            let star = key.strip_prefix(before)?.strip_suffix(after)?;
            (!star.is_empty()).then(|| (before.len(), target, star.to_owned()))
        })
        .max_by_key(|(length, ..)| *length)
        .map(|(_, target, star)| (target, Some(star)))
}

/// The first target whose conditions hold.
fn conditional<'v>(target: &'v Value, conditions: &[&str], depth: usize) -> Option<&'v str> {
    let depth = depth.checked_sub(1)?;
    match target {
        Value::String(path) => Some(path),
        Value::Array(list) => list.iter().find_map(|target| conditional(target, conditions, depth)),
        Value::Object(map) => map
            .iter()
            .filter(|(condition, _)| conditions.contains(&condition.as_str()))
            .find_map(|(_, target)| conditional(target, conditions, depth)),
        _ => None,
    }
}

/// The file's path without symbolic links, if it is a regular one.
fn regular(process: &Process, path: &str) -> Option<String> {
    let status = process.stat(path, Symlinks::Follow).ok()?;
    if status.kind == FileKind::Directory {
        return None;
    }
    Some(process.realpath(path).unwrap_or_else(|_| path.to_owned()))
}

fn with_extension(process: &Process, path: &str) -> Option<String> {
    regular(process, path)
        .or_else(|| ["js", "json", "cjs", "ts"].iter().find_map(|e| regular(process, &format!("{path}.{e}"))))
}

/// `@scope/name/a/b` is `@scope/name` and `a/b`.
fn split_package(specifier: &str) -> (&str, &str) {
    let slashes = if specifier.starts_with('@') { 2 } else { 1 };
    match specifier.match_indices('/').nth(slashes - 1) {
        Some((at, _)) => (&specifier[..at], &specifier[at + 1..]),
        None => (specifier, ""),
    }
}

/// The path that a specifier names by itself: a `file:` URL, an absolute or a relative path.
pub(super) fn location(specifier: &str, referrer: &str) -> Option<String> {
    if let Some(path) = file_url(specifier) {
        return Some(path);
    }
    if specifier.starts_with('/') {
        return Some(normalize(specifier));
    }
    let relative =
        matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../");
    relative.then(|| normalize(&join(parent(referrer), specifier)))
}

/// The path of a `file:` URL.
pub(crate) fn file_url(specifier: &str) -> Option<String> {
    if !specifier.starts_with("file:") {
        return None;
    }
    let url = url::Url::parse(specifier).ok()?;
    url.to_file_path().ok()?.into_os_string().into_string().ok()
}

/// The `file:` URL of a path.
pub(crate) fn to_file_url(path: &str) -> String {
    url::Url::from_file_path(path).map_or_else(|()| format!("file://{path}"), String::from)
}

/// The folder of an absolute path.
pub(crate) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    if folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

/// Takes `.`, `..` and empty parts out of an absolute path, by its letters alone.
pub(crate) fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_normalized_by_their_letters() {
        assert_eq!(normalize("/a/./b//../c"), "/a/c");
        assert_eq!(normalize("/../.."), "/");
        assert_eq!(join("/a", "./b"), "/a/b");
        assert_eq!(parent("/a"), "/");
        assert_eq!(parent("/a/b.js"), "/a");
    }

    #[test]
    fn package_names_may_have_a_scope() {
        assert_eq!(split_package("lodash"), ("lodash", ""));
        assert_eq!(split_package("lodash/fp/add"), ("lodash", "fp/add"));
        assert_eq!(split_package("@a/b"), ("@a/b", ""));
        assert_eq!(split_package("@a/b/c.js"), ("@a/b", "c.js"));
    }

    #[test]
    fn the_longest_pattern_and_the_first_condition_win() {
        let exports = json!({ "./*": "./all/*.js", "./lib/*": { "require": "./r/*", "import": "./i/*" } });
        let (target, star) = matching(&exports, "./lib/x").unwrap();
        assert_eq!(star.as_deref(), Some("x"));
        assert_eq!(conditional(target, Style::Import.conditions(), 4), Some("./i/*"));
        assert_eq!(conditional(target, Style::Require.conditions(), 4), Some("./r/*"));
        assert!(conditional(target, &[], 4).is_none());
        let builds = json!({ "node": "./node", "browser": "./browser", "import": "./i", "default": "./d" });
        for style in [Style::Import, Style::Require] {
            assert_eq!(conditional(&builds, style.conditions(), 4), Some("./browser"));
        }
        assert!(conditional(&json!({ "default": { "default": "./x" } }), &["default"], 2).is_none());
    }
}
