//! Many users at once: marks, the bulk trigger, and the import of a file.

use std::path::PathBuf;

use domain::QualifiedName;

use super::{Directory, HERE, Tab};
use crate::modal::{Modal, Question, Sheet};
use crate::paint::counted;
use crate::panels::trigger::sets;
use crate::widgets::{Button, Choice, Field, Form};
use crate::wish::{Deed, Wish};
use crate::work::{Each, Whom};
use crate::world::World;

/// What can be made to happen to many: word and label.
const WAYS: [(&str, &str); 4] = [
    ("role-assigned", "Assign a role"),
    ("role-revoked", "Revoke a role"),
    ("update", "Change claims"),
    ("delete", "Delete"),
];

/// The form that asks for a file of users.
pub(super) const IMPORT: &str = "import";
/// The form that asks what is to happen to many.
const BULK: &str = "bulk";

/// How many names are shown.
const NAMES: usize = 6;

impl Directory {
    /// Marks the selected user, or takes the mark away.
    pub(super) fn mark(&mut self) {
        let Some((at, _)) = self.selected().filter(|_| self.tab == Tab::Users) else {
            return;
        };
        if let Some(user) = self.listed().get(at) {
            let name = user.name.clone();
            if !self.marked.remove(&name) {
                self.marked.insert(name);
            }
        }
    }

    /// Returns whom a bulk trigger is about: the marked users wherever they are in the list, or else all that match the
    /// search, read or not; nobody yet while a search goes on.
    fn several(&self) -> Option<Whom> {
        if !self.marked.is_empty() {
            return Some(Whom::Named(self.marked.iter().cloned().collect()));
        }
        if !self.is_partial() {
            return Some(Whom::Named(self.some().cloned().collect()));
        }
        let (search, count) = match self.beyond() {
            None => (String::new(), self.count),
            Some(text) => (text, self.found()?.count),
        };
        Some(Whom::All { search, count })
    }

    /// Returns the names that stand for them: the marked ones, or those that are listed.
    fn some(&self) -> Box<dyn Iterator<Item = &QualifiedName> + '_> {
        if !self.marked.is_empty() {
            return Box::new(self.marked.iter());
        }
        let (listed, names) = (self.listed(), self.names());
        let shown = (0..names.len()).map(move |nth| names[nth].0);
        Box::new(shown.filter_map(move |at| listed.get(at).map(|user| &user.name)))
    }

    pub(super) fn several_label(&self) -> String {
        let count = self
            .several()
            .map_or_else(String::new, |several| format!(" ({})", several.count()));
        match (self.marked.is_empty(), self.sought().is_empty()) {
            (false, _) => format!("Trigger for all marked users{count}"),
            (true, true) => format!("Trigger for all users{count}"),
            (true, false) => format!("Trigger for all users that match{count}"),
        }
    }

    /// Says how many they are, and names some.
    fn told(&self, count: u64) -> String {
        let some: Vec<String> = self.some().take(NAMES).map(ToString::to_string).collect();
        let more = if count > some.len() as u64 {
            ", …"
        } else {
            ""
        };
        let names = some.join(", ");
        format!("{names}{more}")
    }

    /// Asks what is to happen to them.
    pub(super) fn bulk_sheet(&self, world: &World) -> Vec<Wish> {
        let Some(several) = self.several() else {
            return vec![Wish::Say(
                "the search goes on; B again in a moment".to_owned(),
            )];
        };
        let count = several.count();
        if count == 0 {
            return vec![Wish::Fail("nobody is marked or shown".to_owned())];
        }
        let ways = WAYS
            .iter()
            .map(|(word, label)| Choice::new(*word, *label))
            .collect();
        let fields = vec![
            Field::choice("way", "What happens", ways, "role-assigned"),
            world
                .role_field(None)
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
            format!("{}: {}", counted(count, "user"), self.told(count)),
            "Each is a trigger of its own, one after the other; Ctrl-C stops. Those that a dry run should show first go \
             through Trigger one by one."
                .to_owned(),
        ];
        sheet(BULK, "Trigger for many", Form::new(fields, buttons), says)
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
        sheet(IMPORT, "Import users", Form::new(fields, buttons), says)
    }

    pub(super) fn submitted_many(&mut self, form: &Form, button: &str) -> Vec<Wish> {
        if button == "import" {
            // The form stays until it is known that the file can be imported: its name is not to be typed again.
            let mut wishes = vec![Wish::KeepSheet];
            if !std::mem::replace(&mut self.importing, true) {
                let file = PathBuf::from(form.value("file"));
                wishes.push(Wish::Do(Deed::Import(file)));
            }
            return wishes;
        }
        let way = form.value("way");
        let each = match each(&way, form) {
            Ok(each) => each,
            Err(told) => {
                return vec![Wish::RefuseSheet {
                    id: BULK.to_owned(),
                    field: Some("set".to_owned()),
                    told,
                }];
            }
        };
        let Some(whom) = self.several() else {
            let told = "the search goes on; once more in a moment".to_owned();
            return vec![Wish::KeepSheet, Wish::Say(told)];
        };
        let count = whom.count();
        let label = WAYS
            .iter()
            .find(|(word, _)| *word == way)
            .map_or("Trigger", |(_, label)| label);
        let users = counted(count, "user");
        let what = match &each {
            Each::Assign(role) => format!("Assign {role} to {users}"),
            Each::Revoke(role) => format!("Revoke {role} from {users}"),
            Each::Update(_) | Each::Delete => format!("{label} for {users}"),
        };
        let body = vec![
            format!("{what}: {}", self.told(count)),
            "Whatever the provisioners make of each is sent to the targets.".to_owned(),
        ];
        let typed = (way == "delete").then(|| format!("delete {count}"));
        // The marks go when it has begun: until then the answer may still be no.
        self.begins = Some(what.clone());
        let deed = Wish::Do(Deed::Bulk { what, each, whom });
        let answers = vec![("Trigger", vec![deed]), ("Cancel", Vec::new())];
        vec![Wish::Show(Box::new(Modal::Question(Question::new(
            "Trigger for many?",
            body,
            typed,
            answers,
        ))))]
    }
}

/// Reads what is to happen to each of them.
fn each(way: &str, form: &Form) -> Result<Each, String> {
    Ok(match way {
        "role-assigned" => Each::Assign(form.value("role").into()),
        "role-revoked" => Each::Revoke(form.value("role").into()),
        "update" => Each::Update(sets(&form.value("set"))?),
        "delete" => Each::Delete,
        other => return Err(format!("`{other}` cannot happen to many")),
    })
}

fn sheet(id: &str, title: &str, form: Form, says: Vec<String>) -> Vec<Wish> {
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel: HERE,
        id: id.to_owned(),
        title: title.to_owned(),
        note: String::new(),
        form,
        says,
    })))]
}
