//! A store of objects over HTTP on loopback, as the second place of erasures is: it honours `If-None-Match: *`, or does what a bad one does.
//! Never anything but the standard library, so that tests from outside the product take the same file.
//! What it holds can be looked at and changed, as whoever runs such a store can.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// What it does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// What it should.
    Keeps,
    /// Answers 201 and keeps nothing.
    Forgets,
    /// Keeps what is put, and ends the connection without an answer.
    LosesAnswers,
    /// Reads a request and does not answer.
    Hangs,
    /// Sends whoever asks to another place of its own.
    Redirects,
    /// Answers with more than was ever put.
    Babbles,
    /// Takes whatever is put.
    Overwrites,
    /// Answers each request with this status.
    Answers(u16),
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    manner: Manner,
    objects: BTreeMap<String, Vec<u8>>,
    puts: usize,
    tokens: Vec<Option<String>>,
    has_ended: bool,
}

impl Default for State {
    fn default() -> State {
        let (manner, objects) = (Manner::Keeps, BTreeMap::new());
        State { manner, objects, puts: 0, tokens: Vec::new(), has_ended: false }
    }
}

/// The server, until it is dropped.
pub struct ObjectServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl ObjectServer {
    /// Starts one, with nothing in it.
    pub fn start() -> ObjectServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let served = shared.clone();
        let accepting = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if served.state().has_ended {
                    return;
                }
                let (served, Ok(connection)) = (served.clone(), connection) else { continue };
                std::thread::spawn(move || served.serve(&connection));
            }
        });
        ObjectServer { address, shared, accepting: Some(accepting) }
    }

    /// Where a ledger is.
    pub fn url(&self) -> String {
        format!("http://{}/vault-1/erasures", self.address)
    }

    /// From now on it does this.
    pub fn set(&self, manner: Manner) {
        self.shared.state().manner = manner;
    }

    /// The lines, in the order of their names.
    pub fn lines(&self) -> Vec<String> {
        let state = self.shared.state();
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).expect("text");
        state.objects.values().map(text).collect()
    }

    /// Puts a line in its place, over whatever is there.
    pub fn put(&self, number: usize, line: &str) {
        self.shared.state().objects.insert(path_of(number), line.as_bytes().to_vec());
    }

    /// Takes a line away.
    pub fn take_away(&self, number: usize) {
        self.shared.state().objects.remove(&path_of(number));
    }

    /// How often something was put, whatever became of it.
    pub fn puts(&self) -> usize {
        self.shared.state().puts
    }

    /// What the requests so far showed as their `Authorization`.
    pub fn shown(&self) -> Vec<Option<String>> {
        self.shared.state().tokens.clone()
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.shared.state().has_ended = true;
        self.shared.ended.notify_all();
        let _woken = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ended = accepting.join();
        }
    }
}

fn path_of(number: usize) -> String {
    format!("/vault-1/erasures/{number:08}")
}

struct Request {
    method: String,
    path: String,
    is_conditional: bool,
    token: Option<String>,
    body: Vec<u8>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics in here")
    }

    /// Answers one request after the other until the caller ends it.
    fn serve(&self, connection: &TcpStream) {
        let mut reader = BufReader::new(connection);
        while let Some(request) = read(&mut reader) {
            let Some(answer) = self.answer(request) else { return };
            let mut connection = connection;
            if connection.write_all(&answer).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: Request) -> Option<Vec<u8>> {
        let mut state = self.state();
        state.tokens.push(request.token);
        state.puts += usize::from(request.method == "PUT");
        let manner = state.manner;
        match manner {
            Manner::Hangs => {
                let is_over = |state: &mut State| !state.has_ended;
                drop(self.ended.wait_while(state, is_over));
                return None;
            }
            Manner::Answers(status) => return Some(response(status, "", b"no")),
            Manner::Redirects => {
                let to = format!("Location: /else{}\r\n", request.path);
                let is_else = request.path.starts_with("/else");
                return Some(response(if is_else { 201 } else { 307 }, &to, b""));
            }
            Manner::Babbles if request.method == "GET" => {
                return Some(response(200, "", &[b'x'; 4_096]));
            }
            _ => {}
        }
        let is_lost = manner == Manner::LosesAnswers && request.method == "PUT";
        let there = state.objects.get(&request.path);
        let (status, body) = match (&*request.method, there) {
            ("GET", Some(object)) => (200, object.clone()),
            ("GET", None) => (404, b"there is none".to_vec()),
            ("PUT", Some(_)) if request.is_conditional && manner != Manner::Overwrites => {
                (412, Vec::new())
            }
            ("PUT", _) => {
                if manner != Manner::Forgets {
                    state.objects.insert(request.path, request.body);
                }
                (201, Vec::new())
            }
            _ => (405, Vec::new()),
        };
        (!is_lost).then(|| response(status, "", &body))
    }
}

fn response(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    let mut next = |line: &mut String| {
        line.clear();
        reader.read_line(line).ok().filter(|read| *read > 0)
    };
    next(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut is_conditional, mut token, mut length) = (false, None, 0);
    loop {
        next(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match &*name.to_ascii_lowercase() {
            "if-none-match" => is_conditional = value == "*",
            "authorization" => token = Some(value.to_owned()),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, is_conditional, token, body })
}
