//! What the screen looks at: the journal, the mocks and the log, read one question after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{Lab, Link, LocalRef, QualifiedName, User};
use engine::{
    DeadFilter, ExchangeFilter, JournalError, News, OperationFilter, Page, Reader, State,
};
use jiff::Timestamp;

use crate::logbook::LogBook;
use crate::outcome::Outcome;
use crate::stream::{Row, WINDOW, read_back};
use crate::wish::{Answer, Known, Offer, Query, Safeguards, Who};

/// How many operations, users or groups are read at once.
pub(super) const LIST: usize = 500;
/// How many facts are read after some were missed; what is older stays in the journal.
const CATCH_UP: usize = 5_000;
/// What a new group is called in an example, with a number where that is taken.
const GROUP: &str = "staff";

/// Reads what is asked for.
///
/// # Errors
/// When the journal cannot be read.
pub(super) fn read(
    reader: &Reader,
    lab: &dyn Lab,
    log: &LogBook,
    query: Query,
) -> Result<Answer, JournalError> {
    Ok(match query {
        Query::Begin => {
            let last = reader.last()?;
            let mut open = Vec::new();
            for state in [
                State::Queued,
                State::InFlight,
                State::Retrying,
                State::InDoubt,
                State::Held,
            ] {
                let filter = OperationFilter {
                    state: Some(state),
                    ..OperationFilter::default()
                };
                open.extend(reader.operations(&filter, Page::newest(LIST))?);
            }
            Answer::Begun {
                last,
                open,
                rows: rows(reader, Page::newest(WINDOW))?,
                roles: reader.roles()?,
            }
        }
        Query::Counts => {
            let (last, counts) = reader.counts_now()?;
            Answer::Counts {
                last,
                counts,
                quarantines: reader.quarantines()?,
            }
        }
        Query::Older { before } => {
            let rows = rows(reader, Page::before(before, WINDOW))?;
            Answer::Older {
                is_all: rows.len() < WINDOW,
                rows,
            }
        }
        Query::Since { seq } => {
            let last = reader.last()?;
            let from = seq.max(last.saturating_sub(CATCH_UP as u64));
            let records = reader.facts_since(from, CATCH_UP)?;
            Answer::Since(
                records
                    .into_iter()
                    .map(|record| News::Fact(Arc::new(record)))
                    .collect(),
            )
        }
        Query::Trace(flow) => Answer::Trace(flow, reader.trace(flow)?.map(Box::new)),
        Query::Operations { state, before } => {
            let page = before.map_or_else(|| Page::newest(LIST), |seq| Page::before(seq, LIST));
            let filter = OperationFilter {
                state,
                ..OperationFilter::default()
            };
            Answer::Operations {
                state,
                before,
                list: reader.operations(&filter, page)?,
            }
        }
        Query::Directory { after } => {
            let users = reader.users(after.as_ref(), LIST)?;
            let groups = reader.groups(None, LIST)?;
            let all_groups = groups.iter().map(|group| LocalRef::Group(group.id));
            Answer::Directory {
                differing: reader.differing(refs(&users).chain(all_groups))?,
                after,
                users,
                groups,
                roles: reader.roles()?,
                count: reader.user_count()?,
            }
        }
        Query::Find { text, after } => {
            let users = reader.find_users(&text, after.as_ref(), LIST)?;
            Answer::Found {
                differing: reader.differing(refs(&users))?,
                count: reader.found_count(&text)?,
                text,
                after,
                users,
            }
        }
        Query::Who(who) => {
            let known = known(reader, &who)?;
            Answer::Who(who, known)
        }
        Query::Offer => Answer::Offer(offer(reader)?),
        Query::Safeguards { groups } => {
            let mut brakes = Vec::new();
            for brake in reader.brakes()? {
                let kept = reader.kept_by(&brake.connector, brake.brake, LIST)?.len();
                brakes.push((brake, kept));
            }
            Answer::Safeguards(Box::new(Safeguards {
                quarantines: reader.quarantines()?,
                brakes,
                groups: if groups {
                    reader.dead_groups(&DeadFilter::default())?
                } else {
                    Vec::new()
                },
            }))
        }
        Query::Links(local) => {
            let links = reader.links_of(local)?;
            let drifts = links
                .iter()
                .filter_map(|link| reader.drift(&link.connector, local).transpose())
                .collect::<Result<_, _>>()?;
            let mut written = BTreeMap::new();
            for link in &links {
                if let Some(at) = last_written(reader, link)? {
                    written.insert(link.connector.clone(), at);
                }
            }
            Answer::Links(local, links, drifts, written)
        }
        Query::Outcome(flow) => {
            let dead = OperationFilter {
                flow: Some(flow),
                state: Some(State::Dead),
                ..OperationFilter::default()
            };
            let dead = reader.operations(&dead, Page::newest(1))?;
            Answer::Outcome(flow, Outcome::of(&reader.states_of(flow)?, dead.first()))
        }
        Query::Mocks => Answer::Mocks(lab.mocks(), lab.faults()),
        // A mock that is not there holds nothing; starting it says why it cannot.
        Query::Objects(target) => {
            let objects = lab.objects(&target).unwrap_or_default();
            Answer::Objects(target, objects)
        }
        Query::Log => Answer::Log(log.lines()),
    })
}

