//! A recorded request sent once more by hand: an exchange of its own, outside every flow and every operation.
//!
//! What the engine owes does not change by it: no link, no attempt and no operation is touched.

use std::sync::{Mutex, PoisonError};

use domain::{ConnectorRef, Exchange, Failure, NotReplayable, Tap, Unavailable};

use crate::Fact;
use crate::inner::{Inner, Owed};
use crate::journal::JournalError;

/// Why a recorded request was not sent once more, or nothing came back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReplayError {
    /// The record does not say enough to send it again, or says what must not be sent again.
    #[error(transparent)]
    NotReplayable(#[from] NotReplayable),
    /// The connector cannot be used.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The engine sends nothing, or has been stopped.
    #[error("this engine sends nothing")]
    AtRest,
    /// No answer came.
    #[error("no answer came: {0}")]
    Failed(Box<Failure>),
    /// It was sent, but could not be recorded.
    #[error("it was sent, but the journal cannot be written")]
    Journal(#[from] JournalError),
}

/// Keeps what was said and heard.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Exchange>>);

impl Tap for Heard {
    fn started(&self, _exchange: &Exchange) {}

    fn finished(&self, exchange: Exchange) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(exchange);
    }
}

impl Inner {
    pub(crate) async fn replay(
        &self,
        connector: &ConnectorRef,
        exchange: &Exchange,
    ) -> Result<(), ReplayError> {
        exchange.replayable()?;
        if !self.sends || self.is_stopping() {
            return Err(ReplayError::AtRest);
        }
        let sender = self.setup().connector(connector)?;
        let heard = Heard::default();
        let result = sender.replay(exchange, &heard).await;
        let mut owed = Owed::default();
        let exchanges = heard.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        for exchange in exchanges {
            owed.batch.push(
                None,
                Fact::ExchangeRecorded {
                    operation: None,
                    attempt: 0,
                    connector: connector.clone(),
                    exchange: Box::new(exchange),
                },
            );
        }
        if !owed.batch.is_empty() {
            self.commit(owed).await?;
        }
        result.map_err(|failure| ReplayError::Failed(Box::new(failure)))
    }
}
