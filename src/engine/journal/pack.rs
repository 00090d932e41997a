//! How facts stand in a row: those of one flow that were committed together, in shorthand, compressed.
//!
//! Writing a fact is mostly writing its row and its index entries, so facts that are committed together share them. The
//! exchanges of an attempt stand in front of what came of it: what was sent, answered and linked are nearly the same words,
//! which compress to little more than one of them. In front they can be forgotten, and removed, without the rest.

use std::borrow::Cow;

use domain::{FlowId, Link, User};
use rusqlite::Connection;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::JournalError;
use super::code;
use super::press::{self, Dictionary};
use super::shorthand::{self, Trouble};
use crate::{DirectoryChange, Fact, Record};

/// The forms of a body: plain JSON, JSON compressed with the first dictionary, shorthand compressed with the second, and
/// shorthand as it is. Other numbers are free.
const JSON: i64 = 0;
const PRESSED_1: i64 = 1;
const PRESSED_2: i64 = 2;
const SHORTHAND: i64 = 3;

/// The first byte of a value in a table of its own when it is compressed; JSON begins otherwise.
const PRESSED_1_MARK: u8 = 1;

/// The first byte of such a value when it stands in a fact: the fact's number and the place within it follow, eight bytes and
/// four.
const REFERENCE_MARK: u8 = 2;
const REFERENCE: usize = 13;

/// A body with its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(super) format: i64,
    pub(super) body: Vec<u8>,
}

impl Packed {
    /// Compresses JSON, unless it becomes no smaller.
    fn of(text: &[u8]) -> Result<Self, JournalError> {
        let body = press::press(Dictionary::Json, text).map_err(store)?;
        Ok(if body.len() < text.len() {
            Self {
                format: PRESSED_1,
                body,
            }
        } else {
            Self {
                format: JSON,
                body: text.to_vec(),
            }
        })
    }

    /// Compresses shorthand, unless it becomes no smaller.
    fn of_shorthand(written: Vec<u8>) -> Result<Self, JournalError> {
        let body = press::press(Dictionary::Shorthand, &written).map_err(store)?;
        Ok(if body.len() < written.len() {
            Self {
                format: PRESSED_2,
                body,
            }
        } else {
            Self {
                format: SHORTHAND,
                body: written,
            }
        })
    }
}

/// So many bytes of shorthand at most stand in a row, unless a single fact is larger.
const ROW: usize = 16 << 10;

/// Consecutive facts of one flow, as they stand in one row.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) flow: Option<FlowId>,
    /// How many facts they are.
    pub(super) count: usize,
    /// How many of them are exchanges; these come first.
    pub(super) exchanges: usize,
    /// The fact's word; empty when there are several.
    pub(super) kind: &'static str,
    pub(super) packed: Packed,
}

fn store(error: impl std::fmt::Display) -> JournalError {
    JournalError::Store {
        told: error.to_string(),
    }
}

/// Packs one value that stands in a table of its own.
pub(super) fn pack(value: &impl serde::Serialize) -> Result<Vec<u8>, JournalError> {
    let mut packed = Packed::of(&code::json(value)?)?;
    if packed.format == PRESSED_1 {
        packed.body.insert(0, PRESSED_1_MARK);
    }
    Ok(packed.body)
}

/// Says that a value stands in a fact, at a place of its list when it has one, so that it is written once.
pub(super) fn refer(seq: u64, nth: usize) -> [u8; REFERENCE] {
    let mut body = [REFERENCE_MARK; REFERENCE];
    body[1..9].copy_from_slice(&seq.to_be_bytes());
    body[9..].copy_from_slice(&u32::try_from(nth).unwrap_or(u32::MAX).to_be_bytes());
    body
}

/// A value that a fact brings and a table refers to.
pub(super) trait Brought: DeserializeOwned {
    /// Takes it out of its fact.
    fn of(fact: Fact, nth: usize) -> Option<Self>;
}

