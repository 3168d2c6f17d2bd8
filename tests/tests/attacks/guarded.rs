//! Attacks through the bridge.

use advisor_tests::attacks::{Attack, Class};
use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::bridge::{Bridge, Reply, with_sql};
use super::resource::{self, Peak};
use super::state::{Observer, State, settled};
use super::world::World;
use super::{Outcome, judge};

/// All that was found out.
pub(super) struct Report {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) peak: Peak,
}

pub(super) fn run(common: &str, classes: &[Class], extension: bool) -> Result<Report> {
    let mut world = World::start(common, extension)?;
    let mut report = Report { outcomes: Vec::new(), peak: Peak::default() };
    for class in classes {
        if let Err(error) = attack_by(&mut world, class, extension, &mut report) {
            // Whoever ends the server, or its sessions, does not take the other classes along.
            report.outcomes.push(Outcome {
                class: class.file.clone(),
                attack: "one of them".to_owned(),
                layer: judge::Layer::Answered,
                harm: vec![format!("{error:#}")],
            });
            world = World::start(common, extension)?;
        }
    }
    Ok(report)
}

/// All attacks of a class, in a database of their own.
fn attack_by(world: &mut World, class: &Class, extension: bool, report: &mut Report) -> Result<()> {
    let database = class.file.as_str();
    world.database(database)?;
    let mut observer = Observer::connect(world, database)?;
    observer.client.batch_execute(&world.places(&class.setup, database)).context("setup")?;
    let (resource, plain): (Vec<_>, Vec<_>) = class.attacks.iter().partition(|one| one.resource);
    let outcome = |attack: &Attack, layer, harm| Outcome {
        class: class.file.clone(),
        attack: attack.name.clone(),
        layer,
        harm,
    };
    if !plain.is_empty() {
        let mut session = Session {
            bridge: Bridge::start(world, database, database)?,
            usual: Value::Null,
            before: State::new(),
            catalogs: String::new(),
        };
        session.usual = session.bridge.probe()?;
        session.look(world, &mut observer)?;
        for attack in plain {
            let (layer, harm) = session
                .attack(world, &mut observer, database, attack)
                .with_context(|| format!("attack {}", attack.name))?;
            report.outcomes.push(outcome(attack, layer, harm));
        }
        session.bridge.close()?;
    }
    if !resource.is_empty() {
        let before = observer.state(world)?;
        let (found, peak) = resource::run(world, database, &resource, extension)?;
        report.peak = report.peak.max(peak);
        for (attack, layer, harm) in found {
            report.outcomes.push(outcome(attack, layer, harm));
        }
        let mut harm = settled(world, &mut observer, &before)?;
        if resource.iter().any(|attack| attack.meanwhile.is_some()) {
            // The strongest locks of others take one.
            harm.retain(|part| !part.starts_with("transaction number"));
        }
        if let (false, Some(last)) = (harm.is_empty(), report.outcomes.last_mut()) {
            last.harm.extend(harm);
        }
    }
    Ok(())
}

struct Session {
    bridge: Bridge,
    /// What a call finds in its session.
    usual: Value,
    before: State,
    catalogs: String,
}

impl Session {
    fn look(&mut self, world: &mut World, observer: &mut Observer) -> Result<()> {
        world.revive()?;
        self.before = observer.state(world)?;
        self.catalogs = observer.catalogs()?;
        Ok(())
    }

    fn attack(
        &mut self,
        world: &mut World,
        observer: &mut Observer,
        database: &str,
        attack: &Attack,
    ) -> Result<(judge::Layer, Vec<String>)> {
        let text = |text: &str| world.places(text, database);
        if let Some(setup) = &attack.setup {
            let setup = text(setup);
            observer.client.batch_execute(&setup).context("setup")?;
            self.look(world, observer)?;
        }
        let place = observer.log_end()?;
        let reply = self.send(world, database, attack)?;
        let secret = attack.secret.as_ref().map(|secret| world.places(secret, database));
        let mut harm = judge::leaks(&reply.text, secret.as_deref());
        harm.extend(settled(world, observer, &self.before)?);
        if let Some(logged) = observer.logged(&place)? {
            harm.push(format!("logged: {logged}"));
        }
        if let Some(holds) = &attack.holds
            && !observer.holds(&world.places(holds, database))?
        {
            harm.push(format!("does not hold: {holds}"));
        }
        harm.extend(self.follow(attack.next.as_ref().map(|next| world.places(next, database)))?);
        if !harm.is_empty() {
            let catalogs = observer.catalogs()?;
            if catalogs != self.catalogs {
                harm.push("the catalogs changed".to_owned());
            }
        }
        if !harm.is_empty() || observer.log_end()? != place {
            // What was done stays; the next one is measured from here.
            self.look(world, observer)?;
        }
        let sql = world.places(&attack.sql, database);
        Ok((judge::layer(&sql, &reply.result), harm))
    }

    fn send(&mut self, world: &World, database: &str, attack: &Attack) -> Result<Reply> {
        let _other = world.meanwhile(attack.meanwhile.as_ref(), database)?;
        let (tool, arguments) = request(world, database, attack)?;
        self.bridge.call(&tool, &arguments)
    }

    /// What the calls after an attack find.
    fn follow(&mut self, next: Option<String>) -> Result<Vec<String>> {
        let mut harm = Vec::new();
        if let Some(next) = next {
            let reply = self.bridge.sql(&next)?;
            if !reply.is_guess() && reply.result["structuredContent"]["rows"][0][0] != true {
                harm.push(format!("next call: {}", reply.text));
            }
        }
        let found = self.bridge.probe();
        match found {
            Ok(found) if found == self.usual => {}
            Ok(found) => {
                harm.push(format!("the next call finds {found}"));
                self.usual = found;
            }
            Err(error) => harm.push(format!("{error:#}")),
        }
        Ok(harm)
    }
}

/// The tool and its arguments.
pub(super) fn request(
    world: &World,
    database: &str,
    attack: &Attack,
) -> Result<(String, Map<String, Value>)> {
    let sql = world.places(&attack.sql, database);
    let Some((tool, arguments)) = &attack.call else {
        return Ok(("execute_sql".to_owned(), with_sql(Map::new(), &sql)));
    };
    let arguments = serde_json::to_string(arguments)?;
    let arguments = serde_json::from_str(&world.places(&arguments, database))?;
    let arguments = if sql.is_empty() { arguments } else { with_sql(arguments, &sql) };
    Ok((tool.clone(), arguments))
}
