//! The query language: text to tokens, tokens to a tree, the tree bound to the schema, and the records it finds.
//!
//! Source: SOQL and SOSL Reference. What is not spoken (HAVING, TYPEOF, child subqueries, date functions, WITH, FOR)
//! is refused as malformed, as the vendor refuses what it does not know.

mod bind;
mod eval;
mod lexer;
mod parser;

pub(crate) use self::{
    bind::{Function, Output, Path, Query, bind},
    eval::{Rows, find},
    parser::parse,
};

use super::error::Problem;

/// A refusal that shows the place in the query, in the vendor's four lines.
pub(crate) fn located(code: &'static str, query: &str, at: usize, message: &str) -> Problem {
    let at = (0..=at.min(query.len()))
        .rev()
        .find(|&at| query.is_char_boundary(at))
        .unwrap_or_default();
    let before = &query[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = query[start..].lines().next().unwrap_or_default();
    let row = before.matches('\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    let caret = format!("{}^", " ".repeat(column - 1));
    Problem::bad(
        code,
        format!("\n{line}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}"),
    )
}

/// A query the vendor cannot read.
pub(crate) fn malformed(query: &str, at: usize, message: &str) -> Problem {
    located("MALFORMED_QUERY", query, at, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_points_at_the_place() {
        let problem = malformed("SELECT Id\nFORM User", 10, "unexpected token: 'FORM'");
        assert_eq!(
            problem.message,
            "\nFORM User\n^\nERROR at Row:2:Column:1\nunexpected token: 'FORM'"
        );
        let problem = malformed("äöü", 3, "x");
        assert!(problem.message.contains("Column:2"), "{}", problem.message);
    }
}