impl Brought for User {
    fn of(fact: Fact, nth: usize) -> Option<Self> {
        match fact {
            Fact::DirectoryChanged { mut changes } if nth < changes.len() => {
                match changes.swap_remove(nth) {
                    DirectoryChange::UserPut(user) => Some(user),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl Brought for Link {
    fn of(fact: Fact, _: usize) -> Option<Self> {
        match fact {
            Fact::Linked { link } => Some(*link),
            _ => None,
        }
    }
}

/// Reads a value that stands in its table, or in a fact that it refers to. Which groups a user is in is not part of it.
pub(super) fn brought<T: Brought>(db: &Connection, body: &[u8]) -> Result<T, JournalError> {
    let [REFERENCE_MARK, rest @ ..] = body else {
        return unpack(body);
    };
    let place = rest
        .split_first_chunk()
        .and_then(|(seq, nth)| Some((u64::from_be_bytes(*seq), nth.try_into().ok()?)));
    let Some((seq, nth)) = place else {
        return Err(unreadable(0, "it refers to no fact".to_owned()));
    };
    let nth = usize::try_from(u32::from_be_bytes(nth)).unwrap_or(usize::MAX);
    let seq = code::signed(seq);
    fact(db, seq)?
        .and_then(|fact| T::of(fact, nth))
        .ok_or_else(|| {
            unreadable(
                seq,
                "something refers to it that it does not hold".to_owned(),
            )
        })
}

/// Reads one fact by its number.
pub(super) fn fact(db: &Connection, seq: i64) -> Result<Option<Fact>, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT seq, format, body FROM facts WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1",
    )?;
    let mut rows = statement.query([seq])?;
    match rows.next()? {
        Some(row) => {
            let first: i64 = row.get(0)?;
            let body = row.get_ref(2)?.as_blob().unwrap_or(&[]);
            nth(first, row.get(1)?, body, seq - first)
        }
        None => Ok(None),
    }
}

/// Reads one of the facts of a row, by its place; those in front of it are passed over.
pub(super) fn nth(
    seq: i64,
    format: i64,
    body: &[u8],
    place: i64,
) -> Result<Option<Fact>, JournalError> {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    match text(seq, format, body)? {
        Text::Json(text) => {
            let mut values = serde_json::Deserializer::from_slice(&text).into_iter::<IgnoredAny>();
            let passed = values.by_ref().take(place).collect::<Result<Vec<_>, _>>();
            let passed = passed.map_err(|error| unreadable(seq, error.to_string()))?;
            if passed.len() < place {
                return Ok(None);
            }
            let rest = &text[values.byte_offset()..];
            let mut facts = serde_json::Deserializer::from_slice(rest).into_iter();
            let fact = facts.next().transpose();
            fact.map_err(|error| unreadable(seq, error.to_string()))
        }
        Text::Shorthand(written) => {
            let damaged = |error: Trouble| unreadable(seq, error.to_string());
            let mut reader = shorthand::Reader::of(&written).map_err(damaged)?;
            for _ in 0..place {
                match reader.next::<IgnoredAny>() {
                    Some(passed) => passed.map_err(damaged)?,
                    None => return Ok(None),
                };
            }
            reader.next().transpose().map_err(damaged)
        }
    }
}

/// Packs a row of so many facts once more, without those in front of a place.
pub(super) fn from(
    seq: i64,
    format: i64,
    body: &[u8],
    count: i64,
    place: i64,
) -> Result<Packed, JournalError> {
    let facts = whole(seq, format, body, count)?;
    let rest = usize::try_from(place).ok().and_then(|at| facts.get(at..));
    match rest {
        Some(rest) => pack_facts(rest),
        None => Err(unreadable(
            seq,
            format!("it holds fewer than {place} facts"),
        )),
    }
}

/// Reads a value that was packed.
pub(super) fn unpack<T: DeserializeOwned>(body: &[u8]) -> Result<T, JournalError> {
    let text = packed_text(body)?.ok_or_else(|| unreadable(0, "it stands in a fact".to_owned()))?;
    serde_json::from_slice(&text).map_err(|error| unreadable(0, error.to_string()))
}

/// Returns the JSON of a value that was packed; `None` when it stands in a fact.
pub(super) fn packed_text(body: &[u8]) -> Result<Option<Cow<'_, [u8]>>, JournalError> {
    match body.split_first() {
        Some((&PRESSED_1_MARK, pressed)) => json(0, pressed).map(|text| Some(text.into())),
        Some((&REFERENCE_MARK, _)) => Ok(None),
        _ => Ok(Some(body.into())),
    }
}

fn unreadable(seq: i64, told: String) -> JournalError {
    JournalError::Unreadable {
        seq: code::unsigned(seq),
        told,
    }
}

/// What a row says, no longer compressed.
pub(super) enum Text<'a> {
    Json(Cow<'a, [u8]>),
    Shorthand(Cow<'a, [u8]>),
}

fn json(seq: i64, pressed: &[u8]) -> Result<Vec<u8>, JournalError> {
    press::read(Dictionary::Json, pressed).map_err(|error| unreadable(seq, error.to_string()))
}

/// Returns what a row says.
pub(super) fn text(seq: i64, format: i64, body: &[u8]) -> Result<Text<'_>, JournalError> {
    match format {
        JSON => Ok(Text::Json(body.into())),
        PRESSED_1 => json(seq, body).map(|text| Text::Json(text.into())),
        PRESSED_2 => press::read(Dictionary::Shorthand, body)
            .map(|written| Text::Shorthand(written.into()))
            .map_err(|error| unreadable(seq, error.to_string())),
        SHORTHAND => Ok(Text::Shorthand(body.into())),
        other => Err(unreadable(seq, format!("unknown form {other}"))),
    }
}

/// Packs facts that stand in one row already.
pub(super) fn pack_facts(facts: &[Fact]) -> Result<Packed, JournalError> {
    let written = shorthand::with_writer(|writer| {
        facts.iter().try_for_each(|fact| writer.write(fact))?;
        Ok(writer.finish())
    });
    packed(written, facts.iter())
}

/// Packs what was written, or as JSON what has no shorthand.
fn packed<'f>(
    written: Result<Vec<u8>, Trouble>,
    facts: impl Iterator<Item = &'f Fact>,
) -> Result<Packed, JournalError> {
    if let Ok(written) = written {
        return Packed::of_shorthand(written);
    }
    let mut text = Vec::new();
    for fact in facts {
        serde_json::to_writer(&mut text, fact).map_err(store)?;
    }
    Packed::of(&text)
}

/// Packs facts into rows: consecutive ones of one flow together, exchanges in front. What belongs to no flow is removed row
/// by row, so each of its exchanges stands alone.
pub(super) fn runs(records: &[Record]) -> Result<Vec<Run>, JournalError> {
    let mut out = Vec::new();
    let mut rest = records;
    while let Some(first) = rest.first() {
        let mut count = 0;
        let mut exchanges = 0;
        let written = shorthand::with_writer(|writer| {
            let mut written = Ok(());
            for record in rest {
                let is_exchange = is_exchange(&record.fact);
                let joins = count == 0
                    || record.flow == first.flow
                        && written.is_ok()
                        && writer.len() < ROW
                        && (!is_exchange || exchanges == count)
                        && (first.flow.is_some() || exchanges == 0 && !is_exchange);
                if !joins {
                    break;
                }
                written = written.and_then(|()| writer.write(&record.fact));
                count += 1;
                exchanges += usize::from(is_exchange);
            }
            written.map(|()| writer.finish())
        });
        let (run, others) = rest.split_at(count);
        out.push(Run {
            flow: first.flow,
            count,
            exchanges,
            kind: if count == 1 { first.fact.word() } else { "" },
            packed: packed(written, run.iter().map(|record| &record.fact))?,
        });
        rest = others;
    }
    Ok(out)
}

fn is_exchange(fact: &Fact) -> bool {
    matches!(fact, Fact::ExchangeRecorded { .. })
}

/// Reads the facts of one row.
pub(super) fn facts(seq: i64, format: i64, body: &[u8]) -> Result<Vec<Fact>, JournalError> {
    match text(seq, format, body)? {
        Text::Json(text) => serde_json::Deserializer::from_slice(&text)
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(seq, error.to_string())),
        Text::Shorthand(written) => {
            let damaged = |error: Trouble| unreadable(seq, error.to_string());
            let mut reader = shorthand::Reader::of(&written).map_err(damaged)?;
            let facts = std::iter::from_fn(|| reader.next::<Fact>());
            let facts = facts.collect::<Result<Vec<Fact>, Trouble>>();
            let facts = facts.map_err(damaged)?;
            reader.done().map_err(damaged)?;
            Ok(facts)
        }
    }
}

