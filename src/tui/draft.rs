//! The draft of `workbench.toml`: edits made through `config::edit`, with their words, undo, and who is affected.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use config::edit::{Document, EditError, Value};
use config::{Finding, LoadError};
use decide::{Decider, Policies};
use domain::{
    Catalogue, Configuration, FlowId, Level, Link, LocalRef, Snapshot, Source, Subject, Trigger,
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
    /// All of it, as it was written by hand.
    Whole(String),
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

    #[must_use]
    pub(crate) fn whole(mut self, text: String) -> Self {
        self.steps.push(Splice::Whole(text));
        self
    }
}

/// The file with changes that are not saved.
pub(crate) struct Draft {
    document: Document,
    /// The documents before each change, with the change.
    before: Vec<(Document, Edit)>,
    after: Vec<(Document, Edit)>,
    /// The configuration that the text makes; while there are errors, as far as it goes, so that what is wrong can be seen
    /// and mended where it was made.
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
        Ok(Self::on(Document::open(path, catalogue)?, running))
    }

    /// Begins with the file as it was read before.
    pub(crate) fn on(document: Document, running: &Arc<Configuration>) -> Self {
        let mut draft = Self {
            document,
            before: Vec::new(),
            after: Vec::new(),
            configuration: Arc::clone(running),
            errors: Vec::new(),
        };
        draft.check();
        draft
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
                Splice::Whole(text) => document.replace(text.clone())?,
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
                if let Some(configuration) = self.document.in_part() {
                    self.configuration = Arc::new(configuration);
                }
                self.errors = findings
                    .into_iter()
                    .filter(|finding| finding.severity == config::Severity::Error)
                    .collect();
            }
            Err(LoadError::Unreadable { .. }) => self.errors.clear(),
        }
    }

    /// Returns the place and the words of the change since which there are errors; `None` when the file itself had some.
    pub(crate) fn faulty(&self) -> Option<(usize, &str)> {
        let is_sound = |(document, _): &(Document, Edit)| document.check().is_ok();
        let at = self.before.iter().rposition(is_sound)?;
        Some((at, self.before[at].1.words.as_str()))
    }

    /// Returns the draft as if one of the changes had not been made; `None` when those after it are not possible without it,
    /// or would be made at another entry, or it would have as many errors. Redo makes it again.
    pub(crate) fn without(&self, at: usize) -> Option<Self> {
        let (document, edit) = self.before.get(at)?;
        let later = self.before[at + 1..].iter();
        let places = later.flat_map(|(_, later)| later.steps.iter().filter_map(Splice::path));
        let shifts = |list: &str| edit.steps.iter().any(|step| step.shifts(list));
        if places.flat_map(counted_lists).any(shifts) {
            return None;
        }
        let mut draft = Self {
            document: document.clone(),
            before: self.before[..at].to_vec(),
            after: Vec::new(),
            configuration: Arc::clone(&self.configuration),
            errors: Vec::new(),
        };
        draft.check();
        for (_, later) in &self.before[at + 1..] {
            draft.make(later).ok()?;
        }
        draft.after.push((self.document.clone(), edit.clone()));
        (draft.errors.len() < self.errors.len()).then_some(draft)
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

    /// Returns every change in words, in the order in which they were made.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.before.iter().map(|(_, edit)| edit.words.as_str())
    }

    /// Returns what was changed after a text was saved, on top of it; `None` when nothing was.
    ///
    /// # Errors
    /// [`EditError`] when the file cannot be read again, or a change cannot be made on it.
    pub(crate) fn since(
        &self,
        saved: &str,
        path: &Path,
        catalogue: &Catalogue,
        running: &Arc<Configuration>,
    ) -> Result<Option<Self>, EditError> {
        let before = self.before.iter().map(|(document, _)| document.text());
        let states: Vec<&str> = before.chain([self.document.text()]).collect();
        let done = states.iter().rposition(|text| *text == saved);
        let rest = done.map_or(&[][..], |done| &self.before[done..]);
        if rest.is_empty() {
            return Ok(None);
        }
        let mut draft = Self::open(path, catalogue, running)?;
        for (_, edit) in rest {
            draft.make(edit)?;
        }
        Ok(Some(draft))
    }

    /// Makes the changes again on the file as somebody else has left it.
    ///
    /// What both sides changed is told; there the changes here win. A change whose place is gone is lost, and told as
    /// well.
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
        let (mut overwrites, mut lost) = (Vec::new(), Vec::new());
        for (_, edit) in &self.before {
            if let Err(error) = draft.make(edit) {
                lost.push(format!("{}: cannot be made any more: {error}", edit.words));
                continue;
            }
            for step in &edit.steps {
                let (told, is_theirs_too) = match step.touches() {
                    Some(at) => (
                        format!("{}: `{at}` was changed there, too", edit.words),
                        base.at(&at)? != theirs.at(&at)?,
                    ),
                    None => (
                        format!("{}: all that they changed is undone by it", edit.words),
                        base.text() != theirs.text(),
                    ),
                };
                if is_theirs_too && !overwrites.contains(&told) {
                    overwrites.push(told);
                }
            }
        }
        Ok(Merged {
            theirs: theirs.diff_since(base),
            draft,
            overwrites,
            lost,
        })
    }
}

