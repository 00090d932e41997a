//! The Salesforce mock: OAuth and SOAP logins, the User object and what it refers to, SOQL, collections and
//! composite requests. What it honours and what not is listed in `docs/mocks/salesforce.md`.
//!
//! The whole organization lives in persistent maps, so that a clone costs a few pointers.

mod classify;
mod collections;
mod columns;
mod composite;
mod describe;
mod dml;
mod error;
mod id;
mod identity;
mod input;
mod limits;
mod login;
mod objects;
mod picklists;
mod query;
mod rest;
mod schema;
mod seed;
mod session;
mod soap;
mod sobjects;
mod soql;
mod store;
mod time;
mod trouble;
mod user;

use std::{fmt, sync::Arc};

use http::Method;
use imbl::{HashMap, HashSet};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::{
    id::Id, limits::Limits, query::Cursors, schema::Schema, session::Sessions, store::Store,
};
use crate::vendor::{Answer, Change, Object, Operation, Request, Trouble, Vendor};

/// One mocked Salesforce organization.
///
/// A new one holds its administrator, the standard profiles with their licences, a few roles, permission sets and
/// groups, and knows some usernames of other organizations. It is the same every time, with the same ids; those of what
/// is created then depend on the mock's seed.
#[derive(Clone)]
pub struct Salesforce {
    org: Arc<Org>,
    schema: Arc<Schema>,
    store: Store,
    passwords: HashMap<Id, Arc<str>>,
    /// Usernames that other organizations hold, in lower case.
    elsewhere: HashSet<Arc<str>>,
    sessions: Sessions,
    cursors: Cursors,
    limits: Limits,
    /// When the organization was made, in milliseconds since 1970.
    founded: i64,
}

/// Who the organization is and what opens it.
struct Org {
    id: Id,
    admin: Id,
    consumer_key: String,
    consumer_secret: String,
    username: String,
    password: String,
    security_token: String,
    refresh_token: String,
}

impl fmt::Debug for Salesforce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = self.store.table(schema::USER).len();
        f.debug_struct("Salesforce")
            .field("organization", &self.org.id)
            .field("users", &users)
            .finish_non_exhaustive()
    }
}

impl Default for Salesforce {
    fn default() -> Self {
        seed::fresh()
    }
}

impl Salesforce {
    /// Returns what a client needs to log in: `username`, `password`, `security_token`, `consumer_key`,
    /// `consumer_secret`, `private_key_file` (the name under which [`Self::private_key_pem`] is to be written),
    /// `refresh_token` and `my_domain`.
    pub fn credentials(&self, base_url: &str) -> Value {
        json!({
            "username": self.org.username,
            "password": self.org.password,
            "security_token": self.org.security_token,
            "consumer_key": self.org.consumer_key,
            "consumer_secret": self.org.consumer_secret,
            "private_key_file": "salesforce-jwt.pem",
            "refresh_token": self.org.refresh_token,
            "my_domain": base_url,
        })
    }

    /// Returns the private key whose assertions the token endpoint accepts. It is public knowledge and guards
    /// nothing but this mock.
    pub fn private_key_pem() -> &'static str {
        include_str!("../../keys/salesforce-jwt.pem")
    }

    /// Sets how many API calls 24 hours may hold; 15,000 in a new organization.
    pub fn set_daily_limit(&mut self, calls: u64) {
        self.limits.maximum = calls;
    }

    fn route(&mut self, request: &Request, changes: &mut Vec<Change>) -> Answer {
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        match path[..] {
            ["services", "oauth2", "token"] => self.token(request),
            ["services", "oauth2", "revoke"] => self.revoke(request),
            ["services", "oauth2", "introspect"] => self.introspect(request),
            ["services", "oauth2", "userinfo"] => self.userinfo(request),
            ["id", organization, user] => self.identity(request, organization, user),
            ["services", "Soap", flavour @ ("u" | "c"), version]
            | ["services", "Soap", flavour @ ("u" | "c"), version, _] => {
                self.soap(request, flavour, version)
            }
            ["services", "data", ..] => self.rest(request, &segments[2..], changes),
            ["services", "async", ..] => {
                error::answer(&[error::Problem::not_offered("The Bulk API")])
            }
            _ => error::answer(&[error::Problem::not_found()]),
        }
    }
}

impl Vendor for Salesforce {
    const NAME: &'static str = "salesforce";

    fn classify(&self, request: &Request) -> Operation {
        classify::classify(request)
    }

    fn operations() -> Vec<&'static str> {
        classify::NAMES.to_vec()
    }

    fn answer(&mut self, request: &Request, changes: &mut Vec<Change>) -> Answer {
        let mut answer = self.route(request, changes);
        if request.method == Method::HEAD {
            answer.body.clear();
        }
        answer
    }

    fn trouble(&self, request: &Request, trouble: Trouble) -> Answer {
        self.in_trouble(request, trouble)
    }

    fn expire_tokens(&mut self) {
        self.sessions.expire();
    }

    fn set_licences(&mut self, licences: Option<u64>) {
        self.limit_seats(licences);
    }

    fn number_from(&mut self, seed: u64) {
        self.store.numbers.begin(seed);
    }

    fn number_on(&mut self, other: &Self) {
        self.store.numbers.go_on(&other.store.numbers);
    }

    fn seed(&mut self, table: &toml::Table, now: Timestamp) -> Result<(), String> {
        self.plant(table, now)
    }

    fn caller(&self, request: &Request) -> Option<String> {
        let token = identity::bearer(request)?;
        self.session_of(token, request.now.as_millisecond())
            .map(|session| session.user.to_string())
    }

    fn name_of(&self, id: &str) -> Option<String> {
        let id = Id::parse(id)?;
        let object = self.schema.of(id)?;
        let record = self.store.get(object, id)?;
        Some(dml::known_as(self.schema.get(object), record))
    }

    fn adopt_sessions(&mut self, newer: &Self) {
        self.sessions = newer.sessions.clone();
        self.cursors = newer.cursors.clone();
        self.limits = newer.limits.clone();
    }

    fn objects(&self) -> Vec<Object> {
        let shown = [schema::USER, schema::GROUP];
        shown
            .into_iter()
            .flat_map(|object| {
                self.store
                    .table(object)
                    .iter()
                    .map(move |record| (object, record))
            })
            .map(|(object, record)| {
                let kind = self.schema.get(object);
                Object {
                    object: kind.name,
                    id: record.id.to_string(),
                    name: dml::known_as(kind, record),
                    content: dml::content(kind, record),
                }
            })
            .collect()
    }
}
