//! Step 5, *map*: the account as it should be: its name, its attributes, a group's members, and which password goes
//! with it.

use domain::{
    Desired, Group, Link, LocalRef, Member, NameRule, Nothing, Object, PasswordPlan, QualifiedName,
    Reason, Step, User,
};

use crate::pattern::{DEFAULT_SEPARATOR, Pattern, remote_name as by_pattern};
use crate::shape::name_attribute;
use crate::target::Target;
use crate::trace::{Trace, at};
use crate::{Decider, Walk, attribute, collision, password};

/// Makes the desired account of a user.
pub(crate) fn user(walk: &Walk<'_>, user: &User, trace: &mut Trace) -> Result<Desired, Nothing> {
    password::check(&walk.target, walk.trigger)?;
    let local = LocalRef::User(user.id);
    let remote_name = named(walk, local, &user.name, trace)?;
    let attributes = attribute::all(walk, user, trace)?;
    let password = if walk.is_there() {
        password::on_update(walk.trigger)
    } else {
        password::on_create(&walk.target, walk.trigger.carries_password)
    };
    if let Some(text) = password_text(password) {
        trace.say(Step::Map, text);
    }
    Ok(Desired {
        local,
        remote_name,
        attributes,
        members: Vec::new(),
        password,
    })
}

/// Makes the desired group. Members without an account at the same connector cannot be sent.
pub(crate) fn group(walk: &Walk<'_>, group: &Group, trace: &mut Trace) -> Result<Desired, Nothing> {
    let local = LocalRef::Group(group.id);
    let remote_name = named(walk, local, &group.name, trace)?;
    let mut members: Vec<Member> = walk
        .snapshot
        .members
        .iter()
        .filter(|(user, _)| group.members.contains(&user.id))
        .map(|(user, links)| member(walk, user, links))
        .collect();
    members.sort();
    members.dedup();
    let (there, absent): (Vec<&Member>, Vec<&Member>) = members
        .iter()
        .partition(|member| member.remote_id.is_some());
    let names = |list: &[&Member]| -> String {
        let names: Vec<&str> = list.iter().map(|member| member.name.as_str()).collect();
        names.join(", ")
    };
    trace.say(
        Step::Map,
        match there.as_slice() {
            [] => "members: none".to_owned(),
            there => format!("members: {}", names(there)),
        },
    );
    if !absent.is_empty() {
        trace.say(
            Step::Map,
            format!("left out, no account there: {}", names(&absent)),
        );
    }
    Ok(Desired {
        local,
        remote_name,
        attributes: Vec::new(),
        members,
        password: PasswordPlan::None,
    })
}

fn member(walk: &Walk<'_>, user: &User, links: &[Link]) -> Member {
    Member {
        local: LocalRef::User(user.id),
        name: user.name.to_string(),
        remote_id: links
            .iter()
            .find(|link| link.connector == walk.candidate.connector && !link.gone)
            .map(|link| link.remote_id.clone()),
    }
}

/// Makes the remote name, says it, and checks that nobody else has it.
fn named(
    walk: &Walk<'_>,
    local: LocalRef,
    name: &QualifiedName,
    trace: &mut Trace,
) -> Result<String, Nothing> {
    let target = &walk.target;
    let attribute = name_attribute(Some(target), local.object());
    let remote = remote_name(walk.decider, target, name)?;
    if remote.trim().is_empty() {
        return Err(Nothing {
            reason: Reason::AttributeMissing,
            detail: format!("{attribute} would be empty"),
        });
    }
    let origin = match target.kind.target.name {
        NameRule::Pattern { pattern, .. } => {
            let text = target.text(pattern).map_or_else(
                || Pattern::default().to_string(),
                |text| text.trim().to_owned(),
            );
            format!("pattern {text}")
        }
        NameRule::UserName { .. } => format!("{} name", local.object()),
    };
    trace.say(Step::Map, format!("{attribute} = {remote} ({origin})"));
    taken(walk, local, &remote)?;
    collision::check(walk, local, name, &remote)?;
    Ok(remote)
}

/// Checks that the target can take a user's name. One that an account there already has was taken.
fn taken(walk: &Walk<'_>, local: LocalRef, remote: &str) -> Result<(), Nothing> {
    let spec = &walk.target.kind.target;
    let has_it = walk
        .known
        .as_ref()
        .is_some_and(|known| known.is_there() && known.name == remote);
    if has_it || local.object() != Object::User {
        return Ok(());
    }
    let attribute = spec.name_attribute;
    let fault = spec
        .name_form
        .fault(remote)
        .or_else(|| attribute::too_long(spec, attribute, remote));
    match fault {
        None => Ok(()),
        Some(fault) => Err(Nothing {
            reason: match spec.name {
                NameRule::Pattern { .. } => Reason::PatternInvalid,
                NameRule::UserName { .. } => Reason::AttributeMissing,
            },
            detail: format!("{attribute} = {remote}: {fault}"),
        }),
    }
}

/// Makes the name at the target from a local name, by the target's rule.
pub(crate) fn remote_name(
    decider: &Decider<'_>,
    target: &Target<'_>,
    name: &QualifiedName,
) -> Result<String, Nothing> {
    match target.kind.target.name {
        NameRule::UserName { store_domain } => Ok(match target.text(store_domain) {
            Some(store) => format!("{}/{}", store.trim(), name.name),
            None => name.to_string(),
        }),
        NameRule::Pattern {
            pattern,
            separator,
            domain,
        } => {
            let parsed = match target.text(pattern) {
                None => Pattern::default(),
                Some(text) => Pattern::parse(text).map_err(|error| Nothing {
                    reason: Reason::PatternInvalid,
                    detail: format!(
                        "{pattern} = {text} of {}{}: {error}",
                        target.connector(),
                        at(target.settings.line)
                    ),
                })?,
            };
            Ok(by_pattern(
                &parsed,
                target.text(separator).unwrap_or(DEFAULT_SEPARATOR),
                name,
                &decider.configuration.organization.tenant_domain,
                &target.connection.name,
                target.text(domain),
            ))
        }
    }
}

fn password_text(plan: PasswordPlan) -> Option<&'static str> {
    match plan {
        PasswordPlan::None => None,
        PasswordPlan::FromTrigger => Some("password: the one that the trigger carried"),
        PasswordPlan::Random => Some("password: a random one (generated)"),
        PasswordPlan::Default => Some("password: the configured default"),
    }
}
