//! Whether bytes are text, in which encoding, and how its lines end.

/// An encoding of text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Encoding {
    Ascii,
    Utf8 {
        has_mark: bool,
    },
    Utf16 {
        is_little: bool,
    },
    /// Printable characters of the ISO-8859 family.
    Iso8859,
    /// Those, and some where that family has none.
    Extended,
}

/// Lines longer than this are told.
const LONG_LINE: usize = 300;

/// Whether a byte of ASCII is one that text has: not most control characters.
const fn is_text(byte: u8) -> bool {
    matches!(byte, 7..=13 | 27 | 32..=126)
}

impl Encoding {
    /// None where it is no text.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.iter().all(|&byte| is_text(byte)) {
            return Some(Self::Ascii);
        }
        let (has_mark, rest) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => (true, rest),
            None => (false, bytes),
        };
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => Some(text.as_bytes()),
            // The last character may have been cut off.
            Err(error) if error.error_len().is_none() => rest.get(..error.valid_up_to()),
            Err(_) => None,
        };
        if let Some(valid) = valid.filter(|valid| !valid.is_empty())
            && valid.iter().all(|&byte| byte >= 128 || is_text(byte))
        {
            return Some(Self::Utf8 { has_mark });
        }
        let wide = match bytes {
            [0xff, 0xfe, rest @ ..] => Some((true, rest)),
            [0xfe, 0xff, rest @ ..] => Some((false, rest)),
            _ => None,
        };
        if let Some((is_little, rest)) = wide
            && rest.chunks_exact(2).all(|pair| {
                let value = if is_little {
                    u16::from_le_bytes([pair[0], pair[1]])
                } else {
                    u16::from_be_bytes([pair[0], pair[1]])
                };
                value != 0xfffe && (value >= 128 || u8::try_from(value).is_ok_and(is_text))
            })
        {
            return Some(Self::Utf16 { is_little });
        }
        if bytes.iter().all(|&byte| byte >= 160 || byte == 0x85 || is_text(byte)) {
            return Some(Self::Iso8859);
        }
        bytes.iter().all(|&byte| byte >= 128 || is_text(byte)).then_some(Self::Extended)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII",
            Self::Utf8 { has_mark: false } => "Unicode text, UTF-8",
            Self::Utf8 { has_mark: true } => "Unicode text, UTF-8 (with BOM)",
            Self::Utf16 { is_little: true } => "Unicode text, UTF-16, little-endian",
            Self::Utf16 { is_little: false } => "Unicode text, UTF-16, big-endian",
            Self::Iso8859 => "ISO-8859",
            Self::Extended => "Non-ISO extended-ASCII",
        }
    }

    pub const fn charset(self) -> &'static str {
        match self {
            Self::Ascii => "us-ascii",
            Self::Utf8 { .. } => "utf-8",
            Self::Utf16 { is_little: true } => "utf-16le",
            Self::Utf16 { is_little: false } => "utf-16be",
            Self::Iso8859 => "iso-8859-1",
            Self::Extended => "unknown-8bit",
        }
    }

    /// What is remarkable of its lines.
    pub fn lines(self, bytes: &[u8]) -> String {
        let narrow: Vec<u8>;
        let bytes = match self {
            Self::Utf16 { is_little } => {
                let low = usize::from(!is_little);
                narrow = bytes
                    .chunks_exact(2)
                    .map(|pair| if pair[1 - low] == 0 { pair[low] } else { b'x' })
                    .collect();
                &narrow
            }
            _ => bytes,
        };
        let (mut crlf, mut cr, mut lf, mut nel) = (0usize, 0usize, 0usize, 0usize);
        let (mut longest, mut length) = (0, 0);
        let mut at = 0;
        while at < bytes.len() {
            length += usize::from(!matches!(self, Self::Utf8 { .. }) || bytes[at] & 0xc0 != 0x80);
            let is_end = match bytes[at] {
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => {
                    crlf += 1;
                    at += 1;
                    true
                }
                b'\r' => {
                    cr += 1;
                    true
                }
                b'\n' => {
                    lf += 1;
                    true
                }
                0x85 if self == Self::Iso8859 || self == Self::Extended => {
                    nel += 1;
                    true
                }
                _ => false,
            };
            longest = longest.max(length);
            if is_end {
                length = 0;
            }
            at += 1;
        }
        let mut told = String::new();
        if longest > LONG_LINE {
            told.push_str(&format!(", with very long lines ({longest})"));
        }
        if (crlf, cr, lf, nel) == (0, 0, 0, 0) {
            told.push_str(", with no line terminators");
        } else if (crlf, cr, nel) != (0, 0, 0) {
            let kinds = [("CRLF", crlf), ("CR", cr), ("LF", lf), ("NEL", nel)];
            let kinds: Vec<&str> =
                kinds.iter().filter(|(_, count)| *count > 0).map(|(kind, _)| *kind).collect();
            told.push_str(&format!(", with {} line terminators", kinds.join(", ")));
        }
        if bytes.contains(&27) {
            told.push_str(", with escape sequences");
        }
        if bytes.contains(&8) {
            told.push_str(", with overstriking");
        }
        told
    }
}
