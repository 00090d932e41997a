//! The board: what the screen knows, folded from the engine's news and the mocks' log, never asked of a producer.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use domain::{
    ConnectorRef, Exchange, FlowId, LabEntry, LabMock, OperationId, Reason, TriggerId, Verb,
    Verdict,
};
use engine::{Counts, Fact, Life, News, OperationView, Record, State};
use jiff::Timestamp;

use crate::quarantines::Quarantines;
use crate::stream::{LIMIT_BYTES, Row, Stream, What, purpose};

/// How many entries of the mocks' logs are kept for *target*.
const LAB_ENTRIES: usize = 2_000;
/// How many operations that ended are remembered, so that their late facts still have a name.
const ENDED: usize = 4_096;
/// How many flows and triggers are remembered as recent.
const RECENT: usize = 256;
/// How many facts wait until what was missed before them is read; more are read with it.
const HELD: usize = 4_096;

/// An operation that came into a state, perhaps from another one.
#[derive(Debug)]
struct Step {
    seq: u64,
    connector: ConnectorRef,
    before: Option<State>,
    after: State,
}

/// Facts that were missed and are being read. Those after them wait: facts are folded in their order, and one that comes
/// too late is taken for one that was folded before.
#[derive(Debug)]
struct Hole {
    /// The last fact before it.
    from: u64,
    /// How many pieces of news were missed in it.
    missed: u64,
    /// How many were missed since the reading of it began.
    later: u64,
    /// What came since.
    held: Vec<Arc<Record>>,
    /// What came since is not all held, so there is to be read again.
    again: bool,
}

impl Hole {
    fn new(from: u64, missed: u64) -> Self {
        Self {
            from,
            missed,
            later: 0,
            held: Vec::new(),
            again: false,
        }
    }

    fn hold(&mut self, record: Arc<Record>) {
        if self.held.len() >= HELD {
            self.again = true;
            self.held.clear();
        }
        if !self.again {
            self.held.push(record);
        }
    }
}

/// What the board remembers of one operation.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) connector: ConnectorRef,
    pub(crate) name: Arc<str>,
    pub(crate) verb: Verb,
    pub(crate) life: Life,
    /// A request of it went wrong, so that a row tells of it.
    went_wrong: bool,
}

/// The last request to a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastCall {
    pub(crate) at: Timestamp,
    pub(crate) status: Option<u16>,
    pub(crate) op: &'static str,
    pub(crate) subject: Arc<str>,
}

/// What the requests to one mock came to: of all that were told since the screen was opened, kept or not.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many entries were told, and how many of them are not kept any more.
    pub(crate) told: usize,
    pub(crate) let_go: usize,
    /// The number of the last one.
    last: u64,
    // Since then, or since the mock was put back to an earlier state.
    came: usize,
    went: usize,
    /// Which objects changed, as a hash: there may be very many.
    changed: HashSet<u64>,
    hasher: RandomState,
    /// How many were never told, because they came too fast.
    missed: u64,
}

impl Tally {
    fn take(&mut self, entry: &LabEntry) {
        if self.last > 0 {
            self.missed += entry.number.saturating_sub(self.last + 1);
        }
        self.last = self.last.max(entry.number);
        self.told += 1;
        if entry.is_put_back() {
            (self.came, self.went, self.missed) = (0, 0, 0);
            self.changed.clear();
        }
        for change in &entry.changes {
            match (change.field == "*", &change.before, &change.after) {
                (true, None, Some(_)) => self.came += 1,
                (true, Some(_), None) => self.went += 1,
                _ => {
                    let object = (&change.object, &change.id);
                    self.changed.insert(self.hasher.hash_one(object));
                }
            }
        }
    }

    /// Says how many objects came, changed and went; nothing where none did.
    pub(crate) fn counts(&self) -> String {
        let (came, went, changed) = (self.came, self.went, self.changed.len());
        if came + went + changed == 0 {
            return String::new();
        }
        let least = if self.missed > 0 { "at least " } else { "" };
        format!("{least}+{came} ~{changed} -{went}")
    }
}

