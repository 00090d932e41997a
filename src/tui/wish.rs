//! What the screen asks of the outside, and what comes back. Updating the screen does nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::Loaded;
use domain::{
    Brake, ConnectorRef, FlowId, Group, LabEntry, LabFault, LabMock, LabObject, Link, LocalRef,
    OperationId, QualifiedName, Request, RoleName, User,
};
use engine::{
    Counts, DeadGroup, DriftView, EngagedBrake, FlowTrace, News, OperationView, Outcome, Plan,
    Quarantine, State,
};

use crate::draft::{Edit, Review};
use crate::filter::Filter;
use crate::modal::Modal;
use crate::stream::Row;

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

/// What came back.
pub(crate) enum Answer {
    Begun {
        last: u64,
        open: Vec<OperationView>,
        rows: Vec<Row>,
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
    Submitted(Result<Box<Outcome>, String>),
    /// A deed was done, in words, or not.
    Done(Result<String, String>),
    Reviewed(Box<Review>),
    Saved(Result<Box<Loaded>, String>),
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
}
