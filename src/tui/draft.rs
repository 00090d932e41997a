//! The draft of `workbench.toml`: edits made through `config::edit`, with their words, undo, and who is affected.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use config::edit::{Document, EditError, Value};
use config::{Finding, LoadError};
use decide::{Decider, Policies};
use domain::{
    Catalogue, Configuration, FlowId, Link, LocalRef, Snapshot, Source, Subject, Trigger,
    TriggerId, TriggerKind, User, Verb, Verdict,
};
use jiff::Timestamp;

/// One change, in words and as it is made in the file.
#[derive(Clone)]
pub(crate) struct Edit {
    /// What changes: `Acme Google: Enabled on -> off`.
    pub(crate) words: String,
    pub(crate) steps: Vec<Splice>,
}

/// One change in the file.
#[derive(Clone)]
pub(crate) enum Splice {
    Set(String, Value),
    Remove(String),
    Insert(String, Vec<(String, Value)>),
}

impl Edit {
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            steps: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn set(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.steps.push(Splice::Set(path.into(), value.into()));
        self
    }

    #[must_use]
    pub(crate) fn remove(mut self, path: impl Into<String>) -> Self {
        self.steps.push(Splice::Remove(path.into()));
        self
    }

    #[must_use]
    pub(crate) fn insert(
        mut self,
        array: impl Into<String>,
        entries: Vec<(String, Value)>,
    ) -> Self {
        self.steps.push(Splice::Insert(array.into(), entries));
        self
    }
}

/// The file with changes that are not saved.
pub(crate) struct Draft {
    document: Document,
    /// The documents before each change, with the change.
    before: Vec<(Document, Edit)>,
    after: Vec<(Document, Edit)>,
    /// The configuration that the text makes; the last good one while there are errors.
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) errors: Vec<Finding>,
}

impl Draft {
    /// Reads the file to begin with.
    pub(crate) fn open(
        path: &Path,
        catalogue: &Catalogue,
        running: &Arc<Configuration>,
    ) -> Result<Self, EditError> {
        let mut draft = Self {
            document: Document::open(path, catalogue)?,
            before: Vec::new(),
            after: Vec::new(),
            configuration: Arc::clone(running),
            errors: Vec::new(),
        };
        draft.check();
        Ok(draft)
    }

    /// Makes a change, all of it or nothing.
    pub(crate) fn make(&mut self, edit: &Edit) -> Result<(), EditError> {
        let mut document = self.document.clone();
        for step in &edit.steps {
            match step {
                Splice::Set(path, value) => document.set(path, value.clone())?,
                Splice::Remove(path) => document.remove(path)?,
                Splice::Insert(array, entries) => {
                    let entries = entries
                        .iter()
                        .map(|(key, value)| (key.as_str(), value.clone()));
                    document.insert(array, entries)?;
                }
            }
        }
        let before = std::mem::replace(&mut self.document, document);
        self.before.push((before, edit.clone()));
        self.after.clear();
        self.check();
        Ok(())
    }

    /// Takes the last change back and says which it was.
    pub(crate) fn undo(&mut self) -> Option<String> {
        let (document, edit) = self.before.pop()?;
        let now = std::mem::replace(&mut self.document, document);
        let words = edit.words.clone();
        self.after.push((now, edit));
        self.check();
        Some(words)
    }

    /// Makes the change again that was taken back.
    pub(crate) fn redo(&mut self) -> Option<String> {
        let (document, edit) = self.after.pop()?;
        let now = std::mem::replace(&mut self.document, document);
        let words = edit.words.clone();
        self.before.push((now, edit));
        self.check();
        Some(words)
    }

    fn check(&mut self) {
        match self.document.check() {
            Ok(loaded) => {
                self.configuration = Arc::new(loaded.configuration);
                self.errors.clear();
            }
            Err(LoadError::Invalid(findings)) => {
                self.errors = findings
                    .into_iter()
                    .filter(|finding| finding.severity == config::Severity::Error)
                    .collect();
            }
            Err(LoadError::Unreadable { .. }) => self.errors.clear(),
        }
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.document.is_changed()
    }

    pub(crate) fn changes(&self) -> usize {
        self.before.len()
    }

