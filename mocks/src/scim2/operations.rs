//! Creating, replacing, patching and deleting one resource, with everything that follows for the others.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value};

use super::{
    Scim2,
    changes::Reporter,
    error::Refusal,
    etag::Precondition,
    links::{self, HERE},
    patch::{self, Password},
    personality::IdentifierForm,
    render::encoded,
    resource::{self, Shaped},
    schema::Kind,
    store::{Draft, Key, Row, made_up_uuid},
};
use crate::vendor::Change;

/// What one request brings besides its body, and where its changes are told.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) now: Timestamp,
    pub(crate) precondition: Precondition<'a>,
    pub(crate) changes: &'a mut Vec<Change>,
}

impl Scim2 {
    /// Creates a resource (RFC 7644, section 3.3).
    pub(crate) fn create(
        &mut self,
        kind: Kind,
        body: &Value,
        turn: &mut Turn<'_>,
    ) -> Result<Arc<Row>, Refusal> {
        let Shaped {
            mut content,
            password,
        } = self.shaped(kind, body)?;
        if !self.personality().resources.members_on_write {
            content.shift_remove("members");
        }
        if kind == Kind::User && !content.contains_key("active") {
            content.insert("active".to_owned(), Value::Bool(true));
        }
        let password = password
            .map(|password| self.hashed(&password))
            .transpose()?;
        let id = self.new_id(kind, &content);
        let content = self.sealed(kind, &id, content, password.is_some())?;
        self.check_unique(kind, None, &content)?;
        self.check_licence(kind, None, &content)?;
        let row = self.store.insert(
            kind,
            Draft {
                id: id.into(),
                content: &content,
                password,
            },
            turn.now,
        );
        Reporter {
            kind,
            row: &row,
            into: turn.changes,
        }
        .created(content);
        Ok(row)
    }

    /// Replaces a resource (RFC 7644, section 3.5.1). What is left out goes, but for the password, which no client
    /// can read back, and for `active`, whose loss would wake up a deactivated user.
    pub(crate) fn replace(
        &mut self,
        kind: Kind,
        id: &str,
        body: &Value,
        turn: &mut Turn<'_>,
    ) -> Result<Arc<Row>, Refusal> {
        let (at, old) = self.existing(kind, id, &turn.precondition)?;
        let Shaped {
            mut content,
            password,
        } = self.shaped(kind, body)?;
        let before = old.content();
        let carry = match kind {
            Kind::User if !content.contains_key("active") => Some("active"),
            Kind::Group if !self.personality().resources.members_on_write => Some("members"),
            _ => None,
        };
        if let Some(name) = carry {
            content.shift_remove(name);
            content.extend(
                before
                    .get(name)
                    .map(|value| (name.to_owned(), value.clone())),
            );
        }
        let password = match password {
            Some(password) => Some(self.hashed(&password)?),
            None => old.password.clone(),
        };
        self.store_changed(kind, (at, &old), &before, content, password, turn)
    }

