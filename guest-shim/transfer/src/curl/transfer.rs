//! One transfer: a request, those that its answers lead to, and it all again where that may help.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cordon_multicall::say;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use ureq_proto::http::{HeaderMap, Method, Uri, Version, header};
use url::Url;

use super::destination::Unpacked;
use super::request::{self, Circumstances, Message};
use super::{Destination, Opening, Options, Output, Report};
use crate::body::Body;
use crate::connection::{Clock, Connection, Place, Ways};
use crate::cookies::Jar;
use crate::exchange::{Answer, Asked, Head, Watch, exchange};
use crate::failure::{self, Failure};

/// Answers that are followed, as by curl.
const REDIRECTS_MAX: u64 = 50;
/// Bytes of an answer that leads elsewhere, which are read for the sake of its connection.
const IGNORED_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of a body that are moved at once.
const CHUNK: usize = 64 * 1024;
/// The longest that is waited before it is tried again.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// What to do.
pub(crate) struct Job {
    pub url: String,
    pub output: Option<Output>,
    pub upload: Option<String>,
    pub number: usize,
}

/// What stays between transfers.
pub(crate) struct Client<'a> {
    options: &'a Options,
    ways: Ways,
    jar: Jar,
    has_jar: bool,
    idle: Option<Connection>,
    heads: Option<Destination>,
}

impl<'a> Client<'a> {
    pub fn new(options: &'a Options) -> Result<Client<'a>, Failure> {
        let mut ways = options.ways.clone();
        if let Some(name) = &options.authorities {
            let failed =
                || Failure::new(failure::AUTHORITIES, format!("error setting certificate file: {name}"));
            let read = std::fs::read(name).map_err(|_| failed())?;
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read).collect();
            ways.authorities = all.map_err(|_| failed())?.iter().map(|one| one.to_vec()).collect();
            if ways.authorities.is_empty() {
                return Err(failed());
            }
        }
        let mut jar = Jar::default();
        for name in options.cookie_files.iter().filter(|name| !name.is_empty()) {
            jar.load(name, !options.junks_sessions);
        }
        let has_jar = !options.cookie_files.is_empty() || options.cookie_jar.is_some();
        let heads = options.head_file.as_deref().map(|name| named(name, options, Opening::default()));
        Ok(Client { options, ways, jar, has_jar, idle: None, heads })
    }

    /// Writes the cookies down.
    pub fn finish(&self) -> Result<(), Failure> {
        let Some(name) = &self.options.cookie_jar else { return Ok(()) };
        self.jar.save(name).map_err(|error| {
            Failure::new(
                failure::WRITE,
                format!("failed to save cookies in {name}: {}", failure::reason(&error)),
            )
        })
    }

    fn note(&self, text: &str) {
        if self.options.is_verbose {
            say(&mut io::stderr(), &format!("* {text}"));
        }
    }

    /// Does a job, and tells what came of it.
    pub fn run(&mut self, job: &Job) -> Report {
        let mut report =
            Report { given: job.url.clone(), url: job.url.clone(), number: job.number, ..Report::default() };
        let begun = Instant::now();
        let outcome = self.prepare(job).and_then(|(url, mut destination, from)| {
            report.url = url.to_string();
            let mut tried = 0;
            loop {
                let outcome = self.attempt(job, &url, &mut destination, from, &mut report);
                let Some(wait) = self.again(&outcome, &report, tried, begun.elapsed()) else {
                    return outcome;
                };
                tried += 1;
                if let Some(ended) = destination.restart().map_err(Failure::writing).err() {
                    return Err(ended);
                }
                std::thread::sleep(wait);
            }
        });
        report.elapsed = report.clock.as_ref().map_or_else(|| begun.elapsed(), Clock::elapsed);
        report.failure = outcome.err();
        report
    }

