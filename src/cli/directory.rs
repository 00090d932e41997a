//! `outbound users|groups|roles` and `outbound seed`: the local directory. It is changed by triggers.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{LocalRef, QualifiedName, RoleName, User};
use engine::{Reader, Seed};

use super::out::{Out, counted};
use super::seat::{Seat, nonsense};
use super::session::journal_trouble;
use super::trouble::Trouble;
use super::{Global, session};
use crate::control::{Answer, Ask};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum ListCommand {
    /// Lists them by name
    List {
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only those after this name
        #[arg(long, value_name = "NAME")]
        after: Option<String>,
    },
    /// Shows one, with its remote identities
    Show {
        /// name or STORE/name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RolesCommand {
    /// Lists them
    List,
    /// Shows one, with everybody who holds it
    Show {
        /// Internal/name or Application/name
        role: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct SeedArgs {
    /// A TOML file with roles, users and groups
    file: PathBuf,
}

pub(super) fn users(global: &Global, out: Out, command: ListCommand) -> Result<Exit, Trouble> {
    let reader = session::reader(global)?;
    match command {
        ListCommand::List { limit, after } => {
            let after = after.as_deref().map(QualifiedName::new);
            let users = reader
                .users(after.as_ref(), limit)
                .map_err(|error| journal_trouble(&error))?;
            let rows: Vec<Vec<String>> = users.iter().map(user_row).collect();
            out.table(&["USER", "STORE", "ROLES", "GROUPS", "CLAIMS"], &rows);
            for user in &users {
                out.value(user);
            }
            more(users.len(), limit, users.last().map(|user| &user.name));
            Ok(Exit::Done)
        }
        ListCommand::Show { name } => {
            let user = reader
                .user(&QualifiedName::new(&name))
                .map_err(|error| journal_trouble(&error))?;
            let user = user.ok_or_else(|| missing("user", &name))?;
            out.text(&user_text(&user));
            show_links(&reader, out, LocalRef::User(user.id))?;
            out.value(&user);
            Ok(Exit::Done)
        }
    }
}

pub(super) fn groups(global: &Global, out: Out, command: ListCommand) -> Result<Exit, Trouble> {
    let reader = session::reader(global)?;
    match command {
        ListCommand::List { limit, after } => {
            let after = after.as_deref().map(QualifiedName::new);
            let groups = reader
                .groups(after.as_ref(), limit)
                .map_err(|error| journal_trouble(&error))?;
            let rows: Vec<Vec<String>> = groups
                .iter()
                .map(|group| {
                    vec![
                        group.name.name.clone(),
                        group.name.store.to_string(),
                        group.members.len().to_string(),
                    ]
                })
                .collect();
            out.table(&["GROUP", "STORE", "MEMBERS"], &rows);
            for group in &groups {
                out.value(group);
            }
            more(groups.len(), limit, groups.last().map(|group| &group.name));
            Ok(Exit::Done)
        }
        ListCommand::Show { name } => {
            let group = reader
                .group(&QualifiedName::new(&name))
                .map_err(|error| journal_trouble(&error))?;
            let group = group.ok_or_else(|| missing("group", &name))?;
            out.text(&format!("{}  ({})", group.name, group.id));
            for member in &group.members {
                let user = reader
                    .user_by_id(*member)
                    .map_err(|error| journal_trouble(&error))?;
                out.text(&format!(
                    "  {}",
                    user.map_or_else(|| member.to_string(), |user| user.name.to_string())
                ));
            }
            show_links(&reader, out, LocalRef::Group(group.id))?;
            out.value(&group);
            Ok(Exit::Done)
        }
    }
}

pub(super) fn roles(global: &Global, out: Out, command: &RolesCommand) -> Result<Exit, Trouble> {
    let reader = session::reader(global)?;
    let failed = |error| journal_trouble(&error);
    match command {
        RolesCommand::List => {
            for role in reader.roles().map_err(failed)? {
                out.text(role.as_str());
                out.value(&serde_json::json!({ "role": role }));
            }
        }
        RolesCommand::Show { role } => {
            let role = RoleName::new(role);
            let holders = reader.holders(&role).map_err(failed)?;
            if holders.is_empty() && !reader.has_role(&role).map_err(failed)? {
                return Err(missing("role", role.as_str()));
            }
            let holders: Vec<&QualifiedName> = holders.iter().map(|user| &user.name).collect();
            out.text(role.as_str());
            for holder in &holders {
                out.text(&format!("  {holder}"));
            }
            out.value(&serde_json::json!({ "role": role, "holders": holders }));
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn seed(global: &Global, out: Out, args: SeedArgs) -> Result<Exit, Trouble> {
    let tried = format!("use the seed {}", args.file.display());
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| Trouble::new(Exit::Input, tried.clone(), error))?;
    // What cannot be read is told before an engine is begun.
    Seed::parse(&text).map_err(|error| Trouble::new(Exit::Input, tried.clone(), error))?;
    let (_, seat) = Seat::take(global, false).await?;
    let answer = seat.ask(Ask::Seed { seed: text }).await;
    seat.leave().await;
    let seeded = match answer {
        Ok(Answer::Seeded { seeded }) => seeded,
        Ok(_) => return Err(nonsense()),
        Err(trouble) => return Err(Trouble { tried, ..trouble }),
    };
    out.text(&format!(
        "{} and {} put in place, {} were there already; nothing was sent",
        counted(seeded.users, "user"),
        counted(seeded.groups, "group"),
        seeded.kept
    ));
    out.value(
        &serde_json::json!({ "users": seeded.users, "groups": seeded.groups, "kept": seeded.kept }),
    );
    Ok(Exit::Done)
}

/// Says that there may be more than was listed.
fn more(listed: usize, limit: usize, last: Option<&QualifiedName>) {
    if let Some(last) = last.filter(|_| listed == limit) {
        super::out::note(&format!(
            "there may be more: --after '{last}', or a higher --limit"
        ));
    }
}

fn missing(what: &str, name: &str) -> Trouble {
    Trouble::new(
        Exit::Usage,
        format!("show the {what}"),
        format!("there is no {what} {name}"),
    )
    .advise(format!("see `outbound {what}s list`"))
}

fn user_row(user: &User) -> Vec<String> {
    let roles: Vec<&str> = user.roles.iter().map(domain::RoleName::as_str).collect();
    let groups: Vec<String> = user.groups.iter().map(ToString::to_string).collect();
    let claims: Vec<String> = user
        .claims
        .iter()
        .map(|(claim, values)| format!("{}={}", claim.short(), values.join("|")))
        .collect();
    vec![
        user.name.name.clone(),
        user.name.store.to_string(),
        roles.join(", "),
        groups.join(", "),
        claims.join(" "),
    ]
}

fn user_text(user: &User) -> String {
    let mut text = format!("{}  ({})\n", user.name, user.id);
    for (claim, values) in &user.claims {
        text.push_str(&format!("  {:<24} {}\n", claim.short(), values.join(" | ")));
    }
    for role in &user.roles {
        text.push_str(&format!("  {:<24} {role}\n", "role"));
    }
    for group in &user.groups {
        text.push_str(&format!("  {:<24} {group}\n", "group"));
    }
    text
}

fn show_links(reader: &Reader, out: Out, local: LocalRef) -> Result<(), Trouble> {
    for link in reader
        .links_of(local)
        .map_err(|error| journal_trouble(&error))?
    {
        out.text(&format!(
            "  {:<24} {} ({})",
            link.connector.to_string(),
            link.remote_name,
            link.remote_id
        ));
    }
    Ok(())
}
