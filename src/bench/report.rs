//! What was measured, as tables for a person and as data for a program; every goal stands beside its figure.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::durable::Durable;
use super::gauge::{figure, median};
use super::{CONCURRENCY, Figures, WIDE};

/// Everything that was measured. Figures are medians of the runs, and shares are taken within a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// How often each figure was taken.
    pub runs: usize,
    /// What the users were drawn from.
    pub seed: u64,
    /// The processors that client, engine and mocks shared.
    pub cores: usize,
    /// The size of one request's body.
    pub body_bytes: usize,
    /// Bare loop and engine at each number of requests in flight.
    pub rows: Vec<Row>,
    /// The engine with three targets.
    pub three: Provisioning,
    /// How many users were planned at three targets.
    pub planned_users: u64,
    /// How long that took.
    pub planning_seconds: f64,
    /// The engine on journals of several sizes.
    pub growth: Vec<Growth>,
    /// How many operations were queued when the engine was started.
    pub backlog: u64,
    /// How long it took from the start to the first request.
    pub first_send_seconds: f64,
    /// The memory that was resident then.
    pub backlog_resident_bytes: f64,
    /// What was to be reached.
    pub goals: Vec<Goal>,
}

/// Bare loop and engine with the same number of requests in flight.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The number of requests in flight.
    pub concurrency: usize,
    /// The bare loop's requests a second.
    pub raw_per_second: f64,
    /// Half of its requests took at most this.
    pub raw_p50_micros: f64,
    /// Processor time of the bare loop for one request.
    pub raw_processor_micros: f64,
    /// The engine.
    pub durable: Provisioning,
    /// The engine's rate as a share of the bare loop's, in percent.
    pub share_percent: f64,
}

/// Durable provisioning.
#[derive(Debug, Clone, Serialize)]
pub struct Provisioning {
    /// Operations confirmed a second.
    pub per_second: f64,
    /// Half of them took at most this from trigger to confirmation.
    pub p50_micros: f64,
    /// All but one of a hundred took at most this.
    pub p99_micros: f64,
    /// Processor time of engine, connectors and submitting loop for one operation; the mocks' is not in it.
    pub processor_micros: f64,
    /// What the journal's file grew by for one operation.
    pub journal_bytes: f64,
    /// What was handed to the disk for one operation: the log, and what of it was folded into the file meanwhile.
    pub written_bytes: f64,
    /// The most memory of the process.
    pub peak_bytes: f64,
}

/// The engine on a journal that holds so much.
#[derive(Debug, Clone, Serialize)]
pub struct Growth {
    /// Users, and as many links and exchanges.
    pub held: u64,
    /// Operations confirmed a second from there on.
    pub per_second: f64,
    /// The most memory so far.
    pub peak_bytes: u64,
    /// The journal's file for one user with its exchange.
    pub journal_bytes: f64,
}

/// A goal beside its figure.
#[derive(Debug, Clone, Serialize)]
pub struct Goal {
    /// What.
    pub what: String,
    /// The goal, in words.
    pub wanted: String,
    /// The figure, in words.
    pub figure: String,
    /// Whether it is met.
    pub met: bool,
}

