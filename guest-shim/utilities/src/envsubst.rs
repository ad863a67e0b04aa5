//! `envsubst`: puts variables of the environment into a text, as gettext's does.

use cordon_vm::byte_text::ToText;
use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};

use cordon_multicall::files::{finish, output, reason};
use cordon_multicall::{options, say};

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let usage = "Usage: envsubst [OPTION] [SHELL-FORMAT]\n\nPuts variables of the environment into what it reads, or those that \
                 SHELL-FORMAT names.\n  -v, --variables  tell the variables in SHELL-FORMAT";
    let parsed = match options::begin("envsubst", usage, args, "vhV", &["variables=v", "help=h", "version=V"])
    {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let fail = |message: &str| {
        say(&mut io::stderr(), &format!("envsubst: {message}"));
        1
    };
    let format = match parsed.operands.as_slice() {
        [] => None,
        [format] => Some(format.to_text().into_owned()),
        _ => return fail("too many arguments"),
    };
    let named: Option<Vec<&str>> = format.as_deref().map(|format| {
        let parts = parts(format.as_bytes());
        parts.into_iter().filter_map(|part| part.1).collect()
    });
    if parsed.has('v') {
        let Some(named) = named else { return fail("missing arguments") };
        named.iter().for_each(|name| say(&mut io::stdout(), name));
        return 0;
    }
    let mut text = vec![];
    if let Err(error) = io::stdin().read_to_end(&mut text) {
        return fail(&format!("error while reading \"standard input\": {}", reason(&error)));
    }
    let mut out = output();
    for (raw, name) in parts(&text) {
        let is_meant = |name: &&str| named.as_ref().is_none_or(|named| named.contains(name));
        let written = match name.filter(is_meant) {
            Some(name) => out.write_all(env::var_os(name).unwrap_or_default().as_encoded_bytes()),
            None => out.write_all(raw),
        };
        if written.is_err() {
            break;
        }
    }
    finish("envsubst", out, 0)
}

/// A text as it stands, in parts, each with the name of the variable that it stands for: `$name` or `${name}`.
fn parts(text: &[u8]) -> Vec<(&[u8], Option<&str>)> {
    let mut parts = vec![];
    let (mut begin, mut at) = (0, 0);
    while at < text.len() {
        let braced = text[at..].starts_with(b"${");
        let start = at + if braced { 2 } else { 1 };
        let rest = text.get(start..).unwrap_or_default();
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = rest.iter().take_while(|byte| is_name(byte)).count();
        let is_whole =
            length > 0 && !rest[0].is_ascii_digit() && (!braced || rest.get(length) == Some(&b'}'));
        if text[at] != b'$' || !is_whole {
            at += 1;
            continue;
        }
        let end = start + length + usize::from(braced);
        parts.push((&text[begin..at], None));
        parts.push((&text[at..end], std::str::from_utf8(&rest[..length]).ok()));
        (begin, at) = (end, end);
    }
    parts.push((&text[begin..], None));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_names_alone_and_in_braces() {
        let names = |text: &'static str| -> Vec<&str> {
            parts(text.as_bytes()).into_iter().filter_map(|part| part.1).collect()
        };
        assert_eq!(names("$a ${b}c $1 ${ $$d ${e-f} $ ${} $g"), ["a", "b", "d", "g"]);
        let text = b"x${a}y$";
        let again: Vec<u8> = parts(text).into_iter().flat_map(|part| part.0.to_vec()).collect();
        assert_eq!(again, text);
    }
}
