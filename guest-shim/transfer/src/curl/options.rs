//! What curl is told: its options, the names and letters of which are in one table.

use std::ffi::OsString;
use std::time::Duration;

use cordon_multicall::options::{Item, Long, Parser, Takes};
use ureq_proto::http::Version;

use crate::body::Piece;
use crate::connection::Ways;
use crate::failure::{self, Failure};
use crate::form::Part;

/// Where something goes.
#[derive(Clone, Debug)]
pub enum Output {
    Named(String),
    /// To a file that is named as in the URL.
    Remote,
}

/// How long it is tried again.
#[derive(Clone, Debug, Default)]
pub struct Retry {
    pub times: u32,
    pub delay: Option<Duration>,
    pub most: Option<Duration>,
    pub all_errors: bool,
    pub refused: bool,
}

/// Everything that was said.
#[derive(Debug, Default)]
pub struct Options {
    pub urls: Vec<String>,
    pub outputs: Vec<Output>,
    pub uploads: Vec<String>,
    pub method: Option<String>,
    /// With what stands between them and the one before.
    pub data: Vec<Piece>,
    pub has_data: bool,
    pub in_query: bool,
    pub is_json: bool,
    pub headers: Vec<Vec<u8>>,
    pub agent: Option<Vec<u8>>,
    pub referer: Option<Vec<u8>>,
    pub refers: bool,
    pub user: Option<String>,
    pub bearer: Option<String>,
    pub form: Vec<Part>,
    pub is_head: bool,
    pub shows_head: bool,
    pub names_all: bool,
    pub name_from_head: bool,
    pub makes_folders: bool,
    pub folder: Option<String>,
    pub follows: bool,
    pub is_trusted: bool,
    pub keeps_post: [bool; 3],
    pub redirects: Option<u64>,
    pub is_silent: bool,
    pub shows_errors: bool,
    pub is_verbose: bool,
    pub fails: bool,
    pub fails_with_body: bool,
    pub fails_early: bool,
    pub write_out: Option<String>,
    pub head_file: Option<String>,
    pub ways: Ways,
    pub authorities: Option<String>,
    pub connect: Option<Duration>,
    pub most: Option<Duration>,
    pub retry: Retry,
    pub is_compressed: bool,
    pub cookies: Vec<String>,
    pub cookie_files: Vec<String>,
    pub cookie_jar: Option<String>,
    pub junks_sessions: bool,
    pub range: Option<String>,
    pub resume: Option<String>,
    pub largest: Option<u64>,
    pub version: Option<Version>,
    pub protocols: Option<Vec<String>>,
    pub redirect_protocols: Option<Vec<String>>,
    pub remote_time: bool,
    pub is_glob_off: bool,
    pub wants: Option<Wanted>,
}

/// What is shown in place of everything else.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    Help,
    Version,
}

