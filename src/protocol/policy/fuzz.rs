//! Entries for fuzzing patterns and hosts: texts in, properties checked.

use std::net::IpAddr;

use super::pattern::{Kind, Matcher};
use super::{Host, HostPattern, Pattern, Subject, special};

/// The first line is a pattern, each further one a path and a name that it is put to. Panics unless a path that matches
/// begins with what the pattern begins with, and lies in no directory that the pattern does not reach.
pub fn pattern(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let Some(Ok(pattern)) = lines.next().map(Pattern::new) else { return };
    let one = std::slice::from_ref(&pattern);
    let (Ok(paths), Ok(names)) = (Matcher::new(one, Kind::Path), Matcher::new(one, Kind::Name)) else {
        return;
    };
    for line in lines.take(100) {
        check(&pattern, &paths, &normal(line));
        let _ = names.matches(line);
    }
    // What is refused as a path's pattern matches none.
    if Subject::Path.check(&pattern).is_err() {
        for line in text.split('\n').skip(1).take(100) {
            let path = normal(line);
            assert!(
                path.contains('\0') || path.is_empty() || !paths.matches(&path),
                "{pattern:?} matches {path:?}"
            );
        }
    }
}

/// What holds for a pattern and an absolute, normal path.
pub(super) fn check(pattern: &Pattern, compiled: &Matcher, path: &str) {
    let text = pattern.as_str();
    let fixed = text.split(['?', '*', '[', '{', '\\']).next().unwrap_or_default();
    let plain = !text.contains(['[', '{', '\\']);
    let matches = compiled.matches(path);
    if matches {
        assert!(path.starts_with(fixed), "{text:?} matches {path:?}");
    }
    if plain && !text.contains("**") {
        let parts = |text: &str| text.matches('/').count();
        assert!(!matches || parts(text) == parts(path), "{text:?} matches {path:?}");
    }
    if path != "/" {
        for (at, _) in path.match_indices('/') {
            let directory = &path[..at.max(1)];
            assert!(
                !matches || pattern.reaches_below(directory),
                "{text:?} matches {path:?} but does not reach {directory:?}"
            );
        }
    }
}

/// A path as the kernel asks about it.
fn normal(text: &str) -> String {
    let parts = text.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    parts.fold(String::new(), |path, part| path + "/" + part)
}

/// The first line is a host pattern, each further one a host. Panics unless each that is accepted is the same once it is
/// written out, as an URL has it too, and no pattern but an address lets a special address through.
pub fn host(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pattern = text.split('\n').next().and_then(|line| HostPattern::parse(line).ok());
    if let Some(pattern) = &pattern {
        assert_eq!(HostPattern::parse(&pattern.to_string()).as_ref(), Ok(pattern));
    }
    for line in text.split('\n').take(100) {
        let Ok(host) = Host::parse(line) else { continue };
        let written = host.to_string();
        assert_eq!(Host::parse(&written).as_ref(), Ok(&host), "{line:?}");
        assert!(HostPattern::parse(&written).is_ok() || host.is_localhost(), "{line:?}");
        match &host {
            Host::Name(name) => {
                assert!(
                    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len())),
                    "{line:?}"
                );
                let plain =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
                assert!(name.bytes().all(plain), "{line:?}");
                let last = name.rsplit('.').next().unwrap_or_default();
                assert!(!last.bytes().all(|byte| byte.is_ascii_digit()), "{line:?}");
                assert!(name.parse::<IpAddr>().is_err(), "{line:?}");
            }
            Host::Address(address) => assert_eq!(address.to_canonical(), *address, "{line:?}"),
        }
        // What fetches URLs goes where this says.
        let authority = if written.contains(':') { format!("[{written}]") } else { written.clone() };
        let url = url::Url::parse(&format!("http://{authority}/")).expect("a host is one of an URL");
        assert_eq!(url.host_str(), Some(authority.as_str()), "{line:?}");
        if let (Host::Address(address), Some(pattern)) = (&host, &pattern)
            && pattern.opens_special(*address)
        {
            assert!(pattern.fits_address(*address), "{pattern} {address}");
            assert!(
                pattern.to_string().parse::<IpAddr>().is_ok() || special(*address).is_some(),
                "{pattern} {address}"
            );
        }
    }
}
