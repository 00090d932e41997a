//! `outbound journal`: what happened and what is owed.

use clap::{Subcommand, ValueEnum};
use domain::{ConnectorRef, FlowId, OperationId, QualifiedName};
use engine::{
    CommandError, DirectoryChange, ExchangeFilter, ExchangeView, FlowSummary, OperationFilter,
    Page, Reader, State,
};
use jiff::Timestamp;
use serde::Serialize;

use super::out::Out;
use super::seat::Seat;
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, dead, render, session};
use crate::control::Ask;
use crate::exit::Exit;
use crate::export;

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Lists flows, the newest first
    List {
        #[command(flatten)]
        page: PageArgs,
        /// Only flows about this user
        #[arg(long, value_name = "USER")]
        user: Option<String>,
    },
    /// Shows one flow: eight steps, attempts, exchanges, the caller's wait; the newest when none is named
    Show {
        /// The flow, or an operation of it
        id: Option<String>,
        /// Shows the exchanges in full, heads and bodies
        #[arg(long)]
        wire: bool,
    },
    /// Lists operations, the newest first
    Operations {
        #[command(flatten)]
        page: PageArgs,
        /// Only in this state: queued, in-flight, retrying, in-doubt, held, settled, dead, discarded
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// Only at this connector: CONNECTION/CONNECTOR
        #[arg(long)]
        connector: Option<ConnectorRef>,
    },
    /// Lists exchanges, the newest first
    Exchanges {
        #[command(flatten)]
        page: PageArgs,
        /// Only with this connector: CONNECTION/CONNECTOR
        #[arg(long)]
        connector: Option<ConnectorRef>,
        /// Only with this status, or class: 409, 4xx
        #[arg(long, value_parser = status)]
        status: Option<(u16, u16)>,
        /// Shows heads and bodies
        #[arg(long)]
        wire: bool,
    },
    /// Writes what happened in a format of other tools; secrets are masked
    Export {
        /// The format
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
        /// Only this flow
        #[arg(long)]
        flow: Option<FlowId>,
        /// Only facts after this number (JSON lines only)
        #[arg(long, default_value_t = 0, conflicts_with = "flow")]
        since: u64,
    },
    /// Dead letters by cause: how many, how old, what to do; retried, decided anew or given up in bulk
    Dead {
        #[command(flatten)]
        which: dead::Which,
        #[command(subcommand)]
        command: Option<dead::DeadCommand>,
    },
    /// Has an operation tried again now
    Retry {
        /// The operation
        operation: OperationId,
        /// How long to wait for it, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Removes what is old and settled; what is owed, dead, in doubt or held stays, and so does how each account stands
    Compact {
        /// What had settled before this: an age such as 30d, a day, or an instant. Without it the times of
        /// [engine.retention] count; the last day is kept in any case
        #[arg(long, value_name = "WHEN", value_parser = super::compact::when)]
        before: Option<super::compact::When>,
        /// Only counts what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Gives an operation up
    Discard {
        /// The operation
        operation: OperationId,
        /// Why, for the journal
        #[arg(long)]
        why: String,
    },
}

/// Which part of a long list.
#[derive(Debug, clap::Args)]
pub(super) struct PageArgs {
    /// How many entries at most
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Only entries older than this number
    #[arg(long)]
    before: Option<u64>,
}

impl PageArgs {
    fn page(&self) -> Page {
        Page {
            before: self.before,
            limit: self.limit,
        }
    }
}

/// A format of other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One fact per line, versioned
    Jsonl,
    /// HTTP Archive 1.2
    Har,
    /// One curl command per exchange
    Curl,
}

fn state(word: &str) -> Result<State, String> {
    State::ALL
        .into_iter()
        .find(|state| state.word() == word)
        .ok_or_else(|| {
            let words: Vec<&str> = State::ALL.iter().map(|state| state.word()).collect();
            format!("there are {}", words.join(", "))
        })
}

fn status(word: &str) -> Result<(u16, u16), String> {
    let wrong = || "write a status such as 409, or a class such as 4xx".to_owned();
    if let Some(class) = word.strip_suffix("xx") {
        let class: u16 = class
            .parse()
            .ok()
            .filter(|class| (1..=5).contains(class))
            .ok_or_else(wrong)?;
        return Ok((class * 100, class * 100 + 99));
    }
    word.parse()
        .map(|status| (status, status))
        .map_err(|_| wrong())
}

