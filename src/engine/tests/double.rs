//! Targets in memory that remember, and fail on cue.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::{
    AccountPage, Configuration, Confirmation, Confirmed, Connector, ConnectorRef, Connectors,
    Deprovision, Exchange, ExchangeId, Failure, FailureKind, Health, LocalRef, ManualClock,
    MatchKey, Object, Order, PageRequest, PageToken, Purpose, Remedy, RemoteAccount, RemoteId, Tap,
    Unavailable, Verb,
};
use domain::{Body, Clock as _};
use serde_json::Value;
use tokio::sync::watch;

/// What the next request meets.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// The request does not arrive, and no answer comes.
    LoseRequest,
    /// The request is carried out, and no answer comes.
    LoseReply,
    /// The connector itself breaks down.
    Panic,
    /// It is refused like this.
    Fail(Failure),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) external_id: Option<String>,
    pub(crate) attributes: BTreeMap<String, Value>,
    pub(crate) members: BTreeSet<String>,
    pub(crate) active: bool,
    pub(crate) created: jiff::Timestamp,
    pub(crate) password: Option<String>,
    pub(crate) object: Object,
}

/// A quota: what is left of it, and what it is filled up with.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) left: f64,
    pub(crate) most: f64,
    pub(crate) per_second: f64,
    pub(crate) at: std::time::Duration,
    /// Every write, and whether it was taken.
    pub(crate) taken: Vec<bool>,
}

impl Bucket {
    pub(crate) fn new(requests: u32, per: std::time::Duration) -> Self {
        Self {
            left: requests.into(),
            most: requests.into(),
            per_second: f64::from(requests) / per.as_secs_f64(),
            at: std::time::Duration::ZERO,
            taken: Vec::new(),
        }
    }

    fn take(&mut self, now: std::time::Duration) -> Result<(), Failure> {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.most);
        self.at = now;
        let is_taken = self.left >= 1.0;
        self.taken.push(is_taken);
        if is_taken {
            self.left -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - self.left) / self.per_second).ceil();
        Err(quota(Some(std::time::Duration::from_secs_f64(wait))))
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Writes in the order in which they arrived.
    pub(crate) log: Vec<(LocalRef, Verb)>,
    pub(crate) writes: VecDeque<Act>,
    pub(crate) finds: VecDeque<Act>,
    pub(crate) lists: VecDeque<Act>,
    /// What was looked for.
    pub(crate) asked: Vec<MatchKey>,
    /// Names that lists pass over, as a list by index does when somebody on a page before goes.
    pub(crate) passed_over: BTreeSet<String>,
    /// Attributes that lists leave out.
    pub(crate) unlisted: BTreeSet<String>,
    /// How many writes there may be, and how many more come in a second; none when there is no limit.
    pub(crate) bucket: Option<Bucket>,
    /// Names that are always refused.
    pub(crate) poisoned: BTreeMap<String, Failure>,
    next: u64,
    now: usize,
    pub(crate) most_at_once: usize,
}

/// One target.
pub(crate) struct Target {
    state: Mutex<State>,
    clock: ManualClock,
    pub(crate) keeps_external_id: bool,
    /// While closed, requests arrive and wait.
    pub(crate) open: watch::Sender<bool>,
    /// The name whose writes have arrived and wait, when there is one; all others go on.
    pub(crate) stuck: watch::Sender<Option<String>>,
    /// While closed, a look has seen what it saw, and its answer waits.
    pub(crate) answers: watch::Sender<bool>,
    /// How many looks have seen what they saw.
    pub(crate) looked: watch::Sender<usize>,
    /// How many requests have arrived.
    pub(crate) arrived: watch::Sender<usize>,
}

impl Target {
    pub(crate) fn new(clock: ManualClock, keeps_external_id: bool) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            clock,
            keeps_external_id,
            open: watch::Sender::new(true),
            stuck: watch::Sender::new(None),
            answers: watch::Sender::new(true),
            looked: watch::Sender::new(0),
            arrived: watch::Sender::new(0),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn on_write(&self, acts: impl IntoIterator<Item = Act>) {
        self.state().writes.extend(acts);
    }

    pub(crate) fn on_find(&self, acts: impl IntoIterator<Item = Act>) {
        self.state().finds.extend(acts);
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .state()
            .accounts
            .values()
            .map(|account| account.name.clone())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn account(&self, name: &str) -> Account {
        self.state()
            .accounts
            .values()
            .find(|account| account.name == name)
            .unwrap_or_else(|| panic!("there is no account {name}"))
            .clone()
    }

    /// Changes an account behind everybody's back.
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(&mut Account)) {
        let mut state = self.state();
        let account = state
            .accounts
            .values_mut()
            .find(|account| account.name == name)
            .unwrap_or_else(|| panic!("there is no account {name}"));
        change(account);
    }

