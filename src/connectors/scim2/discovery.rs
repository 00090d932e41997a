//! What a service provider announces of itself (RFC 7643, section 5), read once and obeyed.

use domain::{Failure, FailureKind, Purpose, Tap};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::error::{self, Doing};
use crate::http::{Call, Channel, address};
use crate::path::find;

/// What the target can do, as far as we care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Provider {
    /// Whether the target announces anything that can be read.
    pub(crate) announced: bool,
    /// Whether PATCH is supported.
    pub(crate) patch: bool,
    /// Whether lists can be filtered.
    pub(crate) filter: bool,
    /// Whether versions are kept, so that a write can say which one it means.
    pub(crate) etag: bool,
    /// How lists are paged.
    pub(crate) paging: Paging,
}

/// How lists are paged (RFC 7644, section 3.4.2.4; cursors: RFC 9865).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// By a cursor.
    Cursor,
    /// By the number of the first entry: what every server can that announces nothing else.
    Index,
    /// Not at all.
    Never,
}

impl Provider {
    /// What is assumed of a target that announces nothing: a refused PATCH is followed by a PUT anyway.
    const UNKNOWN: Self = Self {
        announced: false,
        patch: true,
        filter: true,
        etag: false,
        paging: Paging::Index,
    };

    fn read(content: &Value) -> Self {
        let supports = |feature: &str, otherwise: bool| {
            find(content, feature)
                .and_then(|feature| find(feature, "supported"))
                .and_then(truth)
                .unwrap_or(otherwise)
        };
        Self {
            announced: true,
            patch: supports("patch", Self::UNKNOWN.patch),
            filter: supports("filter", Self::UNKNOWN.filter),
            etag: supports("etag", Self::UNKNOWN.etag),
            paging: Paging::read(content),
        }
    }
}

impl Paging {
    /// Reads `pagination` (RFC 9865, section 4); cursors are taken where they are there, for lists change while they are read.
    fn read(content: &Value) -> Self {
        let can = |way: &str| {
            find(content, "pagination")
                .and_then(|pagination| find(pagination, way))
                .and_then(truth)
        };
        match (can("cursor"), can("index")) {
            (Some(true), _) => Self::Cursor,
            (_, Some(false)) => Self::Never,
            _ => Self::Index,
        }
    }
}

/// Reads a boolean, also one that is written as a string (Entra ID: `"False"`).
pub(crate) fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_str() {
        Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

/// Why there is no announcement to be kept.
enum Unread {
    /// Something is there that cannot be read now: it is asked for again when it is next needed.
    Passing,
    /// Nothing else would work either.
    Failed(Failure),
}

/// Reads the announcement when it is first needed.
pub(crate) struct Discovery {
    address: Url,
    provider: OnceCell<Provider>,
}

impl Discovery {
    /// Makes it for the address that stands beside the user endpoint.
    pub(crate) fn beside(users: &Url) -> Self {
        let mut address = address::beside(users, "ServiceProviderConfig");
        address.set_query(None);
        Self {
            address,
            provider: OnceCell::new(),
        }
    }

    /// Returns what the target announces. One that has no announcement, or an unreadable one, is taken as unknown.
    ///
    /// # Errors
    /// The target cannot be reached, is too busy, or does not let us in: then nothing else would work either.
    pub(crate) async fn provider(
        &self,
        channel: &Channel,
        tap: &dyn Tap,
    ) -> Result<Provider, Failure> {
        let known = self
            .provider
            .get_or_try_init(|| self.ask(channel, tap))
            .await;
        match known {
            Ok(provider) => Ok(*provider),
            Err(Unread::Passing) => Ok(Provider::UNKNOWN),
            Err(Unread::Failed(failure)) => Err(failure),
        }
    }

    async fn ask(&self, channel: &Channel, tap: &dyn Tap) -> Result<Provider, Unread> {
        let mut call = Call::get(Purpose::Discovery, self.address.clone());
        call.accept = super::wire::ACCEPTED;
        let answer = match channel.send(call.clone(), tap).await {
            Ok(answer) => answer,
            Err(failure) if failure.kind == FailureKind::Redirected => {
                return Ok(Provider::UNKNOWN);
            }
            Err(failure) => return Err(Unread::Failed(failure)),
        };
        if answer.is_success() {
            let content = answer.maybe_json().filter(Value::is_object);
            return content
                .map(|content| Provider::read(&content))
                .ok_or(Unread::Passing);
        }
        match answer.status {
            401 | 429 | 502..=504 => {
                let failure = error::failure(&answer, Doing::Ask, channel.http().clock().now());
                Err(Unread::Failed(channel.quotable(&call, failure)))
            }
            // There is none, and there will be none.
            404 | 405 | 410 | 501 => Ok(Provider::UNKNOWN),
            _ => Err(Unread::Passing),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_announcement_is_read_in_any_spelling() {
        let provider = Provider::read(&json!({
            "Patch": {"supported": "False"},
            "filter": {"Supported": true, "maxResults": 50},
            "etag": {"supported": true},
        }));
        assert!(!provider.patch && provider.filter && provider.etag && provider.announced);
        assert!(Provider::read(&json!({"patch": {}})).patch);
        for (pagination, paging) in [
            (json!({"cursor": true, "index": true}), Paging::Cursor),
            (json!({"Cursor": "True", "index": false}), Paging::Cursor),
            (json!({"cursor": false, "index": true}), Paging::Index),
            (json!({"cursor": false, "index": false}), Paging::Never),
            (json!({}), Paging::Index),
        ] {
            let content = json!({"pagination": pagination});
            assert_eq!(Provider::read(&content).paging, paging, "{content}");
        }
    }
}
