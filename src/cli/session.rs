//! What most commands begin with: the configuration, the engine, or a reader of the journal.

use std::path::{Path, PathBuf};

use config::{LoadError, Loaded};
use connectors::CATALOGUE;
use domain::{Configuration, ConnectorRef};
use engine::{Engine, JournalError, Options, Reader, StartError};

use super::Global;
use super::out::note;
use super::trouble::Trouble;
use crate::control::Client;
use crate::exit::Exit;
use crate::workbench;

/// Returns the folder of `workbench.toml`, which relative paths start from.
pub(super) fn base(global: &Global) -> PathBuf {
    match global.config.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Loads the configuration; every mistake is told at once.
pub(super) fn load(global: &Global) -> Result<Loaded, Trouble> {
    config::load(&global.config, &CATALOGUE).map_err(|error| not_loaded(&global.config, &error))
}

fn not_loaded(path: &Path, error: &LoadError) -> Trouble {
    let tried = format!("use {}", path.display());
    match error {
        LoadError::Unreadable { source, .. } => Trouble::new(Exit::Input, tried, source)
            .advise("name the file with --config, or run the command in its folder"),
        LoadError::Invalid(findings) => {
            let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Trouble::new(Exit::Input, tried, told.join("\n\n"))
                .advise("mend these; `outbound check` shows doubts as well")
        }
    }
}

/// Where a journal is.
pub(super) struct Place {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong with the configuration that names it, when something is.
    pub broken: Option<Trouble>,
}

impl Place {
    /// Says where the journal was taken to be, when the file that names it has errors.
    pub(super) fn tell(&self, global: &Global) {
        if self.broken.is_some() {
            note(&format!(
                "{} has errors (`outbound check`): the journal is taken to be {}, and an engine that runs on it works by the file as \
                 it took it",
                global.config.display(),
                self.path.display()
            ));
        }
    }

    /// Finds the engine that runs on the journal. Where the file that names the journal has errors, another one may be
    /// meant than was read of it, unless somebody named it: an engine counts only when it works by that very file.
    pub(super) async fn engine(&self, global: &Global) -> Result<Client, Trouble> {
        let found = Client::of(&self.path).await;
        let guessed = self.broken.as_ref().filter(|_| global.journal.is_none());
        let Some(broken) = guessed else {
            return found
                .map_err(|error| Trouble::new(Exit::Journal, "ask the running engine", error));
        };
        let Ok(client) = found else {
            return Err(broken.clone());
        };
        let works_by = match client.status().await {
            Some(status) if status.works_by(&global.config) => return Ok(client),
            Some(status) => format!("works by {}", status.configuration.display()),
            None => "does not say which file it works by".to_owned(),
        };
        let mut trouble = broken.clone();
        trouble.happened.push(format!(
            "the engine that runs on {} {works_by} and is asked nothing: another journal may be meant",
            self.path.display()
        ));
        Err(trouble.advise("mend these (`outbound check`); where that engine is meant, name its journal with --journal"))
    }
}

/// Finds the journal: the one that was asked for, else the one that the configuration names. Errors elsewhere in the file do
/// not matter for that: a running engine can be seen and commanded while its file is being mended.
pub(super) fn place(global: &Global) -> Result<Place, Trouble> {
    if let Some(path) = &global.journal {
        return Ok(Place {
            path: path.clone(),
            broken: None,
        });
    }
    let (configuration, broken) = readable(global)?;
    Ok(Place {
        path: workbench::journal_file(&configuration, &base(global), None),
        broken,
    })
}

/// Returns what can be read of the configuration, with what is wrong with the rest.
pub(super) fn readable(global: &Global) -> Result<(Configuration, Option<Trouble>), Trouble> {
    let failed = |error: &LoadError| not_loaded(&global.config, error);
    match config::load(&global.config, &CATALOGUE) {
        Ok(loaded) => Ok((loaded.configuration, None)),
        Err(error @ LoadError::Invalid(_)) => {
            let part = config::load_in_part(&global.config, &CATALOGUE);
            Ok((part.map_err(|error| failed(&error))?, Some(failed(&error))))
        }
        Err(error @ LoadError::Unreadable { .. }) => Err(failed(&error)),
    }
}

/// Starts the engine on the configured journal; what is owed goes on.
pub(super) async fn engine(global: &Global) -> Result<(Loaded, Engine), Trouble> {
    let loaded = load(global)?;
    let options = options(global, &loaded);
    let engine = Engine::start(options).await.map_err(not_started)?;
    Ok((loaded, engine))
}

/// Returns what an engine on the configured journal would be started with.
pub(super) fn options(global: &Global, loaded: &Loaded) -> Options {
    let base = base(global);
    let journal = workbench::journal_file(&loaded.configuration, &base, global.journal.as_deref());
    let configuration = loaded.configuration.clone().into();
    workbench::options(configuration, &base, journal, workbench::any_seed())
}

/// Tells why an engine could not be started.
pub(super) fn not_started(error: StartError) -> Trouble {
    match error {
        StartError::Journal(error) => journal_trouble(&error),
        StartError::Rules(told) => Trouble::new(Exit::Input, "use the rules", told)
            .advise("correct the policies under [rules]"),
    }
}

/// Opens the journal for reading; it may be in use by a running engine.
pub(super) fn reader(global: &Global) -> Result<Reader, Trouble> {
    let place = place(global)?;
    match Reader::open(&place.path) {
        Ok(reader) => {
            place.tell(global);
            Ok(reader)
        }
        Err(error) if place.path.exists() => Err(journal_trouble(&error)),
        // It may be another one, named where the file cannot be read.
        Err(_) => Err(place.broken.unwrap_or_else(|| {
            Trouble::new(
                Exit::Journal,
                "read the journal",
                format!("{} does not exist yet", place.path.display()),
            )
            .advise("nothing has happened here; begin with `outbound seed` or `outbound trigger`")
        })),
    }
}

/// Refuses a connector that is not configured, where the journal knows nothing of it either: a typing mistake must not look
/// like a connector that is well.
pub(super) fn configured(global: &Global, connector: &ConnectorRef) -> Result<(), Trouble> {
    match load(global) {
        Ok(loaded) if loaded.configuration.connector(connector).is_none() => {
            let told = format!("there is no connector {connector}");
            Err(Trouble::new(Exit::Usage, "show it", told).advise("see `outbound connector list`"))
        }
        // Whether a file with errors has it cannot be said.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Tells a failure of the journal in words.
pub(super) fn journal_trouble(error: &JournalError) -> Trouble {
    let trouble = Trouble::new(Exit::Journal, "use the journal", error);
    match error {
        JournalError::InUse { .. } => trouble.advise("stop the other process, or use --journal with another file"),
        JournalError::Newer { .. } => trouble.advise("use the program that wrote it, or one that is newer"),
        JournalError::Older { .. } => trouble.advise("start the engine on it once, as in `outbound drain`; it keeps a copy of the older format"),
        JournalError::NotAJournal => trouble.advise("name another file with --journal or under [engine]"),
        _ => trouble.advise("look at the disk and at the file's permissions; nothing was sent that is not in the journal"),
    }
}
