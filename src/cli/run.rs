//! `outbound run`: plays scenarios.

use std::path::PathBuf;

use clap::Args;

use super::out::{Out, note};
use super::trouble::Trouble;
use crate::exit::Exit;
use crate::scenario::{self, FileError, PlayError, Scenario};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The scenarios
    #[arg(required = true, value_name = "SCENARIO")]
    files: Vec<PathBuf>,
    /// Writes a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Replaces the scenarios' own seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Keeps the scratch journals in this folder instead of removing them
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(super) async fn run(out: Out, args: RunArgs) -> Result<Exit, Trouble> {
    let mut played = Vec::new();
    let mut misses = 0;
    for path in &args.files {
        let (mut scenario, text) = Scenario::read(path).map_err(|error| unreadable(&error))?;
        scenario.seed = args.seed.unwrap_or(scenario.seed);
        out.text(&format!(
            "{}   [{}, seed {}]",
            scenario.title,
            path.display(),
            scenario.seed
        ));
        out.text(scenario.story.trim());
        let result = scenario::play(
            &scenario,
            &text,
            path,
            args.keep.as_deref(),
            &mut |number, step| {
                out.text(&scenario::step_text(number, step));
            },
        )
        .await
        .map_err(|error| unplayed(path, error))?;
        misses += result
            .steps
            .iter()
            .map(|step| step.misses.len())
            .sum::<usize>();
        out.value(&result);
        played.push(result);
    }
    if let Some(path) = &args.junit {
        let text = scenario::junit(&played)
            .to_string()
            .map_err(|error| Trouble::new(Exit::Failed, "write the JUnit report", error))?;
        std::fs::write(path, text).map_err(|error| {
            Trouble::new(Exit::Failed, format!("write {}", path.display()), error)
        })?;
    }
    let steps: usize = played.iter().map(|scenario| scenario.steps.len()).sum();
    let took: std::time::Duration = played.iter().map(|scenario| scenario.took).sum();
    if misses == 0 {
        out.text(&format!(
            "{} scenarios, {steps} steps, everything as expected, in {took:.1?}",
            played.len()
        ));
        return Ok(Exit::Done);
    }
    for (scenario, step) in played
        .iter()
        .flat_map(|scenario| scenario.steps.iter().map(move |step| (scenario, step)))
    {
        for miss in &step.misses {
            note(&format!(
                "{}:{}: {}: {miss}",
                scenario.file, step.line, step.name
            ));
        }
    }
    out.text(&format!(
        "{} scenarios, {steps} steps, {misses} expectations not met",
        played.len()
    ));
    Ok(Exit::Failed)
}

fn unreadable(error: &FileError) -> Trouble {
    let trouble = match error {
        FileError::Read { source, .. } => Trouble::new(
            Exit::Input,
            "read the scenario",
            format!("{error}\n{source}"),
        ),
        FileError::Parse { .. } => Trouble::new(Exit::Input, "read the scenario", error),
    };
    trouble.advise("the format is described in docs/scenarios.md")
}

fn unplayed(path: &std::path::Path, error: PlayError) -> Trouble {
    Trouble::new(Exit::Input, format!("play {}", path.display()), error)
}
