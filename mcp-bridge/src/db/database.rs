//! The databases of the process: a pool each, sessions from it, and what is remembered of the
//! server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, TimeoutType, Timeouts};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::Call;
use super::latch::Latching;
use super::pool::{Connector, Lease, lock};
use super::server::ServerInfo;
use super::session::{Mode, Session};
use crate::error::{Kind, ToolError};
use crate::settings::{ConnInfo, Limits, NamedDatabase};

/// How long the server's description, and its being there, are believed.
const SERVER_TTL: Duration = Duration::from_secs(60);
const READY_TTL: Duration = Duration::from_secs(5);

/// How long [`Database::ready`] waits for the server.
const READY_LIMIT: Duration = Duration::from_secs(5);

/// All databases of the process. Cheap to clone.
#[derive(Clone)]
pub struct Databases {
    databases: Arc<[Database]>,
    tasks: TaskTracker,
}

impl Databases {
    /// Databases that are connected to when first used. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`Kind::ConnectionMisconfigured`] when the pool's size is zero.
    pub fn new(
        databases: Vec<NamedDatabase>,
        limits: impl Into<Arc<Limits>>,
        latching: Latching,
    ) -> Result<Self, ToolError> {
        let limits = limits.into();
        let tasks = TaskTracker::new();
        let databases = databases
            .into_iter()
            .map(|named| Database::new(named, &limits, latching, tasks.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self { databases, tasks })
    }

    /// The databases' names, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.databases.iter().map(Database::name)
    }

    /// The database of that name; without a name, the first.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] that lists the names; [`Kind::ConnectionMisconfigured`] when
    /// there is no database at all.
    pub fn get(&self, name: Option<&str>) -> Result<Database, ToolError> {
        let Some(first) = self.databases.first() else {
            return Err(ToolError::new(Kind::ConnectionMisconfigured, "no database is configured"));
        };
        let Some(name) = name else { return Ok(first.clone()) };
        let found = self.databases.iter().find(|database| database.name() == name);
        found.cloned().ok_or_else(|| {
            let names: Vec<String> = self.names().map(|name| format!("\"{name}\"")).collect();
            ToolError::new(Kind::InvalidArgument, format!("no database is named \"{name}\""))
                .with_hint(format!("Databases are: {}.", names.join(", ")))
        })
    }

    /// Whether all databases answer.
    ///
    /// # Errors
    /// Why the first that does not answer does not.
    pub async fn ready(&self) -> Result<(), ToolError> {
        for database in self.databases.iter() {
            database.ready().await?;
        }
        Ok(())
    }

    /// Closes idle connections and waits, at most `limit`, until the statements of calls that
    /// were given up are cancelled. For the end of the process.
    pub async fn close(&self, limit: Duration) {
        for database in self.databases.iter() {
            database.shared.pool.close();
        }
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "statements may still run on the server: they were not cancelled in time"
            );
        }
    }
}

/// A permission to run a heavy analysis; given back when dropped.
#[derive(Debug)]
pub struct AnalysisSlot {
    _permit: OwnedSemaphorePermit,
}

/// One database: its pool and what is known of its server. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

/// What a database's sessions have in common.
pub(super) struct Shared {
    name: String,
    pool: Pool<Connector>,
    limits: Arc<Limits>,
    analysis: Arc<Semaphore>,
    server: Mutex<Option<(Instant, Arc<ServerInfo>)>>,
    ready: tokio::sync::Mutex<Option<(Instant, Result<(), ToolError>)>>,
    pub(super) tasks: TaskTracker,
    pub(super) runtime: Handle,
}

impl Shared {
    pub(super) fn conninfo(&self) -> &ConnInfo {
        &self.pool.manager().conninfo
    }

    /// Closes idle connections and forgets what the server was: it may be another one by now.
    fn new_epoch(&self) {
        self.pool.retain(|_, _| false);
        *lock(&self.server) = None;
    }
}

