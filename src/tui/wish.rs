//! What the screen asks of the outside, and what comes back. Updating the screen does nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::Loaded;
use domain::{
    Brake, ConnectorRef, Exchange, FlowId, Group, LabEntry, LabFault, LabMock, LabObject, Link,
    LocalRef, OperationId, QualifiedName, Request, RoleName, User,
};
use engine::{
    Counts, DeadGroup, DriftView, EngagedBrake, FlowTrace, News, OperationView, Plan, Quarantine,
    State,
};

use crate::draft::{Draft, Edit, Review};
use crate::filter::Filter;
use crate::modal::Modal;
use crate::seat::{Standing, Submitted};
use crate::stream::Row;
use crate::work::Work;

/// Something that a panel or a dialog wants.
pub(crate) enum Wish {
    /// Something is to be read.
    Ask(Query),
    /// Something is to be done.
    Do(Deed),
    /// A dialog is to be shown.
    Show(Box<Modal>),
    /// Another panel is to be shown, perhaps with an errand.
    Go(&'static str, Option<Errand>),
    /// Something is to be said in the status row.
    Say(String),
    /// Something failed; it stays until it was seen.
    Fail(String),
    /// The draft of `workbench.toml` is to be changed.
    Edit(Edit),
    /// The last change of the draft is to be taken back, or made again.
    Undo,
    Redo,
    /// The draft is to be given up.
    DropDraft,
    /// The draft is to be this one, made again on a file that somebody else changed.
    TakeDraft(Box<Draft>),
    /// The stream is to be filtered, a row of it marked, or older rows put in front of it.
    Filter(Filter),
    Mark(u64),
    Prepend(Vec<Row>),
}

/// What another panel is to do when it is shown.
#[derive(Debug, Clone)]
pub(crate) enum Errand {
    /// Show this flow, at its newest row.
    Flow(FlowId),
    /// Fill in the form for something that happens to this user.
    Trigger {
        way: &'static str,
        user: Option<String>,
    },
    /// Show the problem after the present one.
    NextProblem,
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
    Links(LocalRef),
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
    /// Save the draft and let the engine work by it.
    Save,
    /// Read the file as it is now and let the engine work by it.
    Reload,
    /// Wait until nothing is under way, so long at most.
    Wait(Duration),
    /// Bring users from a file.
    Import(PathBuf),
    /// Make several things happen, one after the other; what they are in words.
    Bulk(String, Vec<Request>),
    /// Stop the import or the bulk trigger.
    StopWork,
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
            | Self::Mouse(_)
            | Self::Record(_)
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
            | Self::Wait(_)
            | Self::Import(_)
            | Self::Bulk(..)
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
    },
    Safeguards(Box<Safeguards>),
    /// The links of a user or group, and what was found to differ.
    Links(LocalRef, Vec<Link>, Vec<DriftView>),
    Mocks(Vec<LabMock>, Vec<LabFault>),
    Objects(String, Vec<LabObject>),
    Log(Vec<String>),
    Planned(Result<Box<Plan>, String>),
    Submitted(Result<Submitted, String>),
    /// A deed was done, in words, or not.
    Done(Result<String, String>),
    Reviewed(Box<Review>),
    Saved(Result<Box<Loaded>, String>),
    Reloaded(Result<Box<Loaded>, String>),
    /// How the long work goes.
    Work(Work),
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
    /// How the workbench stands to the engine of another process.
    Standing(Standing),
}