    /// Changes a resource by PATCH (RFC 7644, section 3.5.2).
    pub(crate) fn patch(
        &mut self,
        kind: Kind,
        id: &str,
        operations: &[patch::Operation<'_>],
        turn: &mut Turn<'_>,
    ) -> Result<Arc<Row>, Refusal> {
        let (at, old) = self.existing(kind, id, &turn.precondition)?;
        let before = old.content();
        let settings = self.settings.clone();
        let patched = patch::apply(before.clone(), operations, kind, &settings.personality)?;
        let password = match &patched.password {
            Password::Kept => old.password.clone(),
            Password::Set(password) => Some(self.hashed(password)?),
            Password::Removed => None,
        };
        self.store_changed(kind, (at, &old), &before, patched.content, password, turn)
    }

    /// Deletes a resource (RFC 7644, section 3.6) and takes it out of every group.
    pub(crate) fn delete(
        &mut self,
        kind: Kind,
        id: &str,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let (at, row) = self.existing(kind, id, &turn.precondition)?;
        for group in self.store.groups_with(&row.id).to_vec() {
            self.edit_members(&group, turn, |members| {
                members
                    .retain(|member| member.get("value").and_then(Value::as_str) != Some(&row.id));
            });
        }
        self.store.remove(kind, at);
        Reporter {
            kind,
            row: &row,
            into: turn.changes,
        }
        .deleted();
        Ok(())
    }

    fn shaped(&self, kind: Kind, body: &Value) -> Result<Shaped, Refusal> {
        let Value::Object(body) = body else {
            return Err(Refusal::invalid_syntax("The body must be an object."));
        };
        resource::shape(body, kind, self.personality())
    }

    fn sealed(
        &self,
        kind: Kind,
        id: &str,
        mut content: Map<String, Value>,
        has_password: bool,
    ) -> Result<Map<String, Value>, Refusal> {
        links::complete(&mut content, kind, &self.store, self.personality())?;
        resource::seal(content, has_password, id, kind, self.personality())
    }

    fn existing(
        &self,
        kind: Kind,
        id: &str,
        precondition: &Precondition<'_>,
    ) -> Result<(u64, Arc<Row>), Refusal> {
        let (at, row) = self
            .store
            .by_id(kind, id)
            .ok_or_else(|| Refusal::not_found(id))?;
        if self.personality().features.etag {
            precondition.check_change(&self.renderer("").version(kind, &row))?;
        }
        Ok((at, row))
    }

    fn store_changed(
        &mut self,
        kind: Kind,
        (at, old): (u64, &Row),
        before: &Map<String, Value>,
        content: Map<String, Value>,
        password: Option<Box<str>>,
        turn: &mut Turn<'_>,
    ) -> Result<Arc<Row>, Refusal> {
        let id: Arc<str> = match self.personality().identifiers.form {
            IdentifierForm::Name => self.new_id(kind, &content).into(),
            IdentifierForm::Uuid | IdentifierForm::Integer => old.id.clone(),
        };
        let content = self.sealed(kind, &id, content, password.is_some())?;
        self.check_unique(kind, Some(at), &content)?;
        self.check_licence(kind, Some(old), &content)?;
        let new_password = password != old.password;
        let draft = Draft {
            id,
            content: &content,
            password,
        };
        let row = self
            .store
            .replace(kind, at, draft, turn.now)
            .ok_or_else(|| Refusal::not_found(&old.id))?;
        let mut reporter = Reporter {
            kind,
            row: &row,
            into: turn.changes,
        };
        reporter.differences(before, &content);
        if new_password {
            reporter.password_changed();
        }
        self.follow(kind, old, before, &row, &content, turn);
        Ok(row)
    }

    /// Carries a new name or identifier into the groups that have the resource as a member.
    fn follow(
        &mut self,
        kind: Kind,
        old: &Row,
        before: &Map<String, Value>,
        row: &Row,
        content: &Map<String, Value>,
        turn: &mut Turn<'_>,
    ) {
        let (old_name, name) = (
            links::display_name(before, kind),
            links::display_name(content, kind),
        );
        if old_name == name && old.id == row.id {
            return;
        }
        for group in self.store.groups_with(&old.id).to_vec() {
            self.edit_members(&group, turn, |members| {
                let ours = |member: &&mut Value| {
                    member.get("value").and_then(Value::as_str) == Some(&*old.id)
                };
                let Some(member) = members.iter_mut().find(ours).and_then(Value::as_object_mut)
                else {
                    return;
                };
                member.insert("value".to_owned(), (*row.id).into());
                member.insert(
                    "$ref".to_owned(),
                    format!("{HERE}/{}/{}", kind.endpoint(), encoded(&row.id)).into(),
                );
                if member.get("display").and_then(Value::as_str) == Some(&old_name) {
                    member.insert("display".to_owned(), name.as_str().into());
                }
            });
        }
    }

    /// Changes the members of a group because a member changed.
    fn edit_members(&mut self, group: &str, turn: &mut Turn<'_>, edit: impl Fn(&mut Vec<Value>)) {
        let Some((at, old)) = self.store.by_id(Kind::Group, group) else {
            return;
        };
        let before = old.content();
        let mut after = before.clone();
        let Some(Value::Array(mut members)) = after.shift_remove("members") else {
            return;
        };
        edit(&mut members);
        if !members.is_empty() {
            after.insert("members".to_owned(), Value::Array(members));
        }
        let draft = Draft {
            id: old.id.clone(),
            content: &after,
            password: None,
        };
        if let Some(row) = self.store.replace(Kind::Group, at, draft, turn.now) {
            Reporter {
                kind: Kind::Group,
                row: &row,
                into: turn.changes,
            }
            .differences(&before, &after);
        }
    }

    fn new_id(&self, kind: Kind, content: &Map<String, Value>) -> String {
        match self.personality().identifiers.form {
            IdentifierForm::Uuid => made_up_uuid(self.store.next_number()).to_string(),
            IdentifierForm::Integer => self.store.next_number().to_string(),
            IdentifierForm::Name => content
                .get(kind.naming_attribute())
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        }
    }

    fn check_unique(
        &self,
        kind: Kind,
        own: Option<u64>,
        content: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let rules = &self.personality().resources;
        let by_name = self.personality().identifiers.form == IdentifierForm::Name;
        let checks = [
            (Key::UserName, "userName", kind == Kind::User),
            (
                Key::DisplayName,
                "displayName",
                kind == Kind::Group && (rules.unique_group_names || by_name),
            ),
            (Key::ExternalId, "externalId", rules.unique_external_ids),
        ];
        for (key, name, unique) in checks {
            let Some(value) = content.get(name).and_then(Value::as_str).filter(|_| unique) else {
                continue;
            };
            let same = |other: &str| match key {
                Key::ExternalId => other == value,
                _ => other.to_lowercase() == value.to_lowercase(),
            };
            let taken = self.store.candidates(kind, key, value).iter().any(|at| {
                own != Some(*at)
                    && self.store.row(kind, *at).is_some_and(|row| {
                        row.content()
                            .get(name)
                            .and_then(Value::as_str)
                            .is_some_and(same)
                    })
            });
            if taken {
                return Err(Refusal::uniqueness(format!(
                    "The {name} '{value}' is already taken."
                )));
            }
        }
        Ok(())
    }

    fn check_licence(
        &self,
        kind: Kind,
        old: Option<&Row>,
        content: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let becomes_active = kind == Kind::User
            && content.get("active") != Some(&Value::Bool(false))
            && !old.is_some_and(|old| old.active);
        match self.licences {
            Some(most) if becomes_active && self.store.active_users() >= most => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "No licence is left for another active user.",
            )),
            _ => Ok(()),
        }
    }

    /// Checks a password against the policy and hashes it.
    fn hashed(&self, password: &str) -> Result<Box<str>, Refusal> {
        let least = self.personality().resources.password_min_length as usize;
        if password.chars().count() < least {
            return Err(Refusal::invalid_value(format!(
                "The password must have at least {least} characters."
            )));
        }
        password_hash(password)
            .ok_or_else(|| Refusal::invalid_value("The password cannot be kept."))
    }
}

/// Hashes a password with HMAC-SHA-256. One key for all, so that equal passwords of two forks stay equal: this guards
/// against showing a password, not against a thief of the mock's memory.
pub(crate) fn password_hash(password: &str) -> Option<Box<str>> {
    let key = EncodingKey::from_secret(b"scim2-mock");
    jsonwebtoken::crypto::sign(password.as_bytes(), &key, Algorithm::HS256)
        .ok()
        .map(Into::into)
}
