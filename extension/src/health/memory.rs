//! The settings of memory, disk and cores against the machine, which SQL cannot see.

use std::collections::BTreeMap;

use advisor_sql::health::{self, Check};
use pgrx::JsonB;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Finding;
use super::machine::Machine;

const KB: f64 = 1024.0;
const MB: f64 = 1024.0 * KB;
const GB: f64 = 1024.0 * MB;

/// Shares of RAM. Source: the manual, "Resource Consumption", and PgTune.
const BUFFERS_SHARE: f64 = 0.25;
const CACHE_SHARE: f64 = 0.75;
/// PgTune: a sixteenth of RAM, no more than this.
const MAINTENANCE_SHARE: f64 = 1.0 / 16.0;
const MAINTENANCE_MOST: f64 = 2.0 * GB;
/// PgTune: a query sorts and hashes some three times at once.
const WORK_MEM_PER_SESSION: f64 = 3.0;
/// The lowest that the server takes.
const WORK_MEM_LEAST: f64 = 64.0 * KB;
/// The server's default, which is that of disks that turn, and PgTune's for those that don't.
const TURNING_PAGE_COST: f64 = 4.0;
const SOLID_PAGE_COST: f64 = 1.1;
const SOLID_CONCURRENCY: f64 = 200.0;
/// PgTune: half the cores, no more than this.
const GATHER_MOST: f64 = 4.0;

/// What `memory.sql` lists for this: sizes in bytes.
#[derive(Deserialize)]
struct Listed {
    settings: BTreeMap<String, f64>,
    restart: Option<Vec<String>>,
    limits: Limits,
}

#[derive(Deserialize)]
struct Limits {
    ram: f64,
    buffers_least: f64,
    buffers_most: f64,
    factor: f64,
}

/// Replaces the row that only lists the settings by what the machine says of them.
pub(super) fn judge(findings: &mut Vec<Finding>) {
    judge_on(findings, Machine::read());
}

/// The same for any machine; none where it cannot be read.
pub(crate) fn judge_on(findings: &mut Vec<Finding>, machine: Option<Machine>) {
    let Some(at) = findings.iter().position(|one| one.details.0.get("settings").is_some()) else {
        return;
    };
    let Some(row) = findings.get_mut(at) else { return };
    let check = row.check;
    let (Ok(listed), Some(machine)) = (Listed::deserialize(&row.details.0), machine) else {
        row.message = "the settings were not compared with RAM, cores and disk of the server, \
                       which could not be read from /proc"
            .to_owned();
        row.threshold = None;
        return;
    };
    findings.remove(at);
    let rows = Judge { check, listed, machine }.rows();
    // The machine knows better than the SQL.
    findings.retain(|old| rows.iter().all(|new| new.object != old.object));
    findings.extend(rows);
    if findings.is_empty() {
        let mut fits = Finding::of(check, "ok", format!("the settings fit {}", describe(machine)));
        fits.details = JsonB(facts(machine));
        findings.push(fits);
    }
}

struct Judge {
    check: &'static Check,
    listed: Listed,
    machine: Machine,
}

impl Judge {
    fn rows(&self) -> Vec<Finding> {
        let rows = [
            self.buffers(),
            self.cache(),
            self.maintenance(),
            self.work_mem(),
            self.page_cost(),
            self.concurrency(),
            self.workers("max_worker_processes"),
            self.workers("max_parallel_workers"),
            self.gather(),
        ];
        rows.into_iter().flatten().collect()
    }

    fn setting(&self, name: &str) -> Option<f64> {
        self.listed.settings.get(name).copied()
    }

    fn buffers(&self) -> Option<Finding> {
        let current = self.setting("shared_buffers")?;
        let Limits { buffers_least, buffers_most, .. } = self.listed.limits;
        let percent = 100.0 * current / self.machine.ram;
        if (buffers_least..=buffers_most).contains(&percent) {
            return None;
        }
        Some(self.size(
            "shared_buffers",
            format!("{buffers_least} to {buffers_most} % of RAM"),
            format!("is {}, {percent:.1} % of {}", size(current), describe(self.machine)),
            rounded(self.machine.ram * BUFFERS_SHARE),
        ))
    }

    fn cache(&self) -> Option<Finding> {
        let current = self.setting("effective_cache_size")?;
        let recommended = rounded(self.machine.ram * CACHE_SHARE);
        let message = if current > self.machine.ram {
            "more than there is, so the planner takes disk reads for cheaper than they are"
        } else if self.is_low(current, recommended) {
            "so the planner takes indexes for dearer than they are"
        } else {
            return None;
        };
        let message = format!("is {} on {}: {message}", size(current), describe(self.machine));
        Some(self.size("effective_cache_size", self.about(recommended), message, recommended))
    }

    fn maintenance(&self) -> Option<Finding> {
        let current = self.setting("maintenance_work_mem")?;
        let recommended = rounded((self.machine.ram * MAINTENANCE_SHARE).min(MAINTENANCE_MOST));
        let message = if self.is_low(current, recommended) {
            "VACUUM and CREATE INDEX would be quicker with more"
        } else if current * self.listed.limits.factor > self.machine.ram {
            "each autovacuum worker and each CREATE INDEX may take that much"
        } else {
            return None;
        };
        let message = format!("is {} on {}: {message}", size(current), describe(self.machine));
        Some(self.size("maintenance_work_mem", self.about(recommended), message, recommended))
    }