    /// Deletes an account behind everybody's back.
    pub(crate) fn lose(&self, name: &str) {
        self.state()
            .accounts
            .retain(|_, account| account.name != name);
    }

    /// Returns the id of an account.
    pub(crate) fn id(&self, name: &str) -> RemoteId {
        let state = self.state();
        let found = state
            .accounts
            .iter()
            .find(|(_, account)| account.name == name);
        RemoteId(found.unwrap().0.clone())
    }

    pub(crate) fn verbs(&self) -> Vec<Verb> {
        self.state().log.iter().map(|(_, verb)| *verb).collect()
    }

    /// Puts an account there that nobody here made.
    pub(crate) fn plant(&self, name: &str, created: jiff::Timestamp) {
        let account = Account {
            name: name.to_owned(),
            external_id: None,
            attributes: BTreeMap::new(),
            members: BTreeSet::new(),
            active: true,
            created,
            password: None,
            object: Object::User,
        };
        let mut state = self.state();
        state.next += 1;
        let id = format!("r{}", state.next);
        state.accounts.insert(id, account);
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn has_seen(&self, count: usize) {
        let mut arrived = self.arrived.subscribe();
        arrived.wait_for(|seen| *seen >= count).await.unwrap();
    }

    fn apply(&self, order: &Order<'_>) -> Result<Confirmed, Failure> {
        let mut state = self.state();
        if let Some(bucket) = &mut state.bucket {
            bucket.take(self.clock.monotonic())?;
        }
        if let Some(failure) = state.poisoned.get(&order.desired.remote_name) {
            return Err(failure.clone());
        }
        match order.verb {
            Verb::Create => self.create(&mut state, order),
            Verb::Update => self.update(&mut state, order),
            Verb::Deprovision => Ok(deprovision(&mut state, order)),
        }
    }

    fn create(&self, state: &mut State, order: &Order<'_>) -> Result<Confirmed, Failure> {
        let name = order.desired.remote_name.clone();
        if is_taken(state, &name, None) {
            return Err(failure(FailureKind::Conflict, Remedy::AskFirst));
        }
        state.next += 1;
        let id = format!("r{}", state.next);
        let members: BTreeSet<String> = member_ids(order);
        state.accounts.insert(
            id.clone(),
            Account {
                name: name.clone(),
                external_id: self
                    .keeps_external_id
                    .then(|| order.desired.local.uuid().to_string()),
                attributes: order.desired.values(),
                members,
                active: true,
                created: self.clock.now(),
                password: order.password.map(|password| password.expose().to_owned()),
                object: order.object(),
            },
        );
        Ok(confirmed(Confirmation::Created, &id, order))
    }

    fn update(&self, state: &mut State, order: &Order<'_>) -> Result<Confirmed, Failure> {
        let id = order
            .link
            .expect("an update has a link")
            .remote_id
            .0
            .clone();
        let taken = is_taken(state, &order.desired.remote_name, Some(&id));
        let Some(account) = state.accounts.get_mut(&id) else {
            return Err(failure(FailureKind::NotFound, Remedy::AskFirst));
        };
        if taken {
            return Err(failure(FailureKind::Conflict, Remedy::AskFirst));
        }
        account.name.clone_from(&order.desired.remote_name);
        account.members = member_ids(order);
        account.active = true;
        if self.keeps_external_id {
            account.external_id = Some(order.desired.local.uuid().to_string());
        }
        for change in order.changes {
            if order
                .desired
                .attributes
                .iter()
                .any(|entry| entry.remote == change.remote)
            {
                account
                    .attributes
                    .insert(change.remote.clone(), change.after.clone());
            }
        }
        if let Some(password) = order.password {
            account.password = Some(password.expose().to_owned());
        }
        Ok(confirmed(Confirmation::Updated, &id, order))
    }
}

/// Tells whether another account has the name: no two ever have the same.
fn is_taken(state: &State, name: &str, except: Option<&str>) -> bool {
    let mut others = state.accounts.iter();
    others.any(|(id, account)| account.name == name && except != Some(id.as_str()))
}

fn deprovision(state: &mut State, order: &Order<'_>) -> Confirmed {
    let id = order
        .link
        .expect("a deprovision has a link")
        .remote_id
        .0
        .clone();
    let what = match (order.deprovision, state.accounts.get_mut(&id)) {
        (_, None) => Confirmation::AlreadyGone,
        (Deprovision::Deactivate, Some(account)) => {
            account.active = false;
            Confirmation::Deactivated
        }
        (Deprovision::Delete, Some(_)) => {
            state.accounts.remove(&id);
            for account in state.accounts.values_mut() {
                account.members.remove(&id);
            }
            Confirmation::Deleted
        }
    };
    confirmed(what, &id, order)
}

fn member_ids(order: &Order<'_>) -> BTreeSet<String> {
    order
        .desired
        .members
        .iter()
        .filter_map(|member| member.remote_id.clone())
        .map(|id| id.0)
        .collect()
}

fn confirmed(what: Confirmation, id: &str, order: &Order<'_>) -> Confirmed {
    let mut written = order.desired.values();
    if let LocalRef::Group(_) = order.desired.local {
        let ids: Value = member_ids(order).into_iter().collect();
        written.insert("members".to_owned(), ids);
    }
    Confirmed {
        what,
        remote_id: RemoteId(id.to_owned()),
        remote_name: order.desired.remote_name.clone(),
        written,
    }
}

pub(crate) fn failure(kind: FailureKind, remedy: Remedy) -> Failure {
    Failure {
        kind,
        remedy,
        status: None,
        told: format!("the double says {}", kind.word()),
        advice: "Look at the test.".to_owned(),
    }
}

/// What a target says whose quota is used up.
pub(crate) fn quota(after: Option<std::time::Duration>) -> Failure {
    failure(FailureKind::Quota, Remedy::Retry { after })
}

pub(crate) fn down() -> Act {
    Act::Fail(failure(
        FailureKind::TargetError,
        Remedy::Retry { after: None },
    ))
}

pub(crate) fn rejected() -> Act {
    Act::Fail(failure(FailureKind::Rejected, Remedy::GiveUp))
}

/// What the connectors say of a lost answer: only a create is looked for before it is sent again.
fn lost(verb: Verb) -> Failure {
    let remedy = match verb {
        Verb::Create => Remedy::AskFirst,
        Verb::Update | Verb::Deprovision => Remedy::Retry { after: None },
    };
    failure(FailureKind::ReplyLost, remedy)
}

/// The connector to a target; made anew by every engine, while the target stays.
struct Double(Arc<Target>);

impl Double {
    async fn arrive(&self, purpose: Purpose, tap: &dyn Tap) -> Exchange {
        let exchange = Exchange {
            id: ExchangeId(uuid::Uuid::now_v7()),
            purpose,
            at: self.0.clock.now(),
            method: "POST".to_owned(),
            url: "double://target".to_owned(),
            request_headers: Vec::new(),
            request_body: Body {
                text: "{}".to_owned(),
                size_bytes: 2,
                cut: false,
            },
            response: None,
            error: None,
            took: std::time::Duration::ZERO,
        };
        tap.started(&exchange);
        self.0.arrived.send_modify(|count| *count += 1);
        let mut open = self.0.open.subscribe();
        open.wait_for(|open| *open).await.unwrap();
        exchange
    }
}

#[async_trait]
impl Connector for Double {
    async fn carry_out(&self, order: &Order<'_>, tap: &dyn Tap) -> Result<Confirmed, Failure> {
        {
            let mut state = self.0.state();
            state.now += 1;
            state.most_at_once = state.most_at_once.max(state.now);
            state.log.push((order.desired.local, order.verb));
        }
        let guard = Leaves(Arc::clone(&self.0));
        let exchange = self.arrive(Purpose::Write, tap).await;
        let name = &order.desired.remote_name;
        let mut stuck = self.0.stuck.subscribe();
        let goes_on = stuck.wait_for(|stuck| stuck.as_ref() != Some(name));
        goes_on.await.unwrap();
        tokio::task::yield_now().await;
        let act = self.0.state().writes.pop_front();
        let result = match act {
            None => self.0.apply(order),
            Some(Act::LoseRequest) => Err(lost(order.verb)),
            Some(Act::LoseReply) => {
                let _ = self.0.apply(order); // whatever it came to, nobody hears of it
                Err(lost(order.verb))
            }
            Some(Act::Panic) => panic!("the double broke down"),
            Some(Act::Fail(failure)) => Err(failure),
        };
        tap.finished(exchange);
        drop(guard);
        result
    }

