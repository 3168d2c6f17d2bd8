//! The server's latch, closed on every connection of a restricted bridge where the extension is:
//! from then on the server itself refuses whatever does more than read, from whichever depth.
//!
//! A latched session stays so until it ends. That is right for a connection of our own, and wrong
//! behind a pooler, which gives the session to others next: there each transaction is latched by
//! itself. Whether something is in between shows by the process id that the connection was
//! given for cancel requests: a pooler makes up its own.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf,
};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client};

use super::connect::Canceller;
use super::error::from_postgres;
use crate::error::{Kind, ToolError};
use crate::settings::Limits;

/// How connections are latched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Latching {
    /// Not at all: the bridge may write.
    Off,
    /// The session where the server is connected to directly, else each transaction.
    #[default]
    Auto,
    /// The session, whatever is in between.
    Session,
    /// Each transaction.
    Transaction,
}

/// What holds a connection to reading, beside its transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Latch {
    /// Nothing.
    Open,
    /// The session is latched.
    Session,
    /// The statement that latches a transaction.
    Transaction(String),
}

/// The statement time above the longest of a call: our own deadline comes first.
const GRACE: Duration = Duration::from_secs(2);

/// Most bytes of one answer. The bridge cuts far below; this is for what it would have to read before.
const MAX_BYTES: u32 = 64 << 20;

/// Temporary files of one process of the server, when the operator has set no limit.
const TEMP_FILES: u64 = 1 << 30;

/// Memory of a statement, when the operator has set no limit.
const MEMORY: u64 = 2 << 30;

/// The least that the latch takes for a limit on memory.
const LEAST_MEMORY: u64 = 16 << 20;

/// The schema of the extension, if it has the function; who serves the connection.
const FIND: &str = "
select pg_catalog.quote_ident(n.nspname), pg_catalog.pg_backend_pid()
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
where e.extname = 'mcp_advisor' and exists (
    select from pg_catalog.pg_proc as p
    where p.pronamespace = n.oid and p.proname = 'mcp_guard'
        and 'memory' = any (p.proargnames)
)";

/// Closes the latch of a new connection.
///
/// # Errors
/// When the extension is there and its latch cannot be closed: what is not safe is not used.
pub(super) async fn close(
    client: &Client,
    canceller: &Canceller,
    latching: Latching,
    limits: &Limits,
) -> Result<Latch, ToolError> {
    if latching == Latching::Off {
        return Ok(Latch::Open);
    }
    let error = |error| from_postgres(&error);
    let rows = client.query_typed(FIND, &[]).await.map_err(error)?;
    let Some(row) = rows.first() else { return Ok(Latch::Open) };
    let (schema, pid): (String, i32) =
        (row.try_get(0).map_err(error)?, row.try_get(1).map_err(error)?);
    let whole_session = match latching {
        Latching::Session => true,
        Latching::Auto => process_id(canceller.token()).await? == pid,
        Latching::Transaction | Latching::Off => false,
    };
    let call = call(&schema, limits, whole_session);
    if !whole_session {
        return Ok(Latch::Transaction(call));
    }
    client.batch_execute(&call).await.map_err(|error| refused(&error, &schema))?;
    Ok(Latch::Session)
}

/// The error that the function cannot be called.
fn refused(error: &tokio_postgres::Error, schema: &str) -> ToolError {
    let error = from_postgres(error);
    if error.kind.retryable() {
        return error;
    }
    ToolError::new(Kind::ConnectionMisconfigured, "the session could not be closed for changes")
        .with_detail(format!("{schema}.mcp_guard() failed: {error}"))
        .with_hint(format!("A superuser must run: GRANT USAGE ON SCHEMA {schema} TO PUBLIC;"))
}

