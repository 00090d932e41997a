//! Locks by name: two requests about one user, or about one remote name, are decided one after the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{ConnectorRef, Object, QualifiedName};
use tokio::sync::OwnedMutexGuard;

/// What is locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// A local user or group by its name.
    Local(Object, String, String),
    /// A name at a connector.
    Remote(ConnectorRef, String),
}

impl Key {
    pub(crate) fn local(object: Object, name: &QualifiedName) -> Self {
        Self::Local(
            object,
            name.store.as_str().to_owned(),
            name.name.to_lowercase(),
        )
    }
}

type Locks = HashMap<Key, Arc<tokio::sync::Mutex<()>>>;

/// The locks that somebody holds or waits for.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    locks: Arc<Mutex<Locks>>,
}

/// Holds some keys until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    locks: Arc<Mutex<Locks>>,
    guards: Vec<(Key, OwnedMutexGuard<()>)>,
}

impl Keys {
    /// Takes several keys in their order, so that no two callers wait for each other.
    pub(crate) async fn take(&self, keys: BTreeSet<Key>) -> Held {
        let mut held = Held {
            locks: Arc::clone(&self.locks),
            guards: Vec::with_capacity(keys.len()),
        };
        for key in keys {
            let lock = {
                let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(locks.entry(key.clone()).or_default())
            };
            held.guards.push((key, lock.lock_owned().await));
        }
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, guard) in self.guards.drain(..) {
            drop(guard);
            // One is the table's own, so nobody else holds it or waits for it.
            if locks
                .get(&key)
                .is_some_and(|lock| Arc::strong_count(lock) == 1)
            {
                locks.remove(&key);
            }
        }
    }
}
