//! Records, and the indexes over them. Cloning a store copies a few pointers: everything inside is persistent.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use imbl::{OrdMap, OrdSet, Vector};
use serde::{Serialize, Serializer};
use serde_json::{Number, Value, json};

use super::{
    id::Id,
    schema::{Field, Kind, Object, ObjectType, Schema},
    time,
};
use crate::numbers::Numbers;

/// What one field of one record holds. Empty fields are not stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Text of any kind, dates without time too.
    Text(Box<str>),
    /// A picklist value, shared with its table.
    Fixed(&'static str),
    Flag(bool),
    Integer(i64),
    Double(f64),
    /// Milliseconds since 1970.
    Time(i64),
    Reference(Id),
}

impl Cell {
    /// Makes a text cell.
    pub(crate) fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Returns the text of a text or picklist cell.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Fixed(text) => Some(text),
            Self::Flag(_)
            | Self::Integer(_)
            | Self::Double(_)
            | Self::Time(_)
            | Self::Reference(_) => None,
        }
    }

    /// Returns the id of a reference.
    pub(crate) fn as_id(&self) -> Option<Id> {
        if let Self::Reference(id) = self {
            Some(*id)
        } else {
            None
        }
    }

    /// Returns the cell as the vendor writes it.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Fixed(text) => json!(text),
            Self::Flag(flag) => json!(flag),
            Self::Integer(number) => json!(number),
            Self::Double(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::Time(milliseconds) => json!(time::wire(*milliseconds)),
            Self::Reference(id) => json!(id.to_string()),
        }
    }
}

/// How many fields a new record is likely to hold while it is made; what is kept has no room to spare.
const CELLS: usize = 32;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: Id,
    /// Sorted by the field's place.
    cells: Vec<(u16, Cell)>,
}

impl Record {
    /// Makes an empty record.
    pub(crate) fn new(id: Id) -> Self {
        Self {
            id,
            cells: Vec::with_capacity(CELLS),
        }
    }

    /// Returns what a field holds; `None` for nothing.
    pub(crate) fn get(&self, place: usize) -> Option<&Cell> {
        let found = self
            .cells
            .binary_search_by_key(&place, |(at, _)| usize::from(*at))
            .ok()?;
        Some(&self.cells[found].1)
    }

    /// Returns the text of a field, empty when it holds none.
    pub(crate) fn text(&self, place: usize) -> &str {
        self.get(place).and_then(Cell::as_text).unwrap_or_default()
    }

    /// Tells whether a checkbox is ticked.
    pub(crate) fn flag(&self, place: usize) -> bool {
        self.get(place) == Some(&Cell::Flag(true))
    }

    /// Puts a value into a field, or empties it. An unticked checkbox is an empty one.
    pub(crate) fn set(&mut self, place: usize, cell: Option<Cell>) {
        let cell = cell.filter(|cell| *cell != Cell::Flag(false));
        match (
            self.cells
                .binary_search_by_key(&place, |(at, _)| usize::from(*at)),
            cell,
        ) {
            (Ok(found), Some(cell)) => self.cells[found].1 = cell,
            (Ok(found), None) => drop(self.cells.remove(found)),
            (Err(place_in_list), Some(cell)) => {
                let place = u16::try_from(place).expect("an object has fewer than 65,536 fields");
                self.cells.insert(place_in_list, (place, cell));
            }
            (Err(_), None) => {}
        }
    }

    /// Returns a field as the vendor shows it, ready to be written.
    pub(crate) fn shown<'a>(&'a self, object: &'a ObjectType, place: usize) -> Shown<'a> {
        Shown {
            record: self,
            object,
            place,
        }
    }

    /// Returns a field as the vendor shows it.
    pub(crate) fn to_json(&self, object: &ObjectType, place: usize) -> Value {
        match object.fields[place].kind {
            Kind::Id => json!(self.id.to_string()),
            Kind::Boolean => json!(self.flag(place)),
            Kind::Address => self.address(object),
            Kind::Text
            | Kind::TextArea
            | Kind::Email
            | Kind::Phone
            | Kind::Url
            | Kind::Picklist
            | Kind::Integer
            | Kind::Double
            | Kind::Date
            | Kind::DateTime
            | Kind::Reference => self.get(place).map_or(Value::Null, Cell::to_json),
        }
    }

    /// The compound address; nothing when all its parts are empty.
    fn address(&self, object: &ObjectType) -> Value {
        let together = object.at("Street")..=object.at("GeocodeAccuracy");
        let mut places = self.cells.iter().map(|(place, _)| usize::from(*place));
        if !places.any(|place| together.contains(&place)) {
            return Value::Null; // as nearly always
        }
        let parts = [
            ("city", "City"),
            ("country", "Country"),
            ("geocodeAccuracy", "GeocodeAccuracy"),
            ("latitude", "Latitude"),
            ("longitude", "Longitude"),
            ("postalCode", "PostalCode"),
            ("state", "State"),
            ("street", "Street"),
        ];
        let address: serde_json::Map<String, Value> = parts
            .iter()
            .map(|(key, field)| ((*key).to_owned(), self.to_json(object, object.at(field))))
            .collect();
        if address.values().all(Value::is_null) {
            Value::Null
        } else {
            Value::Object(address)
        }
    }
}

