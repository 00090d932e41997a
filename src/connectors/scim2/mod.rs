//! SCIM 2.0: users and groups of any service provider that speaks it (RFC 7643, RFC 7644).

mod credential;
mod discovery;
mod error;
pub(crate) mod fields;
mod listing;
mod lookup;
mod members;
pub(crate) mod target;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    AccountPage, Clock, Confirmation, Confirmed, Connector, Deprovision, Exchange, Failure,
    FailureKind, Health, LinkOrigin, MatchKey, Object, Order, PageRequest, PasswordPlan, Purpose,
    Remedy, RemoteAccount, RemoteId, Secret, SecretRef, Tap, Unavailable, Verb,
};
use reqwest::Method;
use reqwest::header::{ETAG, HeaderValue, IF_MATCH, LOCATION};
use serde_json::Value;
use url::Url;

use crate::confirm;
use crate::http::vault::Vault;
use crate::http::{Answer, Call, Channel, Http, Replay, address, classify};
use crate::path::find;
use crate::settings::Reader;
use credential::{Mode, Scim2Credential};
use discovery::Discovery;
use error::Doing;

/// The setting with the password of an account whose trigger carried none.
const DEFAULT_PASSWORD: &str = "default_password";

/// A SCIM2 connector.
pub(crate) struct Scim2 {
    channel: Channel,
    vault: Vault,
    default_password: Option<SecretRef>,
    users: Url,
    groups: Option<Url>,
    discovery: Discovery,
}

impl Scim2 {
    /// Builds the connector from its settings.
    pub(crate) fn build(
        settings: &Reader<'_>,
        vault: Vault,
        clock: Arc<dyn Clock>,
        base: &Path,
    ) -> Result<Self, Unavailable> {
        let users = settings.url("user_endpoint")?;
        let groups = settings.maybe_url("group_endpoint")?;
        let mode = Mode::read(settings)?;
        let default_password = settings.secret(DEFAULT_PASSWORD).ok();
        let http = Http::new(
            settings.limits(),
            crate::USER_AGENT,
            settings.ca_file(base).as_deref(),
            mode.secret_header(),
            clock,
        )
        .map_err(|cause| settings.unavailable(&cause, "Correct the setting."))?;
        Ok(Self {
            channel: Channel::new(
                http,
                Box::new(Scim2Credential {
                    mode,
                    vault: vault.clone(),
                }),
            ),
            vault,
            default_password,
            discovery: Discovery::beside(&users),
            users,
            groups,
        })
    }

    fn collection(&self, object: Object) -> Result<&Url, Failure> {
        match (object, &self.groups) {
            (Object::User, _) => Ok(&self.users),
            (Object::Group, Some(groups)) => Ok(groups),
            (Object::Group, None) => Err(classify::failure(
                FailureKind::Unsupported,
                Remedy::GiveUp,
                "no group endpoint is configured",
                "Set `group_endpoint`, or do not provision groups here.",
            )),
        }
    }

    fn write(order: &Order<'_>, method: Method, url: Url) -> Call {
        let mut call = Call::new(Purpose::Write, method, url);
        call.operation = Some(order.operation);
        call.accept = wire::ACCEPTED;
        call.hidden = order.password.cloned().into_iter().collect();
        call
    }

    /// Sends a write and names its refusal.
    async fn done(&self, call: Call, doing: Doing, tap: &dyn Tap) -> Result<Answer, Failure> {
        let answer = self.channel.send(call.clone(), tap).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(self.refused(&call, &answer, doing))
    }

    fn refused(&self, call: &Call, answer: &Answer, doing: Doing) -> Failure {
        let failure = error::failure(answer, doing, self.channel.http().clock().now());
        self.channel.quotable(call, failure)
    }

    /// Opens the configured password of an account that is to be made with it.
    async fn default_password(&self, order: &Order<'_>) -> Result<Option<Secret>, Failure> {
        if order.object() != Object::User
            || order.password.is_some()
            || order.desired.password != PasswordPlan::Default
        {
            return Ok(None);
        }
        let reference = self.default_password.as_ref().ok_or_else(|| {
            classify::failure(
                FailureKind::Misconfigured,
                Remedy::GiveUp,
                format!("the account is to get the {DEFAULT_PASSWORD}, and none is set"),
                "Set it, and try the operation again.",
            )
        })?;
        let veil = self.channel.http().veil();
        let password = self.vault.open(DEFAULT_PASSWORD, reference, veil).await?;
        Ok(Some(password))
    }

