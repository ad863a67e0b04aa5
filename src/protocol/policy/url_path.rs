//! The path of a request as rules see it: decoded, if every server decodes it to the same.
//!
//! Servers differ in what they make of `..`, of an encoded slash, of two slashes. A path of which that is in doubt is
//! no path that a rule allows, and every rule that denies some path denies it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The longest path that is compared with patterns.
const LONGEST: usize = 16 * 1024;

/// A path without its query, decoded.
///
/// # Errors
/// Why it could be read in more than one way.
pub(super) fn normal(target: &str) -> Result<Cow<'_, str>, &'static str> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if path.len() > LONGEST {
        return Err("it is too long");
    }
    if !path.starts_with('/') {
        return Err("it does not begin with \"/\"");
    }
    let decoded = match path.contains('%') {
        false => Cow::Borrowed(path),
        true => decode(path)?,
    };
    if decoded.bytes().any(|byte| byte < b' ' || byte == 0x7f || byte == b'\\' || byte == b'#') {
        return Err("it has a control character, a backslash or a \"#\"");
    }
    let parts = &decoded[1..];
    // An empty part at the end is a slash at the end.
    let last = parts.rsplit('/').next().unwrap_or_default().len();
    if parts[..parts.len() - last].split_terminator('/').any(str::is_empty) {
        return Err("it has two slashes after each other");
    }
    // Some servers take off what follows a ";" and look again.
    let dots = |part: &str| matches!(part.split(';').next(), Some("." | ".."));
    if parts.split('/').any(dots) {
        return Err("it has a part \".\" or \"..\"");
    }
    Ok(decoded)
}

fn decode(path: &str) -> Result<Cow<'_, str>, &'static str> {
    if sequences(path).any(|sequence| sequence.is_none()) {
        return Err("it has a \"%\" without two digits");
    }
    if sequences(path).flatten().any(|byte| byte == b'/') {
        return Err("it has an encoded slash");
    }
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| "it is not UTF-8")?;
    if sequences(&decoded).any(|sequence| sequence.is_some()) {
        return Err("it is encoded twice");
    }
    Ok(decoded)
}

/// What each `%` of a text stands for; `None` where no two digits follow it.
fn sequences(text: &str) -> impl Iterator<Item = Option<u8>> {
    text.split('%').skip(1).map(|rest| {
        let digits = rest.as_bytes().get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn a_path_is_decoded_and_its_query_cut_off() {
        for (target, expected) in [
            ("/", "/"),
            ("/a/b?x=/../y", "/a/b"),
            ("/a/", "/a/"),
            ("/%61%2Db/%C3%A9", "/a-b/é"),
            ("/100%25", "/100%"),
            ("/a..b/...", "/a..b/..."),
            ("/a%20b", "/a b"),
            ("/?", "/"),
        ] {
            assert_eq!(normal(target).as_deref(), Ok(expected), "{target}");
        }
    }

    #[test]
    fn a_path_that_servers_read_differently_is_none() {
        for target in [
            "",
            "*",
            "a",
            "?",
            "http://example.org/",
            "/..",
            "/../a",
            "/a/..",
            "/a/./b",
            "/.",
            "/%2e%2e/a",
            "/%2E./a",
            "/a/.%2e",
            "/a/%2e",
            "/..;/a",
            "/a/..;x=1/b",
            "/a\\b",
            "/a%5cb",
            "/a%2fb",
            "/a%2Fb",
            "/a%00",
            "/a\0b",
            "/a%0d%0ab",
            "/a\u{7f}",
            "/a%7f",
            "//a",
            "/a//b",
            "//",
            "/a//",
            "/%",
            "/a%2",
            "/a%zz",
            "/%252e%252e/a",
            "/%2561",
            "/%c0%ae%c0%ae/a",
            "/%ff",
            "/a#b",
            "/a%23b",
        ] {
            assert!(normal(target).is_err(), "{target:?}");
        }
        assert!(normal(&format!("/{}", "a".repeat(20_000))).is_err());
    }
}
