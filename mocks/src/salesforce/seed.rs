//! The organization as it is when it is new, and what a seed file adds to it.

use std::sync::Arc;

use imbl::{HashMap, HashSet};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Org, Salesforce,
    dml::Actor,
    id::Id,
    limits::Limits,
    query::Cursors,
    schema::{
        EXTERNAL, Field, GROUP, Kind, LICENCE, NILLABLE, ORGANIZATION, Object, PERMISSION_SET,
        PROFILE, ROLE, Schema, UNIQUE, USER, WRITE,
    },
    session::Sessions,
    store::{Cell, Record, Store},
};

/// When the organization was made: 2026-01-01.
const FOUNDED: i64 = 1_767_225_600_000;
/// Seats of every licence while no limit is set.
const SEATS: i64 = 1_000_000;
/// Usernames that belong to other organizations, as `test@gmail.com` surely does.
const ELSEWHERE: [&str; 3] = [
    "test@gmail.com",
    "admin@example.com",
    "taken@elsewhere.example",
];

/// Makes the organization every mock starts with.
pub(crate) fn fresh() -> Salesforce {
    let schema = Schema::default();
    let mut store = Store::new(&schema);
    // The first number is the administrator's and the organization's.
    store.next_serial();
    let admin = Id::new("005", 1);
    let org = Org {
        id: Id::new("00D", 1),
        admin,
        consumer_key: "3MVG9outboundMockConsumerKey.0123456789abcdefghijklmnop".to_owned(),
        consumer_secret: "5F0BA77E0B0C4D19A1B3C2D4E5F60718293A4B5C6D7E8F901A2B3C4D5E6F7081"
            .to_owned(),
        username: "admin@outbound.example".to_owned(),
        password: "workbench2026".to_owned(),
        security_token: "oUtB0undT0kenSecur1ty".to_owned(),
        refresh_token: "5Aep861outboundMockRefreshToken.0123456789".to_owned(),
    };
    let mut sessions = Sessions::default();
    sessions.remember(&org.refresh_token, admin);
    let mut salesforce = Salesforce {
        org: Arc::new(org),
        schema: Arc::new(schema),
        store,
        passwords: HashMap::new(),
        elsewhere: ELSEWHERE
            .iter()
            .map(|&name| Arc::from(name))
            .collect::<HashSet<_>>(),
        sessions,
        cursors: Cursors::default(),
        limits: Limits::default(),
        founded: FOUNDED,
    };
    salesforce.furnish();
    salesforce
}

impl Salesforce {
    fn furnish(&mut self) {
        self.place(
            ORGANIZATION,
            Id::new("00D", 1),
            &[
                ("Name", Cell::text("Outbound Example")),
                ("Country", Cell::text("US")),
                ("DefaultLocaleSidKey", Cell::Fixed("en_US")),
                ("TimeZoneSidKey", Cell::Fixed("America/Los_Angeles")),
                ("LanguageLocaleKey", Cell::Fixed("en_US")),
                ("OrganizationType", Cell::text("Developer Edition")),
                ("InstanceName", Cell::text("MOCK1")),
            ],
        );
        let licences = [
            ("Salesforce", "SFDC"),
            ("Salesforce Platform", "PLATFORM"),
            ("Chatter Free", "SFDC_CHATTER_FREE"),
        ];
        let licences = licences.map(|(name, key)| {
            let id = self.coming("100");
            self.place(
                LICENCE,
                id,
                &[
                    ("Name", Cell::text(name)),
                    ("MasterLabel", Cell::text(name)),
                    ("LicenseDefinitionKey", Cell::text(key)),
                    ("Status", Cell::text("Active")),
                    ("TotalLicenses", Cell::Integer(SEATS)),
                ],
            );
            id
        });
        for (name, licence) in [
            ("System Administrator", 0),
            ("Standard User", 0),
            ("Read Only", 0),
            ("Solution Manager", 0),
            ("Marketing User", 0),
            ("Contract Manager", 0),
            ("Standard Platform User", 1),
            ("Chatter Free User", 2),
        ] {
            self.add_profile(name, licences[licence]);
        }
        for name in ["CEO", "VP Sales", "Sales Rep"] {
            let id = self.coming("00E");
            self.place(
                ROLE,
                id,
                &[
                    ("Name", Cell::text(name)),
                    ("DeveloperName", Cell::text(name.replace(' ', "_"))),
                ],
            );
        }
        for (name, label) in [
            ("Provisioned_Access", "Provisioned Access"),
            ("Reporting", "Reporting"),
        ] {
            let id = self.coming("0PS");
            self.place(
                PERMISSION_SET,
                id,
                &[
                    ("Name", Cell::text(name)),
                    ("Label", Cell::text(label)),
                    ("IsCustom", Cell::Flag(true)),
                ],
            );
        }
        let id = self.coming("00G");
        self.place(
            GROUP,
            id,
            &[
                ("Name", Cell::text("All Internal Users")),
                ("DeveloperName", Cell::text("AllInternalUsers")),
                ("Type", Cell::Fixed("Organization")),
            ],
        );
        self.hire_admin();
    }

