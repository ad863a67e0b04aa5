//! The kernel under a real policy: no way of writing a path leads around a rule.

use std::sync::Arc;

use proptest::prelude::*;
use protocol::policy::{self, Policy};
use serde_json::json;

use super::*;

proptest! {
    #[test]
    fn no_spelling_of_a_path_gets_around_a_rule(
        spelling in prop::collection::vec(prop::sample::select(vec!["", ".", "x/..", "../data", "secret/..", "../link"]), 3), slashes in 1usize..3
    ) {
        let (_kernel, process) = guarded();
        let slash = "/".repeat(slashes);
        let spelled = |parts: &[&str], tail: &str| {
            let mut path = String::new();
            for (part, detour) in parts.iter().zip(&spelling) {
                path = format!("{path}{slash}{part}{slash}{}", if *part == "data" { detour } else { "." });
            }
            format!("{path}{slash}{tail}")
        };
        let open = |path: &str| process.open(path, OpenFlags::READ, 0).map(drop);
        prop_assert_eq!(open(&spelled(&["data", "secret"], "f")), Err(Errno::Eacces));
        prop_assert_eq!(open(&spelled(&["data", "open"], "../secret/f")), Err(Errno::Eacces));
        prop_assert_eq!(open(&spelled(&["data", "open"], "f")), Ok(()));
    }
}

/// Asks the policy of a VM as its worker does.
struct Ask(Policy);

impl FsPolicy for Ask {
    fn allows(&self, operation: FsOperation, path: &str) -> bool {
        let operation = if operation == FsOperation::Read {
            policy::FsOperation::Read
        } else {
            policy::FsOperation::Stat
        };
        self.0.allows_path(operation, path)
    }

    fn uniform_below(&self, path: &str) -> bool {
        self.0.uniform_below(path)
    }
}

/// A machine with `/data/secret/f`, which may not be read, `/data/open/f`, and `/link` to `/data`.
fn guarded() -> (Arc<Kernel>, Arc<Process>) {
    let rules = json!({ "fs": { "rules": [{ "mode": "deny", "operations": ["read"], "paths": ["/data/secret/**"] }] } });
    let kernel = Kernel::new(KernelOptions {
        limits: KernelLimits::default(),
        fs_policy: Arc::new(Ask(Policy::new(&serde_json::from_value(rules).unwrap()).unwrap())),
        clock: Arc::new(SystemClock::default()),
        random: |bytes| bytes.fill(0),
    });
    for path in ["/data/secret/f", "/data/secret/x/f", "/data/open/f", "/data/x/f", "/x/f"] {
        kernel.install_file(path, b"contents", 0o644).unwrap();
    }
    kernel.install_symlink("/link", "/data").unwrap();
    let process = kernel.create_process(None, vec!["p".into()], Vec::new(), "/", Vec::new()).unwrap();
    (kernel, process)
}
