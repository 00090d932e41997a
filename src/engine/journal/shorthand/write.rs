//! Writes values in shorthand.

use std::cell::RefCell;

use serde::ser::{self, Serialize};
use uuid::Uuid;

use super::words::{
    BY_NAME, FIRST_OF_ROW, LISTED, LONGEST, SINGLE, START, TAGGED, Words, comes_again, fields, hash,
};
use super::{Trouble, mark};

/// Writes several values, one after the other.
#[derive(Debug, Default)]
pub(in crate::journal) struct Writer {
    kinds: Vec<u8>,
    contents: Vec<u8>,
    words: Words,
}

thread_local! {
    static WRITER: RefCell<Writer> = RefCell::default();
}

/// Writes values with a writer that this thread keeps.
pub(in crate::journal) fn with_writer<T>(work: impl FnOnce(&mut Writer) -> T) -> T {
    WRITER.with_borrow_mut(|writer| {
        writer.clear();
        let done = work(writer);
        // One large row does not make the thread keep as much for ever.
        if writer.len() > 256 << 10 {
            *writer = Writer::default();
        }
        done
    })
}

impl Writer {
    /// Begins anew.
    pub(in crate::journal) fn clear(&mut self) {
        self.kinds.clear();
        self.contents.clear();
        self.words.clear();
    }

    /// Returns how many bytes were written.
    pub(in crate::journal) fn len(&self) -> usize {
        self.kinds.len() + self.contents.len()
    }

    /// Adds a value.
    pub(in crate::journal) fn write(&mut self, value: &impl Serialize) -> Result<(), Trouble> {
        value.serialize(self)
    }

    /// Returns what was written.
    pub(in crate::journal) fn finish(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len() + 4);
        put_number(&mut out, self.kinds.len() as u64);
        out.extend_from_slice(&self.kinds);
        out.extend_from_slice(&self.contents);
        out
    }

    fn number(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(small) if small < mark::SMALL_END - mark::SMALL => {
                self.kinds.push(mark::SMALL + small);
            }
            _ => {
                self.kinds.push(mark::NUMBER);
                put_number(&mut self.contents, number);
            }
        }
    }

    fn word(&mut self, number: usize) {
        let [high, low] = u16::try_from(number).unwrap_or(0).to_be_bytes();
        self.kinds.extend([mark::WORD | high, low]);
    }

    fn text(&mut self, text: &str) {
        if text.len() > 4 && text.as_bytes().contains(&b'"') {
            self.kinds.push(mark::QUOTED);
            let pieces = text.bytes().filter(|byte| *byte == b'"').count() + 1;
            put_number(&mut self.kinds, pieces as u64);
            for piece in text.split('"') {
                self.piece(piece);
            }
        } else {
            self.piece(text);
        }
    }

    fn piece(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if let [byte] = bytes
            && let Some(number @ 1..) = SINGLE.get(usize::from(*byte))
        {
            return self.word(usize::from(*number) - 1);
        }
        if let Some(id) = id(text) {
            return self.enter(id.as_bytes(), hash(id.as_bytes()), mark::ID, 36);
        }
        let mut found = 0;
        if bytes.len() <= LONGEST {
            let (words, texts) = &*START;
            found = hash(bytes);
            if let Some(number) = words.find(texts, bytes, found) {
                return self.word(number);
            }
        }
        self.enter(bytes, found, mark::TEXT, bytes.len());
    }

    /// Writes what is no word of the list, unless it was written before.
    fn enter(&mut self, bytes: &[u8], hash: u32, kind: u8, size: usize) {
        let is_short = size <= LONGEST;
        // An id and a text are never the same, whatever their bytes.
        let hash = (hash & !1) | u32::from(kind == mark::ID);
        if is_short && let Some(number) = self.words.find(&self.contents, bytes, hash) {
            return self.word(FIRST_OF_ROW + number);
        }
        self.kinds.push(kind);
        if kind == mark::TEXT {
            put_number(&mut self.contents, bytes.len() as u64);
        }
        let from = self.contents.len();
        self.contents.extend_from_slice(bytes);
        if comes_again(size, self.words.len()) {
            self.words.enter(from, self.contents.len(), hash);
        }
    }
}

/// Returns the id that a text is, written as ids are.
fn id(text: &str) -> Option<Uuid> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if bytes[8] != b'-' || bytes[13] != b'-' {
        return None;
    }
    let id = Uuid::try_parse_ascii(bytes).ok()?;
    let mut room = Uuid::encode_buffer();
    (*id.hyphenated().encode_lower(&mut room) == *text).then_some(id)
}

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

