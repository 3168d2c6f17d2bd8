//! A connection for the time of one call: one transaction, or, for statements that cannot run in
//! one, none.
//!
//! Every wait for the server ends at the call's deadline, or when the client gives up. The
//! statement is then cancelled behind the caller's back ([`super::stop`]), and the connection
//! closed: a cancel request that comes late would hit the next statement.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Duration, Instant};
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::Call;
use super::database::Shared;
use super::error::{from_postgres, in_parameter, in_text, is_lost};
use super::latch::Latch;
use super::pool::Lease;
use super::stop::{self, Running};
use crate::error::{Kind, ToolError};

/// How long the end of a read-only transaction may take until the connection is closed instead.
const RESET_LIMIT: Duration = Duration::from_secs(2);

/// Most notices of one session that are passed on: a statement may raise millions.
const MAX_NOTICES: u32 = 1_000;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A read-only transaction that is rolled back.
    ReadOnly,
    /// A transaction that may be committed.
    Write,
    /// No transaction: each statement by itself.
    Autocommit,
}

/// A connection with the call that uses it.
///
/// After an error of kind `timeout`, `cancelled` or `database_unavailable`, and after a result
/// that was cut by bytes, the session is over: further statements fail.
pub struct Session {
    lease: Option<Lease>,
    shared: Arc<Shared>,
    call: Call,
    deadline: Instant,
    mode: Mode,
    running: Option<Running>,
    pid: i32,
    failed: bool,
    notices: u32,
}

/// Why a statement has no result.
pub(super) struct Failure {
    error: ToolError,
    lost: bool,
}

impl Failure {
    /// An error in a statement that starts with `prefix_chars` of ours before the user's `sql`.
    pub(super) fn in_text(error: &tokio_postgres::Error, sql: &str, prefix_chars: usize) -> Self {
        Self { error: in_text(error, sql, prefix_chars), lost: is_lost(error) }
    }

    /// An error in one of the `texts` that were given as parameters, or anywhere else.
    pub(super) fn in_parameter(error: &tokio_postgres::Error, texts: &[&str]) -> Self {
        Self { error: in_parameter(error, texts), lost: is_lost(error) }
    }

    /// An answer that does not look as it must.
    pub(super) fn unexpected(what: &str) -> Self {
        let error = ToolError::new(Kind::Internal, format!("server answered unexpectedly: {what}"));
        Self { error, lost: true }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self { error: from_postgres(&error), lost: is_lost(&error) }
    }
}

/// How a wait for the server ended.
enum Outcome<T> {
    Done(Result<T, Failure>),
    Interrupted(Kind),
}

impl Session {
    /// Begins the transaction, if any.
    ///
    /// # Errors
    /// Whatever the server answers, or why there is no answer. [`Session::is_over`] tells whether
    /// the connection was lost.
    pub(super) async fn begin(
        shared: Arc<Shared>,
        mut lease: Lease,
        call: Call,
        deadline: Instant,
        mode: Mode,
    ) -> Result<Self, (ToolError, bool)> {
        let text = lease.connection().map(|connection| {
            // Of the user of the connection before.
            while connection.notices.try_recv().is_ok() {}
            connection.begin.text(mode, call.timeout, &connection.latch)
        });
        let mut session = Self {
            lease: Some(lease),
            shared,
            call,
            deadline,
            mode,
            running: None,
            pid: 0,
            failed: false,
            notices: 0,
        };
        let text = text.unwrap_or_default();
        let result = session
            .run(&[&text], async |client| Ok(client.simple_query(&text).await?))
            .await
            .and_then(|answer| session.note_facts(&answer));
        match result {
            Ok(()) => Ok(session),
            Err(error) => Err((error, session.is_over())),
        }
    }

    /// Reads the row that [`super::begin::Begin::text`] asks for.
    fn note_facts(&mut self, answer: &[SimpleQueryMessage]) -> Result<(), ToolError> {
        let row = answer.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let value = |index| row.and_then(|row| row.get(index));
        self.pid = value(0)
            .and_then(|pid| pid.parse().ok())
            .ok_or_else(|| Failure::unexpected("no process id").error)?;
        if value(1) != Some("on") {
            return Err(ToolError::new(
                Kind::Unsupported,
                "setting \"standard_conforming_strings\" is off",
            )
            .with_hint(
                "Switch it on for the role: ALTER ROLE … SET standard_conforming_strings = on.",
            ));
        }
        Ok(())
    }