/// A draft on the file as somebody else has left it.
pub(crate) struct Merged {
    pub(crate) draft: Draft,
    /// What both sides changed, so that the changes here would overwrite theirs, in words.
    pub(crate) overwrites: Vec<String>,
    /// What cannot be changed any more, because its place is gone, in words.
    pub(crate) lost: Vec<String>,
    /// What the others changed, as a diff without secrets.
    pub(crate) theirs: String,
}

impl Merged {
    /// Tells whether the two sides do not touch each other.
    pub(crate) fn is_smooth(&self) -> bool {
        self.overwrites.is_empty() && self.lost.is_empty()
    }
}

impl Splice {
    /// Returns the path of what it changes or makes; an entry that is counted stands for its whole list, because
    /// counting goes wrong when somebody else adds or removes one. `None` when it changes everything.
    fn touches(&self) -> Option<String> {
        match self {
            Self::Set(path, _) | Self::Remove(path) => Some(whole(path).to_owned()),
            Self::Insert(array, entries) => {
                let named = |key: &str| {
                    let (_, value) = entries.iter().find(|(name, _)| name == key)?;
                    Some(format!("{array}[{key}={}]", value.as_str()?))
                };
                let named = named("id").or_else(|| named("type"));
                Some(named.unwrap_or_else(|| array.clone()))
            }
            Self::Whole(_) => None,
        }
    }

    /// Returns the path at which it is made; `None` when it changes everything.
    fn path(&self) -> Option<&str> {
        match self {
            Self::Set(path, _) | Self::Remove(path) | Self::Insert(path, _) => Some(path),
            Self::Whole(_) => None,
        }
    }

    /// Tells whether entries of a list have another number since this change, or are others.
    fn shifts(&self, list: &str) -> bool {
        let is_within = |at: &str| {
            let rest = list.strip_prefix(at);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        match self {
            Self::Set(at, _) => is_within(at),
            Self::Remove(at) => {
                let entry = at.strip_suffix(']').and_then(|at| at.rsplit_once('['));
                is_within(at) || entry.is_some_and(|(of, _)| of == list)
            }
            Self::Insert(array, _) => array == list,
            Self::Whole(_) => true,
        }
    }
}

/// Returns the lists of which a path counts an entry: of `a[1].b[2].c` that is `a` and `a[1].b`.
fn counted_lists(path: &str) -> impl Iterator<Item = &str> {
    let selects = path.match_indices('[').map(|(at, _)| at);
    let counts = selects.filter(move |at| {
        let inside = path[at + 1..].split(']').next();
        inside.is_some_and(|inside| inside.parse::<usize>().is_ok())
    });
    counts.map(move |at| &path[..at])
}

/// Cuts a path before the first entry that is counted: `a[id=x].b[2].c` becomes `a[id=x].b`.
fn whole(path: &str) -> &str {
    counted_lists(path).next().unwrap_or(path)
}

/// What saving would do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Review {
    /// The stamp of the document that it speaks of.
    pub(crate) of: String,
    pub(crate) diff: String,
    pub(crate) errors: Vec<String>,
    /// What is doubtful since these changes.
    pub(crate) warnings: Vec<String>,
    /// How much was doubtful before, and is still.
    pub(crate) older: usize,
    /// Per target: who would come, change and go.
    pub(crate) affected: BTreeMap<String, Affected>,
    pub(crate) users: usize,
}

/// Who is affected at one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Affected {
    pub(crate) added: Vec<String>,
    pub(crate) changed: Vec<String>,
    /// Their accounts are deleted or deactivated.
    pub(crate) removed: Vec<String>,
    /// Their accounts stay, and only their links keep them up to date: no level proposes them any more.
    pub(crate) kept: Vec<String>,
    /// Their accounts stay, and nothing keeps them up to date any more.
    pub(crate) left: Vec<String>,
    /// They have no account yet, and get none any more.
    pub(crate) unmade: Vec<String>,
}

