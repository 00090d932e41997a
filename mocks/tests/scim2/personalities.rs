//! How each personality differs, and that a file of one's own is read strictly.

use outbound_mocks::{
    Kind, Operation,
    scim2::{Personality, Scim2},
};
use serde_json::json;

use super::{Desk, GROUP, USER};

#[test]
fn every_personality_is_there_by_its_name() {
    for name in Personality::ALL {
        let personality = Personality::named(name).unwrap();
        assert_eq!(personality.name, name);
        assert!(personality.summary.ends_with('.'));
    }
    assert_eq!(Personality::named("nobody"), None);
    assert_eq!(Personality::default().name, "strict");
}

#[test]
fn a_file_of_ones_own_is_read_strictly() {
    let own = "name = 'mine'\nsummary = 'Mine.'\n[lists]\nmax_page = 5\ndefault_page = 5\n";
    assert_eq!(Personality::from_toml(own).unwrap().lists.max_page, 5);
    let wrong = |text: &str| {
        let error = Personality::from_toml(&format!("name = 'mine'\nsummary = 'Mine.'\n{text}"))
            .unwrap_err();
        format!(
            "{error} {}",
            std::error::Error::source(&error).map_or(String::new(), ToString::to_string)
        )
    };
    assert!(wrong("[lists]\nmax_pages = 5").contains("max_pages"));
    assert!(wrong("[errors]\nstatus = 'word'").contains("status"));
    assert!(wrong("[lists]\nmax_page = 5").contains("lists.default_page"));
    assert!(wrong("[http]\nunsupported_method = 200").contains("http.unsupported_method"));
    assert!(wrong("[http]\nextra_base_paths = ['v1']").contains("v1"));
    assert!(
        wrong("[[quota]]\nname = 'q'\ncounts = []\nrequests = 0\nseconds = 1")
            .contains("quota 'q'")
    );
    assert!(Personality::from_toml("summary = 'x'").is_err());
}

#[test]
fn no_body_answers_a_patch_with_nothing() {
    let mut desk = Desk::personality("no-body");
    let id = desk.user("kim");
    let op = json!([{"op": "replace", "path": "title", "value": "x"}]);
    let reply = desk.patch(&format!("/Users/{id}"), &op).expect(204);
    assert!(reply.headers.contains_key("etag"));
    assert_eq!(
        desk.patch(&format!("/Users/{id}?attributes=title"), &op)
            .expect(200)
            .body["title"],
        "x"
    );
    desk.get("/Me").refused(501, "");
    let group = desk.group("g", &[&id]);
    let path = format!("/Groups/{group}");
    desk.patch(
        &path,
        &json!([{"op": "Remove", "path": "members", "value": [{"value": id}]}]),
    )
    .refused(400, "invalidValue");
    desk.patch(
        &path,
        &json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]),
    )
    .expect(204);
    desk.post(
        "/Users",
        &json!({"schemas": [USER, "urn:example:x"], "userName": "x"}),
    )
    .refused(400, "invalidValue");
}

#[test]
fn aws_takes_little_and_speaks_its_own_words() {
    let mut desk = Desk::personality("aws-iam-identity-center");
    let ids: Vec<String> = (0..60).map(|at| desk.user(&format!("u{at}"))).collect();
    assert_eq!(desk.get("/Users").names().len(), 50);
    assert_eq!(desk.get("/Users?count=100").names().len(), 50);
    assert_eq!(
        desk.names("/Users", r#"userName eq "u1" and active eq true"#),
        ["u1"]
    );
    for refused in [
        r#"userName sw "u""#,
        r#"userName eq "u1" or userName eq "u2""#,
        r#"emails[type eq "x"]"#,
        "title pr",
    ] {
        let reply = desk.filter("/Users", refused).expect(400);
        assert!(
            reply.body["detail"]
                .as_str()
                .unwrap()
                .starts_with("ValidationException"),
            "{}",
            reply.body
        );
        assert_eq!(reply.headers["x-amzn-errortype"], "ValidationException");
        assert!(reply.body.get("scimType").is_none());
    }
    let missing = desk.get("/Users/none").expect(404);
    assert!(
        missing.body["detail"]
            .as_str()
            .unwrap()
            .starts_with("ResourceNotFoundException")
    );
    let two = json!([{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}]);
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "x", "emails": two}),
    )
    .expect(400);
    let group = format!("/Groups/{}", desk.group("g", &[&ids[0]]));
    desk.post("/Groups", &json!({"schemas": [GROUP], "displayName": "G"}))
        .expect(409);
    desk.patch(
        &group,
        &json!([{"op": "replace", "path": "members", "value": [{"value": ids[1]}]}]),
    )
    .expect(400);
    desk.patch(&group, &json!([{"op": "remove", "path": "members"}]))
        .expect(400);
    desk.patch(
        &group,
        &json!([{"op": "remove", "path": "members", "value": [{"value": ids[0]}]}]),
    )
    .expect(200);
    let many: Vec<_> = (0..101)
        .map(|at| json!({"value": at.to_string()}))
        .collect();
    desk.patch(
        &group,
        &json!([{"op": "add", "path": "members", "value": many}]),
    )
    .expect(400);
    desk.get("/Me").expect(501);
    desk.post("/Bulk", &json!({})).expect(501);
    desk.post("/Users/.search", &json!({})).expect(501);
    desk.get("/Users?sortBy=userName").expect(501);
    desk.get("/Users?cursor=").expect(400);
    let config = desk.get("/ServiceProviderConfig").body;
    assert_eq!(
        (&config["bulk"]["supported"], &config["etag"]["supported"]),
        (&json!(false), &json!(false))
    );
    let user = desk.get(&format!("/Users/{}", ids[0]));
    assert!(!user.headers.contains_key("etag") && user.body["meta"].get("version").is_none());
    let schema = desk.get(&format!("/Schemas/{USER}")).body;
    assert!(!schema.to_string().contains("\"password\""));
}