pub(super) async fn journal(
    global: &Global,
    out: Out,
    command: JournalCommand,
) -> Result<Exit, Trouble> {
    match command {
        JournalCommand::List { page, user } => {
            list(&session::reader(global)?, out, &page, user.as_deref())
        }
        JournalCommand::Show { id, wire } => {
            show(&session::reader(global)?, out, id.as_deref(), wire)
        }
        JournalCommand::Operations {
            page,
            state,
            connector,
        } => {
            let filter = OperationFilter {
                state,
                connector,
                ..OperationFilter::default()
            };
            operations(&session::reader(global)?, out, &filter, page.page())
        }
        JournalCommand::Exchanges {
            page,
            connector,
            status,
            wire,
        } => {
            let filter = ExchangeFilter {
                connector,
                status,
                ..ExchangeFilter::default()
            };
            exchanges(&session::reader(global)?, out, &filter, page.page(), wire)
        }
        JournalCommand::Export {
            format,
            flow,
            since,
        } => export(&session::reader(global)?, format, flow, since),
        JournalCommand::Dead { which, command } => dead::dead(global, out, which, command).await,
        JournalCommand::Retry { operation, wait } => retry(global, out, operation, wait).await,
        JournalCommand::Compact { before, dry_run } => {
            super::compact::compact(global, out, before, dry_run).await
        }
        JournalCommand::Discard { operation, why } => {
            let (_, seat) = Seat::take(global, false).await?;
            let result = seat.done(Ask::Discard { operation, why }).await;
            seat.leave().await;
            result?;
            out.text(&format!("operation {operation} is discarded"));
            out.value(&serde_json::json!({ "operation": operation, "state": "discarded" }));
            Ok(Exit::Done)
        }
    }
}

/// Tells why a command to the engine was refused.
pub(super) fn refused(error: CommandError) -> Trouble {
    let advice = match &error {
        CommandError::Journal(error) => return journal_trouble(error),
        CommandError::Rules(told) => {
            return Trouble::new(Exit::Input, "use the rules", told)
                .advise("correct the policies under [rules]");
        }
        CommandError::OperationUnknown(_)
        | CommandError::WrongState { .. }
        | CommandError::Superseded { .. } => "see `outbound journal operations`",
        CommandError::ConnectorUnknown(_) => "see `outbound connector list`",
        CommandError::NotBraked(..) => "see `outbound brake list`",
        CommandError::NobodyApproves => "name who says so: --by NAME",
        CommandError::ApprovedTooLong => {
            "write a shorter time, as --expires 8h, and approve again when it is over"
        }
        CommandError::NotQuarantined(_) => "see `outbound quarantine list`",
    };
    Trouble::new(Exit::Usage, "do that", error).advise(advice)
}

fn list(reader: &Reader, out: Out, page: &PageArgs, user: Option<&str>) -> Result<Exit, Trouble> {
    if let Some(name) = user {
        return list_about(reader, out, name, page.limit);
    }
    let flows = reader
        .flows(page.page())
        .map_err(|error| journal_trouble(&error))?;
    let mut rows: Vec<Vec<String>> = flows
        .iter()
        .map(|flow| {
            let triggers: Vec<String> = flow.triggers.iter().map(render::headline).collect();
            let states: Vec<String> = flow
                .operations
                .iter()
                .map(|(state, count)| format!("{count} {}", state.word()))
                .collect();
            vec![
                flow.seq.to_string(),
                clock_text(flow.at),
                flow.flow.to_string(),
                triggers.join("; "),
                if states.is_empty() {
                    "nothing to send".to_owned()
                } else {
                    states.join(", ")
                },
            ]
        })
        .collect();
    let mut listed = Vec::with_capacity(flows.len());
    for (row, flow) in rows.iter_mut().zip(&flows) {
        let mut directory = None;
        // One without a trigger is a change of a role that nobody holds.
        if flow.triggers.is_empty()
            && let Some(trace) = reader
                .trace(flow.flow)
                .map_err(|error| journal_trouble(&error))?
        {
            row[3] = render::role_changes(&trace).collect::<Vec<_>>().join("; ");
            directory = Some(trace.directory);
        }
        listed.push(Listed { flow, directory });
    }
    out.table(&["NUMBER", "AT", "FLOW", "TRIGGER", "OPERATIONS"], &rows);
    for flow in &listed {
        out.value(flow);
    }
    Ok(Exit::Done)
}

