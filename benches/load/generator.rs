//! The load generator: one thread, non-blocking sockets, HTTP/1.1 with one request at a time on a connection.
//! Never counts an answer that its source did not accept: the first wrong one ends the run.
//! It shares the processors with the server, so it parses the status, the length and nothing else.

use super::Fallible;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is asked, and what must come back.
pub trait Source {
    /// Writes the next request and gives its number; nothing when there are no more.
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64>;

    /// Takes the answer to a request.
    ///
    /// # Errors
    /// When it is not the expected one.
    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()>;
}

/// How long a window is.
#[derive(Clone, Copy)]
pub enum Window {
    /// Until the source has no more.
    All,
    /// A time that is not counted, then one that is.
    Timed { warm: Duration, counted: Duration },
}

/// What a window gave.
pub struct Outcome {
    /// Answers in the counted time.
    pub answers: usize,
    /// The counted time.
    pub seconds: f64,
    /// Nanoseconds from request to whole answer, sorted.
    nanos: Vec<u32>,
}

impl Outcome {
    /// Answers each second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// A quantile of the times, in milliseconds.
    pub fn millis(&self, quantile: f64) -> f64 {
        let last = self.nanos.len().saturating_sub(1);
        let place = ((self.nanos.len() as f64 * quantile) as usize).min(last);
        self.nanos.get(place).map_or(f64::NAN, |nanos| f64::from(*nanos) / 1e6)
    }
}

/// Longest wait for an answer before the run is given up.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Room for an answer at first, in bytes.
const ANSWER_BYTES: usize = 32 * 1024;

/// What ends an answer in chunks; no line of JSON holds it.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    received: Vec<u8>,
    filled: usize,
    number: u64,
    sent_at: Instant,
    busy: bool,
}

/// An answer that lies whole in the buffer.
struct Whole {
    status: u16,
    body: std::ops::Range<usize>,
    /// Where the answer ends: behind the body, and behind the last chunk where it came in chunks.
    end: usize,
}

/// Drives a server over so many connections.
///
/// # Errors
/// The system's, a connection that ends, an answer that the source does not accept, or none for a long time.
pub fn drive(
    address: SocketAddr,
    connections: usize,
    source: &mut dyn Source,
    window: Window,
) -> Fallible<Outcome> {
    let mut poll = Poll::new()?;
    let mut open = connect(address, connections, &poll)?;
    let started = Instant::now();
    let (from, until) = match window {
        Window::All => (started, None),
        Window::Timed { warm, counted } => (started + warm, Some(started + warm + counted)),
    };
    let mut outcome = Outcome { answers: 0, seconds: 0.0, nanos: Vec::with_capacity(1 << 18) };
    let mut busy = 0;
    for connection in &mut open {
        busy += usize::from(connection.ask(source)?);
    }
    let mut events = Events::with_capacity(connections.max(16));
    while busy > 0 {
        poll.poll(&mut events, Some(ANSWER_TIME_MAX))?;
        if events.is_empty() {
            return Err("no answer for a long time".into());
        }
        for event in &events {
            let connection = &mut open[event.token().0];
            connection.write()?;
            let Some(whole) = connection.read()? else { continue };
            let now = Instant::now();
            source.answer(
                connection.number,
                whole.status,
                &connection.received[whole.body.clone()],
            )?;
            connection.filled = 0;
            connection.busy = false;
            busy -= 1;
            if now >= from && until.is_none_or(|until| now < until) {
                outcome.answers += 1;
                let nanos = now.duration_since(connection.sent_at).as_nanos();
                outcome.nanos.push(u32::try_from(nanos).unwrap_or(u32::MAX));
            }
            if until.is_none_or(|until| now < until) {
                busy += usize::from(connection.ask(source)?);
            }
        }
    }
    outcome.seconds = until.unwrap_or_else(Instant::now).duration_since(from).as_secs_f64();
    outcome.nanos.sort_unstable();
    Ok(outcome)
}

fn connect(address: SocketAddr, connections: usize, poll: &Poll) -> Fallible<Vec<Connection>> {
    (0..connections)
        .map(|number| {
            // Connected before it is made non-blocking, so that no time of the window goes into it.
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(number), interest)?;
            Ok(Connection {
                stream,
                request: Vec::with_capacity(2_048),
                written: 0,
                received: vec![0; ANSWER_BYTES],
                filled: 0,
                number: 0,
                sent_at: Instant::now(),
                busy: false,
            })
        })
        .collect()
}

impl Connection {
    /// Sends the next request; says whether there was one.
    fn ask(&mut self, source: &mut dyn Source) -> Fallible<bool> {
        self.request.clear();
        self.written = 0;
        let Some(number) = source.request(&mut self.request) else { return Ok(false) };
        self.number = number;
        self.busy = true;
        self.sent_at = Instant::now();
        self.write()?;
        Ok(true)
    }

    fn write(&mut self) -> Fallible<()> {
        while self.busy && self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what is there; gives the answer once it is whole.
    fn read(&mut self) -> Fallible<Option<Whole>> {
        while self.busy {
            if self.filled == self.received.len() {
                self.received.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.received[self.filled..]) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            if let Some(whole) = whole(&self.received[..self.filled])? {
                if whole.end != self.filled {
                    return Err("more than one answer to one request".into());
                }
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }
}

/// The answer at the beginning of these bytes, once it is whole: by its length, or by its last chunk. Chunks are left as
/// they came, with their sizes between them.
fn whole(bytes: &[u8]) -> Fallible<Option<Whole>> {
    let mut at = 0;
    let mut length = None;
    let mut chunked = false;
    loop {
        let Some(end) = bytes[at..].iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let line = &bytes[at..at + end];
        at += end + 1;
        if line == b"\r" {
            break;
        }
        if line.len() > 16 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            length = std::str::from_utf8(&line[15..])?.trim().parse::<usize>().ok();
        }
        chunked |= line.eq_ignore_ascii_case(b"transfer-encoding: chunked\r");
    }
    let status = bytes.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok()).ok_or("not an HTTP answer")?;
    if chunked {
        let ended = bytes.ends_with(LAST_CHUNK);
        let body = at..bytes.len().saturating_sub(LAST_CHUNK.len()).max(at);
        return Ok(ended.then_some(Whole { status, body, end: bytes.len() }));
    }
    let body = at..at + length.ok_or("an answer without its length")?;
    let end = body.end;
    Ok((bytes.len() >= end).then_some(Whole { status, body, end }))
}

/// A source that asks once, and keeps the size of what it got.
pub struct Once<S> {
    source: S,
    asked: bool,
    /// Bytes of the answer's body.
    pub answer_bytes: usize,
}

impl<S: Source> Once<S> {
    /// Nothing asked yet.
    pub fn new(source: S) -> Once<S> {
        Once { source, asked: false, answer_bytes: 0 }
    }
}

impl<S: Source> Source for Once<S> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        (!std::mem::replace(&mut self.asked, true)).then(|| self.source.request(into))?
    }

    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()> {
        self.answer_bytes = body.len();
        self.source.answer(number, status, body)
    }
}

/// A source that counts all answers, those outside of the counted time too.
pub struct Counted<'a> {
    source: &'a mut dyn Source,
    /// Answers so far.
    pub answers: u64,
}

impl<'a> Counted<'a> {
    /// None yet.
    pub fn new(source: &'a mut dyn Source) -> Counted<'a> {
        Counted { source, answers: 0 }
    }
}

impl Source for Counted<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        self.source.request(into)
    }

    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()> {
        self.answers += 1;
        self.source.answer(number, status, body)
    }
}
