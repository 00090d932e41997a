//! Organizational units: the tree, and who lives in it.

use serde_json::{Value, json};

use crate::lab::Lab;

const ALL: &str = "customer/my_customer/orgunits";

fn one(path: &str) -> String {
    format!("{ALL}/{path}")
}

fn unit(name: &str, above: &str) -> Value {
    json!({ "name": name, "parentOrgUnitPath": above })
}

fn paths(lab: &mut Lab, query: &str) -> Vec<String> {
    let listed = lab.get(&format!("{ALL}?{query}")).ok();
    let units = listed["organizationUnits"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    units
        .iter()
        .map(|unit| unit["orgUnitPath"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_unit_is_made_below_another_by_path_or_id() {
    let mut lab = Lab::new();
    let corp = json!({ "name": "corp", "description": "Corporate", "parentOrgUnitPath": "/" });
    let corp = lab.post(ALL, &corp).ok();
    assert_eq!(lab.changes[0].object, "OrgUnit");
    assert_eq!(corp["kind"], "admin#directory#orgUnit");
    assert_eq!(corp["orgUnitPath"], "/corp");
    assert_eq!(corp["description"], "Corporate");
    assert!(corp["orgUnitId"].as_str().unwrap().starts_with("id:0"));
    let sales = json!({ "name": "sales", "parentOrgUnitId": corp["orgUnitId"] });
    let sales = lab.post(ALL, &sales).ok();
    assert_eq!(sales["orgUnitPath"], "/corp/sales");
    assert_eq!(sales["parentOrgUnitId"], corp["orgUnitId"]);
    assert_eq!(lab.get(&one("corp/sales")).ok(), sales);
    let id = sales["orgUnitId"].as_str().unwrap().replace(':', "%3A");
    assert_eq!(lab.get(&one(&id)).ok(), sales);
    assert_eq!(paths(&mut lab, ""), ["/corp"]);
    assert_eq!(paths(&mut lab, "type=all"), ["/corp", "/corp/sales"]);
    assert_eq!(
        paths(&mut lab, "type=allIncludingParent&orgUnitPath=/corp"),
        ["/corp", "/corp/sales"]
    );
    let part = lab
        .get(&format!("{ALL}?type=all&fields=organizationUnits(name)"))
        .ok();
    assert_eq!(
        part,
        json!({ "organizationUnits": [{ "name": "corp" }, { "name": "sales" }] })
    );
    lab.get(&format!("{ALL}?fields=pet")).refused(
        400,
        "invalidParameter",
        "Invalid field selection pet",
    );
}

#[test]
fn a_unit_that_has_no_place_is_refused() {
    let mut lab = Lab::new();
    lab.post(ALL, &unit("corp", "/")).ok();
    for (body, message) in [
        (json!({ "parentOrgUnitPath": "/" }), "Invalid Ou Name"),
        (unit("a/b", "/"), "Invalid Ou Name"),
        (unit(" ", "/"), "Invalid Ou Name"),
        (json!({ "name": "x" }), "Invalid Parent Orgunit Id"),
        (unit("x", "/nowhere"), "Invalid Parent Orgunit Id"),
        (unit("Corp", "/"), "Invalid Ou Id"),
    ] {
        lab.post(ALL, &body).refused(400, "invalid", message);
        assert!(lab.changes.is_empty());
    }
    let mut above = "/".to_owned();
    for depth in 0..35 {
        let made = lab.post(ALL, &unit(&format!("d{depth}"), &above)).ok();
        above = made["orgUnitPath"].as_str().unwrap().to_owned();
    }
    lab.post(ALL, &unit("deeper", &above))
        .refused(400, "invalid", "Invalid Ou Id");
    lab.get(&one("nowhere"))
        .refused(404, "notFound", "Org unit not found");
}

#[test]
fn who_lives_in_a_unit_moves_with_it() {
    let mut lab = Lab::new();
    for (name, above) in [("corp", "/"), ("sales", "/corp"), ("labs", "/")] {
        lab.post(ALL, &unit(name, above)).ok();
    }
    lab.user("kim");
    lab.put(
        "users/kim@acme.example",
        &json!({ "orgUnitPath": "/corp/sales" }),
    )
    .ok();
    let before = lab.get(&one("corp")).ok();
    let moved = lab
        .put(
            &one("corp"),
            &json!({ "name": "group", "parentOrgUnitPath": "/labs", "description": "x" }),
        )
        .ok();
    assert_eq!(moved["orgUnitPath"], "/labs/group");
    assert_eq!(moved["orgUnitId"], before["orgUnitId"]);
    assert_eq!(moved["description"], "x");
    assert_ne!(moved["etag"], before["etag"]);
    let kim = lab.get("users/kim@acme.example").ok();
    assert_eq!(kim["orgUnitPath"], "/labs/group/sales");
    assert_eq!(
        paths(&mut lab, "type=all"),
        ["/labs/group", "/labs/group/sales", "/labs"]
    );

    // Not below itself, not where another one is, and the top stays where it is.
    lab.patch(&one("labs"), &json!({ "parentOrgUnitPath": "/labs/group" }))
        .refused(400, "invalid", "Invalid Parent Orgunit Id");
    lab.patch(&one("labs"), &json!({ "parentOrgUnitPath": "/labs" }))
        .refused(400, "invalid", "Invalid Parent Orgunit Id");
    lab.post(ALL, &unit("group", "/")).ok();
    lab.patch(&one("labs/group"), &json!({ "parentOrgUnitPath": "/" }))
        .refused(400, "invalid", "Invalid Ou Id");
    let described = lab
        .patch(&one("labs/group"), &json!({ "description": null }))
        .ok();
    assert_eq!(described["description"], "");
    assert_eq!(described["orgUnitPath"], "/labs/group");

    lab.delete(&one("labs"))
        .refused(412, "conditionNotMet", "Cannot delete non-empty org unit");
    lab.delete(&one("labs/group/sales")).refused(
        412,
        "conditionNotMet",
        "Cannot delete non-empty org unit",
    );
    lab.delete("users/kim@acme.example").ok();
    for path in ["labs/group/sales", "labs/group", "labs"] {
        assert_eq!(lab.delete(&one(path)).status, 204);
    }
    assert_eq!(paths(&mut lab, "type=all"), ["/group"]);
}
