//! Secrets of a VM: put into requests to the hosts that get them, in place of what the guest has; and taken out of the heads of
//! answers. A request that carries a placeholder to anybody else, or where it may not stand, is refused.
//!
//! What a host that gets a secret does with it, the bodies of its answers among that, is that host's affair.

use std::borrow::Cow;

use data_encoding::BASE64;
use http::header::{AUTHORIZATION, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use protocol::config::SecretPlace;
use protocol::network::Placeholder;
use protocol::policy::Host;

/// What is left as it is in the value of a query's parameter (RFC 3986, 2.3).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secrets of one VM, for one connection.
pub(crate) struct Secrets(Vec<Placeholder>);

/// A request's parts that a secret can stand in.
pub(crate) struct Parts<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a mut Uri,
    pub(crate) headers: &'a mut HeaderMap,
    /// Whom it goes to.
    pub(crate) host: &'a Host,
    /// Whether nobody between can read it.
    pub(crate) is_private: bool,
}

impl Secrets {
    pub(crate) fn new(secrets: Vec<Placeholder>) -> Secrets {
        Secrets(secrets)
    }

    /// Puts secrets into a request.
    ///
    /// # Errors
    /// It has a placeholder that it may not have, and why.
    pub(crate) fn put(&self, parts: &mut Parts<'_>) -> Result<(), String> {
        for (index, secret) in self.0.iter().enumerate() {
            let found = find(parts, &secret.text);
            if found.is_empty() {
                continue;
            }
            let refused = |why: &str| Err(format!("network.secrets[{index}] {why}"));
            let value = match &secret.value {
                Some(value) if secret.hosts.iter().any(|host| host.fits(parts.host)) => value.0.as_str(),
                _ => return refused(&format!("is not for {}", parts.host)),
            };
            if !parts.is_private {
                return refused("is for requests over TLS, and this one could be read on its way");
            }
            if *parts.method == Method::TRACE {
                return refused("is not for TRACE, which shows a request to whoever sends it");
            }
            for place in found {
                let allowed = place.kind().is_some_and(|kind| secret.places.contains(&kind));
                if !allowed {
                    return refused(&format!("may not stand in {}", place.words()));
                }
                place.put(parts, &secret.text, value).ok_or_else(|| {
                    format!("network.secrets[{index}] cannot be put into {}", place.words())
                })?;
            }
        }
        Ok(())
    }

    /// Takes secrets out of the head of an answer: a redirect repeats the query, for one.
    pub(crate) fn take_out(&self, headers: &mut HeaderMap) {
        for secret in &self.0 {
            let Some(value) = &secret.value else { continue };
            let encoded = utf8_percent_encode(&value.0, QUERY).to_string();
            for field in headers.values_mut() {
                for shown in [value.0.as_str(), &encoded] {
                    if contains(field.as_bytes(), shown)
                        && let Ok(hidden) =
                            HeaderValue::from_bytes(&replace(field.as_bytes(), shown, &secret.text))
                    {
                        *field = hidden;
                    }
                }
            }
        }
    }
}

/// Where a placeholder stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Path,
    Query,
    Header(HeaderName),
    Basic,
}

impl Place {
    fn kind(&self) -> Option<SecretPlace> {
        match self {
            Place::Path => None,
            Place::Query => Some(SecretPlace::Query),
            Place::Header(name) if *name == HOST => None,
            Place::Header(_) => Some(SecretPlace::Header),
            Place::Basic => Some(SecretPlace::Basic),
        }
    }

    fn words(&self) -> String {
        match self {
            Place::Path => "the path".to_owned(),
            Place::Query => "the query (\"in\": [\"query\"])".to_owned(),
            Place::Header(name) => format!("the header {name} (\"in\": [\"header\"])"),
            Place::Basic => "basic authentication (\"in\": [\"basic\"])".to_owned(),
        }
    }

