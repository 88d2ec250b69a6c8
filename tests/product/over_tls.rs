//! The command line and a vault behind a proxy that ends TLS, as docs/operating.md says it: whom it believes, and where it sends nothing.
//! Never a proxy outside of this process; its certificate is made for the test.
//! What the proxy passes on is what counts: a call that it did not see was not made.

use super::bodies::place;
use super::commands::of_program;
use super::harness::{Demo, shared};
use super::program::{Outcome, run, run_with};
use super::shipping::certificate;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A proxy on this host, in front of a vault.
struct Proxy {
    url: String,
    authorities: PathBuf,
    passed: Arc<Mutex<Vec<String>>>,
    room: TempDir,
}

impl Proxy {
    fn before(demo: &Demo) -> Proxy {
        let room = tempfile::tempdir().expect("a temporary directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let authorities = room.path().join("authorities.pem");
        let config = certificate(&authorities);
        let vault = demo.url().trim_start_matches("http://").to_owned();
        let passed = Arc::new(Mutex::new(Vec::new()));
        let kept = passed.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.expect("a socket");
                // Whoever does not believe it hangs up.
                let _hung_up = pass_on(socket, config.clone(), &vault, &kept);
            }
        });
        Proxy { url: format!("https://localhost:{port}"), authorities, passed, room }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.room.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }

    fn call(&self, arguments: &[&str], authorities: Option<&Path>) -> Outcome {
        let mut all = vec!["--url", &self.url];
        if let Some(path) = authorities {
            all.extend(["--ca-file", path.to_str().expect("a plain path")]);
        }
        run(&[arguments, &all].concat())
    }

    /// The first lines of the requests that it passed on.
    fn passed(&self) -> Vec<String> {
        self.passed.lock().expect("healthy").clone()
    }
}

/// One request, to the vault and back.
fn pass_on(
    socket: TcpStream,
    config: Arc<ServerConfig>,
    vault: &str,
    passed: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let server = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut caller = StreamOwned::new(server, socket);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        caller.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).map_err(std::io::Error::other)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    caller.read_exact(&mut body)?;
    let (first, rest) = head.split_once("\r\n").unwrap_or_default();
    passed.lock().expect("healthy").push(first.to_owned());
    let mut onward = TcpStream::connect(vault)?;
    let added = "connection: close\r\nx-forwarded-for: 192.0.2.7";
    onward.write_all(format!("{first}\r\n{added}\r\n{rest}").as_bytes())?;
    onward.write_all(&body)?;
    let mut answer = Vec::new();
    onward.read_to_end(&mut answer)?;
    caller.write_all(&answer)?;
    caller.conn.send_close_notify();
    caller.flush()
}

#[test]
fn commands_call_a_vault_behind_tls_by_the_authorities_that_they_are_given() {
    let demo = shared();
    let proxy = Proxy::before(demo);
    let worker = demo.worker(1);
    let token = proxy.file("token", &worker.token);
    let ca = Some(proxy.authorities.as_path());
    let with_token = ["--token-file", token.as_str()];
    proxy.call(&[&["post", "list"][..], &with_token].concat(), ca).ended(0);
    let status = proxy.call(&["unseal", "--status"], ca).ended(0);
    assert!(status.out.contains("open"), "{}", status.out);
    let body = place(worker.grid());
    let purpose = &body["basis"]["purpose"];
    let line = json!({"synthetic": true, "route": "/v1/records", "purpose": purpose, "body": body});
    let lines = proxy.file("lines", &format!("{line}\n"));
    let import = ["--json", "import", lines.as_str()];
    let summary = proxy.call(&[&import[..], &with_token].concat(), ca).ended(0).json();
    assert_eq!(summary["stored"], 1, "{summary}");
    assert_eq!(
        proxy.passed(),
        [
            "GET /v1/actor HTTP/1.1",
            "POST /v1/admin/unseal HTTP/1.1",
            "POST /v1/records/batch HTTP/1.1",
        ]
    );
}

#[test]
fn nothing_is_sent_to_a_vault_behind_tls_that_no_named_authority_stands_behind() {
    let proxy = Proxy::before(shared());
    let token = proxy.file("token", &shared().worker(1).token);
    let listing = ["post", "list", "--token-file", &token];
    let other = proxy.room.path().join("other.pem");
    certificate(&other);
    let refused = proxy.call(&listing, Some(&other)).ended(1);
    assert!(refused.err.contains("cannot be reached"), "{}", refused.err);
    assert!(refused.err.contains("certificate"), "{}", refused.err);
    let none = proxy.file("none.pem", "no certificate\n");
    proxy.call(&listing, Some(Path::new(&none))).ended(1);
    let refused = proxy.call(&listing, None).ended(2);
    assert!(refused.err.contains("--ca-file"), "{}", refused.err);
    // A code is good once: nothing asks for one, and no file is made for its token, before it can be sent.
    let out = proxy.room.path().join("new-token");
    let out_text = out.to_str().expect("a plain path");
    let enrol = run_with(&["enrol", "--out", out_text, "--url", &proxy.url], "code");
    let refused = enrol.ended(2);
    assert!(refused.err.contains("--ca-file") && !out.exists(), "{}", refused.err);
    assert_eq!(proxy.passed(), [""; 0]);
}

#[test]
fn no_command_calls_a_vault_where_what_it_sends_could_be_read_on_the_way() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that nobody waits at");
    let port = listener.local_addr().expect("an address").port();
    // Whoever answers to a name could be anywhere; here it would answer.
    let url = format!("http://localhost:{port}");
    let mut calling = 0;
    for command in of_program() {
        let words: Vec<&str> = command.split(' ').collect();
        if !run(&[&words[..], &["--help"]].concat()).ended(0).out.contains("GRIDVAULT_URL") {
            continue;
        }
        calling += 1;
        let refused = run(&[&words[..], &["--url", &url]].concat()).ended(2);
        assert!(refused.err.contains("say https"), "{command}: {}", refused.err);
    }
    assert!(calling > 40, "{calling}");
    let heard = listener.accept().map(drop);
    assert!(heard.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
}
