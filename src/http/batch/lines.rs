//! The lines of a batch's body, one after the other, as they come.
//! Never holds more than one line and what came with it; a line beyond its limit is read away, not kept.
//! A line ends with a line feed or with the body; a body that broke off has no last line.

use crate::limits::{BATCH_LINE_TIME_MAX, BATCH_REST_BYTES_MAX, BODY_BYTES_MAX};
use axum::body::{Body, Bytes};
use hyper::body::Body as _;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::Sleep;
use zeroize::Zeroizing;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A line without its end.
    Line(Zeroizing<Vec<u8>>),
    /// A line that was too long, and was read away.
    TooLong,
    /// Nothing more: the client took too long for a line, or sent one without end.
    Endless,
    /// Nothing more.
    End,
}

/// A body that is read line by line.
pub(super) struct Lines {
    body: Body,
    piece: Bytes,
    line: Zeroizing<Vec<u8>>,
    /// Bytes of a line that is too long and were read away.
    skipped: Option<usize>,
    ended: bool,
    /// Runs while a line is waited for.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Lines {
    pub(super) fn new(body: Body) -> Lines {
        Lines {
            body,
            piece: Bytes::new(),
            line: Zeroizing::default(),
            skipped: None,
            ended: false,
            patience: None,
        }
    }

