//! The key files of the mocks: written where `workbench.toml` looks for them and nothing is, so that a copy of that file
//! alone is enough to begin.
//!
//! The keys are public and open nothing but a mock (`mocks/keys/README.md`). Nothing that is there is ever overwritten, and
//! nothing is written outside the folder of `workbench.toml`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use ::mocks::Target;
use ::mocks::google::Google;
use domain::{Catalogue, Configuration, MockKey};

/// Where the shipped `workbench.toml` looks for the key of the mock that has one.
pub const USUAL: &str = "mocks/keys/google-service-account.p12";

/// What became of a key file that was not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provided {
    /// In words.
    pub told: String,
    /// Whether the file is there now.
    pub is_there: bool,
}

/// Writes the keys of these mocks that are looked for in files that are not there. Returns what was written and what could
/// not be; nothing where every file is there.
pub fn provide(
    configuration: &Configuration,
    catalogue: &Catalogue,
    base: &Path,
    targets: &[Target],
) -> Vec<Provided> {
    let mut provided = Vec::new();
    let keys = configuration.mock_keys(catalogue).into_iter();
    let is_meant = |key: &MockKey<'_>| targets.iter().any(|target| target.name() == key.target);
    for key in keys.filter(is_meant) {
        let file = key.file.display();
        // A link that leads nowhere is something, too.
        if fs::symlink_metadata(base.join(key.file)).is_ok() {
            continue;
        }
        let Some(content) = content(&key) else {
            continue;
        };
        let target = key.target;
        let one = match write(base, key.file, &content) {
            // Somebody else was quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Ok(()) => {
                tracing::info!(%file, mock = target, "the key of the mock was written: its file was not there");
                Provided {
                    told: format!("wrote {file} for the {target} mock"),
                    is_there: true,
                }
            }
            Err(error) => {
                tracing::warn!(%file, mock = target, %error, "the key of the mock cannot be written");
                Provided {
                    told: format!(
                        "{file} is not there, and the key file of the {target} mock cannot be written to it: {error}\n\
                         Without it nothing can be sent to that mock. Let the folder be written to, or put a copy of \
                         mocks/keys there."
                    ),
                    is_there: false,
                }
            }
        };
        provided.push(one);
    }
    provided
}

/// Returns what a key file of a mock holds, in the form that its name promises.
fn content(key: &MockKey<'_>) -> Option<Vec<u8>> {
    if key.target.parse::<Target>() != Ok(Target::Google) {
        return None;
    }
    let ending = key.file.extension().and_then(|ending| ending.to_str());
    Some(
        match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
            "p12" | "pfx" => Google::service_account_p12().to_vec(),
            "json" => {
                let mock = format!("http://127.0.0.1:{}", key.port);
                let text = Google::default().service_account_json(&mock);
                format!("{text:#}\n").into_bytes()
            }
            _ => Google::service_account_pem().as_bytes().to_vec(),
        },
    )
}

/// Writes a new file below a folder, for its owner's eyes, with the folders that lead to it. It is there whole or not at
/// all: half a key would be taken for one that somebody put there.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when there is something of that name by now.
fn write(base: &Path, file: &Path, content: &[u8]) -> io::Result<()> {
    let home = if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        base
    };
    let home = fs::canonicalize(home)?;
    let name = file
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?;
    let mut folder: PathBuf = home.clone();
    for part in file.parent().into_iter().flat_map(Path::components) {
        if let Component::Normal(part) = part {
            folder.push(part);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            if !fs::canonicalize(&folder)?.starts_with(&home) {
                return Err(io::Error::other(
                    "a link on the way leads out of the folder of workbench.toml",
                ));
            }
        }
    }
    // Its owner's only, as such files are made.
    let mut part = tempfile::NamedTempFile::new_in(&folder)?;
    part.write_all(content)?;
    part.as_file().sync_all()?;
    part.persist_noclobber(folder.join(name))
        .map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use connectors::CATALOGUE;

    use super::*;

    const SHIPPED: &str = include_str!("../workbench.toml");
    const KEY: &str = USUAL;

    fn provided(text: &str, base: &Path) -> Vec<Provided> {
        let loaded = config::parse(text, "workbench.toml", base, &CATALOGUE).unwrap();
        provide(&loaded.configuration, &CATALOGUE, base, &Target::ALL)
    }

    #[test]
    fn the_shipped_file_alone_gets_the_key_of_its_mock_and_it_is_never_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let first = provided(SHIPPED, folder.path());
        assert!(
            matches!(&first[..], [one] if one.is_there && one.told == format!("wrote {KEY} for the google mock")),
            "{first:?}"
        );
        let file = folder.path().join(KEY);
        assert_eq!(fs::read(&file).unwrap(), Google::service_account_p12());
        let beside = fs::read_dir(file.parent().unwrap()).unwrap();
        assert_eq!(beside.count(), 1, "nothing else is left there");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&file, "mine").unwrap();
        assert!(provided(SHIPPED, folder.path()).is_empty());
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        fs::remove_file(&file).unwrap();
        let loaded = config::parse(SHIPPED, "workbench.toml", folder.path(), &CATALOGUE).unwrap();
        let others = [Target::Salesforce, Target::Scim2];
        let none = provide(&loaded.configuration, &CATALOGUE, folder.path(), &others);
        assert!(none.is_empty(), "{none:?}");
    }

    #[test]
    fn the_form_follows_the_name() {
        for (name, begins) in [("key.json", "{"), ("key.pem", "-----BEGIN PRIVATE KEY")] {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(
                provided(&SHIPPED.replace(KEY, name), folder.path()).len(),
                1
            );
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(text.starts_with(begins), "{name}: {text}");
        }
    }

    #[test]
    fn nothing_is_written_for_a_target_that_is_no_mock_of_the_file_nor_outside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("here");
        fs::create_dir(&base).unwrap();
        for text in [
            SHIPPED.replace(KEY, "../key.p12"),
            SHIPPED.replace("port = 9101", "port = 9201"),
            SHIPPED.replace(KEY, &folder.path().join("key.p12").display().to_string()),
        ] {
            assert!(provided(&text, &base).is_empty());
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path(), base.join("mocks")).unwrap();
            let refused = provided(SHIPPED, &base);
            assert!(
                matches!(&refused[..], [one] if !one.is_there && one.told.contains("leads out")),
                "{refused:?}"
            );
        }
        let outside: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(outside.len(), 1, "{outside:?}");
    }
}
