//! Partial responses: the `fields` parameter.
//!
//! Grammar: paths joined by commas; `/` goes down, `(…)` selects inside, `*` is everything at a level.
//! Source: developers.google.com/workspace/admin/directory/v1/guides/performance, "Partial response".

use serde_json::{Map, Value};

/// The deepest nesting that is read; nothing in the API is deeper than five.
const DEPTH: usize = 16;

/// What to keep at one level: a name (or `*`) and what to keep below, everything when empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fields(Vec<(String, Fields)>);

impl Fields {
    /// Reads the parameter.
    ///
    /// # Errors
    /// The part that cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let letters: Vec<char> = text.chars().collect();
        let mut reader = Reader {
            letters: &letters,
            at: 0,
        };
        let fields = reader.list(0)?;
        if reader.at == letters.len() {
            Ok(fields)
        } else {
            Err(text.to_owned())
        }
    }

    /// Finds the first name that a resource does not have.
    ///
    /// Where the vendor's type is `any` (`emails`, `phones`, `customSchemas` …) every name is good.
    pub(super) fn unknown(&self, kind: &str) -> Option<&str> {
        let known = names(kind)?;
        self.0.iter().find_map(|(name, below)| {
            if name == "*" {
                return None;
            }
            match known.iter().find(|(field, _)| field == name) {
                None => Some(name.as_str()),
                Some((_, Some(kind))) => below.unknown(kind),
                Some((_, None)) => None,
            }
        })
    }

    /// Keeps what was asked for, in the order of the resource.
    pub(super) fn apply(&self, value: &Value) -> Option<Value> {
        if self.0.is_empty() {
            return Some(value.clone());
        }
        match value {
            Value::Object(map) => {
                let kept: Map<String, Value> = map
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), self.below(key, value)?)))
                    .collect();
                Some(kept.into())
            }
            Value::Array(all) => Some(all.iter().filter_map(|one| self.apply(one)).collect()),
            _ => None,
        }
    }

    fn below(&self, key: &str, value: &Value) -> Option<Value> {
        let mut found: Option<Value> = None;
        for (_, below) in self.0.iter().filter(|(name, _)| name == key || name == "*") {
            let kept = below.apply(value);
            found = match (found, kept) {
                (Some(before), Some(now)) => Some(join(value, before, &now)),
                (before, now) => before.or(now),
            };
        }
        found
    }
}

/// Joins two selections from one value.
fn join(whole: &Value, left: Value, right: &Value) -> Value {
    match (whole, left, right) {
        (Value::Object(whole), Value::Object(left), Value::Object(right)) => whole
            .iter()
            .filter_map(|(key, value)| {
                let kept = match (left.get(key), right.get(key)) {
                    (Some(one), Some(other)) => join(value, one.clone(), other),
                    (one, other) => one.or(other)?.clone(),
                };
                Some((key.clone(), kept))
            })
            .collect::<Map<_, _>>()
            .into(),
        (Value::Array(whole), Value::Array(left), Value::Array(right))
            if whole.len() == left.len() && left.len() == right.len() =>
        {
            whole
                .iter()
                .zip(left)
                .zip(right)
                .map(|((whole, left), right)| join(whole, left, right))
                .collect()
        }
        (_, left, _) => left,
    }
}

struct Reader<'a> {
    letters: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn list(&mut self, depth: usize) -> Result<Fields, String> {
        if depth > DEPTH {
            return Err(self.rest());
        }
        let mut all = vec![self.path(depth)?];
        while self.eat(',') {
            all.push(self.path(depth)?);
        }
        Ok(Fields(all))
    }

    fn path(&mut self, depth: usize) -> Result<(String, Fields), String> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|letter| letter.is_alphanumeric() || "_-*.$ ".contains(letter))
        {
            self.at += 1;
        }
        let name: String = self.letters[start..self.at].iter().collect();
        let name = name.trim();
        if name.is_empty() || depth > DEPTH || (name.contains('*') && name != "*") {
            self.at = start;
            return Err(self.rest());
        }
        let below = if self.eat('/') {
            Fields(vec![self.path(depth + 1)?])
        } else if self.eat('(') {
            let below = self.list(depth + 1)?;
            if !self.eat(')') {
                return Err(self.rest());
            }
            below
        } else {
            Fields::default()
        };
        Ok((name.to_owned(), below))
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn eat(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        self.at += usize::from(found);
        found
    }

    fn rest(&self) -> String {
        self.letters[self.at.min(self.letters.len())..]
            .iter()
            .collect()
    }
}

