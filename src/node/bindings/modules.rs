//! `package.json` files, as the loaders read them. Each is read once: what has been found stays as it was.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use isolate::library::{Scope, string, throw, throw_type};
use kernel::Process;
use serde_json::value::RawValue;
use url::Url;

use crate::binding::{Args, Binding, Return, functions};
use crate::coded_error::{self, Kind};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "modules",
    functions: functions! {
        "readPackageJSON" => read_package_json,
        "parsePackageJSON" => parse_package_json,
        "getNearestParentPackageJSON" => get_nearest_parent,
        "getNearestParentPackageJSONType" => get_nearest_parent_type,
        "getPackageScopeConfig" => get_package_scope_config,
        "getPackageType" => get_package_type,
        "enableCompileCache" => enable_compile_cache,
        "getCompileCacheDir" => nothing,
        "flushCompileCache" => nothing,
        "getCompileCacheEntry" => nothing,
        "saveCompileCacheEntry" => nothing,
    },
    make: None,
};

/// Largest `package.json`.
const PACKAGE_MAX: u64 = 4 * 1024 * 1024;

/// Most packages that are remembered, and most bytes of their texts together.
const PACKAGES_MAX: usize = 4096;
const PACKAGES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// `compileCacheStatus`: where "DISABLED" lies among the states.
const COMPILE_CACHE_DISABLED: i32 = 3;

/// What the loaders ask of a `package.json`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Package {
    path: String,
    name: Option<String>,
    main: Option<String>,
    /// `commonjs` or `module`; `none` for anything else.
    kind: &'static str,
    /// A JSON text where it is an array or an object, else the string that it is.
    imports: Option<String>,
    exports: Option<String>,
}

/// The packages of one realm.
#[derive(Default)]
struct Packages {
    by_path: RefCell<HashMap<String, Rc<Package>>>,
}

impl Packages {
    fn remember(&self, package: &Rc<Package>) {
        let mut by_path = self.by_path.borrow_mut();
        let size = |package: &Package| {
            let texts = [&package.name, &package.main, &package.imports, &package.exports];
            package.path.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
        };
        if by_path.len() >= PACKAGES_MAX
            || by_path.values().map(|package| size(package)).sum::<usize>() + size(package)
                > PACKAGES_BYTES_MAX
        {
            by_path.clear();
        }
        by_path.insert(package.path.clone(), package.clone());
    }
}

/// Why there is no package where a text is.
struct Invalid;

impl Package {
    fn parse(path: &str, text: &str) -> Result<Package, Invalid> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let fields: HashMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| Invalid)?;
        let text_of = |name: &str| fields.get(name).map(|raw| serde_json::from_str::<String>(raw.get()));
        // A structure as its text; a string as what it says; of anything else nothing.
        let either = |name: &str| {
            let raw = fields.get(name)?.get();
            if raw.starts_with(['{', '[']) { Some(raw.to_owned()) } else { serde_json::from_str(raw).ok() }
        };
        Ok(Package {
            path: path.to_owned(),
            name: text_of("name").transpose().map_err(|_| Invalid)?,
            main: text_of("main").and_then(Result::ok),
            kind: match text_of("type").transpose().map_err(|_| Invalid)?.as_deref() {
                Some("commonjs") => "commonjs",
                Some("module") => "module",
                _ => "none",
            },
            imports: either("imports"),
            exports: either("exports"),
        })
    }

    /// As the library takes it.
    fn serialize<'s>(&self, scope: &mut Scope<'s, '_>) -> v8::Local<'s, v8::Value> {
        let mut text = |text: Option<&str>| match text {
            Some(text) => string(scope, text).into(),
            None => v8::undefined(scope).into(),
        };
        let parts: [v8::Local<v8::Value>; 6] = [
            text(self.name.as_deref()),
            text(self.main.as_deref()),
            text(Some(self.kind)),
            text(self.imports.as_deref()),
            text(self.exports.as_deref()),
            text(Some(&self.path)),
        ];
        v8::Array::new_with_elements(scope, &parts).into()
    }
}

