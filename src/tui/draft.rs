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
    /// The documents before each change, with the change's words.
    before: Vec<(Document, String)>,
    after: Vec<(Document, String)>,
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
        self.before.push((before, edit.words.clone()));
        self.after.clear();
        self.check();
        Ok(())
    }

    /// Takes the last change back and says which it was.
    pub(crate) fn undo(&mut self) -> Option<String> {
        let (document, words) = self.before.pop()?;
        let now = std::mem::replace(&mut self.document, document);
        self.after.push((now, words.clone()));
        self.check();
        Some(words)
    }

    /// Makes the change again that was taken back.
    pub(crate) fn redo(&mut self) -> Option<String> {
        let (document, words) = self.after.pop()?;
        let now = std::mem::replace(&mut self.document, document);
        self.before.push((now, words.clone()));
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
        self.before.last().map(|(_, words)| words.as_str())
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }
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
