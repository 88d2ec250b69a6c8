//! Calls that a vault takes for its host's own: they go out from the one address of loopback that no proxy calls from.
//! Never kept for another call, and never to a host beyond this one, where nobody sees that address.
//! What is waited for is bounded as in every other call.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

/// Connects from an address of loopback to another one.
#[derive(Debug)]
pub struct GoingOutFrom(pub Ipv4Addr);

impl Connector for GoingOutFrom {
    type Out = Wire;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _nothing_before: Option<()>,
    ) -> Result<Option<Wire>, Error> {
        let Some(SocketAddr::V4(to)) = details.addrs.iter().find(|to| to.ip().is_loopback()) else {
            return Err(Error::HostNotFound);
        };
        let stream = self.open(*to, details.timeout)?;
        let (input, output) =
            (details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Wire { stream, buffers: LazyBuffers::new(input, output) }))
    }
}

impl GoingOutFrom {
    fn open(&self, to: SocketAddrV4, timeout: NextTimeout) -> Result<TcpStream, Error> {
        let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None);
        let stream = TcpStream::from(socket.map_err(std::io::Error::from)?);
        bind(&stream, &SocketAddrV4::new(self.0, 0)).map_err(std::io::Error::from)?;
        // It bounds the wait for a connection too.
        stream.set_write_timeout(timeout.not_zero().map(|time| *time))?;
        match connect(&stream, &to) {
            Ok(()) => Ok(stream),
            Err(Errno::INPROGRESS) => Err(Error::Timeout(timeout.reason)),
            Err(error) => Err(why(error.into(), timeout)),
        }
    }
}

/// A connection for one call.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_write_timeout(timeout.not_zero().map(|time| *time))?;
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output).map_err(|error| why(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_read_timeout(timeout.not_zero().map(|time| *time))?;
        let read = self.stream.read(self.buffers.input_append_buf());
        let amount = read.map_err(|error| why(error, timeout))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }
}

fn why(error: std::io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        // The system says each of them of a wait that was too long.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}
