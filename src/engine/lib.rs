//! Journal, lanes, runner, retry: what makes provisioning durable.
//!
//! A request becomes triggers, decisions and operations in one commit; operations are carried out in the order of their
//! lane, tried again, asked about after a lost answer, and never sent before they are committed. That HTTP exists is
//! not known here: there is the port `Connector`, and there are failures with a remedy.

mod along;
mod ask;
mod backlog;
mod begin;
mod blocking;
mod brake;
mod caught;
mod dead;
mod desk;
mod directory;
mod doubt;
mod engine;
mod fact;
mod flow;
mod handle;
mod history;
mod ids;
mod inner;
mod joining;
mod journal;
mod keys;
mod lanes;
mod lifecycle;
mod limiter;
mod owner;
mod passwords;
mod quarantine;
mod reconcile;
mod replay;
mod retention;
mod retry;
mod runner;
mod setup;
mod stir;
mod tap;
#[cfg(test)]
mod tests;
mod timer;
mod trace;
mod ward;

pub use brake::{Approval, EngagedBrake, LONGEST_APPROVAL};
pub use dead::{DeadFilter, DeadGroup, DeadLetter, DecidedAgain};
pub use desk::plan;
pub use directory::{
    BLOCKED, Import, ImportError, ImportFormat, ImportReport, Intake, Intaken, RowError, Seed,
    SeedError, SeedGroup, Seeded, import, import_until,
};
pub use engine::Engine;
pub use fact::{
    Answer, Cause, Death, DeathCause, DirectoryChange, Fact, Queued, Record, Settlement,
    WaitFailure, WaitVerdict,
};
pub use handle::{
    CommandError, DirectoryError, Idle, News, Options, Outcome, Plan, PlanError, PlannedTrigger,
    StartError, Started, SubmitError, Subscription,
};
pub use history::{EXCHANGES_PER_FLOW, write_made_up_journal};
pub use journal::{Compaction, CompactionCause, Kept, Room, train_dictionary};
pub use journal::{
    Counts, ExchangeFilter, ExchangeView, FlowSummary, JournalError, LeftBehind, OperationFilter,
    OperationView, Page, Reader,
};
pub use journal::{DriftView, ReconcileView};
pub use lifecycle::{IllegalFact, Life, State};
pub use limiter::{LIMIT_BELIEVED, LearntLimit, LimitView};
pub use quarantine::{Culprit, Quarantine, QuarantineCause};
pub use reconcile::{
    Anew, ClaimError, Continued, GivenUp, NotRead, ReadBudget, ReconcileError, ReconcileReport,
    ResolveError, Tally, Wish,
};
pub use replay::ReplayError;
pub use retention::CompactionReport;
pub use tap::span_of;
pub use trace::{
    AskedTrace, AttemptTrace, Decided, FlowTrace, OperationTrace, TriggerTrace, WaitTrace,
};
