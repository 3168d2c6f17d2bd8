//! One run of the advisor, from arguments to advice.

use std::time::{Duration, Instant};

use advisor_core::candidates::{self, Limits};
use advisor_core::ddl;
use advisor_core::index_set::IndexSet;
use advisor_core::model::IndexDef;
use advisor_core::pool::Pool;
use advisor_core::search::{self, Options, Outcome};

use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::large::{self, Compression};
use crate::memory;
use crate::planner::ServerPlanner;
use crate::progress::Reporter;
use crate::report::{Advice, Plans};
use crate::session::{Session, Waiting};
use crate::settings;
use crate::statistics;
use crate::sys::{self, Arena};
use crate::trust;
use crate::wishes;
use crate::workload::{self, Prepared, Skipped, Workload};
use crate::writes::Writes;

/// Bytes of a heap page.
const PAGE: f64 = 8192.0;
/// Tables of fewer pages are read whole faster than through any index.
const MIN_PAGES: f64 = 8.0;
/// An extension is worth a word from so many pages of a table on.
const MIN_PAGES_FOR_EXTENSION: f64 = 64.0;
/// Candidates of one statement on one table that are offered at once. Planning slows down with
/// every index it sees; with INCLUDE columns a few candidates cover what takes many permutations
/// of key columns without.
const MAX_PER_TABLE: usize = 24;
const MAX_PER_TABLE_WITHOUT_INCLUDE: usize = 80;
/// Share of the time limit after which the search ends; the rest is for trying what it found.
const SEARCH_SHARE: f64 = 0.9;

/// The checked arguments of a call.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    /// Statements; `None`: what pg_stat_statements recorded.
    pub(crate) queries: Option<Vec<String>>,
    /// Bytes for all new indexes.
    pub(crate) storage_budget: Option<f64>,
    /// Key columns per index.
    pub(crate) max_columns: usize,
    /// Share of the workload's cost that each index must cut.
    pub(crate) min_improvement: f64,
    /// log10 of speed-up asked per log10 of space.
    pub(crate) pareto_ratio: f64,
    /// Time for the search; `None`: no limit.
    pub(crate) time_limit: Option<Duration>,
    /// Statements taken from pg_stat_statements.
    pub(crate) max_queries: i64,
    /// The caller's search path, where it is not the one in force.
    pub(crate) search_path: Option<String>,
    /// Whether the statistics of the tables are looked at, too.
    pub(crate) statistics: bool,
}

/// Runs the advisor. Nothing of the session changes: everything happens in a sub-transaction that
/// is rolled back, which also gives back the locks on the workload's tables.
///
/// # Errors
/// See [`AdvisorError`].
pub(crate) fn advise(arguments: &Arguments, plans: Plans) -> Result<Advice, AdvisorError> {
    let started = Instant::now();
    let result = sys::subtransaction(false, || run(arguments, plans, started));
    let mut advice = result.map_err(AdvisorError::Statement)??;
    advice.elapsed = started.elapsed();
    Ok(advice)
}

fn run(arguments: &Arguments, plans: Plans, started: Instant) -> Result<Advice, AdvisorError> {
    let arena = Arena::new();
    let session = Session::open_under(&arena, Waiting::Briefly, arguments.search_path.clone())?;
    let entries = match &arguments.queries {
        Some(queries) => workload::given(queries.clone()),
        None => workload::recorded(arguments.max_queries)?,
    };
    let (catalog, workload) =
        session.prepare(entries, arguments.time_limit.map(|limit| started + limit / 2))?;
    if arguments.queries.is_some() {
        report_skipped(&workload)?;
    }
    let prepared_after = started.elapsed();
    let deadline = arguments.time_limit.map(|limit| started + limit.mul_f64(SEARCH_SHARE));
    let mut planner = session.planner(&catalog, &workload.prepared, started, deadline)?;
    planner.leave_out(memory::muted()?);
    let mut writes = Writes::read(&catalog, &workload, arguments.queries.is_none(), true)?;
    // To read a statement is to plan it, and more: about what a call with candidates takes.
    let statements = u32::try_from(workload.prepared.len()).unwrap_or(u32::MAX).max(1);
    let read_in = prepared_after / statements;
    let (outcome, compressed) = search(
        arguments,
        &workload.prepared,
        &mut writes,
        &mut planner,
        (&session.progress, read_in),
    )?;
    let ends = arguments.time_limit.map(|limit| started + limit);
    let trust = trust::examine(&outcome, &workload.prepared, &mut planner, ends);
    let mut advice = Advice::new(&catalog, &workload, &outcome, &planner, &trust, &writes);
    advice.prepared_after = prepared_after;
    advice.compressed = compressed;
    advice.extensions =
        wishes::unfulfilled(&catalog, &workload.prepared, &outcome, MIN_PAGES_FOR_EXTENSION)?;
    if arguments.statistics {
        advice.statistics = statistics::find(&catalog, &workload.prepared, &mut planner, ends);
        advice.statistics_age = statistics::ages(&catalog)?;
    }
    if plans == Plans::Wanted {
        advice.explain(&workload.prepared, &outcome, &mut planner);
    }
    for (at, message) in std::mem::take(&mut planner.failures) {
        advice.note_failure(workload.prepared.get(at), &message);
    }
    Ok(advice)
}

