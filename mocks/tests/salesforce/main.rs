//! The Salesforce mock, request by request: nearly all without a socket, one story over one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(
    dead_code,
    reason = "shared with other tests; not all of it is needed here"
)]
#[path = "../toy/raw.rs"]
mod raw;

mod bulk;
mod kit;
mod logins;
mod properties;
mod queries;
mod samples;
mod soap;
mod surroundings;
mod users;
mod wire;
