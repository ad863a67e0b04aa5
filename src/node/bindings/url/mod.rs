//! WHATWG URLs. The library holds each as its text, and where in that its parts are: `urlComponents` says so of the
//! text that was last given back.

pub(super) mod idna;

use std::cell::OnceCell;
use std::rc::Rc;

use isolate::library::{Scope, string};
use url::{Position, Url, quirks};

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::{Env, poke};

pub(super) static BINDING: Binding = Binding {
    name: "url",
    functions: functions! {
        "parse" => parse,
        "canParse" => can_parse,
        "update" => update,
        "format" => format,
        "getOrigin" => get_origin,
        "domainToASCII" => domain_to_ascii,
        "domainToUnicode" => domain_to_unicode,
        "pathToFileURL" => path_to_file_url,
    },
    make: Some(make),
};

/// How many numbers `urlComponents` has.
const COMPONENTS: usize = 9;

/// What it says of a part that is not there.
const OMITTED: u32 = u32::MAX;

/// `urlComponents`.
#[derive(Default)]
struct Components {
    store: OnceCell<v8::SharedRef<v8::BackingStore>>,
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let components = v8::ArrayBuffer::new(scope, COMPONENTS * 4);
    let _ = env.state::<Components>().store.set(components.get_backing_store());
    let components = v8::Uint32Array::new(scope, components, 0, COMPONENTS)?;
    set(scope, binding, "urlComponents", components.into())
}

/// Where the parts of a URL are: ends of scheme and user name, begin and end of the host, port, begins of path, query,
/// fragment; the kind of scheme.
fn components(url: &Url) -> [u32; COMPONENTS] {
    let at = |position: Position| u32::try_from(url[..position].len()).unwrap_or(OMITTED);
    // With the colon.
    let scheme = at(Position::AfterScheme).saturating_add(1);
    let (user, host, host_end) = if url.has_authority() {
        let has_password = url.password().is_some();
        let user = at(Position::AfterUsername);
        let host = if !url.username().is_empty() || has_password {
            // At the `@`.
            at(Position::BeforeHost).saturating_sub(1)
        } else {
            user
        };
        (user, host, at(Position::AfterHost))
    } else {
        (scheme, scheme, scheme)
    };
    [
        scheme,
        user,
        host,
        host_end,
        url.port().map_or(OMITTED, u32::from),
        at(Position::BeforePath),
        url.query().map_or(OMITTED, |_| at(Position::AfterPath)),
        url.fragment().map_or(OMITTED, |_| at(Position::AfterQuery)),
        match url.scheme() {
            "http" => 0,
            "https" => 2,
            "ws" => 3,
            "ftp" => 4,
            "wss" => 5,
            "file" => 6,
            _ => 1,
        },
    ]
}

/// Gives a URL back: its text as the result, its parts in `urlComponents`.
fn give(scope: &mut Scope<'_, '_>, mut result: Return<'_>, url: &Url) {
    let Some(env) = Env::of(scope) else { return };
    let state = env.state::<Components>();
    for (index, value) in components(url).into_iter().enumerate() {
        poke(&state.store, index, value.to_ne_bytes());
    }
    if let Some(text) = crate::bytes::utf8(scope, url.as_str().as_bytes()) {
        result.set(text.into());
    }
}

