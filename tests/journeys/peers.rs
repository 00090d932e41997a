//! A SCIM server that this project did not write: `scim2-server` from PyPI.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::{Change, Claims, ConnectorRef, LocalRef, NewUser, QualifiedName, Request, Source};
use engine::{Engine, State};
use serde_json::Value;

use crate::program::Program;

const TOKEN: &str = "peer-token";
const USERS: usize = 50;

/// The foreign server, or a word why it is not there.
struct Peer {
    child: Child,
    origin: String,
}

impl Peer {
    fn start() -> Option<Self> {
        let python = std::env::var("OUTBOUND_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let known = Command::new(&python)
            .args(["-c", "import scim2_server"])
            .stderr(Stdio::null())
            .status();
        if !known.is_ok_and(|status| status.success()) {
            let must = std::env::var_os("OUTBOUND_PYTHON").is_some();
            assert!(
                !must,
                "OUTBOUND_PYTHON is set, but scim2_server cannot be imported"
            );
            eprintln!(
                "skipped: {python} with scim2_server is not here (pip install -r tests/peers/requirements.txt)"
            );
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(&python)
            .args([
                "-c",
                "from scim2_server.testserver.cli import main; main()",
                "--port",
                &port.to_string(),
                "--bearer-token",
                TOKEN,
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peer = Self {
            child,
            origin: format!("http://127.0.0.1:{port}"),
        };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(peer);
            }
            std::thread::sleep(Duration::from_millis(50)); // between two looks, not instead of one
        }
        panic!("scim2-server did not start");
    }

    async fn resources(&self, kind: &str) -> Vec<Value> {
        connectors::install_crypto();
        let url = format!("{}/{kind}?count=500", self.origin);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body: Value = client
            .get(url)
            .bearer_auth(TOKEN)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(
            body["totalResults"],
            body["Resources"].as_array().map_or(0, Vec::len)
        );
        body["Resources"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

fn configuration(origin: &str, deprovision: &str) -> String {
    format!(
        r#"
[organization]
name = "Acme"
tenant_domain = "acme.example"

[[connections]]
id = "peer"
name = "Peer"
[[connections.connectors]]
type = "scim2"
enabled = true
authentication_mode = "bearer"
access_token = "{TOKEN}"
user_endpoint = "{origin}/Users"
group_endpoint = "{origin}/Groups"
deprovision = "{deprovision}"

[[resident.provisioners]]
connection = "peer"
connector = "scim2"

[engine.brakes]
enabled = false # the deletes are meant
"#
    )
}

async fn start(program: &Program, text: &str) -> Engine {
    let path = program.path().join("workbench.toml");
    std::fs::write(&path, text).unwrap();
    let loaded = config::load(&path, &connectors::CATALOGUE).unwrap();
    outbound::workbench::start(&loaded, program.path(), program.path().join("journal.db"))
        .await
        .unwrap()
}

fn console(change: Change) -> Request {
    Request {
        change,
        source: Source::Console,
        application: None,
        connection: None,
    }
}

fn claims(pairs: &[(&str, String)]) -> Claims {
    pairs
        .iter()
        .map(|(claim, value)| ((*claim).into(), vec![value.clone()]))
        .collect()
}

fn name(number: usize) -> QualifiedName {
    QualifiedName::new(&format!("user{number:02}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_users_live_their_lives_at_a_server_of_others() {
    let Some(peer) = Peer::start() else { return };
    let program = Program::with("");
    let engine = start(&program, &configuration(&peer.origin, "deactivate")).await;
    for number in 0..USERS {
        let user = NewUser {
            name: name(number),
            claims: claims(&[
                ("givenname", format!("Given {number}")),
                ("lastname", format!("Last \"{number}\"")),
                ("emailaddress", format!("user{number:02}@acme.example")),
            ]),
            roles: BTreeSet::new(),
            groups: BTreeSet::new(),
        };
        engine
            .submit(console(Change::CreateUser {
                user,
                password: None,
            }))
            .await
            .unwrap();
    }
    let all = (0..USERS).map(name).collect();
    engine
        .submit(console(Change::CreateGroup {
            group: "staff".into(),
            members: all,
        }))
        .await
        .unwrap();
    for number in 0..USERS {
        let set = claims(&[("lastname", format!("Changed {number}"))]);
        let change = Change::UpdateUser {
            user: name(number),
            set,
            remove: BTreeSet::new(),
            rename: None,
        };
        engine.submit(console(change)).await.unwrap();
    }
    let remove = (0..10).map(name).collect();
    let change = Change::ChangeGroup {
        group: "staff".into(),
        add: BTreeSet::new(),
        remove,
    };
    engine.submit(console(change)).await.unwrap();
    engine
        .submit(console(Change::RenameGroup {
            group: "staff".into(),
            to: "everybody".into(),
        }))
        .await
        .unwrap();
    engine.idle().await;
    for number in 10..20 {
        engine
            .submit(console(Change::DeleteUser { user: name(number) }))
            .await
            .unwrap();
    }
    engine.idle().await;
    let ids = remote_ids(&engine);
    engine.shutdown().await;

    let engine = start(&program, &configuration(&peer.origin, "delete")).await;
    for number in 20..30 {
        engine
            .submit(console(Change::DeleteUser { user: name(number) }))
            .await
            .unwrap();
    }
    engine.idle().await;
    let counts = engine.reader().counts().unwrap();
    let states = &counts[&ConnectorRef::new("peer", "scim2")];
    assert_eq!(
        states.keys().copied().collect::<Vec<_>>(),
        [State::Settled],
        "{states:?}"
    );
    engine.shutdown().await;

    // The whole content of the server is the desired state: no account too many, none too few.
    let users: BTreeMap<String, Value> = peer
        .resources("Users")
        .await
        .into_iter()
        .map(|user| (user["userName"].as_str().unwrap().to_owned(), user))
        .collect();
    let expected: Vec<String> = (0..USERS)
        .filter(|number| !(20..30).contains(number))
        .map(|n| name(n).name)
        .collect();
    assert_eq!(users.keys().cloned().collect::<Vec<_>>(), expected);
    for number in (0..USERS).filter(|number| !(20..30).contains(number)) {
        let user = &users[&name(number).name];
        assert_eq!(user["name"]["givenName"], format!("Given {number}"));
        assert_eq!(user["name"]["familyName"], format!("Changed {number}"));
        assert_eq!(
            user["emails"][0]["value"],
            format!("user{number:02}@acme.example")
        );
        assert_eq!(
            user["active"].as_bool().unwrap_or(true),
            !(10..20).contains(&number),
            "{user}"
        );
        assert_eq!(
            ids.get(&name(number).name).map(String::as_str),
            user["id"].as_str()
        );
    }
    let groups = peer.resources("Groups").await;
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(groups[0]["displayName"], "everybody");
    let mut members: Vec<&str> = groups[0]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["value"].as_str().unwrap())
        .collect();
    members.sort_unstable();
    let mut wanted: Vec<&str> = (30..USERS)
        .map(|number| users[&name(number).name]["id"].as_str().unwrap())
        .collect();
    wanted.sort_unstable();
    assert_eq!(members, wanted, "who is still there is still a member");
}

/// The remote ids that the links hold, by the name at the target.
fn remote_ids(engine: &Engine) -> BTreeMap<String, String> {
    engine
        .reader()
        .links(None, None, 1000)
        .unwrap()
        .into_iter()
        .filter(|link| matches!(link.local, LocalRef::User(_)))
        .map(|link| (link.remote_name, link.remote_id.0))
        .collect()
}
