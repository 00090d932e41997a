//! The Google Directory mock, held against the vendor's documents and against its own invariants.
//!
//! Everything goes through [`outbound_mocks::Vendor::answer`]: no socket, and the clock is moved by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod groups;
mod lab;
mod lists;
mod properties;
mod schemas;
mod tokens;
mod units;
mod users;
mod vendor;
mod wire;
