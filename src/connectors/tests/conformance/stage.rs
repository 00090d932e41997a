//! One target with its connector, and what makes targets differ in a test.

use std::sync::Arc;

use domain::{Confirmed, Connector, ConnectorType, Link, LinkOrigin, RemoteId, Verb};
use mocks::google::Google;
use mocks::salesforce::Salesforce;
use mocks::scim2::{Personality, Scim2};
use mocks::{Handle, Lab, Target};
use outbound_connectors::CATALOGUE;
use serde_json::Value;

use crate::support::{Local, Recorder, Setup, now, setup, user};

/// A running mock and a connector to it.
pub(crate) struct Stage {
    pub(crate) target: Target,
    pub(crate) lab: Lab,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) tap: Recorder,
    personality: String,
    profile: String,
}

impl Stage {
    /// Starts a target with a port and a state of its own.
    pub(crate) async fn of(target: Target) -> Self {
        Self::with(target, Personality::default()).await
    }

    /// Starts a SCIM2 target with the manners of a personality.
    pub(crate) async fn wearing(name: &str) -> Self {
        Self::with(Target::Scim2, Personality::named(name).unwrap()).await
    }

    async fn with(target: Target, personality: Personality) -> Self {
        let name = personality.name.clone();
        let lab = Lab::builder()
            .targets([target])
            .personality(personality)
            .clock(Arc::new(mocks::clock::ManualClock::at(now())))
            .start()
            .await
            .unwrap();
        let connector = settings(&lab, target).build();
        let profile = lab
            .salesforce()
            .objects()
            .iter()
            .find_map(|object| object.content["ProfileId"].as_str().map(str::to_owned))
            .unwrap_or_default();
        Self {
            target,
            lab,
            connector,
            tap: Recorder::default(),
            personality: name,
            profile,
        }
    }

    pub(crate) fn kind(&self) -> &'static ConnectorType {
        CATALOGUE.find(self.target.name()).unwrap()
    }

    pub(crate) fn mock(&self) -> &dyn Handle {
        self.lab.mock(self.target)
    }

    /// Returns the name that a target has for a local one.
    pub(crate) fn name(&self, local: &str) -> String {
        match self.target {
            Target::Google | Target::Salesforce => format!("{local}@acme.example"),
            Target::Scim2 => local.to_owned(),
        }
    }

    /// Returns a user as the decision would want it here.
    pub(crate) fn user(&self, local: &str) -> Local {
        let name = self.name(local);
        let user = user(&name);
        match self.target {
            Target::Google => user
                .with("name.givenName", "Kim")
                .with("name.familyName", "Ng")
                .with("recoveryEmail", "kim@home.example")
                .password("correct horse battery"),
            Target::Salesforce => user
                .with("LastName", "Ng")
                .with("Title", "Dr")
                .with("Email", name.as_str())
                .with("Alias", local.chars().take(8).collect::<String>())
                .with("TimeZoneSidKey", "America/Los_Angeles")
                .with("LocaleSidKey", "en_US")
                .with("EmailEncodingKey", "UTF-8")
                .with("LanguageLocaleKey", "en_US")
                .with("ProfileId", self.profile.as_str()),
            Target::Scim2 => {
                let user = user
                    .with("name.givenName", "Kim")
                    .with("name.familyName", "Ng")
                    .with("displayName", "Kim Ng")
                    .with("title", "Dr")
                    .with(
                        "emails[type eq \"work\"].value",
                        format!("{local}@acme.example"),
                    );
                // The one that refuses users without a password.
                if self.personality == "entra" {
                    user.password("correct-Horse-7")
                } else {
                    user
                }
            }
        }
    }

    /// Returns an attribute with its place in the target's own content.
    pub(crate) fn family_name(&self) -> (&'static str, &'static str) {
        match self.target {
            Target::Google | Target::Scim2 => ("name.familyName", "/name/familyName"),
            Target::Salesforce => ("LastName", "/LastName"),
        }
    }

    /// Returns an attribute that may be cleared, with its place in the target's own content.
    pub(crate) fn clearable(&self) -> (&'static str, &'static str) {
        match self.target {
            Target::Google => ("recoveryEmail", "/recoveryEmail"),
            Target::Scim2 => ("title", "/title"),
            Target::Salesforce => ("Title", "/Title"),
        }
    }

    /// Tells whether the target itself thinks that an account may be used.
    pub(crate) fn is_active(&self, content: &Value) -> bool {
        match self.target {
            Target::Google => content["suspended"] != true,
            Target::Salesforce => content["IsActive"] == true,
            Target::Scim2 => content["active"] == true,
        }
    }

    /// Returns an id of the target's form that nobody has.
    pub(crate) fn unknown_id(&self) -> RemoteId {
        let id = match self.target {
            Target::Google => "999999999999999999999",
            Target::Salesforce => "005300000000999AAA",
            Target::Scim2 => "no-such-id",
        };
        RemoteId(id.to_owned())
    }

    /// Returns an account as the target keeps it.
    pub(crate) fn kept(&self, id: &RemoteId) -> Option<Value> {
        let objects = self.mock().objects();
        objects
            .into_iter()
            .find(|object| object.id == id.0)
            .map(|object| object.content)
    }

    /// Returns how many accounts have this name.
    pub(crate) fn count(&self, name: &str) -> usize {
        let objects = self.mock().objects();
        objects.iter().filter(|object| object.name == name).count()
    }

    pub(crate) fn token_calls(&self) -> usize {
        let log = self.mock().log();
        log.iter()
            .filter(|entry| entry.operation == "token")
            .count()
    }

    pub(crate) fn writes(&self) -> usize {
        let log = self.mock().log();
        log.iter()
            .filter(|entry| matches!(entry.method.as_str(), "PUT" | "PATCH" | "DELETE" | "POST"))
            .filter(|entry| entry.operation != "token")
            .count()
    }

    /// Carries out an order that must succeed, and notes what was confirmed as the engine would.
    pub(crate) async fn done(&self, local: &mut Local, verb: Verb) -> Confirmed {
        let confirmed = self
            .connector
            .carry_out(&local.order(verb), &self.tap)
            .await
            .unwrap_or_else(|failure| {
                panic!(
                    "{verb} {}: {failure:?}\n{}",
                    local.desired.remote_name,
                    self.tap.text()
                )
            });
        settle(local, &confirmed, verb);
        confirmed
    }

    /// Makes an account.
    pub(crate) async fn created(&self, local: &str) -> Local {
        let mut user = self.user(local);
        self.done(&mut user, Verb::Create).await;
        user
    }
}

