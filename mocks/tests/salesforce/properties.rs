//! What holds after any sequence of requests, and that no bytes do harm.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use outbound_mocks::Vendor;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::kit::Org;

/// One step of a random story about few users, so that they get in each other's way.
#[derive(Debug, Clone)]
enum Step {
    Create {
        name: u8,
        active: bool,
        profile: bool,
    },
    Rename {
        user: u8,
        name: u8,
    },
    Activate {
        user: u8,
        active: bool,
    },
    Title {
        user: u8,
        title: u8,
    },
    Upsert {
        key: u8,
        name: u8,
    },
    Together {
        all: bool,
        names: Vec<u8>,
    },
    Composite {
        all: bool,
        name: u8,
        again: u8,
    },
    Delete {
        user: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let small = 0..6_u8;
    prop_oneof![
        4 => (small.clone(), any::<bool>(), any::<bool>()).prop_map(|(name, active, profile)| Step::Create { name, active, profile }),
        2 => (small.clone(), small.clone()).prop_map(|(user, name)| Step::Rename { user, name }),
        2 => (small.clone(), any::<bool>()).prop_map(|(user, active)| Step::Activate { user, active }),
        1 => (small.clone(), small.clone()).prop_map(|(user, title)| Step::Title { user, title }),
        2 => (small.clone(), small.clone()).prop_map(|(key, name)| Step::Upsert { key, name }),
        2 => (any::<bool>(), prop::collection::vec(small.clone(), 1..4)).prop_map(|(all, names)| Step::Together { all, names }),
        1 => (any::<bool>(), small.clone(), small.clone()).prop_map(|(all, name, again)| Step::Composite { all, name, again }),
        1 => small.prop_map(|user| Step::Delete { user }),
    ]
}

struct Story {
    org: Org,
    ids: Vec<String>,
    template: Value,
    chatter: String,
}

impl Story {
    fn begin() -> Self {
        let mut org = Org::open();
        org.vendor.set_licences(Some(4));
        let template = org.person("x");
        let chatter = org.profile("Chatter Free User");
        Self {
            org,
            ids: Vec::new(),
            template,
            chatter,
        }
    }

    fn person(&self, name: u8) -> Value {
        let mut person = self.template.clone();
        // Every second name differs from its neighbour by case only.
        let text = if name.is_multiple_of(2) {
            format!("user{}@acme.example", name / 2)
        } else {
            format!("USER{}@acme.example", name / 2)
        };
        person["Username"] = json!(text);
        person
    }

    fn user(&self, user: u8) -> String {
        let id = self.ids.get(usize::from(user) % self.ids.len().max(1));
        format!(
            "/sobjects/User/{}",
            id.map_or("005HX00000zzzzz", String::as_str)
        )
    }

    fn take(&mut self, step: &Step) {
        let org = &mut self.org;
        org.wait(1);
        match step {
            Step::Create {
                name,
                active,
                profile,
            } => {
                let mut person = self.person(*name);
                person["IsActive"] = json!(active);
                if *profile {
                    person["ProfileId"] = json!(self.chatter);
                }
                self.org.post("/sobjects/User", &person);
            }
            Step::Rename { user, name } => {
                let (path, name) = (self.user(*user), self.person(*name)["Username"].clone());
                self.org.patch(&path, &json!({"Username": name}));
            }
            Step::Activate { user, active } => {
                let path = self.user(*user);
                self.org.patch(&path, &json!({"IsActive": active}));
            }
            Step::Title { user, title } => {
                let path = self.user(*user);
                self.org
                    .patch(&path, &json!({"Title": format!("t{title}")}));
            }
            Step::Upsert { key, name } => {
                let person = self.person(*name);
                self.org
                    .patch(&format!("/sobjects/User/External_Id__c/k{key}"), &person);
            }
            Step::Together { all, names } => {
                let records: Vec<Value> = names
                    .iter()
                    .map(|name| {
                        let mut person = self.person(*name);
                        person["attributes"] = json!({"type": "User"});
                        person
                    })
                    .collect();
                self.org.post(
                    "/composite/sobjects",
                    &json!({"allOrNone": all, "records": records}),
                );
            }
            Step::Composite { all, name, again } => {
                let part = |person: Value, name: &str| json!({"method": "POST", "url": "/services/data/v59.0/sobjects/User", "referenceId": name, "body": person});
                let parts = [
                    part(self.person(*name), "a"),
                    part(self.person(*again), "b"),
                ];
                self.org.post(
                    "/composite",
                    &json!({"allOrNone": all, "compositeRequest": parts}),
                );
            }
            Step::Delete { user } => {
                let path = self.user(*user);
                self.org.call("DELETE", &path, &Value::Null);
            }
        }
        let made = self
            .org
            .changes
            .iter()
            .filter(|change| change.field == "*" && change.object == "User");
        self.ids.extend(made.map(|change| change.id.clone()));
    }
}

fn stamps(org: &Org) -> BTreeMap<String, Value> {
    let users = org
        .vendor
        .objects()
        .into_iter()
        .filter(|object| object.object == "User");
    users
        .map(|user| (user.id, user.content["SystemModstamp"].clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_story_breaks_what_must_hold(steps in prop::collection::vec(step(), 1..24)) {
        let mut story = Story::begin();
        for step in &steps {
            let before = stamps(&story.org);
            story.take(step);
            let status = story.org.last.status;
            let after = stamps(&story.org);
            let users: Vec<_> = story.org.vendor.objects().into_iter().filter(|object| object.object == "User").collect();
            // usernames are unique, case aside
            let names: HashSet<String> = users.iter().map(|user| user.name.to_lowercase()).collect();
            prop_assert_eq!(names.len(), users.len());
            // nobody disappears, and everybody whose record changed has a newer stamp, nobody else
            let written: BTreeSet<&String> = story.org.changes.iter().map(|change| &change.id).collect();
            for (id, stamp) in &before {
                let now = after.get(id).expect("users are never deleted");
                prop_assert!(now == stamp || status.is_success());
                prop_assert!(!written.contains(id) || now != stamp);
            }
            // seats are counted right and never oversold
            let mut org = Org { token: story.org.token.clone(), vendor: story.org.vendor.clone(), ..Org::locked() };
            org.now = story.org.now;
            let licences = org.soql("SELECT Id, TotalLicenses, UsedLicenses FROM UserLicense");
            for licence in licences["records"].as_array().unwrap() {
                let id = licence["Id"].as_str().unwrap();
                let active = org.soql(&format!("SELECT COUNT() FROM User WHERE IsActive = true AND Profile.UserLicenseId = '{id}'"));
                let used = licence["UsedLicenses"].as_u64().unwrap_or_default();
                prop_assert_eq!(active["totalSize"].as_u64(), Some(used));
                prop_assert!(used <= licence["TotalLicenses"].as_u64().unwrap());
            }
            // an index tells the same as a look at every record
            for user in &users {
                let indexed = org.soql(&format!("SELECT Id FROM User WHERE Username = '{}'", user.name.to_uppercase()));
                prop_assert_eq!(&indexed["records"][0]["Id"], &json!(user.id));
                let scanned = org.soql(&format!("SELECT Id FROM User WHERE Username LIKE '{}'", user.name));
                prop_assert_eq!(&indexed["records"], &scanned["records"]);
            }
        }
    }

    #[test]
    fn any_query_is_answered(query in "(SELECT|select)? ?[A-Za-z(),.*'\\\\%_<>=! 0-9:\\-]{0,80}( FROM User)?( WHERE [A-Za-z '()=<>!%_0-9.\\\\]{0,60})?") {
        let mut org = Org::open();
        let (status, _) = org.ask(&query);
        prop_assert!(status == 200 || status == 400, "{query}: {status}");
    }

    #[test]
    fn queries_of_real_words_are_answered(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT", "Id", "Username", ",", "Profile.Name", "FROM", "User", "WHERE", "(", ")", "AND", "OR", "NOT", "IN", "LIKE", "=", "!=", "'x'", "null",
        "true", "5", "2026-01-01T00:00:00Z", "TODAY", "LAST_N_DAYS:3", "ORDER BY", "LIMIT", "1", "COUNT()", "COUNT(Id)", "GROUP BY", "IsActive",
        "CreatedDate", "FIELDS(ALL)", "OFFSET", "DESC", "NULLS LAST",
    ]), 0..24)) {
        let mut org = Org::open();
        let (status, _) = org.ask(&words.join(" "));
        prop_assert!(status == 200 || status == 400);
    }

