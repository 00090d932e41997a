//! Stateful mock servers of Google Directory, Salesforce and SCIM 2.0, for loopback.

mod vendor;

pub use vendor::{Answer, Change, Kind, Object, Operation, Request, Trouble, Vendor};
