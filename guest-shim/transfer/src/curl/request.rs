//! Requests as curl makes them: which headers there are by themselves, and what options change of them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use ureq_proto::http::Version;
use url::Url;

use super::Options;
use crate::body::{Body, Piece};
use crate::failure::{self, Failure};
use crate::form;

/// Bodies of more bytes are asked for leave first.
const EXPECT_BYTES: u64 = 1024 * 1024;

/// What is sent, as far as it stays the same when an answer leads elsewhere.
pub struct Message {
    /// Without what `-X` says.
    pub method: &'static str,
    pub body: Option<Body>,
    kind: Option<String>,
}

impl Message {
    pub fn new(options: &Options, upload: Option<&str>) -> Result<Message, Failure> {
        if let Some(name) = upload {
            let piece = match name {
                "." => Piece::Input,
                name => Piece::open(name)
                    .map_err(|_| Failure::new(failure::READ, format!("Can't open '{name}'!")))?,
            };
            return Ok(Message { method: "PUT", body: Some(Body { pieces: vec![piece] }), kind: None });
        }
        if !options.form.is_empty() {
            let boundary = form::boundary();
            let kind = Some(format!("multipart/form-data; boundary={boundary}"));
            return Ok(Message { method: "POST", body: Some(form::body(&options.form, &boundary)), kind });
        }
        let method = if options.is_head { "HEAD" } else { "GET" };
        if !options.has_data || options.in_query {
            return Ok(Message { method, body: None, kind: None });
        }
        let kind = "application/x-www-form-urlencoded".to_owned();
        let body = Some(Body { pieces: options.data.clone() });
        Ok(Message { method: "POST", body, kind: Some(kind) })
    }

    /// After an answer that leads elsewhere.
    pub fn redirected(&mut self, status: u16, options: &Options) -> Result<(), Failure> {
        let keeps = |at: usize| options.keeps_post[at];
        let becomes_get = match status {
            301 => self.method == "POST" && !keeps(0),
            302 => self.method == "POST" && !keeps(1),
            303 => self.method == "PUT" || (self.method == "POST" && !keeps(2)),
            _ => false,
        };
        if becomes_get {
            *self = Message { method: "GET", body: None, kind: None };
        } else if self.body.as_ref().is_some_and(|body| !body.can_rewind()) {
            return Err(Failure::new(failure::REWIND, "necessary data rewind wasn't possible"));
        }
        Ok(())
    }
}

/// A header that was asked for: its name, and its value where it is to be sent.
fn custom(line: &[u8]) -> Option<(String, Option<Vec<u8>>)> {
    let name = |at: usize| String::from_utf8_lossy(&line[..at]).trim().to_owned();
    match line.iter().position(|byte| *byte == b':') {
        Some(at) => {
            let value = line[at + 1..].trim_ascii();
            Some((name(at), (!value.is_empty()).then(|| value.to_vec())))
        }
        None => line.strip_suffix(b";").map(|bare| (name(bare.len()), Some(Vec::new()))),
    }
}

/// User and password of a URL, or of an option.
fn credentials(options: &Options, url: &Url, is_origin: bool) -> Option<String> {
    if let (Some(bearer), true) = (&options.bearer, is_origin) {
        return Some(format!("Bearer {bearer}"));
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = match &options.user {
        Some(user) if is_origin => user.clone(),
        _ if !url.username().is_empty() || url.password().is_some() => {
            format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()))
        }
        _ => return None,
    };
    let pair = if pair.contains(':') { pair } else { format!("{pair}:") };
    Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

/// What else is said of a request.
pub struct Circumstances<'a> {
    pub url: &'a Url,
    /// It goes where the first one went, so that it may say who asks.
    pub is_origin: bool,
    pub range: Option<String>,
    pub referer: Option<Vec<u8>>,
    pub cookies: Option<String>,
}

