//! The Google Admin SDK Directory API v1, with the token endpoint before it and the batch endpoint beside it.
//!
//! [`Google`] is the account with all it holds. A request goes through `methods` (which one is meant) and
//! `route` (token, parameters, body, answer) to one handler in `users`, `aliases`, `groups`, `members`,
//! `schemas`, `units` or `customer`. What is honoured and what is not: `docs/mocks/google.md`.

mod aliases;
mod batch;
mod customer;
mod error;
mod etag;
mod fields;
mod groups;
mod ids;
mod limits;
mod members;
mod methods;
mod page;
mod params;
mod password;
mod query;
mod route;
mod schemas;
mod scope;
mod search;
mod seed;
mod shapes;
mod store;
mod token;
mod trouble;
mod units;
mod users;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::shapes::{Projection, User};
use self::store::{Owner, Store, Tenant};
use self::token::Tokens;
use self::units::Unit;
use crate::numbers::Numbers;
use crate::vendor::{Answer, Change, Object, Operation, Request, Trouble, Vendor};

/// The service account that the mock knows.
const CLIENT_EMAIL: &str = "outbound@outbound-mock.iam.gserviceaccount.com";
/// Its numeric client id, under which domain-wide delegation is granted.
const CLIENT_ID: &str = "100000000000000000001";
const KEY_ID: &str = "ddb0ad8690fdc6f68f78834bd619513f45f0ee5a";
const PROJECT: &str = "outbound-mock";

/// A Google Workspace account behind the Directory API.
///
/// ```
/// use outbound_mocks::google::Google;
///
/// let google = Google::default();
/// assert_eq!(google.subject(), "admin@acme.example");
/// let key = google.service_account_json("http://127.0.0.1:9101");
/// assert_eq!(key["token_uri"], "http://127.0.0.1:9101/token");
/// ```
#[derive(Debug, Clone)]
pub struct Google {
    tenant: Arc<Tenant>,
    admin: u64,
    store: Store,
    tokens: Tokens,
    licences: Option<u64>,
}

impl Default for Google {
    fn default() -> Self {
        Self::new("acme.example", "admin@acme.example")
    }
}

impl Google {
    /// Opens an account with one domain and one super administrator, whose address has to lie in the domain.
    pub fn new(domain: &str, admin: &str) -> Self {
        Self::open(domain, admin, Numbers::default())
    }

    fn open(domain: &str, admin: &str, numbers: Numbers) -> Self {
        let since = Timestamp::from_second(1_704_067_200).unwrap_or(Timestamp::UNIX_EPOCH);
        let domain = domain.to_lowercase();
        let key = etag::digest(domain.as_bytes());
        let customer: String = key
            .iter()
            .take(8)
            .map(|byte| char::from(b"0123456789abcdefghijklmnopqrstuv"[usize::from(byte & 31)]))
            .collect();
        let tenant = Arc::new(Tenant {
            domains: vec![domain.into()],
            customer: format!("C{customer}").into(),
            org_units: vec![Unit::new("/")],
            unmanaged: Vec::new(),
            schemas: Vec::new(),
            since,
        });
        let mut google = Self {
            tenant,
            admin: 0,
            store: Store::new(numbers),
            tokens: Tokens::default(),
            licences: None,
        };
        let mut user = google.blank(since);
        user.primary = admin.to_lowercase().into();
        user.given = "Workspace".into();
        user.family = "Admin".into();
        user.admin = true;
        google.admin = user.key;
        google.put_user(user);
        google
    }

    /// Returns the address of the administrator to impersonate.
    pub fn subject(&self) -> String {
        self.store
            .user(self.admin)
            .map_or_else(String::new, |user| user.primary.to_string())
    }

    /// Returns the account's primary domain.
    pub fn domain(&self) -> &str {
        self.tenant.domain()
    }

    /// Returns the account's customer id, as `customer=` takes it beside `my_customer`.
    pub fn customer_id(&self) -> &str {
        &self.tenant.customer
    }

    /// Returns the key of the service account as the P12 file that Google hands out; its password is `notasecret`.
    pub fn service_account_p12() -> &'static [u8] {
        include_bytes!("../../keys/google-service-account.p12")
    }

    /// Returns the same key as PEM.
    pub fn service_account_pem() -> &'static str {
        token::PRIVATE_KEY
    }

    /// Returns the key file of the service account in Google's own format, with `token_uri` at this mock.
    pub fn service_account_json(&self, base_url: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": token::PRIVATE_KEY,
            "client_email": CLIENT_EMAIL,
            "client_id": CLIENT_ID,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": format!("{base_url}/token"),
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": format!(
                "https://www.googleapis.com/robot/v1/metadata/x509/{}",
                CLIENT_EMAIL.replace('@', "%40")
            ),
            "universe_domain": "googleapis.com",
        })
    }

    /// Draws a new user with everything at its default.
    fn blank(&mut self, now: Timestamp) -> User {
        let (born, key) = self.store.draw();
        User {
            key,
            born,
            primary: "".into(),
            given: "".into(),
            family: "".into(),
            display: None,
            aliases: Vec::new(),
            created: now,
            suspended: None,
            archived: None,
            deleted: None,
            admin: false,
            delegated_admin: false,
            change_password: false,
            ip_allowed: false,
            listed: true,
            org_unit: Arc::clone(&self.tenant.org_units[0].path),
            recovery_email: None,
            recovery_phone: None,
            more: None,
            version: etag::Digest::default(),
        }
    }

    /// Seals a user and puts it in.
    fn put_user(&mut self, mut user: User) -> Arc<User> {
        user.seal();
        self.store.put_user(user)
    }
}

impl Vendor for Google {
    const NAME: &'static str = "google";

    fn classify(&self, request: &Request) -> Operation {
        route::classify(request)
    }

    fn operations() -> Vec<&'static str> {
        methods::names()
    }

    fn answer(&mut self, request: &Request, changes: &mut Vec<Change>) -> Answer {
        route::answer(self, request, changes)
    }

    fn trouble(&self, request: &Request, trouble: Trouble) -> Answer {
        trouble::answer(request, trouble)
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
        *self = seed::grow(self, table, now)?;
        Ok(())
    }

    /// The user acted for: the rate is "per user per project" (…/directory/v1/limits).
    fn caller(&self, request: &Request) -> Option<String> {
        route::caller(self, request)
    }

    fn name_of(&self, id: &str) -> Option<String> {
        if let Some(user) = self.store.find_user(id) {
            return Some(user.primary.to_string());
        }
        self.store
            .find_group(id)
            .map(|group| group.email.to_string())
    }

    fn adopt_sessions(&mut self, newer: &Self) {
        self.tokens = newer.tokens.clone();
    }

    fn objects(&self) -> Vec<Object> {
        let show = |owner| match owner {
            Owner::User(key) => self.store.user(key).map(|user| Object {
                object: "User",
                id: user.id(),
                name: user.primary.to_string(),
                content: user.show(&self.tenant, &Projection::Full).into(),
            }),
            Owner::Group(key) => self.store.group(key).map(|group| Object {
                object: "Group",
                id: group.id(),
                name: group.email.to_string(),
                content: members::with_members(self, group),
            }),
        };
        self.store.in_order().filter_map(show).collect()
    }
}
