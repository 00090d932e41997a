//! The rows of *Traffic*: a ring bounded in bytes, with older windows read back from the journal in front of it.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::{ConnectorRef, Exchange, ExchangeId, FlowId, OperationId, Purpose, Reason};
use engine::{Death, ExchangeView, Fact, Record, Started};
use jiff::Timestamp;

use crate::filter::Filter;

/// How many bytes the ring holds. What it lets go is read back from the journal when somebody wants to see it.
pub(crate) const LIMIT_BYTES: usize = 16 << 20;
/// How many rows the ring holds.
const LIMIT_ROWS: usize = 100_000;
/// How many rows are read from the journal at once.
pub(crate) const WINDOW: usize = 200;
/// How far back the end of a request looks for its beginning.
const UNDER_WAY: usize = 512;

/// One row of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Counts the rows; never used twice, so that selection and marks survive the loss of rows.
    pub(crate) number: u64,
    /// The fact's number in the journal; none while a request is under way.
    pub(crate) seq: Option<u64>,
    pub(crate) at: Timestamp,
    pub(crate) flow: Option<FlowId>,
    pub(crate) operation: Option<OperationId>,
    pub(crate) connector: Option<ConnectorRef>,
    /// `connection/connector`, or empty.
    pub(crate) target: Arc<str>,
    /// What it was for: the operation's verb, or `token`, `lookup`, `discovery`, `check`, `decide`.
    pub(crate) op: &'static str,
    /// The user or group.
    pub(crate) subject: Arc<str>,
    pub(crate) attempt: u32,
    pub(crate) what: What,
    pub(crate) marked: bool,
}

/// What a row is about.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A request that ended, or an operation that failed for good without one, as it stands in a fact.
    Fact(Arc<Record>),
    /// A request that ended, read back.
    Exchange(Arc<Exchange>),
    /// A request that is under way.
    UnderWay(Arc<Started>),
    /// A decision for nothing.
    Nothing(Reason, Arc<str>),
}

impl Row {
    /// Returns the exchange.
    pub(crate) fn exchange(&self) -> Option<&Exchange> {
        match &self.what {
            What::Fact(record) => match &record.fact {
                Fact::ExchangeRecorded { exchange, .. } => Some(exchange),
                _ => None,
            },
            What::Exchange(exchange) => Some(exchange),
            What::UnderWay(started) => Some(&started.exchange),
            What::Nothing(..) => None,
        }
    }

    /// Returns why the operation failed for good that the row stands for.
    pub(crate) fn death(&self) -> Option<&Death> {
        match &self.what {
            What::Fact(record) => match &record.fact {
                Fact::OperationDead { death, .. } => Some(death),
                _ => None,
            },
            What::Exchange(_) | What::UnderWay(_) | What::Nothing(..) => None,
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        Some(self.exchange()?.response.as_ref()?.status)
    }

    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.what, What::UnderWay(_))
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.what, What::Nothing(..))
    }

    /// Tells whether something went wrong. A lookup that finds nothing is an answer.
    pub(crate) fn is_problem(&self) -> bool {
        match (self.status(), self.exchange()) {
            (Some(404), Some(exchange)) if exchange.purpose == Purpose::Lookup => false,
            (Some(status), _) => status >= 400,
            (None, Some(exchange)) => exchange.error.is_some(),
            (None, None) => self.death().is_some(),
        }
    }

    /// Returns what the row holds in memory: the texts, and what is around them, which is more than the texts.
    fn size(&self) -> usize {
        /// What the allocator adds to a text of its own.
        const EACH: usize = 24;
        const ROW: usize =
            size_of::<Row>() + size_of::<Record>() + size_of::<Exchange>() + 4 * EACH;
        const HEADER: usize = size_of::<domain::Header>() + 2 * EACH;
        ROW + self.exchange().map_or(0, |exchange| {
            let headers = |list: &[domain::Header]| {
                list.iter()
                    .map(|one| one.name.len() + one.value.len() + HEADER)
                    .sum::<usize>()
                    + EACH
            };
            exchange.url.len()
                + exchange.method.len()
                + exchange.request_body.text.len()
                + headers(&exchange.request_headers)
                + 3 * EACH
                + exchange.response.as_ref().map_or(0, |response| {
                    response.body.text.len() + headers(&response.headers) + EACH
                })
        })
    }
}

