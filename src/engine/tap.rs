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

    fn finished(&self, exchange: Exchange) {
        self.lock().push(exchange);
    }

    fn traceparent(&self) -> Option<String> {
        Some(traceparent(self.flow, self.operation, self.attempt))
    }
}

/// Returns the span (W3C Trace Context) that the requests of an attempt name as theirs; the trace is the flow.
pub fn span_of(operation: OperationId, attempt: u32) -> u64 {
    let (_, low) = operation.0.as_u64_pair();
    // No span may be zero, which an id of ours never is.
    (low ^ u64::from(attempt)).max(1)
}

fn traceparent(flow: FlowId, operation: OperationId, attempt: u32) -> String {
    let span = span_of(operation, attempt);
    format!("00-{}-{span:016x}-01", flow.0.simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_a_flow_and_each_attempt_is_a_span_of_its_own() {
        let flow = FlowId("01a22388-36ac-7359-aebd-cab5fb8b71a0".parse().unwrap());
        let of = |low| OperationId(uuid::Uuid::from_u64_pair(7, low));
        assert_eq!(
            traceparent(flow, of(0x8fc5_3672_6539_5653), 1),
            "00-01a2238836ac7359aebdcab5fb8b71a0-8fc5367265395652-01"
        );
        assert_ne!(traceparent(flow, of(7), 1), traceparent(flow, of(7), 2));
        assert!(traceparent(flow, of(1), 1).contains("-0000000000000001-"));
    }
}