/// Returns the port of an address on this machine.
fn port_here(url: &str) -> Option<u16> {
    let port = url::Url::parse(url).ok()?.port_or_known_default();
    port.filter(|_| domain::is_loopback(url))
}

/// Everything that was folded.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) stream: Stream,
    operations: HashMap<OperationId, Known>,
    ended: VecDeque<OperationId>,
    /// Operations that were over before the screen was opened and were taken up again since.
    strangers: HashMap<OperationId, Life>,
    /// One of them moved: where it was counted is not known, so that all are to be counted again.
    miscounted: bool,
    pub(crate) counts: Counts,
    /// What happened since the beginning, until the counts have been read; then nothing is kept.
    steps: Option<Vec<Step>>,
    /// The newest fact that is part of the counts.
    counted_to: Option<u64>,
    pub(crate) last: BTreeMap<ConnectorRef, LastCall>,
    pub(crate) quarantines: Quarantines,
    /// When the accounts of a connector were compared last, and whether that were all of them.
    pub(crate) compared: BTreeMap<ConnectorRef, (Timestamp, bool)>,
    lab: VecDeque<Arc<LabEntry>>,
    tallies: BTreeMap<String, Tally>,
    /// The ports at which each mock runs, or has run.
    mock_ports: BTreeMap<String, BTreeSet<u16>>,
    /// Whether the journal has been looked at; until then nobody knows what is in it.
    pub(crate) begun: bool,
    /// The number of the last fact that was folded.
    pub(crate) seq: u64,
    /// The newest fact when the journal was looked at first: what is shown of it needs no reading again.
    begun_at: u64,
    /// News that came too fast for the screen; the journal has them.
    pub(crate) missed: u64,
    /// What was missed is being read.
    hole: Option<Hole>,
    /// Grow when operations, the directory or the mocks changed, so that panels know when to read again.
    pub(crate) operations_version: u64,
    pub(crate) directory_version: u64,
    pub(crate) lab_version: u64,
    /// The flows of the last facts, each with its newest fact.
    touched: VecDeque<(FlowId, u64)>,
    /// Whom the last triggers were about.
    subjects: VecDeque<(TriggerId, Arc<str>)>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            stream: Stream::new(LIMIT_BYTES),
            operations: HashMap::new(),
            ended: VecDeque::new(),
            strangers: HashMap::new(),
            miscounted: false,
            counts: Counts::new(),
            steps: Some(Vec::new()),
            counted_to: None,
            last: BTreeMap::new(),
            quarantines: Quarantines::default(),
            compared: BTreeMap::new(),
            lab: VecDeque::new(),
            tallies: BTreeMap::new(),
            mock_ports: BTreeMap::new(),
            begun: false,
            seq: 0,
            begun_at: 0,
            missed: 0,
            hole: None,
            operations_version: 0,
            directory_version: 0,
            lab_version: 0,
            touched: VecDeque::new(),
            subjects: VecDeque::new(),
        }
    }
}

impl Board {
    /// Takes what was read when the screen opened.
    pub(crate) fn begin(&mut self, last: u64, open: &[OperationView], rows: Vec<Row>) {
        self.begun = true;
        self.begun_at = self.begun_at.max(last);
        // Until all are counted, those that are owed are. A small journal may have been counted before this was read.
        if let Some(steps) = self.steps.take() {
            self.counts.clear();
            for view in open {
                self.tally(None, view.life.state(), &view.connector);
            }
            for step in steps.iter().filter(|step| step.seq > last) {
                self.tally(step.before, step.after, &step.connector);
            }
            self.steps = Some(steps);
        }
        for view in open {
            self.operations
                .entry(view.operation)
                .or_insert_with(|| Known {
                    connector: view.connector.clone(),
                    name: view.name.to_string().into(),
                    verb: view.verb,
                    life: view.life,
                    went_wrong: false,
                });
        }
        for row in &rows {
            self.remember_call(row);
        }
        // Some may be there already: read before there was an engine, or told by it meanwhile.
        let known = self.stream.oldest().zip(self.stream.newest());
        let (older, newer): (Vec<Row>, Vec<Row>) = match known {
            None => (rows, Vec::new()),
            Some((oldest, newest)) => rows
                .into_iter()
                .filter(|row| row.seq.is_some_and(|seq| seq < oldest || seq > newest))
                .partition(|row| row.seq.is_some_and(|seq| seq < oldest)),
        };
        self.stream.prepend(older);
        for row in newer {
            self.stream.push(row);
        }
        self.operations_version += 1;
    }

