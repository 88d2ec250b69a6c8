//! A vault that is configured to send its entries to a receiver of syslog over TLS, as an operator configures it.
//! Never a receiver outside of this process; its certificate is made for the test.
//! What arrives is compared with the log's indexes, over a stop and a start.

use super::entries::happened;
use super::harness::{Demo, await_until};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

type Received = Arc<Mutex<Vec<String>>>;

/// A certificate for this host, and the file of the authority that signed it.
pub fn certificate(authorities: &Path) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, key).expect("a certificate");
    std::fs::write(authorities, authority.pem()).expect("a file");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let own = params.signed_by(&key, &authority).expect("a certificate");
    let chain = CertificateDer::pem_slice_iter(own.pem().as_bytes()).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the usual versions").with_no_client_auth();
    Arc::new(builder.with_single_cert(chain.expect("a chain"), key).expect("a server"))
}

/// Reads each session to its end, says goodbye, and keeps what came.
fn receive(listener: TcpListener, config: Arc<ServerConfig>, received: Received) {
    for socket in listener.incoming() {
        let server = ServerConnection::new(config.clone()).expect("a server");
        let mut stream = StreamOwned::new(server, socket.expect("a socket"));
        let mut text = String::new();
        if stream.read_to_string(&mut text).is_err() {
            continue;
        }
        received.lock().expect("healthy").push(text);
        stream.conn.send_close_notify();
        let _the_sender_is_gone = stream.flush();
    }
}

/// The indexes that arrived, in their order.
fn indexes(received: &Received) -> Vec<u64> {
    let text = received.lock().expect("healthy").concat();
    let after = text.split("externalId=").skip(1);
    let digits = after.map(|rest| rest.split(' ').next().unwrap_or_default());
    digits.map(|digits| digits.parse().expect("a number")).collect()
}

#[test]
fn a_configured_receiver_gets_every_entry_once_over_a_stop_and_a_start() {
    let mut demo = Demo::own();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let authorities = demo.directory().with_file_name("authorities.pem");
    let (config, received) = (certificate(&authorities), Received::default());
    let kept = received.clone();
    std::thread::spawn(move || receive(listener, config, kept));
    assert_eq!(demo.stop(), Some(0));
    let path = demo.directory().join("config");
    let before = std::fs::read_to_string(&path).expect("the configuration");
    let table =
        format!("[syslog]\naddress = \"localhost:{port}\"\nauthorities = {authorities:?}\n");
    std::fs::write(&path, format!("{before}\n{table}")).expect("the configuration");
    for run in 0..2 {
        demo.start_again();
        let last = demo.worker(1).get("/v1/purposes").expect(200).index();
        await_until("everything arrived", || indexes(&received).len() as u64 > last);
        let seen = indexes(&received);
        assert_eq!(seen, (0..seen.len() as u64).collect::<Vec<_>>(), "in order, none twice");
        let entries = demo.entries_between(0, last);
        let said: Vec<_> = entries.iter().filter(|entry| entry["x"]["from"].is_u64()).collect();
        assert_eq!(said.len(), run + 1, "each start says where entries go");
        for entry in &said {
            assert_eq!(happened(entry), "audit.export success");
            assert_eq!(entry["pur"], "access_oversight");
        }
        assert_eq!(said[0]["x"]["from"], 0);
        assert!(run == 0 || said[1]["x"]["from"].as_u64() > Some(0), "it goes on");
        assert_eq!(demo.stop(), Some(0));
    }
    // A position of another receiver is a question for the operator, not a guess.
    let other = table.replace("localhost:", "127.0.0.1:");
    std::fs::write(&path, format!("{before}\n{other}")).expect("the configuration");
    let dir = demo.directory().to_str().expect("a plain path").to_owned();
    let refused = super::program::run(&["demo", "--dir", &dir, "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status, Some(1), "{}", refused.err);
    assert!(refused.err.contains("position"), "{}", refused.err);
}