/// The statement that closes the latch, with the limits as ceilings. `work_mem` and parallel workers
/// stay as they are for the role unless set, so that plans are those of the role.
fn call(schema: &str, limits: &Limits, whole_session: bool) -> String {
    let longest = limits.statement.max(limits.analysis) + GRACE;
    let work_mem = limits.work_mem.as_deref().and_then(bytes).map_or_else(
        || "pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem'))".to_owned(),
        |bytes| bytes.to_string(),
    );
    let temp_files = limits.temp_file_limit.as_deref().and_then(bytes).unwrap_or(TEMP_FILES);
    let memory = limits.statement_memory.as_deref().and_then(bytes).unwrap_or(MEMORY);
    let memory = memory.max(LEAST_MEMORY);
    let workers = limits.max_parallel_workers_per_gather.map_or_else(
        || "pg_catalog.current_setting('max_parallel_workers_per_gather')::integer".to_owned(),
        |workers| workers.to_string(),
    );
    format!(
        "select {schema}.mcp_guard(statement_time => '{} ms', lock_time => '{} ms', \
         work_mem => {work_mem}, temp_files => {temp_files}, parallel_workers => {workers}, \
         memory => {memory}, max_bytes => {MAX_BYTES}, this_transaction => {})",
        longest.as_millis(),
        limits.lock.as_millis(),
        !whole_session,
    )
}

/// A size as [`Limits::check`] lets it pass, in bytes.
fn bytes(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match size.get(digits.len()..)? {
        "B" => 0,
        "kB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return None,
    };
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(1 << shift)
        .filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// The process id that the connection has for cancel requests. The driver keeps it to itself, but
/// writes a request to any stream, such as one that leads nowhere.
async fn process_id(token: &CancelToken) -> Result<i32, ToolError> {
    let fault = |what: String| ToolError::new(Kind::Internal, format!("cancel request: {what}"));
    let (theirs, mut ours) = tokio::io::duplex(64);
    // That TLS is welcome, should it ask.
    ours.write_all(b"S").await.map_err(|error| fault(error.to_string()))?;
    token.cancel_query_raw(theirs, Nowhere).await.map_err(|error| fault(error.to_string()))?;
    let mut sent = Vec::new();
    ours.read_to_end(&mut sent).await.map_err(|error| fault(error.to_string()))?;
    // Length, code, process id, key: the last 16 bytes.
    let id = sent.len().checked_sub(8).and_then(|at| sent.get(at..)?.first_chunk());
    id.map(|id| i32::from_be_bytes(*id)).ok_or_else(|| fault(format!("{} bytes", sent.len())))
}

/// TLS that does nothing, for a stream that leads nowhere.
struct Nowhere;

struct Plain(DuplexStream);

impl TlsConnect<DuplexStream> for Nowhere {
    type Stream = Plain;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Plain>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        std::future::ready(Ok(Plain(stream)))
    }
}

impl TlsStream for Plain {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_bytes() {
        assert_eq!(bytes("64MB"), Some(64 << 20));
        assert_eq!(bytes("1B"), Some(1));
        assert_eq!(bytes("9999999999TB"), None);
        assert_eq!(bytes("64"), None);
    }

    #[test]
    fn the_role_s_own_settings_stay_unless_limits_say_otherwise() {
        let plain = call("s", &Limits::default(), true);
        assert!(plain.contains("current_setting('work_mem')"), "{plain}");
        assert!(plain.contains("statement_time => '57000 ms'"), "{plain}");
        assert!(plain.ends_with("this_transaction => false)"), "{plain}");
        let limits = Limits {
            work_mem: Some("8MB".into()),
            temp_file_limit: Some("2GB".into()),
            statement_memory: Some("1GB".into()),
            max_parallel_workers_per_gather: Some(3),
            ..Limits::default()
        };
        let limited = call("s", &limits, false);
        assert!(limited.contains("work_mem => 8388608, temp_files => 2147483648"), "{limited}");
        assert!(limited.contains("parallel_workers => 3"), "{limited}");
        assert!(limited.contains("memory => 1073741824,"), "{limited}");
        assert!(limited.ends_with("this_transaction => true)"), "{limited}");
    }
}
