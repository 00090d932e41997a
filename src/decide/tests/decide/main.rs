//! The decision: tables with named cases, properties, and whole traces as people read them.

// The name that every other package knows it by.
extern crate outbound_decide as decide;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod levels;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod patterns;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod reconciling;
#[cfg(test)]
mod reshaping;
#[cfg(test)]
mod scoping;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod verdicts;
