//! Starting, stopping and steering mocks away from the screen, and telling what that did.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{Lab, LabChange, LabError, LabMock, LabObject};
use serde_json::Value;

use super::Hands;
use crate::paint::counted;
use crate::panels::changes::leaves;
use crate::wish::{Answer, Deed, Happening, PutBack};

impl Hands {
    /// Does something with a mock; what came of it is sent back, and then how the mocks stand.
    pub(super) fn lab(&self, deed: Deed, send: impl FnOnce(Answer) + Send + 'static) {
        let lab = Arc::clone(&self.lab);
        let mocks = self.sender.clone();
        tokio::spawn(async move {
            let Some(answer) = steer(lab.as_ref(), deed).await else {
                return;
            };
            send(answer);
            let now = Answer::Mocks(lab.mocks(), lab.faults());
            let _ = mocks.send(Happening::Answer(Box::new(now))); // the screen may be gone
        });
    }
}

/// Does it; nothing when it has nothing to do with mocks.
async fn steer(lab: &dyn Lab, deed: Deed) -> Option<Answer> {
    let done = |result: Result<String, LabError>| Answer::Done(result.map_err(|error| error.told));
    Some(match deed {
        Deed::LabStart(target) => {
            let started = lab.start(&target).await;
            done(started.map(|url| format!("{target} runs at {url}")))
        }
        Deed::LabStop(target) => {
            let stopped = lab.stop(&target).await;
            done(stopped.map(|()| format!("{target} is stopped; what it holds stays")))
        }
        Deed::Arm { target, spec } => {
            let armed = lab.arm(&target, &spec);
            Answer::Steered(armed.map(|number| told_armed(&lab.mocks(), &target, number, &spec)))
        }
        Deed::Disarm { target, number } => {
            let disarmed = lab.disarm(&target, number);
            done(disarmed.map(|count| format!("{} disarmed at {target}", counted(count, "fault"))))
        }
        Deed::Snapshot { target, name } => Answer::Steered(keep(lab, &target, &name)),
        Deed::Reset(target) => Answer::PutBack(put_back(lab, target, None)),
        Deed::Restore { target, name } => Answer::PutBack(put_back(lab, target, Some(&name))),
        Deed::Wear {
            target,
            personality,
        } => {
            let worn = lab.wear(&target, &personality);
            done(worn.map(|()| {
                format!("{target} has the manners of {personality} now; what it holds stays")
            }))
        }
        _ => return None,
    })
}

/// Says what was armed, and how often it will act: what is left open in the form is easily taken for "always".
fn told_armed(mocks: &[LabMock], target: &str, number: u64, spec: &str) -> String {
    let mut mocks = mocks.iter();
    let mock = mocks.find(|mock| mock.target == target);
    let armed = mock.and_then(|mock| mock.armed.iter().find(|armed| armed.number == number));
    let times = armed.map_or_else(String::new, |armed| match armed.acts() {
        Some(times) => format!(", acts {times}"),
        None => ", acts until it is disarmed".to_owned(),
    });
    format!("armed at {target} as {number}{times}: {spec}")
}

/// Keeps the state of a mock, and says what was kept.
fn keep(lab: &dyn Lab, target: &str, name: &str) -> Result<String, LabError> {
    let mocks = lab.mocks();
    let known = mocks.iter().filter(|mock| mock.target == target);
    let replaces = known
        .flat_map(|mock| &mock.snapshots)
        .any(|one| one == name);
    lab.snapshot(target, name)?;
    let held = counted(lab.objects(target)?.len(), "object");
    let instead = if replaces {
        ", in place of an earlier state"
    } else {
        ""
    };
    Ok(format!(
        "{target} is kept as `{name}` with {held}{instead}; Restore goes back to it"
    ))
}

/// Puts a mock back to a kept state, or without a name to its seed, and finds out what that changed.
fn put_back(lab: &dyn Lab, target: String, name: Option<&str>) -> Result<PutBack, String> {
    let told = |error: LabError| error.told;
    let before = lab.objects(&target).map_err(told)?;
    let put = match name {
        Some(name) => lab.restore(&target, name),
        None => lab.reset(&target),
    };
    put.map_err(told)?;
    let after = lab.objects(&target).map_err(told)?;
    let to = name.map_or_else(
        || "its seed".to_owned(),
        |name| format!("the state kept as `{name}`"),
    );
    Ok(PutBack::new(target, to, differences(&before, &after)))
}

