//! The command line: every action of the product as a command. Text for people by default, `--json` everywhere.

mod answer;
mod bench;
mod brake;
mod check;
mod compact;
mod configuration;
mod crash;
mod dead;
mod directory;
mod import;
mod journal;
mod links;
mod mock;
mod out;
mod quarantine;
mod reconcile;
mod render;
mod replay;
mod request;
mod run;
mod screen;
mod seat;
mod serve;
mod session;
mod trigger;
mod trouble;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tui::LogBook;

use crate::exit::Exit;
use crate::log;
use out::Out;
use trouble::Trouble;

/// A terminal workbench for outbound user provisioning.
#[derive(Debug, Parser)]
#[command(name = "outbound", version, about, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    screen: screen::ScreenArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Without a command, in a terminal: the full-screen workbench on workbench.toml.
Begin with:
  outbound run fixtures/scenarios/tour.toml    the tour: every level, with mocks, explained
  outbound mock all                            the three mock targets, for trying things by hand
  outbound check                               is workbench.toml right?
Exit codes: outbound exit-codes. Reasons why nothing was sent: outbound reasons.";

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
struct Global {
    /// The configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "workbench.toml",
        env = "OUTBOUND_CONFIG"
    )]
    config: PathBuf,
    /// The journal, instead of the one that the configuration names
    #[arg(long, global = true, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Writes results as JSON, one value per line
    #[arg(long, global = true)]
    json: bool,
    /// Writes a log into this folder, one file a day (level by OUTBOUND_LOG, default info)
    #[arg(long, global = true, value_name = "DIR")]
    log_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Something happens to a user or group: decide, send, confirm
    Trigger(trigger::TriggerArgs),
    /// The same decision without doing anything
    Plan(trigger::PlanArgs),
    /// Runs the engine without a screen, under a service manager: SIGTERM stops it, SIGHUP has it read workbench.toml again
    Serve(serve::ServeArgs),
    /// How the engine that runs on this journal stands
    Status,
    /// Has the engine that runs on this journal read workbench.toml again
    Reload,
    /// Carries out what is owed: queued, retrying and in-doubt operations
    Drain(trigger::DrainArgs),
    /// Plays scenarios against private mocks and checks what they expect
    Run(run::RunArgs),
    /// Starts and steers the mock targets
    #[command(subcommand)]
    Mock(mock::MockCommand),
    /// Checks workbench.toml: every mistake and every doubt, with its line and a fix
    Check(check::CheckArgs),
    /// Shows and changes workbench.toml, one value at a time
    #[command(subcommand)]
    Config(configuration::ConfigCommand),
    /// What happened and what is owed: flows, operations, exchanges, exports
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Users of the local directory
    #[command(subcommand)]
    Users(directory::ListCommand),
    /// Groups of the local directory
    #[command(subcommand)]
    Groups(directory::ListCommand),
    /// Roles of the local directory
    #[command(subcommand)]
    Roles(directory::RolesCommand),
    /// Puts a directory seed in place, without triggers
    Seed(directory::SeedArgs),
    /// Remote identities of local users and groups
    #[command(subcommand)]
    Links(links::LinksCommand),
    /// Compares the targets' accounts with what was written and what should be there, and decides about the differences
    Reconcile(reconcile::ReconcileArgs),
    /// Connectors that are left alone because too much fails there: who brought it about, and the ways out
    #[command(subcommand)]
    Quarantine(quarantine::QuarantineCommand),
    /// Deletes, deactivations and group removals that are too many at once and wait for an approval
    #[command(subcommand)]
    Brake(brake::BrakeCommand),
    /// Stops and resumes sending to a connector; the work is kept
    #[command(subcommand)]
    Connector(links::ConnectorCommand),
    /// Sends a recorded request once more, exactly as it was; no operation and no link changes by it
    Replay(replay::ReplayArgs),
    /// Creates users from a file, one trigger each
    Import(import::ImportArgs),
    /// Measures, and prints the numbers
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Lists the reason codes: why nothing was sent, and what to do
    Reasons,
    /// Lists the exit codes
    ExitCodes,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            let _ = error.print(); // a closed terminal is no reason to fail differently
            return ExitCode::from(exit.code());
        }
    };
    connectors::install_crypto();
    let out = Out::new(cli.global.json);
    let book = LogBook::default();
    let reader = match cli.command {
        None => log::Reader::Workbench(book.clone()),
        Some(Command::Serve(_)) => log::Reader::ServiceManager,
        Some(_) => log::Reader::Nobody,
    };
    let log = match log::start(cli.global.log_dir.as_deref(), &reader) {
        Ok(log) => log,
        Err(error) => return finish(out, &Err(Trouble::new(Exit::Usage, "start the log", error))),
    };
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::new(Exit::Failed, "start the runtime", error))
        .and_then(|runtime| runtime.block_on(dispatch(cli, out, &book)));
    let code = finish(out, &result);
    drop(log); // after the last line was written
    code
}

