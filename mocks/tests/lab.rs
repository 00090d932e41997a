//! All three mocks together, and as a program of their own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use outbound_mocks::{
    GoogleMock, Handle, Lab, SalesforceMock, Scim2Mock, StandAlone, StartError, Target,
    clock::{Clock, ManualClock},
    fault::FaultSpec,
    quota::{QuotaSpec, Rate},
    scim2::Personality,
};
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};

const SEED: &str = r#"
[google]
[[google.users]]
primaryEmail = "kim@acme.example"
name = { givenName = "Kim", familyName = "Lee" }

[[scim2.users]]
userName = "kim"
"#;

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default(); // another test was first
    Client::builder()
        .timeout(Duration::from_mins(1))
        .build()
        .unwrap()
}

fn names(mock: &dyn Handle) -> Vec<String> {
    mock.objects()
        .into_iter()
        .map(|object| object.name)
        .collect()
}

async fn create_scim(url: &str, authorization: &str, name: &str) -> StatusCode {
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name});
    let request = client()
        .post(format!("{url}/Users"))
        .header(header::AUTHORIZATION, authorization);
    let request = request
        .header(header::CONTENT_TYPE, "application/scim+json")
        .body(body.to_string());
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn each_mock_can_be_embedded_alone() {
    let scim2 = Scim2Mock::builder().seed(SEED).start().await.unwrap();
    assert_eq!(
        create_scim(&scim2.url(), &scim2.authorization(), "lee").await,
        201
    );
    assert!(scim2.url().ends_with("/scim/v2"));
    assert_eq!(names(scim2.mock()), ["kim", "lee"]);

    let google = GoogleMock::builder().seed(SEED).start().await.unwrap();
    let user = format!("{}/admin/directory/v1/users/kim@acme.example", google.url());
    let authorization = google.authorization().await.unwrap();
    let reply = client()
        .get(user)
        .header(header::AUTHORIZATION, authorization)
        .send()
        .await
        .unwrap();
    assert_eq!(
        reply.json::<Value>().await.unwrap()["name"]["givenName"],
        "Kim"
    );

    let salesforce = SalesforceMock::builder().start().await.unwrap();
    let query = format!(
        "{}/services/data/v62.0/query?q=SELECT+Id+FROM+User",
        salesforce.url()
    );
    let authorization = salesforce.authorization().await.unwrap();
    let reply = client()
        .get(query)
        .header(header::AUTHORIZATION, authorization)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn a_mock_goes_down_and_comes_back_where_it_was() {
    let lab = Lab::builder()
        .targets([Target::Scim2])
        .seed(SEED)
        .start()
        .await
        .unwrap();
    assert_eq!(lab.running(), [Target::Scim2]);
    let url = lab.url(Target::Scim2).unwrap();
    lab.stop(Target::Scim2).await;
    assert!(
        client()
            .get(format!("{url}/Users"))
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
    assert_eq!(lab.start(Target::Scim2).await.unwrap(), url);
    assert_eq!(
        lab.start(Target::Scim2).await.unwrap(),
        url,
        "starting twice is starting once"
    );
    assert_eq!(names(lab.mock(Target::Scim2)), ["kim"]);
}

#[tokio::test]
async fn faults_go_where_they_are_meant() {
    let lab = Lab::builder().build().unwrap();
    assert_eq!(
        lab.arm("drop-after:target=salesforce").unwrap(),
        [(Target::Salesforce, 1)]
    );
    assert_eq!(lab.arm("latency:delay=1s").unwrap().len(), 3);
    let armed = Target::ALL.map(|target| lab.mock(target).armed().len());
    assert_eq!(armed, [1, 2, 1]);
    assert_eq!(lab.disarm_all(), 4);
    let refused = Lab::builder()
        .fault("latency:dealy=1s")
        .build()
        .unwrap_err();
    assert!(
        refused.to_string().contains("did you mean `delay`?"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_dry_run_on_a_fork_leaves_the_lab_alone() {
    let lab = Lab::builder().seed(SEED).start().await.unwrap();
    let mut feed = lab.subscribe();
    let fork = lab.fork();
    let url = fork.start(Target::Scim2).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    fork.credentials(directory.path()).unwrap();
    assert_eq!(
        create_scim(&url, "Bearer scim2-mock-token", "lee").await,
        201
    );
    assert_eq!(
        (
            names(lab.mock(Target::Scim2)).len(),
            names(fork.mock(Target::Scim2)).len()
        ),
        (1, 2)
    );
    assert!(feed.try_next().is_none());
    assert_eq!(
        create_scim(
            &lab.url(Target::Scim2).unwrap(),
            "Bearer scim2-mock-token",
            "lee"
        )
        .await,
        201
    );
    let entry = feed.next().await.unwrap();
    assert_eq!((entry.mock, entry.operation), ("scim2", "Users.create"));
    assert!(!entry.changes.is_empty());
}

#[tokio::test]
async fn snapshots_and_resets_take_all_three() {
    let lab = Lab::builder().seed(SEED).build().unwrap();
    let before: Vec<_> = Target::ALL
        .iter()
        .map(|target| names(lab.mock(*target)))
        .collect();
    lab.snapshot("empty");
    lab.seed("[[scim2.users]]\nuserName = 'max'\n").unwrap();
    assert_eq!(names(lab.mock(Target::Scim2)), ["kim", "max"]);
    lab.restore("empty").unwrap();
    let after: Vec<_> = Target::ALL
        .iter()
        .map(|target| names(lab.mock(*target)))
        .collect();
    assert_eq!(before, after);
    lab.reset();
    assert_eq!(
        names(lab.mock(Target::Scim2)),
        ["kim", "max"],
        "a later seed is part of what a reset goes back to"
    );
    assert!(lab.restore("nowhere").is_err());
}

#[tokio::test]
async fn a_personality_that_publishes_rates_counts_them() {
    let slack = Personality::named("slack").unwrap();
    // The clock stands still, so that nothing flows back into a bucket.
    let clock = ManualClock::at("2026-11-22T00:00:00Z".parse().unwrap());
    let lab = Lab::builder()
        .personality(slack.clone())
        .clock(Arc::new(clock));
    let lab = lab.targets([Target::Scim2]).start().await.unwrap();
    let url = lab.url(Target::Scim2).unwrap();
    let mut refused = 0;
    for n in 0..40 {
        let status = create_scim(&url, "Bearer scim2-mock-token", &format!("user{n}")).await;
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 20, "Slack gives a burst of 20");
    let clock = ManualClock::at("2026-11-22T00:00:00Z".parse().unwrap());
    let unlimited = Lab::builder()
        .personality(slack)
        .quota(QuotaSpec::None)
        .clock(Arc::new(clock));
    let unlimited = unlimited.targets([Target::Scim2]).start().await.unwrap();
    let url = unlimited.url(Target::Scim2).unwrap();
    for n in 0..40 {
        assert_eq!(
            create_scim(&url, "Bearer scim2-mock-token", &format!("user{n}")).await,
            201
        );
    }
}

fn standalone() -> StandAlone {
    StandAlone {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ..StandAlone::default()
    }
}

#[tokio::test]
async fn what_is_ready_says_how_to_be_reached() {
    let directory = tempfile::tempdir().unwrap();
    let credentials_dir = Some(directory.path().join("keys"));
    let running = StandAlone {
        credentials_dir,
        random_seed: 9,
        ..standalone()
    }
    .start()
    .await
    .unwrap();
    let lines: Vec<Value> = running
        .ready()
        .iter()
        .map(|ready| serde_json::to_value(ready).unwrap())
        .collect();
    let [google, salesforce, scim2] = &lines[..] else {
        panic!("three lines: {lines:?}")
    };
    assert_eq!(
        [&google["mock"], &salesforce["mock"], &scim2["mock"]],
        ["google", "salesforce", "scim2"]
    );
    assert_eq!(
        (&google["subject"], &google["domain"]),
        (&json!("admin@acme.example"), &json!("acme.example"))
    );
    assert!(scim2["url"].as_str().unwrap().ends_with("/scim/v2"));
    assert!(
        scim2["authorization"]
            .as_str()
            .unwrap()
            .starts_with("Bearer ")
    );

    let read = |line: &Value| -> Value {
        let path = line["credentials"].as_str().unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                0o600,
                "{path}"
            );
        }
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let key = read(google);
    assert!(
        google["credentials"]
            .as_str()
            .unwrap()
            .ends_with("google-service-account.json")
    );
    assert_eq!(
        key["token_uri"],
        format!("{}/token", google["url"].as_str().unwrap())
    );
    assert_eq!(key["type"], "service_account");
    let known = read(salesforce);
    for field in [
        "username",
        "password",
        "security_token",
        "consumer_key",
        "consumer_secret",
        "private_key_file",
        "my_domain",
    ] {
        assert!(known[field].is_string(), "{field}");
    }
    let key = fs::read_to_string(known["private_key_file"].as_str().unwrap()).unwrap();
    assert!(key.contains("PRIVATE KEY"));
    for line in &lines {
        let (url, bearer) = (
            line["control"]["url"].as_str().unwrap(),
            line["control"]["authorization"].as_str().unwrap(),
        );
        let reply = client()
            .get(url)
            .header(header::AUTHORIZATION, bearer)
            .send()
            .await
            .unwrap();
        let state = reply.json::<Value>().await.unwrap();
        assert_eq!(state["mock"], line["mock"]);
        assert_eq!(
            (&state["random_seed"], &line["random_seed"]),
            (&json!(9), &json!(9))
        );
    }
    running.shutdown().await;
    assert!(
        directory.path().join("keys/salesforce.json").exists(),
        "a folder of the caller's stays"
    );
}

#[tokio::test]
async fn credentials_that_nobody_asked_for_go_with_the_mocks() {
    let running = standalone().start().await.unwrap();
    let line = serde_json::to_value(&running.ready()[0]).unwrap();
    let path = line["credentials"].as_str().unwrap().to_owned();
    assert!(fs::exists(&path).unwrap());
    running.shutdown().await;
    assert!(!fs::exists(&path).unwrap());
}

#[tokio::test]
async fn one_listen_address_serves_several_mocks_in_a_row() {
    // A free run of ports cannot be reserved; take the one after a free port and retry where it is taken.
    for _ in 0..20 {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let described = StandAlone {
            listen: Some(free),
            targets: vec![Target::Scim2, Target::Google],
            ..StandAlone::default()
        };
        match described.start().await {
            Err(StartError::Bind { .. }) => {}
            other => {
                let running = other.unwrap();
                let urls: Vec<&str> = running
                    .ready()
                    .iter()
                    .map(outbound_mocks::Ready::url)
                    .collect();
                let next = SocketAddr::new(free.ip(), free.port() + 1);
                assert_eq!(
                    urls,
                    [format!("http://{free}"), format!("http://{next}/scim/v2")]
                );
                return;
            }
        }
    }
    panic!("no two free ports in a row");
}

#[tokio::test]
async fn settings_that_fit_nothing_are_refused() {
    let refused = async |described: StandAlone| described.start().await.unwrap_err().to_string();
    let google = || StandAlone {
        targets: vec![Target::Google],
        ..standalone()
    };
    let strict = Some("strict".to_owned());
    assert!(
        refused(StandAlone {
            personality: strict,
            ..google()
        })
        .await
        .contains("scim2 mock, which is not started")
    );
    let faults = vec!["reset:target=scim2".parse::<FaultSpec>().unwrap()];
    assert!(
        refused(StandAlone { faults, ..google() })
            .await
            .contains("scim2 mock, which is not started")
    );
    let slak = StandAlone {
        personality: Some("slak".to_owned()),
        ..standalone()
    };
    assert!(refused(slak).await.contains("did you mean `slack`?"));
    let file = StandAlone {
        personality: Some("/nowhere/mine.toml".to_owned()),
        ..standalone()
    };
    assert_eq!(refused(file).await, "cannot read `/nowhere/mine.toml`");
    let exposed = StandAlone {
        listen: Some("0.0.0.0:0".parse().unwrap()),
        ..StandAlone::default()
    };
    assert!(
        refused(exposed)
            .await
            .contains("is reachable from other machines")
    );
    let last = StandAlone {
        listen: Some("127.0.0.1:65535".parse().unwrap()),
        ..StandAlone::default()
    };
    assert!(
        refused(last)
            .await
            .contains("there is no port for salesforce")
    );
}

#[tokio::test]
async fn a_personality_of_ones_own_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.toml");
    fs::write(&path, "name = 'mine'\nsummary = 'As the RFCs have it.'\n").unwrap();
    let own = StandAlone {
        personality: Some(path.display().to_string()),
        ..standalone()
    };
    let running = own.clone().start().await.unwrap();
    assert_eq!(
        running
            .lab()
            .scim2()
            .with_vendor(|scim2| scim2.personality().name.clone()),
        "mine"
    );
    fs::write(&path, "name = 'mine'\nsummary = ''\nnonsense = 1\n").unwrap();
    let refused = own.start().await.unwrap_err().to_string();
    assert!(
        refused.contains("mine.toml") && refused.contains("nonsense"),
        "{refused}"
    );
}

#[tokio::test]
async fn limits_reach_the_mocks() {
    let described = StandAlone {
        daily_limit: Some(2),
        quota: Some("1/3600".parse().unwrap()),
        ..standalone()
    };
    let running = described.start().await.unwrap();
    let lab = running.lab();
    let salesforce = lab.url(Target::Salesforce).unwrap();
    let reply = client()
        .get(format!("{salesforce}/services/data/v62.0/limits"))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 401);
    let scim2 = lab.url(Target::Scim2).unwrap();
    let mut statuses = BTreeSet::new();
    for name in ["kim", "lee"] {
        statuses.insert(
            create_scim(&scim2, "Bearer scim2-mock-token", name)
                .await
                .as_u16(),
        );
    }
    assert_eq!(statuses, BTreeSet::from([201, 429]));
}

#[tokio::test]
async fn one_mock_has_settings_of_its_own_and_what_is_said_for_all_counts_more() {
    let own = || StandAlone {
        targets: vec![Target::Scim2],
        ports: BTreeMap::from([(Target::Scim2, 0)]),
        rates: BTreeMap::from([(Target::Scim2, Rate::new(2, Duration::from_hours(1)))]),
        ..StandAlone::default()
    };
    let all = StandAlone {
        quota: Some(QuotaSpec::None),
        ..own()
    };
    for (described, last) in [(own(), 429), (all, 201)] {
        let running = described.start().await.unwrap();
        let url = running.lab().url(Target::Scim2).unwrap();
        assert!(!url.contains(":9103/"), "{url}");
        let mut statuses = Vec::new();
        for name in ["kim", "lee", "mia"] {
            let status = create_scim(&url, "Bearer scim2-mock-token", name).await;
            statuses.push(status.as_u16());
        }
        assert_eq!(statuses, [201, 201, last]);
    }
}

#[tokio::test]
async fn a_new_google_user_is_not_found_for_a_while() {
    let google = GoogleMock::builder()
        .fault("lag:requests=2")
        .start()
        .await
        .unwrap();
    let authorization = google.authorization().await.unwrap();
    let users = format!("{}/admin/directory/v1/users", google.url());
    let body = json!({
        "primaryEmail": "kim@acme.example",
        "password": "correct horse battery",
        "name": {"givenName": "Kim", "familyName": "Lee"},
    });
    let insert = client()
        .post(&users)
        .header(header::AUTHORIZATION, &authorization);
    let insert = insert
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string());
    assert_eq!(insert.send().await.unwrap().status(), 200);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let get = client()
            .get(format!("{users}/kim@acme.example"))
            .header(header::AUTHORIZATION, &authorization);
        statuses.push(get.send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [404, 404, 200]);
    google.reset();
    let list = client()
        .get(format!("{users}?customer=my_customer"))
        .header(header::AUTHORIZATION, &authorization);
    assert_eq!(
        list.send().await.unwrap().status(),
        200,
        "a reset throws nobody out"
    );
}

#[tokio::test]
async fn a_fault_is_armed_where_its_operation_is_known_and_nowhere_else() {
    let lab = Lab::builder().start().await.unwrap();
    let armed = lab.arm("drop-after:op=Users.create").unwrap();
    assert_eq!(
        armed.iter().map(|(target, _)| *target).collect::<Vec<_>>(),
        [Target::Scim2]
    );
    assert_eq!(
        lab.arm("reset:op=token").unwrap().len(),
        3,
        "all know a token call"
    );
    let wrong = lab.arm("drop-after:op=Users.crate").unwrap_err();
    assert!(wrong.to_string().contains("did you mean `Users.create`?"));
    let other = lab.google().arm("drop-after:op=Users.create").unwrap_err();
    assert!(other.to_string().contains("google knows"), "{other}");
    // One of ours is enough where the rest is another mock's.
    lab.google()
        .arm("reset:op=users.insert|Users.create")
        .unwrap();
    let started = StandAlone {
        targets: vec![Target::Scim2],
        faults: vec!["reset:op=users.insert".parse::<FaultSpec>().unwrap()],
        ..standalone()
    };
    let refused = started.start().await.unwrap_err().to_string();
    assert!(refused.contains("scim2 knows"), "{refused}");
}

/// One user and one group at each target.
const PEOPLE: &str = r#"
[[google.users]]
primaryEmail = "kim@acme.example"
name = { givenName = "Kim", familyName = "Lee" }
[[google.groups]]
email = "all@acme.example"

[[salesforce.users]]
Username = "kim@acme.example"
[[salesforce.groups]]
Name = "Everybody"

[[scim2.users]]
userName = "kim"
[[scim2.groups]]
displayName = "everybody"
"#;

/// The ids of what came with [`PEOPLE`]: of all that the mocks hold, but for what they are delivered with.
fn ids_of_people(lab: &Lab) -> BTreeSet<(Target, String)> {
    let bare = Lab::builder().build().unwrap();
    let of = |lab: &Lab| -> BTreeSet<(Target, String)> {
        let all = Target::ALL.into_iter();
        all.flat_map(|target| {
            let objects = lab.mock(target).objects();
            objects.into_iter().map(move |object| (target, object.id))
        })
        .collect()
    };
    of(lab).difference(&of(&bare)).cloned().collect()
}

#[test]
fn two_mocks_of_different_seeds_share_no_id_and_of_the_same_seed_all() {
    for personality in [None, Personality::named("awkward")] {
        let lab = |seed| {
            let mut lab = Lab::builder().seed(PEOPLE).random_seed(seed);
            if let Some(personality) = &personality {
                lab = lab.personality(personality.clone());
            }
            lab.build().unwrap()
        };
        let mut seen = BTreeSet::new();
        for seed in [0, 1, 2, u64::MAX] {
            let ids = ids_of_people(&lab(seed));
            assert_eq!(ids.len(), 6, "{ids:?}");
            assert_eq!(ids, ids_of_people(&lab(seed)), "{seed}");
            assert!(seen.is_disjoint(&ids), "{seed}: {ids:?}");
            seen.extend(ids);
        }
    }
}

#[test]
fn what_a_target_is_delivered_with_has_the_same_id_at_every_start() {
    // `workbench.toml` names the profile by its id.
    let profile = |seed| {
        let lab = Lab::builder().random_seed(seed).build().unwrap();
        lab.salesforce()
            .with_vendor(outbound_mocks::salesforce::Salesforce::standard_profile)
    };
    assert!(profile(0).is_some());
    assert_eq!(profile(0), profile(7));
}

#[test]
fn an_account_that_a_seed_opens_anew_gives_no_id_of_the_one_before() {
    let lab = Lab::builder().build().unwrap();
    let before = lab.google().objects().remove(0).id;
    lab.google()
        .seed("[google]\ndomain = 'globex.example'")
        .unwrap();
    let after = lab.google().objects().remove(0);
    assert_eq!(after.name, "admin@globex.example");
    assert_ne!(after.id, before);
}

/// Creates something and returns the id that the target gave it.
async fn born(to: String, authorization: String, body: &Value) -> String {
    let request = client()
        .post(to)
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string());
    let told: Value = request.send().await.unwrap().json().await.unwrap();
    told["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{told}"))
        .to_owned()
}