/// Who asked for a package, as an error tells it.
#[derive(Default)]
struct Asked {
    specifier: Option<String>,
    /// A path.
    from: Option<String>,
}

impl Asked {
    fn throw(&self, scope: &mut Scope<'_, '_>, path: &str) {
        let message = match (&self.specifier, &self.from) {
            (Some(specifier), Some(from)) => {
                format!("Invalid package config {path} while importing \"{specifier}\" from {from}.")
            }
            _ => format!("Invalid package config {path}."),
        };
        throw(scope, &message, "ERR_INVALID_PACKAGE_CONFIG");
    }
}

/// Where packages are looked for.
struct Finder {
    env: Rc<Env>,
    process: std::sync::Arc<Process>,
}

impl Finder {
    fn new(scope: &mut Scope<'_, '_>) -> Option<Finder> {
        let env = Env::of(scope)?;
        let process = env.process()?;
        Some(Finder { env, process })
    }

    /// The package of that file, if there is one that can be read. `Err` with an exception pending if it is invalid.
    fn read(
        &self,
        scope: &mut Scope<'_, '_>,
        path: &str,
        asked: &Asked,
    ) -> Result<Option<Rc<Package>>, Invalid> {
        let packages = self.env.state::<Packages>();
        let known = packages.by_path.borrow().get(path).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Ok(bytes) = self.process.read_file(path, PACKAGE_MAX) else { return Ok(None) };
        match Package::parse(path, &String::from_utf8_lossy(&bytes)) {
            Ok(package) => {
                let package = Rc::new(package);
                packages.remember(&package);
                Ok(Some(package))
            }
            Err(invalid) => {
                asked.throw(scope, path);
                Err(invalid)
            }
        }
    }

