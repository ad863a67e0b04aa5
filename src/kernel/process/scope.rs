//! Call scopes: everything that one call of a client has started.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A call scope. Every process is in the scope of the one that started it, for its whole life: no session and no group
/// that it makes, and no parent that ends, takes it out. It ends with its call, by [`Kernel::end_scope`].
///
/// [`Kernel::end_scope`]: crate::Kernel::end_scope
#[derive(Clone, Debug, Default)]
pub struct Scope(Arc<AtomicBool>);

impl Scope {
    /// Notes that nothing may begin in it any more. Called under the lock of the process table, as is whatever asks
    /// before it enters a process there.
    pub(super) fn end(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether its call is over.
    pub fn has_ended(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Scope) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Scope {}