/// Returns when an account was written last; nothing when that is no longer kept.
fn last_written(reader: &Reader, link: &Link) -> Result<Option<Timestamp>, JournalError> {
    let done = OperationFilter {
        state: Some(State::Settled),
        connector: Some(link.connector.clone()),
        local: Some(link.local),
        ..OperationFilter::default()
    };
    let last = reader.operations(&done, Page::newest(1))?;
    Ok(last.first().and_then(|done| done.ended))
}

fn refs(users: &[User]) -> impl Iterator<Item = LocalRef> {
    users.iter().map(|user| LocalRef::User(user.id))
}

/// Reads what the directory says of somebody.
fn known(reader: &Reader, who: &Who) -> Result<Known, JournalError> {
    Ok(match who {
        Who::User(name) => match reader.user(name)? {
            Some(user) => Known::User(Box::new(user)),
            None => Known::Nobody,
        },
        Who::Group(name) => match reader.group(name)? {
            Some(group) => Known::Group(reader.members(group.id, LIST)?, group.members.len()),
            None => Known::Nobody,
        },
    })
}

/// Reads who is there to begin with, and finds a name that no group has.
fn offer(reader: &Reader) -> Result<Offer, JournalError> {
    let mut free_group = QualifiedName::new(GROUP);
    let mut nth = 1;
    while reader.group(&free_group)?.is_some() {
        nth += 1;
        free_group = QualifiedName::new(&format!("{GROUP}-{nth}"));
    }
    let user = reader.users(None, 1)?.into_iter().next();
    let group = reader.groups(None, 1)?.into_iter().next();
    Ok(Offer {
        user: user.map(|user| user.name),
        group: group.map(|group| group.name),
        free_group,
    })
}

/// Reads exchanges back, oldest first, with what is known of their operations.
pub(crate) fn rows(reader: &Reader, page: Page) -> Result<Vec<Row>, JournalError> {
    let mut views = reader.exchanges(&ExchangeFilter::default(), page)?;
    views.sort_by_key(|view| view.seq);
    let mut known = std::collections::HashMap::new();
    let mut rows = Vec::with_capacity(views.len());
    for view in views {
        let operation = match view.operation {
            None => None,
            Some(id) => {
                if let Some(found) = known.get(&id) {
                    Some(found)
                } else {
                    let found = reader.operation(id)?;
                    let told = found
                        .map(|found| (found.verb.word(), Arc::<str>::from(found.name.to_string())));
                    known.insert(id, told);
                    known.get(&id)
                }
            }
        };
        let (verb, name) = match operation {
            Some(Some((verb, name))) => (Some(*verb), Arc::clone(name)),
            _ => (None, "".into()),
        };
        rows.push(read_back(view, verb, name));
    }
    Ok(rows)
}
