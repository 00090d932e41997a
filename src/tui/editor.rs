//! `workbench.toml` in the editor of whoever sits there: a private copy of the text goes out, and what was made of it comes
//! back. The terminal belongs to the editor meanwhile.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::terminal::{self, Keys, Lent};

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

/// How the editing ended.
pub(crate) enum Opened {
    /// The editor has ended; or a sentence about why nothing was edited, and no copy is left then.
    Back(Result<Box<Edited>, String>),
    /// This process is to end. What was written until then is kept there, unless it is what the editing began with.
    Ended(Option<PathBuf>),
}

/// Lets a text be edited, and waits for that.
pub(crate) async fn open(job: Job, keys: Keys<'_>) -> Opened {
    let Job { file, given, copy } = job;
    let is_new = copy.is_none();
    let copy = match copy {
        Some(copy) => copy,
        None => match private_copy(&file, &given) {
            Ok(copy) => copy,
            Err(error) => {
                return Opened::Back(Err(format!(
                    "no private copy of {} can be made: {error}",
                    file.display()
                )));
            }
        },
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
    let ended = match terminal::lend(command, keys).await {
        Ok(Lent::Signal) => return Opened::Ended(left(copy, &given, is_new)),
        Ok(Lent::Ended(status)) => Ok(status),
        Err(error) => Err(error),
    };
    Opened::Back(back(ended, &editor, given, copy, is_new))
}

/// Takes what an editor left.
fn back(
    ended: io::Result<ExitStatus>,
    editor: &str,
    given: String,
    copy: PathBuf,
    is_new: bool,
) -> Result<Box<Edited>, String> {
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

/// Removes a copy that an editor had until this process was told to end, when it says what it began with; returns where
/// it is otherwise.
fn left(copy: PathBuf, given: &str, is_new: bool) -> Option<PathBuf> {
    let is_same = is_new && fs::read_to_string(&copy).is_ok_and(|text| text == given);
    let is_gone = is_same && fs::remove_file(&copy).is_ok();
    (!is_gone && copy.exists()).then_some(copy)
}

/// Returns the copies that were not taken and are still there, from whoever edited the file before.
pub(crate) fn kept(file: &Path) -> Vec<PathBuf> {
    // A folder that cannot be read is told of when the file is.
    let entries = fs::read_dir(folder_of(file))
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(LEAD) && name.ends_with(".toml")
        })
        .map(|entry| readable(&entry.path()))
        .collect();
    found.sort();
    found
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
    let mut new = tempfile::Builder::new();
    new.prefix(LEAD).suffix(".toml");
    let mut copy = new
        .tempfile_in(folder_of(file))
        .or_else(|_| new.tempfile())?;
    copy.write_all(text.as_bytes())?;
    let (_, path) = copy.keep().map_err(|error| error.error)?;
    Ok(readable(&path))
}

/// Writes a path as somebody would who types it: without the `.` of a file that was named `./workbench.toml`.
fn readable(path: &Path) -> PathBuf {
    path.components().collect()
}

/// What the name of a copy begins with.
const LEAD: &str = ".workbench-edit-";

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_was_not_taken_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("workbench.toml");
        fs::write(&file, "x").unwrap();
        assert!(kept(&file).is_empty());
        let copy = private_copy(&file, "y").unwrap();
        assert_eq!(kept(&file), [copy]);
        // What is shown of it has no detour in it.
        let here = folder.path().join(".").join("workbench.toml");
        let copy = private_copy(&here, "z").unwrap();
        for path in kept(&here).iter().chain([&copy]) {
            let path = path.display().to_string();
            assert!(!path.contains("/./"), "{path}");
        }
        assert!(kept(&folder.path().join("nowhere/workbench.toml")).is_empty());
    }

    #[test]
    fn a_copy_stays_when_there_is_something_in_it_that_is_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.toml");
        fs::write(&copy, "given").unwrap();
        // One that was kept before holds what somebody wrote.
        assert_eq!(left(copy.clone(), "given", false), Some(copy.clone()));
        assert_eq!(left(copy.clone(), "given", true), None);
        assert!(!copy.exists());
        fs::write(&copy, "given and more").unwrap();
        assert_eq!(left(copy.clone(), "given", true), Some(copy));
    }
}
