//! Values in shorthand: what JSON would say of them, in a fraction of the bytes, and written in less time.
//!
//! What is the same in every row comes first, as one stretch: which kinds of values follow each other. What differs comes
//! behind it: texts, ids and numbers. Fields of the usual records have no names, texts that are used everywhere are numbers,
//! and so is every text that stood in the row before. A text with quotation marks (bodies are mostly JSON) is cut at them,
//! for what stands between them is what stands elsewhere in the row.
//!
//! The lists of records and words are part of the format: entries are added at the end and never changed. A row's own words
//! are numbered from a place that the list does not reach, so that what is written keeps its meaning when the list grows; a
//! program that does not know a word or a record says so. The dictionary, and which lengths of texts are words, stay as well.

mod read;
#[cfg(test)]
mod samples;
mod words;
mod write;

use std::fmt;

use serde::{de, ser};

pub(super) use read::Reader;
pub(super) use write::with_writer;

/// The marks of the first stretch.
mod mark {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const NUMBER: u8 = 3;
    /// Below zero: how far below -1.
    pub(super) const NEGATIVE: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const LIST: u8 = 6;
    pub(super) const MAP: u8 = 7;
    pub(super) const END: u8 = 8;
    pub(super) const TEXT: u8 = 9;
    pub(super) const ID: u8 = 10;
    /// A text with quotation marks: how many pieces, and each of them.
    pub(super) const QUOTED: u8 = 11;
    /// A field that is left out.
    pub(super) const ABSENT: u8 = 12;
    /// Numbers that are small and mostly the same.
    pub(super) const SMALL: u8 = 16;
    pub(super) const SMALL_END: u8 = 32;
    /// The records, by their place in the list.
    pub(super) const RECORD: u8 = 32;
    pub(super) const RECORD_END: u8 = 128;
    /// A word: seven bits of its number, and a byte.
    pub(super) const WORD: u8 = 128;
}

/// Why something is not written in shorthand, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::journal) struct Trouble(String);

impl Trouble {
    fn of(told: &str) -> Self {
        Self(told.to_owned())
    }

    fn damaged() -> Self {
        Self::of("it ends too soon, or is damaged")
    }

    fn unknown() -> Self {
        Self::of("it says something that only a newer version knows, or is damaged")
    }
}

impl ser::Error for Trouble {
    fn custom<T: fmt::Display>(told: T) -> Self {
        Self(told.to_string())
    }
}

