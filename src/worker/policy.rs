//! The kernel's questions about paths, put to the VM's policy.

use std::sync::Arc;

use protocol::policy::{FsOperation, Policy};

pub(super) struct PathPolicy(pub(super) Arc<Policy>);

impl kernel::FsPolicy for PathPolicy {
    fn allows(&self, operation: kernel::FsOperation, path: &str) -> bool {
        use kernel::FsOperation as Kernel;
        let operation = match operation {
            Kernel::Read => FsOperation::Read,
            // A link or new attributes change what is there.
            Kernel::Write | Kernel::Link | Kernel::SetAttributes => FsOperation::Write,
            Kernel::Create => FsOperation::Create,
            Kernel::Remove => FsOperation::Remove,
            Kernel::Stat => FsOperation::Stat,
            Kernel::List => FsOperation::List,
            Kernel::Execute => FsOperation::Execute,
        };
        self.0.allows_path(operation, path)
    }

    fn uniform_below(&self, path: &str) -> bool {
        self.0.uniform_below(path)
    }
}
