//! Many sessions that advise at once on a database that is written to, while calls are cancelled, sessions
//! ended, clients killed, and in the end one backend with SIGKILL, which makes the server restart all of
//! them. Afterwards everything is as before.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use advisor_tests::cluster::{Cluster, SUPERUSER};
use advisor_tests::robust::chance::Chance;
use advisor_tests::robust::log::Watch;
use anyhow::{Context, Result, bail, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::{self, Fixture, MADE_UP, content, seconds};

pub(crate) const CASES: &[Case] = &[("crowd_with_kills_leaves_everything_as_it_was", crowd)];

/// Seconds of a short run, and sessions.
const SHORT: u64 = 15;
const SESSIONS: usize = 32;

/// How long a recovery, or the end of what was killed, may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the sessions call themselves.
const NAME: &str = "crowd";

const CALLS: &[&str] = &[
    "select * from mcp_advise_indexes(array['select * from plain where k = 5 and m = 3',
        'select count(*) from parts as a join heirs as b using (k) where a.day > ''2020-05-05'' and b.note = ''x'''],
        time_limit => '1 s')",
    "select * from mcp_advise_indexes(time_limit => '1 s')",
    "select mcp_explain('select * from seen_both as a join parts as b using (k) where a.m = 3')",
    "select mcp_explain_report('select count(*) from plain where note like ''a%''', \"analyze\" => true)",
    "select * from mcp_health()",
    "select * from mcp_advise_drops(time_limit => '1 s')",
    "select * from mcp_plan_findings('select * from plain where lower(note) = ''x''', \"analyze\" => true)",
    "select mcp_whatif_indexes(array['create index on plain (m, k)'])",
    "select * from mcp_top_queries(delta_seconds => 1)",
    "select mcp_export_statistics()",
];

/// The advice that must be the same before and after.
const SAME: &str = "select ddl, size_bytes, cost_before, cost_after from mcp_advise_indexes(array[
    'select * from plain where m = 3 and day = ''2020-05-05''', 'select * from heirs where note = ''x''',
    'select a.id from parts as a join plain as b on a.k = b.m where b.big = 5'], time_limit => null)";

fn crowd(_: &Fixture) -> Result<()> {
    // One of its own, since it crashes.
    let cluster = Cluster::start(&fixture::settings())?;
    fixture::load(&cluster)?;
    let mut client = cluster.connect(MADE_UP)?;
    let before = (content_but_busy(&mut client)?, advice(&mut client)?);
    ensure!(!before.1.is_empty(), "nothing is advised");
    drop(client);
    let watch = Watch::new(&cluster);
    let limit = Duration::from_secs(seconds("FUZZ_SECONDS")?.map_or(SHORT, |long| long / 4));
    let busy = riot(&cluster, limit)?;
    println!("crowd: {busy}");
    watch.assert_clean()?;
    assert_gone(&cluster)?;
    assert_same(&cluster, &before)?;
    crash(&cluster)?;
    watch.assert_no_leak()?;
    assert_gone(&cluster)?;
    assert_same(&cluster, &before)
}

fn content_but_busy(client: &mut Client) -> Result<String> {
    client.batch_execute("begin; drop schema busy cascade")?;
    let content = content(client);
    client.batch_execute("rollback")?;
    content
}

