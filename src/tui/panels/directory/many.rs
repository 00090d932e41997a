//! Many users at once: marks, the bulk trigger, and the import of a file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use domain::{Change, QualifiedName, Request, Source};

use super::{Directory, Tab};
use crate::modal::{Modal, Question, Sheet};
use crate::panels::trigger::sets;
use crate::widgets::{Button, Choice, Field, Form};
use crate::wish::{Deed, Wish};
use crate::world::World;

/// What can be made to happen to many: word and label.
const WAYS: [(&str, &str); 4] = [
    ("role-assigned", "Assign a role"),
    ("role-revoked", "Revoke a role"),
    ("update", "Change claims"),
    ("delete", "Delete"),
];

/// How many names are shown.
const NAMES: usize = 6;

impl Directory {
    /// Marks the selected user, or takes the mark away.
    pub(super) fn mark(&mut self) {
        let Some((at, _)) = self.selected().filter(|_| self.tab == Tab::Users) else {
            return;
        };
        if let Some(user) = self.users.get(at) {
            let name = user.name.clone();
            if !self.marked.remove(&name) {
                self.marked.insert(name);
            }
        }
    }

    /// Returns whom a bulk trigger is about: the marked users, or all that are shown.
    fn several(&self) -> Vec<QualifiedName> {
        let shown = self.names();
        let shown = shown.iter().filter_map(|(at, _)| self.users.get(*at));
        let shown = shown.map(|user| &user.name);
        if self.marked.is_empty() {
            shown.cloned().collect()
        } else {
            let known = shown.filter(|name| self.marked.contains(name));
            known.cloned().collect()
        }
    }

    pub(super) fn several_label(&self) -> String {
        let which = if self.marked.is_empty() {
            "shown"
        } else {
            "marked"
        };
        format!("Trigger for all {} {which} users", self.several().len())
    }

    /// Asks what is to happen to them.
    pub(super) fn bulk_sheet(&self, world: &World) -> Vec<Wish> {
        let several = self.several();
        if several.is_empty() {
            return vec![Wish::Fail("nobody is marked or shown".to_owned())];
        }
        let ways = WAYS
            .iter()
            .map(|(word, label)| Choice::new(*word, *label))
            .collect();
        let fields = vec![
            Field::choice("way", "What happens", ways, "role-assigned"),
            world
                .role_field()
                .only_when("way", &["role-assigned", "role-revoked"])
                .required(),
            Field::text("set", "Claims", "")
                .only_when("way", &["update"])
                .required()
                .hint("department=Sales; title=  (an empty value empties)"),
        ];
        let buttons = vec![
            Button::acts("bulk", "Go on"),
            Button::leaves("cancel", "Cancel"),
        ];
        let says = vec![
            format!("{} user(s): {}", several.len(), some(&several)),
            "Each is a trigger of its own, one after the other; Ctrl-C stops. Those that a dry run should show first go \
             through Trigger one by one."
                .to_owned(),
        ];
        sheet("bulk", "Trigger for many", Form::new(fields, buttons), says)
    }

    pub(super) fn import_sheet() -> Vec<Wish> {
        let fields =
            vec![Field::text("file", "File", "").required().hint(
                "users.csv, or SCIM users as .json: a list response, an array, or one a line",
            )];
        let buttons = vec![
            Button::acts("import", "Import"),
            Button::leaves("cancel", "Cancel"),
        ];
        let says = vec![
            "Every row creates one user and is one trigger, with everything that follows from it. Users that are there \
             are skipped, so an import that was stopped can be started again."
                .to_owned(),
            "A CSV file has a header: userName, store, roles, groups, password, and claims by their short names."
                .to_owned(),
        ];
        sheet("import", "Import users", Form::new(fields, buttons), says)
    }

    pub(super) fn submitted_many(&mut self, form: &Form, button: &str) -> Vec<Wish> {
        if button == "import" {
            return vec![Wish::Do(Deed::Import(PathBuf::from(form.value("file"))))];
        }
        let several = self.several();
        let way = form.value("way");
        let changes: Result<Vec<Change>, String> = several
            .iter()
            .map(|user| change(user.clone(), &way, form))
            .collect();
        let changes = match changes {
            Ok(changes) => changes,
            Err(told) => return vec![Wish::Fail(told)],
        };
        let requests = changes
            .into_iter()
            .map(|change| Request {
                change,
                source: Source::Console,
                application: None,
                connection: None,
            })
            .collect();
        let label = WAYS
            .iter()
            .find(|(word, _)| *word == way)
            .map_or("Trigger", |(_, label)| label);
        let what = format!("{label} for {} user(s)", several.len());
        let body = vec![
            format!("{}: {}", what, some(&several)),
            "Whatever the provisioners make of each is sent to the targets.".to_owned(),
        ];
        let typed = (way == "delete").then(|| format!("delete {}", several.len()));
        let deed = Wish::Do(Deed::Bulk(what, requests));
        self.marked = BTreeSet::new();
        let answers = vec![("Trigger", vec![deed]), ("Cancel", Vec::new())];
        vec![Wish::Show(Box::new(Modal::Question(Question::new(
            "Trigger for many?",
            body,
            typed,
            answers,
        ))))]
    }
}

fn change(user: QualifiedName, way: &str, form: &Form) -> Result<Change, String> {
    Ok(match way {
        "role-assigned" => Change::AssignRole {
            user,
            role: form.value("role").into(),
        },
        "role-revoked" => Change::RevokeRole {
            user,
            role: form.value("role").into(),
        },
        "update" => Change::UpdateUser {
            user,
            set: sets(&form.value("set"))?,
            remove: BTreeSet::new(),
            rename: None,
        },
        "delete" => Change::DeleteUser { user },
        other => return Err(format!("`{other}` cannot happen to many")),
    })
}

fn some(names: &[QualifiedName]) -> String {
    let some: Vec<String> = names.iter().take(NAMES).map(ToString::to_string).collect();
    let more = if names.len() > NAMES { ", …" } else { "" };
    format!("{}{more}", some.join(", "))
}

fn sheet(id: &str, title: &str, form: Form, says: Vec<String>) -> Vec<Wish> {
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel: "directory",
        id: id.to_owned(),
        title: title.to_owned(),
        note: String::new(),
        form,
        says,
    })))]
}