    /// Says that all operations are being counted: until that is done, what happens is kept.
    pub(crate) fn recount(&mut self) {
        self.steps.get_or_insert_with(Vec::new);
    }

    /// Takes the counts as they were after a fact; older ones than there are already are left alone.
    pub(crate) fn counted(&mut self, last: u64, counts: Counts) {
        if self.counted_to.is_some_and(|newest| last < newest) {
            return;
        }
        self.counts = counts;
        self.counted_to = Some(last);
        for step in self.steps.take().into_iter().flatten() {
            if step.seq > last {
                self.tally(step.before, step.after, &step.connector);
            }
        }
        self.operations_version += 1;
    }

    /// Tells, once, that the counts are not right any more.
    pub(crate) fn take_miscounted(&mut self) -> bool {
        std::mem::take(&mut self.miscounted)
    }

    /// Tells whether every operation was counted; until then only those that are owed are.
    pub(crate) fn is_counted(&self) -> bool {
        self.steps.is_none()
    }

    /// Tells whether a flow has facts after the one of this number.
    pub(crate) fn changed_since(&self, flow: FlowId, seq: u64) -> bool {
        self.touched
            .iter()
            .any(|(known, newest)| *known == flow && *newest > seq)
    }

    /// Returns how many operations are in a state.
    pub(crate) fn count(&self, state: State) -> u64 {
        self.counts
            .values()
            .filter_map(|states| states.get(&state))
            .sum()
    }

    /// Returns how many operations are owed.
    pub(crate) fn owed(&self) -> u64 {
        self.counts
            .values()
            .flatten()
            .filter(|(state, _)| state.is_open())
            .map(|(_, count)| count)
            .sum()
    }

    /// Folds one piece of news.
    pub(crate) fn hear(&mut self, news: News) {
        match news {
            News::Fact(record) => match &mut self.hole {
                Some(hole) => hole.hold(record),
                None => self.fact(&record),
            },
            News::Started(started) => {
                let known = self.operations.get(&started.operation);
                let row = Row {
                    number: 0,
                    seq: None,
                    at: started.exchange.at,
                    flow: Some(started.flow),
                    operation: Some(started.operation),
                    target: started.connector.to_string().into(),
                    connector: Some(started.connector.clone()),
                    op: purpose(&started.exchange, known.map(|known| known.verb.word())),
                    subject: known.map_or_else(|| "".into(), |known| Arc::clone(&known.name)),
                    attempt: started.attempt,
                    what: What::UnderWay(started),
                    marked: false,
                };
                self.stream.push(row);
            }
            News::Missed(count) => {
                self.missed += count;
                match &mut self.hole {
                    Some(hole) => {
                        hole.later += count;
                        hole.again = true;
                        hole.held.clear();
                    }
                    None => self.hole = Some(Hole::new(self.read_from(), count)),
                }
                // Whatever was folded from facts is read again; the counts with what happens until then.
                self.recount();
                self.operations_version += 1;
                self.directory_version += 1;
            }
        }
    }

    /// Returns the last fact before those that were missed and are not read yet.
    pub(crate) fn hole(&self) -> Option<u64> {
        self.hole.as_ref().map(|hole| hole.from)
    }

    /// Returns the newest fact of which everything before it is here as well.
    fn read_from(&self) -> u64 {
        self.seq.max(self.begun_at)
    }