/// Reads the facts of a row of so many, before it is written anew or removed: one that shows fewer is damaged, and stays.
pub(super) fn whole(
    seq: i64,
    format: i64,
    body: &[u8],
    count: i64,
) -> Result<Vec<Fact>, JournalError> {
    let facts = facts(seq, format, body)?;
    if usize::try_from(count) == Ok(facts.len()) {
        return Ok(facts);
    }
    let told = format!("it shows {} facts instead of {count}", facts.len());
    Err(unreadable(seq, told))
}

#[cfg(test)]
mod tests {
    use domain::{ConnectorRef, OperationId};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn record(flow: u128, fact: Fact) -> Record {
        Record {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            flow: Some(FlowId(Uuid::from_u128(flow))),
            fact,
        }
    }

    fn discarded(why: &str) -> Fact {
        Fact::Discarded {
            operation: OperationId(Uuid::nil()),
            why: why.to_owned(),
        }
    }

    fn exchange() -> Fact {
        let connector: ConnectorRef = "corp-scim/scim2".parse().unwrap();
        let exchange = serde_json::from_value(serde_json::json!({
            "id": Uuid::nil(), "purpose": "write", "at": "2026-01-01T00:00:00Z", "method": "POST", "url": "http://x",
            "request_headers": [], "request_body": {"text": "", "size_bytes": 0, "cut": false},
            "response": null, "error": null, "took": {"secs": 0, "nanos": 0},
        }));
        Fact::ExchangeRecorded {
            operation: None,
            attempt: 1,
            connector,
            exchange: Box::new(exchange.unwrap()),
        }
    }

