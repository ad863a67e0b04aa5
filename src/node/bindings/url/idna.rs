//! Names of hosts in ASCII and in Unicode, by the rules of browsers.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// A name in ASCII; empty for what is no name. What is ASCII already is let through even if it is none.
pub(in crate::bindings) fn to_ascii(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    Uts46::new()
        .to_ascii(name.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .map_or_else(|_| String::new(), String::from)
}

/// A name in Unicode. A label that stands for none stays as it is.
pub(in crate::bindings) fn to_unicode(name: &str) -> String {
    let labels: Vec<String> = name.split('.').map(label_to_unicode).collect();
    labels.join(".")
}

fn label_to_unicode(label: &str) -> String {
    if !label.is_ascii() || !label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--")) {
        return label.to_owned();
    }
    let (text, result) = Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    if result.is_ok() { text.into_owned() } else { label.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{to_ascii, to_unicode};

    #[test]
    fn names_go_both_ways() {
        assert_eq!(to_ascii("MÜLLER.de"), "xn--mller-kva.de");
        assert_eq!(to_ascii("FOO"), "foo");
        assert_eq!(to_ascii("\u{ad}"), "");
        assert_eq!(to_unicode("xn--mller-kva.de"), "müller.de");
        assert_eq!(to_unicode("xn--zzz--.MÜLLER"), "xn--zzz--.MÜLLER");
    }
}