    /// Folds facts that were missed and read afterwards, and then those that came meanwhile. What was read is not in the
    /// journal only any more. Returns where there is to be read on, when more was missed meanwhile.
    pub(crate) fn catch_up(&mut self, news: Vec<News>) -> Option<u64> {
        let hole = self.hole.take();
        let first = news.iter().find_map(|one| match one {
            News::Fact(record) => Some(record.seq),
            News::Started(_) | News::Missed(_) => None,
        });
        if let (Some(hole), Some(first)) = (&hole, first) {
            // Only so many are read at once, the newest.
            let unread = first.saturating_sub(hole.from + 1).min(hole.missed);
            self.missed = self.missed.saturating_sub(hole.missed - unread);
        }
        for one in news {
            self.hear(one);
        }
        let hole = hole?;
        if hole.again {
            let from = self.read_from().max(hole.from);
            self.hole = Some(Hole::new(from, hole.later));
            return Some(from);
        }
        self.fold_held(hole);
        None
    }

    /// Goes on without what was missed, because it cannot be read.
    pub(crate) fn skip_hole(&mut self) {
        if let Some(hole) = self.hole.take() {
            self.fold_held(hole);
        }
    }

    fn fold_held(&mut self, hole: Hole) {
        for record in hole.held {
            self.fact(&record);
        }
    }

    /// Folds one fact. Facts that were folded before are left alone.
    pub(crate) fn fact(&mut self, record: &Arc<Record>) {
        if record.seq <= self.seq && record.seq != 0 {
            return;
        }
        self.seq = record.seq;
        if let Some(flow) = record.flow {
            self.touched.retain(|(known, _)| *known != flow);
            self.touched.push_back((flow, record.seq));
            if self.touched.len() > RECENT {
                self.touched.pop_front();
            }
        }
        match &record.fact {
            Fact::OperationQueued { queued } => {
                let life = queued
                    .held
                    .map_or(Life::Queued, |reason| Life::Held { reason });
                let known = Known {
                    connector: queued.connector.clone(),
                    name: queued.name.to_string().into(),
                    verb: queued.verb,
                    life,
                    went_wrong: false,
                };
                self.count_change(record.seq, &queued.connector, None, life.state());
                self.operations.insert(queued.operation, known);
                self.operations_version += 1;
            }
            Fact::ExchangeRecorded {
                operation,
                attempt,
                connector,
                exchange,
            } => {
                self.exchange(record, *operation, *attempt, connector, exchange);
            }
            Fact::TriggerRecorded { trigger } => {
                self.subjects
                    .push_back((trigger.id, trigger.subject_name.to_string().into()));
                if self.subjects.len() > RECENT {
                    self.subjects.pop_front();
                }
            }
            Fact::Decided {
                trigger, decisions, ..
            } => {
                let known = self.subjects.iter().rev().find(|(id, _)| id == trigger);
                let name = known.map_or_else(|| "".into(), |(_, name)| Arc::clone(name));
                for decision in decisions {
                    if let Verdict::Nothing(nothing) = &decision.verdict {
                        let connector = decision.candidate.connector.clone();
                        self.stream.push(Row {
                            number: 0,
                            seq: Some(record.seq),
                            at: record.at,
                            flow: record.flow,
                            operation: None,
                            target: connector.to_string().into(),
                            connector: Some(connector),
                            op: "decide",
                            subject: Arc::clone(&name),
                            attempt: 0,
                            what: What::Nothing(nothing.reason, nothing.detail.as_str().into()),
                            marked: false,
                        });
                    }
                }
            }
            Fact::DirectoryChanged { .. }
            | Fact::Linked { .. }
            | Fact::Unlinked { .. }
            | Fact::DriftFound { .. }
            | Fact::DriftCleared { .. }
            | Fact::DriftResolved { .. } => {
                self.directory_version += 1;
            }
            Fact::ReconcileEnded {
                connector, tally, ..
            } => {
                let put_off = tally.fresh + tally.on_their_way + tally.unsaid.values().sum::<u64>();
                let is_whole = tally.not_read.is_none() && put_off == 0;
                self.compared
                    .insert(connector.clone(), (record.at, is_whole));
                self.directory_version += 1;
            }
            Fact::Quarantined { quarantine } => {
                self.quarantines.hear(record.seq, quarantine);
                self.operations_version += 1;
            }
            Fact::ConnectorReleased {
                connector,
                reason,
                detail,
            } => {
                if *reason == Reason::Quarantined {
                    self.quarantines.end(record.seq, connector, detail);
                }
                self.operations_version += 1;
            }
            Fact::CallerReleased { .. }
            | Fact::BrakeEngaged { .. }
            | Fact::BrakeApproved { .. }
            | Fact::BrakeRejected { .. } => self.operations_version += 1,
            Fact::OperationDead { operation, .. } => {
                self.died(record, *operation);
                self.moved(record.seq, *operation, &record.fact);
            }
            fact => {
                if let Some(id) = fact.moves() {
                    self.moved(record.seq, id, fact);
                }
            }
        }
    }