    /// Process id of the backend that serves the transaction. Behind a pooler, and without a
    /// transaction, that of the first statement.
    #[must_use]
    pub const fn backend_pid(&self) -> i32 {
        self.pid
    }

    /// Whether the session has lost its connection.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.lease.is_none()
    }

    /// Time left until the deadline.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Rolls a read-only transaction back and gives the connection to the next call, if nothing
    /// is left in it. A writing session's connection is closed, and a transaction that was not
    /// committed rolled back.
    pub async fn finish(mut self) {
        let Some(mut lease) = self.lease.take() else { return };
        if self.mode != Mode::ReadOnly {
            return;
        }
        let Some(connection) = lease.connection() else { return };
        let client = Arc::clone(&connection.client);
        let is_latched = connection.latch == Latch::Session;
        match tokio::time::timeout(RESET_LIMIT, reset(&client, is_latched)).await {
            Ok(Ok(true)) => lease.give_back(),
            Ok(Ok(false)) => tracing::debug!("connection closed: a call left state behind"),
            Ok(Err(error)) => {
                tracing::debug!(error = %from_postgres(&error), "connection closed");
            }
            Err(_) => tracing::debug!("connection closed: rollback took too long"),
        }
    }

    /// Commits the transaction of `begin_write`.
    ///
    /// # Errors
    /// What the server answers, such as a deferred constraint; [`Kind::Internal`] when there is no
    /// transaction to commit, or a statement in it failed. When the answer does not come, the
    /// detail says that the outcome is not known.
    pub async fn commit(mut self) -> Result<(), ToolError> {
        if self.mode != Mode::Write {
            return Err(ToolError::new(Kind::Internal, "there is no transaction to commit"));
        }
        if self.failed {
            return Err(ToolError::new(
                Kind::Internal,
                "transaction with a failed statement cannot be committed",
            ));
        }
        let result =
            self.run(&["commit"], async |client| Ok(client.batch_execute("commit").await?)).await;
        result.map_err(|error| match error.kind {
            Kind::Timeout | Kind::Cancelled | Kind::DatabaseUnavailable => {
                error.with_detail("Whether the transaction was committed is not known.")
            }
            _ => error,
        })
    }

    /// Runs `work`, whose statements are `texts`, until it is done, or the call is cancelled or
    /// out of time. Passes notices on meanwhile.
    pub(super) async fn run<T>(
        &mut self,
        texts: &[&str],
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, ToolError> {
        let Some(connection) = self.lease.as_mut().and_then(Lease::connection) else {
            return Err(ToolError::new(Kind::DatabaseUnavailable, "session is over")
                .with_hint("The connection was closed after an earlier failure; retry the call."));
        };
        let client = Arc::clone(&connection.client);
        self.running = Some(Running::new(texts));
        let outcome = {
            let mut work = pin!(work(&client));
            loop {
                tokio::select! {
                    biased;
                    result = &mut work => break Outcome::Done(result),
                    () = self.call.cancelled.cancelled() => {
                        break Outcome::Interrupted(Kind::Cancelled);
                    }
                    () = tokio::time::sleep_until(self.deadline) => {
                        break Outcome::Interrupted(Kind::Timeout);
                    }
                    Some(notice) = connection.notices.recv() => {
                        forward(&self.call, &mut self.notices, notice);
                    }
                }
            }
        };
        // The connection has read them before the end of the statement.
        drain(&self.call, &mut self.notices, &mut connection.notices);
        match outcome {
            Outcome::Done(result) => {
                self.running = None;
                result.map_err(|failure| self.note_failure(failure))
            }
            Outcome::Interrupted(kind) => {
                self.abandon();
                Err(self.interrupted(kind))
            }
        }
    }

    fn note_failure(&mut self, failure: Failure) -> ToolError {
        self.failed = true;
        if failure.lost {
            self.lease = None;
        }
        failure.error
    }

    fn interrupted(&self, kind: Kind) -> ToolError {
        match kind {
            Kind::Timeout => {
                let limit = self.call.timeout.as_secs_f64();
                ToolError::new(kind, format!("call took longer than {limit} s and was cancelled"))
                    .with_hint(
                        "Retry with a smaller scope: fewer tables, a narrower condition, fewer \
                         rows.",
                    )
            }
            _ => ToolError::new(kind, "call was cancelled by the client"),
        }
    }

    /// Ends the session at once. What runs on the server is cancelled in the background; until it
    /// has ended, the place in the pool stays taken.
    pub(super) fn abandon(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        let running = self.running.take().unwrap_or_default();
        let shared = Arc::clone(&self.shared);
        let stop = stop::stop(Arc::clone(&self.shared), lease, running, self.pid);
        // Not `tokio::spawn`: a session may be dropped outside of the runtime.
        shared.tasks.spawn_on(stop, &shared.runtime);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.abandon();
        }
        // Else the lease is dropped, which closes the connection.
    }
}

