//! Connectors over real HTTP: against hostile servers made by hand, and against the mocks.

mod conformance;
mod hostile;
mod samples;
mod secrets;
mod support;
mod tls;
