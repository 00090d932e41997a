//! Queries and their pages.

use super::{
    Salesforce,
    error::{Outcome, Problem},
    rest::Call,
};
use crate::vendor::Answer;

/// Open cursors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursors;

impl Salesforce {
    pub(crate) fn query(&mut self, _call: &Call) -> Outcome<Answer> {
        Err(Problem::not_offered("query").into())
    }
    pub(crate) fn query_more(&mut self, _call: &Call, _locator: &str) -> Outcome<Answer> {
        Err(Problem::not_offered("query").into())
    }
}