fn advice(client: &mut Client) -> Result<Vec<String>> {
    // Rates of writes, which are counted on and lost in a crash, would come into the costs.
    client.batch_execute("set mcp_advisor.write_weight = 0")?;
    let sql = format!("select x::text from ({SAME}) as x");
    Ok(client.query(&sql, &[])?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

fn assert_same(cluster: &Cluster, before: &(String, Vec<String>)) -> Result<()> {
    let mut client = cluster.connect(MADE_UP)?;
    ensure!(content_but_busy(&mut client)? == before.0, "the database has changed");
    let after = advice(&mut client)?;
    ensure!(after == before.1, "the advice was {:?}, it is {after:?}", before.1);
    let temporary = "select count(*) from pg_class where relpersistence = 't'";
    ensure!(
        client.query_one(temporary, &[])?.try_get::<_, i64>(0)? == 0,
        "temporary tables are left"
    );
    let files = "select count(*) from pg_ls_tmpdir()";
    ensure!(client.query_one(files, &[])?.try_get::<_, i64>(0)? == 0, "temporary files are left");
    Ok(())
}

/// Waits until no session of the crowd is left.
fn assert_gone(cluster: &Cluster) -> Result<()> {
    let mut client = cluster.connect("postgres")?;
    let end = Instant::now() + PATIENCE;
    let sql =
        "select coalesce(string_agg(state || ': ' || query, e'\\n'), '') from pg_stat_activity
        where application_name = $1";
    loop {
        let left: String = client.query_one(sql, &[&NAME])?.try_get(0)?;
        if left.is_empty() {
            break;
        }
        ensure!(Instant::now() < end, "these sessions do not end:\n{left}");
        thread::sleep(Duration::from_millis(100));
    }
    let locks = "select count(*) from pg_locks where pid <> pg_backend_pid()";
    let left: i64 = client.query_one(locks, &[])?.try_get(0)?;
    ensure!(left == 0, "{left} locks are left");
    Ok(())
}

/// What happened in a crowd.
#[derive(Default)]
struct Happened {
    answers: AtomicUsize,
    errors: AtomicUsize,
    ended: AtomicUsize,
    cancels: AtomicUsize,
    terminations: AtomicUsize,
    killed_clients: AtomicUsize,
}

/// The sessions, and those who disturb them.
fn riot(cluster: &Cluster, limit: Duration) -> Result<String> {
    let (stop, happened) = (AtomicBool::new(false), Happened::default());
    let outcomes: Vec<Result<()>> = thread::scope(|scope| {
        let (stop, happened) = (&stop, &happened);
        let mut started: Vec<_> = (0..SESSIONS as u64)
            .map(|seed| scope.spawn(move || member(cluster, seed, stop, happened)))
            .collect();
        started.push(scope.spawn(move || disturb(cluster, stop, happened)));
        started.push(scope.spawn(move || kill_clients(cluster, stop, happened)));
        started.push(scope.spawn(move || write(cluster, stop)));
        thread::sleep(limit);
        stop.store(true, Ordering::Relaxed);
        started
            .into_iter()
            .map(|one| one.join().ok().context("a thread panicked").and_then(|done| done))
            .collect()
    });
    outcomes.into_iter().collect::<Result<()>>()?;
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    ensure!(count(&happened.answers) > 20, "only {} answers", count(&happened.answers));
    ensure!(
        count(&happened.cancels) > 0 && count(&happened.terminations) > 0,
        "nobody was disturbed"
    );
    Ok(format!(
        "{} answers and {} errors in {limit:.0?}; {} cancels, {} terminations, {} sessions begun again, {} clients \
         killed",
        count(&happened.answers),
        count(&happened.errors),
        count(&happened.cancels),
        count(&happened.terminations),
        count(&happened.ended),
        count(&happened.killed_clients),
    ))
}

fn connect(cluster: &Cluster) -> Result<Client> {
    let mut client = cluster.connect(MADE_UP)?;
    client.batch_execute(&format!(
        "set application_name = '{NAME}'; set client_min_messages = error; set lock_timeout = '5 s'"
    ))?;
    Ok(client)
}

/// One session: calls by chance under time limits by chance, connected again when it was ended.
fn member(cluster: &Cluster, seed: u64, stop: &AtomicBool, happened: &Happened) -> Result<()> {
    let mut chance = Chance::new(seed);
    let mut client = connect(cluster)?;
    while !stop.load(Ordering::Relaxed) {
        let limit = [0, 30, 300, 3000].get(chance.below(4)).copied().unwrap_or(0);
        let call = chance.pick(CALLS).copied().unwrap_or_default();
        let outcome = client
            .batch_execute(&format!("set statement_timeout = {limit}"))
            .and_then(|()| client.simple_query(call));
        let Err(error) = outcome else {
            happened.answers.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        happened.errors.fetch_add(1, Ordering::Relaxed);
        let code = error.code().map(|code| code.code().to_owned());
        match code.as_deref() {
            // Cancelled or too late; a lock; out of the way of one that writes.
            Some("57014" | "55P03" | "40P01") => {}
            None | Some("57P01") => {
                happened.ended.fetch_add(1, Ordering::Relaxed);
                client = connect(cluster)?;
            }
            _ => bail!("{call}: {error:?}"),
        }
    }
    Ok(())
}

/// Cancels calls and ends sessions.
fn disturb(cluster: &Cluster, stop: &AtomicBool, happened: &Happened) -> Result<()> {
    let mut client = cluster.connect("postgres")?;
    let mut chance = Chance::new(99);
    while !stop.load(Ordering::Relaxed) {
        let (function, counter) = match chance.below(3) {
            0 => ("pg_terminate_backend", &happened.terminations),
            _ => ("pg_cancel_backend", &happened.cancels),
        };
        let sql = format!(
            "select {function}(pid) from pg_stat_activity where application_name = $1 and state = 'active'
            order by md5(pid::text || $2) limit 1"
        );
        let done = client.query(&sql, &[&NAME, &chance.below(1_000_000).to_string()])?;
        counter.fetch_add(done.len(), Ordering::Relaxed);
        thread::sleep(Duration::from_millis(20 + chance.below(80) as u64));
    }
    Ok(())
}

/// Starts clients and kills them while they wait for an answer.
fn kill_clients(cluster: &Cluster, stop: &AtomicBool, happened: &Happened) -> Result<()> {
    let mut chance = Chance::new(7);
    while !stop.load(Ordering::Relaxed) {
        let call = chance.pick(CALLS).copied().unwrap_or_default();
        let mut process = cluster
            .client("psql")
            .args(["--no-psqlrc", "--quiet", "--command", call, "--dbname"])
            .arg(format!("{} application_name={NAME}", connection(cluster)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start psql")?;
        thread::sleep(Duration::from_millis(100 + chance.below(200) as u64));
        happened.killed_clients.fetch_add(usize::from(process.kill().is_ok()), Ordering::Relaxed);
        process.wait()?;
    }
    Ok(())
}

fn connection(cluster: &Cluster) -> String {
    format!("host={} user={SUPERUSER} dbname={MADE_UP}", cluster.socket_dir().display())
}

/// Load beside it: rows, statistics and indexes come and go.
fn write(cluster: &Cluster, stop: &AtomicBool) -> Result<()> {
    let mut client = cluster.connect(MADE_UP)?;
    client.batch_execute("set statement_timeout = '10 s'")?;
    while !stop.load(Ordering::Relaxed) {
        client.batch_execute(
            "update busy.written set n = n + 1; create index extra on busy.written (n); analyze busy.written;
            drop index busy.extra",
        )?;
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Kills one backend in the middle of a call, as a fault of the memory would, and waits until the server
/// has recovered.
fn crash(cluster: &Cluster) -> Result<()> {
    let mut client = connect(cluster)?;
    let pid: i32 = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    // Long enough not to be answered first.
    let long = format!(
        "select (select count(*) from ({}) as x where n > 0) from generate_series(1, 1000) as n",
        CALLS[0]
    );
    let call = thread::spawn(move || client.simple_query(&long).map(drop));
    thread::sleep(Duration::from_millis(100));
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
    ensure!(killed.success(), "the backend {pid} cannot be killed");
    ensure!(call.join().ok().context("the caller panicked")?.is_err(), "the call was answered");
    let end = Instant::now() + PATIENCE;
    while cluster.connect(MADE_UP).and_then(|mut c| Ok(c.batch_execute("select 1")?)).is_err() {
        ensure!(Instant::now() < end, "the server does not recover");
        thread::sleep(Duration::from_millis(100));
    }
    ensure!(cluster.log().contains("terminated by signal 9"), "the log does not tell of the crash");
    Ok(())
}
