//! A restricted bridge that is connected as superuser, with tight limits.

use std::time::{Duration, Instant};

use advisor_tests::bridge::command;
use advisor_tests::bridge::stdio::Pipe;
use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::resource::CEILING;
use super::world::World;

/// How long a statement may run.
pub(super) const LIMIT: Duration = Duration::from_secs(1);

impl Reply {
    /// Whether the statement was refused for what its names could lead to, on a server without the
    /// extension: of a statement of ours that is no effect of an attack.
    pub(super) fn is_guess(&self) -> bool {
        let error = &self.result["structuredContent"]["error"];
        let detail = error["detail"].as_str().unwrap_or_default();
        error["kind"] == "not_read_only" && detail.contains("is not in this database")
    }
}

/// A session of a client.
pub(super) struct Bridge {
    pipe: Pipe,
    /// By which the server knows its sessions.
    pub(super) application: String,
}

/// What came back.
pub(super) struct Reply {
    /// The result, or the error of the protocol.
    pub(super) result: Value,
    /// All messages until then, as text.
    pub(super) text: String,
    pub(super) took: Duration,
}

impl Bridge {
    pub(super) fn start(world: &World, database: &str, application: &str) -> Result<Self> {
        let mut command = command()?;
        let uri =
            format!("{}&application_name={application}", world.cluster.uri(database, "postgres"));
        command.env("DATABASE_URI", uri).args(["--pool-size", "1", "--lock-timeout", "500"]);
        command.args(["--statement-timeout", &LIMIT.as_secs().to_string()]);
        command.args(["--analysis-timeout", &LIMIT.as_secs().to_string()]);
        command.args(["--work-mem", "4MB", "--temp-file-limit", "64MB"]);
        command.args(["--statement-memory", CEILING]);
        let pipe = Pipe::initialized(&mut command)?;
        Ok(Self { pipe, application: application.to_owned() })
    }

    pub(super) fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> Result<Reply> {
        let begin = Instant::now();
        let params = json!({"name": tool, "arguments": arguments});
        let id = self.pipe.begin("tools/call", &params)?;
        let mut text = String::new();
        loop {
            let message = self.pipe.receive(Duration::from_secs(30))?;
            let mut message = message.with_context(|| format!("no answer to {params}"))?;
            text.push_str(&message.to_string());
            if message.get("id") == Some(&json!(id)) && message.get("method").is_none() {
                let result = message.get_mut("result").map(Value::take);
                let result = result.unwrap_or(message);
                return Ok(Reply { result, text, took: begin.elapsed() });
            }
        }
    }

    pub(super) fn sql(&mut self, sql: &str) -> Result<Reply> {
        self.call("execute_sql", &with_sql(Map::new(), sql))
    }

    /// What the next call finds in its session; the same for every call.
    pub(super) fn probe(&mut self) -> Result<Value> {
        let mut reply = self.sql(PROBE)?;
        // Some endings of a call give the only connection back a moment later.
        if reply.result["structuredContent"]["error"]["kind"] == "busy" {
            reply = self.sql(PROBE)?;
        }
        if reply.is_guess() {
            // What the setup planted could be meant by the probe's own names: ask for less.
            reply = self.sql(SHORT_PROBE)?;
        }
        if reply.is_guess() {
            return Ok(Value::Null);
        }
        ensure!(reply.result["isError"] != true, "next call: {}", reply.text);
        Ok(reply.result["structuredContent"]["rows"].clone())
    }

    pub(super) fn close(self) -> Result<()> {
        let ended = self.pipe.close()?;
        ensure!(ended.status.success(), "{}: {}", ended.status, ended.log);
        ensure!(!ended.log.contains("panicked"), "{}", ended.log);
        Ok(())
    }
}

/// Arguments with the statement among them.
pub(super) fn with_sql(mut arguments: Map<String, Value>, sql: &str) -> Map<String, Value> {
    arguments.insert("sql".to_owned(), Value::String(sql.to_owned()));
    arguments
}

/// As [`PROBE`], where everything that has a name of the statement counts.
const SHORT_PROBE: &str = "select current_user, session_user, \
    array(select name from pg_prepared_statements), array(select name from pg_cursors)";

/// Whatever of one call might reach the next.
const PROBE: &str = "select current_user, session_user, current_schemas(true)::text, \
    (select string_agg(name || '=' || setting, ', ' order by name) from pg_settings where source = 'session'), \
    (select string_agg(name, ', ') from pg_cursors), \
    (select string_agg(name, ', ') from pg_prepared_statements), \
    (select string_agg(c, ', ') from pg_listening_channels() as c), \
    (select count(*) from pg_locks where locktype = 'advisory'), \
    (select count(*) from pg_class where relpersistence = 't'), \
    coalesce(current_setting('attack.mark', true), ''), \
    current_setting('transaction_isolation'), current_setting('transaction_read_only')";