    async fn find(&self, key: &MatchKey, tap: &dyn Tap) -> Result<Option<RemoteAccount>, Failure> {
        let found = self.seen(key, tap).await;
        let mut answers = self.0.answers.subscribe();
        self.0.looked.send_modify(|looked| *looked += 1);
        answers.wait_for(|open| *open).await.unwrap();
        found
    }

    async fn check(&self, _tap: &dyn Tap) -> Result<Health, Failure> {
        Ok(Health {
            findings: Vec::new(),
        })
    }

    async fn list(&self, page: &PageRequest<'_>, tap: &dyn Tap) -> Result<AccountPage, Failure> {
        let exchange = self.arrive(Purpose::Lookup, tap).await;
        tap.finished(exchange);
        let mut state = self.0.state();
        match state.lists.pop_front() {
            None => {}
            Some(Act::Fail(failure)) => return Err(failure),
            Some(Act::Panic) => panic!("the double broke down"),
            Some(Act::LoseRequest | Act::LoseReply) => return Err(lost(Verb::Update)),
        }
        let after = page.from.map_or("", |token| token.0.as_str());
        let all: Vec<(&String, &Account)> = state
            .accounts
            .iter()
            .filter(|(id, account)| account.object == page.object && id.as_str() > after)
            .filter(|(_, account)| !state.passed_over.contains(&account.name))
            .collect();
        let next = (all.len() > page.size).then(|| PageToken(all[page.size - 1].0.clone()));
        Ok(AccountPage {
            accounts: all
                .into_iter()
                .take(page.size)
                .map(|(id, account)| shown(id, account, &state.unlisted))
                .collect(),
            next,
            total: None,
            unreadable: 0,
        })
    }

