//! Whole files: what is said about them, and that the generated ones are current.

mod aliases;
mod canary;
mod defaults;
mod generated;
mod lints;
mod samples;
