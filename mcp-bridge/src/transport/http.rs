//! The HTTP listener: addresses, connections, shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rmcp::handler::server::ServerHandler;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::routes::{self, Readiness};
use super::{HttpOptions, TransportError};

/// How long a client may take to send the head of a request, and be silent between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long connections may take to close when all streams have ended.
const CLOSING: Duration = Duration::from_secs(1);

/// Connections too many that are told so at a time; those beyond are closed without a word.
const TOLD: usize = 32;

/// How long telling that may take.
const TELLING: Duration = Duration::from_secs(1);

/// What a connection too many is told.
const NO_ROOM: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n\
    connection: close\r\ncontent-type: text/plain\r\ncontent-length: 30\r\n\r\n\
    too many connections are open\n";

/// Sockets that are bound, not yet served.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    options: HttpOptions,
}

impl Listener {
    /// Binds every address that the option's host and port stand for.
    ///
    /// # Errors
    /// [`TransportError::Settings`] for an address that is not loopback without tokens, and for a
    /// path that cannot be; [`TransportError::Bind`].
    pub async fn bind(options: HttpOptions) -> Result<Self, TransportError> {
        routes::check_paths(&options)?;
        let failed = |source| TransportError::Bind { address: options.address.clone(), source };
        let addresses: Vec<SocketAddr> =
            lookup_host(&options.address).await.map_err(failed)?.collect();
        check_exposure(&options, &addresses)?;
        let mut sockets: Vec<TcpListener> = Vec::new();
        let mut last = None;
        for mut address in addresses {
            // A port that was picked is the same for all addresses.
            if let (0, Some(first)) = (address.port(), sockets.first()) {
                address.set_port(first.local_addr().map_err(failed)?.port());
            }
            match TcpListener::bind(address).await {
                Ok(socket) => sockets.push(socket),
                // A name may stand for an address family that the machine does not have.
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(error) if sockets.is_empty() || error.kind() == io::ErrorKind::AddrInUse => {
                Err(failed(error))
            }
            None if sockets.is_empty() => Err(failed(io::ErrorKind::AddrNotAvailable.into())),
            _ => Ok(Self { sockets, options }),
        }
    }

    /// The addresses, with the port that was picked.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Serves until `shutdown`. Then calls that run may end for [`HttpOptions::drain`], and what is
    /// still open after that is closed.
    pub async fn serve<H: ServerHandler + Clone>(
        self,
        handler: H,
        ready: Readiness,
        shutdown: CancellationToken,
    ) {
        // Also when this is dropped, nothing stays behind.
        let ending = CancellationToken::new();
        let _all_ends = ending.clone().drop_guard();
        let calls = TaskTracker::new();
        let (app, sessions) = routes::router(handler, &self.options, ready, &ending, &calls);
        let mut sweeping = JoinSet::new();
        sweeping.spawn(async move { sessions.sweep().await });
        let connections = TaskTracker::new();
        let house = House {
            app,
            places: Arc::new(Semaphore::new(self.options.max_connections)),
            told: Arc::new(Semaphore::new(TOLD)),
            connections: connections.clone(),
            stall: self.options.stall_timeout,
            shutdown,
            cut: CancellationToken::new(),
        };
        let _all_cut = house.cut.clone().drop_guard();
        let mut accepting = JoinSet::new();
        for socket in self.sockets {
            accepting.spawn(house.clone().accept(socket));
        }
        while accepting.join_next().await.is_some() {}
        calls.close();
        if tokio::time::timeout(self.options.drain, calls.wait()).await.is_err() {
            tracing::warn!(running = calls.len(), "calls were cut off");
        }
        ending.cancel();
        connections.close();
        if tokio::time::timeout(CLOSING, connections.wait()).await.is_err() {
            tracing::warn!(open = connections.len(), "connections were cut off");
        }
    }
}

fn check_exposure(options: &HttpOptions, addresses: &[SocketAddr]) -> Result<(), TransportError> {
    let exposed = addresses.iter().find(|address| !address.ip().is_loopback());
    match exposed {
        Some(address) if options.tokens.is_empty() && !options.no_auth => {
            Err(TransportError::Settings(format!(
                "{} can be reached from other machines, and no token is required; set \
                 MCP_BRIDGE_AUTH_TOKEN or --auth-token-file, or give --no-auth",
                address.ip()
            )))
        }
        _ => Ok(()),
    }
}

/// What connections have in common.
#[derive(Clone)]
struct House {
    app: Router,
    places: Arc<Semaphore>,
    told: Arc<Semaphore>,
    connections: TaskTracker,
    stall: Duration,
    /// No more requests.
    shutdown: CancellationToken,
    /// No more bytes.
    cut: CancellationToken,
}

impl House {
    /// Accepts connections until the shutdown.
    async fn accept(self, socket: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = self.shutdown.cancelled() => return,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file handles, most likely: some will be closed soon.
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => {
                    let house = self.clone();
                    self.connections.spawn(async move {
                        let _place = place;
                        tokio::select! {
                            () = house.serve(stream) => {}
                            () = house.cut.cancelled() => {}
                        }
                    });
                }
                Err(_) => self.turn_away(stream),
            }
        }
    }

    async fn serve(&self, stream: TcpStream) {
        // Answers are small, and a client waits for each.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection cannot be made fast");
        }
        let mut stream = Box::pin(TimeoutStream::new(stream));
        // A client that takes nothing must not hold its place, its session and its answers.
        stream.as_mut().set_write_timeout_pinned(Some(self.stall));
        let app = self.app.clone();
        let service = TowerToHyperService::new(
            app.map_request(|request: http::Request<_>| request.map(Body::new)),
        );
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let mut served = std::pin::pin!(served);
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }

    /// Tells a client that there is no room for it.
    fn turn_away(&self, mut stream: TcpStream) {
        tracing::warn!("too many connections: one was closed");
        let Ok(told) = Arc::clone(&self.told).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _told = told;
            let tell = async {
                stream.write_all(NO_ROOM).await?;
                stream.shutdown().await?;
                // What the client has sent must be read, or it would not see the answer.
                let mut sent = [0; 1024];
                while stream.read(&mut sent).await? > 0 {}
                io::Result::Ok(())
            };
            if let Ok(Err(error)) = tokio::time::timeout(TELLING, tell).await {
                tracing::debug!(%error, "a connection too many has gone");
            }
        });
    }
}