#[test]
fn slack_turns_small_pages_and_publishes_its_rates() {
    let mut desk = Desk::personality("slack");
    for at in 0..12 {
        desk.user(&format!("u{at}"));
    }
    assert_eq!(desk.get("/Users").names().len(), 10);
    assert_eq!(desk.get("/Users?count=5000").expect(200).names().len(), 12);
    let reply = desk.send("GET", "/scim/v1/Users?count=1", "").expect(200);
    assert!(
        reply.body["Resources"][0]["meta"]["location"]
            .as_str()
            .unwrap()
            .contains("/scim/v1/Users/")
    );
    let quota = Personality::named("slack").unwrap().quota;
    let covering = |name, kind| -> Vec<String> {
        let operation = Operation {
            name,
            subject: None,
            kind,
        };
        quota
            .iter()
            .filter(|it| it.covers(&operation))
            .map(|it| it.name.clone())
            .collect()
    };
    assert_eq!(
        covering("Users.create", Kind::Write),
        ["writes", "creating users"]
    );
    assert_eq!(covering("Groups.patch", Kind::Write), ["writes"]);
    assert_eq!(covering("Users.list", Kind::Read), ["reads"]);
}

#[test]
fn github_wants_to_know_who_asks_and_users_before_groups() {
    let mut desk = Desk::personality("github-emu");
    desk.post(
        "/Groups",
        &json!({"schemas": [GROUP], "displayName": "g", "members": [{"value": "nobody"}]}),
    )
    .refused(400, "invalidValue");
    let id = desk.user("kim");
    desk.patch(
        &format!("/Users/{id}"),
        &json!([{"op": "replace", "path": "active", "value": false}]),
    )
    .expect(200);
    assert_eq!(desk.get("/Users").names(), ["kim"]);
    desk.without("user-agent");
    desk.get("/Users").refused(403, "");
}

#[test]
fn entra_as_a_server_is_its_own_kind() {
    let mut desk = Desk::personality("entra");
    desk.post("/Users", &json!({"schemas": [USER], "userName": "kim"}))
        .expect(400);
    let made = desk
        .post(
            "/Users",
            &json!({"schemas": [USER], "userName": "kim", "password": "Aa1!aaaa"}),
        )
        .expect(201);
    assert_eq!(made.body["meta"]["resourceType"], "user");
    assert!(made.body["meta"].get("created").is_none());
    let path = format!("/Users/{}", made.id());
    desk.put(&path, &json!({"schemas": [USER], "userName": "kim"}))
        .expect(405);
    desk.patch(
        &path,
        &json!([{"op": "replace", "path": "title", "value": "x"}]),
    )
    .expect(204);
    desk.get("/Users/none").expect(400);
    desk.get("/none").expect(404);
    desk.get("/Users?count=0").expect(400);
    assert!(desk.get("/Users").body["resources"].is_array());
    assert!(desk.get("/ResourceTypes").body["resources"].is_array());
    desk.delete(&path).expect(400);
    desk.without("accept");
    desk.delete(&path).expect(204);
}

