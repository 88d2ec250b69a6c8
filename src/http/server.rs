//! Accepts connections and serves them until told to stop.
//! Never waits for a client that does not write or read, and never has more connections than its limits.
//! HTTP/1.1 alone: one request at a time on a connection is all that a grid system needs.

use super::admission::Sources;
use super::paced::Paced;
use super::rooms::Rooms;
use super::routes::door;
use super::surround::{Peer, surround};
use crate::limits::{
    ACCEPT_PAUSE, CONNECTIONS_COUNT_MAX, DRAIN_TIME_MAX, HEADER_BYTES_MAX, HEADER_TIME_MAX,
    HEADERS_COUNT_MAX,
};
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A server that is bound and not yet serving.
pub struct Serving {
    listener: TcpListener,
}

impl Serving {
    /// Binds an address.
    ///
    /// # Errors
    /// The system's, when the address is taken or not ours.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Serving> {
        Ok(Serving { listener: TcpListener::bind(address).await? })
    }

    /// Goes on with a socket that listens already.
    ///
    /// # Errors
    /// The system's.
    pub fn over(socket: std::net::TcpListener) -> std::io::Result<Serving> {
        socket.set_nonblocking(true)?;
        Ok(Serving { listener: TcpListener::from_std(socket)? })
    }

    /// The socket, for whoever goes on with it. It listens on, and whoever comes waits.
    ///
    /// # Errors
    /// The system's.
    pub fn into_socket(self) -> std::io::Result<std::net::TcpListener> {
        self.listener.into_std()
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What becomes of the address when serving ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is let go of: whoever comes is turned away at once.
    ForGood,
    /// It stays bound for whoever goes on with it: whoever comes waits, and nobody else can have it meanwhile.
    HandOver,
    /// The same, and open requests are not waited for.
    HandOverAtOnce,
}

/// Serves until `stop` resolves, and then lets open requests finish for a while. Gives the server back where its address is
/// to be handed over.
pub async fn serve(
    serving: Serving,
    rooms: Arc<Rooms>,
    stop: impl Future<Output = Stop>,
) -> Option<Serving> {
    let door = door(rooms);
    let meet = move |peer: SocketAddr| {
        let (door, peer) = (door.clone(), Peer::new(peer));
        move |mut request: hyper::Request<Body>| {
            request.extensions_mut().insert(peer.clone());
            surround(door.clone(), request)
        }
    };
    let (stopped, graceful) = accept(&serving, meet, stop).await;
    let kept = match stopped {
        Stop::HandOver | Stop::HandOverAtOnce => Some(serving),
        Stop::ForGood => {
            drop(serving);
            None
        }
    };
    let time = if stopped == Stop::HandOverAtOnce { Duration::ZERO } else { DRAIN_TIME_MAX };
    let _all_or_time = tokio::time::timeout(time, graceful.shutdown()).await;
    kept
}

/// Accepts connections until `until` resolves. `meet` gives what answers the requests of a connection. What comes out beside
/// the value are the connections that are open still.
pub(super) async fn accept<T, S, F>(
    serving: &Serving,
    meet: impl Fn(SocketAddr) -> S,
    until: impl Future<Output = T>,
) -> (T, GracefulShutdown)
where
    S: Fn(hyper::Request<Body>) -> F + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_COUNT_MAX));
    let sources = Arc::new(Sources::default());
    let mut until = std::pin::pin!(until);
    loop {
        let place = places.clone().acquire_owned();
        let accepted = tokio::select! {
            given = &mut until => return (given, graceful),
            accepted = async {
                let place = place.await;
                (serving.listener.accept().await, place)
            } => accepted,
        };
        let (Ok((stream, peer)), Ok(place)) = accepted else {
            // Too many open files and the like: let others close before the next try.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Closed without a word: an answer would have to be waited for.
        let Some(connected) = sources.connect(peer.ip()) else { continue };
        let _no_delay_is_only_speed = stream.set_nodelay(true);
        let answer = meet(peer);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answered = answer(request.map(Body::new));
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME_MAX)
            .max_buf_size(HEADER_BYTES_MAX)
            .max_headers(HEADERS_COUNT_MAX)
            .serve_connection(TokioIo::new(Paced::new(stream)), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks the protocol or goes away is its own affair.
            let _ended = watched.await;
            drop((place, connected));
        });
    }
}
