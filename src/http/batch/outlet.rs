//! The answer of a batch on its way: pieces that wait for their reader, bounded in bytes.
//! Never ends well unless the batch did: a batch that breaks off cuts its answer, so nobody takes it for whole.
//! A reader that went away, or takes nothing for too long, is told apart from a slow one by time alone.

use crate::limits::{BATCH_ANSWER_BYTES_MAX, BATCH_READER_TIME_MAX};
use axum::body::Bytes;
use hyper::body::Frame;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The reader is gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// The batch broke off.
#[derive(Debug, thiserror::Error)]
#[error("the batch broke off")]
pub(super) struct BrokeOff;

enum Piece {
    Answers(Bytes, OwnedSemaphorePermit),
    End,
}

/// Where answers go in.
pub(super) struct Outlet {
    pieces: UnboundedSender<Piece>,
    room: Arc<Semaphore>,
}

/// Where they come out: the body of the response.
pub(super) struct Answers {
    pieces: UnboundedReceiver<Piece>,
    ended: bool,
}

/// Both ends.
pub(super) fn outlet() -> (Outlet, Answers) {
    let (sender, receiver) = unbounded_channel();
    let room = Arc::new(Semaphore::new(BATCH_ANSWER_BYTES_MAX));
    (Outlet { pieces: sender, room }, Answers { pieces: receiver, ended: false })
}

impl Outlet {
    /// Sends a piece once there is room for it.
    pub(super) async fn send(&self, piece: Vec<u8>) -> Result<(), Gone> {
        let bytes = piece.len().min(BATCH_ANSWER_BYTES_MAX);
        let bytes = u32::try_from(bytes).map_err(|_| Gone)?;
        let room = self.room.clone().acquire_many_owned(bytes);
        let room = tokio::select! {
            room = tokio::time::timeout(BATCH_READER_TIME_MAX, room) => room,
            () = self.pieces.closed() => return Err(Gone),
        };
        let room = room.map_err(|_| Gone)?.map_err(|_| Gone)?;
        self.pieces.send(Piece::Answers(piece.into(), room)).map_err(|_| Gone)
    }

    /// Says that this is all.
    pub(super) fn end(self) {
        let _reader_gone = self.pieces.send(Piece::End);
    }
}

impl hyper::body::Body for Answers {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match self.pieces.poll_recv(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Piece::Answers(bytes, _room))) => {
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Poll::Ready(Some(Piece::End)) => {
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Ready(Some(Err(BrokeOff)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn answers_come_out_as_they_went_in_and_end() {
        let (outlet, answers) = outlet();
        outlet.send(b"one".to_vec()).await.expect("a reader");
        outlet.send(b"two".to_vec()).await.expect("a reader");
        outlet.end();
        let all = answers.collect().await.expect("whole").to_bytes();
        assert_eq!(all, b"onetwo".as_slice());
    }

    #[tokio::test]
    async fn a_batch_that_breaks_off_has_no_whole_answer() {
        let (outlet, answers) = outlet();
        outlet.send(b"one".to_vec()).await.expect("a reader");
        drop(outlet);
        assert!(answers.collect().await.is_err());
    }

    #[tokio::test]
    async fn a_reader_that_went_away_is_noticed() {
        let (outlet, answers) = outlet();
        drop(answers);
        assert_eq!(outlet.send(b"one".to_vec()).await, Err(Gone));
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_taken_up_to_the_limit_and_not_beyond_it() {
        let (outlet, mut answers) = outlet();
        outlet.send(vec![0; BATCH_ANSWER_BYTES_MAX]).await.expect("room");
        assert_eq!(outlet.send(vec![0]).await, Err(Gone));
        assert!(answers.frame().await.is_some());
        assert_eq!(outlet.send(vec![0]).await, Ok(()));
    }
}