#[test]
fn awkward_has_half_of_everything() {
    let mut desk = Desk::personality("awkward");
    let kim = desk.user_with("kim", json!({"externalId": "1"}));
    assert_eq!(kim, "1");
    let group = desk.group("g", &[&kim]);
    let path = format!("/Groups/{group}");
    assert!(
        desk.get(&path).body.get("members").is_none(),
        "members are ignored on POST"
    );
    desk.patch(
        &path,
        &json!([{"op": "add", "path": "members", "value": [{"value": kim}]}]),
    )
    .expect(200);
    desk.put(
        &path,
        &json!({"schemas": [GROUP], "displayName": "h", "members": []}),
    )
    .expect(200);
    assert_eq!(desk.get(&path).body["members"][0]["value"], kim.as_str());
    desk.patch(
        &path,
        &json!([{"op": "remove", "path": format!("members[value eq \"{kim}\"]")}]),
    )
    .expect(501);
    desk.patch(
        &path,
        &json!([{"op": "remove", "path": "members", "value": [{"value": kim}]}]),
    )
    .expect(200);
    let missing = desk.get("/Users/77").expect(404);
    assert_eq!(missing.body["status"], 404);
    let user = format!("/Users/{kim}");
    desk.patch(
        &user,
        &json!([{"op": "replace", "path": "title", "value": "x"}]),
    )
    .expect(501);
    desk.patch(
        &user,
        &json!([{"op": "replace", "path": "name.givenName", "value": "x"}]),
    )
    .expect(200);
    desk.patch(
        &user,
        &json!([{"op": "replace", "value": {"active": false}}]),
    )
    .expect(200);
    assert_eq!(desk.names("/Users", r#"userName eq "kim""#), ["kim"]);
    assert!(desk.names("/Users", r#"externalId eq "1""#).is_empty());
    assert!(
        desk.get("/ResourceTypes")
            .body
            .get("totalResults")
            .is_none()
    );
    desk.without("authorization");
    assert!(desk.get("/Users").expect(401).body.is_null());
}

#[test]
fn a_mutable_id_moves_with_the_name_and_groups_follow() {
    let mut desk = Desk::personality("mutable-id");
    let id = desk.user("kim@x.example");
    assert_eq!(id, "kim@x.example");
    let group = desk.group("staff", &[&id]);
    assert_eq!(group, "staff");
    let reply = desk
        .patch(
            "/Users/kim%40x.example",
            &json!([{"op": "replace", "path": "userName", "value": "lee@x.example"}]),
        )
        .expect(200);
    assert!(
        reply
            .told()
            .contains(&r#"User lee@x.example id: "kim@x.example" -> "lee@x.example""#.to_owned()),
        "{:?}",
        reply.told()
    );
    assert!(
        reply.body["meta"]["location"]
            .as_str()
            .unwrap()
            .ends_with("/Users/lee@x.example")
    );
    desk.get("/Users/kim@x.example").expect(500);
    let member = desk.get("/Groups/staff").body["members"][0].clone();
    assert_eq!(
        (&member["value"], &member["display"]),
        (&json!("lee@x.example"), &json!("lee@x.example"))
    );
    desk.patch(
        "/Groups/staff",
        &json!([{"op": "replace", "path": "displayName", "value": "crew"}]),
    )
    .expect(204);
    assert_eq!(
        desk.get("/Users/lee@x.example").body["groups"][0]["value"],
        "crew"
    );
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "LEE@x.example"}),
    )
    .expect(500);
}

#[test]
fn loose_and_wso2_let_things_pass() {
    let mut desk = Desk::personality("loose");
    let primaries = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    let made = desk
        .post(
            "/Users",
            &json!({"schemas": [USER], "userName": "Kim", "emails": primaries}),
        )
        .expect(201);
    assert!(!made.headers.contains_key("location"));
    assert_eq!(made.body["emails"], primaries);
    assert!(desk.names("/Users", r#"userName eq "kim""#).is_empty());
    assert_eq!(desk.names("/Users", r#"userName eq "Kim""#), ["Kim"]);
    desk.delete("/Users").expect(404);

    let mut desk = Desk::personality("wso2");
    desk.post(
        "/Users",
        &json!({"userName": "alice", "emails": ["a@x.example"]}),
    )
    .expect(201);
    let found = desk
        .get("/Users?filter=userName%20Eq%20alice&startIndex=1&count=1")
        .expect(200);
    assert_eq!(
        found.body["Resources"][0]["emails"],
        json!([{"value": "a@x.example"}])
    );
    Desk::new()
        .get("/Users?filter=userName%20Eq%20alice")
        .refused(400, "invalidFilter");
}

#[test]
fn a_policy_asks_for_longer_passwords() {
    let text = "name = 'p'\nsummary = 'P.'\n[resources]\npassword_min_length = 8\nmax_members = 1\nunique_external_ids = true\n";
    let mut desk = Desk::with(Scim2::new(Personality::from_toml(text).unwrap()));
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "kim", "password": "short"}),
    )
    .refused(400, "invalidValue");
    let id = desk.user_with("kim", json!({"password": "long enough", "externalId": "1"}));
    desk.patch(
        &format!("/Users/{id}"),
        &json!([{"op": "replace", "path": "password", "value": "short"}]),
    )
    .refused(400, "invalidValue");
    desk.post(
        "/Users",
        &json!({"schemas": [USER], "userName": "lee", "externalId": "1"}),
    )
    .refused(409, "uniqueness");
    desk.post("/Groups", &json!({"schemas": [GROUP], "displayName": "g", "members": [{"value": "1"}, {"value": "2"}]})).refused(413, "");
}
