//! The headers that say how long a message is, and what comes behind it.

use super::protocol::{Leniency, ParseError};

/// Which header it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Name {
    #[default]
    Other,
    Connection,
    ContentLength,
    TransferEncoding,
    Upgrade,
}

impl Name {
    pub fn of(name: &[u8]) -> Name {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("connection") || is("proxy-connection") {
            Name::Connection
        } else if is("content-length") {
            Name::ContentLength
        } else if is("transfer-encoding") {
            Name::TransferEncoding
        } else if is("upgrade") {
            Name::Upgrade
        } else {
            Name::Other
        }
    }
}

/// What the headers of a message have said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Framing {
    pub keeps_alive: bool,
    pub closes: bool,
    pub connection_upgrade: bool,
    pub upgrade: bool,
    pub content_length: Option<u64>,
    pub transfer_encoding: bool,
    pub chunked: bool,
    pub skip_body: bool,
}

const NO_DIGIT: ParseError =
    ParseError::new("HPE_INVALID_CONTENT_LENGTH", "Invalid character in Content-Length");

impl Framing {
    /// A header begins to have a value.
    pub fn begin(&mut self, name: Name, leniency: Leniency) -> Result<(), ParseError> {
        match name {
            Name::ContentLength if self.transfer_encoding && !leniency.chunked_length() => {
                Err(ParseError::new(
                    "HPE_INVALID_CONTENT_LENGTH",
                    "Content-Length can't be present with Transfer-Encoding",
                ))
            }
            Name::TransferEncoding if self.content_length.is_some() && !leniency.chunked_length() => {
                Err(ParseError::new(
                    "HPE_INVALID_TRANSFER_ENCODING",
                    "Transfer-Encoding can't be present with Content-Length",
                ))
            }
            Name::TransferEncoding => {
                self.transfer_encoding = true;
                Ok(())
            }
            Name::ContentLength | Name::Connection | Name::Upgrade | Name::Other => Ok(()),
        }
    }

    /// The value of a header, whole. `strict` takes nothing behind the coding `chunked`.
    pub fn end(&mut self, name: Name, value: &[u8], strict: bool) -> Result<(), ParseError> {
        let tokens = || value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        match name {
            Name::Connection => {
                for token in tokens() {
                    self.keeps_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                    self.closes |= token.eq_ignore_ascii_case(b"close");
                    self.connection_upgrade |= token.eq_ignore_ascii_case(b"upgrade");
                }
            }
            // Only the last coding says how long the body is.
            Name::TransferEncoding => {
                let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
                let before = tokens().count().saturating_sub(1);
                if strict && (self.chunked || tokens().take(before).any(is_chunked)) {
                    return Err(ParseError::new(
                        "HPE_INVALID_TRANSFER_ENCODING",
                        "Invalid `Transfer-Encoding` header value",
                    ));
                }
                self.chunked = tokens().next_back().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            }
            Name::ContentLength | Name::Upgrade | Name::Other => {}
        }
        Ok(())
    }

    /// One character of the length; `done` says that spaces have followed already.
    pub fn length_digit(&mut self, byte: u8) -> Result<(), ParseError> {
        if !byte.is_ascii_digit() {
            return Err(NO_DIGIT);
        }
        let length = self.content_length.unwrap_or(0);
        let longer = length.checked_mul(10).and_then(|length| length.checked_add(u64::from(byte - b'0')));
        match longer {
            Some(length) => {
                self.content_length = Some(length);
                Ok(())
            }
            None => Err(ParseError::new("HPE_INVALID_CONTENT_LENGTH", "Content-Length overflow")),
        }
    }

    pub fn no_digit() -> ParseError {
        NO_DIGIT
    }
}