/// Returns what differs between two states: whole objects that went or came, and the fields of those that stayed.
fn differences(before: &[LabObject], after: &[LabObject]) -> Vec<LabChange> {
    let was = by_id(before);
    let is = by_id(after);
    let mut changes = Vec::new();
    for (key, one) in &was {
        if !is.contains_key(key) {
            changes.push(change(one, "*".to_owned(), Some(&one.content), None));
        }
    }
    for (key, one) in &is {
        let Some(earlier) = was.get(key) else {
            changes.push(change(one, "*".to_owned(), None, Some(&one.content)));
            continue;
        };
        if earlier.content == one.content {
            continue;
        }
        let (old, new) = (leaves(&earlier.content), leaves(&one.content));
        let fields: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for field in fields {
            let (before, after) = (old.get(field), new.get(field));
            if before != after {
                changes.push(change(one, field.clone(), before, after));
            }
        }
    }
    changes
}

fn by_id(objects: &[LabObject]) -> BTreeMap<(&str, &str), &LabObject> {
    let keyed = objects
        .iter()
        .map(|one| ((one.object.as_str(), one.id.as_str()), one));
    keyed.collect()
}

fn change(
    of: &LabObject,
    field: String,
    before: Option<&Value>,
    after: Option<&Value>,
) -> LabChange {
    LabChange {
        object: of.object.clone(),
        id: of.id.clone(),
        name: of.name.clone(),
        field,
        before: before.cloned(),
        after: after.cloned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(id: &str, content: Value) -> LabObject {
        LabObject {
            object: "User".to_owned(),
            id: id.to_owned(),
            name: format!("name-{id}"),
            content,
        }
    }

    #[test]
    fn it_is_told_how_often_an_armed_fault_will_act() {
        let mut mocks = crate::samples::mocks();
        for (left, wanted) in [
            (Some(1), "armed at scim2 as 1, acts once: reset"),
            (Some(3), "armed at scim2 as 1, acts 3 times: reset"),
            (
                None,
                "armed at scim2 as 1, acts until it is disarmed: reset",
            ),
        ] {
            mocks[2].armed[0].left = left;
            assert_eq!(told_armed(&mocks, "scim2", 1, "reset"), wanted);
        }
        // It may have acted already.
        let told = told_armed(&mocks, "scim2", 2, "reset");
        assert_eq!(told, "armed at scim2 as 2: reset");
    }

    #[test]
    fn what_putting_back_changed_is_told_by_object_and_by_field() {
        let before = [
            user("1", json!({"active": false, "name": {"givenName": "Kim"}})),
            user("2", json!({"active": true})),
            user("3", json!({"active": true})),
        ];
        let after = [
            user("1", json!({"active": true, "name": {"givenName": "Kim"}})),
            user("3", json!({"active": true})),
            user("4", json!({"title": "Dr"})),
        ];
        let changes = differences(&before, &after);
        let told: Vec<(&str, &str)> = changes
            .iter()
            .map(|one| (one.id.as_str(), one.field.as_str()))
            .collect();
        assert_eq!(told, [("2", "*"), ("1", "active"), ("4", "*")]);
        assert_eq!(changes[0].after, None);
        assert_eq!(changes[1].before, Some(json!(false)));
        assert_eq!(changes[1].after, Some(json!(true)));
        assert_eq!(changes[2].before, None);
        let of = |changes| PutBack::new("scim2".to_owned(), "its seed".to_owned(), changes);
        let put_back = of(changes);
        assert_eq!(
            put_back.told(),
            "scim2: 1 object gone, 1 here again, 1 changed back; it is back at its seed (d shows them)"
        );
        assert_eq!(
            of(Vec::new()).told(),
            "scim2 is back at its seed; nothing differed from it"
        );
        // Of very many the first are kept, and all are counted.
        let many: Vec<LabObject> = (0..500)
            .map(|id| user(&id.to_string(), json!({})))
            .collect();
        let put_back = of(differences(&many, &[]));
        assert_eq!((put_back.changes.len(), put_back.more), (60, 440));
        assert!(put_back.told().contains("scim2: 500 objects gone; "));
    }
}
