//! What is told of a transfer: `-w`.

use std::time::Duration;

use ureq_proto::http::{HeaderMap, Version};

use crate::connection::Clock;
use crate::failure::Failure;

/// What is known of a transfer once it is over.
#[derive(Default)]
pub struct Report {
    pub status: u16,
    pub version: Option<Version>,
    pub headers: HeaderMap,
    pub method: String,
    pub given: String,
    pub url: String,
    pub scheme: String,
    pub redirects: u64,
    pub leads_to: String,
    pub connects: u64,
    pub local: String,
    pub peer: String,
    pub file: String,
    pub received: u64,
    pub sent: u64,
    pub head_bytes: u64,
    pub asked_bytes: u64,
    pub number: usize,
    pub failure: Option<Failure>,
    pub elapsed: Duration,
    pub clock: Option<Clock>,
}

/// The host and the port of an end.
fn ends(end: &str) -> (String, String) {
    let (host, port) = end.rsplit_once(':').unwrap_or_default();
    (host.trim_matches(['[', ']']).to_owned(), port.to_owned())
}

impl Report {
    fn variable(&self, name: &str) -> Option<String> {
        let header = |name: &str| {
            let value = self.headers.get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
        };
        let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
        let times = self.clock.as_ref().map(|clock| clock.times).unwrap_or_default();
        let speed = |bytes: u64| match self.elapsed.as_secs_f64() {
            0.0 => "0".to_owned(),
            seconds => format!("{:.0}", bytes as f64 / seconds),
        };
        Some(match name {
            "http_code" | "response_code" => format!("{:03}", self.status),
            "http_connect" => "000".to_owned(),
            "http_version" => match self.version {
                None => "0".to_owned(),
                Some(Version::HTTP_10) => "1.0".to_owned(),
                Some(_) => "1.1".to_owned(),
            },
            "content_type" => header("content-type"),
            "method" => self.method.clone(),
            "url" => self.given.clone(),
            "url_effective" => self.url.clone(),
            "urlnum" => self.number.to_string(),
            "scheme" => self.scheme.to_uppercase(),
            "num_redirects" => self.redirects.to_string(),
            "num_connects" => self.connects.to_string(),
            "num_headers" => self.headers.len().to_string(),
            "redirect_url" => self.leads_to.clone(),
            "filename_effective" => self.file.clone(),
            "local_ip" => ends(&self.local).0,
            "local_port" => ends(&self.local).1,
            "remote_ip" => ends(&self.peer).0,
            "remote_port" => ends(&self.peer).1,
            "size_download" => self.received.to_string(),
            "size_upload" => self.sent.to_string(),
            "size_header" => self.head_bytes.to_string(),
            "size_request" => self.asked_bytes.to_string(),
            "speed_download" => speed(self.received),
            "speed_upload" => speed(self.sent),
            "ssl_verify_result" | "proxy_ssl_verify_result" => "0".to_owned(),
            "exitcode" => self.failure.as_ref().map_or(0, |failure| failure.code).to_string(),
            "errormsg" => self.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default(),
            "time_total" => seconds(self.elapsed),
            "time_namelookup" => seconds(times.looked_up),
            "time_connect" => seconds(times.connected),
            "time_appconnect" => seconds(times.tls),
            "time_pretransfer" => seconds(times.connected.max(times.tls)),
            "time_starttransfer" => seconds(times.answered),
            "time_redirect" => seconds(times.redirects),
            _ => return None,
        })
    }

    /// What a format says of it: for standard output, and for standard error.
    pub fn told(&self, format: &str) -> (String, String) {
        let mut told = [String::new(), String::new()];
        let mut at = 0;
        let mut rest = format;
        while let Some(first) = rest.chars().next() {
            rest = &rest[first.len_utf8()..];
            match first {
                '\\' => {
                    let next = rest.chars().next();
                    rest = &rest[next.map_or(0, char::len_utf8)..];
                    match next {
                        Some('n') => told[at].push('\n'),
                        Some('r') => told[at].push('\r'),
                        Some('t') => told[at].push('\t'),
                        Some(other) => told[at].extend(['\\', other]),
                        None => told[at].push('\\'),
                    }
                }
                '%' if rest.starts_with('%') => {
                    rest = &rest[1..];
                    told[at].push('%');
                }
                '%' if rest.starts_with('{') && rest.contains('}') => {
                    let end = rest.find('}').unwrap_or(0);
                    let name = &rest[1..end];
                    rest = &rest[end + 1..];
                    match name {
                        "stdout" => at = 0,
                        "stderr" => at = 1,
                        "onerror" if self.failure.is_none() => break,
                        "onerror" => {}
                        name => match self.variable(name) {
                            Some(value) => told[at].push_str(&value),
                            None => cordon_multicall::say(
                                &mut std::io::stderr(),
                                &format!("curl: unknown --write-out variable: '{name}'"),
                            ),
                        },
                    }
                }
                '%' if rest.starts_with("header{") && rest.contains('}') => {
                    let end = rest.find('}').unwrap_or(0);
                    let value = self.headers.get(rest["header{".len()..end].trim());
                    rest = &rest[end + 1..];
                    if let Some(value) = value {
                        told[at].push_str(&String::from_utf8_lossy(value.as_bytes()));
                    }
                }
                other => told[at].push(other),
            }
        }
        let [out, error] = told;
        (out, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_as_curl_has_them() {
        let mut report =
            Report { status: 200, received: 5, peer: "[::1]:80".to_owned(), ..Report::default() };
        report.headers.insert("x-a", "b".parse().unwrap());
        let told = |format: &str| report.told(format);
        assert_eq!(told("%{http_code} %{size_download}\\n%%").0, "200 5\n%");
        assert_eq!(told("%{remote_ip}|%{remote_port}|%header{X-A}|%header{none}").0, "::1|80|b|");
        assert_eq!(told("a%{stderr}b%{stdout}c"), ("ac".to_owned(), "b".to_owned()));
        assert_eq!(told("%{onerror}x").0, "");
        assert_eq!(told("100% %{open %header{").0, "100% %{open %header{");
        assert_eq!(told("\\q\\").0, "\\q\\");
    }
}
