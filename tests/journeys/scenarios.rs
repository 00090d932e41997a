//! Every shipped scenario plays as it says, and one that does not fails with a diff.

use crate::program::{Program, house};

fn shipped() -> Vec<String> {
    let mut files: Vec<String> = std::fs::read_dir(house().join("fixtures/scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| path.display().to_string())
        .collect();
    files.sort();
    files
}

#[test]
fn every_shipped_scenario_plays_as_it_says() {
    let program = Program::with("");
    let files = shipped();
    assert!(files.len() >= 6, "the tour and one per guide");
    let mut words = vec!["run"];
    words.extend(files.iter().map(String::as_str));
    let said = program.run(&words);
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
}

#[test]
fn an_expectation_that_is_not_met_fails_with_a_diff_and_its_line() {
    let program = Program::with("");
    std::fs::write(
        program.path().join("wrong.toml"),
        r#"
title = "wrong"
[[steps]]
name = "kim is created"
trigger = { kind = "user-created", user = "kim", claims = { givenname = "Kim", lastname = "Ng", emailaddress = "kim@acme.example" } }
[steps.expect]
decisions = [{ connector = "corp-scim/scim2", operation = "update" }]
[[steps.expect.target]]
target = "scim2"
name = "kim"
fields = { "name/givenName" = "Kimberley" }
"#,
    )
    .unwrap();
    let said = program.expect(1, &["run", "wrong.toml", "--junit", "report.xml"]);
    assert!(
        said.err
            .contains("wrong.toml:3: kim is created: decisions:"),
        "{}",
        said.err
    );
    assert!(said.err.contains("-corp-scim/scim2 update"), "{}", said.err);
    assert!(said.err.contains("+corp-scim/scim2 create"), "{}", said.err);
    assert!(
        said.err.contains("-name/givenName = \"Kimberley\"")
            && said.err.contains("+name/givenName = \"Kim\""),
        "{}",
        said.err
    );
    let report = std::fs::read_to_string(program.path().join("report.xml")).unwrap();
    assert!(
        report.contains("failures=\"1\"") && report.contains("kim is created"),
        "{report}"
    );
}

#[test]
fn a_scenario_that_cannot_be_read_says_where() {
    let program = Program::with("");
    std::fs::write(
        program.path().join("broken.toml"),
        "title = \"x\"\n[[steps]]\nname = \"y\"\ntriger = 1\n",
    )
    .unwrap();
    let said = program.expect(3, &["run", "broken.toml"]);
    assert!(said.err.contains("broken.toml:4:1"), "{}", said.err);
    assert!(said.err.contains("triger"), "{}", said.err);
}

#[test]
fn the_same_seed_draws_the_same_faults_and_another_seed_draws_others() {
    let program = Program::with("");
    let mut text = String::from(
        r#"
title = "chance"
[[overrides]]
path = "resident.provisioners[0].blocking"
value = false
[[overrides]]
path = "engine.retry.ladder"
value = ["5ms"]
[[steps]]
name = "half of all creates fail"
fault = { target = "scim2", spec = "status:code=503,op=Users.create,times=always,chance=0.5" }
"#,
    );
    for number in 0..24 {
        text.push_str(&format!(
            "[[steps]]\nname = \"user {number}\"\ntrigger = {{ kind = \"user-created\", user = \"user{number}\", claims = {{ lastname = \"X\" }} }}\n"
        ));
    }
    std::fs::write(program.path().join("chance.toml"), text).unwrap();
    let statuses = |seed: &str| -> Vec<u64> {
        let said = program.expect(0, &["run", "chance.toml", "--json", "--seed", seed]);
        let played = said.values().remove(0);
        let steps = played["steps"].as_array().unwrap().clone();
        steps
            .iter()
            .flat_map(|step| step["exchanges"].as_array().unwrap().clone())
            .filter(|exchange| {
                exchange["connector"] == "corp-scim/scim2" && exchange["method"] == "POST"
            })
            .map(|exchange| exchange["status"].as_u64().unwrap())
            .collect()
    };
    let first = statuses("7");
    assert!(first.contains(&503) && first.contains(&201), "{first:?}");
    assert_eq!(first, statuses("7"));
    assert_ne!(first, statuses("8"));
}