/// What an option does.
enum Does {
    Switch(fn(&mut Options, bool)),
    Value(fn(&mut Options, Vec<u8>) -> Result<(), Failure>),
    /// What it would change is as it is: nothing.
    Accepted,
    AcceptedValue,
    /// Is not there, with the reason.
    Refused(&'static str),
    RefusedValue(&'static str),
}
use Does::{Accepted, AcceptedValue, Refused, RefusedValue, Switch, Value};

const NO_PROXY: &str = "a VM has no proxies: where its connections go is decided and done outside it";
const NO_NAMES: &str = "what a name stands for is looked up outside the VM, where it is decided";
const NO_AUTHENTICATION: &str = "of authentication there are Basic (-u) and Bearer (--oauth2-bearer)";
const NO_CLIENT_CERTIFICATE: &str = "certificates of one's own are not there";
const NO_CHOICE_OF_TLS: &str = "TLS is spoken outside the VM, which chooses";
const ABSENT: &str = "it is not there";

/// Letters, if there is one, and names.
const TABLE: &[(char, &str, Does)] = &[
    ('0', "http1.0", Switch(|o, _| o.version = Some(Version::HTTP_10))),
    ('4', "ipv4", Switch(|o, on| o.ways.only_version_4 = on)),
    ('6', "ipv6", Switch(|o, on| o.ways.only_version_6 = on)),
    ('A', "user-agent", Value(|o, v| put(&mut o.agent, v))),
    ('C', "continue-at", Value(|o, v| put(&mut o.resume, text(v)))),
    ('D', "dump-header", Value(|o, v| put(&mut o.head_file, text(v)))),
    ('E', "cert", RefusedValue(NO_CLIENT_CERTIFICATE)),
    ('F', "form", Value(|o, v| push(&mut o.form, Part::parse(&text(v), false)?))),
    ('G', "get", Switch(|o, on| o.in_query = on)),
    ('H', "header", Value(header)),
    (
        'I',
        "head",
        Switch(|o, on| {
            o.is_head = on;
            o.shows_head = on;
        }),
    ),
    ('J', "remote-header-name", Switch(|o, on| o.name_from_head = on)),
    ('K', "config", RefusedValue(ABSENT)),
    ('L', "location", Switch(|o, on| o.follows = on)),
    ('N', "no-buffer", Accepted),
    ('O', "remote-name", Switch(|o, _| o.outputs.push(Output::Remote))),
    ('Q', "quote", RefusedValue(ABSENT)),
    ('R', "remote-time", Switch(|o, on| o.remote_time = on)),
    ('S', "show-error", Switch(|o, on| o.shows_errors = on)),
    ('T', "upload-file", Value(|o, v| push(&mut o.uploads, text(v)))),
    ('U', "proxy-user", RefusedValue(NO_PROXY)),
    ('V', "version", Switch(|o, _| o.wants = Some(Wanted::Version))),
    ('X', "request", Value(|o, v| put(&mut o.method, text(v)))),
    ('Z', "parallel", Accepted),
    ('b', "cookie", Value(cookie)),
    ('c', "cookie-jar", Value(|o, v| put(&mut o.cookie_jar, text(v)))),
    ('d', "data", Value(|o, v| data(o, v, true, true))),
    ('e', "referer", Value(referer)),
    ('f', "fail", Switch(|o, on| o.fails = on)),
    ('g', "globoff", Switch(|o, on| o.is_glob_off = on)),
    ('h', "help", Switch(|o, _| o.wants = Some(Wanted::Help))),
    ('i', "include", Switch(|o, on| o.shows_head = on)),
    ('j', "junk-session-cookies", Switch(|o, on| o.junks_sessions = on)),
    ('k', "insecure", Switch(|o, on| o.ways.is_insecure = on)),
    (
        'm',
        "max-time",
        Value(|o, v| {
            o.most = seconds(v)?;
            Ok(())
        }),
    ),
    ('n', "netrc", Refused(ABSENT)),
    ('o', "output", Value(|o, v| push(&mut o.outputs, Output::Named(text(v))))),
    ('q', "disable", Accepted),
    ('r', "range", Value(|o, v| put(&mut o.range, text(v)))),
    ('s', "silent", Switch(|o, on| o.is_silent = on)),
    ('u', "user", Value(|o, v| put(&mut o.user, text(v)))),
    ('v', "verbose", Switch(|o, on| o.is_verbose = on)),
    ('w', "write-out", Value(write_out)),
    ('x', "proxy", RefusedValue(NO_PROXY)),
    ('y', "speed-time", RefusedValue(ABSENT)),
    ('Y', "speed-limit", RefusedValue(ABSENT)),
    ('z', "time-cond", RefusedValue(ABSENT)),
    ('#', "progress-bar", Accepted),
    (':', "next", Refused(ABSENT)),
    (' ', "anyauth", Refused(NO_AUTHENTICATION)),
    (' ', "aws-sigv4", RefusedValue(NO_AUTHENTICATION)),
    (' ', "basic", Accepted),
    (' ', "cacert", Value(|o, v| put(&mut o.authorities, text(v)))),
    (' ', "capath", RefusedValue(ABSENT)),
    (' ', "ciphers", RefusedValue(NO_CHOICE_OF_TLS)),
    (' ', "compressed", Switch(|o, on| o.is_compressed = on)),
    (
        ' ',
        "connect-timeout",
        Value(|o, v| {
            o.connect = seconds(v)?;
            Ok(())
        }),
    ),
    (' ', "connect-to", RefusedValue(NO_NAMES)),
    (' ', "create-dirs", Switch(|o, on| o.makes_folders = on)),
    (' ', "data-ascii", Value(|o, v| data(o, v, true, true))),
    (' ', "data-binary", Value(|o, v| data(o, v, true, false))),
    (' ', "data-raw", Value(|o, v| data(o, v, false, false))),
    (' ', "data-urlencode", Value(data_encoded)),
    (' ', "digest", Refused(NO_AUTHENTICATION)),
    (' ', "dns-servers", RefusedValue(NO_NAMES)),
    (' ', "doh-url", RefusedValue(NO_NAMES)),
    (' ', "expect100-timeout", AcceptedValue),
    (' ', "fail-early", Switch(|o, on| o.fails_early = on)),
    (' ', "fail-with-body", Switch(|o, on| o.fails_with_body = on)),
    (' ', "form-string", Value(|o, v| push(&mut o.form, Part::parse(&text(v), true)?))),
    (' ', "happy-eyeballs-timeout-ms", AcceptedValue),
    (' ', "http1.1", Switch(|o, _| o.version = Some(Version::HTTP_11))),
    (' ', "http2", Accepted),
    (' ', "http2-prior-knowledge", Refused("HTTP/1.1 is what is spoken")),
    (' ', "http3", Refused("HTTP/1.1 is what is spoken")),
    (' ', "interface", RefusedValue(NO_NAMES)),
    (' ', "json", Value(json)),
    (' ', "keepalive-time", AcceptedValue),
    (' ', "key", RefusedValue(NO_CLIENT_CERTIFICATE)),
    (' ', "limit-rate", RefusedValue(ABSENT)),
    (
        ' ',
        "location-trusted",
        Switch(|o, on| {
            o.follows = on;
            o.is_trusted = on;
        }),
    ),
    (
        ' ',
        "max-filesize",
        Value(|o, v| {
            o.largest = Some(number(v)?);
            Ok(())
        }),
    ),
    (' ', "max-redirs", Value(redirects)),
    (' ', "negotiate", Refused(NO_AUTHENTICATION)),
    (' ', "netrc-file", RefusedValue(ABSENT)),
    (' ', "no-keepalive", Accepted),
    (' ', "no-progress-meter", Accepted),
    (' ', "noproxy", AcceptedValue),
    (' ', "ntlm", Refused(NO_AUTHENTICATION)),
    (' ', "oauth2-bearer", Value(|o, v| put(&mut o.bearer, text(v)))),
    (' ', "output-dir", Value(|o, v| put(&mut o.folder, text(v)))),
    (' ', "parallel-max", AcceptedValue),
    (' ', "path-as-is", Refused(ABSENT)),
    (' ', "post301", Switch(|o, on| o.keeps_post[0] = on)),
    (' ', "post302", Switch(|o, on| o.keeps_post[1] = on)),
    (' ', "post303", Switch(|o, on| o.keeps_post[2] = on)),
    (' ', "preproxy", RefusedValue(NO_PROXY)),
    (' ', "proto", Value(|o, v| put(&mut o.protocols, protocols(&text(v))))),
    (' ', "proto-default", AcceptedValue),
    (' ', "proto-redir", Value(|o, v| put(&mut o.redirect_protocols, protocols(&text(v))))),
    (' ', "remote-name-all", Switch(|o, on| o.names_all = on)),
    (' ', "resolve", RefusedValue(NO_NAMES)),
    (
        ' ',
        "retry",
        Value(|o, v| {
            o.retry.times = u32::try_from(number(v)?).unwrap_or(u32::MAX);
            Ok(())
        }),
    ),
    (' ', "retry-all-errors", Switch(|o, on| o.retry.all_errors = on)),
    (' ', "retry-connrefused", Switch(|o, on| o.retry.refused = on)),
    (
        ' ',
        "retry-delay",
        Value(|o, v| {
            o.retry.delay = seconds(v)?;
            Ok(())
        }),
    ),
    (
        ' ',
        "retry-max-time",
        Value(|o, v| {
            o.retry.most = seconds(v)?;
            Ok(())
        }),
    ),
    (' ', "socks5", RefusedValue(NO_PROXY)),
    (' ', "socks5-hostname", RefusedValue(NO_PROXY)),
    (' ', "ssl-reqd", Accepted),
    (' ', "stderr", RefusedValue(ABSENT)),
    (' ', "tcp-nodelay", Accepted),
    (' ', "tls-max", RefusedValue(NO_CHOICE_OF_TLS)),
    (' ', "tlsv1", Accepted),
    (' ', "tlsv1.0", Accepted),
    (' ', "tlsv1.1", Accepted),
    (' ', "tlsv1.2", Accepted),
    (' ', "tlsv1.3", Refused(NO_CHOICE_OF_TLS)),
    (' ', "trace", RefusedValue(ABSENT)),
    (' ', "trace-ascii", RefusedValue(ABSENT)),
    (' ', "unix-socket", RefusedValue(ABSENT)),
    (' ', "url", Value(|o, v| push(&mut o.urls, text(v)))),
];

/// Stand for options without letters, in the order of the table.
const LETTERLESS: u32 = 0xE000;
/// Stand for what is switched off.
const OFF: u32 = 0xF000;

fn text(value: Vec<u8>) -> String {
    String::from_utf8(value).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn put<T>(place: &mut Option<T>, value: T) -> Result<(), Failure> {
    *place = Some(value);
    Ok(())
}

fn push<T>(list: &mut Vec<T>, value: T) -> Result<(), Failure> {
    list.push(value);
    Ok(())
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::new(failure::USAGE, message)
}

fn number(value: Vec<u8>) -> Result<u64, Failure> {
    text(value).parse().map_err(|_| wrong("expected a proper numerical parameter"))
}

/// Seconds, with fractions; none are no limit.
fn seconds(value: Vec<u8>) -> Result<Option<Duration>, Failure> {
    let seconds: f64 = text(value).parse().map_err(|_| wrong("expected a proper numerical parameter"))?;
    let parsed =
        Duration::try_from_secs_f64(seconds).map_err(|_| wrong("expected a positive numerical parameter"))?;
    Ok((!parsed.is_zero()).then_some(parsed))
}

fn redirects(options: &mut Options, value: Vec<u8>) -> Result<(), Failure> {
    let text = text(value);
    options.redirects = match text.as_str() {
        "-1" => Some(u64::MAX),
        other => Some(number(other.into())?),
    };
    Ok(())
}

/// The contents of a file, or of standard input.
fn read(name: &str) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = match name {
        "-" => std::io::stdin().read_to_end(&mut bytes).map(drop),
        name => std::fs::read(name).map(|read| bytes = read),
    };
    read.map_err(|error| {
        Failure::new(failure::READ, format!("Failed to open {name}: {}", failure::reason(&error)))
    })?;
    Ok(bytes)
}

fn header(options: &mut Options, value: Vec<u8>) -> Result<(), Failure> {
    match value.strip_prefix(b"@") {
        None => options.headers.push(value),
        Some(file) => {
            let lines = read(&String::from_utf8_lossy(file))?;
            let lines = lines.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end().to_vec());
            options.headers.extend(lines.filter(|line| !line.is_empty()));
        }
    }
    Ok(())
}

fn cookie(options: &mut Options, value: Vec<u8>) -> Result<(), Failure> {
    let value = text(value);
    match value.contains('=') {
        true => options.cookies.push(value),
        false => options.cookie_files.push(value),
    }
    Ok(())
}

fn referer(options: &mut Options, value: Vec<u8>) -> Result<(), Failure> {
    let value = text(value);
    let named = match value.strip_suffix(";auto") {
        Some(named) => {
            options.refers = true;
            named
        }
        None => &value,
    };
    options.referer = (!named.is_empty()).then(|| named.into());
    Ok(())
}

fn add(options: &mut Options, piece: Piece) {
    if !options.data.is_empty() && !options.is_json {
        options.data.push(Piece::Bytes(b"&".to_vec()));
    }
    options.data.push(piece);
    options.has_data = true;
}

/// `@` names a file, of which `strips` leaves out the ends of lines.
fn data(options: &mut Options, value: Vec<u8>, knows_files: bool, strips: bool) -> Result<(), Failure> {
    let piece = match value.strip_prefix(b"@").filter(|_| knows_files) {
        None => Piece::Bytes(value),
        Some(name) => {
            let name = String::from_utf8_lossy(name).into_owned();
            match strips || name == "-" {
                // Its length is told before it is sent.
                true => {
                    let mut bytes = read(&name)?;
                    if strips {
                        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
                    }
                    Piece::Bytes(bytes)
                }
                false => Piece::open(&name).map_err(|error| {
                    Failure::new(failure::READ, format!("Failed to open {name}: {}", failure::reason(&error)))
                })?,
            }
        }
    };
    add(options, piece);
    Ok(())
}

fn data_encoded(options: &mut Options, value: Vec<u8>) -> Result<(), Failure> {
    let at = value.iter().position(|byte| matches!(byte, b'=' | b'@'));
    let (name, content) = match at {
        None => (Vec::new(), value),
        Some(at) if value[at] == b'=' => (value[..at].to_vec(), value[at + 1..].to_vec()),
        Some(at) => (value[..at].to_vec(), read(&String::from_utf8_lossy(&value[at + 1..]))?),
    };
    let mut encoded = name;
    if !encoded.is_empty() {
        encoded.push(b'=');
    }
    encoded.extend(super::encoded(&content).replace("%20", "+").bytes());
    add(options, Piece::Bytes(encoded));
    Ok(())
}

fn json(options: &mut Options, value: Vec<u8>) -> Result<(), Failure> {
    options.is_json = true;
    data(options, value, true, false)
}

fn write_out(options: &mut Options, value: Vec<u8>) -> Result<(), Failure> {
    let value = text(value);
    options.write_out = Some(match value.strip_prefix('@') {
        Some(name) => text(read(name)?),
        None => value,
    });
    Ok(())
}

/// curl's lists of protocols: `=` alone, `+` besides, `-` not.
fn protocols(list: &str) -> Vec<String> {
    let all = || vec!["http".to_owned(), "https".to_owned()];
    let mut known = all();
    for word in list.split(',') {
        let (sign, name) = match word.chars().next() {
            Some(sign @ ('=' | '+' | '-')) => (sign, &word[1..]),
            _ => ('+', word),
        };
        let named: Vec<String> = match name {
            "all" => all(),
            name => all().into_iter().filter(|known| known == name).collect(),
        };
        match sign {
            '=' => known = named,
            '-' => known.retain(|known| !named.contains(known)),
            _ => known.extend(named),
        }
    }
    known
}

impl Options {
    /// Reads the arguments, without the program's own name.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Options, Failure> {
        let mut options = Options::default();
        let letter = |at: usize, offset: u32| char::from_u32(offset + at as u32).unwrap_or('?');
        let of = |at: usize| match TABLE[at].0 {
            ' ' => letter(at, LETTERLESS),
            short => short,
        };
        let takes = |does: &Does| match does {
            Switch(_) | Accepted | Refused(_) => Takes::Nothing,
            Value(_) | AcceptedValue | RefusedValue(_) => Takes::Value,
        };
        let shorts: Vec<(char, Takes)> = TABLE
            .iter()
            .filter(|(short, ..)| *short != ' ')
            .map(|(short, _, does)| (*short, takes(does)))
            .collect();
        let mut longs: Vec<Long> = Vec::new();
        for (at, (_, name, does)) in TABLE.iter().enumerate() {
            longs.push(((*name).to_owned(), takes(does), of(at)));
            if matches!(does, Switch(_) | Accepted) && !name.starts_with("no-") {
                longs.push((format!("no-{name}"), Takes::Nothing, letter(at, OFF)));
            }
        }
        for item in Parser::new(&shorts, &longs, words) {
            match item.map_err(|error| wrong(complaint(&error)))? {
                Item::Operand(url) => options.urls.push(text(url.into_encoded_bytes())),
                Item::Option { letter: found, value, .. } => {
                    let (at, on) = match u32::from(found).checked_sub(OFF) {
                        Some(at) => (at as usize, false),
                        None => {
                            (TABLE.iter().enumerate().position(|(at, _)| of(at) == found).unwrap_or(0), true)
                        }
                    };
                    let (short, name, does) = &TABLE[at];
                    let value = value.unwrap_or_default().into_encoded_bytes();
                    let shown =
                        if *short == ' ' { format!("--{name}") } else { format!("-{short}, --{name}") };
                    match does {
                        Switch(does) => does(&mut options, on),
                        Value(does) => does(&mut options, value).map_err(|failure| match failure.code {
                            failure::USAGE => wrong(format!("option {shown}: {}", failure.message)),
                            _ => failure,
                        })?,
                        Accepted | AcceptedValue => {}
                        Refused(why) | RefusedValue(why) => {
                            return Err(Failure::new(failure::NOT_THERE, format!("option {shown}: {why}")));
                        }
                    }
                }
            }
        }
        Ok(options)
    }
}