    fn put(&self, parts: &mut Parts<'_>, placeholder: &str, value: &str) -> Option<()> {
        match self {
            Place::Path => None,
            Place::Query => {
                let encoded = utf8_percent_encode(value, QUERY).to_string();
                let target = parts.uri.path_and_query()?;
                let query = target.query()?.replace(placeholder, &encoded);
                let mut changed = std::mem::take(parts.uri).into_parts();
                let path = changed.path_and_query.as_ref().map_or("/", PathAndQuery::path).to_owned();
                changed.path_and_query = Some(PathAndQuery::try_from(format!("{path}?{query}")).ok()?);
                *parts.uri = Uri::from_parts(changed).ok()?;
                Some(())
            }
            Place::Header(name) => each(parts.headers, name, |field| {
                Some(replace(field, placeholder, value)).filter(|_| contains(field, placeholder))
            }),
            Place::Basic => each(parts.headers, &AUTHORIZATION, |field| {
                let (scheme, credentials) = basic(field)?;
                let credentials = replace(&credentials, placeholder, value);
                Some(format!("{scheme} {}", BASE64.encode(&credentials)).into_bytes())
            }),
        }
    }
}

/// Changes the fields of a name for which there is another value.
fn each(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Option<()> {
    let http::header::Entry::Occupied(mut fields) = headers.entry(name) else { return None };
    for field in fields.iter_mut() {
        if let Some(changed) = change(field.as_bytes()) {
            let mut value = HeaderValue::from_bytes(&changed).ok()?;
            value.set_sensitive(true);
            *field = value;
        }
    }
    Some(())
}

/// Where a placeholder stands in a request, whichever way that is written.
fn find(parts: &Parts<'_>, placeholder: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let shows = |text: &str| {
        text.contains(placeholder) || contains(&Cow::<[u8]>::from(percent_decode_str(text)), placeholder)
    };
    if shows(parts.uri.path()) {
        places.push(Place::Path);
    }
    if parts.uri.query().is_some_and(shows) {
        places.push(Place::Query);
    }
    for name in parts.headers.keys() {
        if parts.headers.get_all(name).iter().any(|field| contains(field.as_bytes(), placeholder)) {
            places.push(Place::Header(name.clone()));
        }
    }
    let credentials = parts.headers.get_all(AUTHORIZATION).iter().filter_map(|field| basic(field.as_bytes()));
    if credentials.into_iter().any(|(_, credentials)| contains(&credentials, placeholder)) {
        places.push(Place::Basic);
    }
    places
}