    async fn create(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let default = self.default_password(order).await?;
        let order = &Order {
            password: order.password.or(default.as_ref()),
            ..order.clone()
        };
        let collection = self.collection(order.object())?;
        let mut call = Self::write(order, Method::POST, collection.clone())
            .json(wire::CONTENT, &wire::resource(order));
        call.replay = Replay::AskFirst;
        let answer = self.done(call, Doing::Create, tap).await?;
        let content = match order.object() {
            // Nothing else of the answer is looked at.
            Object::User if !is_blank(&answer) => {
                answer.fields(&["id", wire::name_attribute(Object::User)])?
            }
            _ => content(&answer)?,
        };
        let (id, name) = match id_of(&answer, &content) {
            Some(id) => {
                let name = wire::name(&content, order.object()).map(str::to_owned);
                (id, name)
            }
            None => self.created_unseen(order, answer.status, tap).await?,
        };
        if order.object() == Object::Group {
            self.add_missing_members(order, &id, &content, tap).await?;
        }
        let name = confirm::name(&order.desired.remote_name, name.as_deref());
        Ok(confirm::written(order, Confirmation::Created, id, name))
    }

    /// Reads back an account that the target says it made without saying under which id.
    async fn created_unseen(
        &self,
        order: &Order<'_>,
        status: u16,
        tap: &dyn Tap,
    ) -> Result<(RemoteId, Option<String>), Failure> {
        let key = MatchKey {
            object: order.object(),
            remote_id: None,
            external_id: order.desired.local.uuid().to_string(),
            remote_name: order.desired.remote_name.clone(),
        };
        match self.look_up(&key, tap).await {
            Ok(Some(account)) => Ok((account.remote_id, Some(account.remote_name))),
            Ok(None) | Err(_) => Err(classify::garbled(
                status,
                "the target says that it was created, gives no id, and does not show it",
                Replay::AskFirst,
            )),
        }
    }

    async fn update(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let wakes = confirm::at_rest(order).is_some()
            && order.object() == Object::User
            && confirm::mapped(order, "active").is_none();
        let operations = wire::operations(order, wakes.then_some(true));
        let provider = self.discovery.provider(&self.channel, tap).await?;
        let members = wire::MemberChange::of(order);

        if !provider.patch {
            let seen = self
                .put(order, &link.remote_id, wakes.then_some(true), tap)
                .await?;
            let id = wire::id(&seen).unwrap_or_else(|| link.remote_id.clone());
            self.keep_members(order, &id, &members, &seen, tap).await?;
            return self.updated(order, id, Some(seen), tap).await;
        }
        // Members first: on some servers a rename moves the id.
        if order.object() == Object::Group && !members.is_empty() {
            self.change_members(order, &link.remote_id, &members, tap)
                .await?;
        }
        let mut seen = None;
        if !operations.is_empty() {
            seen = Some(
                self.patch_or_put(order, &operations, wakes.then_some(true), tap)
                    .await?,
            );
        }
        let id = seen
            .as_ref()
            .and_then(wire::id)
            .unwrap_or_else(|| link.remote_id.clone());
        self.updated(order, id, seen, tap).await
    }

