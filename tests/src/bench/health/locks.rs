//! What the report locks, seen from another session while it runs again and again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use postgres::Client;

use super::catalog::Catalog;
use super::{ALL, timed};
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::program::Table;

/// How long the report is watched.
const WATCH: Duration = Duration::from_secs(8);

/// The lock that every reader takes. That on its own virtual transaction is nobody else's.
const READING: &str = "AccessShareLock";

const LOCKS: &str = "
select l.mode, l.locktype,
    case when l.relation >= 16384 then 'of a user' else 'of the server' end as whose,
    coalesce(min(c.relname), '') as example
from pg_locks as l
left join pg_class as c on c.oid = l.relation
where l.pid = $1 and l.locktype <> 'virtualxid'
group by 1, 2, 3";

pub(super) fn measure(bench: &mut Bench<'_>, cluster: &Cluster, catalog: &Catalog) -> Result<()> {
    bench.progress.part("Locks of a session in which mcp_health() runs again and again");
    let mut client = cluster.connect(catalog.name)?;
    let pid: i32 = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    let watcher = cluster.connect(catalog.name)?;
    let end = AtomicBool::new(false);
    let (reports, seen) = thread::scope(|scope| {
        let watching = scope.spawn(|| watch(watcher, pid, &end));
        let reports = call(&mut client);
        end.store(true, Ordering::Relaxed);
        let seen = watching.join().map_err(|_| anyhow!("the watcher panicked"))?;
        Ok::<_, anyhow::Error>((reports?, seen?))
    })?;
    let mut table = Table::new(&["lock", "on", "whose", "samples", "example"]);
    for ((mode, kind, whose), (samples, example)) in &seen.locks {
        let (mode, kind, whose) = (mode.clone(), kind.clone(), whose.clone());
        table.row(&[mode, kind, whose, samples.to_string(), example.clone()]);
    }
    crate::bench::print(&table);
    println!("\n{} samples over {reports} reports", seen.samples);
    let stronger: Vec<String> = seen
        .locks
        .iter()
        .filter(|((mode, _, _), _)| mode != READING)
        .map(|((mode, _, _), (_, example))| format!("{mode} on {example}"))
        .collect();
    let text = if stronger.is_empty() { READING.to_owned() } else { stronger.join(", ") };
    let met = stronger.is_empty() && !seen.locks.is_empty();
    bench.verdicts.add("health: strongest lock", READING, &text, met);
    Ok(())
}

fn call(client: &mut Client) -> Result<usize> {
    let begin = Instant::now();
    let mut reports = 0;
    while begin.elapsed() < WATCH {
        timed(client, ALL)?;
        reports += 1;
    }
    Ok(reports)
}

/// Mode, kind and owner of a lock.
type Lock = (String, String, String);

#[derive(Default)]
struct Seen {
    samples: usize,
    /// In how many samples each was seen, and on what for example.
    locks: BTreeMap<Lock, (usize, String)>,
}

fn watch(mut client: Client, pid: i32, end: &AtomicBool) -> Result<Seen> {
    let mut seen = Seen::default();
    let statement = client.prepare(LOCKS).context("pg_locks")?;
    while !end.load(Ordering::Relaxed) {
        for row in client.query(&statement, &[&pid])? {
            let lock = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (samples, example) = seen.locks.entry(lock).or_default();
            *samples += 1;
            *example = row.try_get(3)?;
        }
        seen.samples += 1;
    }
    Ok(seen)
}
