//! The service account's key and the JWT-bearer grant that turns it into a token.
//!
//! Source: developers.google.com/identity/protocols/oauth2/service-account.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Failure, FailureKind, Remedy, Secret, SecretRef, Tap, Unavailable, is_loopback};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p12_keystore::Pkcs12Archive;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use url::Url;

use super::fields::TOKEN_ENDPOINT;
use crate::http::channel::Credential;
use crate::http::token::Granted;
use crate::http::vault::Vault;
use crate::http::{Http, classify, grant};
use crate::settings::Reader;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.user";
/// The password of every P12 file that Google makes.
const P12_PASSWORD: &str = "notasecret";
/// The longest life of an assertion, in seconds.
const HOUR: i64 = 3600;

/// A service account that acts for an administrator.
pub(crate) struct ServiceAccount {
    email: String,
    administrator: String,
    private_key: SecretRef,
    /// Where the key lies when it is a file: a P12 is not text, and a secret is.
    key_file: Option<PathBuf>,
    endpoint: Url,
    vault: Vault,
}

impl ServiceAccount {
    /// Reads the settings; the key itself is read when a token is needed.
    pub(crate) fn read(
        settings: &Reader<'_>,
        vault: Vault,
        base: &Path,
    ) -> Result<Self, Unavailable> {
        let private_key = settings.secret("private_key")?;
        let key_file = match &private_key {
            SecretRef::File(file) => Some(base.join(file)),
            SecretRef::Env(_) | SecretRef::Command(_) | SecretRef::Inline(_) => None,
        };
        Ok(Self {
            email: settings.need("service_account_email")?.to_owned(),
            administrator: settings.need("administrators_email")?.to_owned(),
            private_key,
            key_file,
            endpoint: settings.safe_url("token_endpoint")?,
            vault,
        })
    }

    /// Reads the key: as text by its reference, else as the bytes of its file.
    async fn key(&self, http: &Http) -> Result<Key, Failure> {
        let content = match self.vault.peek(&self.private_key).await {
            Ok(secret) => Content::Text(secret),
            Err(cause) => {
                let Some(file) = self.key_file.clone() else {
                    return Err(unusable(&cause));
                };
                let read = tokio::task::spawn_blocking(move || std::fs::read(file)).await;
                match read {
                    Ok(Ok(bytes)) if std::str::from_utf8(&bytes).is_err() => Content::Bytes(bytes),
                    Ok(_) | Err(_) => return Err(unusable(&cause)),
                }
            }
        };
        let key = tokio::task::spawn_blocking(move || Key::read(&content))
            .await
            .map_err(|error| unusable(&error.to_string()))?
            .map_err(|cause| unusable(&cause))?;
        http.veil().learn(key.pem.expose());
        Ok(key)
    }

    /// Returns where the token comes from: the setting, or, where that is left at its default, what the key says.
    fn endpoint(&self, key: &Key) -> Result<Url, Failure> {
        let uri = key.token_uri.as_deref();
        match uri.filter(|_| self.endpoint.as_str() == TOKEN_ENDPOINT) {
            None => Ok(self.endpoint.clone()),
            Some(uri) => Url::parse(uri)
                .ok()
                .filter(|url| url.scheme() == "https" || is_loopback(uri))
                .ok_or_else(|| unusable("the key's token_uri is not an https address")),
        }
    }
}

#[async_trait]
impl Credential for ServiceAccount {
    async fn obtain(&self, http: &Http, tap: &dyn Tap) -> Result<Granted, Failure> {
        let key = self.key(http).await?;
        let endpoint = self.endpoint(&key)?;
        let now = http.clock().now().as_second();
        let claims = Claims {
            iss: self.email.clone(),
            sub: self.administrator.clone(),
            scope: SCOPE,
            // Both of Google's libraries sign this audience, whatever the token address is.
            aud: TOKEN_ENDPOINT,
            iat: now,
            exp: now.saturating_add(HOUR),
        };
        let assertion = tokio::task::spawn_blocking(move || key.sign(&claims))
            .await
            .map_err(|error| unusable(&error.to_string()))?
            .map_err(|cause| unusable(&cause))?;
        http.veil().learn(assertion.expose());
        let form = [("grant_type", GRANT), ("assertion", assertion.expose())];
        grant::bearer(http, &endpoint, HeaderMap::new(), &form, tap).await
    }
}

fn unusable(cause: &str) -> Failure {
    classify::failure(
        FailureKind::Misconfigured,
        Remedy::GiveUp,
        format!("the setting private_key: {cause}"),
        "Point `private_key` at the JSON key or the P12 file that Google made for the service account.",
    )
}

#[derive(Serialize)]
struct Claims {
    iss: String,
    sub: String,
    scope: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
}

enum Content {
    Text(Secret),
    Bytes(Vec<u8>),
}

