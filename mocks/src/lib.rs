//! Stateful mock servers of Google Directory, Salesforce and SCIM 2.0, for loopback.

pub mod bench;
pub mod clock;
pub mod fault;
pub mod google;
pub mod lab;
pub mod log;
pub mod login;
pub mod probe;
pub mod quota;
pub mod salesforce;
pub mod scim2;
pub mod server;
pub mod standalone;
mod target;
mod vendor;

pub use lab::{Handle, Lab, LabBuilder, Ready};
pub use server::{Builder, Mock, Server, StartError};
pub use standalone::{Running, StandAlone};
pub use target::{Target, UnknownTarget};
pub use vendor::{
    Answer, Change, Kind, Object, Operation, Request, Trouble, UNSUPPORTED_HEADER, USAGE_HEADER, Vendor,
};

/// A Google Directory mock that listens.
pub type GoogleMock = Server<google::Google>;
/// A Salesforce mock that listens.
pub type SalesforceMock = Server<salesforce::Salesforce>;
/// A SCIM 2.0 mock that listens.
pub type Scim2Mock = Server<scim2::Scim2>;
