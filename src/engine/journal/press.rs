//! The compressed form of bodies: zstd with a dictionary that was trained on rows of all three targets.
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

const DICTIONARY: &[u8] = include_bytes!("dictionary-1.zdict");

/// Level 3 is where more time makes the rows hardly any smaller (docs/performance.md).
const LEVEL: i32 = 3;

/// No body is as large: a damaged one must not take all memory.
const LARGEST: usize = 256 << 20;

static FOR_WRITING: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static FOR_READING: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

struct Press {
    compressor: Compressor<'static>,
    room: Vec<u8>,
}

thread_local! {
    // A context is dear to make, and is used again by whatever else this thread writes or reads.
    static PRESS: RefCell<Option<Press>> = const { RefCell::new(None) };
    static READ: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses a body.
pub(super) fn press(text: &[u8]) -> std::io::Result<Vec<u8>> {
    PRESS.with_borrow_mut(|kept| {
        let press = match kept {
            Some(press) => press,
            None => kept.insert(Press::new()?),
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
pub(super) fn read(body: &[u8]) -> std::io::Result<Vec<u8>> {
    // Nothing decompresses to nothing, and no body is empty.
    let size = (!body.is_empty())
        .then(|| Decompressor::upper_bound(body))
        .flatten()
        .filter(|size| *size <= LARGEST);
    let size = size.ok_or_else(|| std::io::Error::other("its size makes no sense"))?;
    READ.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::with_prepared_dictionary(&FOR_READING)?),
        };
        decompressor.decompress(body, size)
    })
}

impl Press {
    fn new() -> std::io::Result<Self> {
        let mut compressor = Compressor::with_prepared_dictionary(&FOR_WRITING)?;
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
        samples.push(pack::text(row.get(0)?, row.get(1)?, body)?.into_owned());
    }
    for table in ["links", "users"] {
        let mut statement = db.prepare(&format!("SELECT body FROM {table}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let body = row.get_ref(0)?.as_blob().unwrap_or(&[]);
            if let Some(text) = pack::packed_text(body)? {
                samples.push(text.into_owned());
            }
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
            let body = press(text.as_bytes()).unwrap();
            let read = std::thread::spawn(move || read(&body).unwrap());
            assert_eq!(read.join().unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn what_is_damaged_or_claims_to_be_enormous_is_an_error() {
        read(b"").unwrap_err();
        read(b"{}").unwrap_err();
        let mut body = press(b"a text that is long enough to be cut short").unwrap();
        body.truncate(body.len() - 3);
        read(&body).unwrap_err();
        // A frame that says it holds 2^62 bytes.
        let mut huge = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
        huge.extend((1_u64 << 62).to_le_bytes());
        read(&huge).unwrap_err();
    }
}
