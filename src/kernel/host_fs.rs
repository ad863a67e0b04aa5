//! Host directories that are mounted into the VM: what the kernel needs of whoever serves them. The requests and replies
//! are the protocol's ([`protocol::abi`]).

use super::{Errno, HostFsReply, HostFsRequest, MountId};

/// Serves the host directories of one VM. Calls block; the kernel holds no lock of its own that another process of
/// the VM could need meanwhile.
pub trait HostFs: Send + Sync {
    /// Answers one request about `mount`.
    fn call(&self, mount: MountId, request: HostFsRequest) -> Result<HostFsReply, Errno>;

    /// A number that is another one as soon as anything has reached the VM from outside that could follow upon a change of
    /// its mounts, or a request that [changes](HostFsRequest::changes) one has been answered. As long as it is the same,
    /// the kernel may take what the host told for what it would tell. None where nobody can say.
    fn moment(&self) -> Option<u64> {
        None
    }
}