    /// The package that a file belongs to: of the nearest directory above it, not beyond one that holds packages.
    fn nearest(&self, scope: &mut Scope<'_, '_>, path: &str) -> Result<Option<Rc<Package>>, Invalid> {
        let absolute = absolute(&self.process, path);
        let mut directory = absolute.as_str();
        while let Some((parent, _)) = directory.rsplit_once('/') {
            directory = parent;
            if directory.is_empty() || directory.ends_with("/node_modules") {
                break;
            }
            let found = self.read(scope, &format!("{directory}/package.json"), &Asked::default())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The package in whose scope a module of that URL lies, or the last path where one was looked for. `Err` with an
    /// exception pending.
    fn scope_of(
        &self,
        scope: &mut Scope<'_, '_>,
        resolved: &str,
    ) -> Result<Result<Rc<Package>, String>, Invalid> {
        let asked = Asked { specifier: Some(resolved.to_owned()), from: None };
        let start = Url::parse(resolved).and_then(|url| url.join("./package.json"));
        let Ok(mut url) = start else { return Err(invalid_url(scope, resolved)) };
        loop {
            let Some(path) = path_of(&url) else { return Err(invalid_url(scope, resolved)) };
            if url.path().ends_with("/node_modules/package.json") {
                return Ok(Err(path));
            }
            if let Some(package) = self.read(scope, &path, &asked)? {
                return Ok(Ok(package));
            }
            match url.join("../package.json") {
                Ok(next) if next.path() != url.path() => url = next,
                _ => return Ok(Err(path)),
            }
        }
    }
}

fn invalid_url(scope: &mut Scope<'_, '_>, _: &str) -> Invalid {
    coded_error::throw(scope, Kind::Type, "Invalid URL", "ERR_INVALID_URL");
    Invalid
}

/// The path of a file URL.
pub(super) fn path_of(url: &Url) -> Option<String> {
    if url.scheme() != "file" {
        return None;
    }
    url.to_file_path().ok()?.into_os_string().into_string().ok()
}

/// A path from the root on, without `.` and `..`; a slash at its end stays.
fn absolute(process: &Process, path: &str) -> String {
    let whole = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{}/{path}", process.cwd().unwrap_or_default()),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut path = format!("/{}", parts.join("/"));
    if whole.ends_with('/') && path != "/" {
        path.push('/');
    }
    path
}

/// (path, isESM, base, specifier) -> the package, or nothing
fn read_package_json(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(finder) = Finder::new(scope) else { return };
    let path = args.get(0).to_rust_string_lossy(scope);
    let mut asked = Asked::default();
    if args.get(1).is_true() {
        let text = |scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>| {
            value.is_string().then(|| value.to_rust_string_lossy(scope))
        };
        asked.specifier = text(scope, args.get(3));
        let base = text(scope, args.get(2));
        asked.from = base.and_then(|base| path_of(&Url::parse(&base).ok()?));
    }
    if let Ok(Some(package)) = finder.read(scope, &path, &asked) {
        result.set(package.serialize(scope));
    }
}

/// (text, path) -> the package
fn parse_package_json(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = args.get(0).to_string(scope) else { return };
    let Some(text) = isolate::library::text(scope, text) else { return };
    let path = args.get(1).to_rust_string_lossy(scope);
    match Package::parse(&path, &text) {
        Ok(package) => result.set(package.serialize(scope)),
        Err(Invalid) => Asked::default().throw(scope, &path),
    }
}

fn get_nearest_parent(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(finder) = Finder::new(scope) else { return };
    let path = args.get(0).to_rust_string_lossy(scope);
    if let Ok(Some(package)) = finder.nearest(scope, &path) {
        result.set(package.serialize(scope));
    }
}

fn get_nearest_parent_type(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(finder) = Finder::new(scope) else { return };
    let path = args.get(0).to_rust_string_lossy(scope);
    if let Ok(Some(package)) = finder.nearest(scope, &path) {
        result.set(string(scope, package.kind).into());
    }
}

/// (URL) -> the package, or the path where it would be
fn get_package_scope_config(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(finder) = Finder::new(scope) else { return };
    let url = args.get(0).to_rust_string_lossy(scope);
    match finder.scope_of(scope, &url) {
        Ok(Ok(package)) => result.set(package.serialize(scope)),
        Ok(Err(path)) => result.set(string(scope, &path).into()),
        Err(Invalid) => {}
    }
}

/// (URL) -> `commonjs`, `module`, or nothing
fn get_package_type(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(finder) = Finder::new(scope) else { return };
    let url = args.get(0).to_rust_string_lossy(scope);
    if let Ok(Ok(package)) = finder.scope_of(scope, &url)
        && package.kind != "none"
    {
        result.set(string(scope, package.kind).into());
    }
}

/// Nothing of V8's that a guest could have changed is ever taken back: there is no such cache in a VM.
fn enable_compile_cache(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if !args.get(0).is_string() && !args.get(0).is_undefined() {
        return throw_type(scope, "cacheDir should be a string");
    }
    let state = v8::Integer::new(scope, COMPILE_CACHE_DISABLED).into();
    result.set(v8::Array::new_with_elements(scope, &[state]).into());
}

fn nothing(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Package> {
        Package::parse("/p/package.json", text).ok()
    }

    #[test]
    fn a_package_is_what_node_makes_of_it() {
        let package =
            parse("\u{feff}{\"name\":\"x\",\"type\":\"module\",\"exports\":{\"b\":1,\"a\":[]}}").unwrap();
        assert_eq!(package.name.as_deref(), Some("x"));
        assert_eq!(package.kind, "module");
        assert_eq!(package.exports.as_deref(), Some("{\"b\":1,\"a\":[]}"));
        let package =
            parse("{\"main\":5,\"type\":\"strange\",\"exports\":\"./x\",\"imports\":null}").unwrap();
        assert_eq!((package.main, package.kind, package.imports), (None, "none", None));
        assert_eq!(package.exports.as_deref(), Some("./x"));
    }

    #[test]
    fn what_is_no_object_or_names_itself_by_a_number_is_invalid() {
        for text in ["[1]", "{\"name\":5}", "{\"type\":[]}", "{\"exports\":", "", "5"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