/// One measured planner call of [`benchmark`].
pub(crate) struct Measured {
    /// Position in the list given, from 1.
    pub(crate) query_id: i64,
    /// The indexes offered, as DDL.
    pub(crate) indexes: Vec<String>,
    /// The cost with them.
    pub(crate) cost: f64,
    /// Planner calls made.
    pub(crate) calls: u32,
    /// Mean time of a call in microseconds.
    pub(crate) plan_us: f64,
}

/// Plans each statement with the first 0, 1, 2, 4, … candidates, `repeats` times each.
///
/// # Errors
/// See [`AdvisorError`].
pub(crate) fn benchmark(
    queries: Vec<String>,
    max_candidates: usize,
    repeats: u32,
) -> Result<Vec<Measured>, AdvisorError> {
    sys::subtransaction(false, || {
        let arena = Arena::new();
        let session = Session::open(&arena, Waiting::Briefly)?;
        let (catalog, workload) = session.prepare(workload::given(queries), None)?;
        report_skipped(&workload)?;
        let mut planner = session.planner(&catalog, &workload.prepared, Instant::now(), None)?;
        let mut rows = Vec::new();
        for (at, statement) in workload.prepared.iter().enumerate() {
            let limits = Limits { max_per_table: MAX_PER_TABLE, ..Limits::default() };
            let defs = candidates::for_query(&catalog.model, &statement.shape, &limits);
            let mut pool = Pool::default();
            let ids: Vec<_> = defs
                .iter()
                .take(max_candidates)
                .map(|def| pool.intern(def, &mut planner))
                .collect();
            let mut size = 0;
            loop {
                let offered: IndexSet = ids.iter().take(size).copied().collect();
                rows.push(measure(
                    &mut planner,
                    &catalog,
                    &pool,
                    (at, statement),
                    &offered,
                    repeats,
                ));
                if size >= ids.len() {
                    break;
                }
                size = (size * 2).clamp(1, ids.len());
            }
        }
        Ok(rows)
    })
    .map_err(AdvisorError::Statement)?
}