    #[test]
    fn facts_of_one_flow_share_a_row_and_exchanges_come_first() {
        let apart = |fact| Record {
            flow: None,
            ..record(0, fact)
        };
        let records = [
            record(1, discarded("a")),
            record(1, discarded("b")),
            record(1, exchange()),
            record(1, exchange()),
            record(1, discarded("c")),
            record(1, exchange()),
            record(2, discarded("d")),
            apart(exchange()),
            apart(exchange()),
            apart(discarded("e")),
            apart(discarded("f")),
        ];
        let runs = runs(&records).unwrap();
        let shape: Vec<(usize, usize, &str)> = runs
            .iter()
            .map(|run| (run.count, run.exchanges, run.kind))
            .collect();
        assert_eq!(
            shape,
            [
                (2, 0, ""),
                (3, 2, ""),
                (1, 1, "exchange-recorded"),
                (1, 0, "discarded"),
                (1, 1, "exchange-recorded"),
                (1, 1, "exchange-recorded"),
                (2, 0, ""),
            ]
        );
        let read: Vec<Fact> = runs
            .iter()
            .flat_map(|run| facts(1, run.packed.format, &run.packed.body).unwrap())
            .collect();
        let written: Vec<Fact> = records.into_iter().map(|record| record.fact).collect();
        assert_eq!(read, written);
    }

