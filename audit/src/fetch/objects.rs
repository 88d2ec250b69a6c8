//! Puts an object where none is yet, and reads it back (RFC 9110 13.1.2): any store that honours the condition serves.
//! Never overwrites, never takes an answer that is neither yes nor no for one of the two, and never tries again by itself.
//! What comes back is bytes: whoever asked for them knows what they have to be.

use std::io::{self, Read as _};

use super::{Client, refused, with_token};

/// Bytes of an answer without meaning that are read so that its connection can be used again.
const REST_BYTES_MAX: u64 = 16 * 1024;

/// What became of an object that was put where none may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The store says that it has it now.
    Taken,
    /// There is one already.
    There,
}

impl Client {
    /// The object at `url`, of `bytes_max` bytes at most; `None` where there is none.
    ///
    /// # Errors
    /// When no answer came, a longer one, or one that says neither.
    pub fn object(&self, url: &str, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        // No memory on the way may answer in the place of the store.
        let request = self.agent.get(url).header("cache-control", "no-cache");
        let request = with_token(request, self.token_for(url)?);
        let mut response = request.call().map_err(ureq::Error::into_io)?;
        let status = response.status().as_u16();
        let mut reader = response.body_mut().as_reader();
        if status != 200 {
            io::copy(&mut reader.take(REST_BYTES_MAX), &mut io::sink())?;
            return if status == 404 { Ok(None) } else { Err(refused(status)) };
        }
        let mut bytes = Vec::new();
        reader.by_ref().take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
        match bytes.len() > bytes_max {
            true => Err(io::Error::new(io::ErrorKind::InvalidData, "an answer longer than any")),
            false => Ok(Some(bytes)),
        }
    }

    /// Puts an object at `url`, where none may be.
    ///
    /// # Errors
    /// When no answer came, or one that says neither: then it may be there.
    pub fn put_new(&self, url: &str, bytes: &[u8]) -> io::Result<Put> {
        let request = self.agent.put(url).header("if-none-match", "*");
        let request = with_token(request, self.token_for(url)?);
        let request = request.header("content-type", "text/plain; charset=us-ascii");
        let mut response = request.send(bytes).map_err(ureq::Error::into_io)?;
        let status = response.status().as_u16();
        let rest = response.body_mut().as_reader().take(REST_BYTES_MAX);
        io::copy(&mut { rest }, &mut io::sink())?;
        match status {
            200 | 201 | 204 => Ok(Put::Taken),
            412 => Ok(Put::There),
            status => Err(refused(status)),
        }
    }
}
