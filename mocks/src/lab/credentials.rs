//! The files from which clients take their credentials; only their owner may read them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::StartError;

/// Writes one file for its owner's eyes and returns its path.
pub(super) fn write(directory: &Path, name: &str, content: &[u8]) -> Result<PathBuf, StartError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| StartError::File {
            verb: "write",
            path,
            source,
        }
    };
    create_directory(directory).map_err(failed(directory))?;
    let path = directory.join(name);
    // A file of that name may be there with other rights, and a mode counts only when a file is made: make it anew.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed(&path)(error));
        }
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(failed(&path))?;
    file.write_all(content).map_err(failed(&path))?;
    Ok(path)
}

/// Writes one JSON file for its owner's eyes and returns its path.
pub(super) fn write_json(
    directory: &Path,
    name: &str,
    content: &Value,
) -> Result<PathBuf, StartError> {
    write(directory, name, format!("{content:#}\n").as_bytes())
}

fn create_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
