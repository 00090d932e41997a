//! Flows as a person reads them: the eight steps, the caller's wait, the exchanges.

use std::fmt::Write as _;

use domain::{
    Decision, Exchange, Failure, LinkOrigin, Purpose, Step, TraceLine, Trigger, Verdict, visible,
};
use engine::{
    Answer, AttemptTrace, Cause, Decided, DirectoryChange, FlowTrace, Life, OperationTrace,
    PlannedTrigger, Settlement, WaitTrace, WaitVerdict,
};
use jiff::Timestamp;

/// One flow in a few lines: what was decided, and how each operation ended.
pub(super) fn short(trace: &FlowTrace) -> String {
    let mut out = String::new();
    roles(&mut out, trace);
    for trigger in &trace.triggers {
        line(&mut out, 0, &headline(&trigger.trigger));
        for reason in trigger.event.iter().filter(|line| line.reason.is_some()) {
            line(&mut out, 1, &reason.text);
        }
        for decided in &trigger.decisions {
            line(&mut out, 1, &decision_line(decided, trace));
        }
    }
    for extra in trace
        .operations
        .iter()
        .filter(|operation| !is_decided(trace, operation))
    {
        line(&mut out, 1, &extra_line(extra));
    }
    if let Some(wait) = &trace.wait {
        line(&mut out, 1, &wait_line(wait, trace));
    }
    line(
        &mut out,
        1,
        &format!(
            "flow {}  (outbound journal show {})",
            trace.flow, trace.flow
        ),
    );
    out
}

/// One flow in full: every step, attempt and exchange.
pub(super) fn whole(trace: &FlowTrace) -> String {
    let mut out = String::new();
    line(&mut out, 0, &format!("flow {}", trace.flow));
    roles(&mut out, trace);
    for trigger in &trace.triggers {
        line(&mut out, 0, "");
        line(&mut out, 0, &headline(&trigger.trigger));
        steps(&mut out, 1, &trigger.event);
        for decided in &trigger.decisions {
            line(&mut out, 0, "");
            line(&mut out, 1, &decision_line(decided, trace));
            steps(&mut out, 2, &decided.decision.trace);
            let operation = decided.operation.and_then(|id| trace.operation(id));
            if let Some(operation) = operation {
                sent(&mut out, operation);
            }
        }
    }
    for extra in trace
        .operations
        .iter()
        .filter(|operation| !is_decided(trace, operation))
    {
        line(&mut out, 0, "");
        line(&mut out, 1, &extra_line(extra));
        sent(&mut out, extra);
    }
    if let Some(wait) = &trace.wait {
        line(&mut out, 0, "");
        line(&mut out, 1, &wait_line(wait, trace));
        time_line(&mut out, wait, trace);
    }
    out
}

/// Says what became of a role. It is no trigger of its own: each of its holders is one.
fn roles(out: &mut String, trace: &FlowTrace) {
    for told in role_changes(trace) {
        line(out, 0, &told);
        if trace.triggers.is_empty() {
            line(out, 1, NOBODY);
        }
    }
}

/// Says in a line each what became of roles.
pub(super) fn role_changes(trace: &FlowTrace) -> impl Iterator<Item = String> {
    trace
        .directory
        .iter()
        .filter_map(|(_, change)| match change {
            DirectoryChange::RolePut(role) => Some(format!("role {role} was created")),
            DirectoryChange::RoleRenamed { role, to } => {
                Some(format!("role {role} was renamed {to}"))
            }
            DirectoryChange::RoleRemoved(role) => Some(format!("role {role} was deleted")),
            DirectoryChange::UserPut(_)
            | DirectoryChange::UserRemoved(_)
            | DirectoryChange::GroupPut { .. }
            | DirectoryChange::GroupRemoved(_)
            | DirectoryChange::MembersChanged { .. } => None,
        })
}

/// What is said of a change of the directory that happens to no user and no group.
pub(super) const NOBODY: &str = "nobody holds it, so that nothing follows from it at any target";

