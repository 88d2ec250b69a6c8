//! A vault that seals itself: the same port, the same program, and no word to stop is lost on the way.
//! Never another process at its address meanwhile: whoever brings what opens it must not bring it to a stranger.
//! What the process hands to the one that follows it is looked at before it is taken.

use super::harness::{await_until, program};
use super::program::{Served, run, run_between};
use super::unsealing::{ORIGIN, PASSPHRASE, Place, await_sealed, says_that_it_is_sealed, unseal};
use super::wire::connect;
use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One of so many tries to take the address is one to connect.
const CONNECT_EACH: u32 = 64;

fn opened_by_a_passphrase() -> Place {
    Place::made(&["--passphrase-file", "PASSPHRASE"])
}

#[test]
fn port_of_a_vault_that_seals_itself_is_never_free() {
    let place = opened_by_a_passphrase();
    let served = place.serve_open(Path::new(program()));
    place.enrol(&served, 0, "sys.token");
    let (address, ended) = (served.address(), AtomicBool::new(false));
    let tries = std::thread::scope(|scope| {
        let taking = scope.spawn(|| {
            let mut tries = 0;
            while !ended.load(Ordering::SeqCst) {
                let taken = TcpListener::bind(address);
                assert!(taken.is_err(), "somebody else could have it after {tries} tries");
                if tries % CONNECT_EACH == 0 {
                    let connected = TcpStream::connect_timeout(&address, Duration::from_secs(1));
                    let refused =
                        connected.is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused);
                    assert!(!refused, "nobody listened after {tries} tries");
                }
                tries += 1;
            }
            tries
        });
        place.seal(&served, "sys.token", ORIGIN).ended(0);
        await_sealed(&served);
        ended.store(true, Ordering::SeqCst);
        taking.join().expect("it stayed taken")
    });
    assert!(tries > CONNECT_EACH, "it was tried meanwhile: {tries}");
    says_that_it_is_sealed(&served);
    assert_eq!(served.stop(), Some(0));
    assert!(TcpListener::bind(address).is_ok(), "it is let go of in the end");
}

#[test]
fn word_to_stop_that_comes_while_a_vault_seals_itself_is_obeyed() {
    let place = opened_by_a_passphrase();
    let served = place.serve_open(Path::new(program()));
    place.enrol(&served, 0, "sys.token");
    // A request whose body is on its way keeps the process for a while.
    let mut slow = connect(Ipv4Addr::LOCALHOST, served.url());
    let head = "POST /v1/enrol HTTP/1.1\r\nhost: vault\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    slow.write_all(head.as_bytes()).expect("taken");
    place.seal(&served, "sys.token", ORIGIN).ended(0);
    assert_eq!(served.stop(), Some(0), "it ends, and nothing follows it");
    assert_eq!(place.entries("sys.seal").len(), 1);
    assert_eq!(place.entries("sys.stop").len(), 2, "that of init, and its own");
    place.verify();
}

#[test]
fn process_that_seals_itself_stays_the_program_that_it_is() {
    let place = opened_by_a_passphrase();
    let installed = place.path("gridvault");
    std::fs::copy(program(), &installed).expect("a copy");
    let served = place.serve_open(&installed);
    place.enrol(&served, 0, "sys.token");
    let other = place.path("other");
    std::fs::copy("/bin/false", &other).expect("a program");
    std::fs::rename(&other, &installed).expect("it is replaced");
    let process = served.process();
    place.seal(&served, "sys.token", ORIGIN).ended(0);
    await_sealed(&served);
    assert_eq!(served.process(), process);
    unseal(&served, PASSPHRASE).ended(0);
    assert_eq!(served.stop(), Some(0));
    let starts = place.entries("sys.start");
    let builds: Vec<&str> =
        starts.iter().map(|entry| entry["x"]["build"].as_str().expect("a digest")).collect();
    // That of init, that of the copy, and that which followed it: the same bytes each time.
    assert_eq!(builds.len(), 3);
    assert!(builds.iter().all(|build| *build == builds[0]), "{builds:?}");
    assert!(builds[0].chars().any(|letter| letter != 'A'), "it could be read");
}

#[test]
fn listener_on_standard_input_is_looked_at_before_it_is_taken() {
    let place = opened_by_a_passphrase();
    let directory = place.text("vault");
    let fixed = ["serve", "--sealed", "--listener-on-stdin", "--dir", &directory];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let at = |address: &str| [&fixed[..], &["--listen", address]].concat().join("\n");
    let taken = |arguments: String, input: Stdio| {
        let arguments: Vec<&str> = arguments.lines().collect();
        run_between(&arguments, input, Stdio::null())
    };
    run(&fixed).ended(2);
    let none = taken(at(&address), Stdio::null()).ended(2);
    assert!(none.err.contains("no socket that listens"), "{}", none.err);
    let same = || Stdio::from(OwnedFd::from(listener.try_clone().expect("the same")));
    let elsewhere = taken(at("127.0.0.1:1"), same()).ended(2);
    assert!(elsewhere.err.contains("listens elsewhere"), "{}", elsewhere.err);
    let stream = TcpStream::connect(&address).expect("it listens");
    let own = stream.local_addr().expect("an address").to_string();
    taken(at(&own), Stdio::from(OwnedFd::from(stream))).ended(2);
}

#[test]
fn word_to_stop_ends_a_vault_that_was_sealed() {
    let place = opened_by_a_passphrase();
    let served: Served = place.serve_open(Path::new(program()));
    place.enrol(&served, 0, "sys.token");
    place.seal(&served, "sys.token", ORIGIN).ended(0);
    await_sealed(&served);
    let address = served.address();
    assert_eq!(served.stop(), Some(0));
    await_until("the port is free", || TcpListener::bind(address).is_ok());
}
