//! Reads what stands in shorthand.

use std::borrow::Cow;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use uuid::Uuid;

use super::words::{FIRST_OF_ROW, LISTED, RECORDS, comes_again};
use super::{Trouble, mark};

/// What is nested deeper is damaged.
const DEPTH: u32 = 128;

/// A text of the row, which may come again.
#[derive(Debug, Clone, Copy)]
enum Known<'de> {
    Text(&'de str),
    Id(Uuid),
}

/// Reads values one after the other.
#[derive(Debug)]
pub(in crate::journal) struct Reader<'de> {
    kinds: &'de [u8],
    contents: &'de [u8],
    words: Vec<Known<'de>>,
    depth: u32,
}

impl<'de> Reader<'de> {
    /// Begins to read what [`Writer::finish`] returned.
    pub(in crate::journal) fn of(bytes: &'de [u8]) -> Result<Self, Trouble> {
        let mut rest = bytes;
        let size = take_number(&mut rest)?;
        let at = usize::try_from(size).map_err(|_| Trouble::damaged())?;
        let (kinds, contents) = rest.split_at_checked(at).ok_or_else(Trouble::damaged)?;
        Ok(Self {
            kinds,
            contents,
            words: Vec::new(),
            depth: 0,
        })
    }

    /// Reads the next value, when there is one.
    pub(in crate::journal) fn next<T: DeserializeOwned>(&mut self) -> Option<Result<T, Trouble>> {
        (!self.kinds.is_empty()).then(|| T::deserialize(&mut *self))
    }

    /// Checks that nothing is left over, which is how a row shows that it lost values.
    pub(in crate::journal) fn done(&self) -> Result<(), Trouble> {
        match (self.kinds, self.contents) {
            ([], []) => Ok(()),
            _ => Err(Trouble::damaged()),
        }
    }

    fn peek(&self) -> Result<u8, Trouble> {
        self.kinds.first().copied().ok_or_else(Trouble::damaged)
    }

    fn kind(&mut self) -> Result<u8, Trouble> {
        let (kind, rest) = self.kinds.split_first().ok_or_else(Trouble::damaged)?;
        self.kinds = rest;
        Ok(*kind)
    }