    /// Says what an update left behind. A rename that was answered without a body is read back, for on some servers the
    /// id moves with the name (scimgateway); so is an update that turned out to have nothing to send.
    async fn updated(
        &self,
        order: &Order<'_>,
        id: RemoteId,
        seen: Option<Value>,
        tap: &dyn Tap,
    ) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let renamed = link.remote_name != order.desired.remote_name;
        let silent = seen.as_ref().is_none_or(|seen| wire::id(seen).is_none());
        let nothing_sent = seen.is_none() && wire::MemberChange::of(order).is_empty();
        let (id, name) = if silent && (renamed || nothing_sent) {
            let key = MatchKey {
                object: order.object(),
                remote_id: Some(id),
                external_id: order.desired.local.uuid().to_string(),
                remote_name: order.desired.remote_name.clone(),
            };
            let account = self.look_everywhere(&key, tap).await?.ok_or_else(gone)?;
            is_still_ours(order, account.external_id.as_deref(), WRITTEN)?;
            (account.remote_id, Some(account.remote_name))
        } else {
            let name = seen
                .as_ref()
                .and_then(|seen| wire::name(seen, order.object()))
                .map(str::to_owned);
            (id, name)
        };
        let name = confirm::name(&order.desired.remote_name, name.as_deref());
        Ok(confirm::written(order, Confirmation::Updated, id, name))
    }

    /// Changes an account by PATCH; where the target refuses the PATCH for its form, by reading and replacing it.
    async fn patch_or_put(
        &self,
        order: &Order<'_>,
        operations: &[Value],
        active: Option<bool>,
        tap: &dyn Tap,
    ) -> Result<Value, Failure> {
        let link = confirm::link(order)?;
        let url = address::below(self.collection(order.object())?, &link.remote_id.0)?;
        let call =
            Self::write(order, Method::PATCH, url).json(wire::CONTENT, &wire::patch(operations));
        let answer = self.channel.send(call.clone(), tap).await?;
        if answer.is_success() {
            let seen = content(&answer)?;
            is_still_ours(order, wire::external_id(&seen).as_deref(), WRITTEN)?;
            return Ok(seen);
        }
        if error::refuses_patch(&answer) {
            return self.put(order, &link.remote_id, active, tap).await;
        }
        Err(self.refused(&call, &answer, Doing::Change))
    }

    /// Reads an account and replaces it with what it should be; everything that is not ours stays.
    async fn put(
        &self,
        order: &Order<'_>,
        id: &RemoteId,
        active: Option<bool>,
        tap: &dyn Tap,
    ) -> Result<Value, Failure> {
        let url = address::below(self.collection(order.object())?, &id.0)?;
        let mut read = Call::get(Purpose::Lookup, url.clone());
        read.accept = wire::ACCEPTED;
        let answer = self.done(read, Doing::Change, tap).await?;
        let current = answer.json()?;
        is_still_ours(
            order,
            wire::external_id(&current).as_deref(),
            "nothing of this was written to it",
        )?;
        let mut call = Self::write(order, Method::PUT, url)
            .json(wire::CONTENT, &wire::replaced(&current, order, active));
        if self.discovery.provider(&self.channel, tap).await?.etag
            && let Some(version) = version(&answer, &current)
        {
            call.headers.insert(IF_MATCH, version);
        }
        let answer = self.done(call, Doing::Change, tap).await?;
        content(&answer)
    }

    /// Sees through servers that say 400 (Entra ID) or 500 (scimgateway) of an account that is gone: asks, and says 404.
    async fn or_gone<T>(
        &self,
        outcome: Result<T, Failure>,
        order: &Order<'_>,
        tap: &dyn Tap,
    ) -> Result<T, Failure> {
        let failure = match outcome {
            Err(failure) if matches!(failure.status, Some(400 | 500)) => failure,
            other => return other,
        };
        let link = confirm::link(order)?;
        let key = MatchKey {
            object: order.object(),
            remote_id: Some(link.remote_id.clone()),
            external_id: order.desired.local.uuid().to_string(),
            remote_name: link.remote_name.clone(),
        };
        match self.look_up(&key, tap).await {
            Ok(None) => Err(gone()),
            Ok(Some(_)) | Err(_) => Err(failure),
        }
    }

    async fn deprovision(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        let link = confirm::link(order)?;
        let outcome = match (order.object(), order.deprovision) {
            // A group cannot be put to rest.
            (Object::Group, _) | (Object::User, Deprovision::Delete) => {
                self.delete(order, tap).await
            }
            (Object::User, Deprovision::Deactivate) => self.deactivate(order, tap).await,
        };
        let what = match self.or_gone(outcome, order, tap).await {
            Ok(what) => what,
            Err(failure) if failure.kind == FailureKind::NotFound => Confirmation::AlreadyGone,
            Err(failure) => return Err(failure),
        };
        Ok(confirm::taken_away(what, link, link.remote_name.clone()))
    }

    async fn delete(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmation, Failure> {
        let link = confirm::link(order)?;
        let url = address::below(self.collection(order.object())?, &link.remote_id.0)?;
        let mut call = Self::write(order, Method::DELETE, url);
        // Nothing is expected back, and Entra ID refuses a DELETE that asks for the SCIM media type.
        call.accept = "*/*";
        self.done(call, Doing::Change, tap)
            .await
            .map_err(|mut failure| {
                if failure.kind == FailureKind::Unsupported && order.object() == Object::User {
                    classify::advise(
                        &mut failure,
                        "The target deletes no users: set deprovision = \"deactivate\".",
                    );
                }
                failure
            })?;
        Ok(Confirmation::Deleted)
    }

    async fn deactivate(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmation, Failure> {
        let link = confirm::link(order)?;
        // The account stays as it is, save for the flag: neither its name nor its attributes are touched.
        let mut desired = order.desired.clone();
        desired.remote_name.clone_from(&link.remote_name);
        desired.attributes.clear();
        let rest = Order {
            desired: &desired,
            changes: &[],
            password: None,
            ..order.clone()
        };
        let seen = if self.discovery.provider(&self.channel, tap).await?.patch {
            let operations = wire::operations(&rest, Some(false));
            self.patch_or_put(&rest, &operations, Some(false), tap)
                .await?
        } else {
            self.put(&rest, &link.remote_id, Some(false), tap).await?
        };
        if wire::active(&seen) == Some(true) {
            return Err(classify::failure(
                FailureKind::Unsupported,
                Remedy::GiveUp,
                "the target took the request and says that the account is still active",
                "The target deactivates no users: set deprovision = \"delete\".",
            ));
        }
        Ok(Confirmation::Deactivated)
    }
}

#[async_trait]
impl Connector for Scim2 {
    async fn carry_out(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        match order.verb {
            Verb::Create if confirm::at_rest(order).is_none() => self.create(order, tap).await,
            Verb::Create | Verb::Update => {
                let outcome = self.update(order, tap).await;
                self.or_gone(outcome, order, tap).await
            }
            Verb::Deprovision => self.deprovision(order, tap).await,
        }
    }

    async fn find(&self, key: &MatchKey, tap: &dyn Tap) -> Result<Option<RemoteAccount>, Failure> {
        self.look_up(key, tap).await
    }

    async fn list(&self, page: &PageRequest<'_>, tap: &dyn Tap) -> Result<AccountPage, Failure> {
        self.page(page, tap).await
    }

    fn attributes(
        &self,
        object: Object,
        account: &RemoteAccount,
        names: &[String],
    ) -> BTreeMap<String, Value> {
        listing::attributes(object, &account.content, names)
    }

    async fn replay(&self, exchange: &Exchange, tap: &dyn Tap) -> Result<(), Failure> {
        self.channel
            .replay(self.collection(Object::User)?, exchange, tap)
            .await
    }

    async fn check(&self, tap: &dyn Tap) -> Result<Health, Failure> {
        self.examine(tap).await
    }
}

/// Returns an answer's resource; `null` when it has no body.
fn content(answer: &Answer) -> Result<Value, Failure> {
    if is_blank(answer) {
        return Ok(Value::Null);
    }
    answer.json()
}

fn is_blank(answer: &Answer) -> bool {
    answer.body.iter().all(u8::is_ascii_whitespace)
}

/// Returns the id that a create was answered with: in the body, else as the end of `Location`.
fn id_of(answer: &Answer, content: &Value) -> Option<RemoteId> {
    wire::id(content).or_else(|| {
        let location = answer.headers.get(LOCATION)?.to_str().ok()?;
        let last = location.split(['?', '#']).next()?.rsplit('/').next()?;
        let id = percent_encoding::percent_decode_str(last)
            .decode_utf8()
            .ok()?;
        confirm::remote_id(&id)
    })
}

fn version(answer: &Answer, content: &Value) -> Option<HeaderValue> {
    answer.headers.get(ETAG).cloned().or_else(|| {
        let version = find(find(content, "meta")?, "version")?.as_str()?;
        HeaderValue::from_str(version).ok()
    })
}

/// What is said of an account that turns out to be another one by its answer to a write.
const WRITTEN: &str = "what this sends was written to it";

/// Refuses an account that was made with our external id and shows that of another user or group: the target gave the id
/// that is linked to somebody else. What is no UUID is no id of ours: another system may have written its own over it.
///
/// # Errors
/// `Rejected`, with what was done to that account.
fn is_still_ours(order: &Order<'_>, external_id: Option<&str>, done: &str) -> Result<(), Failure> {
    let ours = order.desired.local.uuid();
    let made_here = order
        .link
        .is_some_and(|link| link.origin == LinkOrigin::Created);
    let shown = external_id.and_then(|id| id.parse::<uuid::Uuid>().ok());
    match shown {
        Some(shown) if made_here && shown != ours => Err(classify::failure(
            FailureKind::Rejected,
            Remedy::GiveUp,
            format!(
                "under the id that is linked, the target has an account with the external id {shown}; the one that was \
                 made here has {ours}, so it is somebody else's: {done}"
            ),
            "Set that account right at the target and forget the link (`outbound links unlink`). When it is the right one \
             all the same, link it again (`outbound links link`). Then retry.",
        )),
        _ => Ok(()),
    }
}

fn gone() -> Failure {
    classify::failure(
        FailureKind::NotFound,
        Remedy::AskFirst,
        "the account is not there any more",
        "It is made anew when it should exist.",
    )
}