impl Provisioning {
    fn of(runs: &[&Durable]) -> Self {
        let middle =
            |figure: fn(&Durable) -> f64| median(runs.iter().map(|run| figure(run)).collect());
        Self {
            per_second: middle(|run| run.per_second),
            p50_micros: middle(|run| micros(run.p50)),
            p99_micros: middle(|run| micros(run.p99)),
            processor_micros: middle(|run| run.processor_micros),
            journal_bytes: middle(|run| run.journal_bytes),
            written_bytes: middle(|run| run.written_bytes),
            peak_bytes: middle(|run| figure(run.peak_bytes)),
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl Report {
    pub(super) fn of(figures: &Figures) -> Self {
        let rows: Vec<Row> = figures
            .pairs
            .iter()
            .zip(CONCURRENCY)
            .map(|(pairs, concurrency)| Row {
                concurrency,
                raw_per_second: median(pairs.iter().map(|(raw, _)| raw.per_second).collect()),
                raw_p50_micros: median(pairs.iter().map(|(raw, _)| micros(raw.p50)).collect()),
                raw_processor_micros: median(
                    pairs.iter().map(|(raw, _)| raw.processor_micros).collect(),
                ),
                durable: Provisioning::of(
                    &pairs.iter().map(|(_, durable)| durable).collect::<Vec<_>>(),
                ),
                share_percent: median(
                    pairs
                        .iter()
                        .map(|(raw, durable)| 100.0 * durable.per_second / raw.per_second)
                        .collect(),
                ),
            })
            .collect();
        let mut report = Self {
            runs: figures.options.runs.max(1),
            seed: figures.options.seed,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            body_bytes: figures.pairs[0][0].0.body_bytes,
            rows,
            three: Provisioning::of(&figures.three.iter().collect::<Vec<_>>()),
            planned_users: figures.planned,
            planning_seconds: median(figures.plans.iter().map(Duration::as_secs_f64).collect()),
            growth: figures
                .sizes
                .iter()
                .map(|size| Growth {
                    held: size.held,
                    per_second: size.per_second,
                    peak_bytes: size.peak_bytes,
                    journal_bytes: size.journal_bytes,
                })
                .collect(),
            backlog: figures.backlog,
            first_send_seconds: median(
                figures
                    .starts
                    .iter()
                    .map(|start| start.first_send.as_secs_f64())
                    .collect(),
            ),
            backlog_resident_bytes: median(
                figures
                    .starts
                    .iter()
                    .map(|start| figure(start.resident_bytes))
                    .collect(),
            ),
            goals: Vec::new(),
        };
        report.goals = report.judge();
        report
    }

    fn row(&self, concurrency: usize) -> &Row {
        let found = self.rows.iter().find(|row| row.concurrency == concurrency);
        found.unwrap_or(&self.rows[0])
    }

    fn judge(&self) -> Vec<Goal> {
        let (one, many, most) = (self.row(1), self.row(64), self.row(WIDE));
        let at_least = |what: &str, figure: f64, goal: f64, unit: &str| Goal {
            what: what.to_owned(),
            wanted: format!("at least {goal:.0}{unit}"),
            figure: format!("{figure:.0}{unit}"),
            met: figure >= goal,
        };
        let at_most = |what: &str, figure: f64, goal: f64, unit: &str| Goal {
            what: what.to_owned(),
            wanted: format!("at most {goal}{unit}"),
            figure: if figure < 10.0 {
                format!("{figure:.2}{unit}")
            } else {
                format!("{figure:.0}{unit}")
            },
            met: figure <= goal,
        };
        let durable = &most.durable;
        let mut goals = vec![
            at_least(
                "share of the bare loop, 256 in flight",
                most.share_percent,
                50.0,
                " %",
            ),
            at_least(
                "share of the bare loop, 64 in flight",
                many.share_percent,
                35.0,
                " %",
            ),
            at_least("SCIM2, 256 in flight", durable.per_second, 8_000.0, " op/s"),
            at_most("processor time", durable.processor_micros, 150.0, " µs/op"),
            at_most(
                "p50, one in flight",
                one.durable.p50_micros / 1e3,
                1.0,
                " ms",
            ),
            at_most("journal", durable.journal_bytes, 900.0, " B/op"),
            at_most(
                &format!("planning {} users at three targets", self.planned_users),
                self.planning_seconds,
                1.0,
                " s",
            ),
        ];
        if let (Some(small), Some(large)) = (self.growth.first(), self.growth.last()) {
            goals.push(at_least(
                &format!(
                    "rate with {} users, as a share of that with {}",
                    large.held, small.held
                ),
                100.0 * large.per_second / small.per_second,
                90.0,
                " %",
            ));
            goals.push(at_most(
                &format!("memory with {} exchanges", large.held),
                mebibytes(figure(large.peak_bytes)),
                150.0,
                " MiB",
            ));
        }
        goals.push(at_most(
            &format!("first send with {} queued", self.backlog),
            self.first_send_seconds,
            1.0,
            " s",
        ));
        goals.push(at_most(
            &format!("resident memory with {} queued", self.backlog),
            mebibytes(self.backlog_resident_bytes),
            96.0,
            " MiB",
        ));
        goals
    }
}

fn mebibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "medians of {} runs, seed {}, {} cores shared with the mocks, which are a process of their own; bodies of {} bytes\n",
            self.runs, self.seed, self.cores, self.body_bytes
        )?;
        writeln!(
            f,
            "{:>9}  {:>9} {:>8} {:>8}  {:>9} {:>6} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9}",
            "in flight",
            "bare/s",
            "p50 µs",
            "CPU µs",
            "durable/s",
            "share",
            "p50 µs",
            "p99 µs",
            "CPU µs/op",
            "B/op",
            "written",
            "peak MiB"
        )?;
        let durable = |f: &mut fmt::Formatter<'_>, share: &str, row: &Provisioning| {
            writeln!(
                f,
                "{:>9.0} {share:>6} {:>9.0} {:>9.0} {:>9.0} {:>8.0} {:>8.0} {:>9.0}",
                row.per_second,
                row.p50_micros,
                row.p99_micros,
                row.processor_micros,
                row.journal_bytes,
                row.written_bytes,
                mebibytes(row.peak_bytes)
            )
        };
        for row in &self.rows {
            write!(
                f,
                "{:>9}  {:>9.0} {:>8.0} {:>8.0}  ",
                row.concurrency, row.raw_per_second, row.raw_p50_micros, row.raw_processor_micros
            )?;
            durable(f, &format!("{:.0} %", row.share_percent), &row.durable)?;
        }
        write!(
            f,
            "{:>9}  {:>9} {:>8} {:>8}  ",
            format!("3 x {WIDE}"),
            "",
            "",
            ""
        )?;
        durable(f, "", &self.three)?;
        writeln!(
            f,
            "\nplanning {} users at three targets: {:.2} s",
            self.planned_users, self.planning_seconds
        )?;
        for size in &self.growth {
            writeln!(
                f,
                "with {:>7} users and exchanges: {:>6.0} op/s, {:>4.0} MiB at most, journal {:.0} B each",
                size.held,
                size.per_second,
                mebibytes(figure(size.peak_bytes)),
                size.journal_bytes
            )?;
        }
        writeln!(
            f,
            "{} queued: first request after {:.3} s, {:.0} MiB resident\n",
            self.backlog,
            self.first_send_seconds,
            mebibytes(self.backlog_resident_bytes)
        )?;
        for goal in &self.goals {
            writeln!(
                f,
                "{:<8} {}: {} (goal: {})",
                if goal.met { "met" } else { "missed" },
                goal.what,
                goal.figure,
                goal.wanted
            )?;
        }
        Ok(())
    }
}