/// An argument as text. `None` with an exception pending if it cannot be made one.
fn text(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<String> {
    let text = value.to_string(scope)?;
    isolate::library::text(scope, text)
}

fn throw_invalid(scope: &mut Scope<'_, '_>, input: Option<&str>, base: Option<&str>) {
    let message = string(scope, "Invalid URL");
    let error = v8::Exception::type_error(scope, message);
    if let Ok(object) = error.try_cast::<v8::Object>() {
        for (name, value) in [("code", Some("ERR_INVALID_URL")), ("input", input), ("base", base)] {
            let Some(value) = value else { continue };
            let value = string(scope, value);
            let _ = set(scope, object, name, value.into());
        }
    }
    scope.throw_exception(error);
}

fn resolve(input: &str, base: Option<&str>) -> Option<Url> {
    match base {
        Some(base) => Url::parse(base).ok()?.join(input).ok(),
        None => Url::parse(input).ok(),
    }
}

/// The arguments (input, base). `None` with an exception pending if they cannot be read.
fn inputs(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(String, Option<String>)> {
    let input = text(scope, args.get(0))?;
    let base = match args.get(1) {
        base if base.is_undefined() => None,
        base => Some(text(scope, base)?),
    };
    Some((input, base))
}

/// (input, base, whether to throw) -> text
fn parse(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    let Some((input, base)) = inputs(scope, &args) else { return };
    match resolve(&input, base.as_deref()) {
        Some(url) => give(scope, result, &url),
        None if args.get(2).is_true() => throw_invalid(scope, Some(&input), base.as_deref()),
        None => {}
    }
}

fn can_parse(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((input, base)) = inputs(scope, &args) else { return };
    result.set_bool(resolve(&input, base.as_deref()).is_some());
}

/// (text, which part, value) -> text, or false
fn update(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(input) = text(scope, args.get(0)) else { return };
    let Some(part) = args.get(1).uint32_value(scope) else { return };
    let Some(value) = text(scope, args.get(2)) else { return };
    match Url::parse(&input).ok().and_then(|url| updated(url, part, &value)) {
        Some(url) => give(scope, result, &url),
        None => result.set_bool(false),
    }
}

/// A URL with one part set, numbered as the library numbers them.
fn updated(mut url: Url, part: u32, value: &str) -> Option<Url> {
    match part {
        0 => quirks::set_protocol(&mut url, value).ok()?,
        1 => quirks::set_host(&mut url, value).ok()?,
        2 => quirks::set_hostname(&mut url, value).ok()?,
        3 => quirks::set_port(&mut url, value).ok()?,
        4 => quirks::set_username(&mut url, value).ok()?,
        5 => quirks::set_password(&mut url, value).ok()?,
        6 => quirks::set_pathname(&mut url, value),
        7 => quirks::set_search(&mut url, value),
        8 => quirks::set_hash(&mut url, value),
        9 => url = Url::parse(value).ok()?,
        _ => return None,
    }
    Some(url)
}

/// (text, with the fragment, in Unicode, with the query, with the credentials) -> text
fn format(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(input) = text(scope, args.get(0)) else { return };
    let [fragment, unicode, query, credentials] = [1, 2, 3, 4].map(|index| args.get(index).is_true());
    let formatted = match Url::parse(&input) {
        Ok(mut url) => {
            if !fragment {
                url.set_fragment(None);
            }
            if !query {
                url.set_query(None);
            }
            if !credentials {
                // Where there can be none there are none.
                let _ = url.set_username("");
                let _ = url.set_password(None);
            }
            match url.host_str() {
                Some(host) if unicode => {
                    let (before, after) = (&url[..Position::BeforeHost], &url[Position::AfterHost..]);
                    format!("{before}{}{after}", idna::to_unicode(host))
                }
                _ => url.into(),
            }
        }
        Err(_) => input,
    };
    if let Some(text) = crate::bytes::utf8(scope, formatted.as_bytes()) {
        result.set(text.into());
    }
}

fn get_origin(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(input) = text(scope, args.get(0)) else { return };
    match Url::parse(&input) {
        Ok(url) => {
            let origin = string(scope, &quirks::origin(&url));
            result.set(origin.into());
        }
        Err(_) => throw_invalid(scope, None, None),
    }
}

/// The host that a name means in a URL; empty for what is none.
fn host(name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    let Ok(mut url) = Url::parse("ws://x") else { return String::new() };
    match quirks::set_hostname(&mut url, name) {
        Ok(()) => url.host_str().unwrap_or_default().to_owned(),
        Err(()) => String::new(),
    }
}

fn domain_to_ascii(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(name) = text(scope, args.get(0)) else { return };
    let name = string(scope, &host(&name));
    result.set(name.into());
}

fn domain_to_unicode(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(name) = text(scope, args.get(0)) else { return };
    let name = string(scope, &idna::to_unicode(&host(&name)));
    result.set(name.into());
}

/// (path, as Windows has them, host) -> text
fn path_to_file_url(scope: &mut Scope<'_, '_>, args: Args<'_>, result: Return<'_>) {
    let Some(path) = text(scope, args.get(0)) else { return };
    let windows = args.get(1).is_true();
    let host = match args.get(2) {
        host if host.is_undefined() => String::new(),
        host => match text(scope, host) {
            Some(host) => host,
            None => return,
        },
    };
    match file_url(&path, windows, &host) {
        Some(url) => give(scope, result, &url),
        None => throw_invalid(scope, Some(&path), None),
    }
}

/// The URL of a path: all that would mean something in a URL is escaped.
fn file_url(path: &str, windows: bool, host: &str) -> Option<Url> {
    let mut escaped = String::with_capacity(path.len());
    for char in path.chars() {
        match char {
            '\\' if windows => escaped.push('/'),
            '\0'..=' '
            | '"'
            | '#'
            | '%'
            | '<'
            | '>'
            | '?'
            | '['
            | '\\'
            | ']'
            | '^'
            | '`'
            | '{'
            | '|'
            | '}'
            | '~'
            | '\u{7f}' => escaped.push_str(&format!("%{:02X}", u32::from(char))),
            _ => escaped.push(char),
        }
    }
    let mut url = Url::parse("file://").ok()?;
    quirks::set_pathname(&mut url, &escaped);
    if windows && !host.is_empty() {
        // What is no host is passed over.
        let _ = quirks::set_hostname(&mut url, host);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::{OMITTED, Url, components, file_url};

    #[test]
    fn parts_are_where_the_library_looks_for_them() {
        for (text, expected) in [
            ("https://user:pass@example.com:1234/foo/bar?baz#quux", [6, 12, 17, 29, 1234, 34, 42, 46, 2]),
            ("https://user@h/", [6, 12, 12, 14, OMITTED, 14, OMITTED, OMITTED, 2]),
            ("https://:p@h/", [6, 8, 10, 12, OMITTED, 12, OMITTED, OMITTED, 2]),
            ("http://h/", [5, 7, 7, 8, OMITTED, 8, OMITTED, OMITTED, 0]),
            ("mailto:a@b", [7, 7, 7, 7, OMITTED, 7, OMITTED, OMITTED, 1]),
            ("file:///a/b", [5, 7, 7, 7, OMITTED, 7, OMITTED, OMITTED, 6]),
            ("web+x:/.//p", [6, 6, 6, 6, OMITTED, 8, OMITTED, OMITTED, 1]),
            ("ws://h/?q", [3, 5, 5, 6, OMITTED, 6, 7, OMITTED, 3]),
            ("data:,x#f", [5, 5, 5, 5, OMITTED, 5, OMITTED, 7, 1]),
            ("foo://h:9/", [4, 6, 6, 7, 9, 9, OMITTED, OMITTED, 1]),
            ("foo://", [4, 6, 6, 6, OMITTED, 6, OMITTED, OMITTED, 1]),
            ("http://[::1]/", [5, 7, 7, 12, OMITTED, 12, OMITTED, OMITTED, 0]),
        ] {
            assert_eq!(Url::parse(text).map(|url| components(&url)), Ok(expected), "{text}");
        }
    }

    #[test]
    fn paths_are_escaped() {
        let url = |path, windows, host| file_url(path, windows, host).map(String::from);
        assert_eq!(url("/a b#c%", false, "").as_deref(), Some("file:///a%20b%23c%25"));
        assert_eq!(url("C:\\a\\b", true, "").as_deref(), Some("file:///C:/a/b"));
        assert_eq!(url("\\a\\b", true, "host").as_deref(), Some("file://host/a/b"));
    }
}