    fn exchange(
        &mut self,
        record: &Arc<Record>,
        operation: Option<OperationId>,
        attempt: u32,
        connector: &ConnectorRef,
        exchange: &Exchange,
    ) {
        let what = What::Fact(Arc::clone(record));
        let known = operation.and_then(|id| self.operations.get(&id));
        let row = Row {
            number: 0,
            seq: Some(record.seq),
            at: exchange.at,
            flow: record.flow,
            operation,
            target: connector.to_string().into(),
            connector: Some(connector.clone()),
            op: purpose(exchange, known.map(|known| known.verb.word())),
            subject: known.map_or_else(|| "".into(), |known| Arc::clone(&known.name)),
            attempt,
            what: what.clone(),
            marked: false,
        };
        self.remember_call(&row);
        if row.is_problem()
            && let Some(known) = operation.and_then(|id| self.operations.get_mut(&id))
        {
            known.went_wrong = true;
        }
        if !self.stream.finish(exchange.id, Some(record.seq), &what) {
            self.stream.push(row);
        }
    }

    /// Shows an operation that failed for good by a row of its own, unless a request that went wrong shows it already:
    /// where none could be made, nothing else would lead there.
    fn died(&mut self, record: &Arc<Record>, id: OperationId) {
        let Some(known) = self.operations.get(&id).filter(|known| !known.went_wrong) else {
            return;
        };
        self.stream.push(Row {
            number: 0,
            seq: Some(record.seq),
            at: record.at,
            flow: record.flow,
            operation: Some(id),
            target: known.connector.to_string().into(),
            connector: Some(known.connector.clone()),
            op: known.verb.word(),
            subject: Arc::clone(&known.name),
            attempt: 0,
            what: What::Fact(Arc::clone(record)),
            marked: false,
        });
    }

    fn remember_call(&mut self, row: &Row) {
        if let Some(connector) = &row.connector {
            let call = LastCall {
                at: row.at,
                status: row.status(),
                op: row.op,
                subject: Arc::clone(&row.subject),
            };
            self.last.insert(connector.clone(), call);
        }
    }

    fn moved(&mut self, seq: u64, id: OperationId, fact: &Fact) {
        self.operations_version += 1;
        let Some(known) = self.operations.get_mut(&id) else {
            return self.stranger_moved(id, fact);
        };
        let before = known.life;
        let Ok(after) = Life::after(Some(before), fact) else {
            return;
        };
        known.life = after;
        let connector = known.connector.clone();
        self.count_change(seq, &connector, Some(before.state()), after.state());
        if !after.is_open() {
            self.ended.push_back(id);
            if self.ended.len() > ENDED {
                let oldest = self.ended.pop_front();
                if let Some(oldest) = oldest.filter(|id| {
                    self.operations
                        .get(id)
                        .is_some_and(|known| !known.life.is_open())
                }) {
                    self.operations.remove(&oldest);
                }
            }
        }
    }

    /// Takes that an operation moved which is not known here.
    fn stranger_moved(&mut self, id: OperationId, fact: &Fact) {
        let before = match (self.strangers.get(&id), fact) {
            (Some(life), _) => *life,
            // It had ended, and so it had failed for good: nothing else is taken up again, or given up, after its end.
            (None, Fact::Retried { .. } | Fact::Discarded { .. }) => Life::Dead,
            (None, _) => return,
        };
        self.miscounted = true;
        match Life::after(Some(before), fact) {
            Ok(after) if after.is_open() => self.strangers.insert(id, after),
            Ok(_) | Err(_) => self.strangers.remove(&id),
        };
    }

