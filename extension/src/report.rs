//! The outcome of a search in the words of the SQL surface.

mod writing;

use std::collections::BTreeSet;
use std::time::Duration;

use advisor_core::findings::{self, Evidence};
use advisor_core::index_set::IndexSet;
use advisor_core::model::{IndexDef, QueryShape};
use advisor_core::search::{Outcome, StoppedBy};
use advisor_core::trust::{Detail, Robustness};
use advisor_core::{ddl, model};
use serde::Serialize;
use serde_json::{Value, json};

use crate::catalog::ServerCatalog;
use crate::planner::ServerPlanner;
use crate::settings;
use crate::statistics;
use crate::trust::Trust;
use crate::wishes::Extension;
use crate::workload::{Prepared, Skipped, Workload};
use crate::writes::Writes;
pub(crate) use writing::Superseded;
use writing::{Course, OwnWrites, declined, drops, replaced, superseded};

/// Change of a statement's cost that counts as one: below it is noise of the cost model.
const CHANGE: f64 = 0.01;

/// Statements whose plans are shown even when the time is up.
const ALWAYS_EXPLAINED: usize = 100;

/// Whether the report shows plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plans {
    /// Before and after, of each statement that changes.
    Wanted,
    /// None.
    Omitted,
}

/// An advised index.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AdvisedIndex {
    pub(crate) rank: i32,
    pub(crate) id: String,
    pub(crate) ddl: String,
    #[serde(rename = "relation")]
    pub(crate) relation_name: String,
    #[serde(skip)]
    pub(crate) relation: u32,
    pub(crate) method: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) include: Vec<String>,
    pub(crate) size_bytes: i64,
    pub(crate) cost_before: f64,
    pub(crate) cost_after: f64,
    pub(crate) improvement: f64,
    pub(crate) improved_queries: Vec<i64>,
    pub(crate) regressed_queries: Vec<i64>,
    pub(crate) used_by: Vec<i64>,
    pub(crate) write_overhead: f64,
    pub(crate) breaks_hot: bool,
    #[serde(rename = "replaces")]
    pub(crate) replaces_names: Vec<String>,
    #[serde(skip)]
    pub(crate) replaces: Vec<u32>,
    pub(crate) confidence: &'static str,
    pub(crate) reason: String,
    pub(crate) confidence_detail: Detail,
    #[serde(skip)]
    pub(crate) promises: Vec<Promise>,
    pub(crate) write_cost: f64,
    pub(crate) wal_bytes_per_second: f64,
    pub(crate) hot_updates_lost: f64,
}

/// A statement that an index promises to make cheaper, with its cost before and with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Promise {
    pub(crate) query: i64,
    pub(crate) before: f64,
    pub(crate) after: f64,
}

/// What the advice does to one statement.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct QueryImpact {
    pub(crate) query_id: i64,
    pub(crate) query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) analyzed_as: Option<String>,
    pub(crate) calls: f64,
    pub(crate) total_time_ms: Option<f64>,
    pub(crate) weight: f64,
    pub(crate) parameter_draws: usize,
    pub(crate) cost_before: f64,
    pub(crate) cost_after: f64,
    /// What the statement itself writes to the advised indexes, in `cost_after`.
    pub(crate) write_cost: f64,
    pub(crate) indexes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plan_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plan_after: Option<String>,
}

/// Everything a run found out.
pub(crate) struct Advice {
    pub(crate) indexes: Vec<AdvisedIndex>,
    queries: Vec<QueryImpact>,
    skipped: Vec<Skipped>,
    /// What writing keeps from being advised, in a sentence.
    declined: Option<String>,
    /// What extensions could do that are not installed.
    pub(crate) extensions: Vec<Extension>,
    /// The existing indexes that go.
    pub(crate) superseded: Vec<Superseded>,
    summary: Value,
    pub(crate) elapsed: Duration,
    pub(crate) prepared_after: Duration,
    /// How a large workload was made smaller for the search.
    pub(crate) compressed: Option<Value>,
    pub(crate) stopped_early: bool,
    /// What would mend wrong estimates; empty where it was not looked at.
    pub(crate) statistics: Vec<statistics::Advice>,
    /// When the tables' statistics were collected.
    pub(crate) statistics_age: Value,
}

