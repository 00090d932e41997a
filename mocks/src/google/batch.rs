//! `/batch`: many calls in one `multipart/mixed` body.
//!
//! Every part is a whole HTTP request; headers of the outer request hold for all parts that do not say otherwise.
//! Source: developers.google.com/workspace/admin/directory/v1/guides/batch; the Python client ends lines with a
//! bare LF and folds nothing.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::error::Error;
use super::{Google, etag, route};
use crate::vendor::{Answer, Change, Request};

/// The most calls in one batch.
const MOST: usize = 1000;

/// Answers a batch: every part in order, each with its own status.
pub(super) fn answer(google: &mut Google, request: &Request, changes: &mut Vec<Change>) -> Answer {
    if request.method != Method::POST {
        return super::error::lost(&request.path);
    }
    match parts(request) {
        Ok(parts) => run(google, request, &parts, changes),
        Err(error) => error.answer(true, false),
    }
}

/// One part: its id, and the request inside when it could be read.
struct Part {
    id: Option<String>,
    inner: Option<Request>,
}

fn run(
    google: &mut Google,
    request: &Request,
    parts: &[Part],
    changes: &mut Vec<Change>,
) -> Answer {
    let mut bodies = Vec::with_capacity(parts.len());
    for part in parts {
        let answer = match &part.inner {
            None => Error::bad_request("Failed to parse batch request part.").answer(true, false),
            Some(inner)
                if inner
                    .segments()
                    .first()
                    .is_some_and(|first| first == "batch") =>
            {
                Error::bad_request("A batch cannot hold another batch.").answer(true, false)
            }
            Some(inner) => route::answer(google, inner, changes),
        };
        bodies.push(write(part.id.as_deref(), &answer));
    }
    let name: String = etag::show(&etag::digest(&request.body))
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let boundary = format!("batch_{name}");
    let mut body = Vec::new();
    for part in &bodies {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Answer::bytes(StatusCode::OK, "multipart/mixed", body).with_header(
        header::CONTENT_TYPE,
        &format!("multipart/mixed; boundary={boundary}"),
    )
}

/// Writes one answer as a part.
fn write(id: Option<&str>, answer: &Answer) -> Vec<u8> {
    let mut out = String::from("Content-Type: application/http\r\n");
    if let Some(id) = id {
        let id = id
            .strip_prefix('<')
            .map_or_else(|| format!("response-{id}"), |id| format!("<response-{id}"));
        let _ = write!(out, "Content-ID: {id}\r\n"); // a String never refuses
    }
    out.push_str("\r\n");
    let reason = answer.status.canonical_reason().unwrap_or("Unknown");
    let _ = write!(out, "HTTP/1.1 {} {reason}\r\n", answer.status.as_u16()); // a String never refuses
    for (name, value) in &answer.headers {
        if let Ok(value) = value.to_str() {
            let _ = write!(out, "{name}: {value}\r\n");
        }
    }
    let _ = write!(out, "Content-Length: {}\r\n\r\n", answer.body.len()); // a String never refuses
    let mut out = out.into_bytes();
    out.extend_from_slice(&answer.body);
    out
}

/// Reads the parts of a batch.
///
/// # Errors
/// `badRequest` when the body is no multipart, empty, or holds more than a thousand calls.
fn parts(request: &Request) -> Result<Vec<Part>, Error> {
    let failed =
        |why: &str| Error::bad_request(format!("Failed to parse batch request, error: {why}"));
    let kind = request.header("content-type").unwrap_or_default();
    let boundary = boundary(kind)
        .ok_or_else(|| failed("the content type is not multipart/mixed with a boundary."))?;
    let sections = split(&request.body, &boundary);
    if sections.is_empty() {
        return Err(failed("0 items."));
    }
    if sections.len() > MOST {
        return Err(failed(&format!(
            "{} items, the maximum is {MOST}.",
            sections.len()
        )));
    }
    Ok(sections
        .into_iter()
        .map(|section| part(request, section))
        .collect())
}

fn boundary(kind: &str) -> Option<String> {
    let (media, rest) = kind.split_once(';')?;
    if !media.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let at = rest.to_ascii_lowercase().find("boundary=")?;
    let value = rest.get(at + "boundary=".len()..)?;
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split(';').next()?.trim(),
    };
    (!value.is_empty() && value.len() <= 200).then(|| value.to_owned())
}

/// Splits a body at its boundary lines; what comes before the first and after the last is left out.
fn split<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let open = format!("--{boundary}");
    let close = format!("--{boundary}--");
    let mut sections = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let end = body[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(body.len(), |found| at + found + 1);
        let line = body[at..end].trim_ascii_end();
        let last = line == close.as_bytes();
        if last || line == open.as_bytes() {
            if let Some(start) = start {
                sections.push(&body[start..at]);
            }
            start = (!last).then_some(end);
            if last {
                break;
            }
        }
        at = end;
    }
    // A batch that was cut off after its last part still counts, as with most readers of MIME.
    if let Some(start) = start
        && start < body.len()
    {
        sections.push(&body[start..]);
    }
    sections
}

fn part(outer: &Request, section: &[u8]) -> Part {
    let (headers, content) = head(section);
    let find = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    };
    let http = find("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/http"));
    Part {
        id: find("content-id"),
        inner: if http { inner(outer, content) } else { None },
    }
}

/// Reads the request inside a part.
fn inner(outer: &Request, content: &[u8]) -> Option<Request> {
    let start = content
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())?;
    let content = &content[start..];
    let end = content
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(content.len());
    let line = std::str::from_utf8(&content[..end]).ok()?;
    let mut words = line.split_ascii_whitespace();
    let method = Method::from_bytes(words.next()?.as_bytes()).ok()?;
    let target = words.next()?;
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    };
    if !target.starts_with('/') {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (own, body) = head(content.get(end + 1..).unwrap_or_default());
    let mut headers = HeaderMap::new();
    for (name, value) in &outer.headers {
        // Those that describe the outer body or connection are not for the parts.
        let inherited = !name.as_str().starts_with("content-")
            && name != header::HOST
            && name != header::TRANSFER_ENCODING
            && name != header::ACCEPT_ENCODING;
        if inherited {
            headers.append(name, value.clone());
        }
    }
    for (name, value) in own {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            headers.insert(name, value);
        }
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let body = body.get(..length.unwrap_or(body.len())).unwrap_or(body);
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.to_vec().into(),
        now: outer.now,
        base_url: outer.base_url.clone(),
    })
}

/// Reads header lines up to the blank one and returns what follows it.
fn head(text: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = text[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(text.len(), |found| at + found + 1);
        let line = &text[at..end];
        at = end;
        if line.trim_ascii().is_empty() {
            break;
        }
        let shown = String::from_utf8_lossy(line);
        if line[0] == b' ' || line[0] == b'\t' {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(shown.trim());
            }
        } else if let Some((name, value)) = shown.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    (headers, &text[at..])
}