    pub(crate) fn last_words(&self) -> Option<&str> {
        self.before.last().map(|(_, edit)| edit.words.as_str())
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// Makes the changes again on the file as somebody else has left it.
    ///
    /// What both sides changed is told as a clash; there the changes here win. A change whose place is gone is lost, and
    /// told as well.
    ///
    /// # Errors
    /// [`EditError`] while the file cannot be read or is no TOML.
    pub(crate) fn onto_the_file(
        &self,
        path: &Path,
        catalogue: &Catalogue,
        running: &Arc<Configuration>,
    ) -> Result<Merged, EditError> {
        let base = self
            .before
            .first()
            .map_or(&self.document, |(document, _)| document);
        let mut draft = Self::open(path, catalogue, running)?;
        let theirs = draft.document.clone();
        let mut clashes = Vec::new();
        for (_, edit) in &self.before {
            for step in &edit.steps {
                let at = step.touches();
                if base.at(&at)? != theirs.at(&at)? {
                    clashes.push(format!("{}: `{at}` was changed there, too", edit.words));
                }
            }
            if let Err(error) = draft.make(edit) {
                clashes.push(format!("{}: cannot be made any more: {error}", edit.words));
            }
        }
        Ok(Merged {
            theirs: theirs.diff_since(base),
            draft,
            clashes,
        })
    }
}

/// A draft on the file as somebody else has left it.
pub(crate) struct Merged {
    pub(crate) draft: Draft,
    /// What both sides changed, in words.
    pub(crate) clashes: Vec<String>,
    /// What the others changed, as a diff without secrets.
    pub(crate) theirs: String,
}

impl Splice {
    /// Returns the path of what it changes or makes; an entry that is counted stands for its whole list, because
    /// counting goes wrong when somebody else adds or removes one.
    fn touches(&self) -> String {
        match self {
            Self::Set(path, _) | Self::Remove(path) => whole(path).to_owned(),
            Self::Insert(array, entries) => {
                let named = |key: &str| {
                    let (_, value) = entries.iter().find(|(name, _)| name == key)?;
                    Some(format!("{array}[{key}={}]", value.as_str()?))
                };
                named("id")
                    .or_else(|| named("type"))
                    .unwrap_or_else(|| array.clone())
            }
        }
    }
}

/// Cuts a path before the first entry that is counted: `a[id=x].b[2].c` becomes `a[id=x].b`.
fn whole(path: &str) -> &str {
    let counted = path.match_indices('[').find(|(at, _)| {
        path[at + 1..]
            .split(']')
            .next()
            .is_some_and(|inside| inside.parse::<usize>().is_ok())
    });
    counted.map_or(path, |(at, _)| &path[..at])
}

/// What saving would do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Review {
    pub(crate) diff: String,
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// Per target: who would come, change and go.
    pub(crate) affected: BTreeMap<String, Affected>,
    pub(crate) users: usize,
}

/// Who is affected at one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Affected {
    pub(crate) added: Vec<String>,
    pub(crate) changed: Vec<String>,
    pub(crate) removed: Vec<String>,
}

/// Compares what two configurations want for every user, each as if the user were saved again in the Console.
pub(crate) fn affected(
    catalogue: &Catalogue,
    before: &Configuration,
    after: &Configuration,
    users: impl Iterator<Item = (User, Vec<Link>)>,
) -> Result<(BTreeMap<String, Affected>, usize), String> {
    let compile = |configuration: &Configuration| {
        Policies::compile(&configuration.rules).map_err(|errors| {
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        })
    };
    let (old, new) = (compile(before)?, compile(after)?);
    let mut out: BTreeMap<String, Affected> = BTreeMap::new();
    let mut count = 0;
    for (user, links) in users {
        count += 1;
        let name = user.name.to_string();
        let was = wanted(
            &Decider {
                configuration: before,
                catalogue,
                policies: &old,
            },
            &user,
            &links,
        );
        let is = wanted(
            &Decider {
                configuration: after,
                catalogue,
                policies: &new,
            },
            &user,
            &links,
        );
        let targets: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for target in targets {
            let (was, is) = (was.get(target), is.get(target));
            if was == is {
                continue;
            }
            let entry = out.entry(target.clone()).or_default();
            match (was, is) {
                (None | Some(Wanted::Away), Some(Wanted::There(_))) => {
                    entry.added.push(name.clone());
                }
                (Some(Wanted::There(_)), Some(Wanted::There(_))) => {
                    entry.changed.push(name.clone());
                }
                (Some(Wanted::There(_)), None) | (_, Some(Wanted::Away)) => {
                    entry.removed.push(name.clone());
                }
                (_, None) => {}
            }
        }
    }
    out.retain(|_, entry| *entry != Affected::default());
    Ok((out, count))
}

/// What a configuration wants of one user at one target.
#[derive(Debug, PartialEq)]
enum Wanted {
    There(String),
    Away,
}

fn wanted(decider: &Decider<'_>, user: &User, links: &[Link]) -> BTreeMap<String, Wanted> {
    let trigger = Trigger {
        id: TriggerId(uuid::Uuid::nil()),
        flow: FlowId(uuid::Uuid::nil()),
        at: Timestamp::UNIX_EPOCH,
        kind: TriggerKind::UserUpdated,
        source: Source::Console,
        subject: LocalRef::User(user.id),
        subject_name: user.name.clone(),
        application: None,
        connection: None,
        role: None,
        changed: std::collections::BTreeSet::new(),
        carries_password: false,
    };
    let subject = Subject::User(user.clone());
    let snapshot = Snapshot {
        before: Some(subject.clone()),
        after: Some(subject),
        links: links.to_vec(),
        ..Snapshot::default()
    };
    let decisions = decider.decide(&trigger, &snapshot);
    let mut out = BTreeMap::new();
    for decision in decisions.decisions {
        let target = decision.candidate.connector.to_string();
        let linked = links
            .iter()
            .find(|link| link.connector == decision.candidate.connector && !link.gone);
        match decision.verdict {
            Verdict::Operation(planned) if planned.verb == Verb::Deprovision => {
                out.insert(target, Wanted::Away);
            }
            Verdict::Operation(planned) => {
                out.insert(
                    target,
                    Wanted::There(format!(
                        "{:?}",
                        (&planned.desired.remote_name, planned.desired.values())
                    )),
                );
            }
            Verdict::Nothing(nothing) if nothing.reason == domain::Reason::Unchanged => {
                let text = linked.map_or_else(String::new, |link| {
                    format!("{:?}", (&link.remote_name, &link.written))
                });
                out.insert(target, Wanted::There(text));
            }
            Verdict::Nothing(_) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_entry_stands_for_its_list() {
        assert_eq!(
            whole("connections[id=x].attributes[2].local"),
            "connections[id=x].attributes"
        );
        assert_eq!(
            whole("connections[id=x].enabled"),
            "connections[id=x].enabled"
        );
    }
}
