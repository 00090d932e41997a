//! Whole journeys over the real program: one binary, one file per journey.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and one that is skipped says so"
)]

#[cfg(unix)]
mod attached;
mod bad_input;
mod by_hand;
mod canary;
mod clients;
mod crash;
mod house;
mod peers;
mod plain;
mod program;
mod reconcile;
mod restart;
mod roles;
mod rough;
mod safeguards;
mod scenarios;
mod service;
mod steering;
#[cfg(unix)]
mod terminal;
mod traces;
mod virtual_time;
