//! Calls logs, witnesses and stores of objects over HTTP: reads files of a log and views of witnesses, hands checkpoints to witnesses,
//! and puts and reads objects that are never overwritten.
//! Never follows a redirect, never uses a proxy of the environment, never sends a token where others read it on the way, and never reads
//! more than the format allows.
//! Nothing that comes back is trusted here: notes and files are judged by `verify`.

mod address;
mod objects;
mod submit;
mod trust;

use std::io::{self, Read as _};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::constants::{CHECKPOINT_FILE, NOTE_BYTES_MAX};
use crate::verify::{Found, Source, hex_name};

pub use address::{may_carry_secrets, unread_on_the_way};
pub use objects::Put;
pub use submit::Submitted;
pub use trust::trusting;

/// Longest wait for a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest time for one request and its answer; a bundle of 16 MiB comes within it over 2 Mbit/s.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);

/// Connections that are kept open to one host: as many as are used at once.
const IDLE_COUNT_MAX: usize = 8;

/// One caller of logs, witnesses and stores of objects.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    token: Option<Zeroizing<String>>,
}

impl Client {
    /// A caller that shows `token` to logs and to stores of objects, never to witnesses, and trusts the certificates in `authorities_pem`. Without
    /// them it opens no `https` address.
    ///
    /// # Errors
    /// When the certificates are none.
    pub fn new(
        token: Option<Zeroizing<String>>,
        authorities_pem: Option<&[u8]>,
        request_time_max: Option<Duration>,
    ) -> io::Result<Client> {
        let tls = trusting(authorities_pem)?;
        let time_max = request_time_max.unwrap_or(REQUEST_TIME_MAX);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(IDLE_COUNT_MAX)
            .max_idle_connections_per_host(IDLE_COUNT_MAX)
            .timeout_connect(Some(CONNECT_TIME_MAX.min(time_max)))
            .timeout_global(Some(time_max))
            .tls_config(tls)
            .build()
            .into();
        Ok(Client { agent, token })
    }

    /// What is shown to whoever answers at `url`.
    fn token_for(&self, url: &str) -> io::Result<Option<&str>> {
        let Some(token) = &self.token else { return Ok(None) };
        match may_carry_secrets(url) {
            Ok(()) => Ok(Some(token)),
            Err(reason) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the token is not sent: the address {reason}"),
            )),
        }
    }

    /// The log at `url`. Nothing is called yet.
    ///
    /// # Errors
    /// When there is a token, and whoever is on the way to `url` could read it.
    pub fn log(&self, url: &str) -> io::Result<RemoteLog> {
        self.token_for(url)?;
        Ok(RemoteLog { client: self.clone(), url: url.trim_end_matches('/').to_owned() })
    }

    /// What the witness at `url` shows as its view of the log named `origin`; `None` if it has none.
    ///
    /// # Errors
    /// When no answer came, or one that is neither.
    pub fn view(&self, url: &str, origin: &str) -> io::Result<Option<Vec<u8>>> {
        let path = format!("{}/{}/{CHECKPOINT_FILE}", url.trim_end_matches('/'), hex_name(origin));
        let mut note = Vec::new();
        match self.get(&path, None, NOTE_BYTES_MAX, &mut note)? {
            200 => Ok(Some(note)),
            404 => Ok(None),
            status => Err(refused(status)),
        }
    }

    /// Reads at most one byte more than `bytes_max`; gives the status.
    fn get(
        &self,
        url: &str,
        token: Option<&str>,
        bytes_max: usize,
        buffer: &mut Vec<u8>,
    ) -> io::Result<u16> {
        buffer.clear();
        let request = with_token(self.agent.get(url), token);
        let mut response = request.call().map_err(ureq::Error::into_io)?;
        let status = response.status().as_u16();
        if status == 200 {
            let reader = response.body_mut().as_reader();
            reader.take(bytes_max as u64 + 1).read_to_end(buffer)?;
        }
        Ok(status)
    }
}

/// The request, with the token that is shown with it.
fn with_token<B>(request: ureq::RequestBuilder<B>, token: Option<&str>) -> ureq::RequestBuilder<B> {
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

/// A log that is read over HTTP (c2sp.org/tlog-tiles).
#[derive(Clone)]
pub struct RemoteLog {
    client: Client,
    url: String,
}

impl Source for RemoteLog {
    fn read(&mut self, path: &str, bytes_max: usize, buffer: &mut Vec<u8>) -> io::Result<Found> {
        let url = format!("{}/{path}", self.url);
        let token = self.client.token_for(&url)?;
        match self.client.get(&url, token, bytes_max, buffer)? {
            200 => Ok(Found::File),
            404 | 410 => Ok(Found::Missing),
            status => Err(refused(status)),
        }
    }

    fn has(&mut self, _path: &str) -> io::Result<bool> {
        Ok(false)
    }

    fn widths(&mut self, _path: &str) -> io::Result<Option<Vec<usize>>> {
        Ok(Some(Vec::new()))
    }
}

/// An answer that says neither yes nor that nothing is there.
fn refused(status: u16) -> io::Error {
    let kind = match status {
        401 | 403 => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::NotConnected,
    };
    io::Error::new(kind, format!("answer with status {status}"))
}
