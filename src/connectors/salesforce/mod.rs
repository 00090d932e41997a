//! Salesforce: the User object, through the REST API.
pub(crate) mod fields;
pub(crate) mod target;