    fn content(&mut self, size: usize) -> Result<&'de [u8], Trouble> {
        let taken = self.contents.split_at_checked(size);
        let (content, rest) = taken.ok_or_else(Trouble::damaged)?;
        self.contents = rest;
        Ok(content)
    }

    /// Reads a text without quotation marks.
    fn piece(&mut self) -> Result<Cow<'de, str>, Trouble> {
        let kind = self.kind()?;
        let known = match kind {
            mark::TEXT => {
                let size = take_number(&mut self.contents)?;
                let size = usize::try_from(size).map_err(|_| Trouble::damaged())?;
                let text = std::str::from_utf8(self.content(size)?);
                Known::Text(text.map_err(|_| Trouble::damaged())?)
            }
            mark::ID => {
                let id = Uuid::from_slice(self.content(16)?);
                Known::Id(id.map_err(|_| Trouble::damaged())?)
            }
            mark::WORD.. => {
                let number = u16::from_be_bytes([kind & !mark::WORD, self.kind()?]);
                return self.word(number.into());
            }
            _ => return Err(Trouble::damaged()),
        };
        let (text, size) = match known {
            Known::Text(text) => (Cow::Borrowed(text), text.len()),
            Known::Id(id) => (Cow::Owned(id.to_string()), 36),
        };
        if comes_again(size, self.words.len()) {
            self.words.push(known);
        }
        Ok(text)
    }

    fn word(&self, number: usize) -> Result<Cow<'de, str>, Trouble> {
        let Some(own) = number.checked_sub(FIRST_OF_ROW) else {
            let word = LISTED.get(number).ok_or_else(Trouble::unknown)?;
            return Ok(Cow::Borrowed(word));
        };
        match self.words.get(own) {
            Some(Known::Text(text)) => Ok(Cow::Borrowed(text)),
            Some(Known::Id(id)) => Ok(Cow::Owned(id.to_string())),
            None => Err(Trouble::damaged()),
        }
    }

    fn text(&mut self) -> Result<Cow<'de, str>, Trouble> {
        if self.peek()? != mark::QUOTED {
            return self.piece();
        }
        self.kind()?;
        let pieces = take_number(&mut self.kinds)?;
        let mut text = String::new();
        for at in 0..pieces {
            if at > 0 {
                text.push('"');
            }
            text.push_str(&self.piece()?);
        }
        Ok(Cow::Owned(text))
    }

    /// Reads what is nested, unless it is too deep.
    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        if self.depth == DEPTH {
            return Err(Trouble::of("it is nested too deep"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn end(&mut self) -> Result<(), Trouble> {
        match self.kind()? {
            mark::END => Ok(()),
            _ => Err(Trouble::damaged()),
        }
    }
}

pub(super) fn take_number(from: &mut &[u8]) -> Result<u64, Trouble> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first().ok_or_else(Trouble::damaged)?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Trouble::damaged())
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, Trouble> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Trouble;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        let kind = self.peek()?;
        match kind {
            mark::TEXT | mark::ID | mark::QUOTED | mark::WORD.. => {
                return visit_text(self.text()?, visitor);
            }
            _ => self.kind()?,
        };
        match kind {
            mark::NULL => visitor.visit_unit(),
            mark::FALSE => visitor.visit_bool(false),
            mark::TRUE => visitor.visit_bool(true),
            mark::NUMBER => visitor.visit_u64(take_number(&mut self.contents)?),
            mark::NEGATIVE => {
                let number = take_number(&mut self.contents)?;
                visitor.visit_i64(!number.cast_signed())
            }
            mark::FLOAT => {
                let bytes = self.content(8)?.try_into();
                visitor.visit_f64(f64::from_le_bytes(bytes.map_err(|_| Trouble::damaged())?))
            }
            mark::SMALL..mark::SMALL_END => visitor.visit_u64((kind - mark::SMALL).into()),
            mark::LIST => self.nested(|reader| {
                let value = visitor.visit_seq(Items(reader))?;
                reader.end()?;
                Ok(value)
            }),
            mark::MAP => self.nested(|reader| {
                let value = visitor.visit_map(Items(reader))?;
                reader.end()?;
                Ok(value)
            }),
            mark::RECORD..mark::RECORD_END => {
                let record = RECORDS.get(usize::from(kind - mark::RECORD));
                let (_, word, fields) = record.ok_or_else(Trouble::unknown)?;
                self.nested(|reader| {
                    visitor.visit_map(Fields {
                        reader,
                        rest: fields,
                        word: Some(*word).filter(|word| !word.is_empty()),
                    })
                })
            }
            _ => Err(Trouble::damaged()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        if self.peek()? == mark::NULL {
            self.kind()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        if self.peek()? != mark::MAP {
            return visitor.visit_enum(self.text()?.into_deserializer());
        }
        self.kind()?;
        self.nested(|reader| {
            let value = visitor.visit_enum(Variant(reader))?;
            reader.end()?;
            Ok(value)
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The entries of a list or map, up to its end.
struct Items<'r, 'de>(&'r mut Reader<'de>);

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Trouble;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Trouble> {
        if self.0.peek()? == mark::END {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Trouble;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Trouble> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Trouble> {
        seed.deserialize(&mut *self.0)
    }
}

/// The fields of a record of the list.
struct Fields<'r, 'de> {
    reader: &'r mut Reader<'de>,
    rest: &'static [&'static str],
    /// The value of the first field, which is not written.
    word: Option<&'static str>,
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = Trouble;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Trouble> {
        while let Some((field, rest)) = self.rest.split_first() {
            self.rest = rest;
            if self.word.is_none() && self.reader.peek()? == mark::ABSENT {
                self.reader.kind()?;
                continue;
            }
            let field = de::value::BorrowedStrDeserializer::new(field);
            return seed.deserialize(field).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Trouble> {
        match self.word.take() {
            Some(word) => seed.deserialize(de::value::BorrowedStrDeserializer::new(word)),
            None => seed.deserialize(&mut *self.reader),
        }
    }
}

/// A variant with something in it.
struct Variant<'r, 'de>(&'r mut Reader<'de>);

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Trouble;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Trouble> {
        Ok((seed.deserialize(&mut *self.0)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Trouble;

    fn unit_variant(self) -> Result<(), Trouble> {
        serde::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Trouble> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Trouble> {
        de::Deserializer::deserialize_any(self.0, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        de::Deserializer::deserialize_any(self.0, visitor)
    }
}
