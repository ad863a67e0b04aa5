//! The names that a CommonJS module exports, as far as its text tells: what ECMAScript modules may import from it by
//! name. The module itself runs later, in its turn.
//!
//! This looks for the few forms that compilers write; it does not parse. A name too many is harmless (it is
//! `undefined`), a missing one is still a property of the default export.

use std::collections::BTreeSet;

/// What the text tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Names that are exported.
    pub names: BTreeSet<String>,
    /// Specifiers of modules whose exports are exported as well.
    pub reexports: Vec<String>,
}

/// Names that one module may export.
const NAME_LIMIT: usize = 4096;

/// Scans a source text.
pub fn scan(source: &str) -> Found {
    let mut found = Found::default();
    let bytes = source.as_bytes();
    for (at, _) in source.match_indices("exports") {
        let before = &source[..at];
        let after = &source[at + "exports".len()..];
        let is_member = before.ends_with('.');
        if is_member && !before.ends_with("module.") {
            continue;
        }
        if !is_member && at > 0 && is_identifier_byte(bytes[at - 1]) {
            continue;
        }
        if let Some(name) = assigned_member(after) {
            found.names.insert(name);
        } else if before.trim_end().ends_with("defineProperty(") {
            if let Some(name) =
                after.trim_start().strip_prefix(',').and_then(|rest| quoted(rest.trim_start()))
            {
                found.names.insert(name.to_owned());
            }
        } else if is_member && let Some(value) = assignment(after) {
            if let Some(specifier) = required(value) {
                found.reexports.push(specifier.to_owned());
            } else if let Some(literal) = value.strip_prefix('{') {
                shorthand_names(literal, &mut found);
            }
        }
        if found.names.len() >= NAME_LIMIT {
            break;
        }
    }
    for marker in ["__exportStar(", "__export("] {
        for (at, _) in source.match_indices(marker) {
            if let Some(specifier) = required(source[at + marker.len()..].trim_start()) {
                found.reexports.push(specifier.to_owned());
            }
        }
    }
    // Babel and Rollup copy the properties of what they have required, one by one.
    for (at, marker) in source.match_indices("Object.keys(") {
        let rest = &source[at + marker.len()..];
        let name = identifier(rest);
        let copies = rest[name.len()..].strip_prefix(").forEach(function").is_some_and(|body| {
            let body: String = body.chars().take(COPY_LENGTH).collect();
            body.contains("exports")
        });
        if copies && let Some(specifier) = required_as(source, name) {
            found.reexports.push(specifier.to_owned());
        }
    }
    found.names.remove("default");
    found
}

/// As far as the beginning of a loop that copies properties is looked at, in characters.
const COPY_LENGTH: usize = 400;

/// What a variable has been given by `require`, be it by way of Babel's helper.
fn required_as<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    if name.is_empty() {
        return None;
    }
    source.match_indices(name).find_map(|(at, _)| {
        let value = assignment(&source[at + name.len()..])?;
        required(value.strip_prefix("_interopRequireWildcard(").unwrap_or(value))
    })
}

/// The identifier that a text begins with; empty if none does.
fn identifier(text: &str) -> &str {
    let end = text.bytes().position(|b| !is_identifier_byte(b)).unwrap_or(text.len());
    &text[..end]
}

/// `.name =` or `["name"] =` after `exports`.
fn assigned_member(after: &str) -> Option<String> {
    let (name, rest) = if let Some(rest) = after.strip_prefix('.') {
        let end = rest.bytes().position(|b| !is_identifier_byte(b)).unwrap_or(rest.len());
        (&rest[..end], &rest[end..])
    } else {
        let rest = after.strip_prefix('[')?;
        let name = quoted(rest)?;
        (name, rest.get(name.len() + 2..)?.strip_prefix(']')?)
    };
    (is_name(name) && assignment(rest).is_some()).then(|| name.to_owned())
}

/// What is assigned, if this is an assignment.
fn assignment(rest: &str) -> Option<&str> {
    let value = rest.trim_start().strip_prefix('=')?;
    (!value.starts_with(['=', '>'])).then(|| value.trim_start())
}

fn required(value: &str) -> Option<&str> {
    quoted(value.strip_prefix("require(")?.trim_start())
}