/// A flow of the list as JSON.
#[derive(Serialize)]
struct Listed<'f> {
    #[serde(flatten)]
    flow: &'f FlowSummary,
    /// What happened to the directory, of a flow that no trigger tells of; as `journal show` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<Vec<(Timestamp, DirectoryChange)>>,
}

fn list_about(reader: &Reader, out: Out, name: &str, limit: usize) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    let user = reader
        .user(&QualifiedName::new(name))
        .map_err(failed)?
        .ok_or_else(|| {
            Trouble::new(
                Exit::Usage,
                "list the flows",
                format!("there is no user {name}"),
            )
            .advise(
                "see `outbound users list`; flows of deleted users are in `outbound journal list`",
            )
        })?;
    for flow in reader
        .flows_about(domain::LocalRef::User(user.id), limit)
        .map_err(failed)?
    {
        if let Some(trace) = reader.trace(flow).map_err(failed)? {
            out.text(&render::short(&trace));
            out.value(&trace);
        }
    }
    Ok(Exit::Done)
}

fn show(reader: &Reader, out: Out, id: Option<&str>, wire: bool) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    let flow = match id {
        Some(id) => named(reader, id)?,
        None => reader
            .flows(Page::newest(1))
            .map_err(failed)?
            .first()
            .map(|flow| flow.flow),
    };
    let trace = match flow {
        Some(flow) => reader.trace(flow).map_err(failed)?,
        None => None,
    };
    let Some(trace) = trace else {
        let kept = reader.kept().map_err(failed)?;
        let since = kept
            .since
            .filter(|_| flow.is_some_and(|flow| kept.may_have_had(flow)));
        let what = match (id, since) {
            (None, _) => "nothing has happened yet".to_owned(),
            (Some(id), None) => format!("there is no flow {id}"),
            (Some(id), Some(since)) => format!(
                "flow {id} is no longer kept: what had settled before {since} was removed ([engine.retention])"
            ),
        };
        return Err(
            Trouble::new(Exit::Usage, "show the flow", what).advise("see `outbound journal list`")
        );
    };
    out.text(&render::whole(&trace));
    if wire {
        for exchange in trace
            .operations
            .iter()
            .flat_map(|operation| &operation.attempts)
            .flat_map(|attempt| &attempt.exchanges)
        {
            out.text(&format!("\n{}", render::exchange(exchange)));
        }
    }
    out.value(&trace);
    Ok(Exit::Done)
}

/// Finds a flow by its own id or by that of one of its operations.
fn named(reader: &Reader, id: &str) -> Result<Option<FlowId>, Trouble> {
    let uuid: OperationId = id.parse().map_err(|_| {
        Trouble::new(Exit::Usage, "show the flow", format!("`{id}` is no id"))
            .advise("see `outbound journal list`")
    })?;
    let by_operation = reader
        .flow_of(uuid)
        .map_err(|error| journal_trouble(&error))?;
    Ok(Some(by_operation.unwrap_or(FlowId(uuid.0))))
}

fn operations(
    reader: &Reader,
    out: Out,
    filter: &OperationFilter,
    page: Page,
) -> Result<Exit, Trouble> {
    let list = reader
        .operations(filter, page)
        .map_err(|error| journal_trouble(&error))?;
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|view| {
            vec![
                view.seq.to_string(),
                view.operation.to_string(),
                view.connector.to_string(),
                view.verb.to_string(),
                view.name.to_string(),
                view.life.due().map_or_else(
                    || view.life.word().to_owned(),
                    |due| format!("{} {}", view.life.word(), clock_text(due)),
                ),
                view.attempts.to_string(),
                view.told_error().unwrap_or_default(),
            ]
        })
        .collect();
    out.table(
        &[
            "NUMBER",
            "OPERATION",
            "CONNECTOR",
            "VERB",
            "WHO",
            "STATE",
            "TRIES",
            "LAST ERROR",
        ],
        &rows,
    );
    for view in &list {
        out.value(view);
    }
    Ok(Exit::Done)
}