/// One trigger of a plan, with every step.
pub(super) fn planned(trigger: &PlannedTrigger) -> String {
    let mut out = String::new();
    line(&mut out, 0, &headline(&trigger.trigger));
    steps(&mut out, 1, &trigger.event);
    for decision in &trigger.decisions {
        line(&mut out, 0, "");
        let held = match &decision.verdict {
            Verdict::Operation(planned) => planned.held,
            Verdict::Nothing(_) => None,
        };
        let held = held.map_or_else(String::new, |reason| {
            format!("  held: {reason}; {}", reason.fix())
        });
        line(&mut out, 1, &format!("{}{held}", verdict_line(decision)));
        steps(&mut out, 2, &decision.trace);
    }
    out
}

/// One exchange in full, head and body.
pub(super) fn exchange(exchange: &Exchange) -> String {
    let mut out = String::new();
    line(
        &mut out,
        0,
        &format!("{}  {} {}", exchange.at, exchange.method, exchange.url),
    );
    for header in &exchange.request_headers {
        line(&mut out, 1, &format!("{}: {}", header.name, header.value));
    }
    body(&mut out, &exchange.request_body);
    match (&exchange.response, &exchange.error) {
        (Some(response), error) => {
            line(
                &mut out,
                0,
                &format!("-> {} after {:?}", response.status, exchange.took),
            );
            for header in &response.headers {
                line(&mut out, 1, &format!("{}: {}", header.name, header.value));
            }
            body(&mut out, &response.body);
            if let Some(error) = error {
                line(&mut out, 1, error);
            }
        }
        (None, Some(error)) => line(&mut out, 0, &format!("-> no answer: {error}")),
        (None, None) => line(&mut out, 0, "-> under way"),
    }
    out
}

fn body(out: &mut String, body: &domain::Body) {
    if body.size_bytes == 0 {
        return;
    }
    if body.is_forgotten() {
        let told = format!(
            "the body is no longer kept; it had {} bytes",
            body.size_bytes
        );
        line(out, 1, &told);
        return;
    }
    line(out, 0, "");
    let pretty = serde_json::from_str::<serde_json::Value>(&body.text)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    for text in pretty.as_deref().unwrap_or(&body.text).lines() {
        line(out, 1, text);
    }
    if body.cut {
        line(out, 1, &format!("… cut; {} bytes in all", body.size_bytes));
    }
    line(out, 0, "");
}

pub(super) fn headline(trigger: &Trigger) -> String {
    let mut text = format!(
        "{} {} ({}",
        trigger.kind, trigger.subject_name, trigger.source
    );
    if let Some(application) = &trigger.application {
        let _ = write!(text, ", application {application}"); // writing to a string cannot fail
    }
    if let Some(connection) = &trigger.connection {
        let _ = write!(text, ", connection {connection}");
    }
    if let Some(role) = &trigger.role {
        let _ = write!(text, ", role {role}");
    }
    text.push(')');
    text
}

fn is_decided(trace: &FlowTrace, operation: &OperationTrace) -> bool {
    trace
        .triggers
        .iter()
        .flat_map(|trigger| &trigger.decisions)
        .any(|decided| decided.operation == Some(operation.queued.operation))
}

fn decision_line(decided: &Decided, trace: &FlowTrace) -> String {
    let text = verdict_line(&decided.decision);
    match decided.operation.and_then(|id| trace.operation(id)) {
        Some(operation) => format!("{text}  {}", ending(operation)),
        None => text,
    }
}

/// Tells an operation that no decision names, with what it is for.
fn extra_line(extra: &OperationTrace) -> String {
    let queued = &extra.queued;
    let what = match &queued.cause {
        Cause::Decision(_) => String::new(),
        Cause::Undoes { .. } => ", to undo what was refused".to_owned(),
        Cause::MemberLinked { member, planned } => {
            let mut members = planned.desired.members.iter();
            let joined = members.find(|known| known.local == *member);
            let name = joined.map_or("a member", |joined| joined.name.as_str());
            format!(", to put {name} in")
        }
    };
    format!(
        "{}  {} {} {}{what}  {}",
        queued.connector,
        queued.verb,
        queued.local.object(),
        queued.remote_name,
        ending(extra)
    )
}

fn verdict_line(decision: &Decision) -> String {
    let connector = &decision.candidate.connector;
    match &decision.verdict {
        Verdict::Operation(planned) => {
            let name = &planned.desired.remote_name;
            format!("{connector}  {} {name}", planned.verb)
        }
        Verdict::Nothing(nothing) => format!(
            "{connector}  nothing: {} ({})",
            nothing.reason, nothing.detail
        ),
    }
}

