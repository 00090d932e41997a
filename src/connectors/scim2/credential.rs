//! How a SCIM2 connector is let in: the Console's modes, and the OAuth2 client-credentials grant.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Failure, SecretRef, Tap, Unavailable};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName};
use url::Url;

use crate::http::channel::Credential;
use crate::http::token::{Granted, Pass};
use crate::http::vault::Vault;
use crate::http::{Http, grant};
use crate::settings::Reader;

/// One of the authentication modes, with what it needs.
pub(crate) enum Mode {
    /// HTTP Basic.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: SecretRef,
    },
    /// A long-lived token.
    Bearer {
        /// The token.
        token: SecretRef,
    },
    /// A key in a header of its own.
    ApiKey {
        /// The header.
        header: HeaderName,
        /// The key.
        value: SecretRef,
    },
    /// The OAuth2 client-credentials grant.
    ClientCredential {
        /// Where tokens come from.
        endpoint: Url,
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: SecretRef,
        /// The scopes asked for.
        scopes: Option<String>,
    },
    /// Nothing.
    None,
}

impl Mode {
    /// Reads the mode and what it needs.
    pub(crate) fn read(settings: &Reader<'_>) -> Result<Self, Unavailable> {
        let mode = settings.need("authentication_mode")?;
        match mode.to_ascii_lowercase().as_str() {
            "basic" => Ok(Self::Basic {
                username: settings.need("username")?.to_owned(),
                password: settings.secret("password")?,
            }),
            "bearer" => Ok(Self::Bearer {
                token: settings.secret("access_token")?,
            }),
            "apikey" => {
                let name = settings.need("api_key_header")?;
                let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                    settings.unusable(
                        "api_key_header",
                        &format!("`{name}` is not a header name"),
                        "Write a name such as `X-API-Key`.",
                    )
                })?;
                Ok(Self::ApiKey {
                    header,
                    value: settings.secret("api_key_value")?,
                })
            }
            "clientcredential" => Ok(Self::ClientCredential {
                endpoint: settings.safe_url("token_endpoint")?,
                client_id: settings.need("client_id")?.to_owned(),
                client_secret: settings.secret("client_secret")?,
                scopes: settings.words("scopes"),
            }),
            "none" => Ok(Self::None),
            _ => Err(settings.unusable(
                "authentication_mode",
                &format!("`{mode}` is not a mode"),
                "Write basic, bearer, apiKey, clientCredential or none.",
            )),
        }
    }

    /// Returns the header that holds an API key, which no exchange may show.
    pub(crate) fn secret_header(&self) -> Option<HeaderName> {
        match self {
            Self::ApiKey { header, .. } => Some(header.clone()),
            Self::Basic { .. }
            | Self::Bearer { .. }
            | Self::ClientCredential { .. }
            | Self::None => None,
        }
    }
}

/// A mode with the place where its secrets come from.
pub(crate) struct Scim2Credential {
    /// The mode.
    pub(crate) mode: Mode,
    /// Where secrets come from.
    pub(crate) vault: Vault,
}

#[async_trait]
impl Credential for Scim2Credential {
    async fn obtain(&self, http: &Http, tap: &dyn Tap) -> Result<Granted, Failure> {
        let veil = http.veil();
        let pass = match &self.mode {
            Mode::Basic { username, password } => {
                let password = self.vault.open("password", password, veil).await?;
                let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
                veil.learn(&pair);
                Pass::header(AUTHORIZATION, &format!("Basic {pair}"))?
            }
            Mode::Bearer { token } => {
                let token = self.vault.open("access_token", token, veil).await?;
                Pass::header(AUTHORIZATION, &format!("Bearer {}", token.expose()))?
            }
            Mode::ApiKey { header, value } => {
                let value = self.vault.open("api_key_value", value, veil).await?;
                Pass::header(header.clone(), value.expose())?
            }
            Mode::ClientCredential {
                endpoint,
                client_id,
                client_secret,
                scopes,
            } => {
                let secret = self
                    .vault
                    .open("client_secret", client_secret, veil)
                    .await?;
                // RFC 6749, section 2.3.1: every server takes Basic, with both parts form-encoded first.
                let pair =
                    STANDARD.encode(format!("{}:{}", form(client_id), form(secret.expose())));
                veil.learn(&pair);
                let mut headers = HeaderMap::new();
                Pass::header(AUTHORIZATION, &format!("Basic {pair}"))?.put(&mut headers);
                let mut fields = vec![("grant_type", "client_credentials")];
                if let Some(scopes) = scopes {
                    fields.push(("scope", scopes));
                }
                return grant::bearer(http, endpoint, headers, &fields, tap).await;
            }
            Mode::None => Pass::default(),
        };
        Ok(Granted {
            pass,
            lifetime: None,
        })
    }
}

fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
