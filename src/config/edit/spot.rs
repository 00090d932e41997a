//! Finds a place in the text: which bytes a value has, where a table's own lines end, where an entry ends.

use std::ops::Range;

use domain::Catalogue;
use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Key, Table, Value};

use super::path::{Select, Step};

/// What stands at a path.
#[derive(Clone, Copy)]
pub(super) enum Spot<'a> {
    Table(&'a Table),
    Inline(&'a InlineTable),
    Value(&'a Value),
    Tables(&'a ArrayOfTables),
}

/// What stands at a path, with the key it stands under.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) spot: Spot<'a>,
    pub(super) key: Option<&'a Key>,
}

impl<'a> Spot<'a> {
    /// Returns the entry under a key, or under the name that WSO2 Identity Server has for it.
    pub(super) fn get(self, key: &str, catalogue: &Catalogue) -> Option<(&'a Key, &'a Item)> {
        let direct = |key: &str| match self {
            Spot::Table(table) => table.get_key_value(key),
            Spot::Inline(table) => table.get_key_value(key),
            Spot::Value(_) | Spot::Tables(_) => None,
        };
        let fields = catalogue.0.iter().flat_map(|kind| kind.fields);
        let mut aliases = fields
            .filter(|field| field.key == key)
            .filter_map(|field| field.wso2_key);
        direct(key).or_else(|| aliases.find_map(direct))
    }

    fn text(self, key: &str, catalogue: &Catalogue) -> Option<&'a str> {
        self.get(key, catalogue)?.1.as_str()
    }
}

/// Follows a path from the root.
pub(super) fn find<'a>(
    root: &'a Table,
    steps: &[Step],
    catalogue: &Catalogue,
) -> Option<Found<'a>> {
    let mut found = Found {
        spot: Spot::Table(root),
        key: None,
    };
    for step in steps {
        let (key, item) = found.spot.get(&step.key, catalogue)?;
        let spot = match (item, &step.select) {
            (Item::Table(table), None) => Spot::Table(table),
            (Item::Value(Value::InlineTable(table)), None) => Spot::Inline(table),
            (Item::Value(value), None) => Spot::Value(value),
            (Item::ArrayOfTables(tables), None) => Spot::Tables(tables),
            (Item::ArrayOfTables(tables), Some(select)) => {
                let index = position(tables.iter().map(Spot::Table), select, catalogue)?;
                Spot::Table(tables.get(index)?)
            }
            (Item::Value(Value::Array(array)), Some(select)) => element(array, select, catalogue)?,
            _ => return None,
        };
        found = Found {
            spot,
            key: Some(key),
        };
    }
    Some(found)
}

fn element<'a>(array: &'a Array, select: &Select, catalogue: &Catalogue) -> Option<Spot<'a>> {
    let spot = |value: &'a Value| match value {
        Value::InlineTable(table) => Spot::Inline(table),
        value => Spot::Value(value),
    };
    let index = position(array.iter().map(spot), select, catalogue)?;
    array.get(index).map(spot)
}

fn position<'a>(
    mut spots: impl Iterator<Item = Spot<'a>>,
    select: &Select,
    catalogue: &Catalogue,
) -> Option<usize> {
    match select {
        Select::Index(index) => Some(*index).filter(|index| spots.nth(*index).is_some()),
        Select::Where(conditions) => spots.position(|spot| {
            conditions.iter().all(|(key, wanted)| {
                let written = spot.text(key, catalogue);
                written == Some(wanted)
                    || (key == "type" || key == "connector")
                        && same_type(written, wanted, catalogue)
            })
        }),
    }
}

fn same_type(written: Option<&str>, wanted: &str, catalogue: &Catalogue) -> bool {
    let kind = |word| catalogue.find(word).map(|kind| kind.kind);
    written
        .and_then(kind)
        .is_some_and(|written| kind(wanted) == Some(written))
}

/// Returns where a table's header begins; `None` for the root and for tables without a header.
pub(super) fn header(table: &Table) -> Option<usize> {
    if table.is_implicit() || table.is_dotted() {
        return None;
    }
    table.span().map(|span| span.start)
}

/// Returns the end of the last value that stands in a table's own lines.
pub(super) fn own_end(table: &Table) -> Option<usize> {
    let values = table.get_values();
    let last = values
        .iter()
        .filter_map(|(_, value)| value.span())
        .map(|span| span.end)
        .max();
    last.or_else(|| header(table))
}

/// Returns the bytes from the first to the last of everything in a table, sub-tables included.
pub(super) fn extent(table: &Table) -> Option<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    parts.extend(header(table).map(|start| start..start));
    parts.extend(own_end(table).map(|end| end..end));
    for (_, item) in table {
        match item {
            Item::Table(table) => parts.extend(extent(table)),
            Item::ArrayOfTables(tables) => parts.extend(tables.iter().filter_map(extent)),
            Item::Value(_) | Item::None => {}
        }
    }
    let start = parts.iter().map(|part| part.start).min()?;
    Some(start..parts.iter().map(|part| part.end).max()?)
}

/// Returns where every header of the file begins.
pub(super) fn headers(table: &Table) -> Vec<usize> {
    let mut found: Vec<usize> = header(table).into_iter().collect();
    for (_, item) in table {
        match item {
            Item::Table(table) => found.extend(headers(table)),
            Item::ArrayOfTables(tables) => found.extend(tables.iter().flat_map(headers)),
            Item::Value(_) | Item::None => {}
        }
    }
    found
}