    fn attributes(
        &self,
        _object: Object,
        account: &RemoteAccount,
        names: &[String],
    ) -> BTreeMap<String, Value> {
        names
            .iter()
            .filter_map(|name| Some((name.clone(), account.content.get(name)?.clone())))
            .collect()
    }
}

impl Double {
    async fn seen(&self, key: &MatchKey, tap: &dyn Tap) -> Result<Option<RemoteAccount>, Failure> {
        let exchange = self.arrive(Purpose::Lookup, tap).await;
        let mut state = self.0.state();
        state.asked.push(key.clone());
        let act = state.finds.pop_front();
        tap.finished(exchange);
        match act {
            None => {}
            Some(Act::Fail(failure)) => return Err(failure),
            Some(Act::Panic) => panic!("the double broke down"),
            Some(Act::LoseRequest | Act::LoseReply) => return Err(lost(Verb::Update)),
        }
        let by = |is_it: &dyn Fn(&str, &Account) -> bool| {
            let mut all = state.accounts.iter();
            all.find(|(id, account)| is_it(id, account))
        };
        let found = match &key.remote_id {
            Some(wanted) => by(&|id, _| wanted.0 == id),
            None => by(&|_, account| account.external_id.as_ref() == Some(&key.external_id))
                .or_else(|| by(&|_, account| account.name == key.remote_name)),
        };
        Ok(found.map(|(id, account)| shown(id, account, &BTreeSet::new())))
    }
}

/// Shows an account, some attributes left out.
fn shown(id: &str, account: &Account, left_out: &BTreeSet<String>) -> RemoteAccount {
    let mut content: BTreeMap<String, Value> = account.attributes.clone();
    if account.object == Object::Group {
        content.insert(
            "members".to_owned(),
            account.members.iter().cloned().collect(),
        );
    }
    content.retain(|name, value| !value.is_null() && !left_out.contains(name));
    RemoteAccount {
        remote_id: RemoteId(id.to_owned()),
        remote_name: account.name.clone(),
        external_id: account.external_id.clone(),
        active: account.active,
        created_at: Some(account.created),
        content: content.into_iter().collect(),
    }
}

/// Counts a request out, also when its process is killed while it waits.
struct Leaves(Arc<Target>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.state().now -= 1;
    }
}

/// Builds the connectors to the targets.
pub(crate) struct Doubles(pub(crate) HashMap<ConnectorRef, Arc<Target>>);

impl Connectors for Doubles {
    fn build(
        &self,
        _configuration: &Configuration,
        connector: &ConnectorRef,
    ) -> Result<Arc<dyn Connector>, Unavailable> {
        match self.0.get(connector) {
            Some(target) => Ok(Arc::new(Double(Arc::clone(target)))),
            None => Err(Unavailable {
                connector: connector.clone(),
                cause: "the test has no such target".to_owned(),
                advice: "Add it to the world.".to_owned(),
            }),
        }
    }
}
