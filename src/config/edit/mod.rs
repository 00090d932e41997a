//! Changes one thing in `workbench.toml` and leaves every other byte as it is.
//!
//! A change is a splice of the text at a place that the parser found, so comments, order, blank lines and the way of
//! writing survive; what somebody wrote by hand takes the place of all of it. Nothing is written that would not load
//! again, or over a file that somebody else has changed.

mod path;
mod save;
mod spot;
mod text;

use std::ops::Range;
use std::path::{Path, PathBuf};

use domain::{Catalogue, Configuration, SecretRef};
use toml_edit::{Array, InlineTable, Key, Table};

pub use toml_edit::Value;

use crate::load::{LoadError, Loaded, in_part, parse};
use path::Step;
use spot::{Found, Spot};
use text::{
    blank_before, block, inline_entry, line_end, line_start, names, references, remarks, span_of,
    written,
};

/// The file with changes that are not written yet.
#[derive(Clone)]
pub struct Document {
    path: PathBuf,
    /// The text as it was read.
    original: String,
    text: String,
    catalogue: Catalogue,
}

/// Why a change was not made. The document is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The path is not written as one.
    #[error("`{path}` does not name a setting: {cause}")]
    BadPath {
        /// The path.
        path: String,
        /// Why.
        cause: String,
    },
    /// There is nothing at the path.
    #[error("there is no `{0}` in the file")]
    NotFound(String),
    /// What stands at the path cannot be changed in this way.
    #[error("`{path}` {cause}")]
    Unsuitable {
        /// The path.
        path: String,
        /// Why.
        cause: &'static str,
    },
    /// The text is no TOML, before the change or after it.
    #[error("the file is no TOML\n{0}")]
    Broken(LoadError),
    /// The changed text would not load.
    #[error("the change would make the file unusable\n{0}")]
    Invalid(LoadError),
    /// Somebody else has changed the file since it was read.
    #[error("{} was changed by somebody else since it was read; read it again and repeat the change", .0.display())]
    ChangedUnderneath(PathBuf),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Document {
    /// Reads a file. It need not be free of errors, but it must be TOML.
    ///
    /// # Errors
    /// [`EditError::Unreadable`] and [`EditError::Broken`].
    pub fn open(path: &Path, catalogue: &Catalogue) -> Result<Self, EditError> {
        let text = std::fs::read_to_string(path).map_err(|source| EditError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let document = Self::of(path, text, catalogue);
        document.tree(&document.text)?;
        Ok(document)
    }

    /// Begins with a text that was read from a file before.
    pub fn of(path: &Path, text: String, catalogue: &Catalogue) -> Self {
        Self {
            path: path.to_owned(),
            original: text.clone(),
            text,
            catalogue: *catalogue,
        }
    }

    /// Puts another text in the place of all of it, as it was written by hand.
    ///
    /// # Errors
    /// [`EditError::Broken`] when it is no TOML.
    pub fn replace(&mut self, text: String) -> Result<(), EditError> {
        self.tree(&text)?;
        self.text = text;
        Ok(())
    }

    /// Returns the text with the changes. It may hold inline secrets.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tells whether there are changes that are not written.
    pub fn is_changed(&self) -> bool {
        self.text != self.original
    }

    /// Returns the text of what stands at a path; `None` when there is nothing. It may hold inline secrets.
    ///
    /// # Errors
    /// [`EditError::BadPath`].
    pub fn at(&self, at: &str) -> Result<Option<String>, EditError> {
        let steps = steps(at)?;
        let root = self.tree(&self.text)?;
        let text = |range: Range<usize>| self.text[range].trim().to_owned();
        let found = spot::find(&root, &steps, &self.catalogue);
        Ok(found.and_then(|found| match found.spot {
            Spot::Value(value) => value.span().map(text),
            Spot::Inline(table) => table.span().map(text),
            Spot::Table(table) => spot::extent(table).map(text),
            Spot::Tables(tables) => {
                let entries = tables.iter().filter_map(spot::extent).map(text);
                Some(entries.collect::<Vec<_>>().join("\n\n"))
            }
        }))
    }

    /// Says what the text with the changes would be as a configuration.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] with everything that is wrong.
    pub fn check(&self) -> Result<Loaded, LoadError> {
        self.read(&self.text)
    }

    /// Returns what the text with the changes makes as far as it goes, whatever is wrong with it, so that it can be shown
    /// where it is mended; `None` when it is no TOML.
    pub fn in_part(&self) -> Option<Configuration> {
        in_part(&self.text, self.base(), &self.catalogue)
    }

    /// Says what the text without the changes is as a configuration, to tell what they bring from what was there.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] with everything that is wrong.
    pub fn check_before(&self) -> Result<Loaded, LoadError> {
        self.read(&self.original)
    }

    fn read(&self, text: &str) -> Result<Loaded, LoadError> {
        let name = self.path.display().to_string();
        parse(text, &name, self.base(), &self.catalogue)
    }

    /// Returns the folder that relative paths in the file start from.
    fn base(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Sets a value; a key that is not there yet is added at the end of its table, and a missing `[table]` is made.
    ///
    /// # Errors
    /// [`EditError::NotFound`] when an array entry on the way is not there, [`EditError::Unsuitable`] for a table.
    pub fn set(&mut self, at: &str, value: impl Into<Value>) -> Result<(), EditError> {
        let steps = steps(at)?;
        let root = self.tree(&self.text)?;
        let value = written(value.into());
        if let Some(found) = spot::find(&root, &steps, &self.catalogue) {
            let span = match found.spot {
                Spot::Value(value) => value.span(),
                Spot::Inline(table) => table.span(),
                Spot::Table(_) | Spot::Tables(_) => None,
            };
            let span = span.ok_or_else(|| unsuitable(at, "is a table; set one of its keys"))?;
            return self.splice(vec![(span, value)]);
        }
        let Some((Step { key, select: None }, parents)) = steps.split_last() else {
            return Err(EditError::NotFound(at.to_owned()));
        };
        let line = |key: &str| format!("{key} = {value}");
        match spot::find(&root, parents, &self.catalogue).map(|found| found.spot) {
            Some(Spot::Inline(table)) => {
                let end = table
                    .span()
                    .ok_or_else(|| unsuitable(at, "cannot be found in the text"))?
                    .end
                    - 1;
                let last = table
                    .iter()
                    .filter_map(|(_, value)| value.span())
                    .map(|span| span.end)
                    .max();
                let edit = match last {
                    Some(last) => (last..last, format!(", {}", line(key))),
                    None => (end..end, format!(" {} ", line(key))),
                };
                self.splice(vec![edit])
            }
            Some(Spot::Table(table)) if table.is_dotted() => {
                let last = spot::own_end(table)
                    .ok_or_else(|| unsuitable(at, "cannot be found in the text"))?;
                let start = line_start(&self.text, last);
                let lead = &self.text[start..last];
                // `a.b.c = 1` gets a neighbour `a.b.key = …`
                let names = lead.split('=').next().unwrap_or_default().trim_end();
                let prefix = names
                    .rsplit_once('.')
                    .map_or(String::new(), |(prefix, _)| format!("{prefix}."));
                self.add_lines(last, &format!("{prefix}{}", line(key)), false)
            }
            Some(Spot::Table(table)) if spot::header(table).is_some() => {
                let end = spot::own_end(table)
                    .ok_or_else(|| unsuitable(at, "cannot be found in the text"))?;
                let indent = self.indent_at(end);
                self.add_lines(end, &format!("{indent}{}", line(key)), false)
            }
            Some(Spot::Value(_) | Spot::Tables(_)) => {
                Err(unsuitable(at, "has no keys of its own there"))
            }
            Some(Spot::Table(_)) | None => self.add_table(&root, parents, &[line(key)], at),
        }
    }

    /// Removes a value with its line, or a table or an array's entry with everything in it.
    ///
    /// # Errors
    /// [`EditError::NotFound`], and [`EditError::Unsuitable`] where the parts of a table stand apart.
    pub fn remove(&mut self, at: &str) -> Result<(), EditError> {
        let steps = steps(at)?;
        let root = self.tree(&self.text)?;
        let missing = || EditError::NotFound(at.to_owned());
        let found = spot::find(&root, &steps, &self.catalogue).ok_or_else(missing)?;
        let parent =
            spot::find(&root, &steps[..steps.len() - 1], &self.catalogue).ok_or_else(missing)?;
        let range = match (found.spot, parent.spot) {
            (Spot::Table(table), _) => self.block(&root, table, at)?,
            (Spot::Tables(_), _) => return Err(unsuitable(at, "is an array; name one entry")),
            (Spot::Value(_) | Spot::Inline(_), _)
                if steps.last().is_some_and(|step| step.select.is_some()) =>
            {
                return Err(unsuitable(
                    at,
                    "is an element of a list; set the whole list",
                ));
            }
            (spot, Spot::Inline(table)) => {
                inline_entry(table, found.key, spot).ok_or_else(missing)?
            }
            (spot, _) => {
                let (key, value) = (found.key.and_then(Key::span), span_of(spot));
                let (key, value) = key.zip(value).ok_or_else(missing)?;
                line_start(&self.text, key.start)..line_end(&self.text, value.end)
            }
        };
        self.splice(vec![(range, String::new())])
    }

    /// Adds an entry at the end of an array of tables, such as `connections` or `connections[id=x].connectors`.
    ///
    /// # Errors
    /// [`EditError::NotFound`] when an entry on the way is not there, [`EditError::Unsuitable`] for an inline array.
    pub fn insert<'k, V: Into<Value>>(
        &mut self,
        array: &str,
        entry: impl IntoIterator<Item = (&'k str, V)>,
    ) -> Result<(), EditError> {
        let steps = steps(array)?;
        let root = self.tree(&self.text)?;
        let lines: Vec<String> = entry
            .into_iter()
            .map(|(key, value)| format!("{key} = {}", written(value.into())))
            .collect();
        let header = format!("[[{}]]", names(&steps));
        match spot::find(&root, &steps, &self.catalogue).map(|found| found.spot) {
            Some(Spot::Tables(tables)) => {
                let last = tables.iter().last();
                let start = last
                    .and_then(spot::header)
                    .ok_or_else(|| unsuitable(array, "has no entry with a header"))?;
                let end = last
                    .and_then(spot::extent)
                    .map_or(start, |extent| extent.end);
                let indent = self.indent_at(start);
                self.add_lines(end, &block(&indent, &header, &lines), true)
            }
            Some(_) => Err(unsuitable(
                array,
                "is not written with [[…]] headers; change it by hand",
            )),
            None => self.add_headed(&root, &steps, &header, &lines, array),
        }
    }

    /// Gives a connection or an application another id, and everything that names a connection the new one.
    ///
    /// Links hang on a connection's id: to the engine the renamed connection is a new one.
    ///
    /// # Errors
    /// [`EditError::NotFound`], and [`EditError::Unsuitable`] for anything without an id.
    pub fn rename(&mut self, at: &str, to: &str) -> Result<(), EditError> {
        let steps = steps(at)?;
        let root = self.tree(&self.text)?;
        let found = spot::find(&root, &steps, &self.catalogue)
            .ok_or_else(|| EditError::NotFound(at.to_owned()))?;
        let id = found
            .spot
            .get("id", &self.catalogue)
            .and_then(|(_, item)| item.as_value());
        let id = id.ok_or_else(|| unsuitable(at, "has no id"))?;
        let mut values = vec![id];
        if let [
            Step {
                key,
                select: Some(_),
            },
        ] = steps.as_slice()
            && key == "connections"
        {
            let old = id.as_str();
            values.extend(
                references(&root)
                    .into_iter()
                    .filter(|value| value.as_str() == old),
            );
        }
        let edits = values
            .iter()
            .filter_map(|value| Some((value.span()?, written(to.into()))))
            .collect();
        self.splice(edits)
    }

    /// Makes a table that is not there, with its lines.
    fn add_table(
        &mut self,
        root: &Table,
        steps: &[Step],
        lines: &[String],
        at: &str,
    ) -> Result<(), EditError> {
        let header = format!("[{}]", names(steps));
        self.add_headed(root, steps, &header, lines, at)
    }

    /// Adds a headed table at the end of the entry it belongs to, or of the file.
    fn add_headed(
        &mut self,
        root: &Table,
        steps: &[Step],
        header: &str,
        lines: &[String],
        at: &str,
    ) -> Result<(), EditError> {
        if steps.last().is_none_or(|step| step.select.is_some()) {
            return Err(EditError::NotFound(at.to_owned()));
        }
        let Some(entry) = steps.iter().rposition(|step| step.select.is_some()) else {
            return self.add_lines(self.text.len(), &block("", header, lines), true);
        };
        let Some(Found {
            spot: Spot::Table(table),
            ..
        }) = spot::find(root, &steps[..=entry], &self.catalogue)
        else {
            return Err(EditError::NotFound(at.to_owned()));
        };
        let extent =
            spot::extent(table).ok_or_else(|| unsuitable(at, "cannot be found in the text"))?;
        let indent = format!("{}  ", self.indent_at(extent.start));
        self.add_lines(extent.end, &block(&indent, header, lines), true)
    }

    /// Adds whole lines behind the line of an offset and the remarks right below it, after a blank one when asked.
    ///
    /// A remark without a line below it is about one that was taken out, or about what stands above; what comes now does
    /// not part them.
    fn add_lines(&mut self, after: usize, lines: &str, apart: bool) -> Result<(), EditError> {
        let eol = if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let mut at = line_end(&self.text, after);
        at += remarks(&self.text[at..]);
        let mut added = String::new();
        if !self.text[..at].is_empty() && !self.text[..at].ends_with('\n') {
            added.push_str(eol);
        }
        if apart && !self.text[..at].is_empty() && !self.text[..at].ends_with("\n\n") {
            added.push_str(eol);
        }
        for line in lines.lines() {
            added.push_str(line);
            added.push_str(eol);
        }
        self.splice(vec![(at..at, added)])
    }

    /// Returns the lines of a table with all its sub-tables, which must stand together.
    fn block(&self, root: &Table, table: &Table, at: &str) -> Result<Range<usize>, EditError> {
        let extent =
            spot::extent(table).ok_or_else(|| unsuitable(at, "cannot be found in the text"))?;
        let own = spot::headers(table);
        let foreign = |start: &usize| extent.contains(start) && !own.contains(start);
        if own.is_empty() || spot::headers(root).iter().any(foreign) {
            return Err(unsuitable(at, "is spread over the file; remove it by hand"));
        }
        let range = line_start(&self.text, extent.start)..line_end(&self.text, extent.end);
        // Of the blank lines before and after, the fewer go with it: they came with it.
        let before = blank_before(&self.text[..range.start]);
        let after = &self.text[range.end..];
        let behind = after.len() - after.trim_start_matches(['\r', '\n']).len();
        let is_first = self.text[..range.start].len() == before;
        let is_last = after.len() == behind;
        let lines = |range: Range<usize>| self.text[range].matches('\n').count();
        let (before_lines, behind_lines) = (
            lines(range.start - before..range.start),
            lines(range.end..range.end + behind),
        );
        Ok(if is_last || !is_first && before_lines < behind_lines {
            range.start - before..range.end
        } else {
            range.start..range.end + behind
        })
    }

    fn indent_at(&self, offset: usize) -> String {
        let line = &self.text[line_start(&self.text, offset)..];
        line.chars()
            .take_while(|c| matches!(c, ' ' | '\t'))
            .collect()
    }

    /// Parses a text with the places of everything in it.
    fn tree(&self, text: &str) -> Result<Table, EditError> {
        // The parser's own error shows the line as it is, secrets and all; ours does not.
        let broken = |_| {
            EditError::Broken(
                self.read(text)
                    .err()
                    .unwrap_or_else(|| LoadError::Invalid(Vec::new())),
            )
        };
        let document = toml_edit::Document::parse(text.to_owned()).map_err(broken)?;
        Ok(document.into_table())
    }

    /// Replaces ranges that do not overlap, and keeps the old text when the new one is no TOML.
    fn splice(&mut self, mut edits: Vec<(Range<usize>, String)>) -> Result<(), EditError> {
        edits.sort_by_key(|(range, _)| range.start);
        let mut text = self.text.clone();
        for (range, replacement) in edits.into_iter().rev() {
            text.replace_range(range, &replacement);
        }
        self.tree(&text)?;
        self.text = text;
        Ok(())
    }
}

/// Writes a secret's reference as a value.
pub fn secret(reference: &SecretRef) -> Value {
    let table =
        |key: &str, value: Value| Value::InlineTable(InlineTable::from_iter([(key, value)]));
    match reference {
        SecretRef::Env(name) => table("env", name.into()),
        SecretRef::File(path) => table("file", path.display().to_string().into()),
        SecretRef::Command(words) => {
            table("command", Value::Array(words.iter().collect::<Array>()))
        }
        SecretRef::Inline(secret) => secret.expose().into(),
    }
}

fn steps(at: &str) -> Result<Vec<Step>, EditError> {
    path::parse(at).map_err(|cause| EditError::BadPath {
        path: at.to_owned(),
        cause,
    })
}

fn unsuitable(at: &str, cause: &'static str) -> EditError {
    EditError::Unsuitable {
        path: at.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests;
