//! Step 3, *scope*: JIT gate, user store, outbound roles, rules.
//!
//! JIT gate and user store keep accounts from being made; an account that exists is neither changed nor taken away by
//! them. Losing the last outbound role, and a denial with `on_deny = "deprovision"`, take the account away.

use domain::{
    Group, Level, Nothing, OnDeny, Reason, RoleName, Source, Step, StoreDomain, TriggerKind, User,
    Verb,
};

use crate::rules::{Request, Ruling};
use crate::trace::{Trace, at};
use crate::{Walk, level};

/// Whether the subject belongs at the target.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It does.
    In,
    /// It does not, or no longer: an account that exists is taken away.
    Out(Nothing),
}

/// Checks a user.
pub(crate) fn user(walk: &Walk<'_>, user: &User, trace: &mut Trace) -> Result<Standing, Nothing> {
    jit(walk, trace)?;
    store(walk, &user.name.store, trace)?;
    if let Some(nothing) = roles(walk, user, trace) {
        return Ok(Standing::Out(nothing));
    }
    rules(walk, user, trace)
}

/// Says why an account that exists goes.
pub(crate) fn say_out(nothing: &Nothing, trace: &mut Trace) {
    trace.say(
        Step::Scope,
        format!("no longer in scope, {}: {}", nothing.reason, nothing.detail),
    );
}

/// Checks a group. Outbound roles and rules speak of users only.
pub(crate) fn group(walk: &Walk<'_>, group: &Group, trace: &mut Trace) -> Result<(), Nothing> {
    store(walk, &group.name.store, trace)?;
    if walk.candidate.rules {
        trace.say(
            Step::Scope,
            "rules speak of users; none is evaluated for a group",
        );
    }
    Ok(())
}

/// The two switches of just-in-time provisioning: the connection's own, and *JIT Outbound* of the provisioner.
fn jit(walk: &Walk<'_>, trace: &mut Trace) -> Result<(), Nothing> {
    let trigger = walk.trigger;
    let used = trigger
        .connection
        .as_ref()
        .and_then(|id| walk.decider.configuration.connection(id));
    let login = trigger.kind == TriggerKind::LoggedIn;
    if let Some(used) = used
        && (login && walk.snapshot.after.is_none() || level::is_jit(trigger))
        && !used.jit.enabled
    {
        return Err(Nothing {
            reason: Reason::JitDisabledOnConnection,
            detail: format!(
                "just-in-time provisioning is off on connection {}{}",
                used.id,
                at(used.line)
            ),
        });
    }
    if login && walk.snapshot.after.is_none() {
        return Err(Nothing {
            reason: Reason::JitDisabledOnConnection,
            detail: "no local user came of the login".to_owned(),
        });
    }
    if !level::is_jit(trigger) {
        return Ok(());
    }
    let linked = walk.candidate.levels.contains(&Level::Link);
    if !walk.candidate.jit && !linked {
        return Err(Nothing {
            reason: Reason::JitOutboundOff,
            detail: format!(
                "the user came by {}, and jit = false on every provisioner that lists {}",
                if trigger.source == Source::Jit {
                    "just-in-time provisioning"
                } else {
                    "a login"
                },
                walk.candidate.connector
            ),
        });
    }
    trace.say(
        Step::Scope,
        if walk.candidate.jit {
            "JIT Outbound is on"
        } else {
            "JIT Outbound is off, but the account is there already"
        },
    );
    Ok(())
}

fn store(walk: &Walk<'_>, store: &StoreDomain, trace: &mut Trace) -> Result<(), Nothing> {
    let provisioned = &walk.decider.configuration.organization.provisioned_stores;
    if provisioned.is_empty() || provisioned.contains(store) {
        trace.say(Step::Scope, format!("user store {store} is provisioned"));
        return Ok(());
    }
    if crate::event::deletes(walk.trigger.kind) && walk.known.is_some() {
        trace.say(
            Step::Scope,
            format!("user store {store} is not provisioned, but what was deleted goes there too"),
        );
        return Ok(());
    }
    let list: Vec<&str> = provisioned.iter().map(StoreDomain::as_str).collect();
    Err(Nothing {
        reason: Reason::UserStoreNotProvisioned,
        detail: format!(
            "user store {store} is not among provisioned_stores ({})",
            list.join(", ")
        ),
    })
}

/// Returns why the user is out when the connection is for some roles only.
fn roles(walk: &Walk<'_>, user: &User, trace: &mut Trace) -> Option<Nothing> {
    let connection = walk.target.connection;
    let wanted = &connection.outbound_roles;
    if wanted.is_empty() {
        trace.say(Step::Scope, "the connection is for every role");
        return None;
    }
    if let Some(held) = wanted.iter().find(|role| user.roles.contains(role)) {
        trace.say(Step::Scope, format!("holds role {held}"));
        return None;
    }
    let list: Vec<&str> = wanted.iter().map(RoleName::as_str).collect();
    Some(Nothing {
        reason: Reason::RoleNotHeld,
        detail: format!(
            "{} holds none of {} (connection {}{})",
            user.name,
            list.join(", "),
            connection.id,
            at(connection.line)
        ),
    })
}

/// Asks the policies about what is about to be done.
fn rules(walk: &Walk<'_>, user: &User, trace: &mut Trace) -> Result<Standing, Nothing> {
    if !walk.candidate.rules {
        return Ok(Standing::In);
    }
    let action = if walk.trigger.kind == TriggerKind::UserDeleted {
        Verb::Deprovision
    } else if walk.is_there() {
        Verb::Update
    } else {
        Verb::Create
    };
    let ruling = walk.decider.policies.ask(&Request {
        user,
        action,
        target: &walk.target,
        trigger: walk.trigger,
    });
    match ruling {
        Ruling::Permitted(by) => {
            trace.say(Step::Scope, format!("{action} permitted by {by}"));
            Ok(Standing::In)
        }
        Ruling::Failed(why) => Err(Nothing {
            reason: Reason::RuleError,
            detail: why,
        }),
        Ruling::Denied(by) => {
            let nothing = Nothing {
                reason: Reason::RuleDenied,
                detail: format!("{action} denied: {by}"),
            };
            match walk.decider.configuration.rules.on_deny {
                OnDeny::Deprovision => Ok(Standing::Out(nothing)),
                OnDeny::Keep => Err(nothing),
            }
        }
    }
}
