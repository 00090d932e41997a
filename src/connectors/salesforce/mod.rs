//! Salesforce: the User object, through the REST API.

mod credential;
mod error;
pub(crate) mod fields;
pub(crate) mod target;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    AccountPage, Clock, Confirmation, Confirmed, Connector, Deprovision, Exchange, Failure,
    FailureKind, Health, MatchKey, Object, Order, PageRequest, Purpose, Remedy, RemoteAccount,
    RemoteId, Tap, Unavailable, Verb,
};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use url::Url;

use crate::confirm;
use crate::http::vault::Vault;
use crate::http::{Answer, Call, Channel, Http, Replay, address, classify};
use crate::settings::Reader;
use credential::Login;
use error::Doing;

const JSON: &str = "application/json";

/// Where a query says how many records it wants at once. Source: api_rest, headers_queryoptions.
const QUERY_OPTIONS: HeaderName = HeaderName::from_static("sforce-query-options");

/// A Salesforce connector.
pub(crate) struct Salesforce {
    channel: Channel,
    /// `{domain}/services/data/{version}`. Every call goes to the configured domain, whatever `instance_url` says.
    data: Url,
    users: Url,
    keep_username: bool,
}

impl Salesforce {
    /// Builds the connector from its settings.
    pub(crate) fn build(
        settings: &Reader<'_>,
        vault: Vault,
        clock: Arc<dyn Clock>,
        base: &Path,
    ) -> Result<Self, Unavailable> {
        let mut data = settings.safe_url("domain_name")?;
        let version = version(settings)?;
        data.set_path(&format!(
            "{}/services/data/{version}",
            data.path().trim_end_matches('/')
        ));
        let mut users = data.clone();
        users.set_path(&format!("{}/sobjects/User", data.path()));
        let credential = Login::read(settings, vault)?;
        let http = Http::new(
            settings.limits(),
            crate::USER_AGENT,
            settings.ca_file(base).as_deref(),
            None,
            clock,
        )
        .map_err(|cause| settings.unavailable(&cause, "Correct the setting."))?;
        Ok(Self {
            channel: Channel::new(http, Box::new(credential)),
            data,
            users,
            keep_username: settings.keep_username(),
        })
    }

    fn write(order: &Order<'_>, method: Method, url: Url, body: &Value) -> Call {
        let mut call = Call::new(Purpose::Write, method, url).json(JSON, body);
        call.operation = Some(order.operation);
        call
    }

    async fn done(&self, call: Call, doing: Doing, tap: &dyn Tap) -> Result<Answer, Failure> {
        let answer = self.channel.send(call.clone(), tap).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        let failure = error::failure(&answer, doing, self.channel.http().clock().now());
        Err(self.channel.quotable(&call, failure))
    }

    async fn create(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let mut call = Self::write(
            order,
            Method::POST,
            self.users.clone(),
            &wire::created(order),
        );
        call.replay = Replay::AskFirst;
        let answer = self.done(call, Doing::Create, tap).await?;
        let content = answer.json()?;
        let id = content
            .get("id")
            .and_then(Value::as_str)
            .and_then(confirm::remote_id)
            .filter(|_| content.get("success") != Some(&Value::Bool(false)));
        // A success without an id was never seen, and without one there is nothing to confirm.
        let Some(id) = id else {
            return Err(classify::garbled(
                answer.status,
                "the answer to a create holds no id",
                Replay::AskFirst,
            ));
        };
        let name = order.desired.remote_name.clone();
        Ok(confirm::written(order, Confirmation::Created, id, name))
    }

    async fn update(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let url = address::below(&self.users, &link.remote_id.0)?;
        let body = wire::updated(order);
        let call = if body.as_object().is_some_and(serde_json::Map::is_empty) {
            // Nothing to send: what is there is asked for, so that nothing is confirmed that nobody said.
            Call::get(Purpose::Lookup, url)
        } else {
            Self::write(order, Method::PATCH, url, &body)
        };
        self.done(call, Doing::Change, tap).await?;
        // The target answers 204 without a body: it took exactly what was sent (api_rest, dome_update_fields).
        Ok(confirm::written(
            order,
            Confirmation::Updated,
            link.remote_id.clone(),
            order.desired.remote_name.clone(),
        ))
    }

    async fn deactivate(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let url = address::below(&self.users, &link.remote_id.0)?;
        // An account at rest gave its name away already.
        let freed = (!self.keep_username && link.active)
            .then(|| wire::freed(&link.remote_name, order.operation));
        let mut body = json!({"IsActive": false});
        if let Some(freed) = &freed {
            body["Username"] = freed.as_str().into();
        }
        let call = Self::write(order, Method::PATCH, url, &body);
        let (what, name) = match self.done(call, Doing::Change, tap).await {
            Ok(_) => (Confirmation::Deactivated, freed),
            Err(failure) if failure.kind == FailureKind::NotFound => {
                (Confirmation::AlreadyGone, None)
            }
            Err(failure) => return Err(failure),
        };
        let name = name.unwrap_or_else(|| link.remote_name.clone());
        Ok(confirm::taken_away(what, link, name))
    }

