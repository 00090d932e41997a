//! `workbench.toml` in the editor of whoever sits there: a private copy of the text goes out, and what was made of it comes
//! back. The terminal belongs to the editor meanwhile.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::terminal::{self, Keys};

/// What is to be edited.
#[derive(Clone)]
pub(crate) struct Job {
    /// `workbench.toml`.
    pub(crate) file: PathBuf,
    /// The text that the editing began with.
    pub(crate) given: String,
    /// A copy that was edited before and could not be taken.
    pub(crate) copy: Option<PathBuf>,
}

impl fmt::Debug for Job {
    /// Leaves the text out: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("file", &self.file)
            .field("copy", &self.copy)
            .finish_non_exhaustive()
    }
}

/// What was made of it.
pub(crate) struct Edited {
    /// The text that the editing began with.
    pub(crate) given: String,
    /// The text as it was left.
    pub(crate) text: String,
    /// Where that stands until it is taken.
    pub(crate) copy: PathBuf,
    /// Why it is not to be taken, in words.
    pub(crate) trouble: Option<String>,
}

/// Lets a text be edited, and waits for that.
///
/// # Errors
/// A sentence about why nothing was edited; no copy is left then.
pub(crate) async fn open(job: Job, keys: Keys<'_>) -> Result<Box<Edited>, String> {
    let Job { file, given, copy } = job;
    let is_new = copy.is_none();
    let copy = match copy {
        Some(copy) => copy,
        None => private_copy(&file, &given).map_err(|error| {
            format!("no private copy of {} can be made: {error}", file.display())
        })?,
    };
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned());
    let mut command = tokio::process::Command::new("sh");
    // As git does: the variable may hold arguments, and quotes around them.
    let line = format!("{editor} \"$@\"");
    command.arg("-c").arg(line).arg("sh").arg(&copy);
    let ended = terminal::lend(command, keys).await;
    let text = match fs::read_to_string(&copy) {
        Ok(text) => text,
        Err(error) => {
            return Err(format!(
                "what the editor left in {} cannot be read: {error}",
                copy.display()
            ));
        }
    };
    let trouble = match ended {
        Ok(status) if status.success() => None,
        // How a shell says that there is no such program.
        Ok(status) if status.code() == Some(127) => Some(format!(
            "the editor `{editor}` was not found: set VISUAL or EDITOR to one that is here"
        )),
        Ok(status) => Some(format!("the editor `{editor}` gave up ({status})")),
        Err(error) => Some(format!("the editor `{editor}` cannot be started: {error}")),
    };
    match trouble {
        Some(told) if is_new && text == given => Err(format!("{told}{}", removed(&copy))),
        trouble => Ok(Box::new(Edited {
            given,
            text,
            copy,
            trouble,
        })),
    }
}

/// Removes a copy that is not needed any more. Returns what is to be added to a message where that failed.
pub(crate) fn removed(copy: &Path) -> String {
    match fs::remove_file(copy) {
        Ok(()) => String::new(),
        Err(error) => format!(
            "; the private copy {} stays, it cannot be removed: {error}",
            copy.display()
        ),
    }
}

/// Writes a text into a new file that only its owner may read: beside the original, where an editor knows what kind of
/// thing it is, else where files of a moment are kept.
fn private_copy(file: &Path, text: &str) -> io::Result<PathBuf> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut new = tempfile::Builder::new();
    new.prefix(".workbench-edit-").suffix(".toml");
    let mut copy = new.tempfile_in(folder).or_else(|_| new.tempfile())?;
    copy.write_all(text.as_bytes())?;
    let (_, path) = copy.keep().map_err(|error| error.error)?;
    Ok(path)
}
