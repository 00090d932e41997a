//! What the screen asks of the outside, and what comes back. Updating the screen does nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::Loaded;
use domain::{
    Brake, ConnectorRef, Exchange, FlowId, Group, LabChange, LabEntry, LabError, LabFault, LabMock,
    LabObject, Link, LocalRef, OperationId, QualifiedName, Request, RoleName, User,
};
use engine::{
    Counts, DeadGroup, DriftView, EngagedBrake, FlowTrace, News, OperationView, Plan, Quarantine,
    State,
};
use jiff::Timestamp;

use crate::Note;
use crate::draft::{Draft, Edit, Review};
use crate::editor::{Edited, Job};
use crate::filter::Filter;
use crate::modal::Modal;
use crate::outcome::Outcome;
use crate::paint::counted;
use crate::seat::{Standing, Submitted};
use crate::stream::Row;
use crate::work::{Each, Whom, Work};

/// Something that a panel or a dialog wants.
pub(crate) enum Wish {
    /// Something is to be read.
    Ask(Query),
    /// Something is to be done.
    Do(Deed),
    /// A dialog is to be shown.
    Show(Box<Modal>),
    /// The form that was filled in stays open until it is closed or refused: whether it is taken is not known yet.
    KeepSheet,
    /// That form was taken.
    CloseSheet(String),
    /// What was filled into the form on top may be lost.
    DropForm,
    /// That form cannot be taken as it is: it stays open, and says so at the field.
    RefuseSheet {
        id: String,
        field: Option<String>,
        told: String,
    },
    /// Another panel is to be shown, perhaps with an errand.
    Go(&'static str, Option<Errand>),
    /// Another panel is to be shown by something that took its time in this one, perhaps with an errand: whoever is at
    /// something else by now stays there.
    Lead {
        from: &'static str,
        to: &'static str,
        errand: Option<Errand>,
    },
    /// A panel is to do an errand; what is shown stays.
    Tell(&'static str, Errand),
    /// A panel is to do one of its actions.
    Act(&'static str, &'static str),
    /// Something is to be said in the status row.
    Say(String),
    /// Something failed; it stays until it was seen.
    Fail(String),
    /// What failed there is past: if it is still told, it is told no longer.
    Past(String),
    /// The draft of `workbench.toml` is to be changed.
    Edit(Edit),
    /// The file is to be changed without *Update*, as the Console does with a toggle that saves at once.
    EditAtOnce(Edit),
    /// Something was made in a panel's list: the selection goes there.
    Made {
        panel: &'static str,
        /// How the list knows it.
        key: String,
        /// The part of it that was made, when it was there before.
        part: Option<String>,
    },
    /// The file is to be edited in the editor of whoever sits there.
    OpenEditor,
    /// The text that was edited by hand and not taken is to be edited on, though it is older than what is here now.
    OpenCopy,
    /// It is to be given up.
    DropCopy,
    /// The last change of the draft is to be taken back, or made again.
    Undo,
    Redo,
    /// One change of the draft is to be taken back, whatever was changed after it.
    TakeBack {
        at: usize,
        words: String,
    },
    /// The program is to be left; what is lost by that was asked about.
    Leave,
    /// It is to be asked whether the draft is to be given up.
    AskToDrop,
    /// The draft is to be given up; whether it may be was asked.
    DropDraft,
    /// The draft is to be this one, made again on a file that somebody else changed.
    TakeDraft(Box<Draft>),
    /// The stream is to be filtered, a row of it marked, or older rows put in front of it.
    Filter(Filter),
    Mark(u64),
    Prepend(Vec<Row>),
    /// The newest rows are wanted: the older ones that were read back are let go.
    Newest,
}

/// The lists of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DirectoryTab {
    Users,
    Groups,
    Roles,
}

/// What another panel is to do when it is shown.
#[derive(Debug, Clone)]
pub(crate) enum Errand {
    /// Show this flow, at its newest row of something that was done.
    Flow(FlowId),
    /// Show this operation of a flow, at its newest row.
    Operation {
        flow: FlowId,
        operation: OperationId,
    },
    /// Fill in the form for something that happens to this user.
    Trigger {
        way: &'static str,
        user: Option<String>,
        /// The panel that `Esc` leads back to.
        back: Option<&'static str>,
    },
    /// Fill in the form for something that happens to this role, or to somebody through it.
    Role {
        way: &'static str,
        role: String,
        /// The panel that `Esc` leads back to.
        back: Option<&'static str>,
    },
    /// Select this in the directory as soon as it is there.
    Select { tab: DirectoryTab, name: String },
    /// Show the problem after the present one.
    NextProblem,
    /// Show this operation of a flow, if the flow is what is looked at.
    Failed {
        flow: FlowId,
        operation: OperationId,
    },
}

/// A user or group by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    User(QualifiedName),
    Group(QualifiedName),
}

