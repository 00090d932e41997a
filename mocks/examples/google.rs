//! Starts the Google mock and writes the key of its service account where a client finds it.
//!
//! ```sh
//! cargo run -p outbound-mocks --example google -- 127.0.0.1:9101 credentials [SEED.toml | FAULT]…
//! ```
//!
//! The one line on stdout is for scripts: where the API is, where the key is, and whom to impersonate.

use std::{
    env,
    error::Error,
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use outbound_mocks::{Builder, google::Google};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let listen: SocketAddr = words.next().as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let folder = PathBuf::from(words.next().unwrap_or_else(|| ".".into()));
    let mut builder = Builder::new(Google::default()).listen(listen);
    for word in words {
        let seed = Path::new(&word)
            .extension()
            .is_some_and(|end| end == "toml");
        builder = if seed {
            builder.seed_file(word)
        } else {
            builder.fault(&word)
        };
    }
    let server = builder.start().await?;

    let google = server.mock().with_vendor(Google::clone);
    let key = folder.join("google-service-account.json");
    fs::write(
        &key,
        format!("{:#}\n", google.service_account_json(&server.base_url())),
    )?;
    let line = json!({
        "mock": "google",
        "url": server.url(),
        "credentials": key,
        "subject": google.subject(),
        "domain": google.domain(),
    });
    writeln!(std::io::stdout(), "{line}")?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
