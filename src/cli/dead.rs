//! `outbound journal dead`: dead letters by cause; retried, decided anew or given up, one by one or all of a cause.

use clap::Subcommand;
use domain::{ConnectorRef, OperationId};
use engine::{DeadFilter, DeadLetter, DeathCause, Reader};

use super::out::Out;
use super::seat::{Seat, nonsense};
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, session};
use crate::control::{Answer, Ask};
use crate::exit::Exit;

/// Which dead letters.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Which {
    /// Only this group, as `journal dead` names it
    #[arg(long, global = true)]
    group: Option<String>,
    /// Only at this connector: CONNECTION/CONNECTOR
    #[arg(long, global = true)]
    connector: Option<ConnectorRef>,
    /// Only of this cause: refused, schedule-ended, foreign-account, unavailable, password-lost
    #[arg(long, global = true, value_parser = cause)]
    cause: Option<DeathCause>,
    /// Only when the last answer had this status
    #[arg(long, global = true)]
    status: Option<u16>,
    /// Only of users and groups of this name
    #[arg(long, global = true)]
    name: Option<String>,
    /// Only this operation
    #[arg(long, global = true)]
    operation: Option<OperationId>,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeadCommand {
    /// Lists the letters themselves, the newest first
    List {
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Tries them again now, as they are
    Retry {
        /// All of them; else name a group, a connector, a cause, a status, a user or an operation
        #[arg(long)]
        all: bool,
        /// Says what would be tried and does nothing
        #[arg(long)]
        preview: bool,
        /// How long to wait for them, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Decides them anew, by the directory and the configuration of now, and says what changed
    Redo {
        /// All of them; else name a group, a connector, a cause, a status, a user or an operation
        #[arg(long)]
        all: bool,
        /// Says what would be decided and does nothing
        #[arg(long)]
        preview: bool,
        /// How long to wait for them, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Gives them up
    Discard {
        /// All of them; else name a group, a connector, a cause, a status, a user or an operation
        #[arg(long)]
        all: bool,
        /// Says what would be given up and does nothing
        #[arg(long)]
        preview: bool,
        /// Why, for the journal
        #[arg(long)]
        why: String,
    },
}

fn cause(word: &str) -> Result<DeathCause, String> {
    DeathCause::ALL
        .into_iter()
        .find(|cause| cause.word() == word)
        .ok_or_else(|| {
            let words: Vec<&str> = DeathCause::ALL.iter().map(|cause| cause.word()).collect();
            format!("there are {}", words.join(", "))
        })
}

impl Which {
    fn filter(&self) -> DeadFilter {
        DeadFilter {
            connector: self.connector.clone(),
            cause: self.cause,
            status: self.status,
            group: self.group.clone(),
            name: self.name.clone(),
        }
    }

    fn letters(&self, reader: &Reader, limit: usize) -> Result<Vec<DeadLetter>, Trouble> {
        let mut letters = reader
            .dead_letters(&self.filter(), limit)
            .map_err(|error| journal_trouble(&error))?;
        if let Some(wanted) = self.operation {
            letters.retain(|letter| letter.operation.operation == wanted);
        }
        Ok(letters)
    }

    /// Returns the letters that a command is about, the oldest first; nobody means all of them without saying so.
    fn meant(&self, reader: &Reader, all: bool) -> Result<Vec<DeadLetter>, Trouble> {
        let is_named = self.operation.is_some() || self.filter() != DeadFilter::default();
        if !all && !is_named {
            return Err(
                Trouble::new(Exit::Usage, "do that", "no dead letter was named").advise(
                    "name a --group, --connector, --cause, --status, --name or --operation, or write --all",
                ),
            );
        }
        let mut letters = self.letters(reader, usize::MAX)?;
        letters.reverse();
        Ok(letters)
    }
}

pub(super) async fn dead(
    global: &Global,
    out: Out,
    which: Which,
    command: Option<DeadCommand>,
) -> Result<Exit, Trouble> {
    match command {
        None => groups(&session::reader(global)?, out, &which),
        Some(DeadCommand::List { limit }) => list(&session::reader(global)?, out, &which, limit),
        Some(DeadCommand::Retry { all, preview, wait }) => {
            let letters = which.meant(&session::reader(global)?, all)?;
            if preview {
                return Ok(preview_of(out, "tried again", &letters));
            }
            let (_, seat) = Seat::take(global, true).await?;
            let mut tally = Tally::default();
            for letter in &letters {
                let operation = letter.operation.operation;
                let result = seat.done(Ask::Retry { operation }).await;
                tally.told(out, letter, &result.map(|()| "tried again".to_owned()));
            }
            tally.end(out, seat, wait).await
        }
        Some(DeadCommand::Redo { all, preview, wait }) => {
            let letters = which.meant(&session::reader(global)?, all)?;
            let (_, seat) = Seat::take(global, !preview).await?;
            let mut tally = Tally::default();
            for letter in &letters {
                let operation = letter.operation.operation;
                let result = match seat.ask(Ask::DecideAgain { operation, preview }).await {
                    Ok(Answer::DecidedAgain { again }) => Ok(again),
                    Ok(_) => Err(nonsense()),
                    Err(trouble) => Err(trouble),
                };
                if let Ok(again) = &result {
                    out.value(again);
                    tally.goes_on.extend(again.replaced_by);
                }
                let result = result.map(|again| {
                    let stays = if again.stays { "; it stays" } else { "" };
                    format!("{}{stays}", again.told())
                });
                line(out, letter, &result);
                tally.count(result.is_ok());
            }
            tally.end(out, seat, if preview { 0 } else { wait }).await
        }
        Some(DeadCommand::Discard { all, preview, why }) => {
            let letters = which.meant(&session::reader(global)?, all)?;
            if preview {
                return Ok(preview_of(out, "given up", &letters));
            }
            let (_, seat) = Seat::take(global, false).await?;
            let mut tally = Tally::default();
            for letter in &letters {
                let operation = letter.operation.operation;
                let why = why.clone();
                let result = seat.done(Ask::Discard { operation, why }).await;
                tally.told(out, letter, &result.map(|()| "given up".to_owned()));
            }
            tally.end(out, seat, 0).await
        }
    }
}

fn groups(reader: &Reader, out: Out, which: &Which) -> Result<Exit, Trouble> {
    let groups = reader
        .dead_groups(&which.filter())
        .map_err(|error| journal_trouble(&error))?;
    if groups.is_empty() {
        out.text("there are no dead letters");
    }
    for group in &groups {
        let status = group
            .status
            .map_or(String::new(), |status| format!(" {status}"));
        let kind = group.kind.map_or("", |kind| kind.word());
        let old = match group.superseded {
            0 => String::new(),
            count => format!(", {count} of them out of date"),
        };
        out.text(&format!(
            "{}  {} x {}  {} {kind}{status}: {}{old}\n  since {} to {}, for example {} {}: {}\n  do: {}",
            group.group,
            group.count,
            group.connector,
            group.cause.word(),
            group.told,
            clock_text(group.oldest),
            clock_text(group.newest),
            group.example.operation.verb,
            group.example.operation.name,
            group.example.death.told,
            group.advice
        ));
        out.value(group);
    }
    if !groups.is_empty() {
        out.text("outbound journal dead list|retry|redo|discard --group GROUP [--preview]");
    }
    Ok(Exit::Done)
}

fn list(reader: &Reader, out: Out, which: &Which, limit: usize) -> Result<Exit, Trouble> {
    let letters = which.letters(reader, limit)?;
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            vec![
                clock_text(letter.since),
                letter.group.clone(),
                letter.operation.connector.to_string(),
                letter.operation.verb.to_string(),
                letter.operation.name.to_string(),
                letter.operation.operation.to_string(),
                match letter.superseded_by {
                    Some(by) => format!("out of date: {by} was done later"),
                    None => letter.death.told.clone(),
                },
            ]
        })
        .collect();
    out.table(
        &[
            "SINCE",
            "GROUP",
            "CONNECTOR",
            "VERB",
            "WHO",
            "OPERATION",
            "WHY",
        ],
        &rows,
    );
    for letter in &letters {
        out.value(letter);
    }
    Ok(Exit::Done)
}

fn preview_of(out: Out, what: &str, letters: &[DeadLetter]) -> Exit {
    for letter in letters {
        let view = &letter.operation;
        let told = match letter.superseded_by {
            Some(by) => format!("is out of date: {by} was done later"),
            None => format!("would be {what}"),
        };
        out.text(&format!(
            "{} {} at {} ({}) {told}",
            view.verb, view.name, view.connector, view.operation
        ));
        out.value(letter);
    }
    out.text(&format!("{} dead letters; nothing was done", letters.len()));
    Exit::Done
}

/// Counts what a bulk command did.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    refused: usize,
    /// What goes on because of it.
    goes_on: Vec<OperationId>,
}

