//! Locks by name: two requests about one user, or about one remote name, are decided one after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{ConnectorRef, Object, QualifiedName, RoleName, UserId};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// What is locked. Whoever takes keys in several steps takes them in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// A role by its name.
    Role(String),
    /// A local user or group by its name.
    Local(Object, String, String),
    /// A name at a connector.
    Remote(ConnectorRef, String),
    /// Whether a user has accounts. Who puts the user into a group holds it beside others until that is committed, and who
    /// has made an account alone: so that one of the two sees what the other has done.
    Account(UserId),
    /// The comparison of a connector's accounts.
    Comparison(ConnectorRef),
}

impl Key {
    pub(crate) fn local(object: Object, name: &QualifiedName) -> Self {
        Self::Local(
            object,
            name.store.as_str().to_owned(),
            name.name.to_lowercase(),
        )
    }

    pub(crate) fn role(role: &RoleName) -> Self {
        Self::Role(role.as_str().to_lowercase())
    }
}

/// What is to be locked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// What nobody else may hold meanwhile.
    pub(crate) alone: BTreeSet<Key>,
    /// What others may hold beside, as long as it stays as it is.
    pub(crate) beside: BTreeSet<Key>,
}

type Locks = HashMap<Key, Arc<RwLock<()>>>;

/// The locks that somebody holds or waits for.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    locks: Arc<Mutex<Locks>>,
}

/// Holds some keys until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
    locks: Arc<Mutex<Locks>>,
    alone: Vec<(Key, OwnedRwLockWriteGuard<()>)>,
    beside: Vec<(Key, OwnedRwLockReadGuard<()>)>,
}

impl Keys {
    /// Takes several keys that nobody else may hold meanwhile.
    pub(crate) async fn take(&self, keys: BTreeSet<Key>) -> Held {
        self.take_wanted(Wanted {
            alone: keys,
            beside: BTreeSet::new(),
        })
        .await
    }

    /// Takes several keys in their order, so that no two callers wait for each other.
    pub(crate) async fn take_wanted(&self, wanted: Wanted) -> Held {
        let mut held = Held {
            locks: Arc::clone(&self.locks),
            alone: Vec::with_capacity(wanted.alone.len()),
            beside: Vec::with_capacity(wanted.beside.len()),
        };
        let beside = wanted.beside.into_iter().map(|key| (key, false));
        let alone = wanted.alone.into_iter().map(|key| (key, true));
        // A key that is wanted both ways is wanted alone.
        let keys: BTreeMap<Key, bool> = beside.chain(alone).collect();
        for (key, is_alone) in keys {
            let lock = {
                let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(locks.entry(key.clone()).or_default())
            };
            if is_alone {
                held.alone.push((key, lock.write_owned().await));
            } else {
                held.beside.push((key, lock.read_owned().await));
            }
        }
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, guard) in self.alone.drain(..) {
            drop(guard);
            forget(&mut locks, &key);
        }
        for (key, guard) in self.beside.drain(..) {
            drop(guard);
            forget(&mut locks, &key);
        }
    }
}

/// Lets go of a lock that nobody holds or waits for.
fn forget(locks: &mut Locks, key: &Key) {
    // One is the table's own, so nobody else holds it or waits for it.
    if locks
        .get(key)
        .is_some_and(|lock| Arc::strong_count(lock) == 1)
    {
        locks.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> BTreeSet<Key> {
        BTreeSet::from([Key::role(&RoleName::new(name))])
    }

    #[tokio::test]
    async fn many_hold_a_role_as_it_is_and_whoever_changes_it_waits_for_them() {
        let keys = Keys::default();
        let beside = || Wanted {
            beside: role("Sales"),
            ..Wanted::default()
        };
        let first = keys.take_wanted(beside()).await;
        let second = keys.take_wanted(beside()).await;
        let mut change = Box::pin(keys.take(role("sales")));
        assert!(waits(&mut change).await);
        drop(first);
        assert!(waits(&mut change).await);
        drop(second);
        drop(change.await);
        assert!(keys.locks.lock().unwrap().is_empty());
    }

    /// Tells whether a future is not ready yet.
    async fn waits(future: &mut (impl Future<Output = Held> + Unpin)) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = tokio::task::yield_now() => true,
        }
    }
}
