//! Prints the measurements of `outbound bench mocks`; `quick` as an argument measures a tenth.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use outbound_mocks::bench::{Options, run};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::default();
    if std::env::args().any(|argument| argument == "quick") {
        options = Options {
            users: 1_000,
            requests: 2_000,
            rounds: 3,
            filter_users: vec![1_000, 10_000],
            ..options
        };
    }
    println!("{}", run(&options).await?);
    Ok(())
}
