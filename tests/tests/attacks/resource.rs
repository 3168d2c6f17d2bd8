//! Attacks on time, memory and disk: each must end within its limit, on the server too.

use std::collections::VecDeque;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use advisor_tests::attacks::Attack;
use advisor_tests::bridge::wait_until;
use anyhow::{Context, Result, anyhow};

use super::bridge::{Bridge, LIMIT};
use super::guarded::request;
use super::judge::{self, Layer};
use super::world::World;

/// How many at a time.
pub(super) const WORKERS: usize = 3;

/// How much later than the limit an answer may come, on a busy machine.
const GRACE: Duration = Duration::from_secs(4);

/// How long a function of the server may go on that does not look whether it was cancelled; on an
/// idle machine these take a second or two.
const DEAF: Duration = Duration::from_secs(40);

/// Most bytes of an answer: the bridge's own limit, and what JSON and the copy as text add.
const ANSWER: usize = 400_000;

/// Most memory of one process of the server, without the extension. An aggregate such as `array_agg`
/// holds what it has collected, the array made of it, and two copies of that while it is handed on:
/// four times the server's largest value, 1 GB. How much of this is reached depends on how much the
/// machine can write within the limit on time.
const MEMORY: u64 = 4_608 << 20;

/// Most memory of one process of the server with the latch's ceiling of [`CEILING`]: single
/// functions that do not look for a cancel write two values of the server's largest size.
const MEMORY_LATCHED: u64 = 2_300 << 20;

/// The ceiling that the bridge gives the latch.
pub(super) const CEILING: &str = "256MB";

/// Most temporary files of all: 64 MB for each process, with parallel workers.
const FILES: u64 = WORKERS as u64 * 3 * (64 << 20);

/// The most that the server used at a time, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peak {
    /// Of one process.
    pub(super) memory: u64,
    /// Of all temporary files.
    pub(super) files: u64,
}

impl Peak {
    pub(super) fn max(self, other: Self) -> Self {
        Self { memory: self.memory.max(other.memory), files: self.files.max(other.files) }
    }
}

type Judged<'a> = (&'a Attack, Layer, Vec<String>);

/// Runs the attacks, several at a time.
pub(super) fn run<'a>(
    world: &World,
    database: &str,
    attacks: &[&'a Attack],
    extension: bool,
) -> Result<(Vec<Judged<'a>>, Peak)> {
    let queue = Mutex::new(attacks.iter().copied().collect::<VecDeque<_>>());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let sampler = scope.spawn(|| sample(world, &done));
        let worker = |number: usize| {
            let queue = &queue;
            scope.spawn(move || work(world, database, number, queue))
        };
        let workers: Vec<_> = (0..WORKERS).map(worker).collect();
        let mut judged = Vec::new();
        let mut failed = None;
        for worker in workers {
            match worker.join().map_err(|_| anyhow!("a worker panicked")).and_then(|found| found) {
                Ok(found) => judged.extend(found),
                Err(error) => failed = Some(error),
            }
        }
        done.store(true, Ordering::Relaxed);
        let peak = sampler.join().map_err(|_| anyhow!("the sampler panicked"))?;
        match failed {
            Some(error) => Err(error),
            None => {
                if let Some((_, _, harm)) = judged.last_mut() {
                    harm.extend(excess(peak, extension));
                }
                Ok((judged, peak))
            }
        }
    })
}

fn excess(peak: Peak, extension: bool) -> Option<String> {
    let memory = if extension { MEMORY_LATCHED } else { MEMORY };
    (peak.memory > memory || peak.files > FILES).then(|| format!("one of the class: {peak:?}"))
}

fn work<'a>(
    world: &World,
    database: &str,
    number: usize,
    queue: &Mutex<VecDeque<&'a Attack>>,
) -> Result<Vec<Judged<'a>>> {
    let mut bridge = Bridge::start(world, database, &format!("{database}{number}"))?;
    let usual = bridge.probe()?;
    let next = || queue.lock().ok().and_then(|mut queue| queue.pop_front());
    let mut judged = Vec::new();
    while let Some(attack) = next() {
        let (layer, mut harm) = one(world, database, &mut bridge, attack)
            .with_context(|| format!("attack {}", attack.name))?;
        match bridge.probe() {
            Ok(found) if found == usual => {}
            Ok(found) => harm.push(format!("the next call finds {found}")),
            Err(error) => harm.push(format!("{error:#}")),
        }
        judged.push((attack, layer, harm));
    }
    bridge.close()?;
    Ok(judged)
}

fn one(
    world: &World,
    database: &str,
    bridge: &mut Bridge,
    attack: &Attack,
) -> Result<(Layer, Vec<String>)> {
    let mut observer = world.cluster.connect(database)?;
    let _other = world.meanwhile(attack.meanwhile.as_ref(), database)?;
    let (tool, arguments) = request(world, database, attack)?;
    let reply = bridge.call(&tool, &arguments)?;
    let mut harm = judge::leaks(&reply.text, attack.secret.as_deref());
    if reply.took > LIMIT + GRACE {
        harm.push(format!("took {:.1} s", reply.took.as_secs_f64()));
    }
    if reply.text.len() > ANSWER {
        harm.push(format!("an answer of {} bytes", reply.text.len()));
    }
    let application = bridge.application.clone();
    let over = wait_until("its statement ends", DEAF, || {
        let sql = "select count(*) from pg_stat_activity
            where application_name = $1 and state <> 'idle'";
        Ok(observer.query_one(sql, &[&application])?.try_get::<_, i64>(0)? == 0)
    });
    harm.extend(over.err().map(|error| error.to_string()));
    let sql = world.places(&attack.sql, database);
    Ok((judge::layer(&sql, &reply.result), harm))
}

fn sample(world: &World, done: &AtomicBool) -> Peak {
    let mut peak = Peak::default();
    let temporary = world.root.join("data/base/pgsql_tmp");
    while !done.load(Ordering::Relaxed) {
        let own = children(world.cluster.server_pid());
        let memory = own.into_iter().map(memory).max().unwrap_or_default();
        let files = fs::read_dir(&temporary).into_iter().flatten().flatten();
        let files = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        peak = peak.max(Peak { memory, files });
        thread::sleep(Duration::from_millis(20));
    }
    peak
}

/// The processes of the server.
fn children(parent: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The memory that a process has for itself; 0 when it is gone.
pub(super) fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() << 10
}