    /// How long to wait before it is tried again, if that is wanted.
    fn again(
        &self,
        outcome: &Result<(), Failure>,
        report: &Report,
        tried: u32,
        elapsed: Duration,
    ) -> Option<Duration> {
        let retry = &self.options.retry;
        if tried >= retry.times {
            return None;
        }
        let passes = matches!(report.status, 408 | 429 | 500 | 502 | 503 | 504);
        let why = match outcome {
            Err(failure) if failure.code == failure::TIME => "timeout",
            Err(failure) if failure.code == failure::CONNECT && retry.refused => "connection refused",
            Ok(()) if passes => "HTTP error",
            Err(failure) if failure.code == failure::STATUS && passes => "HTTP error",
            Err(_) if retry.all_errors => "(retrying all errors)",
            _ => return None,
        };
        let asked =
            report.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = retry
            .delay
            .or(asked.map(Duration::from_secs))
            .unwrap_or_else(|| Duration::from_secs(1 << tried.min(10)))
            .min(WAIT_MAX);
        if retry.most.is_some_and(|most| elapsed + wait > most) {
            return None;
        }
        if !self.options.is_silent {
            let left = retry.times - tried;
            let text = format!(
                "Warning: Problem : {why}. Will retry in {} seconds. {left} retries left.",
                wait.as_secs()
            );
            say(&mut io::stderr(), &text);
        }
        Some(wait)
    }

