use serde_json::{Value, json};

use crate::lab::{Lab, address};

#[test]
fn a_group_is_inserted_found_changed_and_deleted() {
    let mut lab = Lab::new();
    let staff = lab
        .post(
            "groups",
            &json!({ "email": "Staff@acme.example", "name": "Staff", "description": "all" }),
        )
        .ok();
    assert_eq!(
        (&staff["kind"], &staff["email"]),
        (&json!("admin#directory#group"), &json!(address("staff")))
    );
    assert_eq!(
        (&staff["directMembersCount"], &staff["adminCreated"]),
        (&json!("0"), &json!(true))
    );
    let id = staff["id"].as_str().unwrap().to_owned();
    for key in [id.as_str(), "STAFF@acme.example"] {
        assert_eq!(lab.get(&format!("groups/{key}")).ok()["id"], staff["id"]);
    }
    lab.get("groups/nothing@acme.example")
        .refused(404, "notFound", "Resource Not Found: groupKey");
    lab.get("groups/nothing")
        .refused(404, "notFound", "Resource Not Found: groupKey");
    let renamed = lab
        .patch(
            &format!("groups/{id}"),
            &json!({ "email": address("team"), "description": null }),
        )
        .ok();
    assert_eq!(
        (&renamed["email"], &renamed["aliases"]),
        (&json!(address("team")), &json!([address("staff")]))
    );
    assert_eq!(
        (&renamed["description"], &renamed["name"]),
        (&json!(""), &json!("Staff"))
    );
    assert_eq!(
        lab.told().keys().copied().collect::<Vec<_>>(),
        ["aliases", "description", "email"]
    );
    let aliases = lab.get("groups/staff@acme.example/aliases").ok();
    assert_eq!(aliases["aliases"][0]["alias"], address("staff"));
    lab.post(
        "groups/team@acme.example/aliases",
        &json!({ "alias": address("crew") }),
    )
    .ok();
    assert_eq!(
        lab.delete("groups/team@acme.example/aliases/staff@acme.example")
            .status,
        204
    );
    lab.get("groups/staff@acme.example")
        .refused(404, "notFound", "groupKey");
    assert_eq!(lab.delete("groups/crew@acme.example").status, 204);
    lab.get(&format!("groups/{id}"))
        .refused(404, "notFound", "groupKey");
    lab.user("team");
}

#[test]
fn what_a_group_needs_is_asked_for() {
    let mut lab = Lab::new();
    lab.post("groups", &Value::Null)
        .refused(400, "required", "group");
    lab.post("groups", &json!({ "name": "x" }))
        .refused(400, "required", "groupKey");
    lab.post("groups", &json!({ "email": "x" }))
        .refused(400, "invalid", "Invalid Input: groupKey");
    lab.post("groups", &json!({ "email": "x@elsewhere.example" }))
        .refused(403, "forbidden", "");
    lab.post(
        "groups",
        &json!({ "email": address("x"), "description": "x".repeat(4097) }),
    )
    .refused(400, "invalid", "description");
    lab.post(
        "groups",
        &json!({ "email": address("x"), "description": "x".repeat(4096) }),
    )
    .ok();
}

#[test]
fn members_come_and_go_by_any_of_their_keys() {
    let mut lab = Lab::new();
    let kim = lab.user("kim");
    lab.group("staff");
    lab.post(
        "users/kim@acme.example/aliases",
        &json!({ "alias": address("k") }),
    )
    .ok();
    let member = lab
        .post(
            "groups/staff@acme.example/members",
            &json!({ "email": "K@acme.example", "role": "OWNER" }),
        )
        .ok();
    assert_eq!(member["id"], kim["id"]);
    assert_eq!(
        (&member["email"], &member["type"]),
        (&json!(address("kim")), &json!("USER"))
    );
    assert_eq!(
        (&member["role"], &member["status"]),
        (&json!("OWNER"), &json!("ACTIVE"))
    );
    assert_eq!(lab.told()["members"].1.unwrap()["role"], "OWNER");
    lab.post(
        "groups/staff@acme.example/members",
        &json!({ "id": kim["id"] }),
    )
    .refused(409, "duplicate", "Member already exists.");
    assert_eq!(
        lab.get("groups/staff@acme.example").ok()["directMembersCount"],
        "1"
    );
    let changed = lab
        .put(
            "groups/staff@acme.example/members/kim@acme.example",
            &json!({ "role": "MANAGER", "delivery_settings": "DIGEST" }),
        )
        .ok();
    assert_eq!(
        (&changed["role"], &changed["delivery_settings"]),
        (&json!("MANAGER"), &json!("DIGEST"))
    );
    assert_ne!(changed["etag"], member["etag"]);
    lab.patch(
        "groups/staff@acme.example/members/kim@acme.example",
        &json!({ "role": "KING" }),
    )
    .refused(400, "invalid", "role");
    lab.put(
        "users/kim@acme.example",
        &json!({ "primaryEmail": address("kim.lee"), "suspended": true }),
    )
    .ok();
    let list = lab.get("groups/staff@acme.example/members").ok();
    assert_eq!(list["members"][0]["email"], address("kim.lee"));
    assert_eq!(list["members"][0]["status"], "SUSPENDED");
    assert!(list["members"][0].get("delivery_settings").is_none());
    assert_eq!(
        lab.delete("groups/staff@acme.example/members/k@acme.example")
            .status,
        204
    );
    lab.delete("groups/staff@acme.example/members/k@acme.example")
        .refused(404, "notFound", "Resource Not Found: memberKey");
    assert!(
        lab.get("groups/staff@acme.example/members")
            .ok()
            .get("members")
            .is_none()
    );
}

