//! Which password goes with an operation. The value itself never comes here.
//!
//! | rule | create | update | password change |
//! |---|---|---|---|
//! | never | none | none | `password-not-provisioned` |
//! | random on create | random | none | `password-not-provisioned` |
//! | provisioned, on | the trigger's; else the default; else random | none | the trigger's |
//! | provisioned, off | the default; else none | none | `password-not-provisioned` |

use domain::{Nothing, PasswordPlan, PasswordRule, Reason, Trigger, TriggerKind};

use crate::target::Target;

/// Plans the password of a create.
pub(crate) fn on_create(target: &Target<'_>, carried: bool) -> PasswordPlan {
    match target.kind.target.password {
        PasswordRule::Never => PasswordPlan::None,
        PasswordRule::RandomOnCreate => PasswordPlan::Random,
        PasswordRule::Provisioned { enabled, default } => {
            match (target.flag(enabled), carried, target.has(default)) {
                (true, true, _) => PasswordPlan::FromTrigger,
                (_, _, true) => PasswordPlan::Default,
                (true, false, false) => PasswordPlan::Random,
                (false, _, false) => PasswordPlan::None,
            }
        }
    }
}

/// Plans the password of an update: only a password change that the connector provisions carries one.
pub(crate) fn on_update(trigger: &Trigger) -> PasswordPlan {
    if trigger.kind == TriggerKind::PasswordChanged && trigger.carries_password {
        PasswordPlan::FromTrigger
    } else {
        PasswordPlan::None
    }
}

/// Ends the decision about a password change that cannot reach the target.
pub(crate) fn check(target: &Target<'_>, trigger: &Trigger) -> Result<(), Nothing> {
    if trigger.kind != TriggerKind::PasswordChanged {
        return Ok(());
    }
    let detail = match target.kind.target.password {
        PasswordRule::Never | PasswordRule::RandomOnCreate => {
            format!("{} takes no passwords from here", target.kind.label)
        }
        PasswordRule::Provisioned { enabled, .. } if !target.flag(enabled) => {
            format!("{enabled} = false on {}", target.connector())
        }
        PasswordRule::Provisioned { .. } if !trigger.carries_password => {
            "the trigger did not carry the new password".to_owned()
        }
        PasswordRule::Provisioned { .. } => return Ok(()),
    };
    Err(Nothing {
        reason: Reason::PasswordNotProvisioned,
        detail,
    })
}