    async fn by_id(&self, id: &RemoteId, tap: &dyn Tap) -> Result<Option<RemoteAccount>, Failure> {
        let url = address::below(&self.users, &id.0)?;
        let url = address::asking(&url, &[("fields", wire::FIELDS)]);
        match self
            .done(Call::get(Purpose::Lookup, url), Doing::Change, tap)
            .await
        {
            Ok(answer) => wire::account(answer.json()?)
                .map(Some)
                .ok_or_else(|| no_user(&answer)),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn query(&self, purpose: Purpose, soql: &str, tap: &dyn Tap) -> Result<Answer, Failure> {
        let url = address::asking(&self.queries(), &[("q", soql)]);
        self.done(Call::get(purpose, url), Doing::Ask, tap).await
    }

    fn queries(&self) -> Url {
        let mut url = self.data.clone();
        url.set_path(&format!("{}/query", self.data.path()));
        url
    }
}

/// A success that holds no user says nothing of who is there: least of all that nobody is.
fn no_user(answer: &Answer) -> Failure {
    classify::garbled(
        answer.status,
        "the answer to a lookup holds neither a user nor an empty list",
        Replay::Safe,
    )
}

#[async_trait]
impl Connector for Salesforce {
    async fn carry_out(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        if order.object() == Object::Group {
            return Err(no_groups());
        }
        match (order.verb, order.deprovision) {
            (Verb::Create, _) if confirm::at_rest(order).is_some() => self.update(order, tap).await,
            (Verb::Create, _) => self.create(order, tap).await,
            (Verb::Update, _) => self.update(order, tap).await,
            (Verb::Deprovision, Deprovision::Deactivate) => self.deactivate(order, tap).await,
            (Verb::Deprovision, Deprovision::Delete) => Err(unsupported(
                "Salesforce cannot delete a user",
                "Set deprovision = \"deactivate\".",
            )),
        }
    }

    /// Asks by id when there is one, else by Username, which is unique over all organizations, inactive users included.
    async fn find(&self, key: &MatchKey, tap: &dyn Tap) -> Result<Option<RemoteAccount>, Failure> {
        if let Some(id) = &key.remote_id {
            return self.by_id(id, tap).await;
        }
        let soql = wire::by_username(&key.remote_name);
        let answer = self.query(Purpose::Lookup, &soql, tap).await?;
        let records = wire::records(answer.json()?).ok_or_else(|| no_user(&answer))?;
        let account = |user| wire::account(user).ok_or_else(|| no_user(&answer));
        records.into_iter().next().map(account).transpose()
    }

    /// Lists the users of the organization, those at rest included. Source: api_rest, resources-query.
    async fn list(&self, page: &PageRequest<'_>, tap: &dyn Tap) -> Result<AccountPage, Failure> {
        if page.object == Object::Group {
            return Err(no_groups());
        }
        let url = match page.from {
            None => address::asking(&self.queries(), &[("q", &wire::all(page.attributes))]),
            Some(token) => address::below(&self.queries(), &token.0)?,
        };
        let mut call = Call::get(Purpose::Lookup, url);
        let size = page
            .size
            .clamp(wire::SMALLEST_PAGE, wire::LARGEST_PAGE)
            .to_string();
        let options = HeaderValue::try_from(format!("batchSize={size}")).map_err(|error| {
            classify::failure(
                FailureKind::Misconfigured,
                Remedy::GiveUp,
                error.to_string(),
                "Ask for pages of another size.",
            )
        })?;
        call.headers.insert(QUERY_OPTIONS, options);
        wire::page(self.done(call, Doing::Ask, tap).await?.json()?)
    }

    fn attributes(
        &self,
        _object: Object,
        account: &RemoteAccount,
        names: &[String],
    ) -> BTreeMap<String, Value> {
        wire::attributes(&account.content, names)
    }

    async fn replay(&self, exchange: &Exchange, tap: &dyn Tap) -> Result<(), Failure> {
        self.channel.replay(&self.users, exchange, tap).await
    }

    async fn check(&self, tap: &dyn Tap) -> Result<Health, Failure> {
        let soql = "SELECT Id FROM User LIMIT 1";
        let answer = self.query(Purpose::Check, soql, tap).await?;
        answer.json()?;
        let mut findings = vec!["the target lets us in and shows us its users".to_owned()];
        if let Some(usage) = answer.headers.get("sforce-limit-info") {
            let usage = String::from_utf8_lossy(usage.as_bytes());
            findings.push(format!("requests of the last 24 hours: {usage}"));
        }
        Ok(Health { findings })
    }
}

/// Returns the API version, which goes into the address as it is and must be `v` and a number.
fn version<'a>(settings: &Reader<'a>) -> Result<&'a str, Unavailable> {
    let version = settings.need("api_version")?;
    let number = version.strip_prefix('v').unwrap_or_default();
    let is_number = !number.is_empty()
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_number {
        return Ok(version);
    }
    Err(settings.unusable(
        "api_version",
        &format!("`{version}` is not a version"),
        "Write it with its `v`, as in `v68.0`.",
    ))
}

fn no_groups() -> Failure {
    unsupported(
        "groups are not provisioned to Salesforce",
        "Provision groups to a SCIM2 connector.",
    )
}

fn unsupported(told: &str, advice: &str) -> Failure {
    classify::failure(FailureKind::Unsupported, Remedy::GiveUp, told, advice)
}
