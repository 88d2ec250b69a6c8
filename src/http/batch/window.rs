//! The lines of a batch that are worked on at once, answered in their order.
//! Never more than the window takes, in number and in bytes.
//! A line goes as far as it can when it comes in; the one in front is waited for.

use crate::limits::{BATCH_WINDOW_BYTES_MAX, BATCH_WINDOW_COUNT_MAX};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A line that is worked on, up to its answer.
pub(super) type Work<'a> = Pin<Box<dyn Future<Output = Vec<u8>> + Send + 'a>>;

enum State<'a> {
    Working(Work<'a>),
    Done(Vec<u8>),
}

/// What is worked on, the oldest in front.
#[derive(Default)]
pub(super) struct Window<'a> {
    lines: VecDeque<(usize, State<'a>)>,
    bytes: usize,
}

impl<'a> Window<'a> {
    /// Whether another line may come in. An empty window takes any line.
    pub(super) fn has_room(&self) -> bool {
        self.lines.len() < BATCH_WINDOW_COUNT_MAX && self.bytes < BATCH_WINDOW_BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Begins a line of so many bytes: it goes as far as it can.
    pub(super) async fn begin(&mut self, bytes: usize, mut work: Work<'a>) {
        let begun = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        let state = match begun {
            Poll::Ready(answer) => State::Done(answer),
            Poll::Pending => State::Working(work),
        };
        self.bytes += bytes;
        self.lines.push_back((bytes, state));
    }

    /// The answer of the line in front, once it is there.
    pub(super) fn poll_front(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let Some((_, state)) = self.lines.front_mut() else { return Poll::Ready(None) };
        if let State::Working(work) = state {
            match work.as_mut().poll(context) {
                Poll::Ready(answer) => *state = State::Done(answer),
                Poll::Pending => return Poll::Pending,
            }
        }
        match self.lines.pop_front() {
            Some((bytes, State::Done(answer))) => {
                self.bytes -= bytes;
                Poll::Ready(Some(answer))
            }
            _ => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    fn work<'a>(answer: oneshot::Receiver<u8>) -> Work<'a> {
        Box::pin(async move { vec![answer.await.expect("sent")] })
    }

    async fn front(window: &mut Window<'_>) -> Poll<Option<Vec<u8>>> {
        poll_fn(|context| Poll::Ready(window.poll_front(context))).await
    }

    #[tokio::test]
    async fn answers_keep_the_order_of_their_lines() {
        let mut window = Window::default();
        assert_eq!(front(&mut window).await, Poll::Ready(None));
        let mut senders = Vec::new();
        for _ in 0..3 {
            let (sender, receiver) = oneshot::channel();
            senders.push(sender);
            window.begin(10, work(receiver)).await;
        }
        let [first, second, third] = <[_; 3]>::try_from(senders).expect("three");
        third.send(3).expect("waited for");
        assert_eq!(front(&mut window).await, Poll::Pending);
        first.send(1).expect("waited for");
        assert_eq!(front(&mut window).await, Poll::Ready(Some(vec![1])));
        assert_eq!(front(&mut window).await, Poll::Pending);
        second.send(2).expect("waited for");
        assert_eq!(front(&mut window).await, Poll::Ready(Some(vec![2])));
        assert_eq!(front(&mut window).await, Poll::Ready(Some(vec![3])));
        assert!(window.is_empty());
    }

    #[tokio::test]
    async fn a_window_takes_lines_up_to_its_limits_in_number_and_in_bytes() {
        let done = || Box::pin(std::future::ready(Vec::new()));
        let mut window = Window::default();
        for _ in 0..BATCH_WINDOW_COUNT_MAX {
            assert!(window.has_room());
            window.begin(1, done()).await;
        }
        assert!(!window.has_room());
        assert_eq!(front(&mut window).await, Poll::Ready(Some(Vec::new())));
        assert!(window.has_room());
        let mut window = Window::default();
        window.begin(BATCH_WINDOW_BYTES_MAX - 1, done()).await;
        assert!(window.has_room());
        window.begin(1, done()).await;
        assert!(!window.has_room());
    }
}
