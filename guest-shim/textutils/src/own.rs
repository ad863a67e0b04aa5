//! Programs around libraries that have none which can be called, and what stands in front of those that have.

mod awk;
mod diff;
mod ed;
mod expression;
mod grep;
mod jq;
mod sed;
mod small;

pub use awk::main as awk;
pub use diff::{cmp, diff};
pub use ed::main as ed;
pub use grep::{egrep, fgrep, grep};
pub use jq::{main as jq, yq};
pub use sed::main as sed;
pub use small::{rev, which};
