//! A client that sees the bytes: what a library hides (a reset, a cut, a header's case) shows here.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What came back, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// Sends bytes and reads until the end of the connection.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Sends one request on a connection of its own and reads the whole answer. Fails as the connection does; an end
/// before the status line is `UnexpectedEof`.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<Reply> {
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{length}{headers}\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    parse(&exchange(address, &request).await?)
}

fn parse(answer: &[u8]) -> io::Result<Reply> {
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    Ok(Reply {
        status,
        head,
        body: answer[end + 4..].to_vec(),
    })
}

/// Gets a path; the connection must hold.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    ask(address, "GET", path, "", b"").await.unwrap()
}

/// Posts a body; the connection must hold.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &[u8]) -> Reply {
    ask(address, "POST", path, "", body).await.unwrap()
}
