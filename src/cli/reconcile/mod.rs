//! `outbound reconcile`: what the targets have, compared with what was written and what should be there; and what becomes
//! of the differences.

mod report;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand};
use domain::{
    Condition, Configuration, ConnectorRef, Divergence, FieldDrift, FlowId, Object, QualifiedName,
    RemoteId, Resolution,
};
use engine::{DriftView, ReadBudget, Reader, Wish};

use report::{divergence_text, orphan_text, show};

use super::links::{name_of, told_groups};
use super::out::Out;
use super::seat::{Seat, nonsense};
use super::session::{self, journal_trouble};
use super::trouble::Trouble;
use super::{Global, trigger};
use crate::control::{Answer, Ask};
use crate::exit::Exit;
use crate::workbench;

/// How many differences are read from the journal at once.
const PAGE: usize = 500;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ReconcileArgs {
    #[command(subcommand)]
    command: Option<ReconcileCommand>,
    /// Only these connectors: CONNECTION/CONNECTOR
    connectors: Vec<ConnectorRef>,
    /// So many requests to each target at most; the next comparison goes on where this one stops
    #[arg(long, value_name = "N", default_value_t = ReadBudget::default().requests)]
    budget: u32,
    /// So many accounts of each target at most; the next comparison goes on there
    #[arg(long, value_name = "N", default_value_t = ReadBudget::default().accounts)]
    accounts: u64,
    /// An account written less than this ago is not called different or missing
    #[arg(long, value_name = "SECONDS", default_value_t = ReadBudget::default().patience.as_secs())]
    patience: u64,
    /// Begins anew where a comparison stopped before its end, instead of going on with it
    #[arg(long)]
    restart: bool,
    /// Leaves out the connectors whose last comparison came to its end, so that a small budget comes to the end of all
    #[arg(long = "continue", conflicts_with = "restart")]
    unfinished: bool,
}

