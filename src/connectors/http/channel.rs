//! Sends with a pass: gets one when there is none, and renews it once when the target refuses it.

use async_trait::async_trait;
use domain::{Failure, Tap};

use super::client::{Answer, Call, Http};
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
}
