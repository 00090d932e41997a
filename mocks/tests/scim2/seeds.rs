//! Seeds, forks and the inspector.

use outbound_mocks::Vendor;
use serde_json::json;

use super::Desk;

fn seed(desk: &mut Desk, text: &str) -> Result<(), String> {
    desk.scim.seed(&text.parse().unwrap(), desk.now)
}

#[test]
fn users_and_groups_come_from_a_table() {
    let mut desk = Desk::new();
    let text = r#"
        users = [{ userName = "kim", name = { givenName = "Kim" }, active = false, emails = [{ value = "k@x", type = "work" }] },
                 { userName = "lee", password = "Secret-1" }]
        groups = [{ displayName = "staff", members = ["KIM", "lee"] }, { displayName = "all", members = ["staff"] }]
    "#;
    seed(&mut desk, text).unwrap();
    let objects = desk.scim.objects();
    let names: Vec<_> = objects
        .iter()
        .map(|it| format!("{} {}", it.object, it.name))
        .collect();
    assert_eq!(names, ["User kim", "User lee", "Group staff", "Group all"]);
    assert_eq!(objects[0].content["groups"][1]["type"], "indirect");
    assert_eq!(objects[2].content["members"].as_array().unwrap().len(), 2);
    assert!(!format!("{objects:?}").contains("Secret-1"));
    let mut awkward = Desk::personality("awkward");
    seed(&mut awkward, text).unwrap();
    assert_eq!(
        awkward.scim.objects()[2].content["members"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_wrong_seed_is_named_and_adds_nothing() {
    let mut desk = Desk::new();
    for (text, part) in [
        ("people = []", "scim2.people"),
        ("users = 5", "scim2.users must be"),
        (
            "users = [{ userName = 'kim' }, { userName = 'KIM' }]",
            "scim2.users[1]: The userName 'KIM'",
        ),
        (
            "users = [{ username = 'kim' }, { shoe = 1 }]",
            "scim2.users[1]: 'shoe'",
        ),
        (
            "users = [{ userName = 'kim' }]\ngroups = [{ displayName = 'g', members = ['lee'] }]",
            "scim2.groups[0]: the member 'lee'",
        ),
        ("users = ['kim']", "scim2.users[0]: it must be a table"),
    ] {
        let reason = seed(&mut desk, text).unwrap_err();
        assert!(reason.contains(part), "{reason}");
        assert!(desk.scim.objects().is_empty());
    }
}

#[test]
fn a_fork_goes_its_own_way_and_the_same_steps_give_the_same_state() {
    let mut desk = Desk::new();
    desk.user("kim");
    let mut fork = Desk::with(desk.scim.clone());
    let lee = fork.user("lee");
    assert_eq!(desk.get("/Users").body["totalResults"], 1);
    assert_eq!(fork.get("/Users").body["totalResults"], 2);
    assert_eq!(desk.user("lee"), lee, "identifiers repeat");
    fork.scim.adopt_sessions(&desk.scim);
    assert_eq!(fork.get("/Users").body["Resources"][1]["id"], json!(lee));
}