fn measure(
    planner: &mut ServerPlanner<'_>,
    catalog: &ServerCatalog,
    pool: &Pool,
    (at, statement): (usize, &Prepared<'_>),
    offered: &IndexSet,
    repeats: u32,
) -> Measured {
    let mut cost = f64::INFINITY;
    let started = Instant::now();
    for _ in 0..repeats {
        let plans = (0..statement.bindings.len()).map(|draw| {
            planner.plan_once(pool, at, draw, offered).map_or(f64::INFINITY, |p| p.cost)
        });
        cost = plans.sum::<f64>() / statement.bindings.len().max(1) as f64;
    }
    let calls = repeats * u32::try_from(statement.bindings.len()).unwrap_or(1);
    Measured {
        query_id: statement.entry.id,
        indexes: offered.iter().map(|id| ddl::create_index(&catalog.model, pool.def(id))).collect(),
        cost,
        calls,
        plan_us: started.elapsed().as_secs_f64() * 1e6 / f64::from(calls.max(1)),
    }
}

fn search(
    arguments: &Arguments,
    prepared: &[Prepared<'_>],
    writes: &mut Writes<'_>,
    planner: &mut ServerPlanner<'_>,
    (progress, read_in): (&Reporter, Duration),
) -> Result<(Outcome, Option<serde_json::Value>), AdvisorError> {
    let include_columns = settings::include_columns();
    let limits = Limits {
        max_columns: arguments.max_columns,
        max_per_table: match include_columns {
            0 => MAX_PER_TABLE_WITHOUT_INCLUDE,
            _ => MAX_PER_TABLE,
        },
        include_columns,
        min_pages: MIN_PAGES,
        kinds: settings::index_kinds()?,
    };
    let catalog = writes.model.catalog;
    let compression = large::compress(planner, catalog, prepared, &limits, objective(), progress);
    let (chosen, weights): (Vec<usize>, Vec<f64>) = match &compression {
        Some(compression) => compression.chosen().unzip(),
        None => prepared.iter().enumerate().map(|(at, p)| (at, p.weight)).unzip(),
    };
    let searched = compression.as_ref().map_or(chosen.len(), Compression::representatives);
    progress.begin("candidates", searched);
    let mut candidates: Vec<Vec<IndexDef>> = Vec::with_capacity(chosen.len());
    for (query, statement) in chosen.iter().filter_map(|&at| prepared.get(at)).enumerate() {
        progress.advance();
        candidates.push(match query < searched {
            true => candidates::for_query(catalog, &statement.shape, &limits),
            false => Vec::new(),
        });
    }
    writes.consider_only(&candidates);
    planner.may_drop(writes.movable.clone());
    let options = Options {
        objective: objective(),
        storage_budget: arguments.storage_budget,
        max_columns: arguments.max_columns,
        min_improvement: arguments.min_improvement,
        pareto_ratio: arguments.pareto_ratio,
        base_bytes: catalog.tables.iter().map(|table| table.pages * PAGE).sum(),
        regression_tolerance: settings::max_regression(),
        second_opinion: settings::second_opinion(),
        ..Options::default()
    };
    let existing = writes.existing_among(&chosen);
    let workload = search::Workload {
        weights: &weights,
        candidates: &candidates,
        upkeep: &writes.model,
        existing: &existing,
    };
    // The planner raises the server's own error on a cancel, so the search is never interrupted.
    let interrupted = |_| AdvisorError::Catalog("the search was interrupted".to_owned());
    let bounds = planner.bounds();
    let Some(compression) = compression else {
        let generation_calls =
            bounds.left().map_or(u64::MAX, |left| large::generation_calls(left, read_in));
        let options = Options { generation_calls, ..options };
        return Ok((search::advise(&workload, &options, planner).map_err(interrupted)?, None));
    };
    let reserved = bounds.left().map_or(Duration::ZERO, |left| compression.reserve(left));
    let options = Options {
        members_per_table: large::MEMBERS_PER_TABLE,
        generation_calls: bounds.left().map_or(u64::MAX, |left| {
            large::generation_calls(left.saturating_sub(reserved), compression.plan_time())
        }),
        ..options
    };
    let ends = bounds.deadline().and_then(|deadline| deadline.checked_sub(reserved));
    planner.restart(Some(chosen), ends);
    let outcome = search::advise(&workload, &options, planner).map_err(interrupted)?;
    planner.restart(None, bounds.deadline());
    let (outcome, report) = compression.verify(outcome, planner, prepared, writes, &options)?;
    Ok((outcome, Some(report)))
}

/// The objective in force.
pub(crate) fn objective() -> search::Objective {
    match settings::objective() {
        settings::Objective::Total => search::Objective::Total,
        settings::Objective::GeometricMean => search::Objective::GeometricMean,
    }
}

/// For a list that the user gave: the server's own error when nothing of it can be used, else a
/// warning for each statement left out.
///
/// # Errors
/// [`AdvisorError::InText`] and [`AdvisorError::Utility`].
pub(crate) fn report_skipped(workload: &Workload<'_>) -> Result<(), AdvisorError> {
    // What there was no room for may have been worth an answer.
    let cut_short = |skipped: &Skipped| ["time limit", "memory limit"].contains(&skipped.reason);
    if workload.prepared.is_empty() && !workload.skipped.iter().any(cut_short) {
        let failed = |skipped: &Skipped| Some((skipped.error.clone()?, skipped.query.clone()));
        if let Some((error, text)) = workload.skipped.iter().find_map(failed) {
            return Err(AdvisorError::InText { error, text });
        }
        if let Some(skipped) =
            workload.skipped.iter().find(|skipped| skipped.reason == "utility statement")
        {
            return Err(AdvisorError::Utility(skipped.message.clone()));
        }
    }
    for skipped in &workload.skipped {
        pgrx::warning!("query {} was left out: {}", skipped.query_id, skipped.message);
    }
    Ok(())
}
