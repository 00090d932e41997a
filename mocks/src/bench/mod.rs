//! The measurements behind `outbound bench mocks`: each mock beside a static axum route in the same run.
//!
//! Rates on a shared machine drift by a quarter from minute to minute; a share of a static route that was measured
//! between the rounds does not. The client is as thin as it can be and shares the cores with both servers.

mod client;
mod report;
mod work;

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, body::Bytes, http::StatusCode, routing};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

pub use report::{Filter, Rate, Report, Row};

use self::{client::Client, work::Work};
use crate::{
    Builder, Lab, Server, StartError, Target, Vendor,
    clock::{Clock, SystemClock},
    google::Google,
    salesforce::Salesforce,
    scim2::Scim2,
};

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Resident users while GET and POST are measured.
    pub users: usize,
    /// Requests of one round.
    pub requests: usize,
    /// Rounds of each measurement; mock and static route take turns, the best round counts for each.
    pub rounds: usize,
    /// Connections that ask at the same time.
    pub connections: usize,
    /// The numbers of users at which filters are measured.
    pub filter_users: Vec<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            users: 10_000,
            requests: 20_000,
            rounds: 5,
            connections: 8,
            filter_users: vec![1_000, 100_000],
        }
    }
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A mock did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A mock gave no token.
    #[error(transparent)]
    Login(#[from] crate::login::NoToken),
    /// A connection failed.
    #[error("the connection to {what} failed")]
    Wire {
        /// Whose.
        what: &'static str,
        /// How.
        source: io::Error,
    },
    /// A mock answered something else than it should.
    #[error("{mock} answered {status} to {what}: {body}")]
    Answer {
        /// The mock.
        mock: &'static str,
        /// What was asked.
        what: String,
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
}

/// Measures all three mocks.
///
/// # Errors
/// [`BenchError`] when a mock does not start or does not answer as it should.
pub async fn run(options: &Options) -> Result<Report, BenchError> {
    let clock = SystemClock::new();
    let started = clock.elapsed();
    let lab = Lab::builder().start().await?;
    let start = clock.elapsed().saturating_sub(started);
    let empty_bytes = resident_bytes();
    lab.shutdown().await;
    drop(lab);
    let mut report = Report {
        users: options.users,
        connections: options.connections,
        start_micros: u64::try_from(start.as_micros()).unwrap_or(u64::MAX),
        empty_bytes,
        rows: Vec::new(),
        filters: Vec::new(),
    };
    // Weighed before anything is freed, and kept until all three are: a second mock would fit into the first one's
    // leavings and seem to weigh nothing.
    let (google, google_bytes) = weighed(Google::default(), options.users).await?;
    let (salesforce, salesforce_bytes) = weighed(Salesforce::default(), options.users).await?;
    let (scim2, scim2_bytes) = weighed(Scim2::default(), options.users).await?;
    drop((google, salesforce, scim2));
    measure(Google::default(), options, google_bytes, &mut report).await?;
    measure(
        Salesforce::default(),
        options,
        salesforce_bytes,
        &mut report,
    )
    .await?;
    measure(Scim2::default(), options, scim2_bytes, &mut report).await?;
    Ok(report)
}

/// Creates so many users at one mock, past faults, limits, vendor and log, without a socket: what is counted in
/// instructions, for example under `valgrind --tool=callgrind`.
///
/// # Errors
/// [`BenchError`] when the mock does not start or does not answer as it should.
pub async fn posts(target: Target, count: usize) -> Result<(), BenchError> {
    match target {
        Target::Google => drop(loaded(Google::default().without_limits(), count).await?),
        Target::Salesforce => drop(loaded(Salesforce::default().without_limits(), count).await?),
        Target::Scim2 => drop(loaded(Scim2::default().without_limits(), count).await?),
    }
    Ok(())
}

/// Returns the resident memory of this process; `None` where the system does not tell as Linux does.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Starts a mock with so many users in it and tells what each of them costs.
async fn weighed<V: Work>(vendor: V, users: usize) -> Result<(Server<V>, Option<u64>), BenchError> {
    let before = resident_bytes();
    let server = loaded(vendor.without_limits(), users).await?;
    let count = u64::try_from(users.max(1)).unwrap_or(u64::MAX);
    let each = before
        .zip(resident_bytes())
        .map(|(before, after)| after.saturating_sub(before) / count);
    Ok((server, each))
}

async fn measure<V: Work>(
    vendor: V,
    options: &Options,
    bytes_per_user: Option<u64>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let vendor = vendor.without_limits();
    let server = loaded(vendor.clone(), options.users).await?;
    let session = V::enter(&server).await?;
    let some = user_ids(&server, options.users);
    let get = |n: usize| {
        request(
            &server,
            &session.authorization,
            "GET",
            &V::get(&some[n % some.len()]),
            None,
        )
    };
    let (status, body) = ask_once::<V>(server.address(), &get(0)).await?;
    expect::<V>("GET by id", status, 200, &body)?;
    let (got, fixed) = turns::<V>(options, server.address(), &get, &body, StatusCode::OK).await?;
    let row = |what, measured: Rate, fixed: Rate, memory| Row {
        mock: V::NAME,
        what,
        measured,
        fixed,
        bytes_per_user: memory,
    };
    report
        .rows
        .push(row("GET by id", got, fixed, bytes_per_user));

    let (path, first) = V::create(&session, options.users);
    let create = request(&server, &session.authorization, "POST", path, Some(&first));
    let (status, body) = ask_once::<V>(server.address(), &create).await?;
    expect::<V>("POST", status, 201, &body)?;
    let from = options.users + 1;
    let posted = |n: usize| {
        let (path, body) = V::create(&session, from + n);
        request(&server, &session.authorization, "POST", path, Some(&body))
    };
    // Half as many, for every one stays.
    let fewer = Options {
        requests: options.requests / 2,
        ..options.clone()
    };
    let body_text = body;
    let (made, fixed) = turns::<V>(
        &fewer,
        server.address(),
        &posted,
        &body_text,
        StatusCode::CREATED,
    )
    .await?;
    report.rows.push(row("POST", made, fixed, None));
    server.shutdown().await;

    for &users in &options.filter_users {
        let server = loaded(vendor.clone(), users).await?;
        let session = V::enter(&server).await?;
        for (by, path) in V::FILTERS {
            let find = |n: usize| {
                request(
                    &server,
                    &session.authorization,
                    "GET",
                    &path(n * 7919 % users),
                    None,
                )
            };
            let (status, body) = ask_once::<V>(server.address(), &find(1)).await?;
            expect::<V>(by, status, 200, &body)?;
            V::found_one(&body)
                .then_some(())
                .ok_or_else(|| wrong::<V>(by, status, &body))?;
            let requests: Vec<Vec<u8>> = (0..500).map(find).collect();
            let mut times = ask_all::<V>(server.address(), requests).await?;
            times.sort_unstable();
            report.filters.push(Filter {
                mock: V::NAME,
                by,
                users,
                median_micros: percentile(&times, 50),
            });
        }
        server.shutdown().await;
    }
    Ok(())
}

/// Starts a mock with so many users in it.
async fn loaded<V: Work>(vendor: V, users: usize) -> Result<Server<V>, BenchError> {
    let server = Builder::new(vendor)
        .log_limit_bytes(64 * 1024)
        .start()
        .await?;
    let session = V::enter(&server).await?;
    for n in 0..users {
        let (path, body) = V::create(&session, n);
        let request = work::posted(&server, &session.authorization, path, &body);
        if let Some(answer) = server.ask(request).await {
            expect::<V>("POST", answer.status.as_u16(), 201, &answer.body)?;
        }
    }
    Ok(server)
}

fn user_ids<V: Work>(server: &Server<V>, users: usize) -> Vec<String> {
    let mut ids: Vec<String> = server
        .objects()
        .into_iter()
        .filter(|object| object.object == "User")
        .map(|object| object.id)
        .collect();
    // The last ones are those that were loaded; any order does, but not the order of creation.
    ids.drain(..ids.len().saturating_sub(users));
    let length = ids.len();
    (0..length)
        .map(|n| ids[n * 7919 % length].clone())
        .collect()
}

/// Lets mock and static route take turns and returns the best round of each.
async fn turns<V: Work>(
    options: &Options,
    mock: SocketAddr,
    make: &dyn Fn(usize) -> Vec<u8>,
    body: &[u8],
    status: StatusCode,
) -> Result<(Rate, Rate), BenchError> {
    let (fixed, _serving) = fixed_route(body.to_vec().into(), status).await?;
    let (mut ours, mut theirs) = (Rate::default(), Rate::default());
    for round in 0..options.rounds {
        let requests: Vec<Vec<u8>> = (0..options.requests)
            .map(|n| make(round * options.requests + n))
            .collect();
        // The static route is asked the same bytes; it has no state and does not care.
        theirs = theirs.better(rate::<V>(fixed, &requests, options.connections).await?);
        ours = ours.better(rate::<V>(mock, &requests, options.connections).await?);
    }
    Ok((ours, theirs))
}

/// Starts a route that answers the same to everything.
async fn fixed_route(
    body: Bytes,
    status: StatusCode,
) -> Result<(SocketAddr, JoinSet<()>), BenchError> {
    let wire = |source| BenchError::Wire {
        what: "the static route",
        source,
    };
    let answer = move |_taken: Bytes| {
        let body = body.clone();
        async move { (status, [("content-type", "application/json")], body) }
    };
    let route = Router::new().route("/{*path}", routing::any(answer));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(wire)?;
    let address = listener.local_addr().map_err(wire)?;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        // It ends only when it is dropped; binding was what could fail.
        let _ = axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |stream| {
                let _ = stream.set_nodelay(true); // slower without, not wrong
            }),
            route,
        )
        .await;
    });
    Ok((address, serving))
}