async fn dispatch(cli: Cli, out: Out, book: &LogBook) -> Result<Exit, Trouble> {
    let global = &cli.global;
    match cli.command {
        None if screen::is_plain(&cli.screen) => screen::plain(global, &cli.screen, book).await,
        None if tui::has_terminal() && !cli.global.json => {
            screen::open(global, &cli.screen, book).await
        }
        None => {
            out.text(WELCOME);
            out.value(&serde_json::json!({ "begin": "outbound run fixtures/scenarios/tour.toml" }));
            Ok(Exit::Done)
        }
        Some(Command::Trigger(args)) => trigger::trigger(global, out, args).await,
        Some(Command::Plan(args)) => trigger::plan(global, out, args),
        Some(Command::Serve(args)) => serve::serve(global, out, args).await,
        Some(Command::Status) => serve::status(global, out).await,
        Some(Command::Reload) => serve::reload(global, out).await,
        Some(Command::Drain(args)) => trigger::drain(global, out, args).await,
        Some(Command::Run(args)) => run::run(out, args).await,
        Some(Command::Mock(command)) => mock::mock(global, out, command).await,
        Some(Command::Check(args)) => check::check(global, out, args).await,
        Some(Command::Config(command)) => configuration::configuration(global, out, command),
        Some(Command::Journal(command)) => journal::journal(global, out, command).await,
        Some(Command::Users(command)) => directory::users(global, out, command),
        Some(Command::Groups(command)) => directory::groups(global, out, command),
        Some(Command::Roles(command)) => directory::roles(global, out, &command),
        Some(Command::Seed(args)) => directory::seed(global, out, args).await,
        Some(Command::Links(command)) => links::links(global, out, command).await,
        Some(Command::Reconcile(args)) => reconcile::reconcile(global, out, args).await,
        Some(Command::Quarantine(command)) => quarantine::quarantine(global, out, command).await,
        Some(Command::Brake(command)) => brake::brake(global, out, command).await,
        Some(Command::Connector(command)) => links::connector(global, out, command).await,
        Some(Command::Replay(args)) => replay::replay(global, out, &args).await,
        Some(Command::Import(args)) => import::import(global, out, args).await,
        Some(Command::Bench(command)) => bench::bench(out, command).await,
        Some(Command::Reasons) => Ok(reasons(out)),
        Some(Command::ExitCodes) => Ok(exit_codes(out)),
    }
}

const WELCOME: &str = "\
outbound: a workbench for outbound user provisioning.

In a terminal, `outbound` alone opens the full-screen workbench. There is no terminal here; `outbound --plain`
reads the same actions line by line, from a pipe, too, and every action is a command:

  outbound run fixtures/scenarios/tour.toml   the tour: organization, connection and application level, roles, rules, patterns, blocking
  outbound check                              is workbench.toml right?
  outbound mock all                           the three mock targets
  outbound plan user-created kim              what would happen, and why
  outbound trigger user-created kim           let it happen
  outbound journal show                       what happened: decision, wire, confirmed account
  outbound --help                             everything else";

fn finish(out: Out, result: &Result<Exit, Trouble>) -> ExitCode {
    let exit = match result {
        Ok(exit) => *exit,
        Err(trouble) => {
            out::note(&trouble.to_string());
            out.value(&trouble.to_json());
            trouble.exit
        }
    };
    ExitCode::from(exit.code())
}

fn reasons(out: Out) -> Exit {
    for reason in domain::Reason::ALL {
        out.text(&format!(
            "{}  (step {} {})\n  {}\n  do: {}",
            reason.code(),
            reason.step().number(),
            reason.step(),
            reason.sentence(),
            reason.fix()
        ));
        out.value(&serde_json::json!({
            "reason": reason.code(), "step": reason.step().word(), "sentence": reason.sentence(), "fix": reason.fix(),
        }));
    }
    Exit::Done
}

fn exit_codes(out: Out) -> Exit {
    for exit in Exit::ALL {
        out.text(&format!("{:>3}  {}", exit.code(), exit.sentence()));
        out.value(&serde_json::json!({ "code": exit.code(), "meaning": exit.sentence() }));
    }
    Exit::Done
}
