//! What the form begins with: an example of somebody new, or somebody who is there already. Whatever was offered gives way
//! to what is typed.

use super::{CREATES, GROUPS, Trigger, USERS, Waits};
use crate::widgets::{Field, Form};
use crate::wish::DirectoryTab;
use crate::world::World;

/// What is said where somebody is needed and nobody is there.
const NO_USER: &str =
    "There is no user yet. Console: add user makes one, and the Directory imports many.";
const NO_GROUP: &str = "There is no group yet. Create a group makes one.";

const GIVEN: [&str; 8] = ["Ada", "Kim", "Zoë", "Noor", "Jun", "Mia", "Ravi", "Ewa"];
const FAMILY: [&str; 8] = [
    "Lovelace", "Ng", "Novák", "Haddad", "Sato", "Silva", "Rao", "Nowak",
];

/// Somebody new.
#[derive(Debug, Default)]
pub(super) struct Example {
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    user: String,
}

impl Example {
    /// Makes up somebody; each number is somebody else.
    pub(super) fn of(number: u64) -> Self {
        let pick = usize::try_from(number % 64).unwrap_or(0);
        let (given, family) = (GIVEN[pick % 8], FAMILY[pick / 8]);
        Self {
            given,
            family,
            user: format!("{}.{}{}", ascii(given), ascii(family), number % 1000),
        }
    }
}

/// Which kind of name the form was offered last: a new one, or one that is there.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Kinds {
    user_is_new: Option<bool>,
    group_is_new: Option<bool>,
}

impl Trigger {
    /// Offers names in the fields that nobody has touched, as what is to happen needs them: new ones, or those of somebody
    /// who is there, of whom who is selected in the Directory comes first. The mail follows the user's name.
    pub(super) fn suit(&mut self, world: &World) {
        // What was handed in is not changed any more.
        if self.waits == Waits::Answer {
            return;
        }
        let Some(form) = self.form.as_mut() else {
            return;
        };
        let before = offered(form);
        let way = form.value("way");
        let way = way.as_str();
        let there = self.offer.as_ref();
        if USERS.contains(&way) {
            let is_new = CREATES.contains(&way);
            let first = there.and_then(|offer| offer.user.as_ref());
            let name = match (is_new, world.selected_of(DirectoryTab::Users)) {
                (true, _) => self.example.user.clone(),
                // Which user it is about is left open where a role was chosen.
                (false, _) if self.is_of_role => String::new(),
                (false, Some(selected)) => selected.to_owned(),
                (false, None) => first.map_or_else(String::new, ToString::to_string),
            };
            let is_same = self.kinds.user_is_new == Some(is_new);
            let is_nobody = !is_new && there.is_some() && first.is_none();
            put(form, "user", &name, is_same, is_nobody.then_some(NO_USER));
            self.kinds.user_is_new = Some(is_new);
        }
        if GROUPS.contains(&way) {
            let is_new = way == "group-created";
            let first = there.and_then(|offer| offer.group.as_ref());
            let name = match (is_new, world.selected_of(DirectoryTab::Groups)) {
                (true, _) => there
                    .map(|offer| &offer.free_group)
                    .map(ToString::to_string),
                (false, Some(selected)) => Some(selected.to_owned()),
                (false, None) => first.map(ToString::to_string),
            };
            let name = name.unwrap_or_default();
            let is_same = self.kinds.group_is_new == Some(is_new);
            let is_nobody = !is_new && there.is_some() && first.is_none();
            put(form, "group", &name, is_same, is_nobody.then_some(NO_GROUP));
            self.kinds.group_is_new = Some(is_new);
        }
        let user = form.field_mut("user").map(|user| user.value());
        let tenant = &world.config().organization.tenant_domain;
        let mail = mail_of(&user.unwrap_or_default(), tenant);
        if let Some(field) = form.field_mut("mail") {
            field.suggest(&mail);
        }
        if offered(form) != before {
            // What was shown is not what the form says now.
            self.planned = false;
            self.plan = None;
        }
    }
}

/// Offers a name in a field. Where one of the same kind stands already it stays; where there is nobody, that is said.
fn put(form: &mut Form, key: &str, name: &str, is_same: bool, nobody: Option<&str>) {
    let Some(field) = form.field_mut(key) else {
        return;
    };
    if !is_same || field.value().is_empty() {
        field.suggest(name);
    }
    let nobody = nobody.filter(|_| field.value().is_empty());
    field.doubt = nobody.map(str::to_owned);
}

/// Returns what stands in the fields that names are offered in.
fn offered(form: &Form) -> Vec<String> {
    let is_meant = |key: &str| ["user", "group", "mail"].contains(&key);
    let fields = form.fields.iter().filter(|field| is_meant(&field.key));
    fields.map(Field::value).collect()
}

/// Returns the address of a user in the organization's domain. A name that is an address is its own.
fn mail_of(user: &str, tenant: &str) -> String {
    let name = user.rsplit('/').next().unwrap_or(user);
    if name.is_empty() || name.contains('@') {
        return name.to_owned();
    }
    format!("{name}@{tenant}")
}

/// Returns the letters of a name that everybody can type.
fn ascii(name: &str) -> String {
    name.chars()
        .filter_map(|letter| match letter {
            'ë' => Some('e'),
            'á' => Some('a'),
            letter => letter
                .is_ascii_alphabetic()
                .then(|| letter.to_ascii_lowercase()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_user_is_made_of_the_name_or_is_it() {
        for (user, mail) in [
            ("kim", "kim@acme.example"),
            ("EMPLOYEES/kim", "kim@acme.example"),
            ("kim@corp.example", "kim@corp.example"),
            ("", ""),
        ] {
            assert_eq!(mail_of(user, "acme.example"), mail, "{user}");
        }
    }
}
