//! Writes and reads the few shapes that rows and journal frames are made of.
//! Never allocates for a length that the input does not hold, and never panics on input.
//! Numbers are big-endian; every run of bytes carries its length in front.

use std::ops::Range;

/// Bytes of the length in front of a run.
const LENGTH_BYTES: usize = 4;

/// Bytes that do not have the expected form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed bytes")]
pub struct Malformed;

/// Appends to a buffer.
#[derive(Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An empty buffer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Encoder {
        Encoder { bytes: Vec::with_capacity(capacity) }
    }

    /// An empty buffer in memory that held something else.
    pub fn within(mut memory: Vec<u8>) -> Encoder {
        memory.clear();
        Encoder { bytes: memory }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Bytes of a length that both sides know.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A run of bytes with its length in four bytes.
    ///
    /// # Panics
    /// Never for what the vault encodes: every run is bounded far below 4 GiB by `limits`.
    pub fn run(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).expect("runs are bounded by limits"));
        self.raw(bytes);
    }

    /// A run of bytes that is not there yet: `write` appends it to what is there, and its length is put in front. An error
    /// leaves the buffer as it was. Says where the bytes lie.
    ///
    /// # Errors
    /// What `write` says.
    ///
    /// # Panics
    /// As [`Encoder::run`].
    pub fn run_written<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Range<usize>, E> {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH_BYTES]);
        let start = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(begin);
            return Err(error);
        }
        let place = start..self.bytes.len();
        let length = u32::try_from(place.len()).expect("runs are bounded by limits");
        self.bytes[begin..start].copy_from_slice(&length.to_be_bytes());
        Ok(place)
    }

    /// Takes away everything from a run on that [`Encoder::run_written`] said to begin here.
    pub fn cut_run(&mut self, start: usize) {
        self.bytes.truncate(start.saturating_sub(LENGTH_BYTES));
    }

    /// Some of what was written.
    pub fn part(&self, place: Range<usize>) -> &[u8] {
        &self.bytes[place]
    }

    /// Bytes that were written.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks an encoder whether it is empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes from the front of a slice.
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads from the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// As many bytes as asked.
    ///
    /// # Errors
    /// [`Malformed`] when fewer are left; so for every other method.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A fixed number of bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.raw(N)?.try_into().map_err(|_| Malformed)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// Four bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A run with its length in front.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn run(&mut self) -> Result<&'a [u8], Malformed> {
        let count = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        self.raw(count)
    }

    /// A run that must be UTF-8.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.run()?).map_err(|_| Malformed)
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`Malformed`] when something is.
    pub fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}
