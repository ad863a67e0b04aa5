//! Budgets of bytes: what messages on their way hold, counted for the owner that caused them.
//!
//! Whoever takes a message from a worker or a client first holds its weight in the budgets of its VM and of its
//! connection, and waits while they are used up; the message carries what it holds until it is written or dropped. So
//! what one owner can make this process keep is bounded, and whoever does not read holds up nobody but itself. Knows
//! nothing of messages.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that may be held at once for one owner.
#[derive(Clone)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    bytes: u32,
}

/// Bytes that are held until this is dropped.
#[derive(Default)]
pub(crate) struct Held {
    permits: Vec<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes: u32) -> Budget {
        Budget { free: Arc::new(Semaphore::new(bytes as usize)), bytes }
    }

    /// Holds so many bytes besides what is held already, once they are free. What is larger than the whole budget waits
    /// for all of it. Dropping the future holds nothing more.
    pub(crate) async fn hold(&self, bytes: usize, held: &mut Held) {
        let most = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes);
        // Never closed.
        if let Ok(permit) = self.free.clone().acquire_many_owned(most).await {
            held.permits.push(permit);
            held.bytes = held.bytes.max(bytes);
        }
    }

    /// Likewise, if they are free now.
    pub(crate) fn try_hold(&self, bytes: u32) -> Option<Held> {
        let permit = self.free.clone().try_acquire_many_owned(bytes.min(self.bytes)).ok()?;
        Some(Held { permits: vec![permit], bytes: bytes as usize })
    }

    /// Bytes that nobody holds.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.free.available_permits()
    }
}

impl Held {
    /// What the message weighs that this was held for.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds what another did as well.
    pub(crate) fn join(&mut self, other: Held) {
        self.permits.extend(other.permits);
        self.bytes += other.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_holds_too_much_waits_until_something_is_given_back() {
        let budget = Budget::new(100);
        let mut first = Held::default();
        budget.hold(60, &mut first).await;
        let mut second = Held::default();
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), budget.hold(60, &mut second));
        assert!(waited.await.is_err());
        assert_eq!(budget.free(), 40, "who gave up holds nothing");
        drop(first);
        budget.hold(60, &mut second).await;
        assert_eq!((budget.free(), second.bytes()), (40, 60));
    }

    #[tokio::test]
    async fn what_is_larger_than_the_budget_takes_all_of_it() {
        let (vm, connection) = (Budget::new(10), Budget::new(1000));
        let mut held = Held::default();
        vm.hold(500, &mut held).await;
        connection.hold(500, &mut held).await;
        assert_eq!((vm.free(), connection.free(), held.bytes()), (0, 500, 500));
        drop(held);
        assert_eq!((vm.free(), connection.free()), (10, 1000));
    }
}
