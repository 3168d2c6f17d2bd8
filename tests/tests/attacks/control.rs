//! The same attacks as superuser in a session without a guard: each must do its harm, else what it
//! is judged by could not fail.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use advisor_tests::attacks::{Attack, Class};
use anyhow::{Context, Result};
use postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::judge;
use super::resource::{WORKERS, memory};
use super::state::{Observer, difference};
use super::world::World;

/// What was found out.
#[derive(Default)]
pub(super) struct Found {
    pub(super) harmful: usize,
    pub(super) at_bridge: usize,
    pub(super) harmless: Vec<String>,
}

impl Found {
    fn note(&mut self, class: &Class, attack: &Attack, outcome: Result<Result<(), String>>) {
        match outcome.unwrap_or_else(|error| Err(format!("{error:#}"))) {
            Ok(()) => self.harmful += 1,
            Err(said) => self.harmless.push(format!("{} / {}: {said}", class.file, attack.name)),
        }
    }
}

/// How long an effect may take to be seen.
const SEEN: Duration = Duration::from_millis(600);

/// A statement that still runs then would run on.
const LONG: Duration = Duration::from_millis(500);

/// Memory of a process that is harm.
const MUCH_MEMORY: u64 = 150 << 20;

/// Bytes of an answer that are harm.
const LARGE_ANSWER: usize = 1 << 20;

pub(super) fn run(common: &str, classes: &[Class]) -> Result<Found> {
    let mut world = World::start(common, false)?;
    let mut found = Found::default();
    for class in classes {
        if let Err(error) = all_of(&mut world, class, &mut found) {
            // Whoever ends the server, or its sessions, does not take the other classes along.
            found.harmless.push(format!("{}: {error:#}", class.file));
            world = World::start(common, false)?;
        }
    }
    Ok(found)
}

/// All attacks of a class.
fn all_of(world: &mut World, class: &Class, found: &mut Found) -> Result<()> {
    let (bridge, server): (Vec<_>, Vec<_>) =
        class.attacks.iter().partition(|attack| attack.at_bridge.is_some());
    found.at_bridge += bridge.len();
    let (resource, plain): (Vec<_>, Vec<_>) = server.into_iter().partition(|one| one.resource);
    let mut copies = 0;
    let mut observer = fresh(world, class, &mut copies)?;
    for attack in plain {
        let mut outcome = harms(world, &mut observer, attack);
        if !matches!(outcome, Ok(Ok(()))) {
            // Perhaps another one has taken away what it needs.
            let context = || format!("after {}", attack.name);
            observer = fresh(world, class, &mut copies).with_context(context)?;
            outcome = harms(world, &mut observer, attack);
        }
        found.note(class, attack, outcome);
    }
    for group in resource.chunks(WORKERS) {
        for (attack, outcome) in consume_all(world, &observer.database, group) {
            found.note(class, attack, outcome);
        }
    }
    Ok(())
}

/// The database of the class as it is before its attacks.
fn fresh(world: &mut World, class: &Class, copies: &mut usize) -> Result<Observer> {
    // The one before stays: what an attack has left there may keep it from being dropped.
    *copies += 1;
    let database = format!("{}_{copies}", class.file);
    world.database(&database)?;
    let mut observer = Observer::connect(world, &database)?;
    let setup = world.places(&class.setup, &database);
    observer.client.batch_execute(&setup).with_context(|| format!("setup of {}", class.file))?;
    Ok(observer)
}

/// A session whose notices go to `notices`.
fn session(world: &World, database: &str, notices: &Arc<Mutex<String>>) -> Result<Client> {
    let notices = Arc::clone(notices);
    Config::new()
        .host_path(world.cluster.socket_dir())
        .dbname(database)
        .user("postgres")
        .options("-c statement_timeout=5000 -c lock_timeout=2000")
        .notice_callback(move |notice| {
            if let Ok(mut notices) = notices.lock() {
                notices.push_str(&format!("{notice:?}"));
            }
        })
        .connect(NoTls)
        .context("connect without a guard")
}

/// What the server answers, as one text, and whether it is an error.
fn answer(client: &mut Client, sql: &str) -> (String, bool) {
    let messages = match client.simple_query(sql) {
        Ok(messages) => messages,
        Err(error) => return (format!("{error:?}"), true),
    };
    let mut text = String::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            for at in 0..row.len() {
                text.push_str(row.get(at).unwrap_or_default());
                text.push('\n');
            }
        }
    }
    (text, false)
}

