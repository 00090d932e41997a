//! The decision: tables with named cases, properties, and whole traces as people read them.

// The name that every other package knows it by.
extern crate outbound_decide as decide;

mod fixture;
mod levels;
mod logins;
mod mapping;
mod patterns;
mod policies;
mod properties;
mod reasons;
mod reshaping;
mod scoping;
mod traces;
mod verdicts;
