//! Roles of the directory on the screen: created, renamed, assigned and deleted, each with what follows shown first.

use crossterm::event::KeyCode;
use domain::{Change, Deprovision, Request, RoleName, TriggerKind, Verb, Verdict};
use engine::{Plan, PlannedTrigger};

use super::Stage;
use super::updates::{deeds, fill, press_button};
use crate::samples;
use crate::seat::Submitted;
use crate::theme::ThemeName;
use crate::wish::{Answer, Deed, Happening};

fn role(name: &str) -> RoleName {
    RoleName::new(name)
}

/// Presses Enter, and returns the change of the dry run that is asked for.
fn planned(stage: &mut Stage) -> Change {
    match &deeds(stage.press(KeyCode::Enter))[..] {
        [Deed::Plan(request)] => Request::clone(request).change,
        other => panic!("{other:?}\n{}", stage.text()),
    }
}

fn shows(stage: &mut Stage, plan: Plan) {
    let answer = Answer::Planned(Ok(Box::new(plan)));
    stage.happen(Happening::Answer(Box::new(answer)));
}

fn submitted(orders: Vec<crate::screen::Order>) -> Change {
    match &deeds(orders)[..] {
        [Deed::Submit(request)] => Request::clone(request).change,
        other => panic!("{other:?}"),
    }
}

/// Says that the change was made, and shows the directory with these roles besides those that connections ask for.
fn done(stage: &mut Stage, operations: usize, roles: &[&str]) {
    let done = Submitted {
        flow: samples::flow(),
        operations,
        braked: 0,
        rejected: None,
    };
    let answer = Answer::Submitted(Ok(done));
    stage.happen(Happening::Answer(Box::new(answer)));
    let Answer::Directory {
        after,
        mut users,
        groups,
        count,
        differing,
        ..
    } = samples::directory()
    else {
        panic!("the sample is a directory");
    };
    for user in &mut users {
        user.roles.retain(|held| roles.contains(&held.as_str()));
    }
    let read = Answer::Directory {
        after,
        users,
        groups,
        roles: roles.iter().map(|name| role(name)).collect(),
        count,
        differing,
    };
    stage.happen(Happening::Answer(Box::new(read)));
}

/// Tells whether the selected row holds a text.
fn is_selected(stage: &Stage, text: &str) -> bool {
    let shown = stage.text();
    let mut lines = shown.lines();
    lines.any(|line| line.contains(&format!("▌{text}")))
}

/// What follows when the sample's user loses a role: the account goes.
fn one_goes(role: RoleName) -> Plan {
    let trace = samples::trace();
    let entry = &trace.triggers[0];
    let mut trigger = entry.trigger.clone();
    trigger.kind = TriggerKind::RoleRevoked;
    trigger.role = Some(role);
    let mut decisions = Vec::new();
    for decided in &entry.decisions {
        let mut decision = decided.decision.clone();
        if let Verdict::Operation(planned) = &mut decision.verdict {
            std::sync::Arc::make_mut(planned).verb = Verb::Deprovision;
            std::sync::Arc::make_mut(planned).deprovision = Deprovision::Delete;
            decisions.push(decision);
        }
    }
    assert_eq!(decisions.len(), 1);
    Plan {
        triggers: vec![PlannedTrigger {
            trigger,
            event: entry.event.clone(),
            decisions,
        }],
    }
}

fn nothing() -> Plan {
    Plan {
        triggers: Vec::new(),
    }
}

