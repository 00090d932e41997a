//! Finding an account: by id, by external id, by name, and by hand where the target cannot filter.

use domain::{Failure, FailureKind, Health, MatchKey, Object, Purpose, Remedy, RemoteAccount, Tap};
use serde_json::Value;
use url::Url;

use super::error::Doing;
use super::{Scim2, wire};
use crate::http::{Answer, Call, Replay, address, classify};
use crate::path::find;

/// So many resources are asked for at once where a list must be walked.
const PAGE: usize = 100;
/// So many pages are walked; beyond, the target is too large to be searched by hand.
const PAGES: usize = 200;

impl Scim2 {
    /// Looks for an account: by remote id when there is one, else by external id, else by name.
    pub(super) async fn look_up(
        &self,
        key: &MatchKey,
        tap: &dyn Tap,
    ) -> Result<Option<RemoteAccount>, Failure> {
        let Some(id) = &key.remote_id else {
            return self.by_keys(key, tap).await;
        };
        let call = lookup(address::below(self.collection(key.object)?, &id.0)?);
        let answer = self.channel.send(call.clone(), tap).await?;
        match answer.status {
            200..=299 => wire::account(answer.json()?, key.object)
                .map(Some)
                .ok_or_else(|| {
                    no_answer(
                        &answer,
                        "the answer to a lookup holds no resource with an id",
                    )
                }),
            404 | 410 => Ok(None),
            // Some servers say 400 (Entra ID) or 500 (scimgateway) of an id that they do not know: what they list decides.
            400 | 500 => self.by_keys(key, tap).await,
            _ => Err(self.refused(&call, &answer, Doing::Ask)),
        }
    }

    /// Looks for an account whose id may have moved: under its id, and then as if it had none.
    pub(super) async fn look_everywhere(
        &self,
        key: &MatchKey,
        tap: &dyn Tap,
    ) -> Result<Option<RemoteAccount>, Failure> {
        if let Some(account) = self.look_up(key, tap).await? {
            return Ok(Some(account));
        }
        let moved = MatchKey {
            remote_id: None,
            ..key.clone()
        };
        self.by_keys(&moved, tap).await
    }

    /// Searches by external id and by name; where the id is known, for the account of that id alone.
    async fn by_keys(
        &self,
        key: &MatchKey,
        tap: &dyn Tap,
    ) -> Result<Option<RemoteAccount>, Failure> {
        let collection = self.collection(key.object)?;
        if self.discovery.provider(&self.channel, tap).await?.filter {
            self.filtered(collection, key, tap).await
        } else {
            self.walked(collection, key, tap).await
        }
    }

    async fn filtered(
        &self,
        collection: &Url,
        key: &MatchKey,
        tap: &dyn Tap,
    ) -> Result<Option<RemoteAccount>, Failure> {
        let external = wire::equals("externalId", &key.external_id);
        if let Some(account) = self.matching(collection, key, &external, true, tap).await? {
            return Ok(Some(account));
        }
        let name = wire::equals(wire::name_attribute(key.object), &key.remote_name);
        self.matching(collection, key, &name, false, tap).await
    }

    /// Asks with a filter. What comes back is compared again: a server that ignores the filter sends strangers.
    async fn matching(
        &self,
        collection: &Url,
        key: &MatchKey,
        filter: &str,
        may_refuse: bool,
        tap: &dyn Tap,
    ) -> Result<Option<RemoteAccount>, Failure> {
        let mut parameters = vec![("filter", filter)];
        if key.object == Object::Group {
            parameters.push(("excludedAttributes", "members"));
        }
        let call = lookup(address::asking(collection, &parameters));
        let answer = self.channel.send(call.clone(), tap).await?;
        if !answer.is_success() {
            // A target that keeps no external id refuses the filter; the name is asked for next.
            if may_refuse && matches!(answer.status, 400 | 403 | 404 | 500 | 501) {
                return Ok(None);
            }
            return Err(self.refused(&call, &answer, Doing::Ask));
        }
        let (resources, _) = listed(&answer)?;
        Ok(resources
            .into_iter()
            .find_map(|resource| chosen(resource, key)))
    }