/// `a, b: c, "d": e` up to what is no simple name.
fn shorthand_names(literal: &str, found: &mut Found) {
    let mut rest = literal;
    loop {
        rest = rest.trim_start();
        if let Some(spread) = rest.strip_prefix("...") {
            let Some(specifier) = required(spread) else { return };
            found.reexports.push(specifier.to_owned());
            let Some(at) = spread.find(')') else { return };
            rest = &spread[at + 1..];
        } else {
            let (name, after) = match quoted(rest) {
                Some(name) => (name, &rest[name.len() + 2..]),
                None => {
                    let end = rest.bytes().position(|b| !is_identifier_byte(b)).unwrap_or(rest.len());
                    (&rest[..end], &rest[end..])
                }
            };
            if !is_name(name) {
                return;
            }
            let after = after.trim_start();
            let after = match after.strip_prefix(':') {
                // Only plain names as values: what follows anything else cannot be told without a parser.
                Some(value) => {
                    let value = value.trim_start();
                    let end = value
                        .bytes()
                        .position(|b| !is_identifier_byte(b) && b != b'.')
                        .unwrap_or(value.len());
                    found.names.insert(name.to_owned());
                    value[end..].trim_start()
                }
                None if after.starts_with(['}', ',']) => {
                    found.names.insert(name.to_owned());
                    after
                }
                None => return,
            };
            rest = after;
        }
        match rest.trim_start().strip_prefix(',') {
            Some(next) => rest = next,
            None => return,
        }
        if found.names.len() >= NAME_LIMIT {
            return;
        }
    }
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let end = text[1..].find(quote)?;
    let inner = &text[1..=end];
    (!inner.contains(['\\', '\n'])).then_some(inner)
}

fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str) -> Vec<String> {
        scan(source).names.into_iter().collect()
    }

    #[test]
    fn assignments_and_definitions_are_found() {
        assert_eq!(names("exports.a = 1; module.exports.b=2; exports['c-d'] = 3"), ["a", "b", "c-d"]);
        assert_eq!(names("Object.defineProperty(exports, 'x', { get() {} })"), ["x"]);
        assert_eq!(names("exports.a = exports.b = void 0;"), ["a", "b"]);
    }

    #[test]
    fn comparisons_calls_and_other_objects_are_not_exports() {
        assert!(names("if (exports.a == 1 || exports.b === 2) exports.c()").is_empty());
        assert!(
            names("foo.exports.a = 1; my_exports.b = 2; exports.default = 3; x => exports.y => 1").is_empty()
        );
    }

    #[test]
    fn literals_and_reexports_are_followed() {
        let found = scan("0 && (module.exports = { a, b: c.d, ...require('./more'), \"e\": f, g() {}, h });");
        assert_eq!(found.names.into_iter().collect::<Vec<_>>(), ["a", "b", "e"]);
        assert_eq!(found.reexports, ["./more"]);
        assert_eq!(scan("module.exports = require('./cjs.js')").reexports, ["./cjs.js"]);
        assert_eq!(scan("__exportStar(require(\"./x\"), exports);").reexports, ["./x"]);
    }

    #[test]
    fn what_is_copied_from_required_modules_is_exported() {
        let rollup = "var lib = require('./lib');\nObject.keys(lib).forEach(function (k) {\n  if (k !== 'default' && \
                      !Object.prototype.hasOwnProperty.call(exports, k)) exports[k] = lib[k];\n});";
        assert_eq!(scan(rollup).reexports, ["./lib"]);
        let babel = "var _a = _interopRequireWildcard(require(\"./a\"));\nObject.keys(_a).forEach(function (key) {\n  \
                     if (key === \"default\") return;\n  Object.defineProperty(exports, key, { enumerable: true });\n});";
        assert_eq!(scan(babel).reexports, ["./a"]);
        assert!(scan("Object.keys(options).forEach(function (k) { exports.a; })").reexports.is_empty());
    }

    #[test]
    fn nothing_in_a_text_makes_it_panic() {
        for source in [
            "exports",
            "exports.",
            "exports[",
            "exports['",
            "exports['é",
            "module.exports={",
            "exports.é = 1",
        ] {
            scan(source);
        }
    }
}
