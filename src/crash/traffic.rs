//! What the killed process does: changes of every kind from several writers at once, decided by what the directory holds.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use domain::{Change, Claim, Claims, NewUser, QualifiedName, Request, RoleName, Source, User};
use engine::{Engine, Reader, State, SubmitError};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use super::{CrashError, stage};
use crate::workbench;

/// How many write at once; each has users and groups of its own.
const WRITERS: u64 = 6;
/// How many changes one writer makes before the process has nothing left to do but to carry out.
const CHANGES: u32 = 14;
/// How many users a writer has at most: few, so that much happens to each.
const SLOTS: u32 = 5;
/// The role that the Salesforce connection is for.
pub(super) const ROLE: &str = "Internal/sales";

/// What a working process is told to do.
#[derive(Debug, Clone)]
pub struct Order {
    /// The campaign's folder.
    pub folder: PathBuf,
    /// The run's seed.
    pub seed: u64,
    /// Counts the processes of a run from 1.
    pub generation: u32,
    /// What to do.
    pub mode: Mode,
}

/// What a working process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Changes, until it is killed.
    Traffic,
    /// Nothing new: carries out what is owed, and ends.
    Drain,
}

/// What a working process says when nothing is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Operations of the whole journal.
    pub operations: u64,
    /// Operations that are still open.
    pub open: u64,
    /// Operations that failed for good.
    pub dead: u64,
    /// Changes that this process made.
    pub changes: u64,
}

/// Works until nothing is left to do. With [`Mode::Traffic`] the engine goes on afterwards, until the process is killed.
///
/// # Errors
/// [`CrashError`] when configuration, journal or engine cannot be used.
pub async fn work(order: &Order) -> Result<(Told, Engine), CrashError> {
    let configuration = Arc::new(stage::load(&order.folder)?);
    let options = workbench::options(
        configuration,
        &order.folder,
        order.folder.join("journal.db"),
        order.seed ^ u64::from(order.generation),
    );
    let engine = Engine::start(options).await?;
    let mut changes = 0;
    if order.mode == Mode::Traffic {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let dice = StdRng::seed_from_u64(
                order.seed ^ (u64::from(order.generation) << 32) ^ (writer << 16),
            );
            writers.spawn(write(Writer {
                engine: engine.clone(),
                reader: engine.reader(),
                number: writer,
                generation: order.generation,
                dice,
                version: 0,
            }));
        }
        while let Some(ended) = writers.join_next().await {
            changes += ended.map_err(|error| CrashError::System {
                what: "make changes".to_owned(),
                source: std::io::Error::other(error),
            })??;
        }
    }
    let mut idle = engine.idle().await;
    while idle.waiting > 0 {
        let Some(next) = idle.next else { break };
        idle = engine.idle_until(next).await;
    }
    let told = count(&engine.reader(), changes)?;
    Ok((told, engine))
}

fn count(reader: &Reader, changes: u64) -> Result<Told, CrashError> {
    let mut told = Told {
        operations: 0,
        open: 0,
        dead: 0,
        changes,
    };
    for (state, count) in reader.counts()?.into_values().flatten() {
        told.operations += count;
        if state.is_open() {
            told.open += count;
        }
        if state == State::Dead {
            told.dead += count;
        }
    }
    Ok(told)
}

/// What happens to a writer's users. A name that Salesforce once had stays taken, because it deletes nobody, and Google
/// keeps a former name as an alias of the account that had it; so nobody's name is given to somebody else there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// They come and stay, and get and lose the role.
    Stay,
    /// They come and go, and the next one has the same name.
    Return,
    /// They come, change their names, and go; no name comes back.
    Wander,
}

struct Writer {
    engine: Engine,
    reader: Reader,
    number: u64,
    generation: u32,
    dice: StdRng,
    version: u32,
}

async fn write(mut writer: Writer) -> Result<u64, CrashError> {
    let mut made = 0;
    for _ in 0..CHANGES {
        let change = writer.draw()?;
        let request = Request {
            change,
            source: Source::Console,
            application: None,
            connection: None,
        };
        match writer.engine.submit(request).await {
            Ok(_) => made += 1,
            // Drawn by what was there a moment ago: a member may be gone, a name taken.
            Err(SubmitError::Directory(_) | SubmitError::Stopped) => {}
            Err(SubmitError::Journal(error)) => return Err(error.into()),
        }
    }
    Ok(made)
}

