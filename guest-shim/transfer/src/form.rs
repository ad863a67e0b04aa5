//! Bodies of forms (RFC 7578), from curl's `-F`.

use std::io::Read;
use std::path::Path;

use crate::body::{Body, Piece};
use crate::failure::{self, Failure};

/// Types by the endings of names, those that curl knows.
const TYPES: [(&str, &str); 10] = [
    (".gif", "image/gif"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".png", "image/png"),
    (".svg", "image/svg+xml"),
    (".txt", "text/plain"),
    (".htm", "text/html"),
    (".html", "text/html"),
    (".pdf", "application/pdf"),
    (".xml", "application/xml"),
];

/// A part of a form.
#[derive(Clone, Debug)]
pub struct Part {
    name: String,
    filename: Option<String>,
    kind: Option<String>,
    content: Piece,
}

impl Part {
    /// `name=content`, `name=@file` and `name=<file`, with `;type=` and `;filename=` behind that; `is_plain` takes the content as
    /// it is.
    pub fn parse(text: &str, is_plain: bool) -> Result<Part, Failure> {
        let Some((name, content)) = text.split_once('=') else {
            return Err(Failure::new(failure::USAGE, "Illegally formatted input field"));
        };
        let name = name.to_owned();
        if is_plain {
            return Ok(Part { name, filename: None, kind: None, content: Piece::Bytes(content.into()) });
        }
        let (content, kind, filename) = attributes(content);
        let open = |file: &str| {
            // The length of a form is told before it is sent.
            let mut bytes = Vec::new();
            let opened = match file {
                "-" => std::io::stdin().read_to_end(&mut bytes).map(|_| Piece::Bytes(bytes)),
                file => Piece::open(file),
            };
            opened.map_err(|_| {
                Failure::new(failure::READ, "Failed to open/read local data from file/application")
            })
        };
        if let Some(file) = content.strip_prefix('@') {
            let base = Path::new(file).file_name().map_or(file.into(), |base| base.to_string_lossy());
            let filename = filename.unwrap_or_else(|| base.into_owned());
            let kind = kind.unwrap_or_else(|| kind_of(&filename, file).to_owned());
            return Ok(Part { name, filename: Some(filename), kind: Some(kind), content: open(file)? });
        }
        let content = match content.strip_prefix('<') {
            Some(file) => open(file)?,
            None => Piece::Bytes(content.into()),
        };
        Ok(Part { name, filename, kind, content })
    }
}

fn kind_of(filename: &str, file: &str) -> &'static str {
    let known = |name: &str| {
        let name = name.to_ascii_lowercase();
        TYPES.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, kind)| *kind)
    };
    known(filename).or_else(|| known(file)).unwrap_or("application/octet-stream")
}

/// The content, its type and the name of its file.
fn attributes(text: &str) -> (String, Option<String>, Option<String>) {
    let (mut kind, mut filename) = (None, None);
    let mut content = text.to_owned();
    let is_file = text.starts_with(['@', '<']);
    while let Some(at) = content.rfind(";type=").max(content.rfind(";filename=")) {
        let rest = content.split_off(at);
        let (key, value) = rest[1..].split_once('=').unwrap_or_default();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        match key {
            "type" => kind = kind.or(Some(value.to_owned())),
            _ => filename = filename.or(Some(value.to_owned())),
        }
    }
    let bare = content.strip_prefix('"').and_then(|content| content.strip_suffix('"'));
    if let (false, Some(bare)) = (is_file, bare) {
        content = bare.to_owned();
    }
    if let Some(bare) = content.strip_prefix("@\"").and_then(|content| content.strip_suffix('"')) {
        content = format!("@{bare}");
    }
    (content, kind, filename)
}

/// A name within quotes.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// The body of a form, and the boundary that its type names.
pub fn body(parts: &[Part], boundary: &str) -> Body {
    let mut pieces = Vec::new();
    for part in parts {
        let mut head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&part.name));
        if let Some(filename) = &part.filename {
            head.push_str(&format!("; filename=\"{}\"", quoted(filename)));
        }
        if let Some(kind) = &part.kind {
            head.push_str(&format!("\r\nContent-Type: {kind}"));
        }
        head.push_str("\r\n\r\n");
        pieces.extend([Piece::Bytes(head.into()), part.content.clone(), Piece::Bytes(b"\r\n".to_vec())]);
    }
    pieces.push(Piece::Bytes(format!("--{boundary}--\r\n").into()));
    Body { pieces }
}

/// One that is in no content but by an accident that nobody can bring about.
pub fn boundary() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = || RandomState::new().hash_one(std::time::SystemTime::now());
    format!("------------------------{:016x}", random())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(part: &str) -> String {
        let body = body(&[Part::parse(part, false).unwrap()], "B");
        let mut text = Vec::new();
        let mut reading = body.read();
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = reading.next(&mut buffer) {
            text.extend_from_slice(&buffer[..length]);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn parts_are_as_curl_writes_them() {
        assert_eq!(text("a=1"), "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--\r\n");
        assert_eq!(
            text("a\"b=x;y;type=text/x"),
            "--B\r\nContent-Disposition: form-data; name=\"a%22b\"\r\nContent-Type: text/x\r\n\r\nx;y\r\n--B--\r\n"
        );
        assert!(Part::parse("a", false).is_err());
        assert_eq!(Part::parse("a=@/no/such", false).unwrap_err().code, failure::READ);
    }
}