/// How an operation stands, in words.
fn ending(operation: &OperationTrace) -> String {
    let attempts = operation.attempts.len();
    let tries = if attempts > 1 {
        format!(" after {attempts} attempts")
    } else {
        String::new()
    };
    match operation.life {
        Life::Settled => match &operation.settlement {
            Some(Settlement::Confirmed(what)) => format!("confirmed: {}{tries}", word(what)),
            Some(Settlement::Found(what)) => {
                format!("found: {}, by asking after a lost reply{tries}", word(what))
            }
            Some(Settlement::Nothing { .. })
                if operation
                    .link
                    .as_ref()
                    .is_some_and(|link| link.origin == LinkOrigin::Adopted) =>
            {
                format!("adopted the account that was there, which is as it should be{tries}")
            }
            Some(Settlement::Nothing { reason, detail }) => {
                format!("nothing left to do: {reason} ({detail})")
            }
            None => "settled".to_owned(),
        },
        Life::Dead => {
            let told = operation.death.as_ref().map_or_else(String::new, |death| {
                format!(
                    ": {} ({}); do: {}",
                    death.told,
                    death.cause.word(),
                    death.advice
                )
            });
            format!("failed for good{tries}{told}")
        }
        Life::Discarded => format!(
            "discarded: {}",
            operation.discarded.as_deref().unwrap_or("by hand")
        ),
        Life::Held { reason } => format!("held: {reason}; {}", reason.fix()),
        Life::Queued => "queued".to_owned(),
        Life::InFlight => "in flight".to_owned(),
        Life::Retrying { at } => format!("retrying at {at}{}{tries}", last_failure(operation)),
        Life::InDoubt { at } => format!("in doubt, asks at {at}{}{tries}", last_failure(operation)),
    }
}

fn last_failure(operation: &OperationTrace) -> String {
    let failure = operation
        .attempts
        .iter()
        .rev()
        .find_map(|attempt| attempt.failure.as_ref());
    failure.map_or_else(String::new, |failure| format!(" ({failure})"))
}

