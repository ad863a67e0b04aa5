//! Bytes that each VM may still have over all its connections together. An account is kept when its
//! VM's connections are over: the supervisor says what is left when it asks for the first, and hears later what they had.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use protocol::abi::{NetworkError, NetworkErrorCode};

/// Accounts that are kept: more VMs than a supervisor has at once.
const OWNERS_MAX: usize = 4096;

/// The accounts of VMs that have connections, or had.
#[derive(Default)]
pub(crate) struct Accounts(Mutex<HashMap<u64, Arc<Account>>>);

/// What is left to one VM.
pub(crate) struct Account {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// The way that bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

impl Accounts {
    /// The account of a connection that is asked for. What others had is off it already.
    pub(crate) fn open(&self, asked: protocol::network::Account) -> Arc<Account> {
        let mut accounts = self.0.lock();
        // Also of one whose connections are over: the supervisor may have asked before it has heard what they had.
        if let Some(account) = accounts.get(&asked.owner) {
            return account.clone();
        }
        if accounts.len() >= OWNERS_MAX {
            accounts.retain(|_, account| Arc::strong_count(account) > 1);
        }
        let (bytes_in, bytes_out) = (AtomicU64::new(asked.bytes_in), AtomicU64::new(asked.bytes_out));
        let account = Arc::new(Account { bytes_in, bytes_out });
        accounts.insert(asked.owner, account.clone());
        account
    }

    /// What is left to a VM, in and out, if it has had connections.
    pub(crate) fn left(&self, owner: u64) -> Option<(u64, u64)> {
        let account = self.0.lock().get(&owner).cloned()?;
        Some((account.bytes_in.load(Relaxed), account.bytes_out.load(Relaxed)))
    }
}

impl Account {
    /// Takes bytes off.
    ///
    /// # Errors
    /// So many are not left.
    pub(crate) fn take(&self, way: Way, bytes: u64) -> Result<(), NetworkError> {
        let (left, field) = match way {
            Way::In => (&self.bytes_in, "bytesIn"),
            Way::Out => (&self.bytes_out, "bytesOut"),
        };
        match left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)) {
            Ok(_) => Ok(()),
            Err(_) => {
                left.store(0, Relaxed);
                let text = format!("the VM has had all the bytes that it may have (limits.network.{field})");
                Err(NetworkError::new(NetworkErrorCode::Limit, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_one_vm_share_what_is_left_to_it() {
        let accounts = Accounts::default();
        let asked = |owner| protocol::network::Account { owner, bytes_in: 10, bytes_out: 5 };
        let (one, other, stranger) =
            (accounts.open(asked(1)), accounts.open(asked(1)), accounts.open(asked(2)));
        one.take(Way::In, 6).unwrap();
        assert!(other.take(Way::In, 5).is_err());
        assert!(one.take(Way::In, 1).is_err());
        other.take(Way::Out, 5).unwrap();
        stranger.take(Way::In, 10).unwrap();
        drop((one, other));
        // What they had stays had.
        assert!(accounts.open(asked(1)).take(Way::Out, 1).is_err());
        assert!(accounts.open(asked(3)).take(Way::Out, 6).is_err());
    }
}
