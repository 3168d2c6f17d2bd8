//! How a statement that nobody waits for any more is stopped.
//!
//! First the protocol's cancel request. Old poolers swallow it, so if the backend is still busy
//! after two seconds, `pg_cancel_backend` and at last `pg_terminate_backend` from a connection of
//! its own, for which the process id was read in the same transaction. The backend is sent a signal
//! only while its current statement is ours: without a transaction a pooler may have given it to
//! somebody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::connect;
use super::database::Shared;
use super::error::from_postgres;
use super::pool::{Connection, Lease};
use crate::error::{Kind, ToolError};

/// How long each means is given to take effect.
const PATIENCE: Duration = Duration::from_secs(2);

/// The statements that were sent and not yet answered.
#[derive(Default)]
pub(super) struct Running(Vec<String>);

impl Running {
    pub(super) fn new(texts: &[&str]) -> Self {
        Self(texts.iter().map(|text| (*text).to_owned()).collect())
    }
}

/// Stops `running` and closes the connection.
pub(super) async fn stop(shared: Arc<Shared>, mut lease: Lease, running: Running, pid: i32) {
    let Some(connection) = lease.connection() else { return };
    match timeout(PATIENCE, connection.canceller.cancel()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "cancel request failed"),
        Err(_) => tracing::debug!("cancel request took too long"),
    }
    if has_ended(connection).await {
        return;
    }
    for function in ["pg_cancel_backend", "pg_terminate_backend"] {
        match timeout(PATIENCE, signal(&shared, function, pid, &running)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, pid, "could not stop a statement"),
            Err(_) => tracing::warn!(pid, "could not stop a statement in time"),
        }
        if has_ended(connection).await {
            return;
        }
    }
    tracing::warn!(pid, "a statement goes on although it was cancelled");
}

/// Whether the connection answers, or is closed, within [`PATIENCE`].
async fn has_ended(connection: &Connection) -> bool {
    // Whether it succeeds does not matter: it is answered after what was sent before.
    timeout(PATIENCE, connection.client.batch_execute("rollback")).await.is_ok()
}

async fn signal(
    shared: &Shared,
    function: &str,
    pid: i32,
    running: &Running,
) -> Result<(), ToolError> {
    // Nobody is interested in the notices of this connection.
    let (sink, _notices) = mpsc::unbounded_channel();
    let connected = connect::connect(shared.conninfo(), sink).await?;
    // The column `query` has the beginning of the statement, up to track_activity_query_size.
    let text = format!(
        "select pg_catalog.{function}(a.pid) from pg_catalog.pg_stat_activity as a \
         where a.pid = $1 and a.usename = current_user and a.state = 'active' \
         and exists (select from pg_catalog.unnest($2) as t(sql) \
         where pg_catalog.starts_with(t.sql, a.query))"
    );
    let rows = connected
        .client
        .query_typed(&text, &[(&pid, Type::INT4), (&running.0, Type::TEXT_ARRAY)])
        .await
        .map_err(|error| from_postgres(&error))?;
    if rows.is_empty() {
        return Err(ToolError::new(Kind::Conflict, "the backend runs another statement by now"));
    }
    Ok(())
}
