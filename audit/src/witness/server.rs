//! The door of the witness: two calls over HTTP/1, and bounds on everything that a caller can send or keep open.
//! Never reads more of a body than a request can have, and never lets a slow caller hold a place for long.
//! HTTP itself is hyper's work.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::keeper::{Keeper, Reply};
use crate::constants::{CHECKPOINT_FILE, NOTE_BYTES_MAX, PROOF_HASHES_MAX};

/// Longest body of a request, in bytes: old size, 63 hashes in base64 with their line feeds, blank line, note.
const BODY_BYTES_MAX: usize = 32 + PROOF_HASHES_MAX * 45 + NOTE_BYTES_MAX;

/// Connections served at once; later ones wait in the kernel's backlog. A log keeps one open.
const CONNECTIONS_COUNT_MAX: usize = 64;

/// Time for the head of a request, and how long an idle connection stays open.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// Time for the body of a request.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// Pause after a connection could not be accepted, because descriptors are used up: others close meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound listener, so that its address can be told before anybody calls.
pub struct Listening {
    listener: std::net::TcpListener,
}

impl Listening {
    /// Binds.
    ///
    /// # Errors
    /// The system's.
    pub fn bind(address: SocketAddr) -> io::Result<Listening> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Listening { listener })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves until the process ends. `now_seconds` is the witness's clock.
///
/// # Errors
/// When no runtime can be made.
pub fn serve(
    listening: Listening,
    keeper: Keeper,
    now_seconds: fn() -> u64,
) -> io::Result<Infallible> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(accept(listening, Arc::new(keeper), now_seconds))
}

async fn accept(
    listening: Listening,
    keeper: Arc<Keeper>,
    now_seconds: fn() -> u64,
) -> io::Result<Infallible> {
    let listener = TcpListener::from_std(listening.listener)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_COUNT_MAX));
    loop {
        let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let keeper = keeper.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, keeper.clone(), now_seconds));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME_MAX)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            // A caller that breaks off or talks nonsense hurts nobody but itself.
            let _broken_off = connection.await;
            drop(place);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    keeper: Arc<Keeper>,
    now_seconds: fn() -> u64,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let plain = |status: StatusCode| {
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = status;
        response
    };
    if path == "/add-checkpoint" {
        if request.method() != Method::POST {
            return Ok(plain(StatusCode::METHOD_NOT_ALLOWED));
        }
        let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
        let body = match tokio::time::timeout(BODY_TIME_MAX, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE)),
            Err(_) => return Ok(plain(StatusCode::REQUEST_TIMEOUT)),
        };
        // It syncs a disk: not on the thread that serves the others.
        let kept =
            tokio::task::spawn_blocking(move || keeper.add_checkpoint(&body, now_seconds())).await;
        return Ok(kept.map_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR), respond));
    }
    let hashed = path.strip_prefix('/').and_then(|path| path.strip_suffix(CHECKPOINT_FILE));
    let Some(hashed) = hashed.and_then(|path| path.strip_suffix('/')) else {
        return Ok(plain(StatusCode::NOT_FOUND));
    };
    if request.method() != Method::GET {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED));
    }
    Ok(respond(keeper.view(hashed)))
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = hyper::header::HeaderValue::from_static(reply.content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