impl Writer {
    /// Draws a change that makes sense for what the directory holds.
    fn draw(&mut self) -> Result<Change, CrashError> {
        let slot = self.dice.random_range(0..SLOTS);
        let user = self.user(slot)?;
        if self.dice.random_bool(0.25) {
            return self.draw_group(user.map(|user| user.name));
        }
        let Some(user) = user else {
            let sells = self.kind() == Kind::Stay && self.dice.random_bool(0.5);
            let name = self.new_name(slot);
            return Ok(Change::CreateUser {
                user: NewUser {
                    claims: self.claims(&name),
                    name,
                    roles: sells.then(|| RoleName::new(ROLE)).into_iter().collect(),
                    groups: BTreeSet::new(),
                },
                password: None,
            });
        };
        let role = RoleName::new(ROLE);
        Ok(match (self.kind(), self.dice.random_range(0..10)) {
            (Kind::Stay, 0..=4) if user.roles.contains(&role) => Change::RevokeRole {
                user: user.name,
                role,
            },
            (Kind::Stay, 0..=4) => Change::AssignRole {
                user: user.name,
                role,
            },
            (Kind::Wander, 0..=3) => Change::UpdateUser {
                user: user.name,
                set: Claims::from([self.lastname()]),
                remove: BTreeSet::new(),
                rename: Some(self.new_name(slot).name),
            },
            (Kind::Return | Kind::Wander, 7..) => Change::DeleteUser { user: user.name },
            _ => Change::UpdateUser {
                user: user.name,
                set: Claims::from([self.lastname()]),
                remove: BTreeSet::new(),
                rename: None,
            },
        })
    }

    /// Returns the user who is in a place now, whatever the name.
    fn user(&self, slot: u32) -> Result<Option<User>, CrashError> {
        let stem = format!("u{}-{slot}", self.number);
        if let Some(user) = self.reader.user(&QualifiedName::new(&stem))? {
            return Ok(Some(user));
        }
        let next = self.reader.users(Some(&QualifiedName::new(&stem)), 1)?;
        let ours = format!("{stem}-");
        Ok(next
            .into_iter()
            .find(|user| user.name.name.starts_with(&ours)))
    }

    fn draw_group(&mut self, member: Option<QualifiedName>) -> Result<Change, CrashError> {
        let number = self.dice.random_range(0..2);
        let group = QualifiedName::new(&format!("g{}-{number}", self.number));
        let member: BTreeSet<QualifiedName> = member.into_iter().collect();
        if self.reader.group(&group)?.is_none() {
            return Ok(Change::CreateGroup {
                group,
                members: BTreeSet::new(),
            });
        }
        Ok(match self.dice.random_range(0..10) {
            0..=5 => Change::ChangeGroup {
                group,
                add: member,
                remove: BTreeSet::new(),
            },
            6 | 7 => Change::ChangeGroup {
                group,
                add: BTreeSet::new(),
                remove: member,
            },
            8 => Change::RenameGroup {
                group,
                to: format!("g{}-{}", self.number, 1 - number),
            },
            _ => Change::DeleteGroup { group },
        })
    }

    fn kind(&self) -> Kind {
        match self.number % 3 {
            0 => Kind::Stay,
            1 => Kind::Return,
            _ => Kind::Wander,
        }
    }

    fn new_name(&mut self, slot: u32) -> QualifiedName {
        let stem = format!("u{}-{slot}", self.number);
        if self.kind() != Kind::Wander {
            return QualifiedName::new(&stem);
        }
        self.version += 1;
        QualifiedName::new(&format!("{stem}-{}x{}", self.generation, self.version))
    }

    /// Versions grow within a user's life, also over the processes of a run: a target that goes back is seen.
    fn lastname(&mut self) -> (Claim, Vec<String>) {
        self.version += 1;
        let version = u64::from(self.generation) * 1_000_000 + u64::from(self.version);
        (Claim::new("lastname"), vec![format!("v{version:012}")])
    }

    fn claims(&mut self, name: &QualifiedName) -> Claims {
        Claims::from([
            (Claim::new("givenname"), vec!["Kim".to_owned()]),
            (
                Claim::new("emailaddress"),
                vec![format!("{}@acme.example", name.name)],
            ),
            self.lastname(),
        ])
    }
}
