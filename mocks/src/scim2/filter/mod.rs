//! Filters: text to tree, tree to text, and the tree held against a resource (RFC 7644, section 3.4.2.2).

mod eval;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Deserialize;

use super::path::AttributePath;

pub(crate) use eval::{Bound, Matching};
pub(crate) use parser::{parse, parse_path};

/// A filter as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// `title pr`
    Present(AttributePath),
    /// `userName eq "kim"`
    Test(AttributePath, Operator, Literal),
    /// `emails[type eq "work"]`, and with something behind it `emails[type eq "work"].value eq "…"`.
    Values {
        name: AttributePath,
        inner: Box<Filter>,
        behind: Option<(String, Comparison)>,
    },
    /// At least two parts.
    And(Vec<Filter>),
    /// At least two parts.
    Or(Vec<Filter>),
    /// `not (…)`
    Not(Box<Filter>),
}

/// What stands behind a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Comparison {
    Present,
    Test(Operator, Literal),
}

/// The comparing operators. `pr` is none of them: it takes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// Returns the operator as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.word().eq_ignore_ascii_case(word))
    }
}

/// The value of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Number(serde_json::Number),
    Boolean(bool),
    Null,
}

/// The path of a PATCH operation as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PatchPath {
    pub(crate) name: AttributePath,
    pub(crate) filter: Option<Filter>,
    /// The sub-attribute behind the value filter.
    pub(crate) sub: Option<String>,
}

impl fmt::Display for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(name) => write!(out, "{name} pr"),
            Self::Test(name, operator, literal) => {
                write!(out, "{name} {} {literal}", operator.word())
            }
            Self::Values {
                name,
                inner,
                behind,
            } => {
                write!(out, "{name}[{inner}]")?;
                match behind {
                    None => Ok(()),
                    Some((sub, Comparison::Present)) => write!(out, ".{sub} pr"),
                    Some((sub, Comparison::Test(operator, literal))) => {
                        write!(out, ".{sub} {} {literal}", operator.word())
                    }
                }
            }
            Self::And(parts) => write_joined(out, parts, " and ", |part| {
                matches!(part, Self::And(_) | Self::Or(_))
            }),
            Self::Or(parts) => write_joined(out, parts, " or ", |part| matches!(part, Self::Or(_))),
            Self::Not(inner) => write!(out, "not ({inner})"),
        }
    }
}

fn write_joined(
    out: &mut fmt::Formatter<'_>,
    parts: &[Filter],
    join: &str,
    needs_parentheses: fn(&Filter) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.write_str(join)?;
        }
        if needs_parentheses(part) {
            write!(out, "({part})")?;
        } else {
            write!(out, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Literal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(out, "{}", serde_json::Value::String(text.clone())),
            Self::Number(number) => write!(out, "{number}"),
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Null => out.write_str("null"),
        }
    }
}
