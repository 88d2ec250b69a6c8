//! Bytes on a socket, from an address of choice: what no well-behaved client sends.
//! Never interprets what it sends; the answer is cut into status, headers and text.
//! Loopback has sixteen million addresses, so each test of strangers can come from its own.

use super::client::Reply;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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

/// A request whose body is still being sent while its answer is read.
pub struct Conversation {
    stream: BufReader<TcpStream>,
    /// What came of the answer's body and was not asked for yet.
    body: Vec<u8>,
    ended: bool,
}

impl Conversation {
    /// Sends a head; the body comes in pieces of any size.
    pub fn begin(url: &str, head: &str) -> Conversation {
        let mut stream = connect(Ipv4Addr::LOCALHOST, url);
        let head = format!("{head}host: vault\r\ntransfer-encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("the server takes the head");
        Conversation { stream: BufReader::new(stream), body: Vec::new(), ended: false }
    }

    /// Sends a piece of the body.
    pub fn send(&mut self, piece: &[u8]) {
        let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
        self.stream.get_mut().write_all(&bytes).expect("the server takes a piece");
    }

    /// Ends the body.
    pub fn finish(&mut self) {
        self.stream.get_mut().write_all(b"0\r\n\r\n").expect("the server takes the end");
    }

    /// Reads the head of the answer; gives its status.
    pub fn status(&mut self) -> u16 {
        let first = self.head_line();
        while !self.head_line().is_empty() {}
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.expect("a status line")
    }

    fn head_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line of the head");
        line.trim_end().to_owned()
    }

    /// The next line of the answer's body; nothing at its end.
    pub fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.body.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.body.drain(..=end).collect();
                return Some(String::from_utf8(line).expect("UTF-8").trim_end().to_owned());
            }
            if self.ended {
                assert!(self.body.is_empty(), "half a line at the end");
                return None;
            }
            let length = usize::from_str_radix(&self.head_line(), 16).expect("a chunk's length");
            self.ended = length == 0;
            let mut chunk = vec![0; length + 2];
            self.stream.read_exact(&mut chunk).expect("a chunk and its end");
            self.body.extend_from_slice(&chunk[..length]);
        }
    }
}

/// Sends a request and reads what comes until the server closes, which may be nothing.
pub fn raw_from(source: Ipv4Addr, url: &str, request: &[u8]) -> String {
    let mut stream = connect(source, url);
    // A server that has read enough closes, and what it did not read comes back as a reset.
    let _refused_early = stream.write_all(request);
    let mut bytes = Vec::new();
    let _reset = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).expect("an answer in UTF-8")
}

/// A connection from that address.
pub fn connect(source: Ipv4Addr, url: &str) -> TcpStream {
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
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let body = bytes.split_off(end + 4);
    let head = std::str::from_utf8(&bytes[..end]).expect("a head in UTF-8");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).expect("a status line");
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Reply::new(status, headers.collect(), body)
}
