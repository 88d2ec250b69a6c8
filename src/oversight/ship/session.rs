//! One TLS session with a receiver (RFC 5425): entries go out, and the receiver's close confirms them.
//! Never without a certificate that leads to the configured authority and bears the configured name.
//! Every wait has a limit. Syslog itself confirms nothing; a receiver that closes its side in order after ours has read
//! everything before it.

use super::ShipError;
use crate::limits::{SHIP_CONNECT_TIME_MAX, SHIP_WAIT_TIME_MAX};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes that are read of a receiver after ours are all sent; a receiver has nothing to say.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Where a receiver is and by what it is known: files in PEM.
pub struct ReceiverFiles {
    /// Host and port.
    pub address: String,
    /// The name in its certificate.
    pub name: String,
    /// Certificates of the authorities that may have signed it.
    pub authorities: PathBuf,
    /// Our own certificate and key, where the receiver wants them.
    pub own: Option<(PathBuf, PathBuf)>,
    /// Whether the orderly end of the connection confirms without the goodbye of TLS.
    pub plain_end_confirms: bool,
}

/// A receiver that can be spoken to.
pub struct Receiver {
    address: String,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    plain_end_confirms: bool,
}

impl Receiver {
    /// Reads the files.
    ///
    /// # Errors
    /// [`ShipError::Receiver`] with what is wrong.
    pub fn open(files: &ReceiverFiles) -> Result<Receiver, ShipError> {
        let name = ServerName::try_from(files.name.clone());
        let name = name.map_err(|_| ShipError::Receiver("the receiver's name is no name"))?;
        let mut roots = RootCertStore::empty();
        let unreadable = ShipError::Receiver("the certificates of the authorities cannot be read");
        let Ok(found) = CertificateDer::pem_file_iter(&files.authorities) else {
            return Err(unreadable);
        };
        for certificate in found {
            let Ok(certificate) = certificate else { return Err(unreadable) };
            roots.add(certificate)?;
        }
        if roots.is_empty() {
            return Err(ShipError::Receiver("no authority is trusted to know the receiver"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match &files.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let unreadable =
                    || ShipError::Receiver("our own certificate or key cannot be read");
                let chain = CertificateDer::pem_file_iter(certificate).map_err(|_| unreadable())?;
                let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|_| unreadable())?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|_| unreadable())?;
                builder.with_client_auth_cert(chain, key)?
            }
        };
        let (address, plain_end_confirms) = (files.address.clone(), files.plain_end_confirms);
        Ok(Receiver { address, name, config: Arc::new(config), plain_end_confirms })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// An open session.
pub(super) struct Session {
    stream: StreamOwned<ClientConnection, TcpStream>,
    plain_end_confirms: bool,
}

impl Session {
    pub(super) fn open(receiver: &Receiver) -> Result<Session, ShipError> {
        let mut last = ShipError::Receiver("the receiver's address leads nowhere");
        for address in receiver.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, SHIP_CONNECT_TIME_MAX) {
                Ok(socket) => {
                    socket.set_read_timeout(Some(SHIP_WAIT_TIME_MAX))?;
                    socket.set_write_timeout(Some(SHIP_WAIT_TIME_MAX))?;
                    let client =
                        ClientConnection::new(receiver.config.clone(), receiver.name.clone())?;
                    let plain_end_confirms = receiver.plain_end_confirms;
                    return Ok(Session {
                        stream: StreamOwned::new(client, socket),
                        plain_end_confirms,
                    });
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    pub(super) fn write(&mut self, message: &[u8]) -> Result<(), ShipError> {
        Ok(self.stream.write_all(message)?)
    }

    /// Closes our side and waits until the receiver has closed its own.
    pub(super) fn confirm(mut self) -> Result<(), ShipError> {
        self.stream.conn.send_close_notify();
        self.stream.flush()?;
        while self.stream.conn.wants_write() {
            self.stream.conn.write_tls(&mut self.stream.sock)?;
        }
        self.stream.sock.shutdown(std::net::Shutdown::Write)?;
        let mut answer = [0; ANSWER_BYTES_MAX];
        // An end without the TLS goodbye is an error here, and so is anything that a receiver says instead.
        match self.stream.read(&mut answer) {
            Ok(0) => Ok(()),
            Ok(_) => Err(ShipError::Unconfirmed),
            // Whoever closes a socket with something unread in it resets the connection, and that is another error.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && self.plain_end_confirms => {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
