//! The nouns of outbound provisioning, and the port to a connector.
//!
//! Nothing here reads a file, opens a socket or looks at a clock. Every other room builds on these words; what they mean
//! is said in the glossary of `ARCHITECTURE.md`.

mod address;
mod application;
mod claim;
mod clock;
mod configuration;
mod connection;
mod connector;
mod decision;
mod drift;
mod exchange;
mod failure;
mod field;
mod form;
mod lab;
mod link;
mod listing;
mod operation;
mod reason;
mod safeguard;
mod secret;
mod snapshot;
mod target;
mod text;
mod trigger;
mod user;

pub use address::is_loopback;
pub use application::{Application, ApplicationId, OnFailure, Provisioner};
pub use claim::{Claim, Claims, WSO2_DIALECT};
pub use clock::{Clock, Heard, ManualClock, Moved, SystemClock, Wake};
pub use configuration::{
    Configuration, EngineSettings, MetricsSettings, MockKey, MockSettings, OnDeny, Organization,
    PolicyText, Quota, RetentionPolicy, RetryPolicy, Rules, TracesSettings,
};
pub use connection::{
    AttributeMapping, AttributeSync, Connection, ConnectionId, ConnectorKind, ConnectorRef,
    ConnectorSettings, Deprovision, Fallback, JitScheme, JitSettings, LoginProtocol, LoginSettings,
    OnEmpty, OnExisting, Setting,
};
pub use connector::{
    Confirmation, Confirmed, Connector, Connectors, DEEPEST, Health, MatchKey, Order,
    RemoteAccount, Unavailable,
};
pub use decision::{Candidate, Decision, Level, Nothing, Planned, Step, TraceLine, Verdict};
pub use drift::{
    ACTIVE, Condition, Divergence, Drift, Exception, Exceptions, FieldDrift, Orphan, Resolution,
    RunId, Whose,
};
pub use exchange::{Body, Exchange, ExchangeId, Header, NotReplayable, Purpose, Response, Tap};
pub use failure::{Failure, FailureKind, Remedy};
pub use field::{Field, FieldKind};
pub use form::Form;
pub use lab::{
    Lab, LabArmed, LabChange, LabEntry, LabError, LabFault, LabFeed, LabMock, LabObject,
};
pub use link::{Link, LinkOrigin, RemoteId};
pub use listing::{AccountPage, PageRequest, PageToken};
pub use operation::{
    AttributeChange, Desired, DesiredAttribute, Member, OperationId, Origin, PasswordPlan,
    PasswordRule, PasswordSource, Verb,
};
pub use reason::Reason;
pub use safeguard::{Brake, BrakePolicy, QuarantinePolicy};
pub use secret::{Secret, SecretError, SecretRef, Secrets};
pub use snapshot::{Hold, Owner, Snapshot, Subject};
pub use target::{
    Catalogue, ConnectorType, DefaultMapping, MappedFrom, NameRule, Starter, StartsFrom, TargetSpec,
};
pub use text::{hidden, visible};
pub use trigger::{Change, FlowId, NewUser, Request, Source, Trigger, TriggerId, TriggerKind};
pub use user::{
    Group, GroupId, LocalRef, Object, QualifiedName, RoleName, StoreDomain, User, UserId,
};
