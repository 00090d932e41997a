//! What is true of users only: the form and uniqueness of the username, the nickname, the licence's seats, who may
//! manage whom, and passwords.

use std::sync::Arc;

use super::{
    Salesforce,
    dml::{Actor, duplicate_username},
    error::{Outcome, Problem},
    id::Id,
    input::is_email,
    schema::{LICENCE, Object, ObjectType, PROFILE, USER},
    store::{Cell, Record},
};

/// The places of the fields this module looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    pub(crate) username: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) name: usize,
    pub(crate) active: usize,
    pub(crate) profile: usize,
    pub(crate) nickname: usize,
    user_type: usize,
    digest: usize,
    group_digest: usize,
    failed_logins: usize,
    pub(crate) last_login: usize,
    pub(crate) last_password: usize,
}

impl Places {
    /// Finds the fields of a user.
    pub(crate) fn of(user: &ObjectType) -> Self {
        Self {
            username: user.at("Username"),
            first: user.at("FirstName"),
            last: user.at("LastName"),
            name: user.at("Name"),
            active: user.at("IsActive"),
            profile: user.at("ProfileId"),
            nickname: user.at("CommunityNickname"),
            user_type: user.at("UserType"),
            digest: user.at("DigestFrequency"),
            group_digest: user.at("DefaultGroupNotificationFrequency"),
            failed_logins: user.at("NumberOfFailedLogins"),
            last_login: user.at("LastLoginDate"),
            last_password: user.at("LastPasswordChangeDate"),
        }
    }
}

impl Salesforce {
    /// Returns where the fields of a user are.
    pub(crate) fn user_places(&self) -> Places {
        self.schema.user
    }

    /// Gives a new user what the vendor gives by itself.
    pub(crate) fn fill_user(&self, record: &mut Record, given: &[usize]) {
        let at = self.user_places();
        if !given.contains(&at.active) {
            record.set(at.active, Some(Cell::Flag(true)));
        }
        let defaults = [(at.digest, "D"), (at.group_digest, "N")];
        for (place, value) in defaults {
            if record.get(place).is_none() {
                record.set(place, Some(Cell::Fixed(value)));
            }
        }
        record.set(at.failed_logins, Some(Cell::Integer(0)));
    }

    /// Holds a user against the rules and derives what follows from the rest.
    pub(crate) fn accept_user(&self, record: &mut Record, before: Option<&Record>) -> Outcome<()> {
        let at = self.user_places();
        // "in the form of an email address, using all lowercase characters" (Object Reference, User.Username)
        let username = record.text(at.username).to_lowercase();
        if !is_email(&username) {
            let message = "Username must be in the form of an email address (for example, john@acme.com): Username";
            return Err(
                Problem::record("FIELD_INTEGRITY_EXCEPTION", message, &["Username"]).into(),
            );
        }
        if self.elsewhere.contains(username.as_str()) {
            return Err(duplicate_username().into());
        }
        record.set(at.username, Some(Cell::text(username)));
        let name = [record.text(at.first), record.text(at.last)]
            .join(" ")
            .trim()
            .to_owned();
        record.set(at.name, Some(Cell::text(name)));
        if record.get(at.nickname).is_none() {
            // Seen at the vendor: "User" and a long number that nobody else has.
            record.set(
                at.nickname,
                Some(Cell::text(format!("User{}", nickname_number(record.id)))),
            );
        }
        let licence = self.licence_of(record);
        let user_type = licence
            .and_then(|id| self.store.get(LICENCE, id))
            .map(|licence| {
                let key = self.schema.get(LICENCE).at("LicenseDefinitionKey");
                if licence.text(key) == "SFDC_CHATTER_FREE" {
                    "CsnOnly"
                } else {
                    "Standard"
                }
            });
        record.set(at.user_type, user_type.map(Cell::Fixed));
        self.accept_seat(record, before)
    }

    fn accept_seat(&self, record: &Record, before: Option<&Record>) -> Outcome<()> {
        let (taken, wanted) = (
            before.and_then(|before| self.seat(before)),
            self.seat(record),
        );
        let Some(licence) = wanted.filter(|wanted| taken != Some(*wanted)) else {
            return Ok(());
        };
        let Some(licence) = self.store.get(LICENCE, licence) else {
            return Ok(());
        };
        let kind = self.schema.get(LICENCE);
        let number = |name| {
            if let Some(Cell::Integer(n)) = licence.get(kind.at(name)) {
                *n
            } else {
                0
            }
        };
        if number("UsedLicenses") >= number("TotalLicenses") {
            return Err(licence_limit().into());
        }
        Ok(())
    }

