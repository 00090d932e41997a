//! SCIM 2.0: users and groups of any service provider that speaks it.
pub(crate) mod fields;
pub(crate) mod target;
