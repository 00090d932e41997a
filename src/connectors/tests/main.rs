//! Connectors over real HTTP: against hostile servers made by hand, and against the mocks.

mod hostile;
mod secrets;
mod support;
mod tls;
