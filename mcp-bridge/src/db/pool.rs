//! Connections of one database: made when needed, kept for the next call, thrown away when there
//! is the least doubt about their state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_postgres::Client;
use tokio_postgres::error::DbError;

use super::begin::Begin;
use super::connect::{self, Canceller};
use super::error::from_postgres;
use super::latch::{self, Latch, Latching};
use crate::error::{Kind, ToolError};
use crate::settings::{ConnInfo, Limits};

#[cfg(test)]
mod tests;

/// A connection that was idle for longer is not trusted: network address translation forgets
/// connections silently, the earliest that is common after four minutes.
const MAX_IDLE: Duration = Duration::from_secs(120);

/// A backend's caches grow with its age, and a host name may have come to mean another server.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// How long to leave the server alone after a first failure to connect, and at most.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const MAX_DELAY: Duration = Duration::from_secs(4);

/// A connection and what is known of it.
pub(super) struct Connection {
    pub(super) client: Arc<Client>,
    pub(super) canceller: Canceller,
    pub(super) notices: UnboundedReceiver<DbError>,
    pub(super) begin: Arc<Begin>,
    pub(super) latch: Latch,
    epoch: u64,
    created: Instant,
    pub(super) last_used: Instant,
}

/// A connection that a call has. It goes back to the pool only by [`Lease::give_back`]; dropped,
/// it is closed, which makes the server roll back.
pub(super) struct Lease(Option<Object<Connector>>);

impl Lease {
    pub(super) fn new(object: Object<Connector>) -> Self {
        Self(Some(object))
    }

    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.0.as_deref_mut()
    }

    /// For a connection without a transaction, as it was when it was new.
    pub(super) fn give_back(mut self) {
        if let Some(mut object) = self.0.take() {
            object.last_used = Instant::now();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Closes the connection, and frees its place in the pool.
        drop(self.0.take().map(Object::take));
    }
}

/// Makes the connections of one pool.
pub(super) struct Connector {
    pub(super) conninfo: ConnInfo,
    limits: Arc<Limits>,
    latching: Latching,
    epoch: AtomicU64,
    begin: Mutex<Option<Arc<Begin>>>,
    failures: Mutex<Failures>,
}

impl Connector {
    pub(super) fn new(conninfo: ConnInfo, limits: Arc<Limits>, latching: Latching) -> Self {
        let (begin, failures) = (Mutex::default(), Mutex::default());
        Self { conninfo, limits, latching, epoch: AtomicU64::new(0), begin, failures }
    }

    /// Has the connections that there are not be used again: what they were made for has changed.
    pub(super) fn outdate(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    async fn connect(&self) -> Result<Connection, ToolError> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let (sink, notices) = mpsc::unbounded_channel();
        let connected = connect::connect(&self.conninfo, sink).await?;
        let begin = self.begin(&connected.client).await?;
        let (client, canceller) = (&connected.client, &connected.canceller);
        let latch = latch::close(client, canceller, self.latching, &self.limits).await?;
        let now = Instant::now();
        Ok(Connection {
            client: Arc::new(connected.client),
            canceller: connected.canceller,
            notices,
            begin,
            latch,
            epoch,
            created: now,
            last_used: now,
        })
    }

    /// What to begin a transaction with: asked once a server version.
    async fn begin(&self, client: &Client) -> Result<Arc<Begin>, ToolError> {
        let query = "select pg_catalog.current_setting('server_version_num')";
        let error = |error| from_postgres(&error);
        let rows = client.query_typed(query, &[]).await.map_err(error)?;
        let version: &str =
            rows.first().map(|row| row.try_get(0)).transpose().map_err(error)?.unwrap_or_default();
        let version_num = version
            .parse()
            .map_err(|_| ToolError::new(Kind::Unsupported, "server does not say its version"))?;
        let known = lock(&self.begin).clone().filter(|begin| begin.version_num == version_num);
        if let Some(begin) = known {
            return Ok(begin);
        }
        let begin = Arc::new(Begin::probe(client, version_num, &self.limits).await.map_err(error)?);
        *lock(&self.begin) = Some(Arc::clone(&begin));
        Ok(begin)
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = ToolError;

    async fn create(&self) -> Result<Connection, ToolError> {
        let started = Instant::now();
        if let Some(error) = lock(&self.failures).refusal(started) {
            return Err(error);
        }
        // Boxed: the future is large, and those that hold it are polled on small stacks.
        let result = Box::pin(self.connect()).await;
        let mut failures = lock(&self.failures);
        match &result {
            Ok(_) => *failures = Failures::default(),
            Err(error) => failures.record(started, Instant::now(), error),
        }
        result
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<Self::Error> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        if connection.last_used.elapsed() > MAX_IDLE || connection.created.elapsed() > MAX_AGE {
            return Err(RecycleError::message("old"));
        }
        if connection.epoch != self.epoch.load(Ordering::Relaxed) {
            return Err(RecycleError::message("made for another state of the server"));
        }
        Ok(())
    }
}

/// Back-off after failures to connect: while it lasts, calls get the last error at once.
#[derive(Default)]
struct Failures {
    count: u32,
    last: Option<(Instant, ToolError)>,
}

impl Failures {
    /// Pause after this many failures in a row.
    fn delay(&self) -> Duration {
        FIRST_DELAY.saturating_mul(1 << self.count.saturating_sub(1).min(16)).min(MAX_DELAY)
    }

    /// The last error, when it is too early to try again.
    fn refusal(&self, now: Instant) -> Option<ToolError> {
        let (at, error) = self.last.as_ref()?;
        let age = now.saturating_duration_since(*at);
        let wait = self.delay().checked_sub(age)?;
        let mut error = error.clone();
        let note = format!(
            "Tried {:.1} s ago, {} time(s) in a row; the next try is in {:.1} s.",
            age.as_secs_f64(),
            self.count,
            wait.as_secs_f64(),
        );
        error.detail = Some(match error.detail {
            Some(detail) => format!("{detail} {note}"),
            None => note,
        });
        Some(error)
    }

    /// Of attempts side by side only the first to fail counts.
    fn record(&mut self, started: Instant, now: Instant, error: &ToolError) {
        if self.last.as_ref().is_some_and(|(at, _)| started < *at) {
            return;
        }
        self.count += 1;
        self.last = Some((now, error.clone()));
    }
}

/// Nothing that is done under these locks leaves a value half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
