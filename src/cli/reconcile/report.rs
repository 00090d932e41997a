//! What a comparison found, in words.

use domain::{Condition, Divergence, FieldDrift, Orphan, Whose};
use engine::{Anew, Continued, GivenUp, NotRead, ReconcileReport, Tally};

use crate::cli::out::{Out, counted};

pub(super) fn show(out: Out, report: &ReconcileReport) {
    let tally = &report.tally;
    out.text(&format!(
        "{}  {} read with {}; {} compared, {} in sync",
        report.connector,
        counted(tally.accounts, "account"),
        counted(tally.requests, "request"),
        tally.compared,
        tally.in_sync
    ));
    for divergence in &report.divergences {
        out.text(&divergence_text(divergence));
    }
    for orphan in &report.orphans {
        out.text(&orphan_text(orphan));
    }
    for line in notes(tally) {
        out.text(&format!("  {line}"));
    }
    out.value(report);
}

/// Says what else was counted, one line each.
fn notes(tally: &Tally) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(given_up) = &tally.given_up {
        notes.push(given_up_text(given_up));
    }
    if let Some(continued) = &tally.continued {
        notes.push(continued_text(continued));
    }
    let found = tally.found();
    let shown_elsewhere = "all of them: `outbound reconcile list`";
    if found > 0 {
        notes.push(format!(
            "{} differ, {} missing, {} should not be there, {} of ours without a link ({shown_elsewhere})",
            tally.differing, tally.missing, tally.unwanted, tally.ours
        ));
    }
    if tally.strangers > 0 {
        let more = tally.strangers - tally.stranger_names.len() as u64;
        let mut names = tally.stranger_names.join(", ");
        if more > 0 {
            names = format!("{names} and {more} more");
        }
        notes.push(format!(
            "{} not ours, never touched: {names}",
            tally.strangers
        ));
    }
    if tally.excepted > 0 {
        notes.push(format!(
            "let stand though they differ: {}",
            counted(tally.excepted, "field")
        ));
    }
    if tally.on_their_way + tally.fresh > 0 {
        notes.push(format!(
            "next time: {} with an operation on its way, {} written only just now",
            tally.on_their_way, tally.fresh
        ));
    }
    for (reason, count) in &tally.unsaid {
        notes.push(format!("left alone: {count}, {reason}"));
    }
    for (field, count) in &tally.unseen {
        notes.push(format!(
            "{field} not compared: the target does not show it ({})",
            counted(*count, "account")
        ));
    }
    if tally.unreadable > 0 {
        notes.push(format!(
            "listed there without an id, and not compared: {}",
            tally.unreadable
        ));
    }
    if let Some(why) = &tally.not_read {
        notes.push(format!(
            "not everything was read: {}; not looked for: {}",
            not_read_text(why),
            counted(tally.not_looked_for, "linked account")
        ));
    }
    if tally.goes_on {
        notes.push(format!(
            "read so far: {}{}; the next comparison goes on there, within a day (--continue leaves out what has come \
             to its end, --restart begins anew)",
            pages_text(tally.pages, tally.accounts),
            of_text(tally)
        ));
    }
    notes
}

fn pages_text(pages: u64, accounts: u64) -> String {
    let accounts = counted(accounts, "account");
    format!("{} with {accounts}", counted(pages, "page"))
}

/// Says of how many accounts; there may be more, of a kind that was not read yet.
fn of_text(tally: &Tally) -> String {
    if tally.announced > tally.accounts {
        format!(" of {} or more", tally.announced)
    } else {
        String::new()
    }
}

fn continued_text(continued: &Continued) -> String {
    format!(
        "continued: begun {}, stopped {} after {}",
        continued.began,
        continued.stopped,
        pages_text(continued.pages, continued.accounts)
    )
}

fn given_up_text(given_up: &GivenUp) -> String {
    let why = match &given_up.why {
        Anew::Configuration => {
            "what accounts are compared by has changed in workbench.toml since".to_owned()
        }
        Anew::Age => "that is more than a day ago".to_owned(),
        Anew::Place { failure } => {
            format!("the target does not know any more where that was ({failure})")
        }
    };
    format!(
        "begun anew: the comparison of {} had stopped {}, and {why}",
        given_up.began, given_up.stopped
    )
}

fn not_read_text(why: &NotRead) -> String {
    match why {
        NotRead::Requests { budget } => {
            let budget = counted(*budget, "request");
            format!("the budget of {budget} is used up (--budget)")
        }
        NotRead::Accounts { budget } => {
            let budget = counted(*budget, "account");
            format!("the budget of {budget} is used up (--accounts)")
        }
        NotRead::Held { reason, detail } => format!("{reason}, {detail}"),
        NotRead::Quiet { until } => format!("the target asked for quiet until {until}"),
        NotRead::Failed { failure } => format!("{failure}; {}", failure.advice),
        NotRead::Stopped => "stopped".to_owned(),
    }
}

pub(super) fn divergence_text(divergence: &Divergence) -> String {
    let whose = format!("{} {}", divergence.local.object(), divergence.name);
    let account = format!("{} ({})", divergence.remote_name, divergence.remote_id);
    match &divergence.condition {
        Condition::Missing => format!("  {whose}  {account} is missing at the target"),
        Condition::Unwanted { why } => {
            format!("  {whose}  {account} should not be there: {}", why.detail)
        }
        Condition::Differs { fields } => {
            let mut lines = vec![format!("  {whose}  {account} differs")];
            lines.extend(fields.iter().map(field_text));
            lines.join("\n")
        }
    }
}

fn field_text(drift: &FieldDrift) -> String {
    format!(
        "    {} ({})  there {}, last written {}, desired {}",
        drift.field, drift.drift, drift.actual, drift.written, drift.desired
    )
}

pub(super) fn orphan_text(orphan: &Orphan) -> String {
    let account = format!("{} ({})", orphan.remote_name, orphan.remote_id);
    let what = match orphan.whose {
        Whose::Ours { .. } => "ours, and its link is lost",
        Whose::Duplicate { .. } => "ours, and one too many",
        Whose::Stranger => "not ours",
    };
    format!("  {} {account}  {what}: {}", orphan.object, orphan.because)
}