async fn rate<V: Work>(
    address: SocketAddr,
    requests: &[Vec<u8>],
    connections: usize,
) -> Result<Rate, BenchError> {
    let clock = SystemClock::new();
    let share = requests.len().div_ceil(connections.max(1)).max(1);
    let mut clients = Vec::new();
    for part in requests.chunks(share) {
        clients.push((
            Client::connect(address).await.map_err(wire_of::<V>)?,
            part.to_vec(),
        ));
    }
    let mut running = JoinSet::new();
    let started = clock.elapsed();
    for (mut client, part) in clients {
        running.spawn(async move {
            let mut times = Vec::with_capacity(part.len());
            for request in &part {
                let asked = clock.elapsed();
                let (answered, body) = client.ask(request).await.map_err(wire_of::<V>)?;
                times.push(clock.elapsed().saturating_sub(asked));
                if !(200..300).contains(&answered) {
                    let what = String::from_utf8_lossy(request);
                    return Err(wrong::<V>(
                        what.lines().next().unwrap_or_default(),
                        answered,
                        body,
                    ));
                }
            }
            Ok(times)
        });
    }
    let mut times = Vec::with_capacity(requests.len());
    while let Some(finished) = running.join_next().await {
        times.extend(finished.expect("a client does not panic")?);
    }
    let took = clock.elapsed().saturating_sub(started);
    times.sort_unstable();
    Ok(Rate {
        per_second: per_second(requests.len(), took),
        median_micros: percentile(&times, 50),
        p99_micros: percentile(&times, 99),
    })
}

