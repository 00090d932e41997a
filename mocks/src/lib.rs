//! Stateful mock servers of Google Directory, Salesforce and SCIM 2.0, for loopback.

pub mod clock;
pub mod fault;
pub mod log;
pub mod quota;
pub mod server;
mod target;
mod vendor;

pub use server::{Builder, Mock, Server, StartError};
pub use target::{Target, UnknownTarget};
pub use vendor::{
    Answer, Change, Kind, Object, Operation, Request, Trouble, UNSUPPORTED_HEADER, USAGE_HEADER, Vendor,
};
