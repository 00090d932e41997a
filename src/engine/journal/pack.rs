//! How facts stand in a row: those of one flow that were committed together, as JSON, compressed.
//!
//! Writing a fact is mostly writing its row and its index entries, so facts that are committed together share them. An
//! exchange has a row to itself, so that it can be read, and forgotten, alone.

use std::borrow::Cow;

use domain::FlowId;
use serde::de::DeserializeOwned;

use super::JournalError;
use super::{code, press};
use crate::{Fact, Record};

/// The forms of a body: plain JSON, and JSON compressed with the first dictionary. Other numbers are free.
const JSON: i64 = 0;
const PRESSED_1: i64 = 1;

/// The first byte of a value in a table of its own when it is compressed; JSON begins otherwise.
const PRESSED_1_MARK: u8 = 1;

/// A body with its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(super) format: i64,
    pub(super) body: Vec<u8>,
}

impl Packed {
    /// Compresses JSON, unless it becomes no smaller.
    fn of(text: &[u8]) -> Result<Self, JournalError> {
        let body = press::press(text).map_err(store)?;
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
}

/// So many bytes of JSON at most stand in a row, unless a single fact is larger.
const ROW: usize = 64 << 10;

/// Consecutive facts of one flow, as they stand in one row.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) flow: Option<FlowId>,
    /// How many facts they are.
    pub(super) count: usize,
    /// The fact's word; empty when there are several.
    pub(super) kind: &'static str,
    pub(super) packed: Packed,
}

fn store(error: impl std::fmt::Display) -> JournalError {
    JournalError::Store {
        told: error.to_string(),
    }
}

/// Packs one value that stands in a table of its own: a link, a user.
pub(super) fn pack(value: &impl serde::Serialize) -> Result<Vec<u8>, JournalError> {
    let mut packed = Packed::of(&code::json(value)?)?;
    if packed.format == PRESSED_1 {
        packed.body.insert(0, PRESSED_1_MARK);
    }
    Ok(packed.body)
}

/// Reads a value that was packed.
pub(super) fn unpack<T: DeserializeOwned>(body: &[u8]) -> Result<T, JournalError> {
    serde_json::from_slice(&packed_text(body)?).map_err(|error| unreadable(0, error.to_string()))
}

/// Returns the JSON of a value that was packed.
pub(super) fn packed_text(body: &[u8]) -> Result<Cow<'_, [u8]>, JournalError> {
    match body.split_first() {
        Some((&PRESSED_1_MARK, pressed)) => text(0, PRESSED_1, pressed),
        _ => Ok(body.into()),
    }
}

fn unreadable(seq: i64, told: String) -> JournalError {
    JournalError::Unreadable {
        seq: code::unsigned(seq),
        told,
    }
}

/// Returns the JSON of a row.
pub(super) fn text(seq: i64, format: i64, body: &[u8]) -> Result<Cow<'_, [u8]>, JournalError> {
    match format {
        JSON => Ok(body.into()),
        PRESSED_1 => press::read(body)
            .map(Cow::from)
            .map_err(|error| unreadable(seq, error.to_string())),
        other => Err(unreadable(seq, format!("unknown form {other}"))),
    }
}

/// Packs facts that stand in one row already.
pub(super) fn pack_facts(facts: &[Fact]) -> Result<Packed, JournalError> {
    let mut text = Vec::new();
    for fact in facts {
        serde_json::to_writer(&mut text, fact).map_err(store)?;
    }
    Packed::of(&text)
}

/// Packs facts into rows: consecutive ones of one flow together, each exchange apart.
pub(super) fn runs(records: &[Record]) -> Result<Vec<Run>, JournalError> {
    let mut out = Vec::new();
    let mut text = Vec::with_capacity(8 << 10);
    let mut rest = records;
    while let Some(first) = rest.first() {
        text.clear();
        let mut count = 0;
        for record in rest {
            let joins = count == 0
                || record.flow == first.flow
                    && !stands_apart(&first.fact)
                    && !stands_apart(&record.fact)
                    && text.len() < ROW;
            if !joins {
                break;
            }
            serde_json::to_writer(&mut text, &record.fact).map_err(store)?;
            count += 1;
        }
        out.push(Run {
            flow: first.flow,
            count,
            kind: if count == 1 { first.fact.word() } else { "" },
            packed: Packed::of(&text)?,
        });
        rest = &rest[count..];
    }
    Ok(out)
}

fn stands_apart(fact: &Fact) -> bool {
    matches!(fact, Fact::ExchangeRecorded { .. })
}

/// Reads the facts of one row.
pub(super) fn facts(seq: i64, format: i64, body: &[u8]) -> Result<Vec<Fact>, JournalError> {
    let text = text(seq, format, body)?;
    serde_json::Deserializer::from_slice(&text)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(seq, error.to_string()))
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
    fn facts_of_one_flow_share_a_row_and_an_exchange_has_its_own() {
        let records = [
            record(1, discarded("a")),
            record(1, discarded("b")),
            record(1, exchange()),
            record(1, discarded("c")),
            record(2, discarded("d")),
        ];
        let runs = runs(&records).unwrap();
        let shape: Vec<(usize, &str)> = runs.iter().map(|run| (run.count, run.kind)).collect();
        assert_eq!(
            shape,
            [
                (2, ""),
                (1, "exchange-recorded"),
                (1, "discarded"),
                (1, "discarded")
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
    fn a_long_commit_is_cut_into_rows() {
        let long = "x".repeat(ROW / 4);
        let records: Vec<Record> = (0..40).map(|_| record(1, discarded(&long))).collect();
        let runs = runs(&records).unwrap();
        assert!(runs.len() > 5, "{}", runs.len());
        assert_eq!(runs.iter().map(|run| run.count).sum::<usize>(), 40);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_number() {
        for (format, body) in [
            (JSON, &b"nonsense"[..]),
            (PRESSED_1, b"nonsense"),
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
