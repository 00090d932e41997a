//! What a comparison says and hears: counted, and kept short for the journal.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{ConnectorRef, Exchange, Tap};

use crate::Fact;

/// So much of an answer is kept, in bytes: a page of accounts is read again sooner than it is looked up in the journal.
const KEPT_BYTES: usize = 4 * 1024;

/// Keeps the exchanges of one comparison until they are committed.
#[derive(Debug, Default)]
pub(super) struct Listener {
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    requests: u32,
    exchanges: Vec<Exchange>,
}

impl Listener {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many requests were made so far.
    pub(super) fn requests(&self) -> u32 {
        self.lock().requests
    }

    /// Returns the facts to commit since the last time.
    pub(super) fn take_facts(&self, connector: &ConnectorRef) -> Vec<Fact> {
        let exchanges = std::mem::take(&mut self.lock().exchanges);
        exchanges
            .into_iter()
            .map(|exchange| Fact::ExchangeRecorded {
                operation: None,
                attempt: 0,
                connector: connector.clone(),
                exchange: Box::new(exchange),
            })
            .collect()
    }
}

impl Tap for Listener {
    fn started(&self, _: &Exchange) {}

    fn finished(&self, mut exchange: Exchange) {
        if let Some(response) = &mut exchange.response
            && response.body.text.len() > KEPT_BYTES
        {
            let end = response.body.text.floor_char_boundary(KEPT_BYTES);
            response.body.text.truncate(end);
            response.body.cut = true;
        }
        let mut heard = self.lock();
        heard.requests = heard.requests.saturating_add(1);
        heard.exchanges.push(exchange);
    }
}
