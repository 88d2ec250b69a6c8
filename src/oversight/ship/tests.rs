//! The shipper against receivers that confirm, that do not, that are away, and that are somebody else.
//! Never a receiver outside of this process; its certificates are made for each test.
//! What has arrived is compared with the log, entry by entry.

use super::*;
use crate::oversight::world::{ORIGIN, World, signer, until};
use gridvault_audit::NoteSigner as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

/// How a receiver ends a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Reads everything and says goodbye.
    Goodbye,
    /// Reads everything and closes the connection alone.
    Plain,
    /// Closes after the first bytes.
    Early,
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("authorities.pem");
        std::fs::write(&path, self.0.pem()).expect("a file");
        path
    }

    fn server(&self, name: &str) -> Arc<ServerConfig> {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let chain = CertificateDer::pem_slice_iter(certificate.pem().as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .expect("a chain");
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the usual versions")
            .with_no_client_auth()
            .with_single_cert(chain, key);
        Arc::new(config.expect("a server"))
    }
}

/// A receiver in a thread, until it is dropped.
struct Sink {
    address: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
    sessions: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Sink {
    fn at(listener: TcpListener, config: Arc<ServerConfig>, ends: Vec<End>) -> Sink {
        let address = listener.local_addr().expect("an address");
        let sink =
            Sink { address, got: Arc::default(), sessions: Arc::default(), stop: Arc::default() };
        let (got, sessions, stop) = (sink.got.clone(), sink.sessions.clone(), sink.stop.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let number = sessions.fetch_add(1, Ordering::AcqRel) as usize;
                let end = ends.get(number).or(ends.last()).copied().expect("an end");
                let _broken_sessions_count_too =
                    serve(socket.expect("a socket"), &config, end, &got);
            }
        });
        sink
    }

    fn new(authority: &Authority, ends: &[End]) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Sink::at(listener, authority.server("localhost"), ends.to_vec())
    }

    /// The log's indexes in the order in which they arrived.
    fn indexes(&self) -> Vec<u64> {
        let got = self.got.lock().expect("a healthy receiver");
        let index = |message: &String| {
            let at = message.find("externalId=").expect("an index") + "externalId=".len();
            let digits: String = message[at..].chars().take_while(char::is_ascii_digit).collect();
            digits.parse().expect("a number")
        };
        got.iter().map(index).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _wakes_it = TcpStream::connect(self.address);
    }
}

fn serve(
    socket: TcpStream,
    config: &Arc<ServerConfig>,
    end: End,
    got: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let server = ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(server, socket);
    if end == End::Early {
        let mut some = [0; 64];
        return stream.read(&mut some).map(drop);
    }
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let blank = rest.iter().position(|byte| *byte == b' ').expect("a frame");
        let length: usize =
            std::str::from_utf8(&rest[..blank]).expect("digits").parse().expect("a number");
        let message = &rest[blank + 1..blank + 1 + length];
        got.lock().expect("healthy").push(String::from_utf8(message.to_vec()).expect("UTF-8"));
        rest = &rest[blank + 1 + length..];
    }
    if end == End::Goodbye {
        stream.conn.send_close_notify();
        stream.flush()?;
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut stream.sock)?;
        }
    }
    Ok(())
}

fn settings(
    world: &World,
    authority: &Authority,
    address: SocketAddr,
    plain: bool,
) -> ShipSettings {
    let files = ReceiverFiles {
        address: format!("localhost:{}", address.port()),
        name: "localhost".to_owned(),
        authorities: authority.write(world.directory.path()),
        own: None,
        plain_end_confirms: plain,
    };
    ShipSettings {
        directory: world.directory.path().join("ship"),
        log: world.reader(),
        origin: ORIGIN.to_owned(),
        format: Format::Cef,
        receiver: Receiver::open(&files).expect("a receiver"),
    }
}

