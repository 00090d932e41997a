//! The socket: accepts, speaks HTTP/1.1, and can hang up or reset where a fault says so.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::{body::Incoming, rt, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{
    body::{self, NoBody, Outgoing},
    control,
    state::{Mock, Outcome},
};
use crate::{Answer, Body, Request, Vendor, fault::Hangup};

/// How long to rest when the system has no socket left.
const BREATH: Duration = Duration::from_millis(50);

/// Accepts connections until it is told to stop; what is connected then is cut.
pub(super) async fn accept<V: Vendor>(
    listener: TcpListener,
    address: SocketAddr,
    mock: Mock<V>,
    mut stopped: watch::Receiver<bool>,
) {
    let base_url: Arc<str> = format!("http://{address}").into();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, mock.clone(), Arc::clone(&base_url)));
                }
                Err(error) => {
                    tracing::warn!(mock = V::NAME, %error, "cannot accept a connection");
                    tokio::time::sleep(BREATH).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            // An error means that the server was dropped, which is a stop, too.
            _ = stopped.changed() => return,
        }
    }
}

async fn serve<V: Vendor>(stream: TcpStream, mock: Mock<V>, base_url: Arc<str>) {
    let _ = stream.set_nodelay(true); // slower without, not wrong
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket {
        io: TokioIo::new(stream),
        reset: Arc::clone(&reset),
    };
    let service = service_fn(move |request| {
        let (mock, base_url, reset) = (mock.clone(), Arc::clone(&base_url), Arc::clone(&reset));
        async move { answer(request, &mock, &base_url, &reset).await }
    });
    // Header names as Google and Salesforce write them would be `Title-Case`; no client may care (RFC 9110, 5.1).
    if let Err(error) = http1::Builder::new()
        .serve_connection(socket, service)
        .await
    {
        tracing::trace!(mock = V::NAME, %error, "a connection ended early");
    }
}

/// The connection ends without an answer, on purpose.
#[derive(Debug, thiserror::Error)]
#[error("hung up on purpose")]
struct HungUp;

async fn answer<V: Vendor>(
    request: http::Request<Incoming>,
    mock: &Mock<V>,
    base_url: &str,
    reset: &AtomicBool,
) -> Result<http::Response<Outgoing>, HungUp> {
    let (parts, incoming) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    let takes_gzip = body::takes_gzip(&parts.headers);
    if control::is_for(parts.uri.path()) {
        let answer = match body::collect(incoming, mock.body_limit_bytes()).await {
            Ok(body) => control::answer(mock, &parts, body).await,
            Err(NoBody::Refused(status)) => Answer::empty(status),
            Err(NoBody::Broken) => return Err(HungUp),
        };
        return Ok(respond(answer, Outgoing::whole));
    }
    let outcome = match taken(parts, incoming, mock, base_url).await {
        Ok((request, method)) => mock.pass(request, method).await,
        Err(Some(refused)) => Outcome::Answered {
            answer: refused,
            garble: None,
            slow: None,
        },
        Err(None) => return Err(HungUp),
    };
    match outcome {
        Outcome::Answered {
            mut answer,
            garble,
            slow,
        } => {
            body::pack(&mut answer, takes_gzip);
            // There is no body to damage on the answer to a HEAD, nor under these two.
            let bodiless = is_head
                || matches!(
                    answer.status,
                    StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
                );
            let garble = garble.filter(|_| !bodiless);
            let outgoing = body::outgoing(&mut answer, garble, slow, mock.clock());
            if mock.clock().is_moved_by_hand() {
                date(&mut answer.headers, mock.clock().now());
            }
            Ok(respond(answer, |_| outgoing))
        }
        Outcome::Hangup(hangup) => {
            reset.store(hangup == Hangup::Reset, Ordering::Relaxed);
            Err(HungUp)
        }
    }
}

/// Takes a request in whole. `Err(Some)` refuses it in the vendor's words, `Err(None)` has nobody to answer.
async fn taken<V: Vendor>(
    parts: Parts,
    incoming: Incoming,
    mock: &Mock<V>,
    base_url: &str,
) -> Result<(Request, Method), Option<Answer>> {
    let limit = mock.body_limit_bytes();
    let collected = body::collect(incoming, limit).await;
    let base_url = reached_under(&parts.headers).unwrap_or_else(|| base_url.to_owned());
    let mut request = Request {
        // A HEAD is a GET whose body stays here (RFC 9110, section 9.3.2).
        method: if parts.method == Method::HEAD {
            Method::GET
        } else {
            parts.method.clone()
        },
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: Body::default(),
        now: mock.clock().now(),
        base_url,
    };
    let unpacked = match collected {
        Ok(packed) => body::unpack(&request.headers, packed, limit),
        Err(NoBody::Refused(status)) => Err(status),
        Err(NoBody::Broken) => return Err(None),
    };
    match unpacked {
        Ok(body) => {
            request.body = body.into();
            Ok((request, parts.method))
        }
        Err(status) => {
            let mut refused = mock.refuse(&request, status);
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                refused
                    .headers
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Err(Some(refused))
        }
    }
}

/// Returns the address the client knows this server by, so that links lead back the way it came: through a proxy that
/// speaks TLS, or under another name of the machine.
fn reached_under(headers: &HeaderMap) -> Option<String> {
    let plain = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = plain(header::HOST)?;
    let legal = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    if host.is_empty() || !host.bytes().all(legal) {
        return None;
    }
    let scheme = match plain(header::HeaderName::from_static("x-forwarded-proto")) {
        Some("https") => "https",
        _ => "http",
    };
    let mut url = String::with_capacity(scheme.len() + 3 + host.len());
    url.push_str(scheme);
    url.push_str("://");
    url.push_str(host);
    Some(url)
}

fn respond(mut answer: Answer, body: impl FnOnce(Bytes) -> Outgoing) -> http::Response<Outgoing> {
    let mut response = http::Response::new(body(std::mem::take(&mut answer.body)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Dates an answer by the mock's own clock; hyper would date it by the system's.
fn date(headers: &mut HeaderMap, now: jiff::Timestamp) {
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(header::DATE, value);
    }
}

/// A connection that can be reset instead of closed.
struct Socket {
    io: TokioIo<TcpStream>,
    reset: Arc<AtomicBool>,
}

impl Socket {
    fn io(self: Pin<&mut Self>) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.get_mut().io)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // With nothing to linger for, closing sends RST. Where the system refuses, the peer sees an end instead.
            let _ = self.io.inner().set_zero_linger();
        }
    }
}

impl rt::Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl rt::Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(())); // a shutdown would send FIN before the RST
        }
        self.io().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write_vectored(cx, slices)
    }
}
