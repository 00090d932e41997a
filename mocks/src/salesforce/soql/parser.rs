//! Tokens as a tree of names and literals; nothing is looked up here.

use super::{
    lexer::{Piece, Token, tokens},
    malformed,
};
use crate::salesforce::error::Problem;

/// How deep conditions and subqueries may nest. The vendor's own bound is unknown; this keeps the stack small.
const DEEPEST: usize = 40;

/// A dotted name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    pub(crate) parts: Vec<String>,
    pub(crate) at: usize,
}

/// One column as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Column {
    Field(Name),
    /// `COUNT()`, `COUNT(Id) total`, `MAX(CreatedDate)` …
    Call {
        function: String,
        argument: Option<Name>,
        alias: Option<String>,
        at: usize,
    },
    /// `FIELDS(ALL)`
    Fields {
        which: String,
        at: usize,
    },
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Differs,
    Below,
    Above,
    AtMost,
    AtLeast,
    Like,
}

/// A literal as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Flag(bool),
    Text {
        value: String,
        pattern: String,
    },
    Number(f64),
    Moment(String),
    /// `TODAY`, `LAST_N_DAYS:7` …
    Relative(String, Option<u32>),
}

/// A condition as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        left: Name,
        comparison: Comparison,
        right: Literal,
        at: usize,
    },
    In {
        left: Name,
        values: Vec<(Literal, usize)>,
        negated: bool,
    },
    InQuery {
        left: Name,
        query: Box<Select>,
        negated: bool,
    },
}

/// One element of ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) name: Name,
    pub(crate) descending: bool,
    pub(crate) nulls_last: bool,
}

/// A whole query as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Select {
    pub(crate) columns: Vec<Column>,
    pub(crate) from: Name,
    pub(crate) alias: Option<String>,
    pub(crate) condition: Option<Condition>,
    pub(crate) group: Vec<Name>,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
}

const KEYWORDS: [&str; 16] = [
    "select", "from", "where", "group", "order", "limit", "offset", "and", "or", "not", "in",
    "like", "having", "with", "for", "using",
];