#[derive(Debug, Subcommand)]
enum ReconcileCommand {
    /// Lists what the last comparison found and nobody has decided about
    List {
        /// Only at this connector: CONNECTION/CONNECTOR
        #[arg(long)]
        connector: Option<ConnectorRef>,
    },
    /// Lets the target's values stand: updates leave them until something else is desired
    Accept(Choice),
    /// Brings the accounts back to what they should be, by an ordinary operation
    Restore {
        #[command(flatten)]
        choice: Choice,
        /// Makes accounts anew that are gone at the target
        #[arg(long)]
        recreate: bool,
        /// Takes accounts away that should not be there
        #[arg(long)]
        take_away: bool,
        /// How long to wait for the operations, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Reports the differences no more while they stay as they are
    Ignore(Choice),
    /// Links an account of ours again that lost its link
    Adopt(OrphanArgs),
    /// Takes an account of ours away that lost its link
    TakeAway {
        #[command(flatten)]
        orphan: OrphanArgs,
        /// Does it; without, it is only shown
        #[arg(long)]
        yes: bool,
        /// How long to wait for the operation, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
}

/// Which differences are decided about.
#[derive(Debug, Args)]
struct Choice {
    /// Users: name or STORE/name
    users: Vec<String>,
    /// Groups: name or STORE/name
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Only at this connector: CONNECTION/CONNECTOR
    #[arg(long)]
    connector: Option<ConnectorRef>,
    /// Only these fields
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
    /// Everything that was found
    #[arg(long, conflicts_with_all = ["users", "groups"])]
    all: bool,
    /// Does it; without, what concerns more than one account is only shown
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct OrphanArgs {
    /// CONNECTION/CONNECTOR
    connector: ConnectorRef,
    /// The target's id of the account
    remote_id: String,
    /// It is a group
    #[arg(long)]
    group: bool,
}

impl OrphanArgs {
    fn object(&self) -> Object {
        if self.group {
            Object::Group
        } else {
            Object::User
        }
    }
}

pub(super) async fn reconcile(
    global: &Global,
    out: Out,
    args: ReconcileArgs,
) -> Result<Exit, Trouble> {
    match args.command {
        None => compare(global, out, &args).await,
        Some(ReconcileCommand::List { connector }) => list(global, out, connector.as_ref()),
        Some(ReconcileCommand::Accept(choice)) => {
            decide(global, out, &choice, Resolution::Accept, Means::default()).await
        }
        Some(ReconcileCommand::Ignore(choice)) => {
            decide(global, out, &choice, Resolution::Ignore, Means::default()).await
        }
        Some(ReconcileCommand::Restore {
            choice,
            recreate,
            take_away,
            wait,
        }) => {
            let means = Means {
                recreate,
                take_away,
                wait: Duration::from_secs(wait),
            };
            decide(global, out, &choice, Resolution::Restore, means).await
        }
        Some(ReconcileCommand::Adopt(orphan)) => adopt(global, out, &orphan).await,
        Some(ReconcileCommand::TakeAway { orphan, yes, wait }) => {
            take_away(global, out, &orphan, yes, Duration::from_secs(wait)).await
        }
    }
}

/// What a restore may do, and how long it is waited for.
#[derive(Debug, Clone, Copy, Default)]
struct Means {
    recreate: bool,
    take_away: bool,
    wait: Duration,
}

/// Says that a comparison was stopped by a signal, and where it goes on.
fn interrupted(seat: &Seat, connector: &ConnectorRef) -> Trouble {
    let advice = match seat {
        Seat::Own(_) => {
            "run the same command again: what was read is kept, and the comparison goes on there"
        }
        Seat::Other(..) => {
            "the running engine goes on with it; what it finds: `outbound reconcile list`"
        }
    };
    let tried = format!("compare {connector}");
    Trouble::new(Exit::Interrupted, tried, "stopped by a signal").advise(advice)
}

async fn compare(global: &Global, out: Out, args: &ReconcileArgs) -> Result<Exit, Trouble> {
    let mut stopped = std::pin::pin!(workbench::stop_signal());
    // At rest: a comparison sends nothing that is owed.
    let (loaded, seat) = Seat::take(global, false).await?;
    let budget = ReadBudget {
        requests: args.budget,
        accounts: args.accounts,
        patience: Duration::from_secs(args.patience),
        ..ReadBudget::default()
    };
    let asked = if args.connectors.is_empty() {
        loaded.map(|loaded| enabled(&loaded.configuration))
    } else {
        Ok(args.connectors.clone())
    };
    let asked = asked.and_then(|asked| {
        if args.unfinished {
            left(out, &seat.reader(), asked)
        } else {
            Ok(asked)
        }
    });
    let (asked, mut result) = match asked {
        Ok(asked) => (asked, Ok(())),
        Err(trouble) => (Vec::new(), Err(trouble)),
    };
    let mut exit = Exit::Done;
    for connector in &asked {
        let ask = Ask::Reconcile {
            connector: connector.clone(),
            budget,
            restart: args.restart,
        };
        let answer = tokio::select! {
            answer = seat.ask(ask) => answer,
            () = &mut stopped => Err(interrupted(&seat, connector)),
        };
        match answer {
            Ok(Answer::Compared { report }) => {
                show(out, &report);
                if !report.tally.is_in_sync() {
                    exit = Exit::Drift;
                }
            }
            Ok(_) => result = Err(nonsense()),
            Err(trouble) => result = Err(trouble),
        }
        if result.is_err() {
            break;
        }
    }
    seat.leave().await;
    result.map(|()| exit)
}

/// Returns the connectors that are switched on.
fn enabled(configuration: &Configuration) -> Vec<ConnectorRef> {
    let connections = configuration.connections.iter();
    connections
        .filter(|connection| connection.enabled)
        .flat_map(|connection| {
            let connectors = connection.connectors.iter();
            connectors
                .filter(|settings| settings.enabled)
                .map(|settings| ConnectorRef {
                    connection: connection.id.clone(),
                    kind: settings.kind.clone(),
                })
        })
        .collect()
}

/// Returns those whose last comparison did not come to its end, and names the others.
fn left(out: Out, reader: &Reader, asked: Vec<ConnectorRef>) -> Result<Vec<ConnectorRef>, Trouble> {
    let mut left = Vec::with_capacity(asked.len());
    for connector in asked {
        let is_compared = reader.is_compared(&connector);
        if is_compared.map_err(|error| journal_trouble(&error))? {
            out.text(&format!(
                "{connector}  the last comparison came to its end; what it found: `outbound reconcile list --connector {connector}`"
            ));
        } else {
            left.push(connector);
        }
    }
    Ok(left)
}

fn list(global: &Global, out: Out, connector: Option<&ConnectorRef>) -> Result<Exit, Trouble> {
    let reader = session::reader(global)?;
    let failed = |error| journal_trouble(&error);
    let found = all_drifts(&reader, connector).map_err(failed)?;
    for drift in &found {
        out.text(&format!("{}  {}", drift.divergence.connector, drift.at));
        out.text(&divergence_text(&drift.divergence));
        out.value(drift);
    }
    let orphans = reader.orphans(connector).map_err(failed)?;
    for orphan in &orphans {
        out.text(&format!("{}\n{}", orphan.connector, orphan_text(orphan)));
        out.value(orphan);
    }
    if found.is_empty() && orphans.is_empty() {
        out.text("nothing was found that is not decided about");
        return Ok(Exit::Done);
    }
    Ok(Exit::Drift)
}

fn all_drifts(
    reader: &engine::Reader,
    connector: Option<&ConnectorRef>,
) -> Result<Vec<DriftView>, engine::JournalError> {
    let mut all: Vec<DriftView> = Vec::new();
    loop {
        let after = all
            .last()
            .map(|last| (&last.divergence.connector, last.divergence.local));
        let page = reader.drifts(connector, after, PAGE)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

impl Choice {
    /// Returns the differences that are meant.
    ///
    /// # Errors
    /// Somebody who is named has none, or nobody is named.
    fn chosen(&self, found: Vec<DriftView>) -> Result<Vec<DriftView>, Trouble> {
        let tried = "choose what to decide about";
        if self.all {
            return Ok(found);
        }
        let named: Vec<(Object, QualifiedName)> = self
            .users
            .iter()
            .map(|name| (Object::User, QualifiedName::new(name)))
            .chain(
                self.groups
                    .iter()
                    .map(|name| (Object::Group, QualifiedName::new(name))),
            )
            .collect();
        if named.is_empty() {
            return Err(
                Trouble::new(Exit::Usage, tried, "no user and no group is named")
                    .advise("name them, or say --all"),
            );
        }
        let is = |drift: &DriftView, (object, name): &(Object, QualifiedName)| {
            let divergence = &drift.divergence;
            divergence.local.object() == *object
                && divergence.name.to_string().to_lowercase() == name.to_string().to_lowercase()
        };
        for wanted in &named {
            if !found.iter().any(|drift| is(drift, wanted)) {
                let told = format!("no difference is known of {} {}", wanted.0, wanted.1);
                return Err(Trouble::new(Exit::Usage, tried, told).advise(
                    "see `outbound reconcile list`, or compare again: `outbound reconcile`",
                ));
            }
        }
        Ok(found
            .into_iter()
            .filter(|drift| named.iter().any(|wanted| is(drift, wanted)))
            .collect())
    }

    /// Returns of what was chosen the named fields alone, and nobody of whom none of them differs.
    ///
    /// # Errors
    /// A field is named that differs nowhere there.
    fn limited(&self, chosen: Vec<DriftView>) -> Result<Vec<DriftView>, Trouble> {
        if self.fields.is_empty() || chosen.is_empty() {
            return Ok(chosen);
        }
        let known: BTreeSet<&str> = chosen
            .iter()
            .flat_map(|drift| fields_in(&drift.divergence))
            .map(|drift| drift.field.as_str())
            .collect();
        for wanted in &self.fields {
            if known.iter().any(|field| field.eq_ignore_ascii_case(wanted)) {
                continue;
            }
            let known: Vec<&str> = known.iter().copied().collect();
            let told = if known.is_empty() {
                format!("{wanted} does not differ: no field does of what was chosen")
            } else {
                format!("{wanted} does not differ; there are {}", known.join(", "))
            };
            return Err(
                Trouble::new(Exit::Usage, "choose what to decide about", told)
                    .advise("see `outbound reconcile list`"),
            );
        }
        let limited = chosen.into_iter().filter_map(|mut drift| {
            let Condition::Differs { fields } = &mut drift.divergence.condition else {
                return None;
            };
            fields.retain(|drift| {
                let mut wanted = self.fields.iter();
                wanted.any(|wanted| drift.field.eq_ignore_ascii_case(wanted))
            });
            (!fields.is_empty()).then_some(drift)
        });
        Ok(limited.collect())
    }
}

async fn decide(
    global: &Global,
    out: Out,
    choice: &Choice,
    resolution: Resolution,
    means: Means,
) -> Result<Exit, Trouble> {
    let reader = session::reader(global)?;
    let found =
        all_drifts(&reader, choice.connector.as_ref()).map_err(|error| journal_trouble(&error))?;
    let chosen = choice.limited(choice.chosen(found)?)?;
    let takes_away = means.take_away
        && chosen
            .iter()
            .any(|drift| matches!(drift.divergence.condition, Condition::Unwanted { .. }));
    if !choice.yes && (chosen.len() > 1 || takes_away) {
        out.text(&format!(
            "{resolution} would be decided about these; --yes does it"
        ));
        for drift in &chosen {
            out.text(&format!("{}", drift.divergence.connector));
            out.text(&divergence_text(&drift.divergence));
            out.value(drift);
        }
        return Ok(Exit::Drift);
    }
    let (_, seat) = Seat::take(global, resolution == Resolution::Restore).await?;
    let outcome = carry_out(&seat, out, choice, resolution, means, &chosen).await;
    seat.leave().await;
    outcome
}

async fn carry_out(
    seat: &Seat,
    out: Out,
    choice: &Choice,
    resolution: Resolution,
    means: Means,
    chosen: &[DriftView],
) -> Result<Exit, Trouble> {
    let mut flows = Vec::new();
    let mut refused = 0_usize;
    for drift in chosen {
        let divergence = &drift.divergence;
        let fields: Vec<String> = fields_in(divergence)
            .iter()
            .map(|drift| drift.field.clone())
            .collect();
        let named: Option<BTreeSet<String>> =
            (!choice.fields.is_empty()).then(|| fields.iter().cloned().collect());
        let which = if named.is_some() {
            format!(" {}", fields.join(", "))
        } else {
            String::new()
        };
        let wish = Wish {
            connector: divergence.connector.clone(),
            local: divergence.local,
            fields: named,
            resolution,
            recreate: means.recreate,
            take_away: means.take_away,
        };
        let whose = format!(
            "{}  {} {}",
            divergence.connector,
            divergence.local.object(),
            divergence.name
        );
        match seat.ask(Ask::Resolve { wish }).await {
            Ok(Answer::Resolved { flow }) => {
                out.text(&format!("{whose}  {resolution}{which}"));
                out.value(&serde_json::json!({
                    "connector": divergence.connector.to_string(), "local": divergence.local,
                    "name": divergence.name.to_string(), "resolution": resolution,
                    "fields": fields, "flow": flow,
                }));
                flows.extend(flow);
            }
            Ok(_) => return Err(nonsense()),
            Err(trouble) if chosen.len() > 1 => {
                refused += 1;
                let told = trouble.happened.join(" ");
                super::out::note(&format!("{whose}  not done: {told}"));
            }
            Err(trouble) => return Err(trouble),
        }
    }
    if flows.is_empty() {
        return Ok(if refused > 0 {
            Exit::Failed
        } else {
            Exit::Done
        });
    }
    let exit = settled(seat, out, &flows, means.wait).await?;
    Ok(if exit == Exit::Done && refused > 0 {
        Exit::Failed
    } else {
        exit
    })
}

/// Returns the fields of one account that differ.
fn fields_in(divergence: &Divergence) -> &[FieldDrift] {
    match &divergence.condition {
        Condition::Differs { fields } => fields,
        Condition::Missing | Condition::Unwanted { .. } => &[],
    }
}

/// Waits for what was begun and returns how it ended.
async fn settled(seat: &Seat, out: Out, flows: &[FlowId], wait: Duration) -> Result<Exit, Trouble> {
    let reader = seat.reader();
    let mut operations = Vec::new();
    for flow in flows {
        operations.extend(trigger::operations_of(&reader, *flow)?);
    }
    seat.settle(&operations, wait).await?;
    trigger::exit_of_flows(&reader, out, flows)
}

async fn adopt(global: &Global, out: Out, orphan: &OrphanArgs) -> Result<Exit, Trouble> {
    let (_, seat) = Seat::take(global, false).await?;
    let ask = Ask::Adopt {
        connector: orphan.connector.clone(),
        object: orphan.object(),
        remote_id: RemoteId(orphan.remote_id.clone()),
    };
    let adopting = async {
        let owed = seat.owed(Some(&orphan.connector))?;
        let Answer::Linked { link } = seat.ask(ask).await? else {
            return Err(nonsense());
        };
        let groups = seat.left_owed(&orphan.connector, &owed)?;
        let name = name_of(&seat.reader(), &link)?;
        Ok((link, name, groups))
    };
    let adopted: Result<_, Trouble> = adopting.await;
    seat.leave().await;
    let (link, name, groups) = adopted?;
    out.text(&format!(
        "{}  {} {name} is linked to {} ({}) again; what differs says `outbound reconcile`",
        link.connector,
        link.local.object(),
        link.remote_name,
        link.remote_id
    ));
    told_groups(out, &link.connector, groups);
    out.value(&link);
    Ok(if groups > 0 { Exit::Owed } else { Exit::Done })
}

async fn take_away(
    global: &Global,
    out: Out,
    orphan: &OrphanArgs,
    yes: bool,
    wait: Duration,
) -> Result<Exit, Trouble> {
    if !yes {
        let reader = session::reader(global)?;
        let known = reader
            .orphans(Some(&orphan.connector))
            .map_err(|error| journal_trouble(&error))?;
        let known = known
            .iter()
            .find(|known| known.remote_id.0 == orphan.remote_id && known.object == orphan.object());
        out.text("this account would be taken away; --yes does it");
        match known {
            Some(known) => out.text(&orphan_text(known)),
            None => out.text(&format!(
                "  {} was not found by the last comparison; it is proved anew that it is ours",
                orphan.remote_id
            )),
        }
        return Ok(Exit::Drift);
    }
    let (_, seat) = Seat::take(global, true).await?;
    let ask = Ask::TakeAway {
        connector: orphan.connector.clone(),
        object: orphan.object(),
        remote_id: RemoteId(orphan.remote_id.clone()),
    };
    let result = match seat.ask(ask).await {
        Ok(Answer::Taken { flow, .. }) => settled(&seat, out, &[flow], wait).await,
        Ok(_) => Err(nonsense()),
        Err(trouble) => Err(trouble),
    };
    seat.leave().await;
    result
}
