//! The report while an ALTER TABLE waits for a reader, and all who come after it wait as well.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use postgres::Client;
use serde_json::{Value, json};

use super::catalog::Catalog;
use super::reference::TOOL;
use super::{ALL, timed};
use crate::bench::Bench;
use crate::bench::bridge::reference::Reference;
use crate::bridge::{self, stdio::Pipe, wait_until};
use crate::cluster::{Cluster, SUPERUSER};
use crate::program::{Table, duration};

/// The table that everybody wants.
const WANTED: &str = "s0.t100";

/// Nobody waits longer for a report in an incident.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the report may take then.
const LIMIT: Duration = Duration::from_secs(3);

pub(super) fn measure(bench: &mut Bench<'_>, cluster: &Cluster, catalog: &Catalog) -> Result<()> {
    bench
        .progress
        .part(&format!("An ALTER TABLE waits for a reader of one of {}", catalog.title()));
    let mut reader = cluster.connect(catalog.name)?;
    reader.batch_execute(&format!("begin; select count(*) from {WANTED}"))?;
    let mut alterer = cluster.connect(catalog.name)?;
    let pid: i32 = alterer.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            alterer.batch_execute(&format!("begin; alter table {WANTED} add a integer; rollback"))
        });
        let outcome = queued(cluster, catalog, pid).and_then(|()| reports(bench, cluster, catalog));
        // Whatever came of it: the others wait for the reader.
        reader.batch_execute("rollback")?;
        waiting.join().map_err(|_| anyhow!("the waiting session panicked"))??;
        outcome
    })
}

/// Waits until the ALTER TABLE does.
fn queued(cluster: &Cluster, catalog: &Catalog, pid: i32) -> Result<()> {
    let mut client = cluster.connect(catalog.name)?;
    let sql = "select count(*) from pg_locks where pid = $1 and not granted";
    wait_until("the ALTER TABLE waits", PATIENCE, || {
        Ok(client.query_one(sql, &[&pid])?.try_get::<_, i64>(0)? > 0)
    })
    .map(drop)
}

fn reports(bench: &mut Bench<'_>, cluster: &Cluster, catalog: &Catalog) -> Result<()> {
    let mut table = Table::new(&["behind the queue", "time to the report"]);
    let mut client = cluster.connect(catalog.name)?;
    let (time, _) = timed(&mut client, ALL)?;
    table.row(&["mcp_health()".to_owned(), duration(time)]);
    let gave_up = gave_up(&mut client)?;

    let uri = cluster.uri(catalog.name, SUPERUSER);
    let bridged = answered(Pipe::initialized(bridge::command()?.env("DATABASE_URI", &uri))?)?;
    let bridged = bridged.context("mcp-bridge gave no report")?;
    table.row(&["mcp-bridge".to_owned(), duration(bridged)]);

    let reference = Reference::find();
    let text = match reference.command() {
        Ok(mut command) => {
            let pipe = Pipe::initialized(command.env("DATABASE_URI", &uri))
                .context("start the reference")?;
            answered(pipe)?.map_or_else(|| format!("none within {}", duration(PATIENCE)), duration)
        }
        Err(why) => why,
    };
    table.row(&[reference.title(), text.clone()]);
    crate::bench::print(&table);
    println!("\nchecks that gave up for a lock: {gave_up}");
    let seen = format!("{}, the reference: {text}", duration(bridged));
    let met = bridged < LIMIT && gave_up == 0;
    bench.verdicts.add("health: report behind a queue for a table", "< 3 s, complete", &seen, met);
    Ok(())
}

/// How many checks gave up because they waited for a lock.
fn gave_up(client: &mut Client) -> Result<i64> {
    let sql = "select count(*) from mcp_health() where details ->> 'sqlstate' = '55P03'";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// How long the report took; None if it did not come, or is none.
fn answered(mut pipe: Pipe) -> Result<Option<Duration>> {
    let begin = Instant::now();
    let id = pipe.begin("tools/call", &json!({"name": TOOL, "arguments": {"health_type": ALL}}))?;
    loop {
        let Some(left) = PATIENCE.checked_sub(begin.elapsed()) else { return Ok(None) };
        let Some(message) = pipe.receive(left)? else { return Ok(None) };
        if message.get("id") == Some(&json!(id)) {
            let result = message.get("result").with_context(|| format!("{message}"))?;
            let text = result.pointer("/content/0/text").and_then(Value::as_str);
            let text = text.unwrap_or_default();
            ensure!(!text.is_empty(), "{message}");
            return Ok((!text.starts_with("Error")).then(|| begin.elapsed()));
        }
    }
}