    /// Where it goes, where what comes goes, and how much of that is there already.
    fn prepare(&self, job: &Job) -> Result<(Url, Destination, u64), Failure> {
        let options = self.options;
        let mut url = parse(&job.url, options)?;
        allowed(&url, options.protocols.as_ref())?;
        if let (Some(name), true) = (&job.upload, url.path().ends_with('/'))
            && let Some(base) = PathBuf::from(name).file_name()
        {
            url.set_path(&format!("{}{}", url.path(), super::encoded(base.as_encoded_bytes())));
        }
        if options.in_query && options.has_data {
            let mut query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
            let body = Body { pieces: options.data.clone() };
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut Pieces(body.read()), &mut bytes)
                .map_err(|error| Failure::new(failure::READ, error.to_string()))?;
            query.push_str(&String::from_utf8_lossy(&bytes));
            url.set_query(Some(&query));
        }
        let opening = Opening { makes_folders: options.makes_folders, ..Opening::default() };
        let destination = match &job.output {
            None => Destination::stdout(),
            Some(Output::Named(name)) => named(name, options, opening.clone()),
            Some(Output::Remote) => {
                let name = url.path().rsplit('/').next().unwrap_or_default();
                if name.is_empty() {
                    return Err(Failure::new(failure::WRITE, "Remote file name has no length!"));
                }
                named(name, options, opening.clone())
            }
        };
        let from = match options.resume.as_deref() {
            None => 0,
            Some("-") => {
                destination.path().and_then(|path| Some(std::fs::metadata(path).ok()?.len())).unwrap_or(0)
            }
            Some(number) => {
                number.parse().map_err(|_| Failure::new(failure::USAGE, "-C takes a number, or -"))?
            }
        };
        let destination = match (destination.path().map(PathBuf::from), from) {
            (Some(path), 1..) => Destination::file(path, Opening { appends: true, ..opening }),
            _ => destination,
        };
        Ok((url, destination, from))
    }

    /// The whole of it, once.
    fn attempt(
        &mut self,
        job: &Job,
        url: &Url,
        destination: &mut Destination,
        from: u64,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let options = self.options;
        *report =
            Report { given: job.url.clone(), url: url.to_string(), number: job.number, ..Report::default() };
        let mut message = Message::new(options, job.upload.as_deref())?;
        let clock = Clock::start(options.most, options.connect);
        report.clock = Some(clock);
        let (mut at, mut referer) = (url.clone(), options.referer.clone());
        loop {
            report.url = at.to_string();
            report.scheme = at.scheme().to_owned();
            let is_origin = options.is_trusted || at.origin() == url.origin();
            let range = (from > 0).then(|| format!("{from}-")).or_else(|| options.range.clone());
            let cookies = self.has_jar.then(|| self.jar.value(&at)).flatten();
            let asked = Circumstances { url: &at, is_origin, range, referer: referer.clone(), cookies };
            let headers = request::headers(options, &message, asked);
            let method = options.method.as_deref().unwrap_or(message.method);
            report.method = method.to_owned();
            let asked = Asked {
                method: Method::from_bytes(method.as_bytes())
                    .map_err(|_| Failure::new(failure::USAGE, format!("{method:?} is no method")))?,
                uri: uri(&at)?,
                version: options.version.unwrap_or(Version::HTTP_11),
                headers: &headers,
                body: message.body.as_ref(),
            };
            let (mut connection, head, mut answer) = self.ask(&at, &asked, destination, report)?;
            report.status = head.status.as_u16();
            report.version = Some(head.version);
            report.headers = head.headers;
            if self.has_jar {
                self.jar.set(&report.headers, &at);
            }
            let leads = leads(&report.headers, report.status, &at);
            let Some(to) = leads.as_ref().filter(|_| options.follows) else {
                report.leads_to = leads.map(|to| to.to_string()).unwrap_or_default();
                self.receive(&mut connection, &mut answer, destination, from, report)?;
                if answer.leaves_connection() {
                    self.note(&format!("Connection to host {} left intact", connection.place.host));
                    self.idle = Some(connection);
                }
                return self.verdict(report, options.fails_with_body);
            };
            if report.redirects >= options.redirects.unwrap_or(REDIRECTS_MAX) {
                let most = options.redirects.unwrap_or(REDIRECTS_MAX);
                return Err(Failure::new(failure::REDIRECTS, format!("Maximum ({most}) redirects followed")));
            }
            allowed(to, options.redirect_protocols.as_ref().or(options.protocols.as_ref()))?;
            if let Some(clock) = &report.clock
                && ignore(&mut connection, &mut answer, clock)?
            {
                self.idle = Some(connection);
            }
            self.note(&format!("Issue another request to this URL: '{to}'"));
            message.redirected(report.status, options)?;
            report.redirects += 1;
            if let Some(clock) = &mut report.clock {
                clock.times.redirects = clock.elapsed();
            }
            if options.refers {
                referer = Some(without_user(&at).as_str().into());
            }
            at = to.clone();
        }
    }

    /// Asks over the connection that is there, or a new one.
    fn ask(
        &mut self,
        at: &Url,
        asked: &Asked<'_>,
        destination: &mut Destination,
        report: &mut Report,
    ) -> Result<(Connection, Head, Answer), Failure> {
        let place = place(at)?;
        let idle = self.idle.take().filter(|idle| idle.place == place);
        let mut clock = report.clock.clone().unwrap_or_else(|| Clock::start(None, None));
        let is_verbose = self.options.is_verbose;
        let mut note = |text: &str| {
            if is_verbose {
                say(&mut io::stderr(), &format!("* {text}"));
            }
        };
        let mut is_reused = idle.is_some();
        let mut next = idle;
        loop {
            let mut connection = match next.take() {
                Some(connection) => {
                    note(&format!("Re-using existing connection with host {}", place.host));
                    connection
                }
                None => {
                    let opened = Connection::open(&place, &self.ways, &mut clock, &mut note);
                    report.clock = Some(clock.clone());
                    let opened = opened?;
                    report.connects += 1;
                    opened
                }
            };
            report.local.clone_from(&connection.local);
            report.peer.clone_from(&connection.peer);
            let before = report.head_bytes;
            let mut showing = Showing {
                options: self.options,
                destination: &mut *destination,
                heads: self.heads.as_mut(),
                report: &mut *report,
            };
            let outcome = exchange(&mut connection, asked, &mut clock, &mut showing);
            report.clock = Some(clock.clone());
            match outcome {
                Ok((head, answer)) => return Ok((connection, head, answer)),
                // Whoever was there has ended the connection meanwhile.
                Err(failure)
                    if is_reused
                        && report.head_bytes == before
                        && [failure::EMPTY, failure::SEND, failure::RECEIVE].contains(&failure.code)
                        && asked.body.is_none_or(Body::can_rewind) =>
                {
                    is_reused = false;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn verdict(&self, report: &Report, fails: bool) -> Result<(), Failure> {
        if fails && report.status >= 400 {
            let text = format!("The requested URL returned error: {}", report.status);
            return Err(Failure::new(failure::STATUS, text));
        }
        Ok(())
    }

    /// Takes the body of the last answer to where it goes.
    fn receive(
        &mut self,
        connection: &mut Connection,
        answer: &mut Answer,
        destination: &mut Destination,
        from: u64,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let options = self.options;
        self.verdict(report, options.fails)?;
        if from > 0 && report.status == 416 {
            // All of it is there already.
            return Ok(());
        }
        if from > 0 && report.status == 200 {
            let text = "HTTP server doesn't seem to support byte ranges. Cannot resume.";
            return Err(Failure::new(failure::RANGE, text));
        }
        let length = report.headers.get(header::CONTENT_LENGTH);
        let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let too_large = || Failure::new(failure::TOO_LARGE, "Maximum file size exceeded");
        if options.largest.is_some_and(|largest| length.is_some_and(|length| length > largest)) {
            return Err(too_large());
        }
        if let (true, Some(name)) = (options.name_from_head, disposition(&report.headers)) {
            let path = match &options.folder {
                Some(folder) => PathBuf::from(folder).join(name),
                None => PathBuf::from(name),
            };
            if destination.path().is_some() {
                destination.rename(path);
            }
        }
        let encoding = report.headers.get(header::CONTENT_ENCODING).filter(|_| options.is_compressed);
        let encoding = encoding.and_then(|encoding| encoding.to_str().ok()).unwrap_or_default();
        let mut unpacked = Unpacked::new(encoding)?;
        let mut buffer = vec![0; CHUNK];
        let clock = report.clock.clone().unwrap_or_else(|| Clock::start(None, None));
        loop {
            let length = answer.read(connection, &clock, &mut buffer)?;
            if length == 0 {
                break;
            }
            report.received += length as u64;
            if options.largest.is_some_and(|largest| report.received > largest) {
                return Err(too_large());
            }
            unpacked.write(&buffer[..length], destination)?;
        }
        unpacked.finish(destination)?;
        destination.open()?;
        if let Some(path) = destination.path() {
            report.file = path.display().to_string();
            if options.remote_time {
                keep_time(path, &report.headers);
            }
        }
        Ok(())
    }
}

/// Reads a body that nobody wants. Whether the connection can be used again.
fn ignore(connection: &mut Connection, answer: &mut Answer, clock: &Clock) -> Result<bool, Failure> {
    let mut buffer = vec![0; CHUNK];
    let mut all = 0;
    while all <= IGNORED_BYTES_MAX {
        match answer.read(connection, clock, &mut buffer)? {
            0 => return Ok(answer.leaves_connection()),
            length => all += length as u64,
        }
    }
    Ok(false)
}

/// A body as the standard library reads.
struct Pieces<'a>(crate::body::Reading<'a>);

impl io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.next(buffer).map_err(|failure| io::Error::other(failure.message))
    }
}

