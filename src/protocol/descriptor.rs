//! Bytes and descriptors over a Unix stream socket (SCM_RIGHTS, unix(7)).
//!
//! A descriptor is attached to the first byte of the frame that announces it, so the receiver has it by the time it
//! has read that frame; descriptors and the frames that announce them come in the same order.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// Descriptors that one receive takes at most; more are closed.
const DESCRIPTORS_PER_RECEIVE: usize = 4;

/// Sends as much of `bytes` as the socket takes, a descriptor attached to the first of them.
///
/// # Errors
/// As sendmsg(2).
pub fn send_with_descriptor(
    socket: impl AsFd,
    bytes: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> Result<usize, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(Errno::NOBUFS);
    }
    rustix::io::retry_on_intr(|| {
        sendmsg(&socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)
    })
}

/// What one receive brought.
#[derive(Debug)]
pub struct ReceivedBytes {
    /// How many bytes; none is the end of the stream.
    pub length: usize,
    /// The descriptors among them, in order.
    pub descriptors: Vec<OwnedFd>,
}

/// Receives bytes, and the descriptors that came with them.
///
/// # Errors
/// As recvmsg(2).
pub fn receive_with_descriptors(socket: impl AsFd, buffer: &mut [u8]) -> Result<ReceivedBytes, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_PER_RECEIVE))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
    })?;
    let mut descriptors: Vec<OwnedFd> = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    // The space is rounded up, so that some more may have come.
    descriptors.truncate(DESCRIPTORS_PER_RECEIVE);
    Ok(ReceivedBytes { length: received.bytes, descriptors })
}

/// An entry for fuzzing what arrives with descriptors: bytes in, properties checked.
#[cfg(any(test, fuzzing))]
pub mod fuzz {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::{DESCRIPTORS_PER_RECEIVE, receive_with_descriptors, send_with_descriptor};
    use rustix::fs::fstat;

    /// Sends pieces of a stream, some with a descriptor, and receives them in others: of each two bytes, the first says how
    /// long the piece is and whether it has a descriptor, the second how much is received at once. Panics unless every byte
    /// arrives, every descriptor with or before the bytes that it was attached to, and none that was not sent.
    pub fn stream(script: &[u8]) {
        let Ok((here, there)) = UnixStream::pair() else { return };
        there.set_nonblocking(true).expect("a socket");
        let file = std::fs::File::open("/dev/null").expect("/dev/null is there");
        let number = fstat(&file).expect("it is open").st_ino;
        let (mut sent, mut attached, mut received, mut taken) = (0u64, Vec::new(), 0u64, 0);
        let take = |most: usize, sent: u64, attached: &[u64], received: &mut u64, taken: &mut usize| {
            let mut buffer = [0; 64];
            let Ok(piece) = receive_with_descriptors(&there, &mut buffer[..most]) else { return false };
            for (offset, byte) in (*received..).zip(&buffer[..piece.length]) {
                assert_eq!(*byte, offset as u8);
            }
            *received += piece.length as u64;
            assert!(*received <= sent && piece.descriptors.len() <= DESCRIPTORS_PER_RECEIVE);
            for descriptor in &piece.descriptors {
                assert_eq!(fstat(descriptor).expect("it is open").st_ino, number);
            }
            *taken += piece.descriptors.len();
            // All whose first byte has arrived, and no other.
            assert_eq!(*taken, attached.iter().filter(|at| **at < *received).count());
            true
        };
        for step in script.chunks_exact(2).take(64) {
            let length = u64::from(step[0] % 32) + 1;
            let bytes: Vec<u8> = (sent..sent + length).map(|offset| offset as u8).collect();
            let with = step[0] >= 128;
            let descriptor = with.then(|| file.as_fd());
            assert_eq!(send_with_descriptor(&here, &bytes, descriptor), Ok(bytes.len()), "a small piece");
            if with {
                attached.push(sent);
            }
            sent += length;
            take(usize::from(step[1] % 64) + 1, sent, &attached, &mut received, &mut taken);
        }
        while received < sent && take(64, sent, &attached, &mut received, &mut taken) {}
        assert_eq!((received, taken), (sent, attached.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_descriptor_arrives_with_its_frame() {
        let (here, there) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"contents").unwrap();
        assert_eq!(send_with_descriptor(&here, b"frame", Some(file.as_fd())).unwrap(), 5);
        drop(file);
        let mut buffer = [0; 16];
        let mut received = receive_with_descriptors(&there, &mut buffer).unwrap();
        assert_eq!(&buffer[..received.length], b"frame");
        let mut file = std::fs::File::from(received.descriptors.pop().unwrap());
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "contents");
        drop(here);
        assert_eq!(receive_with_descriptors(&there, &mut buffer).unwrap().length, 0);
    }
    #[test]
    fn more_descriptors_than_are_taken_are_closed_and_the_bytes_arrive() {
        let (here, there) = UnixStream::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let many = [file.as_fd(); 32];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&many)));
        sendmsg(&here, &[IoSlice::new(b"x")], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
        let mut buffer = [0; 4];
        let received = receive_with_descriptors(&there, &mut buffer).unwrap();
        assert_eq!(received.length, 1);
        assert!(received.descriptors.len() <= DESCRIPTORS_PER_RECEIVE, "{received:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_pieces_have_the_properties(script in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            fuzz::stream(&script);
        }
    }
}
