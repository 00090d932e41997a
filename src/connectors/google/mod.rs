//! Google Directory: users of a Workspace domain, through the Admin SDK (admin:directory_v1).

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
    FailureKind, Health, MatchKey, Object, Order, PageRequest, Purpose, Remedy, RemoteAccount, Tap,
    Unavailable, Verb,
};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::confirm;
use crate::http::vault::Vault;
use crate::http::{Answer, Call, Channel, Http, Replay, address, classify};
use crate::settings::Reader;
use credential::ServiceAccount;
use error::Doing;

const JSON: &str = "application/json; charset=UTF-8";

/// So many users are listed at once at most. Source: discovery, users.list, `maxResults`.
const LARGEST_PAGE: usize = 500;

/// A Google connector.
pub(crate) struct Google {
    channel: Channel,
    users: Url,
    administrator: String,
}

impl Google {
    /// Builds the connector from its settings.
    pub(crate) fn build(
        settings: &Reader<'_>,
        vault: Vault,
        clock: Arc<dyn Clock>,
        base: &Path,
    ) -> Result<Self, Unavailable> {
        let mut users = settings.safe_url("base_url")?;
        users.set_path(&format!(
            "{}/admin/directory/v1/users",
            users.path().trim_end_matches('/')
        ));
        let administrator = settings.need("administrators_email")?.to_owned();
        let agent = format!(
            "{} {}",
            settings.need("application_name")?,
            crate::USER_AGENT
        );
        let credential = ServiceAccount::read(settings, vault, base)?;
        let http = Http::new(
            settings.limits(),
            &agent,
            settings.ca_file(base).as_deref(),
            None,
            clock,
        )
        .map_err(|cause| {
            settings.unavailable(&cause, "Correct `application_name` or `ca_file`.")
        })?;
        Ok(Self {
            channel: Channel::new(http, Box::new(credential)),
            users,
            administrator,
        })
    }

    fn write(order: &Order<'_>, method: Method, url: Url) -> Call {
        let mut call = Call::new(Purpose::Write, method, url);
        call.operation = Some(order.operation);
        call.hidden = order.password.cloned().into_iter().collect();
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
        let mut call =
            Self::write(order, Method::POST, self.users.clone()).json(JSON, &wire::inserted(order));
        call.replay = Replay::AskFirst;
        let answer = self.done(call, Doing::Create, tap).await?;
        confirmed(
            order,
            Confirmation::Created,
            &answer.json()?,
            Replay::AskFirst,
        )
    }

    async fn update(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let url = address::below(&self.users, &link.remote_id.0)?;
        let body = wire::updated(order);
        let call = if body.as_object().is_some_and(serde_json::Map::is_empty) {
            // Nothing to send: what is there is asked for, so that nothing is confirmed that nobody said.
            Call::get(Purpose::Lookup, url)
        } else {
            // PUT has the semantics of a patch here and, unlike PATCH, can clear lists. Source: discovery, users.update.
            Self::write(order, Method::PUT, url).json(JSON, &body)
        };
        match self.done(call, Doing::Change, tap).await {
            Ok(answer) => confirmed(order, Confirmation::Updated, &answer.json()?, Replay::Safe),
            Err(failure) if failure.kind == FailureKind::Conflict => {
                self.applied_nevertheless(order, failure, tap).await
            }
            Err(failure) => Err(failure),
        }
    }

