//! placeholder
use crate::*;
use domain::{Configuration, ConnectorRef, OperationId, Request};
use jiff::Timestamp;
use std::future::Future;
use std::sync::Arc;

/// The running engine. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine {}

impl Engine {
    /// Starts.
    pub async fn start(_options: Options) -> Result<Self, StartError> {
        Ok(Self {})
    }
    /// Carries out a request.
    pub async fn submit(&self, _request: Request) -> Result<Outcome, SubmitError> {
        Err(SubmitError::Stopped)
    }
    /// Decides without doing.
    pub fn plan(&self, _request: &Request) -> Result<Plan, SubmitError> {
        Err(SubmitError::Stopped)
    }
    /// Subscribes.
    pub fn subscribe(&self) -> Subscription {
        Subscription {
            receiver: tokio::sync::broadcast::channel(1).1,
        }
    }
    /// A reader on the same journal.
    pub fn reader(&self) -> Reader {
        unreachable!()
    }
    /// Waits until nothing is queued, due or in flight.
    pub async fn idle(&self) -> Idle {
        Idle {
            waiting: 0,
            next: None,
            held: 0,
        }
    }
    /// Waits through everything that is due before an instant.
    pub async fn idle_until(&self, _deadline: Timestamp) -> Idle {
        Idle {
            waiting: 0,
            next: None,
            held: 0,
        }
    }
    /// Tries an operation again now.
    pub async fn retry(&self, operation: OperationId) -> Result<(), CommandError> {
        Err(CommandError::OperationUnknown(operation))
    }
    /// Gives an operation up.
    pub async fn discard(&self, operation: OperationId, _why: &str) -> Result<(), CommandError> {
        Err(CommandError::OperationUnknown(operation))
    }
    /// Pauses a connector.
    pub async fn pause(&self, connector: &ConnectorRef, _detail: &str) -> Result<(), CommandError> {
        Err(CommandError::ConnectorUnknown(connector.clone()))
    }
    /// Resumes a connector.
    pub async fn resume(
        &self,
        connector: &ConnectorRef,
        _detail: &str,
    ) -> Result<(), CommandError> {
        Err(CommandError::ConnectorUnknown(connector.clone()))
    }
    /// Works by a new configuration from now on.
    pub async fn reconfigure(
        &self,
        _configuration: Arc<Configuration>,
    ) -> Result<(), CommandError> {
        Ok(())
    }
    /// Puts a starting state in; no triggers.
    pub async fn seed(&self, _seed: &Seed) -> Result<Seeded, SubmitError> {
        Ok(Seeded::default())
    }
    /// Imports users, one trigger per row.
    pub fn import(
        &self,
        _source: Import,
        _progress: impl FnMut(&ImportReport) + Send,
    ) -> impl Future<Output = Result<ImportReport, ImportError>> + Send {
        async { Ok(ImportReport::default()) }
    }
    /// Stops: what is in flight ends, nothing new is sent.
    pub async fn shutdown(&self) {}
    /// Ends at once, as a killed process would.
    pub async fn abort(&self) {}
}