#[test]
fn a_role_is_created_renamed_and_deleted_and_the_selection_goes_along() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3]]n");
    assert_eq!(stage.screen.section(), "trigger");
    fill(&mut stage, "Role", |stage| {
        // What is offered gives way to what is typed.
        stage.letters("zeta");
    });
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    match planned(&mut stage) {
        Change::CreateRole { role: made, .. } => assert_eq!(made, role("zeta")),
        other => panic!("{other:?}"),
    }
    stage.press(KeyCode::Tab);
    assert!(
        deeds(stage.press(KeyCode::Enter)).is_empty(),
        "nothing is done before it was seen"
    );
    shows(&mut stage, nothing());
    assert!(
        stage.text().contains("only the directory changes"),
        "{}",
        stage.text()
    );
    assert!(matches!(
        submitted(stage.press(KeyCode::Enter)),
        Change::CreateRole { .. }
    ));
    let roles = ["Internal/sales", "Internal/manager", "Internal/zeta"];
    done(&mut stage, 0, &roles);
    assert_eq!(stage.screen.section(), "directory");
    assert!(is_selected(&stage, "Internal/zeta"), "{}", stage.text());

    // Nobody holds it and no connection asks for it, so that nothing is to be asked.
    stage.letters("e");
    assert!(stage.text().contains("Rename a role"), "{}", stage.text());
    // The first field to fill in has the keys.
    stage.letters("alpha");
    stage.press(KeyCode::Tab);
    match planned(&mut stage) {
        Change::RenameRole { role: old, to } => {
            assert_eq!((old, to.as_str()), (role("zeta"), "alpha"));
        }
        other => panic!("{other:?}"),
    }
    shows(&mut stage, nothing());
    submitted(stage.press(KeyCode::Enter));
    let roles = ["Internal/alpha", "Internal/manager", "Internal/sales"];
    done(&mut stage, 0, &roles);
    assert!(is_selected(&stage, "Internal/alpha"), "{}", stage.text());

    stage.letters("GD");
    match planned(&mut stage) {
        Change::DeleteRole { role: gone } => assert_eq!(gone, role("sales")),
        other => panic!("{other:?}"),
    }
    shows(&mut stage, one_goes(role("sales")));
    assert!(deeds(stage.press(KeyCode::Enter)).is_empty(), "it is asked");
    let text = stage.text();
    for told in [
        "Delete role Internal/sales?",
        "Held by 1 user, who loses it: zoë",
        "corp-scim/scim2: 1 account deleted",
        "Asked for by Acme Salesforce",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    stage.letters("Internal/sales");
    stage.press(KeyCode::Tab);
    match submitted(stage.press(KeyCode::Enter)) {
        Change::DeleteRole { role: gone } => assert_eq!(gone, role("sales")),
        other => panic!("{other:?}"),
    }
    done(&mut stage, 1, &["Internal/alpha", "Internal/manager"]);
    assert_eq!(stage.screen.section(), "traffic");
    stage.letters("3");
    let text = stage.text();
    assert!(text.contains("only a connection names it"), "{text}");
}

#[test]
fn renaming_a_role_that_a_connection_asks_for_says_that_the_connection_does_not_follow() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3]]Ge");
    stage.letters("sellers");
    stage.press(KeyCode::Tab);
    planned(&mut stage);
    shows(&mut stage, nothing());
    assert!(deeds(stage.press(KeyCode::Enter)).is_empty());
    let text = stage.text();
    assert!(text.contains("Rename role Internal/sales?"), "{text}");
    assert!(text.contains("No account changes at any target."), "{text}");
    assert!(text.contains("Goes on asking for the old name"), "{text}");
    assert!(text.contains("Add Internal/sellers there first"), "{text}");
    // The safe answer has the keys.
    assert!(deeds(stage.press(KeyCode::Enter)).is_empty());
    assert!(!stage.text().contains("Rename role"), "{}", stage.text());
}

#[test]
fn a_role_is_assigned_from_its_own_list_and_the_user_is_left_open() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3]]Ga");
    fill(&mut stage, "User", |stage| {
        stage.letters("ada.l");
    });
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    match planned(&mut stage) {
        Change::AssignRole { user, role: given } => {
            assert_eq!((user.to_string().as_str(), given), ("ada.l", role("sales")));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_group_is_selected_when_somebody_goes_back_to_the_directory() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3]n");
    // It begins at the group, whose name is offered and gives way to what is typed.
    assert!(stage.text().contains("staff-2"), "{}", stage.text());
    stage.letters("staff");
    stage.press(KeyCode::Tab);
    stage.press(KeyCode::Tab);
    let Change::CreateGroup { group, .. } = planned(&mut stage) else {
        panic!("{}", stage.text());
    };
    assert_eq!(group.to_string(), "staff");
    shows(&mut stage, nothing());
    submitted(stage.press(KeyCode::Enter));
    done(&mut stage, 1, &[]);
    assert_eq!(stage.screen.section(), "traffic");
    stage.letters("3");
    assert!(is_selected(&stage, &group.to_string()), "{}", stage.text());
}

#[test]
fn a_change_of_a_group_names_somebody() {
    let mut stage = Stage::played(ThemeName::Dark, (160, 50));
    stage.letters("3]e");
    press_button(&mut stage, "[ Trigger ]");
    assert!(
        stage.text().contains("name users who join the group"),
        "{}",
        stage.text()
    );
}