impl Affected {
    /// Returns each group with its sign and what happens to it. Saving the file is no trigger: what is to be sent is decided
    /// for each user at the next change of that user.
    pub(crate) fn groups(&self) -> [(&'static str, &'static str, &[String]); 6] {
        [
            ("+", "come when they next change", &self.added),
            ("~", "are updated when they next change", &self.changed),
            (
                "-",
                "are deprovisioned when they next change",
                &self.removed,
            ),
            (
                "=",
                "stay, kept up to date by their links alone",
                &self.kept,
            ),
            ("!", "stay, not kept up to date any more", &self.left),
            ("/", "have no account, and get none", &self.unmade),
        ]
    }
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
        let (trigger, snapshot) = saved_again(user, links);
        let was = wanted(
            &Decider {
                configuration: before,
                catalogue,
                policies: &old,
            },
            &trigger,
            &snapshot,
        );
        let is = wanted(
            &Decider {
                configuration: after,
                catalogue,
                policies: &new,
            },
            &trigger,
            &snapshot,
        );
        let there: BTreeSet<String> = snapshot
            .links
            .iter()
            .filter(|link| !link.gone)
            .map(|link| link.connector.to_string())
            .collect();
        let targets: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for target in targets {
            let fate = fate(was.get(target), is.get(target), there.contains(target));
            let Some(fate) = fate else { continue };
            let entry = out.entry(target.clone()).or_default();
            let list = match fate {
                Fate::Comes => &mut entry.added,
                Fate::Changes => &mut entry.changed,
                Fate::Goes => &mut entry.removed,
                Fate::IsKept => &mut entry.kept,
                Fate::IsLeft => &mut entry.left,
                Fate::IsNotMade => &mut entry.unmade,
            };
            list.push(name.clone());
        }
    }
    Ok((out, count))
}

/// What becomes of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Comes,
    Changes,
    Goes,
    IsKept,
    IsLeft,
    IsNotMade,
}

/// Says what becomes of an account that two configurations want; `there` says whether it exists.
///
/// Nothing is taken away because nobody speaks for it any more: a link outlives the provisioner that led to it, and at a
/// connector that is disabled or gone nothing is done at all.
fn fate(was: Option<&Wanted>, is: Option<&Wanted>, there: bool) -> Option<Fate> {
    let (before, after) = (was.map(|one| &one.what), is.map(|one| &one.what));
    match (before, after) {
        (None, None) | (Some(What::Away), Some(What::Away)) => None,
        (_, Some(What::Away)) => Some(Fate::Goes),
        (Some(What::There(old)), Some(What::There(new))) if old == new => {
            let proposed = |one: Option<&Wanted>| one.is_some_and(|one| one.proposed);
            (there && proposed(was) && !proposed(is)).then_some(Fate::IsKept)
        }
        (Some(What::There(_)), Some(What::There(_))) => Some(Fate::Changes),
        (None | Some(What::Away), Some(What::There(_))) if there => Some(Fate::Changes),
        (None | Some(What::Away), Some(What::There(_))) => Some(Fate::Comes),
        (Some(_), None) if there => Some(Fate::IsLeft),
        (Some(What::There(_)), None) => Some(Fate::IsNotMade),
        (Some(What::Away), None) => None,
    }
}

/// What a configuration wants of one user at one target.
#[derive(Debug, PartialEq)]
struct Wanted {
    what: What,
    /// A level proposes it, and not its link alone.
    proposed: bool,
}

#[derive(Debug, PartialEq)]
enum What {
    There(String),
    Away,
}

/// Returns what is decided about when a user is saved again in the Console, as it is.
fn saved_again(user: User, links: Vec<Link>) -> (Trigger, Snapshot) {
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
    let subject = Subject::User(user);
    let snapshot = Snapshot {
        before: Some(subject.clone()),
        after: Some(subject),
        links,
        ..Snapshot::default()
    };
    (trigger, snapshot)
}

