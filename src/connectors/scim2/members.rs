//! Changing who is in a group, in the ways that servers take.

use domain::{Failure, FailureKind, Order, Purpose, Remedy, RemoteId, Tap};
use reqwest::Method;
use serde_json::Value;

use super::error::{self, Doing};
use super::wire::{MemberChange, Removal};
use super::{Scim2, WRITTEN, is_still_ours, wire};
use crate::confirm;
use crate::http::{Call, address, classify};

impl Scim2 {
    /// Adds the members that a create was answered without: some servers ignore members there (django-scim2).
    pub(super) async fn add_missing_members(
        &self,
        order: &Order<'_>,
        id: &RemoteId,
        created: &Value,
        tap: &dyn Tap,
    ) -> Result<(), Failure> {
        let there = wire::members_of(created);
        let added: Vec<String> = confirm::member_ids(order)
            .into_iter()
            .filter(|id| !there.contains(*id))
            .map(str::to_owned)
            .collect();
        if added.is_empty() {
            return Ok(());
        }
        let change = MemberChange {
            added,
            removed: Vec::new(),
        };
        // The group is there: whatever goes wrong now, it must be found and not made again.
        self.change_members(order, id, &change, tap)
            .await
            .map_err(|mut failure| {
                failure.remedy = Remedy::AskFirst;
                failure
            })
    }

    /// Adds and removes members: by PATCH as the RFC writes it, then as Entra ID writes it, then by replacing the group.
    /// A target that announces that it has no PATCH is not sent one.
    pub(super) async fn change_members(
        &self,
        order: &Order<'_>,
        id: &RemoteId,
        change: &MemberChange,
        tap: &dyn Tap,
    ) -> Result<(), Failure> {
        let removals: &[Removal] = if self.discovery.provider(&self.channel, tap).await?.patch {
            &[Removal::Filter, Removal::Values]
        } else {
            &[]
        };
        for &removal in removals {
            if self.patch_members(order, id, change, removal, tap).await? {
                return Ok(());
            }
            if change.removed.is_empty() {
                break;
            }
        }
        let group = self.put(order, id, None, tap).await?;
        self.keep_members(order, id, change, &group, tap).await
    }

    /// Sends the patches; `false` when the target refuses their form.
    async fn patch_members(
        &self,
        order: &Order<'_>,
        id: &RemoteId,
        change: &MemberChange,
        removal: Removal,
        tap: &dyn Tap,
    ) -> Result<bool, Failure> {
        let url = address::below(self.collection(order.object())?, &id.0)?;
        for patch in change.patches(removal) {
            let call = Self::write(order, Method::PATCH, url.clone()).json(wire::CONTENT, &patch);
            let answer = self.channel.send(call.clone(), tap).await?;
            if answer.is_success() {
                // Most answers have no body, and what is in the others was never needed: unreadable, it shows no id.
                let seen = answer.fields(&["externalId"]).unwrap_or_default();
                is_still_ours(order, wire::external_id(&seen).as_deref(), WRITTEN)?;
                continue;
            }
            if error::refuses_patch(&answer) {
                return Ok(false);
            }
            return Err(self.refused(&call, &answer, Doing::Change));
        }
        Ok(true)
    }

    /// Makes sure that a replaced group really has the members: some servers ignore them there.
    pub(super) async fn keep_members(
        &self,
        order: &Order<'_>,
        id: &RemoteId,
        change: &MemberChange,
        group: &Value,
        tap: &dyn Tap,
    ) -> Result<(), Failure> {
        if change.is_empty() || has(group, change) {
            return Ok(());
        }
        let url = address::below(self.collection(order.object())?, &id.0)?;
        let mut call = Call::get(Purpose::Lookup, url);
        call.accept = wire::ACCEPTED;
        let answer = self.done(call, Doing::Change, tap).await?;
        if has(&answer.json()?, change) {
            return Ok(());
        }
        Err(classify::failure(
            FailureKind::Unsupported,
            Remedy::GiveUp,
            "the target took the group and left its members as they were",
            "See in the exchanges what the target makes of members.",
        ))
    }
}

fn has(group: &Value, change: &MemberChange) -> bool {
    let members = wire::members_of(group);
    change.added.iter().all(|id| members.contains(id))
        && !change.removed.iter().any(|id| members.contains(id))
}