/// What the directory says of somebody.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    Nobody,
    User(Box<User>),
    /// The names of the members, and how many there are: more than are named, in a large group.
    Group(Vec<QualifiedName>, usize),
}

/// Who is in the directory, for forms that begin with somebody.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// The first user and the first group.
    pub(crate) user: Option<QualifiedName>,
    pub(crate) group: Option<QualifiedName>,
    /// A name that no group has.
    pub(crate) free_group: QualifiedName,
}

/// Something to read, away from the screen's own thread.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    /// What the screen needs first.
    Begin,
    /// How many operations are in which state; reads every operation there is.
    Counts,
    /// Rows older than a fact.
    Older {
        before: u64,
    },
    /// The facts after one, because news were missed.
    Since {
        seq: u64,
    },
    Trace(FlowId),
    Operations {
        state: Option<State>,
        before: Option<u64>,
    },
    /// Quarantines and brakes; dead letters by cause as well when they are looked at.
    Safeguards {
        groups: bool,
    },
    Directory {
        after: Option<QualifiedName>,
    },
    /// Users whose names contain a text.
    Find {
        text: String,
        after: Option<QualifiedName>,
    },
    /// Somebody by name.
    Who(Who),
    /// Who is there to begin with.
    Offer,
    Links(LocalRef),
    /// What became of the operations of a flow.
    Outcome(FlowId),
    Mocks,
    Objects(String),
    Log,
}

/// Something to do.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Quit,
    Suspend,
    Repaint,
    /// Give the terminal to an editor until that has ended.
    Editor(Box<Job>),
    Mouse(bool),
    /// Record the screen into this file, or end the recording.
    Record(Option<PathBuf>),
    /// Text for the clipboard, and what it is.
    Copy {
        what: &'static str,
        text: String,
    },
    /// Text for a file.
    Write {
        path: PathBuf,
        text: String,
    },
    Plan(Box<Request>),
    Submit(Box<Request>),
    Retry(Vec<OperationId>),
    Discard(Vec<OperationId>, String),
    Pause(ConnectorRef),
    Resume(ConnectorRef),
    /// Compare the accounts of these connectors.
    Compare(Vec<ConnectorRef>),
    /// Decide about differences.
    Resolve(Vec<engine::Wish>),
    /// See whether a connector in quarantine works again, or go on without asking.
    Probe(ConnectorRef),
    Release(ConnectorRef),
    /// Say that what a brake keeps is meant, until the approval expires, or that it is not.
    Approve {
        connector: ConnectorRef,
        brake: Brake,
        by: String,
        reason: String,
        expires: Duration,
    },
    Reject {
        connector: ConnectorRef,
        brake: Brake,
        by: String,
        reason: String,
    },
    /// Say what saving the draft would do.
    Review,
    /// Do not say it any more: nobody waits for it.
    StopReview,
    /// Save the draft and let the engine work by it.
    Save,
    /// Read the file as it is now and let the engine work by it.
    Reload,
    /// Wait until nothing is under way, so long at most.
    Wait(Duration),
    /// Bring users from a file.
    Import(PathBuf),
    /// Make the same happen to several users, one after the other.
    Bulk {
        /// What it is, in words.
        what: String,
        each: Each,
        whom: Whom,
    },
    /// Stop the import or the bulk trigger.
    StopWork,
    /// Run the engine in this process, when that of another has ended.
    RunHere,
    /// Send a recorded request once more.
    Replay {
        connector: ConnectorRef,
        exchange: Box<Exchange>,
        /// Its number in the journal.
        number: u64,
    },
    /// Let a mock have another vendor's manners.
    Wear {
        target: String,
        personality: String,
    },
    LabStart(String),
    LabStop(String),
    Arm {
        target: String,
        spec: String,
    },
    Disarm {
        target: String,
        number: Option<u64>,
    },
    Reset(String),
    Snapshot {
        target: String,
        name: String,
    },
    Restore {
        target: String,
        name: String,
    },
}

