//! The two OAuth2 grants of the Console's form: username-password and client credentials.

use async_trait::async_trait;
use domain::{Failure, SecretRef, Tap, Unavailable};
use reqwest::header::HeaderMap;
use url::Url;

use crate::http::channel::Credential;
use crate::http::token::Granted;
use crate::http::vault::Vault;
use crate::http::{Http, grant};
use crate::settings::Reader;

/// How a Salesforce connector logs in.
///
/// The token goes out as `Authorization: Bearer`; the word `OAuth` of older clients is taken too, and no longer shown in
/// the reference. Salesforce says no `expires_in`, so a token is kept until it is refused (`INVALID_SESSION_ID`).
pub(crate) struct Login {
    endpoint: Url,
    client_id: String,
    client_secret: SecretRef,
    user: Option<(String, SecretRef)>,
    vault: Vault,
}

impl Login {
    /// Reads the settings.
    pub(crate) fn read(settings: &Reader<'_>, vault: Vault) -> Result<Self, Unavailable> {
        let user = if settings.flag("use_password_grant") {
            let username = settings.need("username")?.to_owned();
            Some((username, settings.secret("password")?))
        } else {
            None
        };
        Ok(Self {
            endpoint: settings.safe_url("token_endpoint")?,
            client_id: settings.need("client_id")?.to_owned(),
            client_secret: settings.secret("client_secret")?,
            user,
            vault,
        })
    }
}

#[async_trait]
impl Credential for Login {
    async fn obtain(&self, http: &Http, tap: &dyn Tap) -> Result<Granted, Failure> {
        let veil = http.veil();
        let secret = self
            .vault
            .open("client_secret", &self.client_secret, veil)
            .await?;
        let mut form = vec![
            ("client_id", self.client_id.as_str()),
            ("client_secret", secret.expose()),
        ];
        let password = match &self.user {
            Some((_, password)) => Some(self.vault.open("password", password, veil).await?),
            None => None,
        };
        match (&self.user, &password) {
            (Some((username, _)), Some(password)) => form.extend([
                ("grant_type", "password"),
                ("username", username.as_str()),
                ("password", password.expose()),
            ]),
            _ => form.push(("grant_type", "client_credentials")),
        }
        grant::bearer(http, &self.endpoint, HeaderMap::new(), &form, tap).await
    }
}
