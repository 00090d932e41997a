//! Provisioning patterns: how the name at the target is made from user name, store, tenant and connection.
//!
//! `{UD,UN}` with separator `-` makes `SALES/kim` into `sales-kim`. Tokens: `UN` user name without its store, `UD` user
//! store domain, `TD` tenant domain, `IDP` connection name.

use std::fmt;

use domain::QualifiedName;

/// The separator when none is configured.
pub const DEFAULT_SEPARATOR: &str = "_";

/// The pattern when none is configured, as it is written.
pub const DEFAULT_PATTERN: &str = "{UN}";

/// A checked provisioning pattern. The default is `{UN}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
}

/// One part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// `UN`: the user name without its store.
    UserName,
    /// `UD`: the user store domain.
    UserDomain,
    /// `TD`: the tenant domain.
    TenantDomain,
    /// `IDP`: the connection's name.
    Connection,
}

/// Why a pattern cannot be used, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at character {position}")]
pub struct PatternError {
    /// The character within the pattern, from 1.
    pub position: usize,
    /// What is wrong there.
    pub problem: PatternProblem,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternProblem {
    /// The tokens do not stand inside one pair of braces.
    #[error("tokens must stand inside one pair of braces, as in {DEFAULT_PATTERN}")]
    Braces,
    /// There is no token between the braces.
    #[error("there is no token between the braces")]
    Empty,
    /// A token that does not exist.
    #[error("unknown token {token}{}", suggestion.map(|token| format!(", did you mean {token}?")).unwrap_or_default())]
    Unknown {
        /// The token as it was written.
        token: String,
        /// The token that was probably meant.
        suggestion: Option<Token>,
    },
}

impl Token {
    /// Every token.
    pub const ALL: [Self; 4] = [
        Self::UserName,
        Self::UserDomain,
        Self::TenantDomain,
        Self::Connection,
    ];

    /// Returns the token as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::UserName => "UN",
            Self::UserDomain => "UD",
            Self::TenantDomain => "TD",
            Self::Connection => "IDP",
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Default for Pattern {
    fn default() -> Self {
        Self {
            tokens: vec![Token::UserName],
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.tokens.iter().map(|token| token.word()).collect();
        write!(f, "{{{}}}", words.join(","))
    }
}

impl Pattern {
    /// Reads a pattern: tokens separated by commas inside one pair of braces. Blanks and empty places are skipped.
    ///
    /// # Errors
    /// [`PatternError`] with the position: no braces or text outside them, no token, an unknown token.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (body, start) = body(text)?;
        let mut tokens = Vec::new();
        let mut position = start;
        for part in body.split(',') {
            let word = part.trim();
            if !word.is_empty() {
                let blanks = part.chars().take_while(|c| c.is_whitespace()).count();
                tokens.push(token(word, position + blanks)?);
            }
            position += part.chars().count() + 1;
        }
        if tokens.is_empty() {
            return Err(PatternError {
                position: start,
                problem: PatternProblem::Empty,
            });
        }
        Ok(Self { tokens })
    }

    /// Returns the tokens in order.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }
}

/// Returns what stands between the braces, and the position of its first character.
fn body(text: &str) -> Result<(&str, usize), PatternError> {
    let braces = |at: usize| PatternError {
        position: text[..at].chars().count() + 1,
        problem: PatternProblem::Braces,
    };
    let blanks = text.len() - text.trim_start().len();
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('{').ok_or_else(|| braces(blanks))?;
    let close = inner.find(['{', '}']).ok_or_else(|| braces(text.len()))?;
    let end = blanks + 1 + close;
    if inner[close..].starts_with('{') {
        return Err(braces(end));
    }
    if inner.len() > close + 1 {
        return Err(braces(end + 1));
    }
    Ok((&inner[..close], text[..=blanks].chars().count() + 1))
}

fn token(word: &str, position: usize) -> Result<Token, PatternError> {
    if let Some(token) = Token::ALL.into_iter().find(|token| token.word() == word) {
        return Ok(token);
    }
    let upper = word.to_uppercase();
    let suggestion = Token::ALL
        .into_iter()
        .map(|token| (strsim::damerau_levenshtein(token.word(), &upper), token))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1)
        .map(|(_, token)| token);
    Err(PatternError {
        position,
        problem: PatternProblem::Unknown {
            token: word.to_owned(),
            suggestion,
        },
    })
}

/// Makes the name at the target.
///
/// UD, TD and IDP lose every occurrence of the separator, taken literally; UN keeps it. The parts are joined in order
/// and lower-cased. With a domain, a value that does not end with `@domain` has every `@` turned into `.` and gets
/// `@domain` appended.
pub fn remote_name(
    pattern: &Pattern,
    separator: &str,
    user: &QualifiedName,
    tenant_domain: &str,
    connection_name: &str,
    domain: Option<&str>,
) -> String {
    let without_separator = |value: &str| match separator {
        "" => value.to_owned(),
        separator => value.replace(separator, ""),
    };
    let part = |token: &Token| match token {
        Token::UserName => user.name.clone(),
        Token::UserDomain => without_separator(user.store.as_str()),
        Token::TenantDomain => without_separator(tenant_domain),
        Token::Connection => without_separator(connection_name),
    };
    let parts: Vec<String> = pattern.tokens.iter().map(part).collect();
    let name = parts.join(separator).to_lowercase();
    match domain.map(str::trim).filter(|domain| !domain.is_empty()) {
        Some(domain) => in_domain(&name, domain),
        None => name,
    }
}

fn in_domain(name: &str, domain: &str) -> String {
    let ending = format!("@{}", domain.trim_start_matches('@').to_lowercase());
    if name.ends_with(&ending) {
        name.to_owned()
    } else {
        format!("{}{ending}", name.replace('@', "."))
    }
}