    fn count_change(
        &mut self,
        seq: u64,
        connector: &ConnectorRef,
        before: Option<State>,
        after: State,
    ) {
        if self.counted_to.is_some_and(|counted| seq <= counted) {
            return;
        }
        self.tally(before, after, connector);
        if let Some(steps) = &mut self.steps {
            steps.push(Step {
                seq,
                connector: connector.clone(),
                before,
                after,
            });
        }
    }

    fn tally(&mut self, before: Option<State>, after: State, connector: &ConnectorRef) {
        let states = self.counts.entry(connector.clone()).or_default();
        if let Some(count) = before.and_then(|before| states.get_mut(&before)) {
            *count = count.saturating_sub(1);
        }
        *states.entry(after).or_default() += 1;
    }

    /// Returns what is remembered of an operation.
    pub(crate) fn known(&self, id: OperationId) -> Option<&Known> {
        self.operations.get(&id)
    }

    /// Takes an entry of a mock's log.
    pub(crate) fn lab(&mut self, entry: Arc<LabEntry>) {
        self.lab_version += 1;
        let tally = self.tallies.entry(entry.target.clone()).or_default();
        tally.take(&entry);
        self.lab.push_back(entry);
        if self.lab.len() > LAB_ENTRIES
            && let Some(oldest) = self.lab.pop_front()
            && let Some(tally) = self.tallies.get_mut(&oldest.target)
        {
            tally.let_go += 1;
        }
    }

    /// Takes where the mocks run; where they ran before they are remembered, for what was sent there.
    pub(crate) fn mocks_run(&mut self, mocks: &[LabMock]) {
        for mock in mocks {
            if let Some(port) = mock.url.as_deref().and_then(port_here) {
                let ports = self.mock_ports.entry(mock.target.clone()).or_default();
                ports.insert(port);
            }
        }
    }

    /// Tells whether a request went to one of the mocks.
    pub(crate) fn goes_to_mock(&self, exchange: &Exchange) -> bool {
        let port = port_here(&exchange.url);
        port.is_some_and(|port| self.mock_ports.values().any(|ports| ports.contains(&port)))
    }

    /// Finds what a mock noted of an exchange: it was sent to that mock, with the same method and path, and arrived while
    /// the request was under way. Of several the one is meant whose answer it had.
    pub(crate) fn lab_entry(&self, exchange: &Exchange) -> Option<&Arc<LabEntry>> {
        let port = port_here(&exchange.url)?;
        let is_of = |target: &str| {
            let ports = self.mock_ports.get(target);
            ports.is_some_and(|ports| ports.contains(&port))
        };
        let answered = exchange.response.as_ref().map(|response| response.status);
        let url = url::Url::parse(&exchange.url).ok()?;
        let path = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        let begin = exchange.at.as_millisecond() - 50;
        let end = exchange.at.as_millisecond()
            + i64::try_from(exchange.took.as_millis()).unwrap_or(i64::MAX / 2)
            + 50;
        self.lab
            .iter()
            .filter(|entry| {
                entry.method.eq_ignore_ascii_case(&exchange.method)
                    && entry.path == path
                    && is_of(&entry.target)
            })
            .filter(|entry| (begin..=end).contains(&entry.at.as_millisecond()))
            .min_by_key(|entry| {
                let distance = entry.at.as_millisecond() - exchange.at.as_millisecond();
                (entry.status != answered, distance.abs())
            })
    }

    /// Returns what the requests to a mock came to; nothing where none was told.
    pub(crate) fn changes_at(&self, target: &str) -> Option<&Tally> {
        self.tallies.get(target)
    }

