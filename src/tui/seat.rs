//! The engine that the workbench works on: one of its own, or that of another process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Brake, Configuration, ConnectorRef, Exchange, FlowId, OperationId, Request};
use engine::{
    Engine, Idle, Intake, Plan, ReadBudget, SubmitError, Subscription, Tally, WaitVerdict, Wish,
};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::screen::told;

/// What the workbench asks of an engine. Errors are for people.
#[async_trait]
pub trait Seat: Send + Sync {
    /// Follows what happens from now on.
    fn subscribe(&self) -> Subscription;

    /// Tells how the workbench stands to the engine, and whenever that changes; nothing when it is its own.
    fn standing(&self) -> Option<watch::Receiver<Standing>>;

    /// Decides what a request would lead to. Reads the journal, so it may block.
    fn plan(&self, request: &Request) -> Result<Plan, String>;

    /// Hands in a request; answered when its caller may go on.
    async fn submit(&self, request: Request) -> Result<Submitted, Refusal>;

    /// Takes the requests of an import.
    fn intake(&self) -> Arc<dyn Intake>;

    /// Tries an operation again now.
    async fn retry(&self, operation: OperationId) -> Result<(), String>;

    /// Gives an operation up.
    async fn discard(&self, operation: OperationId, why: &str) -> Result<(), String>;

    /// Sends nothing more to a connector.
    async fn pause(&self, connector: &ConnectorRef, why: &str) -> Result<(), String>;

    /// Sends to a connector again.
    async fn resume(&self, connector: &ConnectorRef, why: &str) -> Result<(), String>;

    /// Sees whether a connector in quarantine works again.
    async fn probe(&self, connector: &ConnectorRef) -> Result<(), String>;

    /// Ends a quarantine.
    async fn release(&self, connector: &ConnectorRef, why: &str) -> Result<(), String>;

    /// Lets what a brake keeps go on; returns how many operations.
    async fn approve(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
        expires: Duration,
    ) -> Result<u64, String>;

    /// Gives up what a brake keeps; returns how many operations.
    async fn reject(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
    ) -> Result<u64, String>;

    /// Compares a target's accounts with what should be there.
    async fn compare(&self, connector: &ConnectorRef, budget: ReadBudget) -> Result<Tally, String>;

    /// Decides about a difference.
    async fn resolve(&self, wish: &Wish) -> Result<(), String>;

    /// Sends a recorded request once more; `number` is its number in the journal.
    async fn replay(
        &self,
        connector: &ConnectorRef,
        exchange: &Exchange,
        number: u64,
    ) -> Result<(), String>;

    /// Works by the configuration that was written to `workbench.toml`.
    async fn reconfigure(&self, configuration: Arc<Configuration>) -> Result<(), String>;

    /// Waits until nothing is under way and nothing becomes due before an instant; says so when that does not come about.
    async fn idle_until(&self, deadline: Timestamp) -> Result<Idle, String>;
}

/// How the workbench stands to an engine that is not its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It follows and commands the engine of this process.
    Attached {
        /// The process.
        process: u32,
    },
    /// Another process works on the journal and takes no commands: a command that ends soon, for example.
    Deaf,
    /// No engine runs on the journal any more.
    Alone,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The flow.
    pub flow: FlowId,
    /// How many operations follow from it.
    pub operations: usize,
    /// Why the change was not made, when a blocking provisioner refused it.
    pub rejected: Option<String>,
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In words.
    pub told: String,
    /// Whether nothing else will be taken either.
    pub is_over: bool,
}

#[async_trait]
impl Seat for Engine {
    fn subscribe(&self) -> Subscription {
        Self::subscribe(self)
    }

    fn standing(&self) -> Option<watch::Receiver<Standing>> {
        None
    }

    fn plan(&self, request: &Request) -> Result<Plan, String> {
        Self::plan(self, request).map_err(|error| told(&error))
    }

    async fn submit(&self, request: Request) -> Result<Submitted, Refusal> {
        match Self::submit(self, request).await {
            Ok(outcome) => Ok(Submitted {
                flow: outcome.flow,
                operations: outcome.operations.len(),
                rejected: match outcome.verdict {
                    Some(WaitVerdict::Rejected { cause }) => Some(cause.to_string()),
                    _ => None,
                },
            }),
            Err(error) => Err(Refusal {
                told: told(&error),
                is_over: matches!(error, SubmitError::Journal(_) | SubmitError::Stopped),
            }),
        }
    }

    fn intake(&self) -> Arc<dyn Intake> {
        Arc::new(self.clone())
    }

    async fn retry(&self, operation: OperationId) -> Result<(), String> {
        Self::retry(self, operation)
            .await
            .map_err(|error| told(&error))
    }

    async fn discard(&self, operation: OperationId, why: &str) -> Result<(), String> {
        Self::discard(self, operation, why)
            .await
            .map_err(|error| told(&error))
    }

    async fn pause(&self, connector: &ConnectorRef, why: &str) -> Result<(), String> {
        Self::pause(self, connector, why)
            .await
            .map_err(|error| told(&error))
    }

    async fn resume(&self, connector: &ConnectorRef, why: &str) -> Result<(), String> {
        Self::resume(self, connector, why)
            .await
            .map_err(|error| told(&error))
    }

    async fn probe(&self, connector: &ConnectorRef) -> Result<(), String> {
        Self::probe(self, connector).map_err(|error| told(&error))
    }

    async fn release(&self, connector: &ConnectorRef, why: &str) -> Result<(), String> {
        self.release_quarantine(connector, why)
            .await
            .map_err(|error| told(&error))
    }

    async fn approve(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
        expires: Duration,
    ) -> Result<u64, String> {
        self.approve_brake(connector, brake, by, reason, expires)
            .await
            .map_err(|error| told(&error))
    }

    async fn reject(
        &self,
        connector: &ConnectorRef,
        brake: Brake,
        by: &str,
        reason: &str,
    ) -> Result<u64, String> {
        self.reject_brake(connector, brake, by, reason)
            .await
            .map_err(|error| told(&error))
    }

    async fn compare(&self, connector: &ConnectorRef, budget: ReadBudget) -> Result<Tally, String> {
        let report = self.reconcile(connector, budget).await;
        report
            .map(|report| report.tally)
            .map_err(|error| told(&error))
    }

    async fn resolve(&self, wish: &Wish) -> Result<(), String> {
        let outcome = Self::resolve(self, wish).await;
        outcome.map(|_| ()).map_err(|error| told(&error))
    }

    async fn replay(
        &self,
        connector: &ConnectorRef,
        exchange: &Exchange,
        _number: u64,
    ) -> Result<(), String> {
        Self::replay(self, connector, exchange)
            .await
            .map_err(|error| told(&error))
    }

    async fn reconfigure(&self, configuration: Arc<Configuration>) -> Result<(), String> {
        Self::reconfigure(self, configuration)
            .await
            .map_err(|error| told(&error))
    }

    async fn idle_until(&self, deadline: Timestamp) -> Result<Idle, String> {
        Ok(Self::idle_until(self, deadline).await)
    }
}
