//! Prints the measurements of `outbound bench mocks`; `quick` as an argument measures a tenth. With `posts google 2000`
//! it measures nothing and creates 2,000 users without a socket, for a tool that counts instructions.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use outbound_mocks::bench::{Options, posts, run};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::default();
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "posts") {
        let (target, count) = (arguments.get(at + 1), arguments.get(at + 2));
        let (Some(target), Some(count)) = (target, count) else {
            return Err("posts TARGET COUNT".into());
        };
        posts(target.parse()?, count.parse()?).await?;
        return Ok(());
    }
    if arguments.iter().any(|argument| argument == "quick") {
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