/// Returns the word for what a request was for.
pub(crate) fn purpose(exchange: &Exchange, verb: Option<&'static str>) -> &'static str {
    match exchange.purpose {
        Purpose::Token => "token",
        Purpose::Lookup => "lookup",
        Purpose::Discovery => "discovery",
        Purpose::Check => "check",
        Purpose::Replay => "replay",
        Purpose::Write => verb.unwrap_or("write"),
    }
}

/// The rows, and which of them pass the filter.
#[derive(Debug)]
pub(crate) struct Stream {
    rows: VecDeque<Row>,
    bytes: usize,
    limit: usize,
    next: u64,
    /// How many rows the ring has let go and not got back; they are in the journal.
    pub(crate) dropped: u64,
    /// The number in the journal of the oldest row that was ever here.
    reach: Option<u64>,
    /// Older windows are being read: they may take as much again, until the newest rows are wanted.
    reading: bool,
    filter: Filter,
    /// The numbers of the rows that pass, when the filter is not open.
    passing: VecDeque<u64>,
}

impl Stream {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            rows: VecDeque::new(),
            bytes: 0,
            limit,
            // Older windows are numbered downwards from here.
            next: 1 << 40,
            dropped: 0,
            reach: None,
            reading: false,
            filter: Filter::default(),
            passing: VecDeque::new(),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many bytes it may hold now.
    pub(crate) fn limit(&self) -> usize {
        self.limit * self.windows()
    }

    /// Tells whether there is room for an older window.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < self.limit * 2
    }

    /// Makes room for older windows.
    pub(crate) fn read_back(&mut self) {
        self.reading = true;
    }

    /// Lets older windows go: the newest rows are wanted.
    pub(crate) fn follow(&mut self) {
        self.reading = false;
        self.let_go();
    }

    fn windows(&self) -> usize {
        if self.reading { 2 } else { 1 }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Returns how many rows pass the filter.
    pub(crate) fn shown(&self) -> usize {
        if self.filter.is_open() {
            self.rows.len()
        } else {
            self.passing.len()
        }
    }

    /// Returns a row that passes the filter by its place.
    pub(crate) fn get(&self, at: usize) -> Option<&Row> {
        if self.filter.is_open() {
            self.rows.get(at)
        } else {
            self.row(*self.passing.get(at)?)
        }
    }

    /// Returns a row by its number.
    pub(crate) fn row(&self, number: u64) -> Option<&Row> {
        let first = self.rows.front()?.number;
        self.rows
            .get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// Returns the place among the rows that pass; of the next later one when the row itself does not.
    pub(crate) fn place(&self, number: u64) -> usize {
        if self.filter.is_open() {
            let first = self.rows.front().map_or(number, |row| row.number);
            usize::try_from(number.saturating_sub(first)).unwrap_or(0)
        } else {
            self.passing.partition_point(|one| *one < number)
        }
    }

    /// Returns the number that was given last.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Returns the number in the journal of the oldest row.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.rows.iter().find_map(|row| row.seq)
    }

    /// Returns when the oldest row was.
    pub(crate) fn oldest_at(&self) -> Option<Timestamp> {
        self.rows.front().map(|row| row.at)
    }

    /// Returns the number in the journal of the newest row.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.rows.iter().rev().find_map(|row| row.seq)
    }

    /// Takes another filter.
    pub(crate) fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.passing.clear();
        if !self.filter.is_open() {
            let passing = self
                .rows
                .iter()
                .filter(|row| self.filter.passes(row))
                .map(|row| row.number);
            self.passing.extend(passing);
        }
    }

    /// Marks a row, or takes the mark away.
    pub(crate) fn mark(&mut self, number: u64) {
        let Some(first) = self.rows.front().map(|row| row.number) else {
            return;
        };
        let at = number
            .checked_sub(first)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(at) = at.filter(|at| *at < self.rows.len()) {
            self.rows[at].marked = !self.rows[at].marked;
            self.pass_again(at);
        }
    }

    /// Sees again whether a row passes, because it has changed.
    fn pass_again(&mut self, at: usize) {
        if self.filter.is_open() {
            return;
        }
        let row = &self.rows[at];
        let (number, passes) = (row.number, self.filter.passes(row));
        let place = self.passing.partition_point(|one| *one < number);
        match (passes, self.passing.get(place) == Some(&number)) {
            (true, false) => self.passing.insert(place, number),
            (false, true) => {
                self.passing.remove(place);
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Adds a row at the newer end.
    pub(crate) fn push(&mut self, mut row: Row) {
        row.number = self.next;
        self.next += 1;
        self.bytes += row.size();
        if !self.filter.is_open() && self.filter.passes(&row) {
            self.passing.push_back(row.number);
        }
        self.reach = self.reach.or(row.seq);
        self.rows.push_back(row);
        self.let_go();
    }

    /// Lets the oldest rows go while there are too many.
    fn let_go(&mut self) {
        let rows = LIMIT_ROWS * self.windows();
        while self.rows.len() > 1 && (self.bytes > self.limit() || self.rows.len() > rows) {
            if let Some(oldest) = self.rows.pop_front() {
                self.bytes -= oldest.size();
                // A request that is under way is in the journal when it ends, and comes again then.
                self.dropped += u64::from(oldest.seq.is_some());
                if self.passing.front() == Some(&oldest.number) {
                    self.passing.pop_front();
                }
            }
        }
    }

    /// Puts the end of a request in place of its beginning; says whether the beginning was there.
    pub(crate) fn finish(&mut self, id: ExchangeId, seq: Option<u64>, what: &What) -> bool {
        let mut recent = self.rows.iter().enumerate().rev().take(UNDER_WAY);
        let found = recent.find(
            |(_, row)| matches!(&row.what, What::UnderWay(started) if started.exchange.id == id),
        );
        let Some((at, _)) = found else { return false };
        let row = &mut self.rows[at];
        self.bytes -= row.size();
        row.what = what.clone();
        row.seq = seq;
        self.bytes += row.size();
        self.reach = self.reach.or(seq);
        self.pass_again(at);
        true
    }

    /// Puts older rows in front, newest last. Those that had been here are not lost any more.
    pub(crate) fn prepend(&mut self, rows: Vec<Row>) -> usize {
        let before = self.shown();
        for mut row in rows.into_iter().rev() {
            let Some(number) = self
                .rows
                .front()
                .map_or(self.next, |first| first.number)
                .checked_sub(1)
            else {
                break;
            };
            row.number = number;
            if self.rows.is_empty() {
                self.next = number + 1;
            }
            match (row.seq, self.reach) {
                (Some(seq), Some(reach)) if seq >= reach => {
                    self.dropped = self.dropped.saturating_sub(1);
                }
                (Some(seq), _) => self.reach = Some(seq),
                (None, _) => {}
            }
            self.bytes += row.size();
            if !self.filter.is_open() && self.filter.passes(&row) {
                self.passing.push_front(number);
            }
            self.rows.push_front(row);
        }
        self.shown() - before
    }
}

/// Makes a row of an exchange that was read back.
pub(crate) fn read_back(view: ExchangeView, verb: Option<&'static str>, subject: Arc<str>) -> Row {
    Row {
        number: 0,
        seq: Some(view.seq),
        at: view.exchange.at,
        flow: view.flow,
        operation: view.operation,
        target: view.connector.to_string().into(),
        connector: Some(view.connector),
        op: purpose(&view.exchange, verb),
        subject,
        attempt: view.attempt,
        what: What::Exchange(Arc::new(view.exchange)),
        marked: false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;

    #[test]
    fn the_ring_stays_within_its_bytes_and_counts_what_it_let_go() {
        let one = samples::row("a/b", "create", "kim", Some(200), 1, 1);
        let size = one.size();
        let mut stream = Stream::new(size * 10);
        for _ in 0..100 {
            stream.push(one.clone());
        }
        assert_eq!(
            (stream.len(), stream.dropped),
            (10, 0),
            "none of them ended"
        );
        for seq in 1..=100 {
            let seq = Some(seq);
            stream.push(Row { seq, ..one.clone() });
        }
        assert_eq!((stream.len(), stream.dropped), (10, 90));
        assert!(stream.bytes() <= size * 10);
    }

    fn numbered(seq: u64) -> Row {
        let seq = Some(seq);
        Row {
            seq,
            ..samples::row("a/b", "create", "kim", Some(200), 1, 1)
        }
    }

    #[test]
    fn older_windows_have_as_much_room_again_and_are_let_go_when_the_newest_are_wanted() {
        let size = numbered(1).size();
        let mut stream = Stream::new(size * 10);
        for seq in 101..=130 {
            stream.push(numbered(seq));
        }
        assert_eq!((stream.oldest(), stream.dropped), (Some(121), 20));

        stream.read_back();
        assert!(stream.has_room());
        stream.prepend((116..121).map(numbered).collect());
        assert_eq!(stream.dropped, 15, "those that are here again are not lost");
        stream.push(numbered(131));
        assert_eq!(stream.oldest(), Some(116), "what is read stays");
        stream.prepend((96..116).map(numbered).collect());
        assert_eq!(stream.dropped, 0, "older ones had never been here");
        assert!(!stream.has_room(), "it does not grow without an end");

        stream.follow();
        assert_eq!((stream.len(), stream.oldest()), (10, Some(122)));
        assert!(stream.bytes() <= size * 10);
    }

    #[test]
    fn a_mark_is_seen_by_the_filter_at_once() {
        let mut stream = Stream::new(LIMIT_BYTES);
        stream.push(numbered(1));
        stream.push(numbered(2));
        let number = stream.last();
        stream.set_filter(Filter::parse("is:marked").unwrap());
        assert_eq!(stream.shown(), 0);
        stream.mark(number);
        assert_eq!(stream.get(0).map(|row| row.seq), Some(Some(2)));
        stream.mark(number);
        assert_eq!(stream.shown(), 0);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_what_passes_whatever_comes_and_goes(
            steps in prop::collection::vec((0..4_u8, prop::option::of(200..600_u16)), 0..120)
        ) {
            let size = samples::row("a/b", "create", "kim", Some(200), 1, 1).size();
            let mut stream = Stream::new(size * 20);
            stream.set_filter(Filter::parse("st>=400").unwrap());
            for (step, status) in steps {
                let row = samples::row("a/b", "create", "kim", status, 1, 1);
                match step {
                    0 => { stream.prepend(vec![row.clone(), row]); }
                    1 => { let number = stream.get(0).map_or(0, |row| row.number); stream.mark(number); }
                    _ => stream.push(row),
                }
                let wanted: Vec<u64> = stream.rows.iter().filter(|row| stream.filter.passes(row)).map(|row| row.number).collect();
                prop_assert_eq!(stream.passing.iter().copied().collect::<Vec<_>>(), wanted);
                let bytes: usize = stream.rows.iter().map(Row::size).sum();
                prop_assert_eq!(stream.bytes, bytes);
            }
        }
    }
}
