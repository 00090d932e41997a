//! Google Directory: users of a Workspace domain, through the Admin SDK.
pub(crate) mod fields;
pub(crate) mod target;
