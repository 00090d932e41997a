//! Composite.

use super::{
    Salesforce,
    error::{Outcome, Problem},
    rest::Call,
};
use crate::vendor::{Answer, Change};

impl Salesforce {
    pub(crate) fn composite_resource(
        &mut self,
        _call: &Call,
        _path: &[&str],
        _changes: &mut Vec<Change>,
    ) -> Outcome<Answer> {
        Err(Problem::not_offered("composite").into())
    }
}
