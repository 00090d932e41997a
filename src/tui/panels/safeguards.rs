//! What keeps trouble from spreading, as the *Journal* shows it: quarantines with who brought them about, brakes that wait
//! for somebody's word, dead letters by cause.

use std::time::Duration;

use domain::{Brake, ConnectorRef};
use engine::{DeadGroup, EngagedBrake, Quarantine};

use crate::modal::{Modal, Reading, Sheet};
use crate::paint::{Line, Span, counted};
use crate::theme::Theme;
use crate::widgets::{Button, Field, Form};
use crate::wish::{Deed, Safeguards, Wish};
use crate::world::World;

/// Returns a line for each connector that is not simply sent to, the most urgent first.
pub(crate) fn banners(known: &Safeguards, world: &World) -> Vec<String> {
    let quarantines = known.quarantines.iter().map(|quarantine| {
        format!(
            "{} is in quarantine, next probe {} (Q: probe, release); since {}: {}",
            quarantine.connector,
            world.time(quarantine.next_probe),
            world.time(quarantine.since),
            quarantine.cause.told()
        )
    });
    let brakes = known.brakes.iter().map(|(brake, kept)| {
        let EngagedBrake {
            connector, brake, ..
        } = brake;
        match kept {
            0 => format!(
                "{connector} brake on {brake} (B: approve, let go): nothing is kept, and no more of it goes on"
            ),
            kept => format!(
                "{connector} brake on {brake} (B: approve, reject): {} kept until somebody approves",
                counted(*kept, "operation")
            ),
        }
    });
    quarantines.chain(brakes).collect()
}

/// Names the requests that brought a quarantine about, with the ways out.
pub(crate) fn culprits(quarantine: &Quarantine, world: &World, theme: &Theme) -> Modal {
    let plain = |text: String, style| -> Line { vec![Span::new(text, style)] };
    let mut lines = vec![plain(quarantine.cause.told(), theme.text)];
    if let Some(met) = &quarantine.last_probe {
        let probes = counted(quarantine.probes, "probe");
        let text = format!("the last of {probes}: {met}");
        lines.push(plain(text, theme.warn));
    }
    for culprit in &quarantine.culprits {
        lines.push(vec![
            Span::new(format!("{}  ", world.time(culprit.at)), theme.dim),
            Span::new(format!("{} {}", culprit.verb, culprit.name), theme.key),
        ]);
        lines.push(plain(format!("    {}", culprit.failure), theme.text));
        let command = format!("    outbound journal show {} --wire", culprit.operation);
        lines.push(plain(command, theme.dim));
    }
    let connector = quarantine.connector.clone();
    let answers = vec![
        ("Probe now", vec![Wish::Do(Deed::Probe(connector.clone()))]),
        ("Release", vec![Wish::Do(Deed::Release(connector))]),
        ("Close", Vec::new()),
    ];
    let title = format!("{} is in quarantine", quarantine.connector);
    Modal::Reading(Reading::new(title, lines, answers))
}

/// Asks for somebody's word on what a brake keeps; or where it keeps nothing, because a caller who waited was refused, on
/// what comes.
pub(crate) fn approval(brake: &EngagedBrake, kept: usize) -> Modal {
    let (approves, rejects) = match kept {
        0 => ("Approve what comes", "Let go, and count anew"),
        _ => ("Approve", "Reject: give them up"),
    };
    let what = match kept {
        0 => "Nothing is kept".to_owned(),
        kept => format!("{} kept", counted(kept, "operation")),
    };
    let form = Form::new(
        vec![
            Field::text("by", "Your name", "").required(),
            Field::text("reason", "Reason", "").required(),
            Field::text("expires", "Approved for", "1h")
                .offered()
                .check(a_time)
                .hint("What comes until then is not counted; as in 30m or 8h."),
        ],
        vec![
            Button::acts("approve", approves),
            Button::acts("reject", rejects),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    Modal::Sheet(Sheet {
        panel: "journal",
        id: format!("{} {}", brake.connector, brake.brake),
        title: format!("{what} at {}: {}", brake.connector, brake.brake),
        note: String::new(),
        form,
        says: vec![brake.told()],
    })
}

/// Returns what the form of [`approval`] asks for; `None` when the sheet is another one.
pub(crate) fn approved(sheet: &str, form: &Form, button: &str) -> Option<Vec<Wish>> {
    let (connector, brake) = sheet.split_once(' ')?;
    let connector: ConnectorRef = connector.parse().ok()?;
    let brake: Brake = brake.parse().ok()?;
    let (by, reason) = (form.value("by"), form.value("reason"));
    if button == "reject" {
        return Some(vec![Wish::Do(Deed::Reject {
            connector,
            brake,
            by,
            reason,
        })]);
    }
    let expires: Option<Duration> = config::duration(&form.value("expires"));
    Some(vec![match expires {
        Some(expires) => Wish::Do(Deed::Approve {
            connector,
            brake,
            by,
            reason,
            expires,
        }),
        None => Wish::Fail(A_TIME.to_owned()),
    }])
}

const A_TIME: &str = "an approval holds for a time, as in 30m or 8h";

fn a_time(text: &str) -> Result<(), String> {
    let time = config::duration(text);
    time.map(|_| ()).ok_or_else(|| A_TIME.to_owned())
}

/// Tells dead letters by their cause.
pub(crate) fn causes(groups: &[DeadGroup], world: &World, theme: &Theme) -> Modal {
    let mut lines: Vec<Line> = Vec::new();
    for group in groups {
        let status = group
            .status
            .map_or(String::new(), |status| format!(" {status}"));
        lines.push(vec![
            Span::new(format!("{:>5} x ", group.count), theme.bad),
            Span::new(format!("{}{status}  ", group.connector), theme.key),
            Span::new(group.told.clone(), theme.text),
        ]);
        lines.push(vec![Span::new(
            format!(
                "        since {}, for example {} {}; {} out of date",
                world.time(group.oldest),
                group.example.operation.verb,
                group.example.operation.name,
                group.superseded
            ),
            theme.dim,
        )]);
        lines.push(vec![Span::new(
            format!("        do: {}", group.advice),
            theme.text,
        )]);
        lines.push(vec![Span::new(
            format!(
                "        outbound journal dead retry|redo|discard --group {}",
                group.group
            ),
            theme.dim,
        )]);
    }
    if lines.is_empty() {
        lines.push(vec![Span::new("There are no dead letters.", theme.dim)]);
    }
    Modal::Reading(Reading::new(
        "Dead letters by cause",
        lines,
        vec![("Close", Vec::new())],
    ))
}
