//! The door of a sealed vault: it says that it lives and that it is sealed, and takes what opens it.
//! Never knows a path, a token or a caller beyond that; there is no store, no log and no key behind it.
//! What opens it is taken from the host itself alone, unless the operator says otherwise.

use super::handlers::health::healthz;
use super::handlers::unsealing::{self, PATH};
use super::here::is_here;
use super::kept::Kept;
use super::problem::Problem;
use super::server::{Serving, accept};
use super::surround::{finished, language_of};
use crate::access::Code;
use crate::ambient::Random;
use crate::limits::{DRAIN_TIME_MAX, UNSEAL_REQUESTS_COUNT_MAX};
use crate::unlock::Unlocking;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::{IntoResponse as _, Response};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The way in while the vault is sealed. Cheap to clone.
#[derive(Clone)]
pub struct UnsealDoor {
    unlocking: Arc<Unlocking>,
    random: Arc<dyn Random>,
    /// Whether everything in this vault is invented.
    synthetic: bool,
    /// Whether what opens it is taken from other hosts too.
    from_network: bool,
    places: Arc<Semaphore>,
}

impl UnsealDoor {
    /// A door to what opens the vault. Ids of requests come from `random`.
    pub fn new(
        unlocking: Arc<Unlocking>,
        random: Arc<dyn Random>,
        synthetic: bool,
        from_network: bool,
    ) -> UnsealDoor {
        let places = Arc::new(Semaphore::new(UNSEAL_REQUESTS_COUNT_MAX));
        UnsealDoor { unlocking, random, synthetic, from_network, places }
    }
}

/// Serves a sealed vault until `until` resolves, whose value it gives. The address stays bound.
pub async fn serve_until_unsealed<T>(
    serving: &Serving,
    door: UnsealDoor,
    until: impl Future<Output = T>,
) -> T {
    let meet = move |peer: SocketAddr| {
        let door = door.clone();
        move |request| answer(door.clone(), peer, request)
    };
    let (given, graceful) = accept(serving, meet, until).await;
    // Whoever holds a connection open must not keep an open vault from serving.
    tokio::spawn(tokio::time::timeout(DRAIN_TIME_MAX, graceful.shutdown()));
    given
}

async fn answer(door: UnsealDoor, peer: SocketAddr, request: Request<Body>) -> Response {
    let language = language_of(request.headers());
    let synthetic = door.synthetic;
    let internal = || Problem::unrecorded(Code::Internal).into_response();
    let Ok(id) = door.random.bytes16() else {
        return finished(internal(), synthetic, [0; 16], language);
    };
    // A client that goes away leaves no try half counted.
    let work = Kept::new(async move { respond(&door, peer, request).await });
    let response = work.await.unwrap_or_else(|_| internal());
    finished(response, synthetic, id, language)
}

async fn respond(door: &UnsealDoor, peer: SocketAddr, request: Request<Body>) -> Response {
    let path = request.uri().path();
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if looks && path == "/healthz" {
        return healthz().await.into_response();
    }
    let brings = request.method() == Method::POST && path == PATH;
    if brings && (door.from_network || is_here(peer.ip(), request.headers())) {
        return match bring(door, request).await {
            Ok(said) => said,
            Err(problem) => problem.into_response(),
        };
    }
    Problem::unrecorded(Code::Sealed).into_response()
}

/// A place is for the work alone: a body that comes slowly, or never, keeps nobody else out.
async fn bring(door: &UnsealDoor, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let brought = unsealing::read(&parts.headers, body).await?;
    let place = door.places.try_acquire();
    let _place = place.map_err(|_| Problem::unrecorded(Code::Overloaded))?;
    unsealing::bring(&door.unlocking, brought).await.map(|said| said.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{HostClock, HostRandom};
    use crate::limits::UNSEAL_BODY_BYTES_MAX;
    use axum::http::{StatusCode, header};
    use gridvault_keys::{Envelope, RootKey, SharePlan, UnlockFile};

    /// Where whoever is on the host calls from.
    const HERE: &str = "127.71.86.1:5";

    fn sealed() -> UnsealDoor {
        let room = tempfile::tempdir().expect("a temporary directory");
        let path = room.path().join("unlock");
        let root = RootKey::generate().expect("randomness");
        let plan = SharePlan::new(2, 3).expect("inside the limits");
        let (envelope, _) = Envelope::seal_with_shares(&root, plan).expect("sealing");
        UnlockFile::create(&path, &[envelope]).expect("a new file");
        let clock = Arc::new(HostClock::new());
        let (unlocking, _unlocked) = Unlocking::begin(&path, None, clock).expect("an unlock file");
        UnsealDoor::new(Arc::new(unlocking), Arc::new(HostRandom::new()), false, false)
    }

    async fn brought(door: &UnsealDoor, peer: &str, body: Body) -> StatusCode {
        let request = Request::builder().method(Method::POST).uri(PATH);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.body(body).expect("a request");
        respond(door, peer.parse().expect("an address"), request).await.status()
    }

    async fn asked(door: &UnsealDoor, peer: &str) -> StatusCode {
        brought(door, peer, Body::from("{}")).await
    }

    /// A body that never brings anything.
    struct Never;

    impl hyper::body::Body for Never {
        type Data = axum::body::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }

    #[tokio::test]
    async fn bodies_that_never_come_keep_nobody_out() {
        let door = sealed();
        let slow = |_| Box::pin(brought(&door, HERE, Body::new(Never)));
        let mut all: Vec<_> = (0..4 * UNSEAL_REQUESTS_COUNT_MAX).map(slow).collect();
        for one in &mut all {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(one.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(asked(&door, HERE).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_body_is_taken_to_its_limit_and_refused_beyond() {
        let door = sealed();
        let of = |bytes| Body::from(format!("{:bytes$}", "{}"));
        let most = brought(&door, HERE, of(UNSEAL_BODY_BYTES_MAX)).await;
        assert_eq!(most, StatusCode::OK);
        let more = brought(&door, HERE, of(UNSEAL_BODY_BYTES_MAX + 1)).await;
        assert_eq!(more, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn so_many_are_taken_at_once_and_the_next_when_a_place_is_free() {
        let door = sealed();
        let others = u32::try_from(UNSEAL_REQUESTS_COUNT_MAX).expect("a few");
        let all = door.places.clone();
        let held = all.try_acquire_many(others - 1).expect("all places but one");
        assert_eq!(asked(&door, HERE).await, StatusCode::OK);
        let last = all.try_acquire().expect("the last place");
        assert_eq!(asked(&door, HERE).await, StatusCode::SERVICE_UNAVAILABLE);
        drop(last);
        assert_eq!(asked(&door, HERE).await, StatusCode::OK);
        drop(held);
    }

    #[tokio::test]
    async fn another_host_is_heard_only_where_the_operator_says_so() {
        let mut door = sealed();
        // A proxy on the host that says nothing of whom it speaks for is whoever is beyond it.
        for other in ["192.0.2.7:5", "127.0.0.1:5", "[::1]:5"] {
            door.from_network = false;
            assert_eq!(asked(&door, other).await, StatusCode::SERVICE_UNAVAILABLE, "{other}");
            door.from_network = true;
            assert_eq!(asked(&door, other).await, StatusCode::OK, "{other}");
        }
    }
}