impl Database {
    fn new(
        named: NamedDatabase,
        limits: &Arc<Limits>,
        latching: Latching,
        tasks: TaskTracker,
    ) -> Result<Self, ToolError> {
        let runtime = Handle::try_current()
            .map_err(|error| ToolError::new(Kind::Internal, error.to_string()))?;
        if limits.pool_size == 0 {
            return Err(ToolError::new(
                Kind::ConnectionMisconfigured,
                "pool size must be at least 1",
            ));
        }
        let pool = Pool::builder(Connector::new(named.conninfo, Arc::clone(limits), latching))
            .max_size(limits.pool_size)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| ToolError::new(Kind::Internal, error.to_string()))?;
        let shared = Shared {
            name: named.name,
            pool,
            limits: Arc::clone(limits),
            analysis: Arc::new(Semaphore::new(1)),
            server: Mutex::default(),
            ready: tokio::sync::Mutex::default(),
            tasks,
            runtime,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// User, host, port and database, for messages. No password.
    #[must_use]
    pub fn describe(&self) -> String {
        self.shared.conninfo().describe()
    }

    /// A read-only transaction: everything in it sees one state of the database.
    ///
    /// # Errors
    /// [`Kind::Busy`] when all connections are taken for as long as a call may queue; why there
    /// is no connection; what the server answers.
    pub async fn read_only(&self, call: &Call) -> Result<Session, ToolError> {
        self.session(call, Mode::ReadOnly).await
    }

    /// A connection without a transaction, for statements that cannot run in one, such as VACUUM.
    /// It is closed afterwards. The server's own time-outs are not set: the call's deadline and
    /// its cancellation hold as long as this process lives.
    ///
    /// # Errors
    /// As [`Database::read_only`].
    pub async fn read_write(&self, call: &Call) -> Result<Session, ToolError> {
        self.session(call, Mode::Autocommit).await
    }

    /// A transaction that may write: end it with [`Session::commit`]. Its connection is closed
    /// afterwards.
    ///
    /// # Errors
    /// As [`Database::read_only`].
    pub async fn begin_write(&self, call: &Call) -> Result<Session, ToolError> {
        self.session(call, Mode::Write).await
    }

    async fn session(&self, call: &Call, mode: Mode) -> Result<Session, ToolError> {
        let deadline = Instant::now() + call.timeout;
        let mut retried = false;
        loop {
            let lease = Lease::new(self.checkout(call, deadline).await?);
            let shared = Arc::clone(&self.shared);
            let error = match Session::begin(shared, lease, call.clone(), deadline, mode).await {
                Ok(session) => return Ok(session),
                Err((error, is_lost)) => {
                    if is_lost {
                        // The server was restarted, or the network is gone: the other idle
                        // connections are no better.
                        self.shared.new_epoch();
                    }
                    error
                }
            };
            // Nothing was done yet, so it is safe to begin again.
            if retried || error.kind != Kind::DatabaseUnavailable {
                return Err(error);
            }
            retried = true;
        }
    }

    /// A connection out of the pool, or a new one.
    async fn checkout(
        &self,
        call: &Call,
        deadline: Instant,
    ) -> Result<Object<Connector>, ToolError> {
        let queue_wait = self.shared.limits.queue_wait;
        let left = deadline.saturating_duration_since(Instant::now());
        let timeouts =
            Timeouts { wait: Some(queue_wait.min(left)), create: Some(left), recycle: None };
        let result = tokio::select! {
            biased;
            () = call.cancelled.cancelled() => return Err(cancelled()),
            result = self.shared.pool.timeout_get(&timeouts) => result,
        };
        result.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(TimeoutType::Wait) => self.busy("connections of the bridge"),
            PoolError::Timeout(_) => ToolError::new(
                Kind::DatabaseUnavailable,
                format!("could not connect within {} s", left.as_secs()),
            )
            .with_detail(format!("Tried {}.", self.describe())),
            PoolError::Closed => {
                ToolError::new(Kind::DatabaseUnavailable, "the bridge is shutting down")
            }
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                ToolError::new(Kind::Internal, error.to_string())
            }
        })
    }

    fn busy(&self, what: &str) -> ToolError {
        let seconds = self.shared.limits.queue_wait.as_secs_f64();
        ToolError::new(
            Kind::Busy,
            format!("all {what} to database \"{}\" are taken", self.shared.name),
        )
        .with_detail(format!("Waited {seconds} s for one to be free."))
        .with_hint("Retry later, or make fewer calls at the same time.")
    }

    /// What server this is. Asked anew after a minute, and after a connection was lost.
    ///
    /// # Errors
    /// As [`Database::read_only`].
    pub async fn server(&self, call: &Call) -> Result<Arc<ServerInfo>, ToolError> {
        let known = lock(&self.shared.server).clone();
        if let Some((at, info)) = known
            && at.elapsed() < SERVER_TTL
        {
            return Ok(info);
        }
        let mut session = self.read_only(call).await?;
        let info = Arc::new(ServerInfo::probe(&mut session).await?);
        session.finish().await;
        let before = lock(&self.shared.server).replace((Instant::now(), Arc::clone(&info)));
        // Connections are latched by what was there when they were made.
        if before.is_some_and(|(_, before)| before.extensions != info.extensions) {
            self.shared.pool.manager().outdate();
        }
        Ok(info)
    }

    /// Whether the database answers. The answer is remembered for five seconds.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ready(&self) -> Result<(), ToolError> {
        // Held while asking: those that ask at the same time share the answer.
        let mut known = self.shared.ready.lock().await;
        if let Some((at, result)) = known.as_ref()
            && at.elapsed() < READY_TTL
        {
            return result.clone();
        }
        let result = match self.read_only(&Call::with_timeout(READY_LIMIT)).await {
            Ok(session) => {
                session.finish().await;
                Ok(())
            }
            // Somebody is being served.
            Err(error) if error.kind == Kind::Busy => Ok(()),
            Err(error) => Err(error),
        };
        *known = Some((Instant::now(), result.clone()));
        result
    }

    /// Waits for the permission to run a heavy analysis, of which a database gets one at a time.
    ///
    /// # Errors
    /// [`Kind::Busy`] after the queue's limit, [`Kind::Cancelled`].
    pub async fn analysis_slot(&self, call: &Call) -> Result<AnalysisSlot, ToolError> {
        let permit = Arc::clone(&self.shared.analysis).acquire_owned();
        let limit = self.shared.limits.queue_wait.min(call.timeout);
        let result = tokio::select! {
            biased;
            () = call.cancelled.cancelled() => return Err(cancelled()),
            result = tokio::time::timeout(limit, permit) => result,
        };
        match result {
            Ok(Ok(permit)) => Ok(AnalysisSlot { _permit: permit }),
            // The semaphore is never closed.
            Ok(Err(error)) => Err(ToolError::new(Kind::Internal, error.to_string())),
            Err(_) => Err(self.busy("places for an analysis")),
        }
    }
}

fn cancelled() -> ToolError {
    ToolError::new(Kind::Cancelled, "call was cancelled by the client")
}