fn wanted(
    decider: &Decider<'_>,
    trigger: &Trigger,
    snapshot: &Snapshot,
) -> BTreeMap<String, Wanted> {
    let decisions = decider.decide(trigger, snapshot);
    let mut out = BTreeMap::new();
    for decision in decisions.decisions {
        let target = decision.candidate.connector.to_string();
        let levels = &decision.candidate.levels;
        let proposed = levels.iter().any(|level| *level != Level::Link);
        let linked = snapshot
            .links
            .iter()
            .find(|link| link.connector == decision.candidate.connector && !link.gone);
        let what = match decision.verdict {
            Verdict::Operation(planned) if planned.verb == Verb::Deprovision => What::Away,
            Verdict::Operation(planned) => What::There(format!(
                "{:?}",
                (&planned.desired.remote_name, planned.desired.values())
            )),
            Verdict::Nothing(nothing) if nothing.reason == domain::Reason::Unchanged => {
                What::There(linked.map_or_else(String::new, |link| {
                    format!("{:?}", (&link.remote_name, &link.written))
                }))
            }
            Verdict::Nothing(_) => continue,
        };
        out.insert(target, Wanted { what, proposed });
    }
    out
}

#[cfg(test)]
mod tests {
    use domain::{Connection, QualifiedName, UserId};

    use super::*;
    use crate::samples;

    /// Compares what becomes of a user with an account at `corp-scim/scim2` and of one without.
    fn compared(change: impl FnOnce(&mut Configuration)) -> Affected {
        let before = samples::configuration();
        let mut after = before.clone();
        change(&mut after);
        let linked = (samples::user(), vec![samples::link()]);
        let mut other = samples::user();
        other.id = UserId(uuid::Uuid::from_u128(99));
        other.name = QualifiedName::new("ada.l");
        let users = [linked, (other, Vec::new())].into_iter();
        let (mut targets, count) =
            affected(&connectors::CATALOGUE, &before, &after, users).unwrap();
        assert_eq!(count, 2);
        targets.remove("corp-scim/scim2").unwrap_or_default()
    }

    fn corp_scim(configuration: &mut Configuration) -> &mut Connection {
        let mut connections = configuration.connections.iter_mut();
        connections.find(|one| one.id.0 == "corp-scim").unwrap()
    }

    #[test]
    fn an_account_outlives_its_provisioner_and_is_kept_up_to_date_by_its_link() {
        let told = compared(|after| {
            after
                .resident
                .retain(|one| one.connector.connection.0 != "corp-scim");
        });
        let expected = Affected {
            kept: vec!["zoë.日本".to_owned()],
            unmade: vec!["ada.l".to_owned()],
            ..Affected::default()
        };
        assert_eq!(told, expected, "nobody is deprovisioned");
    }

    #[test]
    fn at_a_disabled_connector_accounts_stay_and_are_not_kept_up_to_date() {
        let told = compared(|after| corp_scim(after).connectors[0].enabled = false);
        let expected = Affected {
            left: vec!["zoë.日本".to_owned()],
            unmade: vec!["ada.l".to_owned()],
            ..Affected::default()
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn what_takes_a_change_of_the_user_is_said_to_take_one() {
        let who = Affected::default();
        for (sign, what, _) in who.groups() {
            let takes_one = ["+", "~", "-"].contains(&sign);
            assert_eq!(what.ends_with("when they next change"), takes_one, "{what}");
        }
    }

    #[test]
    fn a_role_that_is_not_held_deprovisions() {
        let told =
            compared(|after| corp_scim(after).outbound_roles = vec!["Internal/nobody".into()]);
        let expected = Affected {
            removed: vec!["zoë.日本".to_owned()],
            unmade: vec!["ada.l".to_owned()],
            ..Affected::default()
        };
        assert_eq!(told, expected);
    }

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
        let lists: Vec<&str> = counted_lists("a[1].b[id=x].c[20].d").collect();
        assert_eq!(lists, ["a", "a[1].b[id=x].c"]);
    }

    #[test]
    fn a_list_is_counted_otherwise_since_an_entry_came_or_went_and_not_since_one_changed() {
        let step = |edit: Edit| edit.steps.into_iter().next().unwrap();
        let at = |path: &str| format!("connections[id=x]{path}");
        let list = at(".attributes");
        for (edit, shifts) in [
            (Edit::new("").insert(at(".attributes"), Vec::new()), true),
            (Edit::new("").insert(at(".connectors"), Vec::new()), false),
            (Edit::new("").insert("connections", Vec::new()), false),
            (Edit::new("").remove(at(".attributes[2]")), true),
            (Edit::new("").remove(at(".attributes[2].local")), false),
            (Edit::new("").remove(at("")), true),
            (Edit::new("").remove("connections[id=y]"), false),
            (Edit::new("").set(at(".attributes[2].local"), "a"), false),
            (Edit::new("").set(at(".attributes_of"), "a"), false),
            (Edit::new("").whole(String::new()), true),
        ] {
            let step = step(edit);
            assert_eq!(step.shifts(&list), shifts, "{:?}", step.path());
        }
    }
}
