//! Where each key of the file stands, so that a rule about the configuration can point at its line.

use std::collections::BTreeMap;
use std::ops::Range;

/// The key and the value of one entry, as byte ranges of the text.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

/// Every key that was read, under paths such as `connections[0].connectors[1].enabled`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(BTreeMap<String, Place>);

impl Places {
    pub(crate) fn put(&mut self, path: &str, key: Range<usize>, value: Range<usize>) {
        self.0.insert(path.to_owned(), Place { key, value });
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Returns the value's range; for a key that was left out, that of the table it would stand in.
    pub(crate) fn value(&self, path: &str) -> Range<usize> {
        self.nearest(path).map_or(0..0, |place| place.value.clone())
    }

    /// Returns the key's range, or the nearest table's.
    pub(crate) fn key(&self, path: &str) -> Range<usize> {
        self.nearest(path).map_or(0..0, |place| place.key.clone())
    }

    fn nearest(&self, path: &str) -> Option<&Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.0.get(path) {
                return Some(place);
            }
            path = &path[..path.rfind('.')?];
        }
    }
}
