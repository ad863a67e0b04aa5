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

/// Descriptors that one receive takes at most; more are closed by the kernel.
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
    let descriptors = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    Ok(ReceivedBytes { length: received.bytes, descriptors })
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
}