    #[test]
    fn a_value_of_a_table_is_read_whether_it_is_compressed_or_not() {
        let value = serde_json::json!({ "name": "kim".repeat(100) });
        let packed = pack(&value).unwrap();
        assert!(packed.len() < 100, "{}", packed.len());
        for body in [packed, code::json(&value).unwrap()] {
            assert_eq!(unpack::<serde_json::Value>(&body).unwrap(), value);
        }
        assert!(unpack::<bool>(&pack(&true).unwrap()).unwrap());
    }

    #[test]
    fn a_fact_of_a_row_is_read_alone_and_those_in_front_can_go() {
        let records = [
            record(1, exchange()),
            record(1, exchange()),
            record(1, discarded("a")),
            record(1, discarded("b")),
        ];
        let [run] = <[Run; 1]>::try_from(runs(&records).unwrap()).unwrap();
        let Packed { format, body } = &run.packed;
        for (place, record) in (0..).zip(&records) {
            let read = nth(5, *format, body, place).unwrap();
            assert_eq!(read.as_ref(), Some(&record.fact));
        }
        assert_eq!(nth(5, *format, body, 4).unwrap(), None);
        let rest = from(5, *format, body, 4, 2).unwrap();
        let rest = facts(7, rest.format, &rest.body).unwrap();
        assert_eq!(rest, [discarded("a"), discarded("b")]);
        from(5, *format, body, 4, 5).unwrap_err();
        for other in [3, 5] {
            from(5, *format, body, other, 2).unwrap_err();
        }
    }

    #[test]
    fn a_table_reads_what_it_refers_to_from_the_fact() {
        let user = |name: &str| User {
            id: domain::UserId(Uuid::from_u128(7)),
            name: name.into(),
            claims: domain::Claims::new(),
            roles: std::collections::BTreeSet::new(),
            groups: std::collections::BTreeSet::new(),
        };
        let changes = ["kim", "lee"].map(|name| DirectoryChange::UserPut(user(name)));
        let changes = changes.to_vec();
        let records = [
            record(1, discarded("a")),
            record(1, Fact::DirectoryChanged { changes }),
        ];
        let mut db = Connection::open_in_memory().unwrap();
        super::super::migrate::make(&mut db).unwrap();
        let run = &runs(&records).unwrap()[0];
        super::super::fold::append(&db, 9, Timestamp::UNIX_EPOCH, run).unwrap();
        let read = |seq, nth| brought::<User>(&db, &refer(seq, nth));
        assert_eq!(read(10, 1).unwrap(), user("lee"));
        for (seq, nth) in [(9, 0), (10, 2), (11, 0), (3, 0)] {
            let error = read(seq, nth).unwrap_err();
            assert!(
                matches!(error, JournalError::Unreadable { seq: at, .. } if at == seq),
                "{error}"
            );
        }
        brought::<User>(&db, &[REFERENCE_MARK, 1]).unwrap_err();
        let whole = pack(&user("ann")).unwrap();
        assert_eq!(brought::<User>(&db, &whole).unwrap(), user("ann"));
    }

    #[test]
    fn a_long_commit_is_cut_into_rows() {
        let long = "x".repeat(ROW / 4);
        let records: Vec<Record> = (0..40).map(|_| record(1, discarded(&long))).collect();
        let runs = runs(&records).unwrap();
        assert!(runs.len() > 5, "{}", runs.len());
        assert_eq!(runs.iter().map(|run| run.count).sum::<usize>(), 40);
    }