impl<'w> ser::Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Trouble;
    type SerializeSeq = Closing<'w>;
    type SerializeTuple = Closing<'w>;
    type SerializeTupleStruct = Closing<'w>;
    type SerializeTupleVariant = Closing<'w>;
    type SerializeMap = Closing<'w>;
    type SerializeStruct = Record<'w>;
    type SerializeStructVariant = Closing<'w>;

    fn serialize_bool(self, value: bool) -> Result<(), Trouble> {
        self.kinds
            .push(if value { mark::TRUE } else { mark::FALSE });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Trouble> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Trouble> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Trouble> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Trouble> {
        if let Ok(number) = u64::try_from(value) {
            self.number(number);
        } else {
            self.kinds.push(mark::NEGATIVE);
            put_number(&mut self.contents, (!value).cast_unsigned());
        }
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Trouble> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Trouble> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Trouble> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Trouble> {
        self.number(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Trouble> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Trouble> {
        if value.is_finite() {
            self.kinds.push(mark::FLOAT);
            self.contents.extend(value.to_le_bytes());
        } else {
            // As JSON has it.
            self.kinds.push(mark::NULL);
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Trouble> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Trouble> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Trouble> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), Trouble> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Trouble> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Trouble> {
        self.kinds.push(mark::NULL);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Trouble> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Trouble> {
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Trouble> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Trouble> {
        self.kinds.push(mark::MAP);
        self.text(variant);
        value.serialize(&mut *self)?;
        self.kinds.push(mark::END);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Closing<'w>, Trouble> {
        self.kinds.push(mark::LIST);
        Ok(Closing::of(self, 1))
    }

    fn serialize_tuple(self, _: usize) -> Result<Closing<'w>, Trouble> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Closing<'w>, Trouble> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Closing<'w>, Trouble> {
        self.kinds.push(mark::MAP);
        self.text(variant);
        self.kinds.push(mark::LIST);
        Ok(Closing::of(self, 2))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Closing<'w>, Trouble> {
        self.kinds.push(mark::MAP);
        Ok(Closing::of(self, 1))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Record<'w>, Trouble> {
        let record = BY_NAME.get(name).copied();
        let is_tagged = name == TAGGED;
        let begins = self.kinds.len();
        self.kinds.push(record.unwrap_or(mark::MAP));
        Ok(Record {
            writer: self,
            fields: record.map(fields),
            next: 0,
            tagged: is_tagged.then_some(begins),
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Closing<'w>, Trouble> {
        self.kinds.push(mark::MAP);
        self.text(variant);
        self.kinds.push(mark::MAP);
        Ok(Closing::of(self, 2))
    }
}

/// A list or map that is being written, with the ends that are to come.
pub(in crate::journal) struct Closing<'w> {
    writer: &'w mut Writer,
    ends: usize,
}

impl<'w> Closing<'w> {
    fn of(writer: &'w mut Writer, ends: usize) -> Self {
        Self { writer, ends }
    }

    fn close(self) {
        let ends = std::iter::repeat_n(mark::END, self.ends);
        self.writer.kinds.extend(ends);
    }
}

impl ser::SerializeSeq for Closing<'_> {
    type Ok = ();
    type Error = Trouble;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Trouble> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTuple for Closing<'_> {
    type Ok = ();
    type Error = Trouble;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Trouble> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Closing<'_> {
    type Ok = ();
    type Error = Trouble;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Trouble> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleVariant for Closing<'_> {
    type Ok = ();
    type Error = Trouble;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Trouble> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeMap for Closing<'_> {
    type Ok = ();
    type Error = Trouble;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Trouble> {
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Trouble> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStructVariant for Closing<'_> {
    type Ok = ();
    type Error = Trouble;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Trouble> {
        self.writer.text(key);
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Trouble> {
        self.close();
        Ok(())
    }
}

/// A record that is being written.
pub(in crate::journal) struct Record<'w> {
    writer: &'w mut Writer,
    /// Its fields when it stands in the list.
    fields: Option<&'static [&'static str]>,
    next: usize,
    /// Where it begins, when its first field says which of several records it is.
    tagged: Option<usize>,
}

impl Record<'_> {
    /// Checks that the next field is the one that the list has there.
    fn step(&mut self, key: &'static str) -> Result<(), Trouble> {
        if let Some(fields) = self.fields {
            if fields.get(self.next) != Some(&key) {
                return Err(Trouble(format!("the list of records has no {key} there")));
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Puts a record in place of what was written since: that it is a map, the name of its first field, and a word.
    fn shorten(&mut self, begins: usize) {
        let [mark::MAP, _, _, high, low] = self.writer.kinds[begins..] else {
            return;
        };
        let number = usize::from(u16::from_be_bytes([high & !mark::WORD, low]));
        let Some(record) = LISTED.get(number).and_then(|word| BY_NAME.get(&**word)) else {
            return;
        };
        self.writer.kinds.truncate(begins);
        self.writer.kinds.push(*record);
        self.fields = Some(fields(*record));
        self.next = 1;
    }
}

impl ser::SerializeStruct for Record<'_> {
    type Ok = ();
    type Error = Trouble;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Trouble> {
        self.step(key)?;
        if self.fields.is_none() {
            self.writer.text(key);
        }
        value.serialize(&mut *self.writer)?;
        if let Some(begins) = self.tagged.take() {
            self.shorten(begins);
        }
        Ok(())
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), Trouble> {
        self.step(key)?;
        if self.fields.is_some() {
            self.writer.kinds.push(mark::ABSENT);
        }
        Ok(())
    }

    fn end(self) -> Result<(), Trouble> {
        match self.fields {
            None => self.writer.kinds.push(mark::END),
            Some(fields) if fields.len() == self.next => {}
            Some(fields) => {
                let more = fields[self.next];
                return Err(Trouble(format!("the list of records has {more} as well")));
            }
        }
        Ok(())
    }
}