    /// Puts a record in place that nobody asked for.
    fn place(&mut self, object: Object, id: Id, cells: &[(&str, Cell)]) {
        let schema = Arc::clone(&self.schema);
        let kind = schema.get(object);
        let mut record = Record::new(id);
        for (name, cell) in cells {
            record.set(kind.at(name), Some(cell.clone()));
        }
        super::dml::stamp(
            kind,
            &mut record,
            Actor {
                user: self.org.admin,
                now: self.founded,
            },
            true,
        );
        self.replace(object, None, record);
    }

    fn coming(&mut self, prefix: &str) -> Id {
        Id::new(prefix, self.store.next_serial())
    }

    fn add_profile(&mut self, name: &str, licence: Id) -> Id {
        let id = self.coming("00e");
        let manages = Cell::Flag(name == "System Administrator");
        let chatter = name.starts_with("Chatter");
        self.place(
            PROFILE,
            id,
            &[
                ("Name", Cell::text(name)),
                ("UserLicenseId", Cell::Reference(licence)),
                (
                    "UserType",
                    Cell::Fixed(if chatter { "CsnOnly" } else { "Standard" }),
                ),
                ("PermissionsManageUsers", manages.clone()),
                ("PermissionsModifyAllData", manages),
                ("PermissionsApiEnabled", Cell::Flag(!chatter)),
            ],
        );
        id
    }

    fn hire_admin(&mut self) {
        let (org, schema) = (Arc::clone(&self.org), Arc::clone(&self.schema));
        let kind = schema.get(USER);
        let body = [
            ("Username", org.username.as_str()),
            ("LastName", "Admin"),
            ("FirstName", "Outbound"),
            ("Email", "admin@outbound.example"),
            ("Alias", "oadmin"),
            ("CommunityNickname", "admin"),
            ("TimeZoneSidKey", "America/Los_Angeles"),
            ("LocaleSidKey", "en_US"),
            ("EmailEncodingKey", "UTF-8"),
            ("LanguageLocaleKey", "en_US"),
        ];
        let mut record = Record::new(org.admin);
        for (name, text) in body {
            record.set(kind.at(name), Some(Cell::text(text)));
        }
        let profile = self.named(PROFILE, "System Administrator");
        record.set(kind.at("ProfileId"), profile.map(Cell::Reference));
        self.fill_user(&mut record, &[]);
        self.accept_user(&mut record, None)
            .expect("the first user of a new organization fits");
        super::dml::stamp(
            kind,
            &mut record,
            Actor {
                user: org.admin,
                now: self.founded,
            },
            true,
        );
        self.replace(USER, None, record);
        self.passwords
            .insert(org.admin, Arc::from(org.password.as_str()));
    }

    /// Finds a record by its `Name`.
    fn named(&self, object: Object, name: &str) -> Option<Id> {
        let place = self.schema.get(object).at("Name");
        self.store
            .table(object)
            .iter()
            .find(|record| record.text(place).eq_ignore_ascii_case(name))
            .map(|record| record.id)
    }

