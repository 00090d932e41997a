//! Sends with a pass: gets one when there is none, and renews it once when the target refuses it.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Exchange, Failure, FailureKind, Purpose, Remedy, Tap};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

use super::classify;
use super::client::{Answer, Call, Http, Payload};
use super::token::{Granted, Tokens};

/// How a connector gets to be let in.
#[async_trait]
pub(crate) trait Credential: Send + Sync {
    /// Gets a pass, from a secret or from a token endpoint.
    ///
    /// # Errors
    /// `Misconfigured` when a secret is missing, `Unauthenticated` when the target refuses.
    async fn obtain(&self, http: &Http, tap: &dyn Tap) -> Result<Granted, Failure>;
}

/// One connector's way to its target.
pub(crate) struct Channel {
    http: Http,
    credential: Box<dyn Credential>,
    tokens: Tokens,
}

impl Channel {
    /// Joins a client and a credential.
    pub(crate) fn new(http: Http, credential: Box<dyn Credential>) -> Self {
        Self {
            http,
            credential,
            tokens: Tokens::default(),
        }
    }

    /// Returns the client.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Sends a request with a pass. A 401 drops the pass; when the next one is another, the request is sent once more.
    ///
    /// A refused request was not carried out, so even a create may be sent again.
    ///
    /// # Errors
    /// No pass could be had, or no answer came.
    pub(crate) async fn send(&self, mut call: Call, tap: &dyn Tap) -> Result<Answer, Failure> {
        let obtain = || self.credential.obtain(&self.http, tap);
        let pass = self.tokens.get(self.http.clock(), obtain).await?;
        pass.put(&mut call.headers);
        let answer = self.http.send(&call, tap).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.tokens.refused(&pass).await;
        let renewed = self.tokens.get(self.http.clock(), obtain).await?;
        if renewed == pass {
            return Ok(answer);
        }
        renewed.put(&mut call.headers);
        self.http.send(&call, tap).await
    }

    /// Returns a failure whose words hold no secret of the connector and none of the call's.
    pub(crate) fn quotable(&self, call: &Call, failure: Failure) -> Failure {
        self.http.quotable(call, failure)
    }

    /// Sends a recorded request once more, with a pass of now; whatever comes back is an answer.
    ///
    /// It goes where it went before, and only when that is still where this connector speaks to: `home` is an address
    /// there. Of the recorded headers only the content type, the accepted type and preconditions are taken over.
    ///
    /// # Errors
    /// The request was meant for somebody else or cannot be read, no pass could be had, or no answer came.
    pub(crate) async fn replay(
        &self,
        home: &Url,
        exchange: &Exchange,
        tap: &dyn Tap,
    ) -> Result<(), Failure> {
        let unreadable = |told: String| {
            classify::failure(
                FailureKind::Misconfigured,
                Remedy::GiveUp,
                told,
                "Trigger the change again instead.",
            )
        };
        let url = Url::parse(&exchange.url)
            .map_err(|error| unreadable(format!("the recorded address cannot be read: {error}")))?;
        if url.origin() != home.origin() {
            return Err(unreadable(format!(
                "the request went to {}, and this connector speaks to {} now",
                url.origin().ascii_serialization(),
                home.origin().ascii_serialization()
            )));
        }
        let method = Method::from_bytes(exchange.method.as_bytes())
            .map_err(|error| unreadable(format!("the recorded method cannot be read: {error}")))?;
        let recorded = |name: &str| {
            let mut headers = exchange.request_headers.iter();
            headers
                .find(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| header.value.clone())
        };
        let mut call = Call::new(Purpose::Replay, method, url);
        if recorded("accept").is_some_and(|accept| accept.contains("scim")) {
            call.accept = "application/scim+json";
        }
        for name in ["if-match", "if-none-match"] {
            let value = recorded(name).and_then(|value| HeaderValue::from_str(&value).ok());
            if let Some(value) = value {
                call.headers.insert(HeaderName::from_static(name), value);
            }
        }
        if !exchange.request_body.text.is_empty() {
            call.payload = Some(Payload {
                content_type: recorded("content-type")
                    .unwrap_or_else(|| "application/json".to_owned())
                    .into(),
                bytes: Bytes::from(exchange.request_body.text.clone()),
            });
        }
        self.send(call, tap).await.map(|_| ())
    }
}
