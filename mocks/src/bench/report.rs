//! What was measured, as a table for a person and as data for a program.

use std::fmt;

use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Resident users while GET and POST were measured.
    pub users: usize,
    /// Connections that asked at the same time.
    pub connections: usize,
    /// How long it took until all three mocks listened.
    pub start_micros: u64,
    /// The process's resident memory with three empty mocks; absent where the system does not tell.
    pub empty_bytes: Option<u64>,
    /// GET and POST of each mock.
    pub rows: Vec<Row>,
    /// Filters of each mock at several numbers of users.
    pub filters: Vec<Filter>,
}

/// One measurement beside the static route.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The mock.
    pub mock: &'static str,
    /// `GET by id` or `POST`.
    pub what: &'static str,
    /// The mock's.
    pub measured: Rate,
    /// The static route's, with a body of the same bytes.
    pub fixed: Rate,
    /// What one resident user costs; absent where the system does not tell, and for POST.
    pub bytes_per_user: Option<u64>,
}

impl Row {
    /// Returns the mock's rate as a share of the static route's.
    pub fn share(&self) -> f64 {
        self.measured.per_second / self.fixed.per_second
    }
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Rate {
    /// Requests a second over all connections.
    pub per_second: f64,
    /// Half of the requests took at most this.
    pub median_micros: u64,
    /// All but one of a hundred took at most this.
    pub p99_micros: u64,
}

impl Rate {
    pub(super) fn better(self, other: Self) -> Self {
        if other.per_second > self.per_second {
            other
        } else {
            self
        }
    }
}

/// One filter at one number of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// The mock.
    pub mock: &'static str,
    /// The attribute.
    pub by: &'static str,
    /// Resident users.
    pub users: usize,
    /// Half of the requests took at most this, over one connection.
    pub median_micros: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "all three ready in {:.1} ms",
            thousandth(self.start_micros)
        )?;
        if let Some(bytes) = self.empty_bytes {
            writeln!(
                f,
                "resident memory of the process with three empty mocks: {:.1} MiB",
                thousandth(bytes >> 10) / 1.024
            )?;
        }
        writeln!(
            f,
            "\nwith {} resident users, over {} connections",
            self.users, self.connections
        )?;
        writeln!(
            f,
            "{:<11} {:<10} {:>9} {:>9} {:>9} {:>9} {:>6} {:>11}",
            "mock", "", "req/s", "p50 µs", "p99 µs", "static", "share", "bytes/user"
        )?;
        for row in &self.rows {
            let bytes = row
                .bytes_per_user
                .map_or_else(String::new, |bytes| bytes.to_string());
            writeln!(
                f,
                "{:<11} {:<10} {:>9.0} {:>9} {:>9} {:>9.0} {:>5.0}% {bytes:>11}",
                row.mock,
                row.what,
                row.measured.per_second,
                row.measured.median_micros,
                row.measured.p99_micros,
                row.fixed.per_second,
                row.share() * 100.0,
            )?;
        }
        writeln!(
            f,
            "\n{:<11} {:<24} {:>9} {:>9}",
            "mock", "filter by", "users", "p50 µs"
        )?;
        for filter in &self.filters {
            writeln!(
                f,
                "{:<11} {:<24} {:>9} {:>9}",
                filter.mock, filter.by, filter.users, filter.median_micros
            )?;
        }
        Ok(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown with one digit after the point"
)]
fn thousandth(number: u64) -> f64 {
    number as f64 / 1000.0
}