fn forward(call: &Call, count: &mut u32, notice: DbError) {
    if *count >= MAX_NOTICES {
        return;
    }
    *count += 1;
    if let Some(sink) = &call.notices {
        // Nobody listens any more: not a reason to fail.
        let _ = sink.send(notice);
    }
}

fn drain(call: &Call, count: &mut u32, notices: &mut UnboundedReceiver<DbError>) {
    while let Ok(notice) = notices.try_recv() {
        forward(call, count, notice);
    }
}

/// Rolls back, and undoes what a rollback leaves: session-level advisory locks and hypothetical
/// indexes. False when prepared statements remain, which a pooler's own might be among.
///
/// Not `DISCARD ALL`: behind a pooler it would take away what other clients have prepared.
async fn reset(client: &Client, is_latched: bool) -> Result<bool, tokio_postgres::Error> {
    if is_latched {
        // No such lock or index could be made, and it takes no call that would undo one.
        let rollback = "rollback /* mcp-bridge */; select /* mcp-bridge */ pg_catalog.count(*) \
             from pg_catalog.pg_prepared_statements";
        let answer = client.simple_query(rollback).await?;
        let none = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("0"));
        return Ok(answer.iter().any(none));
    }
    let rollback = "rollback /* mcp-bridge */; \
        select /* mcp-bridge */ pg_catalog.pg_advisory_unlock_all(), \
        (select pg_catalog.count(*) from pg_catalog.pg_prepared_statements), \
        (select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_extension as e \
         join pg_catalog.pg_namespace as n on n.oid = e.extnamespace \
         where e.extname = 'hypopg' \
         and pg_catalog.current_setting('hypopg.enabled', true) is not null)";
    let mut prepared = false;
    let mut hypopg_schema = None;
    for message in client.simple_query(rollback).await? {
        if let SimpleQueryMessage::Row(row) = message {
            prepared = row.get(1) != Some("0");
            hypopg_schema = row.get(2).map(str::to_owned);
        }
    }
    if let Some(schema) = hypopg_schema {
        client.batch_execute(&format!("select {schema}.hypopg_reset()")).await?;
    }
    Ok(!prepared)
}

#[cfg(test)]
mod tests {
    use super::super::{AnalysisSlot, BigNumbers, Caps, Database, Param};
    use super::*;

    /// The tools run on any thread of the runtime: compiles or does not.
    #[test]
    fn futures_are_send() {
        fn is_send<T: Send>(_: T) {}
        async fn all(database: Database, call: Call) -> Result<AnalysisSlot, ToolError> {
            let caps = Caps { rows: 1, bytes: 1, cell_chars: 1, big_numbers: BigNumbers::String };
            let mut session = database.read_only(&call).await?;
            session.rows("select $1", &[Param::Text(Some("a")), Param::Int(1)]).await?;
            session.query("select 1", &caps).await?;
            session.simple("show all", &caps).await?;
            session.finish().await;
            database.begin_write(&call).await?.commit().await?;
            database.server(&call).await?;
            database.ready().await?;
            database.analysis_slot(&call).await
        }
        fn check(database: Database, call: Call) {
            is_send(all(database, call));
        }
        let _ = check;
    }
}
