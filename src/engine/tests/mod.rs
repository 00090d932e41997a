//! The engine against targets in memory: order, retries, lost answers, callers who wait, crashes.

mod backlog;
mod blocking;
mod brakes;
mod dead;
pub(crate) mod double;
mod holds;
mod joining;
mod journal;
mod lifecycle;
mod limits;
mod order;
mod quarantine;
mod random;
mod reconcile;
mod recovery;
mod reload;
mod requests;
mod retention;
mod roles;
mod sharing;
mod world;
