//! Passwords between the trigger and the first confirmed send: in memory, and nowhere else.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{OperationId, PasswordPlan, PasswordSource, Secret, Verb};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;

/// The passwords that triggers carried, by the operation that is to send them.
#[derive(Debug, Default)]
pub(crate) struct Passwords {
    kept: Mutex<HashMap<OperationId, Secret>>,
}

/// What goes with one attempt.
#[derive(Debug)]
pub(crate) enum Choice {
    /// No password.
    None,
    /// This one; `None` when the connector takes its configured default.
    Send(Option<Secret>, PasswordSource),
    /// The new password is gone with the process that had it, and a random one would lock the user out.
    Lost,
}

impl Passwords {
    pub(crate) fn keep(&self, operation: OperationId, password: Secret) {
        self.lock().insert(operation, password);
    }

    pub(crate) fn forget(&self, operation: OperationId) {
        self.lock().remove(&operation);
    }

    /// Chooses what an attempt carries.
    pub(crate) fn choose(&self, operation: OperationId, plan: PasswordPlan, verb: Verb) -> Choice {
        match plan {
            PasswordPlan::None => Choice::None,
            PasswordPlan::Random => Choice::Send(Some(random()), PasswordSource::Random),
            PasswordPlan::Default => Choice::Send(None, PasswordSource::Default),
            PasswordPlan::FromTrigger => match (self.lock().get(&operation), verb) {
                (Some(password), _) => {
                    Choice::Send(Some(password.clone()), PasswordSource::Trigger)
                }
                (None, Verb::Create) => {
                    Choice::Send(Some(random()), PasswordSource::RandomAfterRestart)
                }
                (None, Verb::Update | Verb::Deprovision) => Choice::Lost,
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OperationId, Secret>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a password of 24 characters with lower and upper case, digits and a sign: what usual policies ask for.
///
/// It comes from the system's random source, never from the engine's seed.
fn random() -> Secret {
    const KINDS: [&[u8]; 4] = [
        b"abcdefghijkmnopqrstuvwxyz",
        b"ABCDEFGHJKLMNPQRSTUVWXYZ",
        b"23456789",
        b"!#%+-=?@_",
    ];
    let mut rng = rand::rng();
    let mut letters: Vec<u8> = (0..24)
        .map(|at| {
            let kind = KINDS[at % KINDS.len()];
            kind[rng.random_range(0..kind.len())]
        })
        .collect();
    letters.shuffle(&mut rng);
    Secret::new(letters.into_iter().map(char::from).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_password_has_every_kind_of_character_and_is_never_the_same() {
        let first = random();
        let text = first.expose();
        assert_eq!(text.len(), 24);
        assert!(text.chars().any(|c| c.is_ascii_lowercase()));
        assert!(text.chars().any(|c| c.is_ascii_uppercase()));
        assert!(text.chars().any(|c| c.is_ascii_digit()));
        assert!(text.chars().any(|c| c.is_ascii_punctuation()));
        assert_ne!(text, random().expose());
    }

    #[test]
    fn a_lost_password_becomes_random_on_create_and_stops_a_password_change() {
        let passwords = Passwords::default();
        let operation = OperationId(uuid::Uuid::nil());
        let plan = PasswordPlan::FromTrigger;
        assert!(matches!(
            passwords.choose(operation, plan, Verb::Create),
            Choice::Send(Some(_), PasswordSource::RandomAfterRestart)
        ));
        assert!(matches!(
            passwords.choose(operation, plan, Verb::Update),
            Choice::Lost
        ));
        passwords.keep(operation, Secret::new("s3cret"));
        assert!(matches!(
            passwords.choose(operation, plan, Verb::Update),
            Choice::Send(Some(_), PasswordSource::Trigger)
        ));
    }
}
