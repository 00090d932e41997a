//! Stateful mock servers of Google Directory, Salesforce and SCIM 2.0, for loopback.
//!
//! One mock inside a test is [`Scim2Mock`], [`GoogleMock`] or [`SalesforceMock`]; all three together are a [`Lab`]; a
//! program of their own is [`StandAlone`]. What each honours stands in `docs/mocks.md`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use outbound_mocks::Scim2Mock;
//!
//! let mock = Scim2Mock::builder()
//!     .seed("[[scim2.users]]\nuserName = 'kim'\n")
//!     .fault("drop-after:op=Users.create,times=1")
//!     .start()
//!     .await?;
//!
//! // Whatever is tested talks to `mock.url()` with `mock.authorization()`. Then:
//! assert_eq!(mock.objects()[0].name, "kim");
//! assert!(mock.log().is_empty());
//! assert_eq!(mock.armed()[0].remaining, Some(1));
//! mock.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Inside: a [`Vendor`] is a state machine without socket and clock; a [`Mock`] puts faults, quotas, snapshots and the
//! log around it; a [`Server`] listens.

pub mod bench;
mod body;
pub mod clock;
pub mod fault;
pub mod google;
pub mod lab;
pub mod log;
pub mod login;
mod numbers;
pub mod probe;
pub mod quota;
pub mod salesforce;
pub mod scim2;
pub mod server;
mod sheet;
pub mod standalone;
mod target;
mod vendor;

pub use body::Body;
pub use lab::{Handle, Lab, LabBuilder, Ready};
pub use server::{Builder, Mock, Server, StartError};
pub use standalone::{Running, StandAlone};
pub use target::{Target, UnknownTarget};
pub use vendor::{
    Answer, Change, Kind, Object, Operation, Request, Trouble, UNSUPPORTED_HEADER, USAGE_HEADER,
    Vendor,
};

/// A Google Directory mock that listens.
pub type GoogleMock = Server<google::Google>;
/// A Salesforce mock that listens.
pub type SalesforceMock = Server<salesforce::Salesforce>;
/// A SCIM 2.0 mock that listens.
pub type Scim2Mock = Server<scim2::Scim2>;
