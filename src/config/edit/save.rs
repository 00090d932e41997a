//! What would be written, as a diff, and the writing itself: whole or not at all.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use similar::{ChangeTag, TextDiff};

use super::{Document, EditError};
use crate::load::{Loaded, fingerprint, readable};

impl Document {
    /// Returns the unified diff of what would be written, secrets masked; empty when nothing changed.
    pub fn diff(&self) -> String {
        self.diff_of(&self.original, &self.text)
    }

    /// Returns a short text that changes with what was read and with what would be written.
    pub fn stamp(&self) -> String {
        format!(
            "{}-{}",
            fingerprint(&self.original),
            fingerprint(&self.text)
        )
    }

    /// Returns the unified diff of what others wrote between two readings of the file, secrets masked.
    pub fn diff_since(&self, earlier: &Self) -> String {
        self.diff_of(&earlier.original, &self.original)
    }

    fn diff_of(&self, old_text: &str, new_text: &str) -> String {
        let name = self.path.display();
        let (old, new) = (
            readable(old_text, &self.catalogue),
            readable(new_text, &self.catalogue),
        );
        let line = |shown: &[String], index: Option<usize>| {
            index
                .and_then(|index| shown.get(index).cloned())
                .unwrap_or_default()
        };
        let diff = TextDiff::from_lines(old_text, new_text);
        let mut out = String::new();
        for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
            if out.is_empty() {
                let _ = writeln!(out, "--- {name}\n+++ {name}"); // writing to a string cannot fail
            }
            let _ = writeln!(out, "{}", hunk.header());
            for change in hunk.iter_changes() {
                let (sign, text) = match change.tag() {
                    ChangeTag::Delete => ('-', line(&old, change.old_index())),
                    ChangeTag::Insert => ('+', line(&new, change.new_index())),
                    ChangeTag::Equal => (' ', line(&old, change.old_index())),
                };
                let _ = writeln!(out, "{sign}{text}");
            }
        }
        out
    }

    /// Writes the changes and returns the configuration they make.
    ///
    /// The new text stands in a file beside the old one until it is safe on the disk, then takes its place; permissions
    /// stay, and a symbolic link is followed.
    ///
    /// # Errors
    /// [`EditError::Invalid`] when the text would not load, [`EditError::ChangedUnderneath`] when the file is not what
    /// was read any more, [`EditError::Unwritable`].
    pub fn save(&mut self) -> Result<Loaded, EditError> {
        let loaded = self.check().map_err(EditError::Invalid)?;
        let unwritable = |source| EditError::Unwritable {
            path: self.path.clone(),
            source,
        };
        let unreadable = |source| EditError::Unreadable {
            path: self.path.clone(),
            source,
        };
        let target = self.path.canonicalize().map_err(unreadable)?;
        let present = std::fs::read(&target).map_err(unreadable)?;
        if present != self.original.as_bytes() {
            return Err(EditError::ChangedUnderneath(self.path.clone()));
        }
        replace(&target, self.text.as_bytes()).map_err(unwritable)?;
        self.original.clone_from(&self.text);
        Ok(loaded)
    }
}

fn replace(target: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let permissions = std::fs::metadata(target)?.permissions();
    let mut file = tempfile::Builder::new()
        .prefix(".workbench-")
        .suffix(".toml")
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    // The name is in the folder, and the folder is on the disk only when it was told to be.
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}