    /// Walks the whole list, for a target that announces that it cannot filter.
    async fn walked(
        &self,
        collection: &Url,
        key: &MatchKey,
        tap: &dyn Tap,
    ) -> Result<Option<RemoteAccount>, Failure> {
        let mut by_name = None;
        let mut start = 1;
        for _ in 0..PAGES {
            let from = start.to_string();
            let count = PAGE.to_string();
            let call = lookup(address::asking(
                collection,
                &[("startIndex", from.as_str()), ("count", count.as_str())],
            ));
            let answer = self.channel.send(call.clone(), tap).await?;
            if !answer.is_success() {
                return Err(self.refused(&call, &answer, Doing::Ask));
            }
            let (resources, total) = listed(&answer)?;
            let got = resources.len();
            for account in resources
                .into_iter()
                .filter_map(|resource| chosen(resource, key))
            {
                if key.remote_id.is_some()
                    || account.external_id.as_deref() == Some(&key.external_id)
                {
                    return Ok(Some(account));
                }
                by_name = Some(account);
            }
            start += got;
            if got == 0 || total.is_none_or(|total| start as u64 > total) {
                return Ok(by_name);
            }
        }
        Err(classify::failure(
            FailureKind::Unsupported,
            Remedy::GiveUp,
            format!(
                "the target cannot filter and holds more than {} accounts",
                PAGE * PAGES
            ),
            "Look for the account by hand and link it.",
        ))
    }

    /// Looks at what the target announces and whether it lets us list its users.
    pub(super) async fn examine(&self, tap: &dyn Tap) -> Result<Health, Failure> {
        let call = {
            let url = address::asking(&self.users, &[("startIndex", "1"), ("count", "1")]);
            let mut call = lookup(url);
            call.purpose = Purpose::Check;
            call
        };
        let answer = self.channel.send(call.clone(), tap).await?;
        if !answer.is_success() {
            return Err(self.refused(&call, &answer, Doing::Ask));
        }
        let (_, total) = listed(&answer)?;
        let provider = self.discovery.provider(&self.channel, tap).await?;
        let mut findings = vec![match total {
            Some(total) => format!("the target lets us in and holds {total} users"),
            None => "the target lets us in".to_owned(),
        }];
        if provider.announced {
            let supported = |yes: bool| if yes { "supported" } else { "not supported" };
            findings.push(format!("PATCH is {}", supported(provider.patch)));
            findings.push(format!("filters are {}", supported(provider.filter)));
            findings.push(format!("versions (ETag) are {}", supported(provider.etag)));
        } else {
            findings.push(
                "the target announces nothing (no readable ServiceProviderConfig)".to_owned(),
            );
        }
        if self.groups.is_none() {
            findings.push("no group endpoint is configured, so no group is provisioned".to_owned());
        }
        Ok(Health { findings })
    }
}

/// Reads a list answer. A success that is no list says nothing of who is there: least of all that nobody is.
fn listed(answer: &Answer) -> Result<(Vec<Value>, Option<u64>), Failure> {
    wire::listed(&mut answer.json()?)
        .ok_or_else(|| no_answer(answer, "the answer to a search is no list of resources"))
}

fn no_answer(answer: &Answer, told: &str) -> Failure {
    classify::garbled(answer.status, told, Replay::Safe)
}

pub(super) fn lookup(url: Url) -> Call {
    let mut call = Call::get(Purpose::Lookup, url);
    call.accept = wire::ACCEPTED;
    call
}

/// Returns the resource as an account when it is the one that is looked for.
///
/// External ids compare with case, names without (RFC 7643, section 3.1 and 4.1.1). Of several accounts with one external
/// id, or with none, only the id tells which is meant.
fn chosen(resource: Value, key: &MatchKey) -> Option<RemoteAccount> {
    if let Some(id) = &key.remote_id {
        return wire::account(resource, key.object).filter(|account| account.remote_id == *id);
    }
    let external = find(&resource, "externalId").and_then(Value::as_str);
    let named = wire::name(&resource, key.object)
        .is_some_and(|name| name.to_lowercase() == key.remote_name.to_lowercase());
    if external == Some(key.external_id.as_str()) || named {
        wire::account(resource, key.object)
    } else {
        None
    }
}
