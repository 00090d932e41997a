//! Comparing what should be at a target, what was last written, and what is there; pure, like every decision.
//!
//! | desired = written | written = actual | outcome |
//! |---|---|---|
//! | yes | yes | in sync |
//! | yes | no | `remote`: changed at the target |
//! | no | yes | `stale`: never brought |
//! | no | no, and desired = actual | in sync: the target has it already |
//! | no | no | `both` |
//!
//! Only fields for which a value is desired are compared, so what a target adds by itself is no difference. Values are
//! the same when the target would say so ([`same`]). A difference that somebody let stand ([`domain::Exception`]) is no
//! difference while both sides stay as they were then.

mod compare;
mod heed;
mod orphan;
pub mod same;
mod wanted;

pub(crate) use heed::heed;

pub use compare::{Actual, Compared};
pub use orphan::{Evidence, Former, Made, whose};
pub use wanted::Wanted;
