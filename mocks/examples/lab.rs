//! All three targets at once, under a clock that is moved by hand: reads lag for an hour that nobody waits for.
//!
//! ```text
//! cargo run -p outbound-mocks --example lab
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{sync::Arc, time::Duration};

use outbound_mocks::{Lab, Target, clock::ManualClock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = ManualClock::at("2026-11-22T09:00:00Z".parse()?);
    let lab = Lab::builder()
        .clock(Arc::new(clock.clone()))
        .seed("[[google.users]]\nprimaryEmail = 'kim@acme.example'\nname = { givenName = 'Kim', familyName = 'Lee' }\n")
        .fault("lag:target=google,op=users.list,for=1h")
        .start()
        .await?;
    for target in Target::ALL {
        println!("{target}: {}", lab.url(target).unwrap_or_default());
    }

    lab.snapshot("before the lesson");
    clock.advance(Duration::from_hours(1));
    println!(
        "google holds {} objects, and tells so only from now on",
        lab.mock(Target::Google).objects().len()
    );
    lab.restore("before the lesson")?;

    let fork = lab.fork();
    let dry = fork.start(Target::Google).await?;
    println!("a dry run would go to {dry}");
    lab.shutdown().await;
    Ok(())
}