/// What putting a mock back to an earlier state has changed there.
#[derive(Debug, Clone)]
pub(crate) struct PutBack {
    pub(crate) target: String,
    /// What it was put back to, in words that fit after the target.
    pub(crate) to: String,
    /// The first of what changed; a change of a whole object holds all of it.
    pub(crate) changes: Vec<LabChange>,
    /// How many changes there were besides.
    pub(crate) more: usize,
    /// How many objects are gone, here again, and changed back.
    counts: [usize; 3],
}

impl PutBack {
    /// How many changes are kept.
    const KEPT: usize = 60;

    /// Counts what changed, and keeps the first of it.
    pub(crate) fn new(target: String, to: String, mut changes: Vec<LabChange>) -> Self {
        let whole = |is_meant: fn(&LabChange) -> bool| {
            let whole = changes.iter().filter(|one| one.field == "*");
            whole.filter(|one| is_meant(one)).count()
        };
        let fields = changes.iter().filter(|one| one.field != "*");
        let mended = fields.map(|one| (one.object.as_str(), one.id.as_str()));
        let counts = [
            whole(|one| one.after.is_none()),
            whole(|one| one.before.is_none()),
            mended.collect::<BTreeSet<_>>().len(),
        ];
        let more = changes.len().saturating_sub(Self::KEPT);
        changes.truncate(Self::KEPT);
        changes.shrink_to_fit();
        Self {
            target,
            to,
            changes,
            more,
            counts,
        }
    }

    /// Says what was done, and how much that changed.
    pub(crate) fn told(&self) -> String {
        let Self { target, to, .. } = self;
        let parts: Vec<String> = ["gone", "here again", "changed back"]
            .into_iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
            .enumerate()
            .map(|(nth, (what, count))| match nth {
                0 => format!("{} {what}", counted(count, "object")),
                _ => format!("{count} {what}"),
            })
            .collect();
        if parts.is_empty() {
            format!("{target} is back at {to}; nothing differed from it")
        } else {
            let parts = parts.join(", ");
            // The counts come first: a long name is what a narrow row may cut.
            format!("{target}: {parts}; it is back at {to} (d shows them)")
        }
    }
}

/// What keeps trouble from spreading, as it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Safeguards {
    pub(crate) quarantines: Vec<Quarantine>,
    /// Each with how many operations it keeps.
    pub(crate) brakes: Vec<(EngagedBrake, usize)>,
    pub(crate) groups: Vec<DeadGroup>,
}

impl Deed {
    /// Returns how many answers come of it; those that tell the progress of long work do not count.
    pub(crate) fn answers(&self) -> usize {
        match self {
            Self::Quit
            | Self::Suspend
            | Self::Repaint
            | Self::Editor(_)
            | Self::Mouse(_)
            | Self::Record(_)
            | Self::StopReview
            | Self::StopWork => 0,
            Self::LabStart(_)
            | Self::LabStop(_)
            | Self::Arm { .. }
            | Self::Disarm { .. }
            | Self::Reset(_)
            | Self::Snapshot { .. }
            | Self::Restore { .. }
            | Self::Wear { .. } => 2,
            Self::Copy { .. }
            | Self::Write { .. }
            | Self::Plan(_)
            | Self::Submit(_)
            | Self::Retry(_)
            | Self::Discard(..)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Review
            | Self::Save
            | Self::Reload
            | Self::RunHere
            | Self::Wait(_)
            | Self::Import(_)
            | Self::Bulk { .. }
            | Self::Compare(_)
            | Self::Resolve(_)
            | Self::Probe(_)
            | Self::Release(_)
            | Self::Approve { .. }
            | Self::Reject { .. }
            | Self::Replay { .. } => 1,
        }
    }
}