    #[test]
    fn no_bytes_do_harm(
        method in prop::sample::select(vec!["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"]),
        path in prop::sample::select(vec![
            "/services/data/v59.0/sobjects/User", "/services/data/v59.0/sobjects/User/External_Id__c/x", "/services/data/v59.0/composite",
            "/services/data/v59.0/composite/sobjects", "/services/data/v59.0/composite/batch", "/services/data/v59.0/composite/tree/User",
            "/services/Soap/u/59.0", "/services/oauth2/token", "/services/oauth2/revoke", "/services/oauth2/introspect",
            "/services/data/v59.0/sobjects/User/005HX0000000001/password", "/services/data/v59.0/query/x", "/id/x/y",
        ]),
        body in prop::collection::vec(any::<u8>(), 0..200),
        tail in "[ -~äß%]{0,24}",
        signed_in in any::<bool>(),
    ) {
        let mut org = if signed_in { Org::open() } else { Org::locked() };
        let target = format!("{path}{tail}");
        let request = org.request(method, &target, &[], &body);
        org.vendor.classify(&request);
        org.vendor.trouble(&request, outbound_mocks::Trouble::DailyLimit);
        let (status, _) = org.send(method, &target, &[], &body);
        prop_assert!((200..=599).contains(&status));
    }

    #[test]
    fn no_json_does_harm(json in json_value(), path in prop::sample::select(vec![
        "/sobjects/User", "/composite", "/composite/sobjects", "/composite/batch", "/composite/tree/User", "/composite/sobjects/User", "/sobjects/UserRole",
    ])) {
        let mut org = Org::open();
        let (status, _) = org.post(path, &json);
        prop_assert!((200..=599).contains(&status));
    }

    #[test]
    fn no_envelope_does_harm(xml in "(<[a-zA-Z:/!\\[\\]?=' ]{0,12}>?|&[a-z#0-9]{0,6};?|[a-z ]{0,6}|<!\\[CDATA\\[|\\]\\]>|<e:Envelope>|<e:Body>|</e:Body>|<login>|</login>){0,24}") {
        let mut org = Org::open();
        let (status, _) = org.send("POST", "/services/Soap/u/59.0", &[], xml.as_bytes());
        prop_assert!(status == 200 || status == 500);
    }
}

/// JSON that often has the members the mock looks for.
fn json_value() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "Username",
        "LastName",
        "IsActive",
        "ProfileId",
        "Manager",
        "attributes",
        "type",
        "records",
        "compositeRequest",
        "batchRequests",
        "method",
        "url",
        "body",
        "referenceId",
        "allOrNone",
        "ids",
        "fields",
        "id",
        "Latitude",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "User",
            "GET",
            "@{a.b}",
            "@{",
            "/services/data/v59.0/sobjects/User",
            "005HX0000000001",
            "true",
            "ä'\\\n"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}