/// Reads a query.
pub(crate) fn parse(query: &str) -> Result<Select, Problem> {
    let mut parser = Parser {
        query,
        tokens: tokens(query)?,
        next: 0,
        depth: 0,
    };
    let select = parser.select()?;
    match parser.peek() {
        Piece::End => Ok(select),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    query: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Piece {
        &self.tokens[self.next].piece
    }

    fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    fn advance(&mut self) -> Piece {
        let piece = self.peek().clone();
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        piece
    }

    fn unexpected(&self) -> Problem {
        malformed(
            self.query,
            self.at(),
            &format!("unexpected token: '{}'", self.peek().shown()),
        )
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let found = self.peek().is(keyword);
        if found {
            self.advance();
        }
        found
    }

    fn takes_symbol(&mut self, symbol: &'static str) -> bool {
        let found = *self.peek() == Piece::Symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, keyword: &str) -> Result<(), Problem> {
        if self.takes(keyword) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_symbol(&mut self, symbol: &'static str) -> Result<(), Problem> {
        if self.takes_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.depth >= DEEPEST {
            return Err(malformed(
                self.query,
                self.at(),
                "The query nests its conditions too deeply",
            ));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn select(&mut self) -> Result<Select, Problem> {
        self.expect("select")?;
        let mut columns = vec![self.column()?];
        while self.takes_symbol(",") {
            columns.push(self.column()?);
        }
        self.expect("from")?;
        let from = self.name()?;
        let alias = self.alias();
        let condition = if self.takes("where") {
            Some(self.conditions()?)
        } else {
            None
        };
        let mut group = Vec::new();
        if self.takes("group") {
            self.expect("by")?;
            group.push(self.name()?);
            while self.takes_symbol(",") {
                group.push(self.name()?);
            }
        }
        let mut order = Vec::new();
        if self.takes("order") {
            self.expect("by")?;
            order.push(self.ordering()?);
            while self.takes_symbol(",") {
                order.push(self.ordering()?);
            }
        }
        let limit = if self.takes("limit") {
            Some(self.count()?)
        } else {
            None
        };
        let offset = if self.takes("offset") {
            Some(self.count()?)
        } else {
            None
        };
        Ok(Select {
            columns,
            from,
            alias,
            condition,
            group,
            order,
            limit,
            offset,
        })
    }

    /// A name of its own behind a column or an object: anything that is no keyword.
    fn alias(&mut self) -> Option<String> {
        match self.peek() {
            Piece::Word(word)
                if !KEYWORDS
                    .iter()
                    .any(|keyword| word.eq_ignore_ascii_case(keyword)) =>
            {
                let word = word.clone();
                self.advance();
                Some(word)
            }
            _ => None,
        }
    }

    fn word(&mut self) -> Result<String, Problem> {
        match self.peek() {
            Piece::Word(word) => {
                let word = word.clone();
                self.advance();
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn name(&mut self) -> Result<Name, Problem> {
        let at = self.at();
        let mut parts = vec![self.word()?];
        while self.takes_symbol(".") {
            parts.push(self.word()?);
        }
        Ok(Name { parts, at })
    }

    fn column(&mut self) -> Result<Column, Problem> {
        let at = self.at();
        if self.peek().is("from") {
            return Err(self.unexpected());
        }
        let name = self.name()?;
        if !self.takes_symbol("(") {
            let behind = self.at();
            return match self.alias() {
                Some(_) => Err(malformed(
                    self.query,
                    behind,
                    "only aggregate expressions use field aliasing",
                )),
                None => Ok(Column::Field(name)),
            };
        }
        let function = name.parts.join(".").to_ascii_uppercase();
        if function == "FIELDS" {
            let which = self.word()?.to_ascii_uppercase();
            self.expect_symbol(")")?;
            return Ok(Column::Fields { which, at });
        }
        let argument = if *self.peek() == Piece::Symbol(")") {
            None
        } else {
            Some(self.name()?)
        };
        self.expect_symbol(")")?;
        let alias = self.alias();
        Ok(Column::Call {
            function,
            argument,
            alias,
            at,
        })
    }

    fn ordering(&mut self) -> Result<Order, Problem> {
        let name = self.name()?;
        let descending = !self.takes("asc") && self.takes("desc");
        let nulls_last = if self.takes("nulls") {
            let last = self.takes("last");
            if !last {
                self.expect("first")?;
            }
            last
        } else {
            false
        };
        Ok(Order {
            name,
            descending,
            nulls_last,
        })
    }

    fn count(&mut self) -> Result<u64, Problem> {
        match self.peek() {
            Piece::Number(number) => match number.parse() {
                Ok(number) => {
                    self.advance();
                    Ok(number)
                }
                Err(_) => Err(self.unexpected()),
            },
            _ => Err(self.unexpected()),
        }
    }

    /// A chain of ANDs or of ORs; the two do not mix without parentheses, as at the vendor.
    fn conditions(&mut self) -> Result<Condition, Problem> {
        let first = self.condition()?;
        for (keyword, other) in [("and", "or"), ("or", "and")] {
            if !self.peek().is(keyword) {
                continue;
            }
            let mut all = vec![first];
            while self.takes(keyword) {
                all.push(self.condition()?);
            }
            if self.peek().is(other) {
                return Err(self.unexpected());
            }
            return Ok(if keyword == "and" {
                Condition::And(all)
            } else {
                Condition::Or(all)
            });
        }
        Ok(first)
    }

    fn condition(&mut self) -> Result<Condition, Problem> {
        if self.takes("not") {
            return self.deeper(|parser| Ok(Condition::Not(Box::new(parser.condition()?))));
        }
        if self.takes_symbol("(") {
            return self.deeper(|parser| {
                let inner = parser.conditions()?;
                parser.expect_symbol(")")?;
                Ok(inner)
            });
        }
        let left = self.name()?;
        if self.takes("in") {
            return self.set(left, false);
        }
        if self.takes("not") {
            self.expect("in")?;
            return self.set(left, true);
        }
        let comparison = self.comparison()?;
        let at = self.at();
        let right = self.literal()?;
        Ok(Condition::Compare {
            left,
            comparison,
            right,
            at,
        })
    }

    fn comparison(&mut self) -> Result<Comparison, Problem> {
        let comparison = match self.peek() {
            Piece::Symbol("=") => Comparison::Equal,
            Piece::Symbol("!=" | "<>") => Comparison::Differs,
            Piece::Symbol("<") => Comparison::Below,
            Piece::Symbol(">") => Comparison::Above,
            Piece::Symbol("<=") => Comparison::AtMost,
            Piece::Symbol(">=") => Comparison::AtLeast,
            word if word.is("like") => Comparison::Like,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(comparison)
    }

    fn set(&mut self, left: Name, negated: bool) -> Result<Condition, Problem> {
        self.expect_symbol("(")?;
        if self.peek().is("select") {
            let query = self.deeper(Self::select)?;
            self.expect_symbol(")")?;
            return Ok(Condition::InQuery {
                left,
                query: Box::new(query),
                negated,
            });
        }
        let mut values = Vec::new();
        loop {
            let at = self.at();
            values.push((self.literal()?, at));
            if !self.takes_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(Condition::In {
            left,
            values,
            negated,
        })
    }

    fn literal(&mut self) -> Result<Literal, Problem> {
        let literal = match self.peek().clone() {
            Piece::Text { value, pattern } => Literal::Text { value, pattern },
            Piece::Number(text) => Literal::Number(text.parse().map_err(|_| self.unexpected())?),
            Piece::Moment(text) => Literal::Moment(text),
            Piece::Word(word) => return self.literal_word(&word),
            Piece::Symbol(_) | Piece::End => return Err(self.unexpected()),
        };
        self.advance();
        Ok(literal)
    }

    fn literal_word(&mut self, word: &str) -> Result<Literal, Problem> {
        const RELATIVE: [&str; 16] = [
            "TODAY",
            "YESTERDAY",
            "TOMORROW",
            "THIS_WEEK",
            "LAST_WEEK",
            "NEXT_WEEK",
            "THIS_MONTH",
            "LAST_MONTH",
            "NEXT_MONTH",
            "THIS_YEAR",
            "LAST_YEAR",
            "NEXT_YEAR",
            "LAST_90_DAYS",
            "NEXT_90_DAYS",
            "LAST_N_DAYS",
            "NEXT_N_DAYS",
        ];
        let upper = word.to_ascii_uppercase();
        let literal = match upper.as_str() {
            "NULL" => Literal::Null,
            "TRUE" => Literal::Flag(true),
            "FALSE" => Literal::Flag(false),
            word if RELATIVE.contains(&word) => {
                self.advance();
                let days = if word.contains("_N_") {
                    self.expect_symbol(":")?;
                    Some(u32::try_from(self.count()?).map_err(|_| self.unexpected())?)
                } else {
                    None
                };
                return Ok(Literal::Relative(upper, days));
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(literal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_with_everything_is_read() {
        let select = parse(
            "select Id, Profile.Name, count(Id) total from User u where (Name like 'a%' or not IsActive = true) and Alias in ('a','b') \
             and Id not in (select AssigneeId from PermissionSetAssignment) group by Id order by Name desc nulls last, Id limit 5 offset 2",
        )
        .unwrap();
        assert_eq!(select.columns.len(), 3);
        assert_eq!(select.alias.as_deref(), Some("u"));
        assert!(matches!(select.condition, Some(Condition::And(ref all)) if all.len() == 3));
        assert_eq!((select.limit, select.offset), (Some(5), Some(2)));
        assert!(select.order[0].descending && select.order[0].nulls_last);
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        for (query, complaint) in [
            ("", "unexpected token: '<EOF>'"),
            ("SELECT FROM User", "unexpected token: 'FROM'"),
            (
                "SELECT Id FORM User",
                "only aggregate expressions use field aliasing",
            ),
            ("SELECT * FROM User", "unexpected token: '*'"),
            (
                "SELECT Id FROM User WHERE a = 1 AND b = 2 OR c = 3",
                "unexpected token: 'OR'",
            ),
            (
                "SELECT Id FROM User WHERE Name = kim",
                "unexpected token: 'kim'",
            ),
            (
                "SELECT Id FROM User WHERE Name IS NULL",
                "unexpected token: 'IS'",
            ),
            ("SELECT Id FROM User WHERE", "unexpected token: '<EOF>'"),
            ("SELECT Id FROM User LIMIT x", "unexpected token: 'x'"),
            ("SELECT Id FROM User HAVING 1", "unexpected token: 'HAVING'"),
            (
                "SELECT Id FROM User extra words",
                "unexpected token: 'words'",
            ),
        ] {
            let message = parse(query).unwrap_err().message;
            assert!(message.ends_with(complaint), "{query}: {message}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!(
            "SELECT Id FROM User WHERE {}Id = null{}",
            "(".repeat(100_000),
            ")".repeat(100_000)
        );
        assert!(parse(&deep).unwrap_err().message.contains("too deeply"));
        let not = format!(
            "SELECT Id FROM User WHERE {} Id = null",
            "NOT ".repeat(100_000)
        );
        assert!(parse(&not).unwrap_err().message.contains("too deeply"));
    }
}
