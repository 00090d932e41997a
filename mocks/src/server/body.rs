//! Bodies: taken in with a bound, unpacked with a bound, packed, damaged, or sent in drops.

use std::{
    future::poll_fn,
    io::{Read, Write},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use flate2::{Compression, bufread::MultiGzDecoder, bufread::ZlibDecoder, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};

use crate::{
    Answer,
    clock::{Clock, Sleep},
    fault::Garble,
};

/// Bodies below this are not worth packing.
const PACKED_FROM_BYTES: usize = 1024;
/// How many pieces a slow body is sent in.
const PIECES: usize = 20;
const BOMB_BYTES: usize = 64 * 1024 * 1024;
const ENDLESS_PIECE_BYTES: usize = 64 * 1024;
const NESTED: usize = 100_000;

/// Why a request body was not taken.
#[derive(Debug)]
pub(super) enum NoBody {
    /// Refuse it with this status.
    Refused(StatusCode),
    /// The client went away or sent no HTTP.
    Broken,
}

/// Takes a body in, at most `limit` bytes.
pub(super) async fn collect<B>(mut body: B, limit: usize) -> Result<Bytes, NoBody>
where
    B: Body<Data = Bytes> + Unpin,
{
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |bytes| bytes > limit) {
        return Err(NoBody::Refused(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| NoBody::Broken)?.into_data() else {
            continue;
        }; // trailers
        if first.len() + rest.len() + data.len() > limit {
            return Err(NoBody::Refused(StatusCode::PAYLOAD_TOO_LARGE));
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

/// Undoes `Content-Encoding`, at most to `limit` bytes: a small body may unpack to a large one.
pub(super) fn unpack(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, StatusCode> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(body);
    };
    let encoding = encoding
        .to_str()
        .map_err(|_| StatusCode::UNSUPPORTED_MEDIA_TYPE)?
        .trim()
        .to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => read_bounded(MultiGzDecoder::new(&body[..]), limit),
        "deflate" => read_bounded(ZlibDecoder::new(&body[..]), limit),
        _ => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
    }
}

fn read_bounded(packed: impl Read, limit: usize) -> Result<Bytes, StatusCode> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    packed
        .take(most)
        .read_to_end(&mut unpacked)
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    if unpacked.len() > limit {
        Err(StatusCode::PAYLOAD_TOO_LARGE)
    } else {
        Ok(unpacked.into())
    }
}

/// Tells whether the client takes gzip (RFC 9110, section 12.5.3).
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut any = None;
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        let Ok(value) = value.to_str() else { continue };
        for part in value.split(',') {
            let (coding, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = parameters
                .split(';')
                .find_map(|parameter| parameter.trim().strip_prefix("q="));
            let wanted = weight
                .and_then(|weight| weight.trim().parse::<f32>().ok())
                .is_none_or(|weight| weight > 0.0);
            match coding.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => return wanted,
                "*" => any = Some(wanted),
                _ => {}
            }
        }
    }
    any.unwrap_or(false)
}

/// Packs an answer when the client takes it and it is worth the work.
pub(super) fn pack(answer: &mut Answer, takes_gzip: bool) {
    if answer.body.len() < PACKED_FROM_BYTES
        || answer.headers.contains_key(header::CONTENT_ENCODING)
    {
        return;
    }
    answer
        .headers
        .append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if takes_gzip {
        answer
            .headers
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answer.body = gzip(&answer.body, Compression::fast());
    }
}

fn gzip(plain: &[u8], level: Compression) -> Bytes {
    let mut packed = GzEncoder::new(Vec::with_capacity(plain.len() / 4), level);
    packed
        .write_all(plain)
        .and_then(|()| packed.finish())
        .expect("writing to memory does not fail")
        .into()
}