/// Shows what goes over the connection, as far as it is asked for.
struct Showing<'a> {
    options: &'a Options,
    destination: &'a mut Destination,
    heads: Option<&'a mut Destination>,
    report: &'a mut Report,
}

fn show(sign: char, head: &[u8]) {
    for line in String::from_utf8_lossy(head).split_terminator("\r\n") {
        say(&mut io::stderr(), &format!("{sign} {line}"));
    }
}

impl Watch for Showing<'_> {
    fn asked(&mut self, head: &[u8]) {
        self.report.asked_bytes += head.len() as u64;
        if self.options.is_verbose {
            show('>', head);
        }
    }

    fn answered(&mut self, head: &[u8]) -> Result<(), Failure> {
        self.report.head_bytes += head.len() as u64;
        if self.options.is_verbose {
            show('<', head);
        }
        if let Some(heads) = &mut self.heads {
            heads.write(head)?;
        }
        if self.options.shows_head && !self.options.name_from_head {
            self.destination.write(head)?;
        }
        Ok(())
    }

    fn sent(&mut self, bytes: usize) {
        self.report.sent += bytes as u64;
    }
}

fn named(name: &str, options: &Options, opening: Opening) -> Destination {
    match (name, &options.folder) {
        ("-", _) => Destination::stdout(),
        (name, Some(folder)) => Destination::file(PathBuf::from(folder).join(name), opening),
        (name, None) => Destination::file(name.into(), opening),
    }
}

