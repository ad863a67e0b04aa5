//! An entry for fuzzing the messages of the broker channel: bytes in, properties checked.

use super::{BrokerCall, BrokerReply, FromWorker, ToWorker};
use crate::abi::{
    HostCallError, HostFsReply, HostFsRequest, HostHandle, MountId, NetworkError, NetworkErrorCode,
    OpenFlags, TlsRequest, TlsSession,
};
use crate::config::{Access, NetworkScope};
use crate::wire::fuzz::{message, weighed};
use crate::wire::{ConnectionState, DecisionBatch, DecisionWatch, ErrorData, OutputStream, encode_frame};

/// Weighs and decodes the content of a frame as either side of a worker does.
pub fn messages(content: &[u8]) {
    weighed::<FromWorker>(content);
    weighed::<ToWorker>(content);
    message::<FromWorker>(content);
    message::<ToWorker>(content);
}

/// Contents of frames with some of what each side says, to begin with.
pub fn samples() -> Vec<Vec<u8>> {
    let path = || "a/b".to_owned();
    let (mount, handle) = (MountId(1), HostHandle(2));
    let requests = [
        HostFsRequest::Open { path: path(), flags: OpenFlags::READ | OpenFlags::CREATE, mode: 0o644 },
        HostFsRequest::Read { handle, offset: 1 << 40, length: 10 },
        HostFsRequest::Write { handle, offset: Some(9), bytes: vec![1, 2].into() },
        HostFsRequest::Write { handle, offset: None, bytes: vec![1, 2].into() },
        HostFsRequest::Stat { path: path() },
        HostFsRequest::ReadDirPlus { path: path() },
        HostFsRequest::ReadFiles { path: path(), first: "f".to_owned(), most: 4 },
    ];
    let calls = requests.map(|request| BrokerCall::HostFilesystem { mount, request }).into_iter().chain([
        BrokerCall::HostFunction { name: "add".into(), input: "[1]".into() },
        BrokerCall::CommandArtifact { module: "sh".into() },
        BrokerCall::LookUp { name: "example.org".into() },
        BrokerCall::Connect { to: ([192, 0, 2, 1], 443).into() },
        BrokerCall::StartTls { connection: 1, request: TlsRequest::default() },
    ]);
    let replies = [
        BrokerReply::HostFilesystem { result: Ok(HostFsReply::Done) },
        BrokerReply::HostFunction { result: Err(HostCallError::Failed { message: "no".into() }) },
        BrokerReply::CommandArtifact { result: Ok(70_000) },
        BrokerReply::LookUp { result: Ok(vec![[192, 0, 2, 1].into()]) },
        BrokerReply::Connect {
            result: Err(NetworkError::new(NetworkErrorCode::Denied, "no rule allows it")),
        },
        BrokerReply::StartTls {
            result: Ok(TlsSession {
                version: 0x0304,
                cipher: 0x1301,
                group: Some(29),
                protocol: Some(b"h2".to_vec().into()),
                chain: vec![vec![0x30, 0].into()],
                distrusted: None,
            }),
        },
    ];
    let error = ErrorData { guest: true, ..ErrorData::new("ERR_X", "x") };
    let others = [
        content(&FromWorker::Response { id: 1, response: Err(error) }),
        content(&FromWorker::Output { id: 1, stream: OutputStream::Stdout, data: vec![7; 9].into() }),
        content(&FromWorker::Connection { id: 1, state: ConnectionState::Ended }),
        content(&FromWorker::Decisions { batch: DecisionBatch { decisions: Vec::new(), dropped: 1 } }),
        content(&ToWorker::WatchDecisions { watch: DecisionWatch::On }),
        content(&ToWorker::SetNetwork { id: 1, scope: NetworkScope::Access(Access::Deny) }),
    ];
    let calls = calls.map(|body| content(&FromWorker::Call { call: 3, body }));
    calls.chain(replies.map(|reply| content(&ToWorker::Reply { call: 3, reply }))).chain(others).collect()
}

fn content<T: serde::Serialize>(message: &T) -> Vec<u8> {
    encode_frame(message).expect("a sample fits a frame").split_off(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