#[tokio::test]
async fn no_id_is_given_twice_whatever_a_mock_is_put_back_to() {
    let google = GoogleMock::builder().start().await.unwrap();
    let salesforce = SalesforceMock::builder().start().await.unwrap();
    let scim2 = Scim2Mock::builder().start().await.unwrap();
    let mocks: [&dyn Handle; 3] = [google.mock(), salesforce.mock(), scim2.mock()];
    let profile = salesforce.with_vendor(outbound_mocks::salesforce::Salesforce::standard_profile);
    let at_salesforce = json!({
        "Username": "kim@acme.example", "LastName": "Lee", "Email": "kim@acme.example", "Alias": "kim",
        "TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US",
        "ProfileId": profile,
    });
    let at_google = json!({
        "primaryEmail": "kim@acme.example",
        "password": "correct horse battery",
        "name": {"givenName": "Kim", "familyName": "Lee"},
    });
    let at_scim2 =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "kim"});
    let mut ids = BTreeSet::new();
    for mock in mocks {
        mock.snapshot("empty");
    }
    for round in 0..4 {
        let users = format!("{}/admin/directory/v1/users", google.url());
        let authorization = google.authorization().await.unwrap();
        ids.insert(born(users, authorization, &at_google).await);
        let users = format!("{}/services/data/v62.0/sobjects/User", salesforce.url());
        let authorization = salesforce.authorization().await.unwrap();
        ids.insert(born(users, authorization, &at_salesforce).await);
        let users = format!("{}/Users", scim2.url());
        ids.insert(born(users, scim2.authorization(), &at_scim2).await);
        assert_eq!(ids.len(), 3 * (round + 1), "{ids:?}");
        for mock in mocks {
            // Back to the beginning by both ways, and to a state that was kept after an earlier one.
            match round {
                0 => mock.reset(),
                1 => mock.restore("empty").unwrap(),
                _ => {
                    mock.snapshot("later");
                    mock.restore("empty").unwrap();
                    mock.restore("later").unwrap();
                    mock.reset();
                }
            }
        }
    }
}

