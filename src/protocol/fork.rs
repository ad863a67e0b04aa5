//! What the launcher and a template say to each other, over a socket of type `SOCK_SEQPACKET` that is the template's
//! standard output: a request is one byte with the channel of the new worker attached, an answer one [`Forked`] with
//! its pidfd attached. Answers come in the order of requests.
//!
//! No byte of a VM passes here: a template knows nothing of what its workers are for.

/// Asks for a worker.
pub const FORK: u8 = b'f';

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    /// There is one, with this process id in the launcher's PID namespace.
    Worker(i32),
    /// The host refused, with this error number.
    Refused(i32),
}

/// Bytes of an answer.
pub const FORKED_BYTES: usize = 5;

impl Forked {
    /// The answer as bytes.
    pub fn encode(self) -> [u8; FORKED_BYTES] {
        let (kind, number) = match self {
            Forked::Worker(pid) => (0, pid),
            Forked::Refused(errno) => (1, errno),
        };
        let mut bytes = [kind; FORKED_BYTES];
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        bytes
    }

    /// The answer that bytes stand for, if any.
    pub fn decode(bytes: &[u8]) -> Option<Forked> {
        let (kind, number) = bytes.split_first()?;
        let number = i32::from_le_bytes(number.try_into().ok()?);
        match kind {
            0 => Some(Forked::Worker(number)),
            1 => Some(Forked::Refused(number)),
            _ => None,
        }
    }
}

/// An entry for fuzzing the answers of a template: bytes in, properties checked.
#[cfg(any(test, fuzzing))]
pub mod fuzz {
    use super::Forked;

    /// Panics unless what is an answer is written as the same bytes, and no other bytes are one.
    pub fn answer(bytes: &[u8]) {
        if let Some(answer) = Forked::decode(bytes) {
            assert_eq!(answer.encode(), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_lead_back_and_anything_else_is_none() {
        for answer in [Forked::Worker(1), Forked::Worker(i32::MAX), Forked::Refused(11)] {
            assert_eq!(Forked::decode(&answer.encode()), Some(answer));
        }
        assert_eq!(Forked::decode(&[]), None);
        assert_eq!(Forked::decode(&[0, 1, 2, 3]), None);
        assert_eq!(Forked::decode(&[2, 1, 2, 3, 4]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_have_the_properties(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..8)) {
            fuzz::answer(&bytes);
        }
    }
}
