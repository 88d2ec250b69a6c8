//! Hands the listening socket of a process to what it executes, as standard input: the port is never free for anybody else.
//! Never executes another program than the one that runs, even where its file was replaced, and never takes a socket that
//! does not listen or listens elsewhere than was said.
//! Executing gives a process another memory: no key and no value of before is in it.

use super::failure::Failure;
use rustix::net::sockopt::socket_acceptconn;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// The file that runs, whatever lies at the path that it was started from.
pub(super) const PROGRAM: &str = "/proc/self/exe";

/// Executes the process anew, sealed, with the socket that it listened on. Comes back only where that fails.
pub(super) fn execute_sealed(socket: TcpListener, directory: &Path) -> Failure {
    let what = "the vault is sealed, and its process cannot begin anew";
    let address = match socket.local_addr() {
        Ok(address) => address.to_string(),
        Err(error) => return Failure::failed(what, &error),
    };
    let mut command = Command::new(PROGRAM);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command.args(["serve", "--sealed", "--listener-on-stdin", "--listen", &address, "--dir"]);
    let failed = command.arg(directory).stdin(Stdio::from(OwnedFd::from(socket))).exec();
    Failure::failed(what, &failed)
}

/// The listening socket that standard input is; afterwards standard input has nothing to read.
pub(super) fn take(address: SocketAddr) -> Result<TcpListener, Failure> {
    let fail = |error: std::io::Error| Failure::failed("standard input", &error);
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map_err(fail)?;
    let listener = checked(socket, address)?;
    let nothing = File::open("/dev/null").map_err(fail)?;
    // Else the address would stay bound for as long as the process lives.
    rustix::stdio::dup2_stdin(nothing).map_err(|error| fail(error.into()))?;
    Ok(listener)
}

fn checked(socket: OwnedFd, address: SocketAddr) -> Result<TcpListener, Failure> {
    let wrong = |why| Failure::Usage(format!("--listener-on-stdin: standard input {why}"));
    if !socket_acceptconn(&socket).unwrap_or(false) {
        return Err(wrong("is no socket that listens"));
    }
    let listener = TcpListener::from(socket);
    // One of another family has no address of this kind.
    match listener.local_addr() {
        Ok(bound) if bound == address => Ok(listener),
        _ => Err(wrong("listens elsewhere than --listen says")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::os::unix::net::UnixListener;

    fn refused(socket: OwnedFd, address: SocketAddr) -> bool {
        matches!(checked(socket, address), Err(Failure::Usage(_)))
    }

    #[test]
    fn only_a_socket_that_listens_at_the_said_address_is_taken() {
        let bound = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let listener = bound();
        let address = listener.local_addr().expect("an address");
        let other = bound().local_addr().expect("an address");
        assert!(refused(listener.try_clone().expect("the same").into(), other));
        let everywhere = SocketAddr::from(([0, 0, 0, 0], address.port()));
        assert!(refused(listener.try_clone().expect("the same").into(), everywhere));
        let connected = TcpStream::connect(address).expect("it listens");
        let own = connected.local_addr().expect("an address");
        assert!(refused(connected.into(), own), "a connection does not listen");
        assert!(refused(File::open("/dev/null").expect("a file").into(), address));
        let room = tempfile::tempdir().expect("a temporary directory");
        let unix = UnixListener::bind(room.path().join("socket")).expect("a socket");
        assert!(refused(unix.into(), address), "it listens in another family");
        let taken = checked(listener.into(), address).expect("it listens there");
        assert_eq!(taken.local_addr().expect("an address"), address);
    }
}
