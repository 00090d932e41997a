//! The benchmark measures what it says: every request of it is answered as it should be, at every mock.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use outbound_mocks::bench::{Options, run};

#[tokio::test]
async fn a_small_run_measures_every_mock() {
    let options = Options {
        users: 30,
        requests: 40,
        rounds: 1,
        connections: 2,
        filter_users: vec![20],
    };
    let report = run(&options).await.unwrap();
    let rows: Vec<_> = report.rows.iter().map(|row| (row.mock, row.what)).collect();
    let both = |mock| [(mock, "GET by id"), (mock, "POST")];
    assert_eq!(
        rows,
        [both("google"), both("salesforce"), both("scim2")].concat()
    );
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.measured.per_second > 0.0 && row.fixed.per_second > 0.0)
    );
    assert_eq!(report.filters.len(), 6);
    let table = report.to_string();
    assert!(
        table.contains("all three ready in") && table.contains("FederationIdentifier"),
        "{table}"
    );
}
