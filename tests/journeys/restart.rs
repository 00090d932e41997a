//! The mocks end and forget what they held; the journal keeps its links. None of them may lead to somebody else.

use crate::program::{Mocks, Program, house};

/// Lets a program that knows earlier mocks speak to these.
fn point(program: &Program, mocks: &Mocks) {
    let text = std::fs::read_to_string(house().join("workbench.toml")).unwrap();
    std::fs::write(program.path().join("workbench.toml"), mocks.pointed(&text)).unwrap();
}

fn create(program: &Program, name: &str) {
    let claims = ["--claim", "lastname=Old", "--claim", "givenname=Given"];
    let words = [&["trigger", "user-created", name][..], &claims].concat();
    program.expect(0, &words);
}

#[test]
fn after_a_restart_nothing_of_one_person_goes_to_the_account_of_another() {
    let before = Mocks::anew();
    let program = Program::shipped(&before);
    create(&program, "ewa");
    create(&program, "ira");
    program.expect(0, &["trigger", "group-created", "sailors"]);
    drop(before);

    let mocks = Mocks::anew();
    point(&program, &mocks);
    // As many as before and in the same order, so that a mock that counts from the beginning would give their ids again.
    create(&program, "jun");
    create(&program, "kai");
    program.expect(0, &["trigger", "group-created", "choir"]);
    let held = || {
        let there = [
            ("scim2", "jun"),
            ("scim2", "kai"),
            ("scim2", "choir"),
            ("google", "primary-jun@acme.example"),
            ("google", "primary-kai@acme.example"),
        ];
        there.map(|(mock, name)| mocks.object(mock, name).expect(name))
    };
    let left_alone = held();

    // The account is not there any more, so it is made anew.
    let changed = ["trigger", "user-updated", "ewa", "--set", "lastname=New"];
    program.expect(0, &changed);
    let ewa = mocks.object("scim2", "ewa").unwrap();
    assert_eq!(ewa["name"]["familyName"], "New");
    let ewa = mocks.object("google", "primary-ewa@acme.example").unwrap();
    assert_eq!(ewa["name"]["familyName"], "New");
    program.expect(0, &["trigger", "group-renamed", "sailors", "crew"]);
    assert!(mocks.object("scim2", "crew").is_some());
    assert_eq!(held(), left_alone);

    // What is not there need not be taken away.
    program.expect(0, &["trigger", "user-deleted", "ira"]);
    program.expect(0, &["trigger", "user-deleted", "ewa"]);
    assert_eq!(held(), left_alone);
    assert_eq!(mocks.names("scim2", "User"), ["jun", "kai"]);
}

#[test]
fn a_seed_gives_the_same_ids_again_and_without_one_they_are_new() {
    let id = |mocks: &Mocks| {
        let program = Program::shipped(mocks);
        create(&program, "kim");
        mocks.object("scim2", "kim").unwrap()["id"].clone()
    };
    let [first, again] = [Mocks::start(), Mocks::start()].map(|mocks| id(&mocks));
    assert_eq!(first, again);
    let [one, other] = [Mocks::anew(), Mocks::anew()];
    let seed = |mocks: &Mocks| mocks.ready("scim2")["random_seed"].clone();
    assert!(seed(&one).is_u64(), "it is told, so that it can be said");
    assert_ne!(seed(&one), seed(&other));
    assert_ne!(id(&one), id(&other));
}