    /// A row as it was written when shorthand was made, as it is and compressed. Neither changes: files hold such rows.
    const WRITTEN: &str = "5637300a0a24098103258075a00009a003803c020780a703080c39a0001124a0028103290a805f098106090608270b0980fe80c380ffa0008102811f80ffa003815010010000261010078001801c8055a004809da003080000000000000000123456789abcdef000000000000000000000000000000007066f662d6f6c64086f74746f6c696e65140000000000000000000000000000000014323032362d30312d30315430303a30303a30305a08687474703a2f2f78";
    const WRITTEN_AND_PRESSED: &str = "28b52ffd20b625040064065637300a0a24090009a003803c020780a703080c39a0001124a002a00003815010010000261010078001801c8055a004809da0030800123456789abcdef00007066f662d6f6c64086f74746f6c696e6514001430312d30315430303a5a08687474703a2f2f7809fcfaf21d6a4da0f373fbf049c663a954c0ea9af57839be4b69101c";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes_of(hex: &str) -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Two records of the list, one of them with a field that is left out; an id and a text that come again, once between
    /// quotation marks; and a fact that is no record.
    fn of_old() -> Vec<Fact> {
        let id = Uuid::from_u128(0x1234_5678_9abc_def0);
        let connector: ConnectorRef = "of-old/scim2".parse().unwrap();
        let queued = crate::Queued {
            operation: OperationId(id),
            trigger: domain::TriggerId(Uuid::from_u128(7)),
            connector: connector.clone(),
            local: domain::LocalRef::User(domain::UserId(id)),
            name: "ottoline".into(),
            remote_name: "ottoline".to_owned(),
            verb: domain::Verb::Create,
            blocking: true,
            cause: crate::Cause::Decision(20),
            held: None,
        };
        let Fact::ExchangeRecorded { mut exchange, .. } = exchange() else {
            unreachable!("it is one");
        };
        exchange.request_body.text = format!(r#"{{"id":"{id}","userName":"ottoline"}}"#);
        vec![
            Fact::OperationQueued { queued },
            Fact::ExchangeRecorded {
                operation: Some(OperationId(id)),
                attempt: 1,
                connector,
                exchange,
            },
            discarded("ottoline"),
        ]
    }

    #[test]
    fn a_row_of_old_is_read_whatever_the_lists_and_the_dictionary_hold_by_now() {
        let facts = of_old();
        let written = shorthand::with_writer(|writer| {
            for fact in &facts {
                writer.write(fact).unwrap();
            }
            writer.finish()
        });
        let pressed = hex(&press::press(Dictionary::Shorthand, &written).unwrap());
        assert_eq!(hex(&written), WRITTEN, "compressed: {pressed}");
        for (format, body) in [(SHORTHAND, WRITTEN), (PRESSED_2, WRITTEN_AND_PRESSED)] {
            // How it is compressed now may differ; how it is read may not.
            let read = super::facts(7, format, &bytes_of(body)).ok();
            assert_eq!(read.as_ref(), Some(&facts), "compressed: {pressed}");
        }
    }

    #[test]
    fn a_row_with_something_left_over_or_with_other_facts_than_it_says_is_an_error() {
        let mut written = shorthand::with_writer(|writer| {
            writer.write(&discarded("a")).unwrap();
            writer.finish()
        });
        assert_eq!(whole(7, SHORTHAND, &written, 1).unwrap(), [discarded("a")]);
        for count in [-1, 0, 2] {
            whole(7, SHORTHAND, &written, count).unwrap_err();
        }
        written.push(0);
        facts(7, SHORTHAND, &written).unwrap_err();
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_number() {
        for (format, body) in [
            (JSON, &b"nonsense"[..]),
            (PRESSED_1, b"nonsense"),
            (PRESSED_2, b"nonsense"),
            (SHORTHAND, b"nonsense"),
            (9, b"{}"),
        ] {
            let error = facts(7, format, body).unwrap_err();
            assert!(
                matches!(error, JournalError::Unreadable { seq: 7, .. }),
                "{error}"
            );
        }
    }
}
