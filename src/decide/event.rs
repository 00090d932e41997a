//! Step 1, *event*: what happened, to whom, from which source, through which application and connection.

use domain::{Object, Trigger, TriggerKind};

/// Returns the kind of thing that a trigger is about.
pub(crate) fn object(kind: TriggerKind) -> Object {
    match kind {
        TriggerKind::UserCreated
        | TriggerKind::UserUpdated
        | TriggerKind::UserDeleted
        | TriggerKind::PasswordChanged
        | TriggerKind::LoggedIn
        | TriggerKind::RoleAssigned
        | TriggerKind::RoleRevoked
        | TriggerKind::UserReconciled => Object::User,
        TriggerKind::GroupCreated
        | TriggerKind::GroupChanged
        | TriggerKind::GroupRenamed
        | TriggerKind::GroupDeleted
        | TriggerKind::GroupReconciled => Object::Group,
    }
}

/// Tells whether the subject is no longer there after the trigger.
pub(crate) fn deletes(kind: TriggerKind) -> bool {
    matches!(kind, TriggerKind::UserDeleted | TriggerKind::GroupDeleted)
}

/// Says in one line what happened.
pub(crate) fn describe(trigger: &Trigger) -> String {
    let mut text = what(trigger);
    text.push_str(" (source ");
    text.push_str(trigger.source.word());
    if let Some(application) = &trigger.application {
        text.push_str(", application ");
        text.push_str(&application.0);
    }
    if let Some(connection) = &trigger.connection {
        text.push_str(", connection ");
        text.push_str(&connection.0);
    }
    text.push(')');
    text
}

fn what(trigger: &Trigger) -> String {
    let name = &trigger.subject_name;
    let role = trigger.role.as_ref().map_or("a role", |role| role.as_str());
    match trigger.kind {
        TriggerKind::UserCreated => format!("user {name} was created"),
        TriggerKind::UserUpdated if trigger.changed.is_empty() => {
            format!("user {name} was changed")
        }
        TriggerKind::UserUpdated => {
            let claims: Vec<&str> = trigger.changed.iter().map(domain::Claim::short).collect();
            format!("user {name} was changed: {}", claims.join(", "))
        }
        TriggerKind::UserDeleted => format!("user {name} was deleted"),
        TriggerKind::PasswordChanged => format!("the password of user {name} was changed"),
        TriggerKind::LoggedIn => format!("user {name} logged in"),
        TriggerKind::RoleAssigned => format!("role {role} was assigned to user {name}"),
        TriggerKind::RoleRevoked => format!("role {role} was revoked from user {name}"),
        TriggerKind::UserReconciled => {
            format!("user {name} is to be as it should be at the target")
        }
        TriggerKind::GroupCreated => format!("group {name} was created"),
        TriggerKind::GroupChanged => format!("the members of group {name} changed"),
        TriggerKind::GroupRenamed => format!("group {name} was given that name"),
        TriggerKind::GroupDeleted => format!("group {name} was deleted"),
        TriggerKind::GroupReconciled => {
            format!("group {name} is to be as it should be at the target")
        }
    }
}
