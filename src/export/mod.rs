//! Exchanges in the formats of other tools. What goes in is redacted already; nothing here can add a secret.

mod curl;
mod har;

pub use curl::curl;
pub use har::har;