/// Notes a confirmation in the link, as the engine does.
fn settle(local: &mut Local, confirmed: &Confirmed, verb: Verb) {
    let mut written = local
        .link
        .take()
        .map(|link| link.written)
        .unwrap_or_default();
    written.extend(confirmed.written.clone());
    local.link = Some(Link {
        connector: domain::ConnectorRef::new("target", "any"),
        local: local.desired.local,
        remote_id: confirmed.remote_id.clone(),
        remote_name: confirmed.remote_name.clone(),
        written,
        origin: LinkOrigin::Created,
        active: verb != Verb::Deprovision,
        gone: false,
        since: now(),
        exceptions: domain::Exceptions::new(),
    });
    local.changes.clear();
    local.password = None;
}

fn settings(lab: &Lab, target: Target) -> Setup {
    let url = lab.url(target).unwrap();
    match target {
        Target::Google => {
            let google = lab.google().with_vendor(Google::clone);
            let key = google.service_account_json(&url);
            setup("google")
                .text("google_domain", google.domain())
                .text(
                    "service_account_email",
                    key["client_email"].as_str().unwrap(),
                )
                .text("administrators_email", google.subject())
                .text("application_name", "conformance")
                .secret("private_key", key.to_string())
                .text("base_url", url)
        }
        Target::Salesforce => {
            let salesforce = lab.salesforce().with_vendor(Salesforce::clone);
            let known = salesforce.credentials(&url);
            let text = |name: &str| known[name].as_str().unwrap().to_owned();
            setup("salesforce")
                .text("api_version", "v68.0")
                .text("domain_name", url.as_str())
                .text("client_id", text("consumer_key"))
                .secret("client_secret", text("consumer_secret"))
                .text("username", text("username"))
                .secret("password", text("password") + &text("security_token"))
                .text("token_endpoint", format!("{url}/services/oauth2/token"))
        }
        Target::Scim2 => {
            let scim2 = lab.scim2().with_vendor(Scim2::clone);
            let server = url.strip_suffix(scim2.base_path()).unwrap();
            setup("scim2")
                .text("authentication_mode", "clientCredential")
                .text("client_id", scim2.credentials().client_id.as_str())
                .secret("client_secret", scim2.credentials().client_secret.as_str())
                .text("token_endpoint", scim2.token_url(server))
                .text("user_endpoint", format!("{url}/Users"))
                .text("group_endpoint", format!("{url}/Groups"))
        }
    }
}
