//! A stateful SCIM 2.0 service provider (RFC 7643, RFC 7644, RFC 9865).
//!
//! [`Scim2`] is a state machine over requests; the server around it owns sockets, faults and quotas. How a real
//! server differs from the RFCs is data: see [`Personality`].
//!
//! ```
//! use outbound_mocks::{Server, scim2::Scim2};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::<Scim2>::builder()
//!     .seed("[scim2]\nusers = [{ userName = 'kim' }]")
//!     .start()
//!     .await?;
//! assert!(server.url().ends_with("/scim/v2"));
//! assert_eq!(server.mock().objects()[0].name, "kim");
//! # Ok(())
//! # }
//! ```

mod answer;
mod auth;
mod bulk;
mod changes;
mod discovery;
mod error;
mod etag;
mod filter;
mod links;
mod list;
mod operations;
mod patch;
mod path;
mod personality;
mod projection;
mod render;
mod resource;
mod routes;
mod schema;
mod seed;
mod store;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

pub use auth::Credentials;
pub use filter::Operator;
pub use personality::{
    Errors, Features, Filters, Http, IdentifierForm, Identifiers, Lists, Patch, PatchAnswer,
    Personality, PersonalityError, PublishedQuota, Resources, StatusForm, UnknownMembers,
    Vocabulary, Word,
};

use crate::vendor::{Answer, Change, Object, Operation, Request, Trouble, Vendor};
use render::Renderer;
use schema::Kind;
use store::Store;

/// The mocked service provider. Cloning it is cheap: the state is in persistent maps.
#[derive(Debug, Clone, Default)]
pub struct Scim2 {
    settings: Arc<Settings>,
    store: Store,
    tokens: auth::Tokens,
    licences: Option<u64>,
}

#[derive(Debug, Clone)]
struct Settings {
    base_path: String,
    credentials: Credentials,
    personality: Personality,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_path: "/scim/v2".to_owned(),
            credentials: Credentials::default(),
            personality: Personality::default(),
        }
    }
}

impl Scim2 {
    /// Makes an empty service provider with the manners of a personality.
    pub fn new(personality: Personality) -> Self {
        Self::default().with_personality(personality)
    }

    /// Gives it the manners of a personality.
    #[must_use]
    pub fn with_personality(mut self, personality: Personality) -> Self {
        Arc::make_mut(&mut self.settings).personality = personality;
        self
    }

    /// Lets other credentials in.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        Arc::make_mut(&mut self.settings).credentials = credentials;
        self
    }

    /// Serves under another base path; slashes at its end do not count.
    #[must_use]
    pub fn with_base_path(mut self, base_path: &str) -> Self {
        Arc::make_mut(&mut self.settings).base_path = format!("/{}", base_path.trim_matches('/'));
        self
    }

    /// Returns the manners in force; the server's token buckets read [`Personality::quota`].
    pub fn personality(&self) -> &Personality {
        &self.settings.personality
    }

    /// Returns what lets a client in.
    pub fn credentials(&self) -> &Credentials {
        &self.settings.credentials
    }

    /// Returns the path that every endpoint but `/token` is under.
    pub fn base_path(&self) -> &str {
        &self.settings.base_path
    }

    /// Returns the address of the OAuth 2.0 token endpoint, given the server's own address.
    pub fn token_url(&self, server: &str) -> String {
        format!("{}/token", server.trim_end_matches('/'))
    }

    fn renderer<'a>(&'a self, base: &'a str) -> Renderer<'a> {
        Renderer {
            store: &self.store,
            personality: &self.settings.personality,
            base,
        }
    }
}

impl Vendor for Scim2 {
    const NAME: &'static str = "scim2";
    const PATH: &'static str = "/scim/v2";

    fn classify(&self, request: &Request) -> Operation {
        self.operation(request)
    }

    fn operations() -> Vec<&'static str> {
        routes::OPERATIONS.to_vec()
    }

    fn answer(&mut self, request: &Request, changes: &mut Vec<Change>) -> Answer {
        self.respond(request, changes)
    }

    fn trouble(&self, _request: &Request, trouble: Trouble) -> Answer {
        error::trouble(trouble, self.personality())
    }

    fn expire_tokens(&mut self) {
        self.tokens.forget_all();
    }

    fn set_licences(&mut self, licences: Option<u64>) {
        self.licences = licences;
    }

    fn number_from(&mut self, seed: u64) {
        self.store.numbers.begin(seed);
    }

    fn number_on(&mut self, other: &Self) {
        self.store.numbers.go_on(&other.store.numbers);
    }

    fn seed(&mut self, table: &toml::Table, now: Timestamp) -> Result<(), String> {
        self.add_seed(table, now)
    }

    fn objects(&self) -> Vec<Object> {
        let shown = self.renderer(self.base_path());
        let mut found: Vec<(u64, Object)> = Vec::new();
        for kind in Kind::ALL {
            found.extend(self.store.rows_after(kind, 0).map(|(at, row)| {
                let content = Value::Object(shown.view(kind, row));
                (
                    at,
                    Object {
                        object: kind.name(),
                        id: row.id.to_string(),
                        name: row.name.to_string(),
                        content,
                    },
                )
            }));
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, object)| object).collect()
    }

    fn name_of(&self, id: &str) -> Option<String> {
        self.store.find_any(id).map(|(_, row)| row.name.to_string())
    }

    fn adopt_sessions(&mut self, newer: &Self) {
        self.tokens = newer.tokens.clone();
    }
}