    /// The licence whose seat a user takes: none while inactive.
    fn seat(&self, record: &Record) -> Option<Id> {
        record
            .flag(self.user_places().active)
            .then(|| self.licence_of(record))
            .flatten()
    }

    fn licence_of(&self, record: &Record) -> Option<Id> {
        let profile = record
            .get(self.user_places().profile)
            .and_then(Cell::as_id)?;
        let kind = self.schema.get(PROFILE);
        self.store
            .get(PROFILE, profile)?
            .get(kind.at("UserLicenseId"))?
            .as_id()
    }

    /// Keeps the count of used seats in step with a user that changed.
    pub(crate) fn move_seat(&mut self, before: Option<&Record>, after: Option<&Record>) {
        let (left, taken) = (
            before.and_then(|user| self.seat(user)),
            after.and_then(|user| self.seat(user)),
        );
        if left == taken {
            return;
        }
        let schema = Arc::clone(&self.schema);
        let place = schema.get(LICENCE).at("UsedLicenses");
        for (licence, step) in [(left, -1), (taken, 1)] {
            let Some(licence) = licence.and_then(|id| self.store.get(LICENCE, id)) else {
                continue;
            };
            let mut licence = Record::clone(licence);
            let used = if let Some(Cell::Integer(used)) = licence.get(place) {
                *used
            } else {
                0
            };
            licence.set(place, Some(Cell::Integer(used + step)));
            self.store.put(&schema, LICENCE, licence);
        }
    }

    /// Tells whether somebody may create or change records; everybody may change themselves.
    pub(crate) fn permit(&self, object: Object, id: Option<Id>, actor: Actor) -> Outcome<()> {
        let itself = object == USER && id == Some(actor.user);
        if itself || self.manages_users(actor.user) {
            return Ok(());
        }
        let message = "insufficient access rights on object id";
        Err(Problem::record("INSUFFICIENT_ACCESS_OR_READONLY", message, &[]).into())
    }

    fn manages_users(&self, user: Id) -> bool {
        let profile = self
            .store
            .get(USER, user)
            .and_then(|user| user.get(self.user_places().profile))
            .and_then(Cell::as_id);
        let place = self.schema.get(PROFILE).at("PermissionsManageUsers");
        profile
            .and_then(|id| self.store.get(PROFILE, id))
            .is_some_and(|profile| profile.flag(place))
    }

    /// Finds an active user by username, ignoring case.
    pub(crate) fn active_user(&self, username: &str) -> Option<Arc<Record>> {
        let at = self.user_places();
        let id = *self.store.table(USER).find(at.username, username).first()?;
        self.store
            .get(USER, id)
            .filter(|user| user.flag(at.active))
            .cloned()
    }

    /// Sets a user's password.
    ///
    /// Source: REST API Developer Guide, "sObject User Password".
    pub(crate) fn set_password(&mut self, id: Id, password: &str, actor: Actor) -> Outcome<()> {
        let refuse = |message: &str| Err(Problem::bad("INVALID_NEW_PASSWORD", message).into());
        self.permit(USER, Some(id), actor)?;
        let user = self
            .store
            .get(USER, id)
            .cloned()
            .ok_or_else(Problem::not_found)?;
        if password.chars().count() < 8 {
            return refuse("Your password must be at least 8 characters long.");
        }
        let mixed = password.chars().any(char::is_alphabetic)
            && password.chars().any(|c| c.is_ascii_digit());
        if !mixed {
            return refuse("Your password must include letters and numbers");
        }
        if self
            .passwords
            .get(&id)
            .is_some_and(|former| **former == *password)
        {
            return refuse("invalid repeated password");
        }
        self.passwords.insert(id, Arc::from(password));
        let mut record = Record::clone(&user);
        record.set(
            self.user_places().last_password,
            Some(Cell::Time(actor.now)),
        );
        super::dml::stamp(self.schema.get(USER), &mut record, actor, false);
        self.replace(USER, Some(&user), record);
        Ok(())
    }
}

/// The complaint when no seat is left.
pub(crate) fn licence_limit() -> Problem {
    Problem::record(
        "LICENSE_LIMIT_EXCEEDED",
        "License Limit Exceeded",
        &["ProfileId"],
    )
}

/// A number of 19 digits that belongs to one id.
fn nickname_number(id: Id) -> u64 {
    let mixed = id
        .short()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    1_000_000_000_000_000_000 + mixed % 9_000_000_000_000_000_000
}
