//! Where answers are written: one draft and one sheet per thread; every answer is copied out of the one and cuts its
//! part off the other.
//!
//! An answer of a kilobyte or more is a slow piece of work for the system's allocator, slower than writing it. A sheet
//! is given back when the last answer cut from it is sent.

use std::{cell::RefCell, io};

use bytes::{Bytes, BytesMut};
use serde::Serialize;

/// How much is asked of the allocator at once.
const SHEET_BYTES: usize = 64 * 1024;
/// An answer above this goes out as it was written.
const LARGE_BYTES: usize = SHEET_BYTES / 4;

thread_local! {
    static DRAFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static SHEET: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Returns what is written.
pub(crate) fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Bytes {
    let mut draft = DRAFT.take();
    draft.clear();
    write(&mut draft).expect("memory takes every byte");
    if draft.len() > LARGE_BYTES {
        return draft.into();
    }
    let answer = SHEET.with_borrow_mut(|sheet| {
        if sheet.capacity() < draft.len() {
            sheet.reserve(SHEET_BYTES);
        }
        sheet.extend_from_slice(&draft);
        sheet.split().freeze()
    });
    DRAFT.replace(draft);
    answer
}

/// Returns a value as JSON; its keys must be text.
pub(crate) fn json(value: &impl Serialize) -> Bytes {
    written(|pen| Ok(serde_json::to_writer(pen, value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_its_own() {
        let answers: Vec<Bytes> = (0..500).map(|n| json(&vec![n; 300])).collect();
        for (n, answer) in answers.iter().enumerate() {
            let read: Vec<usize> = serde_json::from_slice(answer).unwrap();
            assert_eq!(read, vec![n; 300]);
        }
        let within = written(|pen| {
            pen.extend_from_slice(&json(&1));
            Ok(())
        });
        assert_eq!((&within[..], &json(&2)[..]), (&b"1"[..], &b"2"[..]));
    }
}