fn exchanges(
    reader: &Reader,
    out: Out,
    filter: &ExchangeFilter,
    page: Page,
    wire: bool,
) -> Result<Exit, Trouble> {
    let list = reader
        .exchanges(filter, page)
        .map_err(|error| journal_trouble(&error))?;
    if wire {
        for view in &list {
            out.text(&render::exchange(&view.exchange));
        }
    } else {
        let rows: Vec<Vec<String>> = list.iter().map(exchange_row).collect();
        out.table(
            &["NUMBER", "AT", "CONNECTOR", "METHOD", "STATUS", "MS", "URL"],
            &rows,
        );
    }
    for view in &list {
        out.value(view);
    }
    Ok(Exit::Done)
}

fn exchange_row(view: &ExchangeView) -> Vec<String> {
    let exchange = &view.exchange;
    let status = match (&exchange.response, &exchange.error) {
        (Some(response), _) => response.status.to_string(),
        (None, Some(_)) => "none".to_owned(),
        (None, None) => "…".to_owned(),
    };
    vec![
        view.seq.to_string(),
        clock_text(exchange.at),
        view.connector.to_string(),
        exchange.method.clone(),
        status,
        exchange.took.as_millis().to_string(),
        exchange.url.clone(),
    ]
}

fn export(
    reader: &Reader,
    format: Format,
    flow: Option<FlowId>,
    since: u64,
) -> Result<Exit, Trouble> {
    let failed = |error| journal_trouble(&error);
    if format == Format::Jsonl {
        match flow {
            Some(flow) => {
                for record in reader.facts_of(flow).map_err(failed)? {
                    super::out::export(&record);
                }
            }
            None => {
                for record in reader.export(since) {
                    super::out::export(&record.map_err(failed)?);
                }
            }
        }
        return Ok(Exit::Done);
    }
    let mut list = all_exchanges(reader, flow)?;
    list.sort_by_key(|view| view.seq);
    match format {
        Format::Har => super::out::export(&export::har(list.iter().map(|view| &view.exchange))),
        Format::Curl => {
            for view in &list {
                Out::new(false).text(&format!("{}\n", export::curl(&view.exchange)));
            }
        }
        Format::Jsonl => unreachable!("written above"),
    }
    Ok(Exit::Done)
}

fn all_exchanges(reader: &Reader, flow: Option<FlowId>) -> Result<Vec<ExchangeView>, Trouble> {
    const PAGE: usize = 500;
    let mut list: Vec<ExchangeView> = Vec::new();
    let mut page = Page::newest(PAGE);
    loop {
        let part = reader
            .exchanges(&ExchangeFilter::default(), page)
            .map_err(|error| journal_trouble(&error))?;
        let Some(oldest) = part.last().map(|view| view.seq) else {
            break;
        };
        list.extend(
            part.into_iter()
                .filter(|view| flow.is_none() || view.flow == flow),
        );
        page = Page::before(oldest, PAGE);
    }
    Ok(list)
}

async fn retry(
    global: &Global,
    out: Out,
    operation: OperationId,
    wait: u64,
) -> Result<Exit, Trouble> {
    let (_, seat) = Seat::take(global, true).await?;
    let result = async {
        seat.done(Ask::Retry { operation }).await?;
        let wait = std::time::Duration::from_secs(wait);
        seat.settle(&[operation], wait).await
    };
    let result = result.await;
    let view = seat
        .reader()
        .operation(operation)
        .map_err(|error| journal_trouble(&error));
    seat.leave().await;
    result?;
    let Some(view) = view? else {
        return Err(Trouble::new(
            Exit::Usage,
            "try it again",
            format!("there is no operation {operation}"),
        ));
    };
    out.text(&format!("operation {operation} is {}", view.life.word()));
    out.value(&view);
    Ok(match view.life.state() {
        State::Dead => Exit::Failed,
        state if state.is_open() => Exit::Owed,
        _ => Exit::Done,
    })
}

fn clock_text(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
