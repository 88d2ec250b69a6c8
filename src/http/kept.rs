//! The work of one request: goes on when its client goes away, and answers even when it breaks.
//! Never moves a request to another task while its connection is there: a task costs more than many a read.
//! Whoever drops it unfinished leaves it to the runtime, so that nothing stops between its entry and its end.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a defect left behind.
pub(super) type Broken = Box<dyn Any + Send>;

/// Work that is done once it was begun.
pub(super) struct Kept<T: Send + 'static> {
    /// Nothing once it is done or broken.
    work: Option<Work<T>>,
}

impl<T: Send + 'static> Kept<T> {
    /// Work that has not begun.
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Kept<T> {
        Kept { work: Some(Box::pin(work)) }
    }
}

impl<T: Send + 'static> Future for Kept<T> {
    type Output = Result<T, Broken>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let work = self.work.as_mut().expect("a future is not polled again after it is ready");
        // INVARIANT: broken work is dropped at once, and what it shared is guarded against panics where it is kept.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(done)) => Ok(done),
            Err(broken) => Err(broken),
        };
        self.work = None;
        Poll::Ready(ended)
    }
}

impl<T: Send + 'static> Drop for Kept<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Waker;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_whose_client_goes_away_is_done_all_the_same() {
        let (go, wait) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let mut kept = Box::pin(Kept::new(async move {
            let _went = wait.await;
            let _nobody_asks = tell.send("done");
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(kept.as_mut().poll(&mut context).is_pending());
        drop(kept);
        go.send(()).expect("the work still waits");
        assert_eq!(told.await, Ok("done"));
    }

    #[tokio::test]
    async fn a_defect_is_an_answer() {
        assert!(
            Kept::new(async { std::hint::black_box(None::<u8>).expect("a defect") }).await.is_err()
        );
        assert!(matches!(Kept::new(async { 7 }).await, Ok(7)));
    }

    #[tokio::test]
    async fn work_is_begun_at_once_and_not_in_a_task_of_its_own() {
        let begun = Arc::new(AtomicBool::new(false));
        let mark = begun.clone();
        let mut kept = Box::pin(Kept::new(async move { mark.store(true, Ordering::SeqCst) }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(kept.as_mut().poll(&mut context).is_ready());
        assert!(begun.load(Ordering::SeqCst));
    }
}