    pub(super) async fn next(&mut self) -> Input {
        poll_fn(|context| self.poll_next(context)).await
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Input> {
        loop {
            if let Some(length) = self.piece.iter().position(|byte| *byte == b'\n') {
                let last = self.piece.split_to(length + 1);
                self.take(&last[..length]);
                return Poll::Ready(self.finish());
            }
            let piece = std::mem::take(&mut self.piece);
            self.take(&piece);
            if self.skipped.is_some_and(|bytes| bytes > BATCH_REST_BYTES_MAX) {
                return Poll::Ready(self.give_up());
            }
            if self.ended {
                let begun = self.skipped.is_some() || !self.line.is_empty();
                return Poll::Ready(if begun { self.finish() } else { Input::End });
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.piece = frame.into_data().unwrap_or_default();
                }
                Poll::Ready(None) => self.ended = true,
                // The client went away: half a line is no line.
                Poll::Ready(Some(Err(_))) => {
                    self.give_up();
                    return Poll::Ready(Input::End);
                }
                Poll::Pending => {
                    let patience = self
                        .patience
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep(BATCH_LINE_TIME_MAX)));
                    return match patience.as_mut().poll(context) {
                        Poll::Ready(()) => Poll::Ready(self.give_up()),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }

    /// Adds to the line, or to what is read away of it.
    fn take(&mut self, bytes: &[u8]) {
        if let Some(skipped) = &mut self.skipped {
            *skipped += bytes.len();
        } else if self.line.len() + bytes.len() > BODY_BYTES_MAX {
            self.skipped = Some(self.line.len() + bytes.len());
            self.line = Zeroizing::default();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self) -> Input {
        self.patience = None;
        match self.skipped.take() {
            Some(_) => Input::TooLong,
            None => Input::Line(std::mem::take(&mut self.line)),
        }
    }

    fn give_up(&mut self) -> Input {
        self.ended = true;
        self.skipped = None;
        self.patience = None;
        self.piece.clear();
        self.line = Zeroizing::default();
        Input::Endless
    }

    /// Reads away what a client still sends behind the end of its batch, within bounds: most clients read their answer
    /// only when everything is sent.
    pub(super) async fn read_away(mut self) {
        let mut bytes = self.piece.len();
        let all = poll_fn(|context| {
            while bytes <= BATCH_REST_BYTES_MAX {
                match Pin::new(&mut self.body).poll_frame(context) {
                    Poll::Ready(Some(Ok(frame))) => {
                        bytes += frame.into_data().map_or(0, |data| data.len());
                    }
                    Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(())
        });
        let _in_time = tokio::time::timeout(BATCH_LINE_TIME_MAX, all).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};

    /// A body that comes in pieces of this size.
    fn in_pieces(bytes: &[u8], size: usize) -> Lines {
        struct Pieces(Vec<Bytes>);
        impl hyper::body::Body for Pieces {
            type Data = Bytes;
            type Error = std::convert::Infallible;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                _context: &mut Context<'_>,
            ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                Poll::Ready(self.0.pop().map(|piece| Ok(hyper::body::Frame::data(piece))))
            }
        }
        let pieces = bytes.chunks(size).rev().map(Bytes::copy_from_slice).collect();
        Lines::new(Body::new(Pieces(pieces)))
    }

    fn all(mut lines: Lines) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(async {
            let mut found = Vec::new();
            loop {
                found.push(match lines.next().await {
                    Input::Line(line) => String::from_utf8_lossy(&line).into_owned(),
                    Input::TooLong => "too long".to_owned(),
                    Input::Endless => "endless".to_owned(),
                    Input::End => return found,
                });
                assert!(found.len() < 100, "it never ends");
            }
        })
    }

    #[test]
    fn lines_come_whole_however_the_body_is_cut() {
        let body = "one\n\n三\r\nlast without an end".as_bytes();
        for size in 1..=body.len() {
            let found = all(in_pieces(body, size));
            assert_eq!(found, ["one", "", "三\r", "last without an end"], "{size}");
        }
        assert_eq!(all(in_pieces(b"one\n", 1)), ["one"]);
        assert!(all(in_pieces(b"", 1)).is_empty());
    }

    #[test]
    fn a_line_is_taken_at_the_limit_and_read_away_beyond_it() {
        let line = |bytes: usize| [vec![b'x'; bytes], b"\nnext".to_vec()].concat();
        for size in [1_000, 16_384, 2 * BODY_BYTES_MAX] {
            let found = all(in_pieces(&line(BODY_BYTES_MAX), size));
            assert_eq!((found[0].len(), found[1].as_str()), (BODY_BYTES_MAX, "next"));
            let found = all(in_pieces(&line(BODY_BYTES_MAX + 1), size));
            assert_eq!(found, ["too long", "next"]);
            let last = vec![b'x'; BODY_BYTES_MAX + 1];
            assert_eq!(all(in_pieces(&last, size)), ["too long"]);
        }
    }

    #[test]
    fn a_line_that_never_ends_ends_the_batch() {
        let body = vec![b'x'; BATCH_REST_BYTES_MAX + 64 * 1024];
        assert_eq!(all(in_pieces(&body, 16 * 1024)), ["endless"]);
    }

    #[test]
    fn half_a_line_of_a_client_that_went_away_is_no_line() {
        struct Broken(bool);
        impl hyper::body::Body for Broken {
            type Data = Bytes;
            type Error = std::io::Error;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                _context: &mut Context<'_>,
            ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                if std::mem::replace(&mut self.0, true) {
                    return Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())));
                }
                let piece = Bytes::from_static(b"whole\nhalf");
                Poll::Ready(Some(Ok(hyper::body::Frame::data(piece))))
            }
        }
        assert_eq!(all(Lines::new(Body::new(Broken(false)))), ["whole"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_takes_too_long_ends_the_batch() {
        struct Stuck(bool);
        impl hyper::body::Body for Stuck {
            type Data = Bytes;
            type Error = std::convert::Infallible;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                _context: &mut Context<'_>,
            ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                if std::mem::replace(&mut self.0, true) {
                    return Poll::Pending;
                }
                let piece = Bytes::from_static(b"one\nhal");
                Poll::Ready(Some(Ok(hyper::body::Frame::data(piece))))
            }
        }
        let mut lines = Lines::new(Body::new(Stuck(false)));
        assert_eq!(lines.next().await, Input::Line(Zeroizing::new(b"one".to_vec())));
        assert_eq!(lines.next().await, Input::Endless);
        assert_eq!(lines.next().await, Input::End);
    }

    #[test]
    fn what_is_read_away_is_bounded() {
        let rest =
            Full::new(Bytes::from(vec![0; BATCH_REST_BYTES_MAX])).map_err(|never| match never {});
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(Lines::new(Body::new(rest)).read_away());
    }
}