fn word(what: &impl serde::Serialize) -> String {
    serde_json::to_value(what)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn steps(out: &mut String, depth: usize, lines: &[TraceLine]) {
    let mut last = None;
    for entry in lines {
        let label = if last == Some(entry.step) {
            String::new()
        } else {
            format!("{} {}", entry.step.number(), entry.step)
        };
        last = Some(entry.step);
        line(out, depth, &format!("{label:<9} {}", entry.text));
    }
}

/// Steps 7 and 8: attempts with their exchanges, and what was confirmed.
fn sent(out: &mut String, operation: &OperationTrace) {
    for (at, attempt) in operation.attempts.iter().enumerate() {
        let label = if at == 0 {
            format!("{} {}", Step::Send.number(), Step::Send)
        } else {
            String::new()
        };
        line(
            out,
            2,
            &format!(
                "{label:<9} attempt {} ({}){}",
                attempt.number,
                attempt.verb,
                password(attempt)
            ),
        );
        attempt_lines(out, attempt);
    }
    let label = format!("{} {}", Step::Verify.number(), Step::Verify);
    line(out, 2, &format!("{label:<9} {}", ending(operation)));
    if let Some(link) = &operation.link {
        line(
            out,
            2,
            &format!(
                "{:<9} linked to {} ({}){}",
                "",
                link.remote_id,
                link.remote_name,
                match link.origin {
                    LinkOrigin::Created => "",
                    LinkOrigin::Adopted => {
                        ", adopted: the account was there before (on_existing = \"adopt\")"
                    }
                }
            ),
        );
    }
    if operation.unlinked {
        line(out, 2, &format!("{:<9} the link ended", ""));
    }
    if let Some(by) = operation.undone_by {
        line(out, 2, &format!("{:<9} undone by operation {by}", ""));
    }
}

fn password(attempt: &AttemptTrace) -> String {
    attempt.password.map_or_else(String::new, |source| {
        format!(", password: {}", word(&source).replace('-', " "))
    })
}

fn attempt_lines(out: &mut String, attempt: &AttemptTrace) {
    for exchange in &attempt.exchanges {
        let answer = match (&exchange.response, &exchange.error) {
            (Some(response), _) => response.status.to_string(),
            (None, Some(error)) => format!("no answer: {error}"),
            (None, None) => "under way".to_owned(),
        };
        let aside = match exchange.purpose {
            Purpose::Token => " (token)",
            Purpose::Lookup => " (lookup)",
            Purpose::Discovery => " (discovery)",
            Purpose::Check => " (check)",
            Purpose::Replay => " (replay)",
            Purpose::Write => "",
        };
        let millis = exchange.took.as_millis();
        line(
            out,
            2,
            &format!(
                "{:<9}   {} {} -> {answer} in {millis} ms{aside}",
                "", exchange.method, exchange.url
            ),
        );
    }
    if let Some(failure) = &attempt.failure {
        line(out, 2, &format!("{:<9}   {}", "", failure_text(failure)));
    }
    for asked in &attempt.asked {
        let said = match &asked.answer {
            Answer::Ours { remote_id, because } => {
                format!("asked: it has the account {remote_id}, ours: {because}")
            }
            Answer::Foreign { remote_id, because } => {
                format!(
                    "asked: it has the account {remote_id}, which did not come from here: {because}"
                )
            }
            Answer::Absent => "asked: it has no such account".to_owned(),
            Answer::Unanswered { failure } => format!("asked, but {failure}"),
        };
        line(out, 2, &format!("{:<9}   {said}", ""));
    }
}

fn failure_text(failure: &Failure) -> String {
    format!("{failure}; do: {}", failure.advice)
}

fn wait_line(wait: &WaitTrace, trace: &FlowTrace) -> String {
    match &wait.ended {
        None => "the caller waits".to_owned(),
        Some((at, verdict)) => {
            let waited = millis(wait.began, *at);
            match verdict {
                WaitVerdict::Confirmed => {
                    let what = waited_for(wait, trace);
                    format!("the caller waited {waited} ms{what}: confirmed")
                }
                WaitVerdict::Accepted { cause } => {
                    format!("the caller waited {waited} ms: the change stands although {cause}")
                }
                WaitVerdict::Rejected { cause } => {
                    format!(
                        "the caller waited {waited} ms: the change was NOT made, because {cause}"
                    )
                }
            }
        }
    }
}

/// Says what a caller waited for, where that is not all: what else became of the request is no part of the verdict.
fn waited_for(wait: &WaitTrace, trace: &FlowTrace) -> String {
    if wait.operations.len() == trace.operations.len() {
        return String::new();
    }
    let waited = wait.operations.iter().filter_map(|id| trace.operation(*id));
    let names: Vec<String> = waited
        .map(|operation| {
            let queued = &operation.queued;
            format!(
                "{} {} {}",
                queued.connector, queued.verb, queued.remote_name
            )
        })
        .collect();
    format!(" for {}", names.join(", "))
}

/// Draws the caller's wait and the operations on one time line.
fn time_line(out: &mut String, wait: &WaitTrace, trace: &FlowTrace) {
    const WIDTH: i128 = 40;
    let Some((end, _)) = wait.ended else { return };
    let last = trace
        .operations
        .iter()
        .filter_map(|operation| operation.ended)
        .chain([end])
        .max()
        .unwrap_or(end);
    let span = (last.as_nanosecond() - wait.began.as_nanosecond()).max(1);
    let bar = |from: Timestamp, to: Timestamp| {
        let at = |instant: Timestamp| {
            let place = (instant.as_nanosecond() - wait.began.as_nanosecond()) * WIDTH / span;
            usize::try_from(place.clamp(0, WIDTH)).unwrap_or(0)
        };
        let (start, stop) = (at(from), at(to).max(at(from) + 1));
        format!("{}{}", " ".repeat(start), "=".repeat(stop - start))
    };
    line(
        out,
        2,
        &format!(
            "{:<28}|{:<41}| {} ms",
            "caller",
            bar(wait.began, end),
            millis(wait.began, end)
        ),
    );
    for operation in &trace.operations {
        let started = operation
            .attempts
            .first()
            .map_or(operation.at, |attempt| attempt.started);
        let ended = operation.ended.unwrap_or(last);
        let name = format!("{} {}", operation.queued.connector, operation.queued.verb);
        line(
            out,
            2,
            &format!(
                "{name:<28}|{:<41}| {} ms",
                bar(started, ended),
                millis(started, ended)
            ),
        );
    }
}

fn millis(from: Timestamp, to: Timestamp) -> i128 {
    (to.as_nanosecond() - from.as_nanosecond()) / 1_000_000
}

/// Writes one line; a line break in a name from outside is shown as a mark, so that it cannot forge another line.
fn line(out: &mut String, depth: usize, text: &str) {
    let _ = writeln!(out, "{}{}", "  ".repeat(depth), visible(text)); // writing to a string cannot fail
}

#[cfg(test)]
mod tests {
    use domain::{
        ConnectorRef, Deprovision, Desired, FlowId, GroupId, LocalRef, Member, OnFailure,
        OperationId, PasswordPlan, Planned, TriggerId, UserId, Verb,
    };
    use engine::Queued;
    use uuid::Uuid;

    use super::*;

    const KIM: LocalRef = LocalRef::User(UserId(Uuid::from_u128(1)));
    const STAFF: LocalRef = LocalRef::Group(GroupId(Uuid::from_u128(2)));

    fn operation(number: u128, local: LocalRef, verb: Verb, cause: Cause) -> OperationTrace {
        let name = if local == KIM { "kim" } else { "staff" };
        OperationTrace {
            queued: Queued {
                operation: OperationId(Uuid::from_u128(number)),
                trigger: TriggerId(Uuid::from_u128(9)),
                connector: ConnectorRef::new("corp", "scim2"),
                local,
                name: name.into(),
                remote_name: name.to_owned(),
                verb,
                blocking: local == KIM,
                cause,
                held: None,
            },
            at: Timestamp::UNIX_EPOCH,
            planned: None,
            life: Life::InFlight,
            attempts: Vec::new(),
            ended: None,
            settlement: None,
            death: None,
            discarded: None,
            undone_by: None,
            link: None,
            unlinked: false,
        }
    }

    fn staff_with_kim() -> Box<Planned> {
        let kim = Member {
            local: KIM,
            name: "kim".to_owned(),
            remote_id: None,
        };
        Box::new(Planned {
            local: STAFF,
            verb: Verb::Update,
            desired: Desired {
                local: STAFF,
                remote_name: "staff".to_owned(),
                attributes: Vec::new(),
                members: vec![kim],
                password: PasswordPlan::None,
            },
            changes: Vec::new(),
            deprovision: Deprovision::Delete,
            held: None,
        })
    }

    #[test]
    fn what_no_decision_names_says_whom_it_is_about_and_what_for() {
        let planned = staff_with_kim();
        let joins = Cause::MemberLinked {
            member: KIM,
            planned: planned.clone(),
        };
        assert_eq!(
            extra_line(&operation(1, STAFF, Verb::Update, joins)),
            "corp/scim2  update group staff, to put kim in  in flight"
        );
        let undoes = Cause::Undoes {
            operation: OperationId(Uuid::from_u128(1)),
            planned,
        };
        assert_eq!(
            extra_line(&operation(2, KIM, Verb::Deprovision, undoes)),
            "corp/scim2  deprovision user kim, to undo what was refused  in flight"
        );
    }

    #[test]
    fn a_wait_that_was_confirmed_says_for_what_when_more_came_of_the_request() {
        let create = operation(1, KIM, Verb::Create, Cause::Decision(0));
        let mut trace = FlowTrace {
            flow: FlowId(Uuid::from_u128(8)),
            triggers: Vec::new(),
            operations: vec![create],
            wait: None,
            directory: Vec::new(),
        };
        let wait = WaitTrace {
            began: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            operations: vec![OperationId(Uuid::from_u128(1))],
            on_failure: OnFailure::Reject,
            ended: Some((Timestamp::UNIX_EPOCH, WaitVerdict::Confirmed)),
        };
        assert_eq!(
            wait_line(&wait, &trace),
            "the caller waited 0 ms: confirmed"
        );
        let joins = Cause::MemberLinked {
            member: KIM,
            planned: staff_with_kim(),
        };
        trace
            .operations
            .push(operation(2, STAFF, Verb::Update, joins));
        assert_eq!(
            wait_line(&wait, &trace),
            "the caller waited 0 ms for corp/scim2 create kim: confirmed"
        );
    }
}
