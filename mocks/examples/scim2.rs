//! Starts the SCIM2 mock, with a personality and a seed if wanted.
//!
//! ```sh
//! cargo run -p outbound-mocks --example scim2 -- 127.0.0.1:9103 [PERSONALITY] [SEED.toml]
//! ```
//!
//! The one line on stdout is for scripts: where the API is, and what lets a client in.

use std::{env, error::Error, io::Write, net::SocketAddr};

use outbound_mocks::{
    Builder,
    scim2::{Personality, Scim2},
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let listen: SocketAddr = words.next().as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let name = words.next().unwrap_or_else(|| "strict".into());
    let personality =
        Personality::named(&name).ok_or_else(|| format!("no personality is called {name}"))?;
    let mut builder = Builder::new(Scim2::new(personality)).listen(listen);
    if let Some(seed) = words.next() {
        builder = builder.seed_file(seed);
    }
    let server = builder.start().await?;

    let known = server
        .mock()
        .with_vendor(|scim2| scim2.credentials().clone());
    let line = json!({
        "mock": "scim2",
        "url": server.url(),
        "authorization": format!("Bearer {}", known.bearer_token),
        "token_url": server.mock().with_vendor(|scim2| scim2.token_url(&server.base_url())),
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "user_name": known.user_name,
        "password": known.password,
    });
    writeln!(std::io::stdout(), "{line}")?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