    /// Returns the id of the profile *Standard User*, which a new user may have.
    pub fn standard_profile(&self) -> Option<String> {
        let id = self.named(PROFILE, "Standard User");
        id.map(|id| id.to_string())
    }

    /// Returns the organization's name.
    pub(crate) fn organization_name(&self) -> String {
        let place = self.schema.get(ORGANIZATION).at("Name");
        self.store
            .get(ORGANIZATION, self.org.id)
            .map(|record| record.text(place).to_owned())
            .unwrap_or_default()
    }

    /// Limits the seats of every licence.
    pub(crate) fn limit_seats(&mut self, seats: Option<u64>) {
        let schema = Arc::clone(&self.schema);
        let place = schema.get(LICENCE).at("TotalLicenses");
        let total = seats.map_or(SEATS, |seats| i64::try_from(seats).unwrap_or(i64::MAX));
        let licences: Vec<_> = self.store.table(LICENCE).iter().cloned().collect();
        for licence in licences {
            let mut licence = Record::clone(&licence);
            licence.set(place, Some(Cell::Integer(total)));
            self.store.put(&schema, LICENCE, licence);
        }
    }

    /// Adds what a seed file's `[salesforce]` table lists; nothing is added when any of it is wrong.
    pub(crate) fn plant(&mut self, table: &toml::Table, now: Timestamp) -> Result<(), String> {
        let mut grown = self.clone();
        for (key, value) in table {
            match key.as_str() {
                "licences" => {
                    let seats = value.as_integer().and_then(|n| u64::try_from(n).ok());
                    grown.limit_seats(Some(
                        seats.ok_or("salesforce.licences is not a number of seats")?,
                    ));
                }
                "daily_limit" => {
                    let limit = value.as_integer().and_then(|n| u64::try_from(n).ok());
                    grown.limits.maximum =
                        limit.ok_or("salesforce.daily_limit is not a number of calls")?;
                }
                "usernames_elsewhere" => {
                    for name in list(value, key)? {
                        let name = name.as_str().ok_or(
                            "salesforce.usernames_elsewhere holds something that is no text",
                        )?;
                        grown.elsewhere.insert(Arc::from(name.to_lowercase()));
                    }
                }
                "fields" => each(value, key, |entry| grown.plant_field(entry))?,
                "profiles" => each(value, key, |entry| grown.plant_profile(entry))?,
                "roles" => each(value, key, |entry| grown.plant_record(ROLE, entry, now))?,
                "groups" => each(value, key, |entry| grown.plant_record(GROUP, entry, now))?,
                "users" => {}
                other => {
                    return Err(format!(
                        "salesforce.{other} is not known; there are licences, daily_limit, usernames_elsewhere, fields, profiles, roles, groups, users"
                    ));
                }
            }
        }
        // Users come last: they refer to everything else, wherever it stands in the file.
        if let Some(users) = table.get("users") {
            each(users, "users", |entry| grown.plant_user(entry, now))?;
        }
        *self = grown;
        Ok(())
    }

    fn plant_field(&mut self, entry: &Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let flag = |key: &str| entry.get(key).and_then(Value::as_bool).unwrap_or_default();
        let name = text("name")
            .filter(|name| name.ends_with("__c") && name.len() > 3)
            .ok_or("name does not end in __c")?;
        if self.schema.get(USER).find(name).is_some() {
            return Err(format!("{name} exists already"));
        }
        let kind = match text("type").unwrap_or("text") {
            "text" => Kind::Text,
            "checkbox" => Kind::Boolean,
            "number" => Kind::Double,
            "email" => Kind::Email,
            "date" => Kind::Date,
            "datetime" => Kind::DateTime,
            other => {
                return Err(format!(
                    "{name} has the type {other}; there are text, checkbox, number, email, date, datetime"
                ));
            }
        };
        let length = entry
            .get("length")
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(255);
        let length = if matches!(kind, Kind::Text | Kind::Email) {
            length
        } else {
            0
        };
        let mut flags = WRITE | NILLABLE;
        flags |= if flag("external_id") { EXTERNAL } else { 0 };
        flags |= if flag("unique") { UNIQUE } else { 0 };
        let label = text("label").map_or_else(
            || name.trim_end_matches("__c").replace('_', " "),
            str::to_owned,
        );
        let schema = Arc::make_mut(&mut self.schema);
        schema.objects[USER.0].add(Field::new(name.to_owned(), label, kind, length, flags));
        Ok(())
    }