impl de::Error for Trouble {
    fn custom<T: fmt::Display>(told: T) -> Self {
        Self(told.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::read::take_number;
    use super::samples::{Draw, facts};
    use super::words::{FIRST_OF_ROW, LIST, LISTED, RECORDS};
    use super::write::put_number;
    use super::*;
    use crate::Fact;

    fn written(values: &[impl Serialize]) -> Vec<u8> {
        with_writer(|writer| {
            for value in values {
                writer.write(value).unwrap();
            }
            writer.finish()
        })
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, Trouble> {
        let mut reader = Reader::of(bytes)?;
        let values = std::iter::from_fn(|| reader.next()).collect::<Result<Vec<T>, Trouble>>()?;
        reader.done()?;
        Ok(values)
    }

    /// Returns the places in the list of the records that were written.
    fn records_in(bytes: &[u8]) -> BTreeSet<usize> {
        let mut rest = bytes;
        let size = take_number(&mut rest).unwrap();
        let mut kinds = &rest[..usize::try_from(size).unwrap()];
        let mut records = BTreeSet::new();
        while let Some((kind, rest)) = kinds.split_first() {
            kinds = rest;
            match *kind {
                mark::WORD.. => kinds = &kinds[1..],
                mark::QUOTED => {
                    take_number(&mut kinds).unwrap();
                }
                mark::RECORD..mark::RECORD_END => {
                    records.insert(usize::from(kind - mark::RECORD));
                }
                _ => {}
            }
        }
        records
    }

    fn any_text() -> impl Strategy<Value = String> + Clone {
        prop_oneof![
            "[a-c\"]{0,6}",
            "[ -~é\n]{0,40}",
            "x{250,260}",
            Just("settled".to_owned()),
            any::<u128>().prop_map(|id| Uuid::from_u128(id).to_string()),
            any::<u128>().prop_map(|id| Uuid::from_u128(id).to_string().to_uppercase()),
        ]
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = any_text();
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (0_u64..40).prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no others", |number| number.is_finite())
                .prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 60, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((text.clone(), inner), 0..6).prop_map(|fields| fields
                    .into_iter()
                    .collect::<serde_json::Map<_, _>>()
                    .into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_json_can_say_is_read_as_it_was_written(
            values in prop::collection::vec(any_json(), 0..5),
        ) {
            prop_assert_eq!(read::<Value>(&written(&values)).unwrap(), values);
        }

        #[test]
        fn every_fact_is_read_as_it_was_written_and_says_what_its_json_says(
            texts in prop::collection::vec(any_text(), 1..12), bits in any::<u64>(),
        ) {
            let facts = facts(&mut Draw::of(texts, bits));
            let written = written(&facts);
            let json: Vec<Value> = facts
                .iter()
                .map(|fact| serde_json::to_value(fact).unwrap())
                .collect();
            prop_assert_eq!(read::<Value>(&written).unwrap(), json);
            prop_assert_eq!(read::<Fact>(&written).unwrap(), facts);
        }

        #[test]
        fn damage_is_an_error_or_other_values_and_nothing_worse(
            values in prop::collection::vec(any_json(), 1..4), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut bytes = written(&values);
            let cut = at.index(bytes.len());
            let _ = read::<Value>(&bytes[..cut]);
            bytes[cut] = byte;
            let _ = read::<Value>(&bytes);
            let _ = read::<Fact>(&bytes);
        }
    }

    #[test]
    fn a_text_that_comes_again_is_a_number() {
        let id = Uuid::from_u128(0x0123_4567_89ab).to_string();
        let mail = "kim@acme.example";
        let body = format!("{{\"id\":\"{id}\",\"mail\":\"{mail}\"}}");
        let once = written(&[json!([id, mail])]).len();
        let again = written(&[json!([id, mail, body, id, mail])]).len();
        assert!(again - once < body.len() / 2, "{once}, {again}");
    }

    #[test]
    fn the_words_are_texts_each_once_and_what_facts_are_called_is_among_them() {
        let words: Vec<String> = LIST
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(words.len(), LISTED.len());
        assert!(words.len() <= FIRST_OF_ROW);
        let mut sorted = words.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), words.len());
        for word in RECORDS.iter().map(|(_, word, _)| *word).chain(["fact"]) {
            assert!(
                word.is_empty() || words.iter().any(|known| known == word),
                "{word}"
            );
        }
    }

    #[test]
    fn every_record_of_the_list_and_every_kind_of_fact_is_met() {
        let facts = facts(&mut Draw::of(vec!["kim".to_owned()], u64::MAX));
        let all: BTreeSet<usize> = (0..RECORDS.len()).collect();
        assert_eq!(records_in(&written(&facts)), all);
        let met: BTreeSet<&str> = facts.iter().map(Fact::word).collect();
        // What it would have liked better is all that there is.
        let told = serde_json::from_str::<Fact>(r#"{"fact":"none"}"#).unwrap_err();
        let told = told.to_string();
        let known: BTreeSet<&str> = told.split('`').skip(3).step_by(2).collect();
        assert_eq!(met, known);
        for word in known {
            assert!(LISTED.iter().any(|listed| **listed == *word), "{word}");
        }
    }

    #[test]
    fn a_word_or_record_that_is_not_known_is_an_error_and_no_word_of_the_row() {
        let row = |kinds: &[u8]| {
            let mut bytes = Vec::new();
            put_number(&mut bytes, kinds.len() as u64);
            bytes.extend(kinds);
            // What the first text of a row holds.
            bytes.extend(b"\x03kim");
            bytes
        };
        let word = |number: usize| {
            let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
            [mark::TEXT, mark::WORD | high, low]
        };
        let own = read::<String>(&row(&word(FIRST_OF_ROW))).unwrap();
        assert_eq!(own, ["kim", "kim"]);
        for unknown in [LISTED.len(), FIRST_OF_ROW - 1] {
            let error = read::<String>(&row(&word(unknown))).unwrap_err();
            assert_eq!(error, Trouble::unknown(), "{unknown}");
        }
        let record = mark::RECORD + u8::try_from(RECORDS.len()).unwrap();
        let error = read::<Value>(&row(&[mark::TEXT, record])).unwrap_err();
        assert_eq!(error, Trouble::unknown());
    }

    #[test]
    fn what_is_nested_without_end_is_an_error() {
        for nested in [mark::LIST, mark::MAP] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, 100_000);
            bytes.extend(std::iter::repeat_n(nested, 100_000));
            read::<Value>(&bytes).unwrap_err();
        }
    }
}