    /// Too much for all connections together is the one thing here that ends a server.
    fn work_mem(&self) -> Option<Finding> {
        let (current, buffers) = (self.setting("work_mem")?, self.setting("shared_buffers")?);
        let connections = self.setting("max_connections")?;
        let left = (self.machine.ram - buffers).max(0.0);
        let suits = rounded(left / (connections * WORK_MEM_PER_SESSION)).max(WORK_MEM_LEAST);
        let together = buffers + connections * current;
        if together > self.listed.limits.ram * self.machine.ram {
            let message = format!(
                "shared_buffers of {} and a work_mem of {} for each of {connections} connections \
                 can take {}, on {}",
                size(buffers),
                size(current),
                size(rounded(together)),
                describe(self.machine)
            );
            let threshold = format!("{} times RAM", self.listed.limits.ram);
            let mut row = self.size("work_mem", threshold, message, suits.min(current));
            row.severity = "warning".to_owned();
            row.message = health::message(self.check, "warning", &row.message);
            row.value = Some(together);
            return Some(row);
        }
        self.is_low(current, suits).then(|| {
            let message = format!(
                "is {} for {connections} connections on {}: sorts and hashes go to disk earlier \
                 than they have to",
                size(current),
                describe(self.machine)
            );
            self.size("work_mem", self.about(suits), message, suits)
        })
    }

    /// Only a disk that says it does not turn is believed: virtual ones often say that they do.
    fn page_cost(&self) -> Option<Finding> {
        let current = self.setting("random_page_cost")?;
        let applies = self.machine.rotational == Some(false) && current >= TURNING_PAGE_COST;
        applies.then(|| {
            let message = format!(
                "is {current}, for a disk that turns, and that of the data directory does not"
            );
            self.number("random_page_cost", message, SOLID_PAGE_COST)
        })
    }

    fn concurrency(&self) -> Option<Finding> {
        let current = self.setting("effective_io_concurrency")?;
        let applies = self.machine.rotational == Some(false) && current <= 1.0;
        applies.then(|| {
            let message = format!(
                "is {current}, though the disk of the data directory can do many reads at once"
            );
            self.number("effective_io_concurrency", message, SOLID_CONCURRENCY)
        })
    }

    fn workers(&self, name: &str) -> Option<Finding> {
        let current = self.setting(name)?;
        let cores = self.machine.cores as f64;
        // None at all is a choice.
        let applies = current > 0.0 && self.is_low(current, cores);
        applies.then(|| self.number(name, format!("is {current} on {cores} cores"), cores))
    }

    fn gather(&self) -> Option<Finding> {
        let name = "max_parallel_workers_per_gather";
        let (current, cores) = (self.setting(name)?, self.machine.cores as f64);
        (current > self.listed.limits.factor * cores).then(|| {
            let suits = (cores / 2.0).floor().clamp(1.0, GATHER_MOST);
            self.number(name, format!("is {current} on {cores} cores"), suits)
        })
    }

    fn is_low(&self, current: f64, recommended: f64) -> bool {
        current * self.listed.limits.factor < recommended
    }

    fn about(&self, recommended: f64) -> String {
        format!("{} within a factor of {}", size(recommended), self.listed.limits.factor)
    }

    fn size(&self, name: &str, limit: String, message: String, recommended: f64) -> Finding {
        let value = format!("'{}'", size(recommended));
        let mut row = self.row(name, message, &value, json!(recommended));
        row.unit = Some("bytes".to_owned());
        row.threshold = Some(limit);
        row
    }

    fn number(&self, name: &str, message: String, recommended: f64) -> Finding {
        let mut row = self.row(name, message, &recommended.to_string(), json!(recommended));
        row.threshold = Some(recommended.to_string());
        row
    }

    fn row(&self, name: &str, message: String, value: &str, recommended: Value) -> Finding {
        let restart = self.listed.restart.iter().flatten().any(|one| one == name);
        let current = self.setting(name);
        let mut details = facts(self.machine);
        if let Some(details) = details.as_object_mut() {
            details.insert("current".to_owned(), json!(current));
            details.insert("recommended".to_owned(), recommended);
            details.insert("restart_needed".to_owned(), json!(restart));
            details.insert("risk".to_owned(), json!(if restart { "restart" } else { "safe" }));
        }
        let reload = if restart { "" } else { " SELECT pg_catalog.pg_reload_conf();" };
        let mut row = Finding::of(self.check, "info", message);
        row.object = Some(name.to_owned());
        row.value = current;
        row.remediation = Some(format!("ALTER SYSTEM SET {name} = {value};{reload}"));
        row.details = JsonB(details);
        row
    }
}

fn facts(machine: Machine) -> Value {
    json!({
        "ram": machine.ram,
        "ram_limited_by_control_group": machine.limited,
        "cores": machine.cores,
        "rotational": machine.rotational,
    })
}

/// `a machine with 15.5 GB of RAM`
fn describe(machine: Machine) -> String {
    let limited = if machine.limited { "a control group limited to" } else { "a machine with" };
    format!("{limited} {:.1} GB of RAM", machine.ram / GB)
}

/// A size to set: whole quarters of a GB, or MB, or steps of 64 kB.
fn rounded(bytes: f64) -> f64 {
    let step = if bytes >= GB {
        GB / 4.0
    } else if bytes >= 4.0 * MB {
        MB
    } else {
        64.0 * KB
    };
    (bytes / step).floor() * step
}

/// A size as the server reads it, in the largest unit that it is whole in.
fn size(bytes: f64) -> String {
    let units = [(GB, "GB"), (MB, "MB"), (KB, "kB")];
    let whole = units.iter().find(|(unit, _)| bytes >= *unit && bytes % unit == 0.0);
    let (unit, name) = whole.copied().unwrap_or((KB, "kB"));
    format!("{:.0}{name}", bytes / unit)
}