impl Advice {
    /// Puts an outcome into words.
    pub(crate) fn new(
        catalog: &ServerCatalog,
        workload: &Workload<'_>,
        outcome: &Outcome,
        planner: &ServerPlanner<'_>,
        trust: &Trust,
        writes: &Writes<'_>,
    ) -> Self {
        let own = OwnWrites::new(catalog, &workload.prepared, outcome, writes);
        let indexes = advised(catalog, &workload.prepared, outcome, (planner, trust), writes, &own);
        let queries = impacts(catalog, &workload.prepared, outcome, &own);
        Self {
            declined: declined(catalog, outcome),
            superseded: superseded(catalog, outcome, &indexes, writes),
            summary: summary(catalog, outcome, planner, &indexes, &queries, writes),
            indexes,
            queries,
            skipped: workload.skipped.clone(),
            extensions: Vec::new(),
            elapsed: Duration::ZERO,
            prepared_after: Duration::ZERO,
            compressed: None,
            stopped_early: outcome.stopped_by.is_some(),
            statistics: Vec::new(),
            statistics_age: json!([]),
        }
    }

    /// Adds the plans before and after of each statement whose cost changes.
    pub(crate) fn explain(
        &mut self,
        prepared: &[Prepared<'_>],
        outcome: &Outcome,
        planner: &mut ServerPlanner<'_>,
    ) {
        let all: IndexSet = outcome.steps.iter().map(|step| step.candidate).collect();
        let none = IndexSet::new();
        let dropped = planner.oids(&outcome.dropped);
        for (at, impact) in self.queries.iter_mut().enumerate().take(prepared.len()) {
            if (impact.cost_after - impact.cost_before).abs() <= CHANGE * impact.cost_before {
                continue;
            }
            // Of thousands of statements nobody reads the plans: they must not take the time.
            if at >= ALWAYS_EXPLAINED && planner.bounds().late() {
                break;
            }
            impact.plan_before = Some(planner.explain(&outcome.pool, at, &none, &BTreeSet::new()));
            impact.plan_after = Some(planner.explain(&outcome.pool, at, &all, &dropped));
        }
    }

    /// A statement that failed in the middle of the search.
    pub(crate) fn note_failure(&mut self, prepared: Option<&Prepared<'_>>, message: &str) {
        if let Some(prepared) = prepared {
            self.skipped.push(Skipped {
                query_id: prepared.entry.id,
                query: prepared.entry.text.clone(),
                reason: "error",
                message: message.to_owned(),
                sqlstate: None,
                error: None,
            });
        }
    }

    /// How many statements were planned.
    pub(crate) fn statements(&self) -> usize {
        self.queries.len()
    }

    /// How many statements were left out for this reason, see [`Skipped`].
    pub(crate) fn left_out(&self, reason: &str) -> usize {
        self.skipped.iter().filter(|skipped| skipped.reason == reason).count()
    }

    /// Why there is nothing to advise, in a sentence.
    pub(crate) fn why_empty(&self) -> String {
        let left_out = |skipped: &[Skipped]| {
            let mut reasons: Vec<&str> = skipped.iter().map(|s| s.reason).collect();
            reasons.sort_unstable();
            reasons.dedup();
            reasons.join(", ")
        };
        match (self.queries.len(), self.skipped.len()) {
            (0, 0) => "no statement was found".to_owned(),
            (0, skipped) => {
                format!("all {skipped} statements were left out ({})", left_out(&self.skipped))
            }
            (used, _) if self.stopped_early => {
                format!("the time limit ended the search over {used} statements")
            }
            (used, _) if self.declined.is_some() => format!(
                "none pays for {used} statements: {}",
                self.declined.as_deref().unwrap_or_default()
            ),
            (used, _) => match self.extensions.first() {
                Some(extension) => {
                    format!("none pays for {used} statements; {}", extension.sentence())
                }
                None => format!(
                    "none pays for {used} statements within the given limits; \
                     lower min_improvement or pareto_ratio to see smaller gains"
                ),
            },
        }
    }

    /// The report as one document.
    pub(crate) fn into_json(self) -> Value {
        let mut report = json!({
            "indexes": self.indexes,
            "queries": self.queries,
            "skipped": self.skipped,
            "extensions": self.extensions,
            "statements_examined": self.queries.len() + self.skipped.len(),
            "statements_used": self.queries.len(),
            "elapsed_ms": ms(self.elapsed),
            "preparation_ms": ms(self.prepared_after),
            "statistics_advice": self.statistics,
            "statistics_age": self.statistics_age,
        });
        if let Some(compressed) = self.compressed {
            report["compressed"] = compressed;
        }
        if let (Value::Object(report), Value::Object(summary)) = (&mut report, self.summary) {
            report.extend(summary);
        }
        report
    }
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn advised(
    catalog: &ServerCatalog,
    prepared: &[Prepared<'_>],
    outcome: &Outcome,
    (planner, trust): (&ServerPlanner<'_>, &Trust),
    writes: &Writes<'_>,
    own: &OwnWrites,
) -> Vec<AdvisedIndex> {
    let updated: Vec<_> =
        prepared.iter().flat_map(|statement| statement.shape.updated.iter().cloned()).collect();
    let mut before = (outcome.base_cost, &outcome.base);
    let mut course = Course::default();
    let mut indexes = Vec::new();
    for (rank, step) in (1..).zip(&outcome.steps) {
        let def = outcome.pool.def(step.candidate);
        let Some(table) = catalog.model.tables.get(def.table) else { continue };
        let changed = |better: bool| -> Vec<usize> {
            let worse = |old: f64, new: f64| new > old * (1.0 + CHANGE);
            let is = |old: f64, new: f64| if better { worse(new, old) } else { worse(old, new) };
            let pairs = before.1.iter().zip(&step.costs).enumerate();
            pairs.filter(|(_, (old, new))| is(**old, **new)).map(|(at, _)| at).collect()
        };
        let (improved, mut regressed) = (changed(true), changed(false));
        regressed.extend(own.made_dearer(rank, before.1, &regressed));
        regressed.sort_unstable();
        let uses = |at: &usize| outcome.used.get(*at).is_some_and(|u| u.contains(step.candidate));
        let used_by: Vec<usize> = (0..prepared.len()).filter(uses).collect();
        let replaced = replaced(table, outcome, step, writes);
        let (added, lost) = course.step(def.table, step, writes);
        let robust = trust.get(&step.candidate).cloned().unwrap_or_default();
        let name = |column: &i16| table.column(*column).map(|column| column.name.clone());
        let ids = |queries: &[usize]| -> Vec<i64> {
            queries.iter().filter_map(|&at| prepared.get(at)).map(|p| p.entry.id).collect()
        };
        indexes.push(AdvisedIndex {
            rank,
            id: ddl::id(&catalog.model, def),
            ddl: ddl::create_index(&catalog.model, def),
            relation_name: ddl::table_name(table),
            relation: table.oid,
            method: def.method.as_str(),
            columns: def.keys.iter().filter_map(|key| name(&key.column)).collect(),
            include: def.include.iter().filter_map(name).collect(),
            size_bytes: outcome.pool.size(step.candidate).bytes.round() as i64,
            cost_before: before.0,
            cost_after: step.cost,
            improvement: if before.0 > 0.0 { 1.0 - step.cost / before.0 } else { 0.0 },
            improved_queries: ids(&improved),
            regressed_queries: ids(&regressed),
            used_by: ids(&used_by),
            write_overhead: findings::write_overhead(table, def, planner.row_bytes(def)),
            breaks_hot: findings::breaks_hot(table, def, &updated),
            replaces_names: replaced.iter().map(|index| index.name.clone()).collect(),
            replaces: replaced.iter().map(|index| index.oid).collect(),
            confidence: Gain { improved: &improved, before: before.1, after: &step.costs }
                .confidence(table, prepared, &robust),
            reason: {
                let saved = before.0 - step.cost + added.amount.cost;
                let share = if saved > 0.0 { added.amount.cost / saved } else { 0.0 };
                let mut reason = reason(catalog, def, &improved, prepared);
                reason.push_str(&findings::writing(share, lost));
                reason
            },
            write_cost: added.amount.cost,
            wal_bytes_per_second: added.amount.wal / writes.seconds,
            hot_updates_lost: lost,
            confidence_detail: robust.detail(),
            promises: promises(&improved, prepared, before.1, &step.costs),
        });
        before = (step.cost, &step.costs);
    }
    indexes
}

fn promises(
    improved: &[usize],
    prepared: &[Prepared<'_>],
    before: &[f64],
    after: &[f64],
) -> Vec<Promise> {
    let promise = |&at: &usize| {
        let query = prepared.get(at)?.entry.id;
        Some(Promise { query, before: *before.get(at)?, after: *after.get(at)? })
    };
    improved.iter().filter_map(promise).filter(|promise| promise.before.is_finite()).collect()
}

/// What one index changes.
struct Gain<'a> {
    /// The statements that become cheaper.
    improved: &'a [usize],
    before: &'a [f64],
    after: &'a [f64],
}

impl Gain<'_> {
    fn confidence(
        &self,
        table: &model::Table,
        prepared: &[Prepared<'_>],
        robust: &Robustness,
    ) -> &'static str {
        let sum = |costs: &[f64]| -> f64 {
            let known = self.improved.iter().filter_map(|&at| costs.get(at));
            known.filter(|cost| cost.is_finite()).sum()
        };
        let old = sum(self.before);
        let statements = || self.improved.iter().filter_map(|&at| prepared.get(at));
        let unbound = |p: &Prepared<'_>| p.statement.param_types.len() > p.bound_params();
        Evidence {
            analyzed: table.analyzed,
            gain: if old > 0.0 { 1.0 - sum(self.after) / old } else { 0.0 },
            default_estimates: statements().any(unbound),
            bindings_disagree: robust.values_disagree(),
        }
        .confidence()
        .min(robust.allows())
        .as_str()
    }
}

fn reason(
    catalog: &ServerCatalog,
    def: &IndexDef,
    improved: &[usize],
    prepared: &[Prepared<'_>],
) -> String {
    let shapes: Vec<&QueryShape> =
        improved.iter().filter_map(|&at| prepared.get(at)).map(|p| &p.shape).collect();
    findings::reason(&catalog.model, def, &shapes)
}

fn impacts(
    catalog: &ServerCatalog,
    prepared: &[Prepared<'_>],
    outcome: &Outcome,
    own: &OwnWrites,
) -> Vec<QueryImpact> {
    let cost = |costs: &[f64], at: usize| costs.get(at).copied().unwrap_or(f64::INFINITY);
    prepared
        .iter()
        .enumerate()
        .map(|(at, statement)| QueryImpact {
            query_id: statement.entry.id,
            query: statement.entry.text.clone(),
            analyzed_as: statement.repaired.clone(),
            calls: statement.entry.calls,
            total_time_ms: statement.entry.total_ms,
            weight: statement.weight,
            parameter_draws: statement.bindings.len(),
            cost_before: statement.base_cost,
            cost_after: cost(&outcome.last, at) + own.added(at),
            write_cost: own.added(at),
            indexes: outcome.used.get(at).map_or_else(Vec::new, |used| {
                used.iter().map(|id| ddl::id(&catalog.model, outcome.pool.def(id))).collect()
            }),
            plan_before: None,
            plan_after: None,
        })
        .collect()
}

fn summary(
    catalog: &ServerCatalog,
    outcome: &Outcome,
    planner: &ServerPlanner<'_>,
    indexes: &[AdvisedIndex],
    queries: &[QueryImpact],
    writes: &Writes<'_>,
) -> Value {
    let logs: Vec<f64> = queries
        .iter()
        .filter(|query| query.cost_after > 0.0 && query.cost_after.is_finite())
        .map(|query| (query.cost_before / query.cost_after).ln())
        .collect();
    let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
    let definition = |id: usize| ddl::id(&catalog.model, outcome.pool.def(id));
    let statement = |id: usize| ddl::create_index(&catalog.model, outcome.pool.def(id));
    let advised: IndexSet = outcome.steps.iter().map(|step| step.candidate).collect();
    json!({
        "cost_before": outcome.base_cost,
        "cost_after": outcome.final_cost,
        "lower_bound": outcome.lower_bound,
        "geometric_mean_speedup": mean.exp(),
        "index_bytes": outcome.bytes.round() as i64,
        "complete": outcome.complete,
        "stopped_by": outcome.stopped_by.as_ref().map(|reason| match reason {
            StoppedBy::Deadline => "time_limit",
            StoppedBy::Memory => "memory",
            StoppedBy::CallLimit => "call_limit",
        }),
        "candidates": outcome.pool.len(),
        "planner": {
            "calls_made": outcome.counters.calls,
            "calls_saved": outcome.counters.saved,
            "plans_made": planner.plans,
            "planning_ms": ms(planner.planning),
        },
        "rounds": outcome.stages.iter().map(|stage| json!({
            "stage": stage.name,
            "relative_cost": stage.relative_cost,
            "planner_calls": stage.calls,
            "elapsed_ms": ms(planner.time_of(stage.calls)),
        })).collect::<Vec<_>>(),
        "pareto_front": outcome.front.iter().map(|point| json!({
            "index_bytes": point.bytes.round(),
            "cost": point.cost,
            "indexes": point.indexes.iter().map(definition).collect::<Vec<_>>(),
            "ddl": point.indexes.iter().map(statement).collect::<Vec<_>>(),
            "knee": point.knee,
            "advised": point.indexes == advised,
            "planned": point.planned,
        })).collect::<Vec<_>>(),
        "drops": drops(catalog, outcome, indexes, writes),
        "muted": planner.muted().map(|(id, ddl, reason)| json!({
            "id": id,
            "ddl": ddl,
            "reason": reason,
        })).collect::<Vec<_>>(),
        "declined": outcome.declined.iter().map(|one| json!({
            "index": definition(one.candidate),
            "saves": one.gain,
            "write_cost": one.upkeep,
        })).collect::<Vec<_>>(),
        "writing": {
            "seconds": writes.seconds,
            "counted_seconds": writes.counted,
            "weight": settings::write_weight(),
        },
    })
}