/// The headers of a request, in their order.
pub fn headers(options: &Options, message: &Message, asked: Circumstances<'_>) -> Vec<(String, Vec<u8>)> {
    let Circumstances { url, is_origin, range, referer, cookies } = asked;
    let mut customs: Vec<(String, Option<Vec<u8>>)> = options
        .headers
        .iter()
        .filter_map(|line| custom(line))
        .filter(|(name, _)| {
            let tells_who =
                ["authorization", "cookie", "host"].iter().any(|own| name.eq_ignore_ascii_case(own));
            !name.is_empty() && (is_origin || !tells_who)
        })
        .collect();
    if options.is_json {
        for name in ["Content-Type", "Accept"] {
            if !customs.iter().any(|(custom, _)| custom.eq_ignore_ascii_case(name)) {
                customs.push((name.to_owned(), Some(b"application/json".to_vec())));
            }
        }
    }
    let own_host = customs.iter().position(|(name, _)| name.eq_ignore_ascii_case("Host"));
    let own_host = own_host.map(|at| customs.remove(at));
    let is_custom = |name: &str| customs.iter().any(|(custom, _)| custom.eq_ignore_ascii_case(name));
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    let mut put = |name: &str, value: Option<Vec<u8>>| {
        if let (Some(value), false) = (value, is_custom(name)) {
            headers.push((name.to_owned(), value));
        }
    };
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    put("Host", own_host.map_or_else(|| Some(host.into()), |(_, value)| value));
    put("Authorization", credentials(options, url, is_origin).map(String::into_bytes));
    put("Range", range.map(|range| format!("bytes={range}").into()));
    let agent = options.agent.clone().unwrap_or_else(|| format!("curl/{}", super::VERSION).into());
    put("User-Agent", (!agent.is_empty()).then_some(agent));
    put("Accept", Some(b"*/*".to_vec()));
    put("Accept-Encoding", options.is_compressed.then(|| b"deflate, gzip".to_vec()));
    put("Referer", referer);
    let raw = (is_origin && !options.cookies.is_empty()).then(|| options.cookies.join(";"));
    let cookies: Vec<String> = cookies.into_iter().chain(raw).collect();
    put("Cookie", (!cookies.is_empty()).then(|| cookies.join("; ").into()));
    let has_own_length = is_custom("Content-Length") || is_custom("Transfer-Encoding");
    let length = message.body.as_ref().map(Body::length);
    headers.extend(customs.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))));
    let mut put = |name: &str, value: String| {
        if !customs.iter().any(|(custom, _)| custom.eq_ignore_ascii_case(name)) {
            headers.push((name.to_owned(), value.into()));
        }
    };
    match length {
        _ if has_own_length => {}
        Some(Some(length)) => put("Content-Length", length.to_string()),
        Some(None) => put("Transfer-Encoding", "chunked".to_owned()),
        // What has to have a body in HTTP has none of this length.
        None if matches!(options.method.as_deref(), Some("POST" | "PUT" | "PATCH")) => {
            put("Content-Length", "0".to_owned());
        }
        None => {}
    }
    if let Some(kind) = &message.kind {
        put("Content-Type", kind.clone());
    }
    let is_long = length.is_some_and(|length| length.is_none_or(|length| length > EXPECT_BYTES));
    if is_long && options.version != Some(Version::HTTP_10) {
        put("Expect", "100-continue".to_owned());
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(words: &[&str], url: &str, is_origin: bool) -> Vec<String> {
        let options = Options::parse(words.iter().map(std::ffi::OsString::from)).unwrap();
        let message = Message::new(&options, None).unwrap();
        let url = Url::parse(url).unwrap();
        let asked = Circumstances { url: &url, is_origin, range: None, referer: None, cookies: None };
        headers(&options, &message, asked)
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8(value).unwrap()))
            .collect()
    }

    #[test]
    fn headers_are_those_of_curl() {
        assert_eq!(
            lines(&[], "http://h:81/x", true),
            ["Host: h:81", "User-Agent: curl/7.88.1", "Accept: */*"]
        );
        assert_eq!(
            lines(&["-H", "accept:", "-H", "X-A: 1", "-H", "X-B;", "-A", "", "-d", "ab"], "http://h/", true),
            [
                "Host: h",
                "X-A: 1",
                "X-B: ",
                "Content-Length: 2",
                "Content-Type: application/x-www-form-urlencoded"
            ]
        );
    }

    #[test]
    fn who_asks_is_not_told_to_others() {
        let words = [
            "-u",
            "me:pw",
            "-H",
            "authorization: x",
            "-H",
            "Cookie: c",
            "-b",
            "a=b",
            "-H",
            "Host: other",
            "-A",
            "a",
        ];
        assert_eq!(lines(&words, "http://h/", false), ["Host: h", "User-Agent: a", "Accept: */*"]);
        let mine = lines(&["-u", "me:pw", "-b", "a=b"], "http://h/", true);
        assert!(
            mine.contains(&"Authorization: Basic bWU6cHc=".to_owned())
                && mine.contains(&"Cookie: a=b".to_owned())
        );
        assert!(lines(&[], "http://a%40:b@h/", false).contains(&"Authorization: Basic YUA6Yg==".to_owned()));
    }
}