/// What came back.
pub(crate) enum Answer {
    Begun {
        last: u64,
        open: Vec<OperationView>,
        rows: Vec<Row>,
        /// The directory's roles.
        roles: Vec<RoleName>,
    },
    /// The counts as they were after a fact.
    Counts {
        last: u64,
        counts: Counts,
        /// The connectors in quarantine, as they were then at the earliest.
        quarantines: Vec<Quarantine>,
    },
    Older {
        rows: Vec<Row>,
        is_all: bool,
    },
    Since(Vec<News>),
    Trace(FlowId, Option<Box<FlowTrace>>),
    Operations {
        state: Option<State>,
        before: Option<u64>,
        list: Vec<OperationView>,
    },
    Directory {
        after: Option<QualifiedName>,
        users: Vec<User>,
        groups: Vec<Group>,
        roles: Vec<RoleName>,
        count: u64,
        /// Those of them whose accounts were found to differ.
        differing: BTreeSet<LocalRef>,
    },
    /// Users whose names contain a text, and how many there are of them in all.
    Found {
        text: String,
        after: Option<QualifiedName>,
        users: Vec<User>,
        count: u64,
        differing: BTreeSet<LocalRef>,
    },
    Who(Who, Known),
    Offer(Offer),
    Safeguards(Box<Safeguards>),
    /// The links of a user or group, what was found to differ, and when each account was written last.
    Links(
        LocalRef,
        Vec<Link>,
        Vec<DriftView>,
        BTreeMap<ConnectorRef, Timestamp>,
    ),
    Outcome(FlowId, Outcome),
    Mocks(Vec<LabMock>, Vec<LabFault>),
    Objects(String, Vec<LabObject>),
    Log(Vec<String>),
    Planned(Result<Box<Plan>, String>),
    Submitted(Result<Submitted, String>),
    /// The accounts of connectors were compared: what was found in words, or why nothing could be.
    Compared(Result<String, String>),
    /// A deed was done, in words, or not.
    Done(Result<String, String>),
    /// What a form of *Targets* asked of a mock was done, in words, or why not.
    Steered(Result<String, LabError>),
    /// A mock was put back to an earlier state, or not.
    PutBack(Result<PutBack, String>),
    /// What was made of the file in an editor, or why nothing.
    Edited(Result<Box<Edited>, String>),
    Reviewed(Box<Review>),
    Saved(Result<Box<Loaded>, String>),
    /// The file is right and is as it is to be, and no engine works by it, with why: it was written here, or by somebody
    /// else.
    Untaken {
        loaded: Box<Loaded>,
        why: String,
        is_ours: bool,
    },
    /// The engine was started here, by the file as it was then, or not.
    RunsHere(Result<Box<Loaded>, String>),
    Reloaded(Result<Box<Loaded>, String>),
    /// How the long work goes.
    Work(Work),
    /// A file of users can be imported, which is begun; what comes of it is told as long work.
    Importing,
    /// A file of users is not imported, and why: nothing was begun.
    NotImported(String),
    /// That could not be read, with why.
    Unread(Query, String),
}

/// Something that happened.
pub(crate) enum Happening {
    Key(crate::keymap::Key),
    Paste(String),
    /// The wheel, in rows; positive is down.
    Wheel(i8),
    Click {
        x: u16,
        y: u16,
    },
    Resize,
    News(Vec<News>),
    Lab(Vec<Arc<LabEntry>>),
    Answer(Box<Answer>),
    /// Time passed while something visible depends on it.
    Tick,
    /// `workbench.toml` was changed by somebody else.
    FileChanged,
    /// Something was logged.
    Logged,
    /// How the workbench stands to the engine of another process.
    Standing(Standing),
    /// Something happened while the workbench was opened.
    Note(Note),
}