/// One field of one record as the vendor shows it.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    record: &'a Record,
    object: &'a ObjectType,
    place: usize,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.object.fields[self.place].kind {
            Kind::Id => out.collect_str(&self.record.id),
            Kind::Boolean => out.serialize_bool(self.record.flag(self.place)),
            Kind::Address => self.record.address(self.object).serialize(out),
            Kind::Text
            | Kind::TextArea
            | Kind::Email
            | Kind::Phone
            | Kind::Url
            | Kind::Picklist
            | Kind::Integer
            | Kind::Double
            | Kind::Date
            | Kind::DateTime
            | Kind::Reference => match self.record.get(self.place) {
                None => out.serialize_unit(),
                Some(Cell::Text(text)) => out.serialize_str(text),
                Some(Cell::Reference(id)) => out.collect_str(id),
                Some(Cell::Time(at)) => out.serialize_str(&time::wire(*at)),
                Some(other) => other.to_json().serialize(out),
            },
        }
    }
}

/// All records of one object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    records: OrdMap<Id, Arc<Record>>,
    /// Where a text stands in an indexed field: the hash of both, and the record. Whoever looks compares the text itself.
    index: OrdSet<(u64, Id)>,
    /// What was deleted, and when, in milliseconds since 1970.
    pub(crate) deleted: Vector<(Id, i64)>,
}

/// Every table, by the object's place in the schema.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    tables: Vector<Table>,
    pub(crate) numbers: Numbers,
}

impl Store {
    /// Makes empty tables for every object of a schema.
    pub(crate) fn new(schema: &Schema) -> Self {
        Self {
            tables: schema.objects.iter().map(|_| Table::default()).collect(),
            numbers: Numbers::default(),
        }
    }

    /// Returns an object's table.
    pub(crate) fn table(&self, object: Object) -> &Table {
        &self.tables[object.0]
    }

    /// Returns the number that the next record gets.
    pub(crate) fn coming_serial(&self) -> u64 {
        self.numbers.at(self.numbers.coming())
    }

    /// Returns the next number, never the same twice.
    pub(crate) fn next_serial(&mut self) -> u64 {
        let place = self.numbers.draw();
        self.numbers.at(place)
    }

    /// Finds a record.
    pub(crate) fn get(&self, object: Object, id: Id) -> Option<&Arc<Record>> {
        self.tables.get(object.0)?.records.get(&id)
    }

    /// Puts a record in, over its former self.
    pub(crate) fn put(&mut self, schema: &Schema, object: Object, mut record: Record) {
        record.cells.shrink_to_fit();
        let fields = &schema.get(object).fields;
        let table = &mut self.tables[object.0];
        let record = Arc::new(record);
        let former = table.records.insert(record.id, Arc::clone(&record));
        table.reindex(fields, record.id, former.as_deref(), Some(&record));
    }

    /// Takes a record out.
    pub(crate) fn remove(&mut self, schema: &Schema, object: Object, id: Id, at: i64) {
        let fields = &schema.get(object).fields;
        let table = &mut self.tables[object.0];
        if let Some(former) = table.records.remove(&id) {
            table.reindex(fields, id, Some(&former), None);
            table.deleted.push_back((id, at));
        }
    }
}

impl Table {
    /// Iterates over the records in the order of their creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values()
    }

    /// Counts the records.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Finds a record.
    pub(crate) fn get(&self, id: Id) -> Option<&Arc<Record>> {
        self.records.get(&id)
    }

    /// Finds the records whose indexed field holds a text, ignoring case; in the order of their creation.
    pub(crate) fn find(&self, place: usize, text: &str) -> Vec<Id> {
        let wanted = text.to_lowercase();
        let hash = hash(place, &wanted);
        let holds = |id: &Id| {
            let record = self.records.get(id);
            record.is_some_and(|record| record.text(place).to_lowercase() == wanted)
        };
        let listed = self.index.range((hash, Id::FIRST)..=(hash, Id::LAST));
        listed.map(|(_, id)| *id).filter(holds).collect()
    }

    fn reindex(
        &mut self,
        fields: &[Field],
        id: Id,
        before: Option<&Record>,
        after: Option<&Record>,
    ) {
        for (place, _) in fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.is_indexed() && field.kind != Kind::Id)
        {
            let before = before
                .and_then(|record| record.get(place))
                .and_then(Cell::as_text);
            let after = after
                .and_then(|record| record.get(place))
                .and_then(Cell::as_text);
            if before == after {
                continue;
            }
            if let Some(before) = before {
                self.index
                    .remove(&(hash(place, &before.to_lowercase()), id));
            }
            if let Some(after) = after {
                self.index.insert((hash(place, &after.to_lowercase()), id));
            }
        }
    }
}

/// The same for the same input in every run, so that runs can be repeated.
fn hash(place: usize, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (place, text).hash(&mut hasher);
    hasher.finish()
}