#[test]
fn who_can_be_a_member_is_checked() {
    let mut lab = Lab::new();
    lab.group("staff");
    lab.group("inner");
    let path = "groups/staff@acme.example/members";
    lab.post(path, &Value::Null)
        .refused(400, "required", "Missing required field: member");
    lab.post(path, &json!({ "role": "MEMBER" })).refused(
        400,
        "required",
        "Missing required field: memberKey",
    );
    lab.post(path, &json!({ "email": address("nobody") }))
        .refused(404, "notFound", "Resource Not Found: memberKey");
    lab.post(path, &json!({ "email": "@" }))
        .refused(400, "invalid", "memberKey");
    lab.post(path, &json!({ "email": address("inner"), "role": "OWNER" }))
        .refused(400, "invalid", "Invalid Input: memberKey");
    lab.post(
        "groups/nothing@acme.example/members",
        &json!({ "email": address("inner") }),
    )
    .refused(404, "notFound", "groupKey");
    let guest = lab
        .post(
            path,
            &json!({ "email": "Guest@elsewhere.example", "role": "MANAGER" }),
        )
        .ok();
    assert_eq!(guest["email"], "guest@elsewhere.example");
    assert_eq!(
        lab.get("groups/staff@acme.example/members/guest@elsewhere.example")
            .ok()["id"],
        guest["id"]
    );
    assert_eq!(
        lab.get(&format!("{path}/{}", guest["id"].as_str().unwrap()))
            .ok()["id"],
        guest["id"]
    );
    lab.get("groups/staff@acme.example/hasMember/guest@elsewhere.example")
        .refused(400, "invalid", "Invalid Input: memberKey");
}

#[test]
fn circles_of_groups_are_refused_at_any_length() {
    let mut lab = Lab::new();
    for name in ["a", "b", "c"] {
        lab.group(name);
    }
    let mut join = |outer: &str, inner: &str| {
        lab.post(
            &format!("groups/{}/members", address(outer)),
            &json!({ "email": address(inner) }),
        )
    };
    join("a", "a").refused(412, "conditionNotMet", "Cyclic memberships not allowed");
    join("a", "b").ok();
    join("b", "a").refused(412, "conditionNotMet", "Cyclic");
    join("b", "c").ok();
    join("c", "a").refused(412, "conditionNotMet", "Cyclic");
    join("a", "c").ok();
    assert_eq!(
        lab.get("groups/a@acme.example").ok()["directMembersCount"],
        "0"
    );
}