    fn plant_profile(&mut self, entry: &Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let name = text("name").ok_or("name is missing")?;
        let licence = text("licence").unwrap_or("Salesforce");
        let licence = self
            .named(LICENCE, licence)
            .ok_or_else(|| format!("there is no licence {licence}"))?;
        self.add_profile(name, licence);
        Ok(())
    }

    fn plant_record(
        &mut self,
        object: Object,
        entry: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), String> {
        let actor = Actor {
            user: self.org.admin,
            now: now.as_millisecond(),
        };
        self.insert(object, entry, "", actor, &mut Vec::new())
            .map(drop)
            .map_err(|problems| problems[0].message.clone())
    }

    /// A user needs only `Username`; the rest is filled in as an administrator would.
    fn plant_user(&mut self, entry: &Map<String, Value>, now: Timestamp) -> Result<(), String> {
        let mut body = entry.clone();
        let username = body
            .get("Username")
            .and_then(Value::as_str)
            .ok_or("Username is missing")?
            .to_owned();
        let password = body.shift_remove("Password");
        let local = username.split('@').next().unwrap_or_default().to_owned();
        for (key, object, id_key) in [
            ("Profile", PROFILE, "ProfileId"),
            ("Role", ROLE, "UserRoleId"),
        ] {
            if let Some(Value::String(name)) = body.shift_remove(key) {
                let id = self
                    .named(object, &name)
                    .ok_or_else(|| format!("{username}: there is no {key} {name}"))?;
                body.insert(id_key.to_owned(), json!(id.to_string()));
            }
        }
        let standard = self.standard_profile();
        for (key, value) in [
            ("LastName", json!(local)),
            ("Email", json!(username)),
            ("Alias", json!(local.chars().take(8).collect::<String>())),
            ("TimeZoneSidKey", json!("America/Los_Angeles")),
            ("LocaleSidKey", json!("en_US")),
            ("EmailEncodingKey", json!("UTF-8")),
            ("LanguageLocaleKey", json!("en_US")),
            ("ProfileId", json!(standard)),
        ] {
            if !body.contains_key(key) {
                body.insert(key.to_owned(), value);
            }
        }
        let actor = Actor {
            user: self.org.admin,
            now: now.as_millisecond(),
        };
        let refused =
            |problems: Vec<super::error::Problem>| format!("{username}: {}", problems[0].message);
        let id = self
            .insert(USER, &body, "", actor, &mut Vec::new())
            .map_err(refused)?;
        if let Some(Value::String(password)) = password {
            self.set_password(id, &password, actor).map_err(refused)?;
        }
        Ok(())
    }
}

fn list<'a>(value: &'a toml::Value, key: &str) -> Result<&'a Vec<toml::Value>, String> {
    value
        .as_array()
        .ok_or_else(|| format!("salesforce.{key} is not a list"))
}

fn each(
    value: &toml::Value,
    key: &str,
    mut plant: impl FnMut(&Map<String, Value>) -> Result<(), String>,
) -> Result<(), String> {
    for (place, entry) in list(value, key)?.iter().enumerate() {
        let named = |reason: String| format!("salesforce.{key}[{place}]: {reason}");
        let entry = serde_json::to_value(entry).map_err(|error| named(error.to_string()))?;
        let entry = entry
            .as_object()
            .ok_or_else(|| named("is not a table".to_owned()))?;
        plant(entry).map_err(named)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_of_new_users_is_the_one_that_the_shipped_file_maps() {
        let id = Salesforce::default().standard_profile();
        assert_eq!(id.as_deref(), Some("00eHX0000000006YAA"));
    }
}