impl Tally {
    fn told(&mut self, out: Out, letter: &DeadLetter, result: &Result<String, Trouble>) {
        line(out, letter, result);
        out.value(&serde_json::json!({
            "operation": letter.operation.operation,
            "done": result.is_ok(),
            "told": match result { Ok(told) => told.clone(), Err(trouble) => trouble.happened.join(" ") },
        }));
        if result.is_ok() {
            self.goes_on.push(letter.operation.operation);
        }
        self.count(result.is_ok());
    }

    fn count(&mut self, is_done: bool) {
        if is_done {
            self.done += 1;
        } else {
            self.refused += 1;
        }
    }

    async fn end(self, out: Out, seat: Seat, wait: u64) -> Result<Exit, Trouble> {
        let Self {
            done,
            refused,
            goes_on,
        } = self;
        let settled = if done > 0 && wait > 0 {
            let wait = std::time::Duration::from_secs(wait);
            seat.settle(&goes_on, wait).await
        } else {
            Ok(())
        };
        seat.leave().await;
        settled?;
        out.text(&format!("{done} done, {refused} left as they are"));
        Ok(if refused > 0 {
            Exit::Failed
        } else {
            Exit::Done
        })
    }
}

/// Says what became of one letter.
fn line(out: Out, letter: &DeadLetter, result: &Result<String, Trouble>) {
    let view = &letter.operation;
    let told = match result {
        Ok(told) => told.clone(),
        Err(trouble) => format!("left as it is: {}", trouble.happened.join(" ")),
    };
    out.text(&format!(
        "{} {} at {}: {told}",
        view.verb, view.name, view.connector
    ));
}

fn clock_text(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