#[test]
fn membership_is_direct_nested_or_everybodys() {
    let mut lab = Lab::new();
    lab.user("kim");
    lab.user("lee");
    for name in ["outer", "inner", "all"] {
        lab.group(name);
    }
    lab.post(
        "groups/outer@acme.example/members",
        &json!({ "email": address("inner") }),
    )
    .ok();
    lab.post(
        "groups/inner@acme.example/members",
        &json!({ "email": address("kim"), "role": "OWNER" }),
    )
    .ok();
    let everybody = lab
        .post(
            "groups/all@acme.example/members",
            &json!({ "id": lab.google.customer_id() }),
        )
        .ok();
    assert_eq!(everybody["type"], "CUSTOMER");
    let mut has = |group: &str, member: &str| {
        lab.get(&format!(
            "groups/{}/hasMember/{}",
            address(group),
            address(member)
        ))
        .ok()["isMember"]
            .clone()
    };
    assert_eq!(has("outer", "kim"), true);
    assert_eq!(has("outer", "inner"), true);
    assert_eq!(has("outer", "lee"), false);
    assert_eq!(has("all", "lee"), true);
    let path = "groups/outer@acme.example/members";
    let count = |list: &Value| list["members"].as_array().map_or(0, Vec::len);
    assert_eq!(count(&lab.get(path).ok()), 1);
    let derived = lab
        .get(&format!("{path}?includeDerivedMembership=true"))
        .ok();
    assert_eq!(count(&derived), 2);
    assert_eq!(
        count(
            &lab.get("groups/inner@acme.example/members?roles=MANAGER,MEMBER")
                .ok()
        ),
        0
    );
    assert_eq!(
        count(
            &lab.get("groups/inner@acme.example/members?roles=OWNER")
                .ok()
        ),
        1
    );
    lab.get("groups/inner@acme.example/members?roles=KING")
        .refused(400, "invalid", "roles");
}

#[test]
fn who_is_deleted_leaves_every_group() {
    let mut lab = Lab::new();
    lab.user("kim");
    lab.group("staff");
    lab.group("inner");
    lab.post(
        "groups/staff@acme.example/members",
        &json!({ "email": address("kim") }),
    )
    .ok();
    lab.post(
        "groups/staff@acme.example/members",
        &json!({ "email": address("inner") }),
    )
    .ok();
    lab.delete("users/kim@acme.example");
    assert_eq!(lab.told()["members"].0, Some(&json!(address("kim"))));
    lab.delete("groups/inner@acme.example");
    assert_eq!(lab.told()["members"].0, Some(&json!(address("inner"))));
    assert!(
        lab.get("groups/staff@acme.example/members")
            .ok()
            .get("members")
            .is_none()
    );
    assert_eq!(
        lab.get("groups/staff@acme.example").ok()["directMembersCount"],
        "0"
    );
}

#[test]
fn groups_are_listed_by_account_domain_member_and_query() {
    let mut lab = Lab::new();
    lab.user("kim");
    for name in ["alpha", "beta", "gamma"] {
        lab.group(name);
    }
    lab.post(
        "groups/beta@acme.example/members",
        &json!({ "email": address("kim") }),
    )
    .ok();
    lab.post(
        "groups/gamma@acme.example/members",
        &json!({ "email": address("beta") }),
    )
    .ok();
    let mut list = |query: &str| {
        let list = lab.get(&format!("groups?{query}")).ok();
        let all = list["groups"].as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|one| {
                one["email"]
                    .as_str()
                    .unwrap()
                    .split('@')
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(list("customer=my_customer"), ["alpha", "beta", "gamma"]);
    assert_eq!(
        list("domain=acme.example&orderBy=email&sortOrder=DESCENDING"),
        ["gamma", "beta", "alpha"]
    );
    assert_eq!(list("userKey=kim@acme.example"), ["beta"]);
    assert_eq!(list("userKey=beta@acme.example"), ["gamma"]);
    assert_eq!(list("customer=my_customer&query=email:al*"), ["alpha"]);
    assert_eq!(list("customer=my_customer&query=name=beta"), ["beta"]);
    assert_eq!(
        list("customer=my_customer&query=memberKey=kim@acme.example"),
        ["beta"]
    );
    lab.get("groups").refused(400, "badRequest", "Bad Request");
    lab.get("groups?userKey=kim@acme.example&customer=my_customer")
        .refused(400, "badRequest", "Bad Request");
    lab.get("groups?userKey=nobody@acme.example")
        .refused(404, "notFound", "userKey");
    lab.get("groups?customer=my_customer&query=memberKey=kim@acme.example%20name=x")
        .refused(400, "invalid", "query");
    let page = lab.get("groups?customer=my_customer&maxResults=2").ok();
    let token: String =
        url::form_urlencoded::byte_serialize(page["nextPageToken"].as_str().unwrap().as_bytes())
            .collect();
    let rest = lab
        .get(&format!(
            "groups?customer=my_customer&maxResults=2&pageToken={token}"
        ))
        .ok();
    assert_eq!(rest["groups"][0]["email"], address("gamma"));
}
