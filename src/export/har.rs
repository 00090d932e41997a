//! Exchanges as an HTTP Archive.
//!
//! Source: HAR 1.2 specification (w3c web-performance, archived draft of 2012).

use domain::{Body, Exchange, Header};
use serde_json::{Value, json};

/// Writes exchanges as one HAR 1.2 document.
pub fn har<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "outbound", "version": env!("CARGO_PKG_VERSION") },
            "entries": exchanges.into_iter().map(entry).collect::<Vec<_>>(),
        }
    })
}

fn entry(exchange: &Exchange) -> Value {
    let millis = exchange.took.as_secs_f64() * 1000.0;
    let mut request = json!({
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&exchange.request_headers),
        "queryString": query(&exchange.url),
        "headersSize": -1,
        "bodySize": exchange.request_body.size_bytes,
    });
    if !exchange.request_body.text.is_empty() {
        request["postData"] = json!({
            "mimeType": media_type(&exchange.request_headers),
            "text": exchange.request_body.text,
        });
    }
    json!({
        "startedDateTime": exchange.at.to_string(),
        "time": millis,
        "request": request,
        "response": response(exchange),
        "cache": {},
        "timings": { "send": 0, "wait": millis, "receive": 0 },
        "comment": exchange.error.clone().unwrap_or_default(),
    })
}

/// A request that got no answer has status 0, as browsers write it.
fn response(exchange: &Exchange) -> Value {
    let none = Body::default();
    let (status, list, body) = match &exchange.response {
        Some(response) => (response.status, response.headers.as_slice(), &response.body),
        None => (0, &[][..], &none),
    };
    json!({
        "status": status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(list),
        "content": { "size": body.size_bytes, "mimeType": media_type(list), "text": body.text },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": body.size_bytes,
    })
}

fn headers(list: &[Header]) -> Value {
    list.iter()
        .map(|header| json!({ "name": header.name, "value": header.value }))
        .collect()
}

fn media_type(list: &[Header]) -> &str {
    list.iter()
        .find(|header| header.name == "content-type")
        .map_or("", |header| header.value.as_str())
}

fn query(url: &str) -> Value {
    let Ok(url) = url::Url::parse(url) else {
        return json!([]);
    };
    url.query_pairs()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}