    /// An update may answer 409 although it was applied (googleapis/google-api-python-client#949): ask before giving up.
    async fn applied_nevertheless(
        &self,
        order: &Order<'_>,
        failure: Failure,
        tap: &dyn Tap,
    ) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let url = address::below(&self.users, &link.remote_id.0)?;
        match self.read(url, tap).await? {
            Some(user) if wire::is_named(&user, &order.desired.remote_name) => {
                confirmed(order, Confirmation::Updated, &user, Replay::Safe)
            }
            _ => Err(failure),
        }
    }

    async fn deprovision(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let url = address::below(&self.users, &link.remote_id.0)?;
        let outcome = match order.deprovision {
            Deprovision::Delete => {
                let call = Self::write(order, Method::DELETE, url);
                let answer = self.done(call, Doing::Change, tap).await;
                answer.map(|_| Confirmation::Deleted)
            }
            Deprovision::Deactivate => {
                let call =
                    Self::write(order, Method::PUT, url).json(JSON, &json!({"suspended": true}));
                match self.done(call, Doing::Change, tap).await {
                    Ok(answer) => suspended(&answer.json()?).map(|()| Confirmation::Deactivated),
                    Err(failure) => Err(failure),
                }
            }
        };
        let what = match outcome {
            Ok(what) => what,
            Err(failure) if failure.kind == FailureKind::NotFound => Confirmation::AlreadyGone,
            Err(failure) => return Err(failure),
        };
        Ok(confirm::taken_away(what, link, link.remote_name.clone()))
    }

    /// Reads one user; `None` when there is none.
    async fn read(&self, url: Url, tap: &dyn Tap) -> Result<Option<Value>, Failure> {
        let call = Call::get(Purpose::Lookup, url);
        match self.done(call, Doing::Change, tap).await {
            Ok(answer) => answer.json().map(Some),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

#[async_trait]
impl Connector for Google {
    async fn carry_out(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        if order.object() == Object::Group {
            return Err(no_groups());
        }
        match order.verb {
            Verb::Create if confirm::at_rest(order).is_some() => self.update(order, tap).await,
            Verb::Create => self.create(order, tap).await,
            Verb::Update => self.update(order, tap).await,
            Verb::Deprovision => self.deprovision(order, tap).await,
        }
    }

    /// Asks by id when there is one, else by address. An alias of somebody else answers to the address too, and is not the account.
    async fn find(&self, key: &MatchKey, tap: &dyn Tap) -> Result<Option<RemoteAccount>, Failure> {
        if key.object == Object::Group {
            return Err(no_groups());
        }
        if let Some(id) = &key.remote_id {
            let user = self.read(address::below(&self.users, &id.0)?, tap).await?;
            return user.map(account).transpose();
        }
        let user = self
            .read(address::below(&self.users, &key.remote_name)?, tap)
            .await?;
        let Some(account) = user.map(account).transpose()? else {
            return Ok(None);
        };
        Ok(wire::is_named(&account.content, &key.remote_name).then_some(account))
    }

    /// Lists the users of the whole customer, whatever their domain; deleted ones are left out. Source: discovery, users.list.
    async fn list(&self, page: &PageRequest<'_>, tap: &dyn Tap) -> Result<AccountPage, Failure> {
        if page.object == Object::Group {
            return Err(no_groups());
        }
        let most = page.size.clamp(1, LARGEST_PAGE).to_string();
        let mut parameters = vec![
            ("customer", "my_customer"),
            ("maxResults", most.as_str()),
            ("projection", "full"),
        ];
        parameters.extend(page.from.map(|token| ("pageToken", token.0.as_str())));
        let url = address::asking(&self.users, &parameters);
        let call = Call::get(Purpose::Lookup, url);
        let answer = self.done(call, Doing::Change, tap).await?.json()?;
        wire::page(answer)
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
        let url = address::below(&self.users, &self.administrator)?;
        let call = Call::get(Purpose::Check, url);
        let user = self.done(call, Doing::Change, tap).await?.json()?;
        let mut findings = vec![format!(
            "the service account acts for {}",
            self.administrator
        )];
        if user.get("isAdmin") == Some(&Value::Bool(false)) {
            findings.push("that user is no administrator, so writes will be refused".to_owned());
        }
        if let Some(customer) = user.get("customerId").and_then(Value::as_str) {
            findings.push(format!("the customer is {customer}"));
        }
        Ok(Health { findings })
    }
}

/// A success that holds no user says nothing of who is there: least of all that nobody is.
fn account(user: Value) -> Result<RemoteAccount, Failure> {
    wire::account(user)
        .ok_or_else(|| classify::garbled(200, "the answer to a lookup holds no user", Replay::Safe))
}

fn confirmed(
    order: &Order<'_>,
    what: Confirmation,
    user: &Value,
    replay: Replay,
) -> Result<Confirmed, Failure> {
    let id = wire::id(user)
        .ok_or_else(|| classify::garbled(200, "the answer holds no user with an id", replay))?;
    let name = confirm::name(&order.desired.remote_name, wire::name(user));
    Ok(confirm::written(order, what, id, name))
}

fn suspended(user: &Value) -> Result<(), Failure> {
    if user.get("suspended") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    Err(classify::garbled(
        200,
        "the target took the request and does not say that the user is suspended",
        Replay::Safe,
    ))
}

fn no_groups() -> Failure {
    classify::failure(
        FailureKind::Unsupported,
        Remedy::GiveUp,
        "groups are not provisioned to Google",
        "Provision groups to a SCIM2 connector.",
    )
}