async fn ask_all<V: Work>(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
) -> Result<Vec<Duration>, BenchError> {
    let clock = SystemClock::new();
    let mut client = Client::connect(address).await.map_err(wire_of::<V>)?;
    let mut times = Vec::with_capacity(requests.len());
    for request in &requests {
        let asked = clock.elapsed();
        let (status, body) = client.ask(request).await.map_err(wire_of::<V>)?;
        times.push(clock.elapsed().saturating_sub(asked));
        expect::<V>("a filter", status, 200, body)?;
    }
    Ok(times)
}

async fn ask_once<V: Work>(
    address: SocketAddr,
    request: &[u8],
) -> Result<(u16, Vec<u8>), BenchError> {
    let mut client = Client::connect(address).await.map_err(wire_of::<V>)?;
    let (status, body) = client.ask(request).await.map_err(wire_of::<V>)?;
    Ok((status, body.to_vec()))
}

fn request<V: Vendor>(
    server: &Server<V>,
    authorization: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Vec<u8> {
    let body = body.map_or_else(String::new, Value::to_string);
    let typed = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    };
    let address = server.address();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n{typed}\r\n"
    );
    (head + &body).into_bytes()
}

fn expect<V: Vendor>(what: &str, status: u16, wanted: u16, body: &[u8]) -> Result<(), BenchError> {
    if status == wanted || (wanted == 201 && status == 200) {
        Ok(())
    } else {
        Err(wrong::<V>(what, status, body))
    }
}

fn wrong<V: Vendor>(what: &str, status: u16, body: &[u8]) -> BenchError {
    let body = String::from_utf8_lossy(body).chars().take(300).collect();
    BenchError::Answer {
        mock: V::NAME,
        what: what.to_owned(),
        status,
        body,
    }
}

fn wire_of<V: Vendor>(source: io::Error) -> BenchError {
    BenchError::Wire {
        what: V::NAME,
        source,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count of requests is far below 2^52"
)]
fn per_second(requests: usize, took: Duration) -> f64 {
    requests as f64 / took.as_secs_f64()
}

/// Returns a percentile of sorted times in microseconds; 0 of none.
fn percentile(sorted: &[Duration], percent: usize) -> u64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0, |time| {
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    })
}
