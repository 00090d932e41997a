//! Connectors over real HTTP: against hostile servers made by hand, and against the mocks.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here; clippy knows tests by their attribute only"
)]

mod conformance;
mod hostile;
mod samples;
mod secrets;
mod support;
mod tls;
