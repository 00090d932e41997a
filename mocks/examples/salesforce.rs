//! Starts the Salesforce mock and writes what a client needs to log in where it finds it.
//!
//! ```sh
//! cargo run -p outbound-mocks --example salesforce -- 127.0.0.1:9102 credentials [SEED.toml | FAULT]…
//! ```
//!
//! The one line on stdout is for scripts: where the API is and where the credentials are.

use std::{
    env,
    error::Error,
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use outbound_mocks::{Builder, salesforce::Salesforce};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let listen: SocketAddr = words.next().as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let folder = PathBuf::from(words.next().unwrap_or_else(|| ".".into()));
    let mut builder = Builder::new(Salesforce::default()).listen(listen);
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

    let salesforce = server.mock().with_vendor(Salesforce::clone);
    let key = folder.join("salesforce-jwt.pem");
    fs::write(&key, Salesforce::private_key_pem())?;
    let mut credentials = salesforce.credentials(&server.base_url());
    credentials["private_key_file"] = json!(key);
    let file = folder.join("salesforce.json");
    fs::write(&file, format!("{credentials:#}\n"))?;
    let line = json!({"mock": "salesforce", "url": server.url(), "credentials": file});
    writeln!(std::io::stdout(), "{line}")?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