/// A service account's key.
struct Key {
    pem: Secret,
    id: Option<String>,
    token_uri: Option<String>,
}

/// The file that Google calls a JSON key.
#[derive(Deserialize)]
struct KeyFile {
    private_key: Secret,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl Key {
    /// Reads a key in any of its forms: JSON, PEM, P12 in base64, P12.
    fn read(content: &Content) -> Result<Self, String> {
        match content {
            Content::Bytes(bytes) => Self::from_p12(bytes),
            Content::Text(text) => Self::from_text(text.expose().trim()),
        }
    }

    fn from_text(text: &str) -> Result<Self, String> {
        if text.starts_with('{') {
            // The error is not quoted: it may hold a piece of the key.
            let file: KeyFile = serde_json::from_str(text)
                .map_err(|_| "it is JSON and not a service account's key".to_owned())?;
            return Ok(Self {
                pem: file.private_key,
                id: file.private_key_id,
                token_uri: file.token_uri,
            });
        }
        if text.starts_with("-----BEGIN") {
            return Ok(Self::plain(text.to_owned()));
        }
        let packed: String = text.split_whitespace().collect();
        let bytes = STANDARD.decode(packed).map_err(|_| {
            "it is neither a JSON key, nor PEM, nor a P12 file in base64".to_owned()
        })?;
        Self::from_p12(&bytes)
    }

    fn from_p12(bytes: &[u8]) -> Result<Self, String> {
        let archive = Pkcs12Archive::from_pkcs12(bytes, P12_PASSWORD)
            .map_err(|error| format!("it is not a P12 file with Google's password: {error}"))?;
        let key = archive
            .keys
            .first()
            .ok_or("the P12 file holds no private key")?;
        let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
        let encoded = STANDARD.encode(key.key.as_der());
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(Self::plain(pem))
    }

    fn plain(pem: String) -> Self {
        Self {
            pem: Secret::new(pem),
            id: None,
            token_uri: None,
        }
    }

    fn sign(&self, claims: &Claims) -> Result<Secret, String> {
        let key = EncodingKey::from_rsa_pem(self.pem.expose().as_bytes())
            .map_err(|_| "it holds no RSA private key".to_owned())?;
        let mut header = Header::new(Algorithm::RS256);
        header.kid.clone_from(&self.id);
        jsonwebtoken::encode(&header, claims, &key)
            .map(Secret::new)
            .map_err(|_| "nothing can be signed with it".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    const PEM: &str = include_str!("../tests/keys/service-account.pem");
    const PUBLIC: &str = include_str!("../tests/keys/service-account.pub.pem");
    const P12: &[u8] = include_bytes!("../tests/keys/service-account.p12");

    fn proves_itself(content: &Content) -> Key {
        let key = Key::read(content).unwrap();
        let claims = Claims {
            iss: "robot@project.iam.gserviceaccount.com".to_owned(),
            sub: "admin@acme.example".to_owned(),
            scope: SCOPE,
            aud: TOKEN_ENDPOINT,
            iat: 0,
            exp: i64::from(u32::MAX),
        };
        let assertion = key.sign(&claims).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[TOKEN_ENDPOINT]);
        let decoding = DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).unwrap();
        let token =
            jsonwebtoken::decode::<serde_json::Value>(assertion.expose(), &decoding, &validation)
                .unwrap();
        assert_eq!(token.claims["sub"], "admin@acme.example");
        key
    }

    #[test]
    fn a_key_is_read_in_every_form_that_google_hands_out() {
        let json = serde_json::json!({"type": "service_account", "private_key": PEM, "private_key_id": "k1",
            "token_uri": "http://127.0.0.1:1/token"});
        let key = proves_itself(&Content::Text(Secret::new(json.to_string())));
        assert_eq!(key.id.as_deref(), Some("k1"));
        assert!(key.token_uri.is_some());
        proves_itself(&Content::Text(Secret::new(PEM)));
        proves_itself(&Content::Bytes(P12.to_vec()));
        let mut lines = STANDARD.encode(P12);
        lines.insert(70, '\n');
        proves_itself(&Content::Text(Secret::new(lines)));
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        for text in [
            "canary!",
            "{\"private_key\": 7, \"x\": \"canary\"}",
            "Y2FuYXJ5",
            "-----BEGIN canary",
        ] {
            let outcome = Key::read(&Content::Text(Secret::new(text)));
            let cause = match outcome {
                Err(cause) => cause,
                Ok(key) => key
                    .sign(&Claims {
                        iss: String::new(),
                        sub: String::new(),
                        scope: SCOPE,
                        aud: TOKEN_ENDPOINT,
                        iat: 0,
                        exp: 0,
                    })
                    .unwrap_err(),
            };
            assert!(
                !cause.contains("canary") && !cause.contains("Y2Fu"),
                "{cause}"
            );
        }
    }
}