/// In curl's words.
fn complaint(error: &str) -> String {
    let quoted = error.split('\'').nth(1).unwrap_or_default();
    let option = if quoted.starts_with('-') { quoted.to_owned() } else { format!("-{quoted}") };
    if error.contains("ambiguous") {
        format!("option {option}: is ambiguous")
    } else if error.contains("requires an argument") {
        format!("option {option}: requires parameter")
    } else {
        format!("option {option}: is unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Options, Failure> {
        Options::parse(words.iter().map(OsString::from))
    }

    fn data(options: &Options) -> Vec<u8> {
        let bytes = options.data.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.clone(),
            other => panic!("{other:?}"),
        });
        bytes.collect::<Vec<_>>().concat()
    }

    #[test]
    fn options_are_read_as_by_curl() {
        let options =
            parsed(&["-sSLo", "file", "--max-redirs", "3", "http://a/", "-d", "a=1", "-da b", "--url", "b"])
                .unwrap();
        assert!(options.is_silent && options.shows_errors && options.follows);
        assert_eq!(
            (options.urls.as_slice(), options.redirects),
            (&["http://a/".to_owned(), "b".to_owned()][..], Some(3))
        );
        assert_eq!(data(&options), b"a=1&a b");
        let options =
            parsed(&["--no-location", "--data-urlencode", "x=a b&c", "--data-urlencode", "\u{e9}~"]).unwrap();
        assert!(!options.follows);
        assert_eq!(data(&options), b"x=a+b%26c&%C3%A9~");
        assert_eq!(data(&parsed(&["--json", "{", "--json", "}"]).unwrap()), b"{}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        for (words, code, text) in [
            (&["--nonesuch"][..], 2, "option --nonesuch: is unknown"),
            (&["-o"], 2, "option -o: requires parameter"),
            (&["-m", "x"], 2, "option -m, --max-time: expected a proper numerical parameter"),
            (&["-x", "p"], 4, "option -x, --proxy: a VM has no proxies"),
            (&["--resolve", "a"], 4, "option --resolve: what a name stands for"),
        ] {
            let failure = parsed(words).unwrap_err();
            assert_eq!(failure.code, code);
            assert!(failure.message.starts_with(text), "{}", failure.message);
        }
    }

    #[test]
    fn lists_of_protocols() {
        assert_eq!(protocols("=https"), ["https"]);
        assert_eq!(protocols("-all,https"), ["https"]);
        assert_eq!(protocols("-http"), ["https"]);
        assert!(protocols("=ftp").is_empty());
    }

    #[test]
    fn names_and_letters_are_told_apart() {
        for (at, (short, name, _)) in TABLE.iter().enumerate() {
            let others = &TABLE[at + 1..];
            assert!(!others.iter().any(|(other, ..)| *short != ' ' && other == short), "{short}");
            assert!(!others.iter().any(|(_, other, _)| other == name), "{name}");
        }
    }
}
