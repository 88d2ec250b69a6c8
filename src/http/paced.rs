//! A connection whose client takes what it is sent, or loses it.
//! Never waits for ever on a client that stopped reading: the answer that it does not take is memory of others.
//! Only what the kernel's buffers do not hold is timed, so an answer of usual size is never; who still sends is no such client.

use crate::limits::{WRITE_PACE_BYTES_MIN, WRITE_PACE_TIME};
use std::future::Future as _;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream that fails once its other end stops taking what is written.
pub(super) struct Paced<S> {
    stream: S,
    /// Runs while something waits to be taken.
    window: Option<Pin<Box<Sleep>>>,
    /// What was taken, or sent by the other end, in the window.
    taken: usize,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S) -> Paced<S> {
        Paced { stream, window: None, taken: 0 }
    }

    /// What a write came to, unless the other end was too slow for too long.
    fn paced(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<Result<usize>>,
    ) -> Poll<Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.taken += bytes;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => loop {
                let window = self.window.get_or_insert_with(|| {
                    self.taken = 0;
                    Box::pin(sleep(WRITE_PACE_TIME))
                });
                if window.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                if self.taken < WRITE_PACE_BYTES_MIN {
                    let slow = Error::new(ErrorKind::TimedOut, "the client does not read");
                    return Poll::Ready(Err(slow));
                }
                self.window = None;
            },
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        // Most clients read their answer only when they have sent everything, and the answer to a batch begins before.
        self.taken += buffer.filled().len() - before;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.paced(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        // Everything was handed over: nobody is waited for.
        self.window = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    /// Smaller than what is written, as a kernel's buffer is smaller than a large answer.
    const BUFFER_BYTES: usize = 1_024;

    /// Sends an answer to a client that takes `bytes` in each window, and says how it ends. Time is the runtime's own,
    /// which jumps to the next moment at which anything is due.
    fn sent_to_a_client_that_takes(bytes: usize, answer_bytes: usize) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (server, client) = duplex(BUFFER_BYTES);
            let reading = tokio::spawn(take(client, bytes));
            let mut server = Paced::new(server);
            let sent = server.write_all(&vec![1; answer_bytes]).await;
            reading.abort();
            sent
        })
    }

    async fn take(mut client: DuplexStream, bytes: usize) {
        let mut buffer = vec![0; bytes];
        loop {
            sleep(WRITE_PACE_TIME - std::time::Duration::from_millis(1)).await;
            if client.read_exact(&mut buffer).await.is_err() {
                return;
            }
        }
    }

    /// What becomes of an answer that nobody takes, to a client that sends `bytes` in each window while it is written.
    fn sent_to_a_client_that_sends(bytes: usize) -> Poll<ErrorKind> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (server, mut client) = duplex(BUFFER_BYTES);
            let sending = tokio::spawn(async move {
                loop {
                    sleep(WRITE_PACE_TIME - std::time::Duration::from_millis(1)).await;
                    client.write_all(&vec![1; bytes]).await.expect("read");
                }
            });
            let mut server = Paced::new(server);
            let mut buffer = vec![0; BUFFER_BYTES];
            let written = std::future::poll_fn(|context| {
                let mut read = ReadBuf::new(&mut buffer);
                while Pin::new(&mut server).poll_read(context, &mut read).is_ready() {
                    read.clear();
                }
                Pin::new(&mut server)
                    .poll_write(context, &[1; 2 * BUFFER_BYTES])
                    .map(|written| written.map_or_else(|error| Some(error.kind()), |_| None))
            });
            let ended = tokio::time::timeout(WRITE_PACE_TIME * 5, async {
                let mut written = written;
                loop {
                    if let Some(kind) = (&mut written).await {
                        return kind;
                    }
                }
            })
            .await;
            sending.abort();
            ended.map_or(Poll::Pending, Poll::Ready)
        })
    }

    #[test]
    fn a_client_that_still_sends_is_waited_for_and_one_that_trickles_is_not() {
        assert_eq!(sent_to_a_client_that_sends(WRITE_PACE_BYTES_MIN), Poll::Pending);
        let slower = sent_to_a_client_that_sends(WRITE_PACE_BYTES_MIN / 2);
        assert_eq!(slower, Poll::Ready(ErrorKind::TimedOut));
    }

    #[test]
    fn a_client_that_stops_reading_is_cut_off() {
        let ended = sent_to_a_client_that_takes(0, 100_000);
        assert_eq!(ended.expect_err("cut off").kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_client_at_the_slowest_pace_gets_everything_and_a_slower_one_is_cut_off() {
        let answer = WRITE_PACE_BYTES_MIN * 20;
        assert!(sent_to_a_client_that_takes(WRITE_PACE_BYTES_MIN, answer).is_ok());
        let slower = sent_to_a_client_that_takes(WRITE_PACE_BYTES_MIN * 3 / 4, answer);
        assert_eq!(slower.expect_err("cut off").kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn an_answer_that_fits_the_buffer_is_never_timed() {
        assert!(sent_to_a_client_that_takes(0, BUFFER_BYTES).is_ok());
    }
}
