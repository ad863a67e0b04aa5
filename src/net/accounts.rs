//! Bytes that each VM may still have over all its connections together. An account is there while a connection of its VM's
//! is; the supervisor knows what those had that are over, and says what is left when it asks for another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use protocol::abi::{NetworkError, NetworkErrorCode};

/// The accounts of VMs that have connections.
#[derive(Default)]
pub(crate) struct Accounts(Mutex<HashMap<u64, Weak<Account>>>);

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
    /// The account of a connection that is asked for. What others that are open had meanwhile is off it already.
    pub(crate) fn open(&self, asked: protocol::network::Account) -> Arc<Account> {
        let mut accounts = self.0.lock();
        if let Some(account) = accounts.get(&asked.owner).and_then(Weak::upgrade) {
            return account;
        }
        accounts.retain(|_, account| account.strong_count() > 0);
        let (bytes_in, bytes_out) = (AtomicU64::new(asked.bytes_in), AtomicU64::new(asked.bytes_out));
        let account = Arc::new(Account { bytes_in, bytes_out });
        accounts.insert(asked.owner, Arc::downgrade(&account));
        account
    }
}

impl Accounts {
    /// What is left to a VM, in and out, if it has connections.
    pub(crate) fn left(&self, owner: u64) -> Option<(u64, u64)> {
        let account = self.0.lock().get(&owner).and_then(Weak::upgrade)?;
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
        accounts.open(asked(1)).take(Way::In, 10).unwrap();
        assert!(accounts.open(asked(3)).take(Way::Out, 6).is_err());
    }
}
