//! Bytes on a socket, from an address of choice: what no well-behaved client sends.
//! Never interprets what it sends; the answer is cut into status, headers and text.
//! Loopback has sixteen million addresses, so each test of strangers can come from its own.

use super::client::Reply;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;
use tokio::net::TcpSocket;

/// Longest wait for one read or write.
const SOCKET_TIME_MAX: Duration = Duration::from_secs(20);

/// Sends a request from a loopback address and reads the answer until the server closes.
pub fn send_from(source: Ipv4Addr, url: &str, request: &[u8]) -> Reply {
    let mut stream = connect(source, url);
    stream.write_all(request).expect("the server takes the request");
    read_reply(&mut stream)
}

/// A connection from that address.
fn connect(source: Ipv4Addr, url: &str) -> TcpStream {
    let target: SocketAddr =
        url.strip_prefix("http://").expect("a URL").parse().expect("an address with a port");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let stream = runtime.expect("a runtime").block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((source, 0))).expect("an address of loopback");
        let stream = socket.connect(target).await.expect("the server listens");
        stream.into_std().expect("a plain socket")
    });
    stream.set_nonblocking(false).expect("a blocking socket");
    stream.set_read_timeout(Some(SOCKET_TIME_MAX)).expect("a bound");
    stream.set_write_timeout(Some(SOCKET_TIME_MAX)).expect("a bound");
    stream
}

fn read_reply(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer and then the end");
    let text = String::from_utf8(bytes).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).expect("a status line");
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Reply::new(status, headers.collect(), body.to_owned())
}
