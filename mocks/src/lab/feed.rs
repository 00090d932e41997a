//! The logs of all three mocks as one stream.

use std::sync::Arc;

use crate::log::{Entry, Feed};

/// Follows the logs of a lab while they are written. Entries of one mock come in order; between mocks as they happen.
#[derive(Debug)]
pub struct LabFeed {
    google: Feed,
    salesforce: Feed,
    scim2: Feed,
}

impl LabFeed {
    pub(super) fn new(google: Feed, salesforce: Feed, scim2: Feed) -> Self {
        Self {
            google,
            salesforce,
            scim2,
        }
    }

    /// Waits for the next entry; `None` once the lab is gone.
    pub async fn next(&mut self) -> Option<Arc<Entry>> {
        tokio::select! {
            Some(entry) = self.google.next() => Some(entry),
            Some(entry) = self.salesforce.next() => Some(entry),
            Some(entry) = self.scim2.next() => Some(entry),
            else => None,
        }
    }

    /// Returns an entry if there is one by now.
    pub fn try_next(&mut self) -> Option<Arc<Entry>> {
        self.google
            .try_next()
            .or_else(|| self.salesforce.try_next())
            .or_else(|| self.scim2.try_next())
    }

    /// Returns how many entries came faster than they were taken and are lost to this feed.
    pub fn missed(&self) -> u64 {
        self.google.missed() + self.salesforce.missed() + self.scim2.missed()
    }
}
