//! The compressed form of bodies: zstd with dictionaries that were trained on rows of all three targets.
//!
//! A row is a few hundred bytes to a few kilobytes of JSON whose names are always the same, so that the dictionary does
//! most of the work. `outbound bench dictionary` makes the traffic and trains it. A file holds what was written with a
//! dictionary for as long as it is kept: a new one gets another number, and this one stays.

use std::cell::RefCell;
use std::sync::LazyLock;

use rusqlite::{Connection, OpenFlags};
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::CParameter;

use super::{JournalError, pack};

/// What is compressed, each with a dictionary of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dictionary {
    /// JSON.
    Json,
    /// [Shorthand](super::shorthand).
    Shorthand,
}

const JSON: &[u8] = include_bytes!("dictionary-1.zdict");
const SHORTHAND: &[u8] = include_bytes!("dictionary-2.zdict");

/// The level from which on more time makes bodies hardly any smaller (docs/performance.md).
const JSON_LEVEL: i32 = 3;
const SHORTHAND_LEVEL: i32 = 2;

/// No body is as large: a damaged one must not take all memory.
const LARGEST: usize = 256 << 20;

static JSON_FOR_WRITING: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(JSON, JSON_LEVEL));
static JSON_FOR_READING: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(JSON));
static SHORTHAND_FOR_WRITING: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(SHORTHAND, SHORTHAND_LEVEL));
static SHORTHAND_FOR_READING: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(SHORTHAND));

struct Press {
    compressor: Compressor<'static>,
    room: Vec<u8>,
}

/// One for each dictionary.
type Each<T> = [Option<T>; 2];

thread_local! {
    // A context is dear to make, and is used again by whatever else this thread writes or reads.
    static PRESS: RefCell<Each<Press>> = const { RefCell::new([None, None]) };
    static READ: RefCell<Each<Decompressor<'static>>> = const { RefCell::new([None, None]) };
}

/// Compresses a body.
pub(super) fn press(dictionary: Dictionary, text: &[u8]) -> std::io::Result<Vec<u8>> {
    PRESS.with_borrow_mut(|kept| {
        let kept = &mut kept[dictionary as usize];
        let press = match kept {
            Some(press) => press,
            None => kept.insert(Press::new(dictionary)?),
        };
        press.room.clear();
        press
            .room
            .reserve(zstd::zstd_safe::compress_bound(text.len()));
        press.compressor.compress_to_buffer(text, &mut press.room)?;
        let body = press.room.as_slice().to_vec();
        // One large body does not make the thread keep as much for ever.
        press.room.shrink_to(64 << 10);
        Ok(body)
    })
}

/// Reads a compressed body.
pub(super) fn read(dictionary: Dictionary, body: &[u8]) -> std::io::Result<Vec<u8>> {
    // Nothing decompresses to nothing, and no body is empty.
    let size = (!body.is_empty())
        .then(|| Decompressor::upper_bound(body))
        .flatten()
        .filter(|size| *size <= LARGEST);
    let size = size.ok_or_else(|| std::io::Error::other("its size makes no sense"))?;
    READ.with_borrow_mut(|kept| {
        let kept = &mut kept[dictionary as usize];
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::with_prepared_dictionary(match dictionary {
                Dictionary::Json => &JSON_FOR_READING,
                Dictionary::Shorthand => &SHORTHAND_FOR_READING,
            })?),
        };
        decompressor.decompress(body, size)
    })
}

impl Press {
    fn new(dictionary: Dictionary) -> std::io::Result<Self> {
        let mut compressor = Compressor::with_prepared_dictionary(match dictionary {
            Dictionary::Json => &JSON_FOR_WRITING,
            Dictionary::Shorthand => &SHORTHAND_FOR_WRITING,
        })?;
        // Which dictionary it was is said by the row.
        compressor.set_parameter(CParameter::DictIdFlag(false))?;
        Ok(Self {
            compressor,
            room: Vec::new(),
        })
    }
}

/// Trains a dictionary of at most so many bytes on what a journal holds.
///
/// # Errors
/// [`JournalError`] when the journal cannot be read or holds too little.
pub fn train_dictionary(path: &std::path::Path, size: usize) -> Result<Vec<u8>, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    super::migrate::check_for_reading(&db)?;
    let mut samples = Vec::new();
    let mut statement = db.prepare("SELECT seq, format, body FROM facts")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(2)?.as_blob().unwrap_or(&[]);
        if let pack::Text::Shorthand(written) = pack::text(row.get(0)?, row.get(1)?, body)? {
            samples.push(written.into_owned());
        }
    }
    zstd::dict::from_samples(&samples, size).map_err(|error| JournalError::Store {
        told: format!("no dictionary can be trained on it: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_out_as_it_went_in_whatever_it_is_and_from_any_thread() {
        let long = "0123456789abcdef".repeat(100_000);
        for text in ["", "{}", "\u{1F41F}", &long] {
            for dictionary in [Dictionary::Json, Dictionary::Shorthand] {
                let body = press(dictionary, text.as_bytes()).unwrap();
                let read = std::thread::spawn(move || read(dictionary, &body).unwrap());
                assert_eq!(read.join().unwrap(), text.as_bytes());
            }
        }
    }

    #[test]
    fn what_is_damaged_or_claims_to_be_enormous_is_an_error() {
        read(Dictionary::Json, b"").unwrap_err();
        read(Dictionary::Json, b"{}").unwrap_err();
        let mut body = press(
            Dictionary::Json,
            b"a text that is long enough to be cut short",
        )
        .unwrap();
        body.truncate(body.len() - 3);
        read(Dictionary::Json, &body).unwrap_err();
        // A frame that says it holds 2^62 bytes.
        let mut huge = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
        huge.extend((1_u64 << 62).to_le_bytes());
        read(Dictionary::Json, &huge).unwrap_err();
    }
}
