//! The engine against targets in memory: order, retries, lost answers, callers who wait, crashes.

mod backlog;
mod blocking;
pub(crate) mod double;
mod holds;
mod journal;
mod lifecycle;
mod order;
mod random;
mod reconcile;
mod recovery;
mod reload;
mod requests;
mod world;