/// Whether the attack does harm; if not, what the server said.
fn harms(
    world: &mut World,
    observer: &mut Observer,
    attack: &Attack,
) -> Result<Result<(), String>> {
    let database = observer.database.clone();
    let database = database.as_str();
    world.revive()?;
    let text = |world: &World, text: &str| world.places(text, database);
    if let Some(setup) = &attack.setup {
        observer.client.batch_execute(&text(world, setup)).context("setup")?;
    }
    let before = observer.state(world)?;
    let place = observer.log_end()?;
    let notices = Arc::new(Mutex::new(String::new()));
    let mut client = session(world, database, &notices)?;
    let other = world.meanwhile(attack.meanwhile.as_ref(), database)?;
    let sql = text(world, attack.control.as_ref().unwrap_or(&attack.sql));
    let (mut said, failed) = answer(&mut client, &sql);
    drop(other);
    said.push_str(&notices.lock().map(|notices| notices.clone()).unwrap_or_default());
    let secret = attack.secret.as_ref().map(|secret| text(world, secret));
    if !judge::leaks(&said, secret.as_deref()).is_empty() {
        return Ok(Ok(()));
    }
    let begin = Instant::now();
    loop {
        let mut differs = difference(&before, &observer.state(world)?);
        // A statement that failed may have taken one without doing anything.
        differs.retain(|part| !failed || !part.starts_with("transaction number"));
        if !differs.is_empty() || !failed && observer.logged(&place)?.is_some() {
            return Ok(Ok(()));
        }
        if let Some(holds) = &attack.holds
            && !observer.holds(&text(world, holds))?
        {
            return Ok(Ok(()));
        }
        if begin.elapsed() > SEEN {
            break;
        }
        thread::sleep(Duration::from_millis(30));
    }
    if let Some(next) = &attack.next {
        let (said, failed) = answer(&mut client, &text(world, next));
        if failed || said.trim() != "t" {
            return Ok(Ok(()));
        }
    }
    said.truncate(said.floor_char_boundary(300));
    Ok(Err(said))
}

type Consumed<'a> = (&'a Attack, Result<Result<(), String>>);

fn consume_all<'a>(world: &World, database: &str, attacks: &[&'a Attack]) -> Vec<Consumed<'a>> {
    thread::scope(|scope| {
        let start = |attack: &&'a Attack| {
            let attack = *attack;
            (attack, scope.spawn(move || consumes(world, database, attack)))
        };
        let started: Vec<_> = attacks.iter().map(start).collect();
        let joined = started.into_iter().map(|(attack, thread)| {
            let panicked = |_| Err(anyhow::anyhow!("the thread panicked"));
            (attack, thread.join().unwrap_or_else(panicked))
        });
        joined.collect()
    })
}

/// Whether the attack uses more than a statement should.
fn consumes(world: &World, database: &str, attack: &Attack) -> Result<Result<(), String>> {
    let mut admin = world.cluster.connect(database)?;
    let _other = world.meanwhile(attack.meanwhile.as_ref(), database)?;
    let notices = Arc::new(Mutex::new(String::new()));
    let mut client = session(world, database, &notices)?;
    let pid: i32 = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    let sql = world.places(attack.control.as_ref().unwrap_or(&attack.sql), database);
    let (sender, receiver) = mpsc::channel();
    let runner = thread::spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = sender.send(answer(&mut client, &sql));
    });
    let begin = Instant::now();
    let mut most = 0;
    let verdict = loop {
        most = most.max(memory(pid.unsigned_abs()));
        if most > MUCH_MEMORY {
            break Ok(());
        }
        match receiver.recv_timeout(Duration::from_millis(5)) {
            Ok((said, _)) if said.len() > LARGE_ANSWER => break Ok(()),
            Ok((mut said, _)) => {
                said.truncate(said.floor_char_boundary(300));
                break Err(format!("over after {:?}, {} MB: {said}", begin.elapsed(), most >> 20));
            }
            Err(_) if begin.elapsed() > LONG => break Ok(()),
            Err(_) => {}
        }
    };
    admin.execute("select pg_terminate_backend($1)", &[&pid])?;
    drop(runner.join());
    Ok(verdict)
}
