//! `outbound config`: shows and changes `workbench.toml`, one value at a time.

use clap::Subcommand;
use config::edit::{Document, EditError};
use connectors::CATALOGUE;

use super::out::Out;
use super::trouble::Trouble;
use super::{Global, session};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Sets one value; comments and order stay
    Set {
        /// The value's path, as in connections[id=corp-scim].connectors[type=scim2].enabled
        path: String,
        /// The value as TOML writes it; anything that is no TOML value is taken as text
        value: String,
        /// Shows what would be written, and writes nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Removes one value or one entry of a list
    Remove {
        /// The value's path
        path: String,
        /// Shows what would be written, and writes nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Adds an entry to a list, as in: add resident.provisioners connection=corp-scim connector=scim2
    Add {
        /// The list's path: connections, connections[id=x].connectors, resident.provisioners …
        list: String,
        /// KEY=VALUE, values as TOML writes them
        #[arg(required = true, value_name = "KEY=VALUE")]
        entry: Vec<String>,
        /// Shows what would be written, and writes nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Gives a connection or application another id, and everything that names it the new one
    Rename {
        /// The path of the entry: connections[id=old]
        path: String,
        /// The new id
        to: String,
        /// Shows what would be written, and writes nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Writes the JSON Schema of workbench.toml, for editors
    Schema,
}

pub(super) fn configuration(
    global: &Global,
    out: Out,
    command: ConfigCommand,
) -> Result<Exit, Trouble> {
    let document =
        || Document::open(&global.config, &CATALOGUE).map_err(|error| not_edited(global, &error));
    match command {
        ConfigCommand::Set {
            path,
            value,
            dry_run,
        } => {
            let mut document = document()?;
            document
                .set(&path, parsed(&value))
                .map_err(|error| not_edited(global, &error))?;
            write(global, out, document, dry_run)
        }
        ConfigCommand::Remove { path, dry_run } => {
            let mut document = document()?;
            document
                .remove(&path)
                .map_err(|error| not_edited(global, &error))?;
            write(global, out, document, dry_run)
        }
        ConfigCommand::Add {
            list,
            entry,
            dry_run,
        } => {
            let mut document = document()?;
            let pairs = entry
                .iter()
                .map(|word| pair(word))
                .collect::<Result<Vec<_>, _>>()?;
            document
                .insert(&list, pairs)
                .map_err(|error| not_edited(global, &error))?;
            write(global, out, document, dry_run)
        }
        ConfigCommand::Rename { path, to, dry_run } => {
            holds_no_links(global, &path)?;
            holds_no_links(global, &path)?;
            let mut document = document()?;
            document
                .rename(&path, &to)
                .map_err(|error| not_edited(global, &error))?;
            write(global, out, document, dry_run)
        }
        ConfigCommand::Schema => {
            super::out::export(&config::schema::json_schema(&CATALOGUE));
            Ok(Exit::Done)
        }
    }
}

/// Refuses to rename a connection that the journal has work or accounts for: they hang on its id.
fn holds_no_links(global: &Global, path: &str) -> Result<(), Trouble> {
    let Ok(reader) = session::reader(global) else {
        return Ok(()); // there is no journal yet, so nothing hangs on the id
    };
    let counts = reader
        .counts()
        .map_err(|error| session::journal_trouble(&error))?;
    let known = counts
        .keys()
        .find(|connector| path.contains(&format!("id={}]", connector.connection)));
    match known.filter(|_| path.starts_with("connections[")) {
        None => Ok(()),
        Some(connector) => Err(Trouble::new(
            Exit::Input,
            format!("rename {path}"),
            format!("links and operations of {connector} hang on this id"),
        )
        .advise("change the connection's `name` instead: outbound config set 'connections[id=…].name' NAME")),
    }
}

fn pair(word: &str) -> Result<(&str, toml_edit::Value), Trouble> {
    let (key, value) = word.split_once('=').ok_or_else(|| {
        Trouble::new(Exit::Usage, "add the entry", format!("`{word}` has no `=`"))
            .advise("write KEY=VALUE")
    })?;
    Ok((key, parsed(value)))
}

/// Reads a word as TOML writes values, or as plain text.
pub(crate) fn parsed(word: &str) -> toml_edit::Value {
    word.parse().unwrap_or_else(|_| word.into())
}

fn write(
    global: &Global,
    out: Out,
    mut document: Document,
    dry_run: bool,
) -> Result<Exit, Trouble> {
    let diff = document.diff();
    if dry_run {
        document
            .check()
            .map_err(|error| not_edited(global, &EditError::Invalid(error)))?;
    } else {
        document
            .save()
            .map_err(|error| not_edited(global, &error))?;
    }
    out.text(if diff.is_empty() {
        "nothing differs"
    } else {
        &diff
    });
    out.value(&serde_json::json!({ "written": !dry_run && !diff.is_empty(), "diff": diff }));
    Ok(Exit::Done)
}

fn not_edited(global: &Global, error: &EditError) -> Trouble {
    let mut told = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        told.push_str(&format!("\n{cause}"));
    }
    Trouble::new(Exit::Input, format!("change {}", global.config.display()), told)
        .advise("the file is as it was; paths look like connections[id=corp-scim].connectors[type=scim2].enabled")
}
