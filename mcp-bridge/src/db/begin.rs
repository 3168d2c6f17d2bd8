//! The first message of a session: `BEGIN`, limits for this transaction only, and the backend's
//! process id, in one round trip.
//!
//! `SET LOCAL` and nothing else: behind a pooler in transaction mode the next transaction of the
//! connection may be another client's.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::latch::Latch;
use super::session::Mode;
use crate::settings::Limits;

/// How much later than our own deadline the server's time-outs come. They are for the case that
/// this process is gone; while it lives, it cancels, and knows why.
const GRACE: Duration = Duration::from_secs(1);

/// Settings whose values make results complete and independent of the role's own: digits of
/// floats, hexadecimal bytea, ISO dates (without touching the order in which dates are read), and
/// the lexer that the statement was checked with.
const FORMAT: [&str; 4] = [
    "set local standard_conforming_strings = on",
    "set local extra_float_digits = 1",
    "set local bytea_output = 'hex'",
    "set local datestyle = 'ISO'",
];

/// The settings that are set in every transaction on the servers of one pool.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    /// `server_version_num` of the server that was asked.
    pub(super) version_num: u32,
    /// Statements that set them.
    settings: Vec<String>,
}

impl Begin {
    /// Finds out which of the limits the server and the role allow.
    ///
    /// # Errors
    /// When the connection is lost. A limit that cannot be set is left out, with a warning when
    /// the operator asked for it.
    pub(super) async fn probe(
        client: &Client,
        version_num: u32,
        limits: &Limits,
    ) -> Result<Self, tokio_postgres::Error> {
        let mut settings = FORMAT.map(str::to_owned).to_vec();
        settings.push(format!("set local lock_timeout = {}", limits.lock.as_millis()));
        settings.push(format!(
            "set local idle_in_transaction_session_timeout = {}",
            limits.idle_in_transaction.as_millis()
        ));
        for (name, value, asked_for) in optional(limits) {
            match try_set(client, name, &value).await {
                Ok(()) => settings.push(format!("set local {name} = '{value}'")),
                Err(error) if super::error::is_lost(&error) => return Err(error),
                Err(error) if asked_for => {
                    let reason = super::error::from_postgres(&error);
                    tracing::warn!(setting = name, %reason, "limit is not in force");
                }
                Err(_) => {}
            }
        }
        Ok(Self { version_num, settings })
    }

    /// The first message of a session that ends after `timeout`. Its last row has the backend's
    /// process id and whether strings are read as they were checked.
    pub(super) fn text(&self, mode: Mode, timeout: Duration, latch: &Latch) -> String {
        let facts = "select pg_catalog.pg_backend_pid(), \
                     pg_catalog.current_setting('standard_conforming_strings')";
        let begin = match mode {
            Mode::ReadOnly => "begin isolation level repeatable read read only",
            Mode::Write => "begin read write",
            // Without a transaction there is nothing for a setting to be local to.
            Mode::Autocommit => return facts.to_owned(),
        };
        let timeout = format!("set local statement_timeout = {}", (timeout + GRACE).as_millis());
        let latch = match (latch, mode) {
            (Latch::Transaction(call), Mode::ReadOnly) => Some(call.as_str()),
            _ => None,
        };
        // Each is recorded by itself, and marked so that it is not taken for a user's.
        std::iter::once(begin)
            .chain(self.settings.iter().map(String::as_str))
            .chain([timeout.as_str()])
            .chain(latch)
            .chain([facts])
            .map(advisor_sql::marked)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Name, value and whether the operator asked for it.
fn optional(limits: &Limits) -> Vec<(&'static str, String, bool)> {
    let check = limits.connection_check.as_millis();
    // From PostgreSQL 14, and not on every platform.
    let mut settings = vec![("client_connection_check_interval", check.to_string(), false)];
    let mut add = |name, value: Option<String>| {
        settings.extend(value.map(|value| (name, value, true)));
    };
    add("work_mem", limits.work_mem.clone());
    // A superuser's, unless granted.
    add("temp_file_limit", limits.temp_file_limit.clone());
    let workers = limits.max_parallel_workers_per_gather;
    add("max_parallel_workers_per_gather", workers.map(|workers| workers.to_string()));
    settings
}

/// Sets `name` for the duration of this one statement, to see whether that is allowed.
async fn try_set(client: &Client, name: &str, value: &str) -> Result<(), tokio_postgres::Error> {
    let set = "select pg_catalog.set_config($1, $2, true)";
    client.query_typed(set, &[(&name, Type::TEXT), (&value, Type::TEXT)]).await.map(drop)
}
