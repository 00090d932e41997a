//! Samples for tests: a board, a configuration and traces that are the same every time.

use std::sync::Arc;
use std::time::Duration;

use domain::{
    Body, Exchange, ExchangeId, FlowId, Header, OperationId, Purpose, Response,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::stream::{Row, What};

pub(crate) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

pub(crate) fn exchange(status: Option<u16>, millis: u64) -> Exchange {
    let json = |text: &str| Body { size_bytes: text.len() as u64, text: text.to_owned(), cut: false };
    Exchange {
        id: ExchangeId(Uuid::from_u128(1)),
        purpose: Purpose::Write,
        at: instant(0),
        method: "POST".to_owned(),
        url: "http://127.0.0.1:9103/scim/v2/Users".to_owned(),
        request_headers: vec![
            Header { name: "authorization".to_owned(), value: "***".to_owned() },
            Header { name: "content-type".to_owned(), value: "application/scim+json".to_owned() },
        ],
        request_body: json(r#"{"userName":"kim","name":{"givenName":"Kim","familyName":"Ng"},"active":true}"#),
        response: status.map(|status| Response {
            status,
            headers: vec![Header { name: "content-type".to_owned(), value: "application/scim+json".to_owned() }],
            body: json(r#"{"id":"1893","userName":"kim"}"#),
        }),
        error: status.is_none().then(|| "connection closed before the status line".to_owned()),
        took: Duration::from_millis(millis),
    }
}

pub(crate) fn row(target: &str, op: &'static str, user: &str, status: Option<u16>, millis: u64, attempt: u32) -> Row {
    Row {
        number: 0,
        seq: None,
        at: instant(0),
        flow: Some(FlowId(Uuid::from_u128(7))),
        operation: Some(OperationId(Uuid::from_u128(8))),
        connector: target.parse().ok(),
        target: target.into(),
        op,
        subject: user.into(),
        attempt,
        what: What::Exchange(Arc::new(exchange(status, millis))),
        marked: false,
    }
}