fn bad_url() -> Failure {
    Failure::new(failure::URL, "URL using bad/illegal format or missing URL")
}

/// A URL as it is typed: without a scheme it is one of HTTP.
pub(crate) fn parse(text: &str, options: &Options) -> Result<Url, Failure> {
    if text.is_empty() || text.chars().any(|c| c == ' ' || c.is_control()) {
        return Err(bad_url());
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) => {
            (scheme, rest)
        }
        _ => ("http", text),
    };
    if rest.starts_with('/') || rest.is_empty() {
        return Err(if scheme.eq_ignore_ascii_case("file") { unsupported("file") } else { bad_url() });
    }
    let behind_host =
        rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, behind)| behind);
    if !options.is_glob_off && behind_host.contains(['{', '}', '[', ']']) {
        let text = "bad range specification in URL: sets and ranges are not there, -g takes them as they are";
        return Err(Failure::new(failure::URL, text));
    }
    let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| {
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => bad_url(),
            other => unsupported(other),
        }
    })?;
    Ok(url)
}

fn unsupported(scheme: &str) -> Failure {
    Failure::new(failure::PROTOCOL, format!("Protocol \"{scheme}\" not supported or disabled in libcurl"))
}

fn allowed(url: &Url, protocols: Option<&Vec<String>>) -> Result<(), Failure> {
    let scheme = url.scheme();
    let is_known = matches!(scheme, "http" | "https");
    match is_known && protocols.is_none_or(|protocols| protocols.iter().any(|one| one == scheme)) {
        true => Ok(()),
        false => Err(unsupported(scheme)),
    }
}

fn place(url: &Url) -> Result<Place, Failure> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(bad_url)?;
    let port = url.port_or_known_default().ok_or_else(bad_url)?;
    Ok(Place { host: host.trim_matches(['[', ']']).to_owned(), port, is_tls: url.scheme() == "https" })
}

fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

fn uri(url: &Url) -> Result<Uri, Failure> {
    without_user(url).as_str().parse().map_err(|_| bad_url())
}

/// Where an answer leads.
fn leads(headers: &HeaderMap, status: u16, at: &Url) -> Option<Url> {
    let location = headers.get(header::LOCATION).filter(|_| (300..400).contains(&status))?;
    let mut to = at.join(&String::from_utf8_lossy(location.as_bytes())).ok()?;
    if to.fragment().is_none() {
        to.set_fragment(at.fragment());
    }
    Some(to)
}

/// The name that an answer gives its content, without any folder.
fn disposition(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_DISPOSITION)?.to_str().ok()?.to_owned();
    let at = value.to_ascii_lowercase().find("filename=")?;
    let value = &value[at + "filename=".len()..];
    let name = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split(';').next(),
    };
    let name = name?.trim().rsplit(['/', '\\']).next()?;
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

/// Gives a file the time that the answer tells of it.
fn keep_time(path: &std::path::Path, headers: &HeaderMap) {
    let told = headers.get(header::LAST_MODIFIED).and_then(|value| value.to_str().ok());
    if let Some(time) = told.and_then(|told| httpdate::parse_http_date(told).ok())
        && let Ok(file) = std::fs::OpenOptions::new().append(true).open(path)
    {
        let _ = file.set_modified(time);
    }
}
