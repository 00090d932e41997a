//! Reading the accounts of a target page by page: what is asked, and what comes back.

use serde::{Deserialize, Serialize};

use crate::{Object, RemoteAccount};

/// Where the next page begins, in the connector's own terms. Good for the same question at the same target only, and for
/// as long as the target knows it: it is kept, and another process may go on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(pub String);

/// One page of accounts that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<'a> {
    /// Users or groups.
    pub object: Object,
    /// Where the page begins; `None` for the first.
    pub from: Option<&'a PageToken>,
    /// How many accounts at most. A target that gives fewer at once gives fewer.
    pub size: usize,
    /// The remote attributes that are wanted; a target that shows only what it is asked for is asked for these.
    pub attributes: &'a [String],
}

/// One page of accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountPage {
    /// The accounts, in the target's order.
    pub accounts: Vec<RemoteAccount>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<PageToken>,
    /// How many accounts there are in all, where the target says so.
    pub total: Option<u64>,
    /// How many entries of the page were no accounts that can be told apart: without an id.
    pub unreadable: usize,
}
