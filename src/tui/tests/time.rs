//! What changes by itself on a screen that nobody touches, by the loop's own alarm on a clock that a test lets pass.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use domain::Clock;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Stage;
use super::updates::fill;
use crate::app::{Alarm, Rung};
use crate::samples;
use crate::theme::ThemeName;
use crate::wish::{Answer, Happening};

/// The runtime's clock, which passes at once while everything sleeps.
struct Runtime {
    start: Instant,
}

impl Clock for Runtime {
    fn now(&self) -> Timestamp {
        samples::instant(5)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Lets a minute pass as the loop does when nothing comes; says when the screen was woken up, and how often the file was
/// looked at.
async fn minute(stage: &mut Stage, clock: &Arc<dyn Clock>) -> (Vec<Duration>, usize) {
    let mut alarm = Alarm::new(Arc::clone(clock));
    let end = clock.monotonic() + Duration::from_mins(1);
    let (mut ticks, mut looks) = (Vec::new(), 0);
    while clock.monotonic() < end {
        match alarm.ring(stage.screen.wakes()).await {
            Rung::Look => looks += 1,
            Rung::Tick => {
                ticks.push(clock.monotonic());
                stage.screen.world.passed = clock.monotonic();
                stage.happen(Happening::Tick);
            }
        }
    }
    (ticks, looks)
}

fn opened() -> (Stage, Arc<dyn Clock>) {
    let clock: Arc<dyn Clock> = Arc::new(Runtime {
        start: Instant::now(),
    });
    let mut stage = Stage::new(ThemeName::Dark, (160, 50));
    stage.screen.world.passed = clock.monotonic();
    (stage, clock)
}

fn near(passed: Duration, seconds: u64) -> bool {
    let wanted = Duration::from_secs(seconds);
    passed >= wanted && passed < wanted + Duration::from_millis(100)
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_masked_after_ten_seconds_though_nobody_presses_a_key() {
    let (mut stage, clock) = opened();
    stage.press(KeyCode::Char('t'));
    fill(&mut stage, "Password", |stage| {
        stage.letters("canary-7");
    });
    stage.ctrl('r');
    assert!(stage.text().contains("canary-7"), "{}", stage.text());
    let (ticks, looks) = minute(&mut stage, &clock).await;
    assert!(matches!(&ticks[..], [one] if near(*one, 10)), "{ticks:?}");
    assert!(looks >= 29, "the file is looked at all the same: {looks}");
    assert!(!stage.text().contains("canary-7"), "{}", stage.text());
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_after_four_seconds_and_then_nothing_wakes_the_screen() {
    let (mut stage, clock) = opened();
    let told = Answer::Done(Ok("google goes on".to_owned()));
    stage.happen(Happening::Answer(Box::new(told)));
    assert!(stage.text().contains("google goes on"));
    let (ticks, _) = minute(&mut stage, &clock).await;
    assert!(matches!(&ticks[..], [one] if near(*one, 4)), "{ticks:?}");
    assert!(!stage.text().contains("google goes on"), "{}", stage.text());
    let (ticks, _) = minute(&mut stage, &clock).await;
    assert!(ticks.is_empty(), "an idle screen sleeps: {ticks:?}");
}