/// The scheme as it is written and the credentials of basic authentication.
fn basic(field: &[u8]) -> Option<(&str, Vec<u8>)> {
    let (scheme, credentials) = std::str::from_utf8(field).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    Some((scheme, BASE64.decode(credentials.trim().as_bytes()).ok()?))
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

fn replace(bytes: &[u8], text: &str, with: &str) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, text.as_bytes()) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(with.as_bytes());
        rest = &rest[at + text.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use protocol::config::SecretValue;
    use protocol::policy::HostPattern;

    use super::*;

    const HERE: &str = "cordon-secret-TOKEN-0011";
    const VALUE: &str = "pa ss/wo+rd";

    fn secrets(places: &[SecretPlace]) -> Secrets {
        Secrets::new(vec![Placeholder {
            text: HERE.to_owned(),
            value: Some(SecretValue(VALUE.to_owned())),
            hosts: vec![HostPattern::parse("*.example.org").unwrap()],
            places: places.to_vec(),
        }])
    }

    struct Sent {
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        host: Host,
        is_private: bool,
    }

    fn sent(target: &str, field: Option<(&'static str, String)>) -> Sent {
        let mut headers = HeaderMap::new();
        headers.extend(field.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())));
        let host = Host::parse("api.example.org").unwrap();
        Sent { method: Method::GET, uri: target.parse().unwrap(), headers, host, is_private: true }
    }

    fn put(secrets: &Secrets, sent: &mut Sent) -> Result<(), String> {
        secrets.put(&mut Parts {
            method: &sent.method,
            uri: &mut sent.uri,
            headers: &mut sent.headers,
            host: &sent.host,
            is_private: sent.is_private,
        })
    }

    const ALL: [SecretPlace; 3] = [SecretPlace::Header, SecretPlace::Query, SecretPlace::Basic];

    #[test]
    fn it_is_put_where_it_may_stand() {
        let all = secrets(&ALL);
        let mut one = sent("/a", Some(("authorization", format!("Bearer {HERE}"))));
        put(&all, &mut one).unwrap();
        assert_eq!(one.headers[AUTHORIZATION], format!("Bearer {VALUE}"));
        assert!(one.headers[AUTHORIZATION].is_sensitive());

        let mut one = sent(&format!("/a?b=1&key={HERE}&c={HERE}"), None);
        put(&all, &mut one).unwrap();
        assert_eq!(one.uri, "/a?b=1&key=pa%20ss%2Fwo%2Brd&c=pa%20ss%2Fwo%2Brd");

        let credentials = BASE64.encode(format!("user:{HERE}").as_bytes());
        let mut one = sent("/", Some(("authorization", format!("basic {credentials}"))));
        put(&all, &mut one).unwrap();
        let expected = BASE64.encode(format!("user:{VALUE}").as_bytes());
        assert_eq!(one.headers[AUTHORIZATION], format!("basic {expected}"));

        let mut one = sent("/a?b", Some(("x-own", "1".to_owned())));
        put(&all, &mut one).unwrap();
        assert_eq!((one.uri.to_string(), &one.headers["x-own"]), ("/a?b".to_owned(), &"1".parse().unwrap()));
    }

    #[test]
    fn it_goes_nowhere_else() {
        let header = || Some(("x-key", HERE.to_owned()));
        let refused = |secrets: &Secrets, mut sent: Sent, why: &str| {
            let message = put(secrets, &mut sent).unwrap_err();
            assert!(message.contains(why), "{message}");
            let everything = format!("{} {:?} {message}", sent.uri, sent.headers);
            assert!(!everything.contains(VALUE), "{everything}");
        };
        let all = secrets(&ALL);
        let host = Host::parse("example.org.evil.test").unwrap();
        refused(&all, Sent { host, ..sent("/", header()) }, "is not for example.org.evil.test");
        refused(&all, Sent { is_private: false, ..sent("/", header()) }, "over TLS");
        refused(&all, Sent { method: Method::TRACE, ..sent("/", header()) }, "TRACE");
        refused(&all, sent(&format!("/{HERE}/a"), None), "the path");
        // However it is spelled.
        let odd = HERE.replace('-', "%2d").replace('T', "%54");
        refused(&all, sent(&format!("/{odd}"), None), "the path");
        refused(&secrets(&[SecretPlace::Header]), sent(&format!("/?a={odd}"), None), "the query");
        refused(&secrets(&[SecretPlace::Query]), sent("/", header()), "the header x-key");
        let credentials = BASE64.encode(format!("{HERE}:").as_bytes());
        let basic = Some(("authorization", format!("Basic {credentials}")));
        refused(&secrets(&[SecretPlace::Header]), sent("/", basic), "basic authentication");
        let mut nobody = secrets(&ALL);
        nobody.0[0].value = None;
        refused(&nobody, sent("/", header()), "is not for");
        refused(&all, sent("/", Some(("host", HERE.to_owned()))), "the header host");
    }

    #[test]
    fn heads_of_answers_do_not_show_it() {
        let mut headers = HeaderMap::new();
        headers.insert("location", "/b?key=pa%20ss%2Fwo%2Brd".parse().unwrap());
        headers.insert("x-echo", format!("<{VALUE}> <{VALUE}>").parse().unwrap());
        secrets(&ALL).take_out(&mut headers);
        assert_eq!(headers["location"], format!("/b?key={HERE}"));
        assert_eq!(headers["x-echo"], format!("<{HERE}> <{HERE}>"));
    }
}