fn all(count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[test]
fn every_entry_arrives_in_order_and_a_restart_sends_none_again() {
    let mut world = World::with(700);
    let authority = Authority::new();
    let sink = Sink::new(&authority, &[End::Goodbye]);
    let shipper =
        Shipper::start(settings(&world, &authority, sink.address, false)).expect("a thread");
    until(|| shipper.confirmed() == 700);
    assert_eq!(sink.indexes(), all(700));
    drop(shipper);
    world.grow(50);
    let shipper =
        Shipper::start(settings(&world, &authority, sink.address, false)).expect("a thread");
    assert_eq!(shipper.confirmed(), 700);
    until(|| shipper.confirmed() == 750);
    assert_eq!(sink.indexes(), all(750));
    let first = sink.got.lock().expect("healthy")[0].clone();
    assert!(
        first.starts_with(
            "<110>1 2023-11-14T22:13:20.000000Z example.org gridvault - data.read - CEF:0|"
        ),
        "{first}"
    );
}

#[test]
fn what_a_receiver_did_not_confirm_is_sent_again() {
    let world = World::with(300);
    let authority = Authority::new();
    let sink = Sink::new(&authority, &[End::Early, End::Plain, End::Goodbye]);
    let shipper =
        Shipper::start(settings(&world, &authority, sink.address, false)).expect("a thread");
    until(|| shipper.confirmed() == 300);
    assert_eq!(sink.sessions.load(Ordering::Acquire), 3);
    let expected: Vec<u64> = all(300).into_iter().chain(all(300)).collect();
    assert_eq!(sink.indexes(), expected, "once unconfirmed, once confirmed");
    assert!(!shipper.is_failing());
}

#[test]
fn a_receiver_without_a_goodbye_is_taken_at_its_word_only_where_it_is_configured() {
    let world = World::with(300);
    let authority = Authority::new();
    let sink = Sink::new(&authority, &[End::Plain]);
    let shipper =
        Shipper::start(settings(&world, &authority, sink.address, true)).expect("a thread");
    until(|| shipper.confirmed() == 300);
    assert_eq!(sink.indexes(), all(300));
}

#[test]
fn a_receiver_that_is_away_loses_nothing_and_the_log_grows_meanwhile() {
    let mut world = World::with(10);
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let shipper = Shipper::start(settings(&world, &authority, address, false)).expect("a thread");
    until(|| shipper.is_failing());
    world.grow(500);
    let listener = TcpListener::bind(address).expect("the port is free again");
    let sink = Sink::at(listener, authority.server("localhost"), vec![End::Goodbye]);
    until(|| shipper.confirmed() == 510);
    assert_eq!(sink.indexes(), all(510));
}

#[test]
fn entries_below_a_beginning_that_no_entry_records_are_not_passed_over() {
    let world = World::with(700);
    let authority = Authority::new();
    let sink = Sink::new(&authority, &[End::Goodbye]);
    let path = world.directory.path().join("log/minimum");
    // As whoever has the disk raises it for a moment: with an entry that is no pruning, and with one that is not there yet.
    for text in ["512\n600\n", "512\n900\n"] {
        std::fs::write(&path, text).expect("written");
        let mut settings = settings(&world, &authority, sink.address, false);
        settings.log = settings.log.signed_by(|| vec![signer().public_key()]);
        let shipper = Shipper::start(settings).expect("a thread");
        until(|| shipper.is_failing());
        assert_eq!((shipper.confirmed(), sink.indexes()), (0, Vec::new()), "{text}");
        drop(shipper);
    }
    std::fs::remove_file(&path).expect("put back");
    let shipper =
        Shipper::start(settings(&world, &authority, sink.address, false)).expect("a thread");
    until(|| shipper.confirmed() == 700);
    assert_eq!(sink.indexes(), all(700));
}

#[test]
fn nothing_goes_to_a_receiver_of_another_authority_or_another_name() {
    let world = World::with(10);
    let (authority, other) = (Authority::new(), Authority::new());
    for (signed_by, name) in [(&other, "localhost"), (&authority, "siem.example")] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let sink = Sink::at(listener, signed_by.server(name), vec![End::Goodbye]);
        let shipper =
            Shipper::start(settings(&world, &authority, sink.address, true)).expect("a thread");
        until(|| shipper.is_failing());
        assert_eq!((shipper.confirmed(), sink.indexes()), (0, Vec::new()));
        drop(shipper);
        std::fs::remove_dir_all(world.directory.path().join("ship")).expect("the position goes");
    }
}

#[test]
fn a_position_of_another_receiver_or_a_damaged_one_stops_the_start() {
    let world = World::with(10);
    let authority = Authority::new();
    let sink = Sink::new(&authority, &[End::Goodbye]);
    let shipper =
        Shipper::start(settings(&world, &authority, sink.address, false)).expect("a thread");
    until(|| shipper.confirmed() == 10);
    drop(shipper);
    let elsewhere: SocketAddr = "127.0.0.1:1".parse().expect("an address");
    let start = |address| Shipper::start(settings(&world, &authority, address, false));
    assert!(matches!(start(elsewhere), Err(ShipError::Position)));
    std::fs::write(world.directory.path().join("ship/position"), b"{}").expect("a file");
    assert!(matches!(start(sink.address), Err(ShipError::Position)));
}

#[test]
fn files_that_make_no_sense_are_refused_before_anything_is_sent() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    let authorities = Authority::new().write(directory.path());
    let open = |name: &str, authorities: &Path, own: Option<&Path>| {
        let own = own.map(|own| (own.to_path_buf(), own.to_path_buf()));
        let files = ReceiverFiles {
            address: "localhost:6514".to_owned(),
            name: name.to_owned(),
            authorities: authorities.to_path_buf(),
            own,
            plain_end_confirms: false,
        };
        Receiver::open(&files).is_ok()
    };
    assert!(open("localhost", &authorities, None));
    assert!(!open("local host", &authorities, None));
    assert!(!open("localhost", &empty, None));
    assert!(!open("localhost", &directory.path().join("none.pem"), None));
    assert!(!open("localhost", &authorities, Some(&empty)));
}
