//! The users that are provisioned: a dozen claims each, so that a SCIM body has the size of a usual one.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Change, Claim, Claims, NewUser, QualifiedName, Request, Source};

const FIRST: [&str; 16] = [
    "Ada", "Björn", "Chloé", "Devika", "Emeka", "Farah", "Goran", "Hana", "Ines", "Jamal", "Kim",
    "Lucía", "Mei", "Noor", "Otto", "Priya",
];
const LAST: [&str; 16] = [
    "Andersen",
    "Baptiste",
    "Castillo",
    "Dimitrov",
    "Eriksen",
    "Fernandes",
    "Gupta",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalska",
    "Lindqvist",
    "Mbeki",
    "Nakamura",
    "Okafor",
    "Petrovic",
];
const WORK: [(&str, &str); 8] = [
    ("Account Executive", "Sales"),
    ("Backend Engineer", "Engineering"),
    ("Controller", "Finance"),
    ("Data Analyst", "Business Intelligence"),
    ("Facilities Manager", "Operations"),
    ("Legal Counsel", "Legal"),
    ("Recruiter", "People"),
    ("Support Lead", "Customer Care"),
];

/// Draws numbers from a seed (SplitMix64), so that every run has the same users.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        let at = usize::try_from(self.next() % (list.len() as u64)).unwrap_or(0);
        list[at]
    }
}

/// Returns the name of a user, the same length for all: what is measured must not depend on the number.
pub(super) fn name(number: u64) -> String {
    format!("u{number:08}")
}

/// Returns one user.
pub(super) fn user(seed: u64, number: u64) -> NewUser {
    let mut draw = Draw(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let name = name(number);
    let (first, last) = (draw.of(&FIRST), draw.of(&LAST));
    let (title, department) = draw.of(&WORK);
    let phone = |draw: &mut Draw| {
        format!(
            "+49 {} {:07}",
            100 + draw.below(900),
            draw.below(10_000_000)
        )
    };
    let claims: BTreeMap<&str, String> = [
        ("emailaddress", format!("{name}@acme.example")),
        ("givenname", first.to_owned()),
        ("lastname", last.to_owned()),
        ("displayName", format!("{first} {last}")),
        ("nickname", first.chars().take(8).collect()),
        ("telephone", phone(&mut draw)),
        ("mobile", phone(&mut draw)),
        ("title", title.to_owned()),
        ("preferredLanguage", "en-GB".to_owned()),
        ("timeZone", "Europe/Berlin".to_owned()),
        ("employeeNumber", format!("{:07}", draw.below(10_000_000))),
        ("department", department.to_owned()),
        ("organization", "Acme Holding".to_owned()),
    ]
    .into();
    NewUser {
        name: QualifiedName::new(&name),
        claims: claims
            .into_iter()
            .map(|(claim, value)| (Claim::new(claim), vec![value]))
            .collect::<Claims>(),
        roles: BTreeSet::new(),
        groups: BTreeSet::new(),
    }
}

/// Returns the request that creates a user.
pub(super) fn request(seed: u64, number: u64) -> Request {
    Request {
        change: Change::CreateUser {
            user: user(seed, number),
            password: None,
        },
        source: Source::Console,
        application: None,
        connection: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_users_and_no_two_have_one_name() {
        assert_eq!(user(7, 3), user(7, 3));
        assert_ne!(user(7, 3).claims, user(8, 3).claims);
        assert_ne!(user(7, 3).name, user(7, 4).name);
        assert_eq!(name(3).len(), name(9_999_999).len());
    }
}
