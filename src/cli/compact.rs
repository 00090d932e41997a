//! `outbound journal compact`: removes what is old, at an engine of its own or at the one that runs.

use std::time::Duration;

use domain::{Clock as _, SystemClock};
use engine::{CompactionReport, Engine};
use jiff::{SignedDuration, Timestamp};

use super::Global;
use super::out::{Out, counted};
use super::seat::{Seat, nonsense};
use super::session::journal_trouble;
use super::trouble::Trouble;
use crate::control::{Answer, Ask};
use crate::exit::Exit;

/// When something happened that is old enough to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// So long ago.
    Ago(Duration),
    /// Before an instant.
    Before(Timestamp),
}

/// Reads an age, a day (UTC) or an instant.
pub(super) fn when(word: &str) -> Result<When, String> {
    if let Some(age) = config::duration(word) {
        return Ok(When::Ago(age));
    }
    let day = || {
        let day: jiff::civil::Date = word.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    word.parse()
        .ok()
        .or_else(day)
        .map(When::Before)
        .ok_or_else(|| {
            "write an age such as 30d, a day such as 2026-01-31, or an instant such as 2026-01-31T12:00:00Z"
                .to_owned()
        })
}

impl When {
    fn instant(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Before(instant) => Some(instant),
            Self::Ago(age) => now.checked_sub(SignedDuration::try_from(age).ok()?).ok(),
        }
    }
}

/// Compacts at an engine of this process.
pub(super) async fn with(
    engine: &Engine,
    before: Option<Timestamp>,
    preview: bool,
) -> Result<CompactionReport, Trouble> {
    let done = if preview {
        engine.compact_preview(before).await
    } else {
        engine.compact(before).await
    };
    done.map_err(|error| {
        let trouble = journal_trouble(&error);
        if preview {
            return trouble;
        }
        Trouble {
            tried: "remove what is old from the journal".to_owned(),
            advice: Some(
                "nothing is half removed; make room on the disk (the file is written anew beside itself) and try again".to_owned(),
            ),
            ..trouble
        }
    })
}

pub(super) async fn compact(
    global: &Global,
    out: Out,
    before: Option<When>,
    preview: bool,
) -> Result<Exit, Trouble> {
    let now = SystemClock::default().now();
    let before = match before.map(|when| when.instant(now)) {
        Some(None) => {
            let told = "the age reaches back further than time is told";
            let trouble = Trouble::new(Exit::Input, "understand --before", told);
            return Err(trouble.advise("write a shorter age, such as 30d"));
        }
        before => before.flatten(),
    };
    let (_, seat) = Seat::take(global, false).await?;
    let answer = seat.ask(Ask::Compact { before, preview }).await;
    seat.leave().await;
    let Answer::Compacted { report } = answer? else {
        return Err(nonsense());
    };
    out.text(&told(&report));
    out.value(&report);
    Ok(Exit::Done)
}

fn told(report: &CompactionReport) -> String {
    let removed = &report.removed;
    if removed.is_empty() {
        return format!(
            "nothing that had settled before {} is left to remove",
            removed.before
        );
    }
    let verb = if report.preview {
        "would go"
    } else {
        "removed"
    };
    let mut text = format!(
        "{verb}: {} with {}, {}, {}; the bodies of {}; {} that had ended\n\
         flows that had settled before {}, bodies of flows that began before {}",
        counted(removed.flows, "flow"),
        counted(removed.operations, "operation"),
        counted(removed.exchanges, "exchange"),
        counted(removed.facts, "fact"),
        counted(removed.bodies, "exchange"),
        counted(removed.former_links, "link"),
        removed.before,
        removed.bodies_before,
    );
    if !report.preview {
        let (before, after) = (&report.before, &report.after);
        text.push_str(&format!(
            "\nthe file: {} of {} in use before, {} of {} now",
            mebibytes(before.used_bytes),
            mebibytes(before.file_bytes),
            mebibytes(after.used_bytes),
            mebibytes(after.file_bytes),
        ));
    }
    text
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_a_day_and_an_instant_are_read_and_nothing_else() {
        let instant: Timestamp = "2026-01-31T00:00:00Z".parse().unwrap();
        assert_eq!(when("2026-01-31"), Ok(When::Before(instant)));
        assert_eq!(when("2026-01-31T00:00:00Z"), Ok(When::Before(instant)));
        assert_eq!(when("1d"), Ok(When::Ago(Duration::from_hours(24))));
        assert_eq!(
            When::Ago(Duration::from_hours(24)).instant("2026-02-01T00:00:00Z".parse().unwrap()),
            Some(instant)
        );
        for wrong in ["", "yesterday", "30", "2026-13-01"] {
            assert!(when(wrong).is_err(), "{wrong}");
        }
    }
}
