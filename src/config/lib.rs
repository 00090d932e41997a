//! `workbench.toml`: read with line numbers, judged, and edited without losing a comment.
//!
//! One table, `shape`, says which keys exist, what they hold and what they are for; the check, the JSON Schema and the
//! reference in `docs/configuration.md` are made from it. What connectors add comes from the catalogue. Nothing here
//! decides anything about a user or speaks to a target.

mod assemble;
mod check;
mod cross;
pub mod edit;
mod finding;
mod lint;
mod load;
mod place;
pub mod schema;
mod secrets;
mod shape;
mod source;
mod syntax;
mod wording;
mod words;

pub use cross::{connector_is_away, login_is_away};
pub use finding::{Finding, Severity};
pub use lint::{LINTS, Lint, LintOptions, doubt, lint, role_doubt};
pub use load::{LoadError, Loaded, fingerprint, load, load_in_part, parse, readable};
pub use secrets::FileSecrets;
pub use words::{address, address_doubt, description, domain_name, duration, email, name};

#[cfg(test)]
mod tests;