type Known = &'static [(&'static str, Option<&'static str>)];

/// Lists the fields of a resource, each with the kind of what it holds where that is known.
fn names(kind: &str) -> Option<Known> {
    Some(match kind {
        "users" => &[
            ("kind", None),
            ("etag", None),
            ("users", Some("user")),
            ("nextPageToken", None),
            ("trigger_event", None),
        ],
        "user" => USER,
        "name" => &[
            ("givenName", None),
            ("familyName", None),
            ("fullName", None),
            ("displayName", None),
        ],
        "groups" => &[
            ("kind", None),
            ("etag", None),
            ("groups", Some("group")),
            ("nextPageToken", None),
        ],
        "group" => &[
            ("kind", None),
            ("id", None),
            ("etag", None),
            ("email", None),
            ("name", None),
            ("description", None),
            ("directMembersCount", None),
            ("adminCreated", None),
            ("aliases", None),
            ("nonEditableAliases", None),
            ("externalIds", None),
        ],
        "members" => &[
            ("kind", None),
            ("etag", None),
            ("members", Some("member")),
            ("nextPageToken", None),
        ],
        "member" => &[
            ("kind", None),
            ("etag", None),
            ("id", None),
            ("email", None),
            ("role", None),
            ("type", None),
            ("status", None),
            ("delivery_settings", None),
        ],
        "hasMember" => &[("isMember", None)],
        "aliases" => &[("kind", None), ("etag", None), ("aliases", Some("alias"))],
        "alias" => &[
            ("kind", None),
            ("id", None),
            ("etag", None),
            ("primaryEmail", None),
            ("alias", None),
        ],
        "schemas" => &[("kind", None), ("etag", None), ("schemas", Some("schema"))],
        "schema" => &[
            ("kind", None),
            ("schemaId", None),
            ("etag", None),
            ("schemaName", None),
            ("displayName", None),
            ("fields", Some("schemaField")),
        ],
        "schemaField" => &[
            ("kind", None),
            ("fieldId", None),
            ("etag", None),
            ("fieldType", None),
            ("fieldName", None),
            ("displayName", None),
            ("multiValued", None),
            ("readAccessType", None),
            ("indexed", None),
            ("numericIndexingSpec", Some("numericIndexingSpec")),
        ],
        "numericIndexingSpec" => &[("minValue", None), ("maxValue", None)],
        "orgUnits" => &[
            ("kind", None),
            ("etag", None),
            ("organizationUnits", Some("orgUnit")),
        ],
        "orgUnit" => &[
            ("kind", None),
            ("etag", None),
            ("name", None),
            ("description", None),
            ("blockInheritance", None),
            ("orgUnitId", None),
            ("orgUnitPath", None),
            ("parentOrgUnitId", None),
            ("parentOrgUnitPath", None),
        ],
        _ => return None,
    })
}

const USER: Known = &[
    ("addresses", None),
    ("agreedToTerms", None),
    ("aliases", None),
    ("archivalTime", None),
    ("archived", None),
    ("changePasswordAtNextLogin", None),
    ("creationTime", None),
    ("customSchemas", None),
    ("customerId", None),
    ("deletionTime", None),
    ("emails", None),
    ("etag", None),
    ("externalIds", None),
    ("gender", None),
    ("guestAccountInfo", None),
    ("hashFunction", None),
    ("id", None),
    ("ims", None),
    ("includeInGlobalAddressList", None),
    ("ipWhitelisted", None),
    ("isAdmin", None),
    ("isDelegatedAdmin", None),
    ("isEnforcedIn2Sv", None),
    ("isEnrolledIn2Sv", None),
    ("isGuestUser", None),
    ("isMailboxSetup", None),
    ("keywords", None),
    ("kind", None),
    ("languages", None),
    ("lastLoginTime", None),
    ("locations", None),
    ("name", Some("name")),
    ("nonEditableAliases", None),
    ("notes", None),
    ("orgUnitPath", None),
    ("organizations", None),
    ("password", None),
    ("phones", None),
    ("posixAccounts", None),
    ("primaryEmail", None),
    ("recoveryEmail", None),
    ("recoveryPhone", None),
    ("relations", None),
    ("sshPublicKeys", None),
    ("suspended", None),
    ("suspensionReason", None),
    ("suspensionTime", None),
    ("thumbnailPhotoEtag", None),
    ("thumbnailPhotoUrl", None),
    ("websites", None),
];