/// Makes the body that goes out, damaged or slowed if a fault says so.
pub(super) fn outgoing(
    answer: &mut Answer,
    garble: Option<Garble>,
    slow: Option<Duration>,
    clock: &Arc<dyn Clock>,
) -> Outgoing {
    let body = std::mem::take(&mut answer.body);
    if let Some(garble) = garble {
        answer.headers.remove(header::CONTENT_ENCODING);
        return match garble {
            Garble::Cut => Outgoing::Cut {
                total: body.len() as u64,
                half: Some(body.slice(..body.len() / 2)),
                flushed: false,
            },
            Garble::Empty => Outgoing::Whole(None),
            Garble::Html => {
                answer.headers.insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                );
                Outgoing::whole(Bytes::from_static(PROXY_PAGE.as_bytes()))
            }
            Garble::Bytes => Outgoing::whole(Bytes::from_static(
                b"{\"\xff\xfe\xc3\x28\xed\xa0\x80\": \x00\x1b[31m",
            )),
            Garble::Deep => Outgoing::whole("[".repeat(NESTED).into()),
            Garble::Bomb => {
                answer
                    .headers
                    .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                Outgoing::whole(bomb())
            }
            Garble::Endless => Outgoing::Endless(Bytes::from(vec![b' '; ENDLESS_PIECE_BYTES])),
        };
    }
    match slow {
        Some(over) if !body.is_empty() => Outgoing::Slow {
            piece: body.len().div_ceil(PIECES),
            pause: over / u32::try_from(body.len().min(PIECES)).unwrap_or(1),
            rest: body,
            clock: Arc::clone(clock),
            wait: None,
        },
        _ => Outgoing::whole(body),
    }
}

const PROXY_PAGE: &str = "<!doctype html><html><head><title>Service unavailable</title></head>\
    <body><h1>Service unavailable</h1><p>The gateway could not understand the answer.</p></body></html>";

fn bomb() -> Bytes {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    BOMB.get_or_init(|| gzip(&vec![b' '; BOMB_BYTES], Compression::best()))
        .clone()
}

/// A body on its way out.
pub(super) enum Outgoing {
    Whole(Option<Bytes>),
    /// In pieces, with pauses before each.
    Slow {
        rest: Bytes,
        piece: usize,
        pause: Duration,
        clock: Arc<dyn Clock>,
        wait: Option<Sleep>,
    },
    /// Announced whole, then half of it, then the end of the connection.
    Cut {
        total: u64,
        half: Option<Bytes>,
        flushed: bool,
    },
    Endless(Bytes),
}

impl Outgoing {
    pub(super) fn whole(body: Bytes) -> Self {
        Self::Whole((!body.is_empty()).then_some(body))
    }
}

/// The connection ends in the middle of a body, on purpose.
#[derive(Debug, thiserror::Error)]
#[error("cut on purpose")]
pub(super) struct Cut;

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Slow {
                rest,
                piece,
                pause,
                clock,
                wait,
            } => {
                if rest.is_empty() {
                    return Poll::Ready(None);
                }
                let sleep = wait.get_or_insert_with(|| clock.sleep(*pause));
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                *wait = None;
                Poll::Ready(Some(Ok(Frame::data(
                    rest.split_to((*piece).min(rest.len())),
                ))))
            }
            Self::Cut { half, flushed, .. } => match half.take() {
                Some(half) if !half.is_empty() => Poll::Ready(Some(Ok(Frame::data(half)))),
                // Once round the loop, so that the first half leaves before the connection does.
                _ if !*flushed => {
                    *flushed = true;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                _ => Poll::Ready(Some(Err(Cut))),
            },
            Self::Endless(piece) => Poll::Ready(Some(Ok(Frame::data(piece.clone())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_none(),
            Self::Slow { rest, .. } => rest.is_empty(),
            Self::Cut { .. } | Self::Endless(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64))
            }
            Self::Slow { rest, .. } => SizeHint::with_exact(rest.len() as u64),
            Self::Cut { total, .. } => SizeHint::with_exact(*total),
            Self::Endless(_) => SizeHint::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        takes_gzip(&headers)
    }

    #[test]
    fn gzip_is_sent_to_whoever_asks_for_it() {
        assert!(accept("gzip, deflate") && accept("br;q=1, x-GZIP;q=0.5") && accept("*"));
        assert!(
            !accept("gzip;q=0, *")
                && !accept("identity")
                && !accept("br, *;q=0")
                && !takes_gzip(&HeaderMap::new())
        );
    }

    #[test]
    fn a_bomb_is_not_unpacked_beyond_the_limit() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let small = gzip(&[7; 5000], Compression::fast());
        assert_eq!(
            unpack(&headers, small.clone(), 5000).unwrap(),
            vec![7; 5000]
        );
        assert_eq!(
            unpack(&headers, small, 4999),
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        );
        assert_eq!(
            unpack(&headers, Bytes::from_static(b"no gzip"), 9999),
            Err(StatusCode::BAD_REQUEST)
        );
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        assert_eq!(
            unpack(&headers, Bytes::new(), 9999),
            Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        );
    }
}
