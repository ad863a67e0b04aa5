//! An entry for fuzzing the messages of the broker channel: bytes in, properties checked.

use super::{FromWorker, ToWorker};
use crate::wire::fuzz::{message, weighed};

/// Weighs and decodes the content of a frame as either side of a worker does.
pub fn messages(content: &[u8]) {
    weighed::<FromWorker>(content);
    weighed::<ToWorker>(content);
    message::<FromWorker>(content);
    message::<ToWorker>(content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{HostCallError, HostFsReply, HostFsRequest, HostHandle, MountId, OpenFlags};
    use crate::broker::{BrokerCall, BrokerReply};
    use crate::wire::{ErrorData, OutputStream, encode_frame};
    use proptest::prelude::*;

    fn content<T: serde::Serialize>(message: &T) -> Vec<u8> {
        encode_frame(message).unwrap()[4..].to_vec()
    }

    /// Some of what each side says.
    fn samples() -> Vec<Vec<u8>> {
        let (mount, handle) = (MountId(1), HostHandle(2));
        let open = HostFsRequest::Open { path: "a/b".into(), flags: OpenFlags::READ, mode: 0o644 };
        let calls = [
            BrokerCall::HostFilesystem { mount, request: open },
            BrokerCall::HostFilesystem {
                mount,
                request: HostFsRequest::Write { handle, offset: Some(9), bytes: vec![1, 2].into() },
            },
            BrokerCall::HostFunction { name: "add".into(), input: "[1]".into() },
            BrokerCall::CommandArtifact { module: "sh".into() },
        ];
        let replies = [
            BrokerReply::HostFilesystem { result: Ok(HostFsReply::Done) },
            BrokerReply::HostFunction { result: Err(HostCallError::Failed { message: "no".into() }) },
            BrokerReply::CommandArtifact { result: Ok(70_000) },
        ];
        let error = ErrorData { guest: true, ..ErrorData::new("ERR_X", "x") };
        let calls = calls.into_iter().map(|body| content(&FromWorker::Call { call: 3, body }));
        let replies = replies.into_iter().map(|reply| content(&ToWorker::Reply { call: 3, reply }));
        let others = [
            content(&FromWorker::Response { id: 1, response: Err(error) }),
            content(&FromWorker::Output { id: 1, stream: OutputStream::Stdout, data: vec![7; 9].into() }),
        ];
        calls.chain(replies).chain(others).collect()
    }

    #[test]
    fn what_the_sides_say_has_the_properties() {
        samples().iter().for_each(|sample| messages(sample));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
        #[test]
        fn damaged_messages_have_the_properties(
            which: prop::sample::Index, at: prop::sample::Index, with in prop::collection::vec(any::<u8>(), 0..4), cut: bool
        ) {
            let samples = samples();
            let mut content = which.get(&samples).clone();
            let at = at.index(content.len());
            let end = if cut { content.len() } else { (at + with.len()).min(content.len()) };
            content.splice(at..end, with);
            messages(&content);
        }
    }
}