    /// Returns the newest entries of a mock, newest first.
    pub(crate) fn lab_of<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a Arc<LabEntry>> {
        self.lab
            .iter()
            .rev()
            .filter(move |entry| entry.target == target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn settled(count: u64) -> Counts {
        let states = BTreeMap::from([(State::Settled, count)]);
        Counts::from([(ConnectorRef::new("corp-scim", "scim2"), states)])
    }

    /// A user who came at a mock.
    fn came(target: &str, number: u64) -> LabEntry {
        let mut entry = LabEntry::clone(&samples::lab_entry());
        entry.target = target.to_owned();
        entry.number = number;
        entry.changes.truncate(1);
        for change in &mut entry.changes {
            change.id = number.to_string();
            "*".clone_into(&mut change.field);
        }
        entry
    }

    fn counts(board: &Board, target: &str) -> String {
        board
            .changes_at(target)
            .map(Tally::counts)
            .unwrap_or_default()
    }

    #[test]
    fn what_changed_at_a_mock_is_counted_beyond_what_is_kept_until_it_is_put_back() {
        let mut board = Board::default();
        assert_eq!(counts(&board, "scim2"), "");
        for number in 1..=3_000 {
            board.lab(Arc::new(came("scim2", number)));
        }
        // A user whose two fields change is one who changed.
        let fields = LabEntry {
            number: 3_001,
            ..LabEntry::clone(&samples::lab_entry())
        };
        board.lab(Arc::new(fields));
        assert_eq!(counts(&board, "scim2"), "+3000 ~1 -0");
        assert_eq!(board.lab_of("scim2").count(), LAB_ENTRIES);
        let tally = board.changes_at("scim2").unwrap();
        assert_eq!((tally.told, tally.let_go), (3_001, 1_001));
        // Another mock has its own.
        board.lab(Arc::new(came("google", 1)));
        assert_eq!(counts(&board, "google"), "+1 ~0 -0");
        assert_eq!(board.changes_at("scim2").unwrap().let_go, 1_002);
        // What came too fast is not counted, and that is said.
        board.lab(Arc::new(came("google", 9)));
        assert_eq!(counts(&board, "google"), "at least +2 ~0 -0");
        let reset = LabEntry {
            operation: "mock.reset".to_owned(),
            changes: Vec::new(),
            ..came("scim2", 3_002)
        };
        board.lab(Arc::new(reset));
        assert_eq!(counts(&board, "scim2"), "");
        board.lab(Arc::new(came("scim2", 3_003)));
        assert_eq!(counts(&board, "scim2"), "+1 ~0 -0");
    }

    #[test]
    fn what_a_mock_noted_belongs_to_the_exchange_that_went_there() {
        let mut board = Board::default();
        board.mocks_run(&samples::mocks());
        let entry = |number: u64, status: u16| {
            Arc::new(LabEntry {
                number,
                status: Some(status),
                ..LabEntry::clone(&samples::lab_entry())
            })
        };
        board.lab(entry(2, 409));
        board.lab(entry(3, 201));
        let mut exchange = samples::exchange(Some(201), 9);
        exchange.at = samples::instant(2);
        let noted = |exchange: &Exchange| board.lab_entry(exchange).map(|entry| entry.number);
        assert_eq!(noted(&exchange), Some(3), "the one that answered so");
        // The same path in the same moment at another port, and at another machine.
        for host in ["127.0.0.1:9214", "scim.example:9103"] {
            exchange.url = format!("http://{host}/scim/v2/Users");
            assert_eq!(noted(&exchange), None, "{host}");
            assert!(!board.goes_to_mock(&exchange), "{host}");
        }
        // A mock that was stopped since is known by where it ran.
        "http://localhost:9103/scim/v2/Users".clone_into(&mut exchange.url);
        let mut stopped = samples::mocks();
        for mock in &mut stopped {
            mock.url = None;
        }
        board.mocks_run(&stopped);
        assert_eq!(
            board.lab_entry(&exchange).map(|entry| entry.number),
            Some(3)
        );
    }

    #[test]
    fn counts_that_come_before_the_beginning_stay() {
        let mut board = Board::default();
        assert!(!board.is_counted());
        board.counted(7, settled(5));
        board.begin(7, &[], Vec::new());
        assert!(board.is_counted());
        assert_eq!(board.count(State::Settled), 5);
    }

    #[test]
    fn an_operation_that_failed_without_a_request_has_a_row_and_is_a_problem() {
        let mut board = Board::default();
        let records = samples::records();
        let queued = records
            .iter()
            .position(|record| matches!(record.fact, Fact::OperationQueued { .. }))
            .unwrap();
        let id = records[queued].fact.moves().unwrap();
        for record in &records[..=queued] {
            board.fact(&Arc::new(record.clone()));
        }
        let rows = board.stream.len();
        let dead = |seq: u64| Record {
            seq,
            fact: samples::dead(id),
            ..records[queued].clone()
        };
        board.fact(&Arc::new(dead(90)));
        assert_eq!(board.stream.len(), rows + 1);
        let row = board.stream.get(rows).unwrap();
        assert!(row.is_problem(), "{row:?}");
        assert_eq!((row.operation, row.status()), (Some(id), None));
        assert_eq!(board.count(State::Dead), 1);

        // Where a request went wrong, its row is enough.
        let mut board = Board::default();
        for record in &records {
            if !matches!(
                record.fact,
                Fact::Settled { .. } | Fact::CallerReleased { .. }
            ) {
                board.fact(&Arc::new(record.clone()));
            }
        }
        let rows = board.stream.len();
        board.fact(&Arc::new(dead(91)));
        assert_eq!(board.stream.len(), rows);
    }

    #[test]
    fn what_was_missed_is_counted_again_and_no_fact_counts_twice() {
        let mut board = Board::default();
        board.begin(0, &[], Vec::new());
        board.counted(0, Counts::new());
        board.hear(News::Missed(12));
        assert_eq!((board.missed, board.is_counted()), (12, false));
        // The counts were read after all twelve, and the facts come afterwards.
        let news = samples::news();
        board.counted(u64::try_from(news.len()).unwrap(), settled(1));
        assert_eq!(board.catch_up(news), None);
        assert_eq!((board.missed, board.owed()), (0, 0));
        assert_eq!(board.count(State::Settled), 1);
        // An older answer changes nothing.
        board.counted(1, settled(7));
        assert_eq!(board.count(State::Settled), 1);
    }

    #[test]
    fn what_was_missed_is_folded_before_what_came_after_it() {
        let records: Vec<Arc<Record>> = samples::records().into_iter().map(Arc::new).collect();
        let news =
            |part: &[Arc<Record>]| -> Vec<News> { part.iter().cloned().map(News::Fact).collect() };
        let mut whole = Board::default();
        for one in news(&records) {
            whole.hear(one);
        }
        let mut board = Board::default();
        let (before, rest) = records.split_at(2);
        let (missed, after) = rest.split_at(rest.len() / 2);
        for one in news(before) {
            board.hear(one);
        }
        let last = before.last().unwrap().seq;
        board.hear(News::Missed(u64::try_from(missed.len()).unwrap()));
        for one in news(after) {
            board.hear(one);
        }
        assert_eq!((board.hole(), board.seq), (Some(last), last));
        // More is missed before the answer: what it does not tell is read once more, from where it ends.
        board.hear(News::Missed(3));
        let again = board.catch_up(news(missed));
        assert_eq!(again, missed.last().map(|record| record.seq));
        assert_eq!(board.catch_up(news(after)), None);
        assert_eq!((board.seq, board.hole()), (whole.seq, None));
        assert_eq!(board.stream.len(), whole.stream.len());
        assert_eq!(board.counts, whole.counts);
        assert_eq!(board.missed, 0);
    }

    #[test]
    fn a_hole_that_cannot_be_read_does_not_keep_the_rest_back() {
        let records = samples::records();
        let mut board = Board::default();
        board.hear(News::Missed(1));
        for record in records {
            board.hear(News::Fact(Arc::new(record)));
        }
        assert_eq!(board.seq, 0);
        board.skip_hole();
        assert!(board.seq > 0 && board.stream.len() > 0);
        assert_eq!(board.missed, 1, "it is in the journal only");
    }
}