/// A clock of somebody else's, as an engine under virtual time has one.
#[derive(Clone, Default)]
struct Foreign(Arc<AtomicU64>);

impl Clock for Foreign {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-22T10:00:00Z".parse::<jiff::Timestamp>().unwrap() + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> outbound_mocks::clock::Sleep {
        Box::pin(std::future::pending())
    }

    fn is_moved_by_hand(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn all_three_go_by_one_clock_of_somebody_elses() {
    let clock = Foreign::default();
    let shared = || Arc::new(clock.clone());
    let google = GoogleMock::builder().clock(shared()).daily_limit(2);
    let google = google.start().await.unwrap();
    let salesforce = SalesforceMock::builder().clock(shared());
    let salesforce = salesforce.start().await.unwrap();
    let scim2 = Scim2Mock::builder().clock(shared()).start().await.unwrap();
    let asked = [
        (
            format!(
                "{}/admin/directory/v1/users?customer=my_customer",
                google.url()
            ),
            google.authorization().await.unwrap(),
        ),
        (
            format!("{}/services/data/v62.0/limits", salesforce.url()),
            salesforce.authorization().await.unwrap(),
        ),
        (
            format!("{}/Users?count=0", scim2.url()),
            scim2.authorization(),
        ),
    ];
    let ask = async || {
        let mut found = Vec::new();
        for (url, bearer) in &asked {
            let request = client().get(url).header(header::AUTHORIZATION, bearer);
            let reply = request.send().await.unwrap();
            let date = reply.headers()[header::DATE].to_str().unwrap().to_owned();
            found.push((reply.status().as_u16(), date));
        }
        found
    };
    let at =
        |date: &str, statuses: [u16; 3]| statuses.map(|status| (status, date.to_owned())).to_vec();
    let (first, later) = (
        "Sun, 22 Nov 2026 10:00:00 GMT",
        "Sun, 20 Dec 2026 10:00:00 GMT",
    );
    assert_eq!(ask().await, at(first, [200, 200, 200]));
    assert_eq!(ask().await, at(first, [200, 200, 200]));
    assert_ne!(ask().await[0].0, 200);
    clock.0.store(28 * 86_400, Ordering::SeqCst);
    // Four weeks later the calls of that day are forgotten, and the tokens that end have ended.
    assert_eq!(ask().await, at(later, [401, 401, 200]));
}
