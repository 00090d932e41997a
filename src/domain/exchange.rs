//! One HTTP request and what came back, already free of secrets.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::user::uuid_id;

uuid_id! {
    /// The id of one exchange; sorts by time.
    ExchangeId
}

/// One HTTP request and what came back. Redaction happened before this was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The id.
    pub id: ExchangeId,
    /// What the request was for.
    pub purpose: Purpose,
    /// When it left.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The whole URL, secrets masked.
    pub url: String,
    /// The request's headers, secrets masked.
    pub request_headers: Vec<Header>,
    /// The request's body, secrets masked.
    pub request_body: Body,
    /// What came back; `None` while it is under way or when nothing came.
    pub response: Option<Response>,
    /// Why nothing came, or why it could not be read.
    pub error: Option<String>,
    /// How long it took, headers and body; zero while under way.
    pub took: Duration,
}

/// Why a recorded request cannot be sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// Token calls are made of secrets, which are not recorded.
    #[error("a token call cannot be sent again: what it is made of is secret, and not recorded")]
    Token,
    /// A secret in the address or the body was masked.
    #[error(
        "the request cannot be sent again: a secret in it was masked when it was recorded (***)"
    )]
    Masked,
    /// Only the beginning of the body was recorded.
    #[error("the request cannot be sent again: of its body only the beginning was recorded")]
    Cut,
    /// The body was removed because it is old.
    #[error("the request cannot be sent again: its body is no longer kept")]
    Forgotten,
    /// It is under way.
    #[error("the request is still under way")]
    UnderWay,
}

impl Exchange {
    /// Tells whether the record says enough to send the request once more. Credentials are not recorded; whoever sends
    /// it has their own.
    ///
    /// # Errors
    /// [`NotReplayable`] with the reason.
    pub fn replayable(&self) -> Result<(), NotReplayable> {
        const MASK: &str = "***";
        if self.purpose == Purpose::Token {
            return Err(NotReplayable::Token);
        }
        if self.response.is_none() && self.error.is_none() {
            return Err(NotReplayable::UnderWay);
        }
        if self.request_body.is_forgotten() {
            return Err(NotReplayable::Forgotten);
        }
        if self.request_body.cut {
            return Err(NotReplayable::Cut);
        }
        if self.request_body.text.contains(MASK)
            || self.url.contains(MASK)
            || self.url.contains("%2A%2A%2A")
        {
            return Err(NotReplayable::Masked);
        }
        Ok(())
    }
}

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Getting a token.
    Token,
    /// Looking for an account.
    Lookup,
    /// Reading what the target can do.
    Discovery,
    /// Changing something.
    Write,
    /// Checking whether we may speak at all.
    Check,
    /// A recorded request, sent once more by hand.
    Replay,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, secrets masked.
    pub headers: Vec<Header>,
    /// The body, secrets masked.
    pub body: Body,
}

/// One header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The name in lower case.
    pub name: String,
    /// The value, `***` where it was a secret.
    pub value: String,
}

/// A body as text, cut at a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The text; invalid UTF-8 is replaced. Holds control characters as they came: whoever shows it marks them.
    pub text: String,
    /// The whole size in bytes, before the cut.
    pub size_bytes: u64,
    /// Whether the text was cut.
    pub cut: bool,
}

impl Body {
    /// Drops the text and keeps the size. Returns whether there was one.
    pub fn forget(&mut self) -> bool {
        let had = !self.text.is_empty();
        if had {
            self.text = String::new();
            self.cut = true;
        }
        had
    }

    /// Tells whether there was a text that is no longer kept. Of a body that was only cut, the beginning is there.
    pub fn is_forgotten(&self) -> bool {
        self.cut && self.text.is_empty()
    }
}

/// Sees every request before it leaves and every answer when it is there; token calls too.
pub trait Tap: Send + Sync {
    /// A request is about to leave.
    fn started(&self, exchange: &Exchange);

    /// Its answer came, or will not come.
    fn finished(&self, exchange: Exchange);

    /// The `traceparent` header that goes with every request, so that the target's traces lead back to the journal.
    ///
    /// Source: W3C Trace Context, section 3.2.
    fn traceparent(&self) -> Option<String> {
        None
    }
}
