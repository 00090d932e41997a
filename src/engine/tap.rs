//! Keeps what one attempt said and heard, and shows it to subscribers while it is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{ConnectorRef, Exchange, FlowId, OperationId, Tap};
use tokio::sync::broadcast;

use crate::handle::{News, Started};

/// The tap of one attempt; what it kept is committed with the attempt's result.
#[derive(Debug)]
pub(crate) struct Recorder {
    flow: FlowId,
    operation: OperationId,
    attempt: u32,
    connector: ConnectorRef,
    news: broadcast::Sender<News>,
    finished: Mutex<Vec<Exchange>>,
}

impl Recorder {
    pub(crate) fn new(
        flow: FlowId,
        operation: OperationId,
        attempt: u32,
        connector: ConnectorRef,
        news: broadcast::Sender<News>,
    ) -> Self {
        Self {
            flow,
            operation,
            attempt,
            connector,
            news,
            finished: Mutex::new(Vec::new()),
        }
    }

    /// Returns the facts to commit.
    pub(crate) fn into_facts(self) -> Vec<crate::Fact> {
        let finished = self
            .finished
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        finished
            .into_iter()
            .map(|exchange| crate::Fact::ExchangeRecorded {
                operation: Some(self.operation),
                attempt: self.attempt,
                connector: self.connector.clone(),
                exchange: Box::new(exchange),
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for Recorder {
    fn started(&self, exchange: &Exchange) {
        if self.news.receiver_count() == 0 {
            return;
        }
        let started = Started {
            flow: self.flow,
            operation: self.operation,
            attempt: self.attempt,
            connector: self.connector.clone(),
            exchange: exchange.clone(),
        };
        let _ = self.news.send(News::Started(Arc::new(started))); // nobody listening is fine
    }

    fn finished(&self, exchange: &Exchange) {
        self.lock().push(exchange.clone());
    }
}
