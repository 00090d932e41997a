//! Fills the directory from the `[scim2]` table of a seed file.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Scim2, etag::Precondition, operations::Turn, schema::Kind};

impl Scim2 {
    /// Adds the users and groups of a seed table; all of them or none.
    ///
    /// A user or group is written with SCIM's own names; `schemas` may be left out. A member of a group may be given
    /// as the userName of a user or the displayName of a group instead of `{ value = … }`.
    pub(crate) fn add_seed(&mut self, table: &toml::Table, now: Timestamp) -> Result<(), String> {
        let mut trial = self.clone();
        if let Some(unknown) = table
            .keys()
            .find(|key| !matches!(key.as_str(), "users" | "groups"))
        {
            return Err(format!(
                "scim2.{unknown} is not known; there are users and groups"
            ));
        }
        for (kind, key) in [(Kind::User, "users"), (Kind::Group, "groups")] {
            let entries = match table.get(key) {
                None => continue,
                Some(toml::Value::Array(entries)) => entries,
                Some(_) => return Err(format!("scim2.{key} must be a list of tables")),
            };
            for (at, entry) in entries.iter().enumerate() {
                let place = format!("scim2.{key}[{at}]");
                trial
                    .add_entry(kind, entry, now)
                    .map_err(|reason| format!("{place}: {reason}"))?;
            }
        }
        *self = trial;
        Ok(())
    }

    fn add_entry(&mut self, kind: Kind, entry: &toml::Value, now: Timestamp) -> Result<(), String> {
        let Value::Object(mut body) = to_json(entry) else {
            return Err("it must be a table".to_owned());
        };
        if let Some(unknown) = body.keys().find(|key| !is_known(kind, key)) {
            return Err(format!("'{unknown}' is no attribute of a {}", kind.name()));
        }
        body.entry("schemas")
            .or_insert_with(|| json!([kind.core().id]));
        if let Some(Value::Array(members)) = body.get_mut("members") {
            for member in members.iter_mut() {
                self.name_member(member)?;
            }
        }
        let mut turn = Turn {
            now,
            precondition: Precondition::default(),
            changes: &mut Vec::new(),
        };
        let members = body.get("members").cloned();
        let row = self
            .create(kind, &Value::Object(body), &mut turn)
            .map_err(|refusal| refusal.detail)?;
        // A personality that takes no members on POST still starts with the seed's.
        if let (Some(members), false) = (members, self.personality().resources.members_on_write) {
            let operations = json!([{"op": "add", "path": "members", "value": members}]);
            let operations = operations.as_array().map_or(&[][..], Vec::as_slice);
            let read =
                super::patch::read_operations(operations).map_err(|refusal| refusal.detail)?;
            self.patch(kind, &row.id, &read, &mut turn)
                .map_err(|refusal| refusal.detail)?;
        }
        Ok(())
    }

    /// Puts the identifier where a name stands.
    fn name_member(&self, member: &mut Value) -> Result<(), String> {
        let Value::String(name) = member else {
            return Ok(());
        };
        let user = self.store.by_user_name(name).map(|(_, row)| row.id.clone());
        let group = || {
            let found = self
                .store
                .rows_after(Kind::Group, 0)
                .find(|(_, row)| *row.name == **name);
            found.map(|(_, row)| row.id.clone())
        };
        let id = user
            .or_else(group)
            .ok_or_else(|| format!("the member '{name}' is no user and no group above"))?;
        *member = json!({"value": *id});
        Ok(())
    }
}

fn is_known(kind: Kind, key: &str) -> bool {
    kind.attribute(key).is_some() || kind.extension(key).is_some()
}

fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.iter().map(to_json).collect()),
        toml::Value::Table(table) => Value::Object(
            table
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)))
                .collect::<Map<_, _>>(),
        ),
    }
}
