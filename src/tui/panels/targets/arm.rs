//! What is asked before a mock is changed: the fault to arm with whom it hits, manners, and names of kept states.

use domain::LabFault;

use crate::modal::{Menu, Modal, Question, Sheet};
use crate::paint::counted;
use crate::widgets::{Button, Field, Form};
use crate::wish::{Deed, Wish};
use crate::world::World;

/// Lists the faults; each leads to its form.
pub(super) fn fault_menu(world: &World, target: &str) -> Vec<Wish> {
    let items = world
        .faults
        .iter()
        .map(|fault| {
            (
                fault.name.clone(),
                fault.sentence.clone(),
                fault_sheet(fault, target),
            )
        })
        .collect();
    menu(format!("Faults for {target}"), items)
}

/// Asks for everything that a fault can be told.
fn fault_sheet(fault: &LabFault, target: &str) -> Vec<Wish> {
    let about = format!("Written into the fault as {}:SETTING=VALUE.", fault.name);
    let fields = fault
        .parameters
        .iter()
        .map(|(name, told)| {
            Field::text(name, name, "")
                .hint(told)
                .about(&about)
                .beside()
        })
        .collect();
    let buttons = vec![
        Button::acts("arm", "Arm"),
        Button::leaves("cancel", "Cancel"),
    ];
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel: "targets",
        id: format!("arm:{target}:{}", fault.name),
        title: format!("Arm {} at {target}", fault.name),
        note: "what is left empty is the default".to_owned(),
        form: Form::new(fields, buttons),
        says: vec![fault.sentence.clone(), fault.effect.clone()],
    })))]
}

/// Writes what was filled in as the command line would: `drop-after:op=Users.create,times=1`.
pub(super) fn spec(fault: &str, form: &Form) -> String {
    let settings: Vec<String> = form
        .fields
        .iter()
        .filter(|field| !field.value().is_empty())
        .map(|field| {
            let value = field.value();
            if value.contains([',', '"']) {
                format!("{}=\"{}\"", field.key, value.replace('"', ""))
            } else {
                format!("{}={value}", field.key)
            }
        })
        .collect();
    if settings.is_empty() {
        fault.to_owned()
    } else {
        format!("{fault}:{}", settings.join(","))
    }
}

/// Lists the armed faults, to disarm one of them or all.
pub(super) fn disarm_menu(world: &World, target: &str) -> Vec<Wish> {
    let Some(mock) = world.mocks.iter().find(|mock| mock.target == target) else {
        return Vec::new();
    };
    let disarm = |number| {
        vec![Wish::Do(Deed::Disarm {
            target: target.to_owned(),
            number,
        })]
    };
    if mock.armed.len() < 2 {
        return disarm(None);
    }
    let mut items = vec![("All".to_owned(), String::new(), disarm(None))];
    items.extend(mock.armed.iter().map(|armed| {
        (
            armed.spec.clone(),
            format!("has acted {}", counted(armed.hits, "time")),
            disarm(Some(armed.number)),
        )
    }));
    menu(format!("Disarm at {target}"), items)
}

/// Lists whose manners a mock can have.
pub(super) fn personality_menu(world: &World, target: &str) -> Vec<Wish> {
    let Some(mock) = world.mocks.iter().find(|mock| mock.target == target) else {
        return Vec::new();
    };
    let items = mock
        .personalities
        .iter()
        .map(|name| {
            let told = if mock.personality.as_ref() == Some(name) {
                "now"
            } else {
                ""
            };
            let deed = Deed::Wear {
                target: target.to_owned(),
                personality: name.clone(),
            };
            (name.clone(), told.to_owned(), vec![Wish::Do(deed)])
        })
        .collect();
    menu(format!("Personality of {target}"), items)
}

/// Lists the states that were kept.
pub(super) fn restore_menu(world: &World, target: &str) -> Vec<Wish> {
    let kept = world
        .mocks
        .iter()
        .find(|mock| mock.target == target)
        .map_or(&[][..], |mock| &mock.snapshots);
    if kept.is_empty() {
        return vec![Wish::Fail(format!(
            "no state of {target} was kept yet; the action Snapshot (:) keeps one"
        ))];
    }
    let items = kept
        .iter()
        .map(|name| {
            let deed = Deed::Restore {
                target: target.to_owned(),
                name: name.clone(),
            };
            let asked = put_back(
                format!("Restore {target}?"),
                &format!("Everything that {target} holds goes back to the state kept as {name}."),
                "Restore",
                deed,
            );
            (name.clone(), String::new(), asked)
        })
        .collect();
    menu(format!("Go back to a kept state of {target}"), items)
}

/// Asks whether a mock is to be put back: what it holds now is lost by that.
pub(super) fn put_back(title: String, told: &str, does: &'static str, deed: Deed) -> Vec<Wish> {
    let body = vec![format!("{told} Links that the engine keeps stay.")];
    let answers = vec![(does, vec![Wish::Do(deed)]), ("Cancel", Vec::new())];
    let question = Question::new(title, body, None, answers);
    vec![Wish::Show(Box::new(Modal::Question(question)))]
}

/// Asks for the name to keep the present state under.
pub(super) fn keep_sheet(target: &str) -> Vec<Wish> {
    let form = Form::new(
        vec![
            Field::text("name", "Name", "before")
                .offered()
                .required()
                .about("Restore lists it under this name, and so does outbound mock restore."),
        ],
        vec![
            Button::acts("ok", "Keep"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel: "targets",
        id: format!("keep:{target}"),
        title: format!("Keep the state of {target}"),
        note: String::new(),
        form,
        says: vec![
            "Kept until the workbench is left; an earlier one of that name is replaced.".to_owned(),
        ],
    })))]
}

fn menu(title: String, items: Vec<(String, String, Vec<Wish>)>) -> Vec<Wish> {
    vec![Wish::Show(Box::new(Modal::Menu(Menu::new(title, items))))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_written_as_on_the_command_line() {
        let fields = vec![
            Field::text("op", "op", "Users.create"),
            Field::text("subject", "subject", "Doe, Kim"),
            Field::text("times", "times", ""),
        ];
        let form = Form::new(fields, Vec::new());
        assert_eq!(
            spec("drop-after", &form),
            "drop-after:op=Users.create,subject=\"Doe, Kim\""
        );
        assert_eq!(spec("lag", &Form::default()), "lag");
    }
}
