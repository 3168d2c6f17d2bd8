//! The core's planner port over the server's planner.

mod existing;
mod identity;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use advisor_core::ddl;
use advisor_core::index_set::IndexSet;
use advisor_core::model::{CandidateId, IndexDef};
use advisor_core::pool::{IndexSize, Pool, Sizer};
use advisor_core::whatif::{Plan, Planner, Progress, Stop};
use pgrx::PgSqlErrorCode;

use crate::catalog::ServerCatalog;
use crate::doubts::Doubts;
use crate::memory::Muted;
use crate::progress::Reporter;
use crate::session::Bounds;
use crate::sizes::{LeafSpec, Sizes};
use crate::sys::{
    self, Arena, Binding, Explained, Format, How, Hypotheticals, IndexSpec, Perturbation,
    ServerError, SessionScope,
};
use crate::workload::Prepared;
use existing::Existing;

pub(crate) use existing::Movable;
pub(crate) use identity::{Identity, OWN_PATH};

/// Share of the time after a restart in which sizes may take a look at the tables.
const SIZING: f64 = 0.2;

/// Plans the workload's statements with hypothetical indexes.
pub(crate) struct ServerPlanner<'a> {
    scope: &'a SessionScope,
    catalog: &'a ServerCatalog,
    statements: &'a [Prepared<'a>],
    hypotheticals: Hypotheticals,
    scratch: Arena,
    bounds: Bounds<'a>,
    /// When sizes may no longer take a look at the tables, if that is before the time is up.
    sized_by: Option<Instant>,
    /// Statements that were planned with candidates.
    planned: BTreeSet<usize>,
    /// The statement behind each query, when only some take part.
    chosen: Option<Vec<usize>>,
    identity: Identity,
    doubts: Doubts,
    /// The doubts about each plan made, by query and the candidates it uses.
    doubted: BTreeMap<(usize, IndexSet), f64>,
    sizes: Sizes<'a>,
    /// The indexes that exist and may be dropped.
    existing: Existing,
    /// By which factor the worst draw of each plan made gets dearer, by query and what it uses.
    worst: BTreeMap<(usize, IndexSet), f64>,
    /// Names other than the identifiers.
    names: BTreeMap<CandidateId, String>,
    /// Definitions that are not to be advised, the candidates among them, and all that there were.
    muted: Muted,
    mute: BTreeSet<CandidateId>,
    kept_out: BTreeSet<IndexDef>,
    progress: &'a Reporter,
    /// Planner calls made, draws counted singly.
    pub(crate) plans: u64,
    /// Time spent in them.
    pub(crate) planning: Duration,
    started: Instant,
    /// For each answered request, when it was answered.
    answered: Vec<Duration>,
    /// What the server said of statements that failed in the middle of the search.
    pub(crate) failures: BTreeMap<usize, String>,
}

impl<'a> ServerPlanner<'a> {
    /// A planner over prepared statements.
    pub(crate) fn new(
        scope: &'a SessionScope,
        catalog: &'a ServerCatalog,
        statements: &'a [Prepared<'a>],
        sizes: Sizes<'a>,
        progress: &'a Reporter,
        started: Instant,
        bounds: Bounds<'a>,
    ) -> Self {
        Self {
            scope,
            catalog,
            statements,
            hypotheticals: Hypotheticals::with_statistics(catalog.expression_statistics()),
            scratch: Arena::new(),
            bounds,
            sized_by: None,
            planned: BTreeSet::new(),
            chosen: None,
            identity: Identity::default(),
            doubts: Doubts::new(),
            doubted: BTreeMap::new(),
            sizes,
            existing: Existing::default(),
            worst: BTreeMap::new(),
            names: BTreeMap::new(),
            muted: Muted::new(),
            mute: BTreeSet::new(),
            kept_out: BTreeSet::new(),
            progress,
            plans: 0,
            planning: Duration::ZERO,
            started,
            answered: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Begins anew with other candidates: of the statements only those `chosen` take part, in that
    /// order; `None`: all. A query is then known by its position among them. What is known of sizes
    /// stays, and so does what exists.
    pub(crate) fn restart(&mut self, chosen: Option<Vec<usize>>, deadline: Option<Instant>) {
        self.chosen = chosen;
        self.bounds = self.bounds.until(deadline);
        self.sized_by = self.bounds.left().map(|left| Instant::now() + left.mul_f64(SIZING));
        self.planned.clear();
        if self.chosen.is_some() {
            // The search proper begins: its requests are counted from here.
            self.answered.clear();
        }
        self.forget();
    }

    /// Forgets the candidates, for a new pool.
    pub(crate) fn forget(&mut self) {
        self.hypotheticals = Hypotheticals::with_statistics(self.catalog.expression_statistics());
        self.names.clear();
        self.doubted.clear();
        self.worst.clear();
        self.mute.clear();
    }

    /// From now on sizes are of the formula alone for all but these tables.
    pub(crate) fn look_at(&mut self, tables: BTreeSet<usize>) {
        self.sizes.look_at(tables);
    }

    /// Whether the statement at this position was planned with candidates since the last restart.
    pub(crate) fn was_planned(&self, at: usize) -> bool {
        self.planned.contains(&at)
    }

    /// What the planner may take.
    pub(crate) fn bounds(&self) -> Bounds<'a> {
        self.bounds
    }

    /// The position of the statement behind a query.
    fn at(&self, query: usize) -> Option<usize> {
        match &self.chosen {
            Some(chosen) => chosen.get(query).copied(),
            None => Some(query),
        }
    }

    /// The statement behind a query.
    fn statement(&self, query: usize) -> Option<&'a Prepared<'a>> {
        self.statements.get(self.at(query)?)
    }

    /// When the search had made this many requests, from the start of the run.
    pub(crate) fn time_of(&self, calls: u64) -> Duration {
        let at = usize::try_from(calls).unwrap_or(usize::MAX).min(self.answered.len());
        at.checked_sub(1).and_then(|at| self.answered.get(at)).copied().unwrap_or_default()
    }

    /// EXPLAIN's text of a statement's plan with the offered candidates; the error's message when
    /// there is none. Without the existing indexes that are `hidden`. Shows no value that the
    /// statement's role may not read.
    pub(crate) fn explain(
        &mut self,
        pool: &Pool,
        query: usize,
        offered: &IndexSet,
        hidden: &BTreeSet<u32>,
    ) -> String {
        const HOW: How = How::new(Format::Text, false);
        let Some(statement) = self.statement(query) else { return String::new() };
        let arena = Arena::new();
        let generic = sys::bind(&arena, &statement.statement.param_types, &[]);
        let typical = statement.bindings.first().filter(|_| statement.may_show_values);
        let binding = typical.unwrap_or(&generic);
        let shown = self.show(pool, query, binding, offered, hidden, HOW);
        shown.map_or_else(|error| error.message, |shown| shown.text)
    }

    /// A statement's plan with these values for its parameters, with the offered candidates and
    /// without the hidden indexes, as EXPLAIN shows it.
    ///
    /// # Errors
    /// The server's, and 25006: see [`sys::explain`].
    pub(crate) fn show(
        &mut self,
        pool: &Pool,
        query: usize,
        binding: &Binding<'_>,
        offered: &IndexSet,
        hidden: &BTreeSet<u32>,
        how: How,
    ) -> Result<Explained, ServerError> {
        self.materialize(pool, offered);
        let Some(statement) = self.statement(query) else {
            let code = PgSqlErrorCode::ERRCODE_INTERNAL_ERROR;
            return Err(ServerError::new(code, "there is no such statement"));
        };
        self.identity.adopt(self.scope, statement.role, &statement.search_path);
        self.progress.planned(self.plans);
        let (scratch, hypotheticals) = (&self.scratch, &self.hypotheticals);
        let shown = sys::subtransaction(true, || {
            sys::explain(
                scratch,
                &statement.statement,
                binding,
                hypotheticals,
                offered,
                hidden,
                how,
            )
        });
        self.scratch.reset();
        shown?
    }

    /// Makes the planner-side form of candidates that have none yet.
    fn materialize(&mut self, pool: &Pool, offered: &IndexSet) {
        for id in offered.iter().filter(|&id| !pool.exists(id)) {
            if !self.hypotheticals.contains(id) && !self.mute.contains(&id) {
                self.add(pool, id);
            }
        }
    }

    fn add(&mut self, pool: &Pool, id: CandidateId) {
        let def = pool.def(id);
        if !self.muted.is_empty() && self.muted.contains_key(&ddl::id(&self.catalog.model, def)) {
            self.mute.insert(id);
            self.kept_out.insert(def.clone());
            return;
        }
        let leaves = self.sizes.leaves(def, pool.size(id));
        let specs: Vec<IndexSpec<'_>> = leaves.iter().map(LeafSpec::spec).collect();
        let name = self.names.get(&id).cloned();
        let name = name.unwrap_or_else(|| ddl::id(&self.catalog.model, def));
        // The texts of expressions and conditions mean what they meant when they were written.
        self.identity.adopt(self.scope, self.scope.caller(), OWN_PATH);
        let hypotheticals = &mut self.hypotheticals;
        let added = sys::subtransaction(true, || hypotheticals.add(id, &name, &specs));
        if let Err(error) = added {
            // The candidate has no index then, and no plan uses it.
            pgrx::debug1!("no hypothetical index {name}: {}", error.message);
        }
    }

    /// Keeps candidates from the plans, so that they are of no use to anything: the search then
    /// finds the next best. To be said before anything is planned.
    pub(crate) fn leave_out(&mut self, muted: Muted) {
        self.muted = muted;
    }

    /// The candidates that were kept out: identifier, definition, and why.
    pub(crate) fn muted(&self) -> impl Iterator<Item = (String, String, Option<&str>)> {
        self.kept_out.iter().map(|def| {
            let id = ddl::id(&self.catalog.model, def);
            let reason = self.muted.get(&id).and_then(Option::as_deref);
            (id, ddl::create_index(&self.catalog.model, def), reason)
        })
    }

    /// What EXPLAIN calls a candidate, instead of its identifier. To be said before it is planned
    /// with.
    pub(crate) fn call(&mut self, id: CandidateId, name: &str) {
        self.names.insert(id, name.to_owned());
    }

    /// Bytes that inserting a row writes to an inverted index.
    pub(crate) fn row_bytes(&self, def: &IndexDef) -> Option<f64> {
        self.sizes.row_bytes(def)
    }
}

impl Planner for ServerPlanner<'_> {
    fn plan(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> Result<Plan, Stop> {
        let failed = Plan { cost: f64::INFINITY, used: IndexSet::new() };
        let Some(at) = self.at(query) else { return Ok(failed) };
        let Some(statement) = self.statement(query) else { return Ok(failed) };
        if self.failures.contains_key(&at) {
            return Ok(failed);
        }
        let hidden = self.hidden(pool, query, offered);
        if hidden.is_empty() && offered.iter().all(|id| pool.exists(id)) {
            // Planned when the statement was prepared, so known even when time is up.
            self.answered.push(self.started.elapsed());
            let used = self.numbers(pool, query, &statement.base.indexes);
            return Ok(Plan { cost: statement.base_cost, used });
        }
        self.poll()?;
        self.progress.planned(self.plans);
        self.materialize(pool, offered);
        self.identity.adopt(self.scope, statement.role, &statement.search_path);
        self.plans += statement.bindings.len() as u64;
        let asked = Instant::now();
        let (scratch, hypotheticals) = (&self.scratch, &self.hypotheticals);
        let (doubts, catalog) = (&self.doubts, self.catalog);
        let answer = sys::subtransaction(true, || {
            let mut total = Plan { cost: 0.0, used: IndexSet::new() };
            let (mut doubt, mut worst, mut existing) = (0.0, 0.0_f64, BTreeSet::new());
            for (draw, binding) in statement.bindings.iter().enumerate() {
                let planned = sys::plan(
                    scratch,
                    &statement.statement,
                    binding,
                    hypotheticals,
                    offered,
                    &hidden,
                );
                total.cost += planned.cost;
                total.used = total.used.union(&planned.used);
                worst = worst.max(dearer(statement, draw, planned.cost));
                existing.extend(planned.used_existing);
                doubt += doubts.sum(catalog, pool, &planned.inner_scans);
            }
            let draws = statement.bindings.len().max(1) as f64;
            total.cost /= draws;
            (total, existing, doubt / draws, worst)
        });
        self.planning += asked.elapsed();
        self.answered.push(self.started.elapsed());
        match answer {
            Ok((mut plan, existing, doubt, worst)) => {
                self.planned.insert(at);
                plan.used = plan.used.union(&self.numbers(pool, query, &existing));
                self.doubted.insert((query, plan.used.clone()), doubt);
                if statement.bindings.len() > 1 {
                    self.worst.insert((query, plan.used.clone()), worst);
                }
                Ok(plan)
            }
            Err(error) => {
                self.scratch.reset();
                self.failures.insert(at, error.message);
                Ok(failed)
            }
        }
    }

    fn doubt(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> Result<f64, Stop> {
        self.poll()?;
        if let Some(&doubt) = self.doubted.get(&(query, offered.clone())) {
            return Ok(doubt);
        }
        let hidden = self.hidden(pool, query, offered);
        let draws = self.statement(query).map_or(0, |statement| statement.bindings.len());
        let mut total = 0.0;
        for draw in 0..draws {
            if let Some(planned) = self.plan_without(pool, query, draw, offered, &hidden) {
                total += self.doubts.sum(self.catalog, pool, &planned.inner_scans);
            }
        }
        Ok(total / draws.max(1) as f64)
    }

    fn worst(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> Result<f64, Stop> {
        let draws = self.statement(query).filter(|statement| statement.bindings.len() > 1);
        let Some(statement) = draws else { return Ok(0.0) };
        if let Some(&worst) = self.worst.get(&(query, offered.clone())) {
            return Ok(worst);
        }
        self.poll()?;
        let hidden = self.hidden(pool, query, offered);
        let mut worst = 0.0_f64;
        for draw in 0..statement.bindings.len() {
            if let Some(planned) = self.plan_without(pool, query, draw, offered, &hidden) {
                worst = worst.max(dearer(statement, draw, planned.cost));
            }
        }
        Ok(worst)
    }

    fn poll(&mut self) -> Result<(), Stop> {
        sys::check_interrupts();
        if self.bounds.late() {
            return Err(Stop::Deadline);
        }
        if self.bounds.full() {
            return Err(Stop::Memory);
        }
        Ok(())
    }

    fn observe(&mut self, progress: &Progress) {
        self.progress.search(progress);
    }
}

impl<'a> ServerPlanner<'a> {
    /// The plan of one draw of a statement, really made; `None` when the server raised an error.
    pub(crate) fn plan_once(
        &mut self,
        pool: &Pool,
        query: usize,
        draw: usize,
        offered: &IndexSet,
    ) -> Option<sys::Planned> {
        self.plan_without(pool, query, draw, offered, &BTreeSet::new())
    }

    /// The same without some of the indexes that exist.
    fn plan_without(
        &mut self,
        pool: &Pool,
        query: usize,
        draw: usize,
        offered: &IndexSet,
        hidden: &BTreeSet<u32>,
    ) -> Option<sys::Planned> {
        let binding = self.statement(query)?.bindings.get(draw)?;
        self.plan_with(pool, query, binding, offered, hidden, &Perturbation::default())
    }

    /// The plan of a statement with these values for its parameters, as if the statistics were
    /// changed; `None` when the server raised an error.
    pub(crate) fn plan_if(
        &mut self,
        pool: &Pool,
        query: usize,
        binding: &Binding<'_>,
        offered: &IndexSet,
        assumed: &Perturbation,
    ) -> Option<sys::Planned> {
        self.plan_with(pool, query, binding, offered, &BTreeSet::new(), assumed)
    }

    fn plan_with(
        &mut self,
        pool: &Pool,
        query: usize,
        binding: &Binding<'_>,
        offered: &IndexSet,
        hidden: &BTreeSet<u32>,
        assumed: &Perturbation,
    ) -> Option<sys::Planned> {
        self.materialize(pool, offered);
        let statement = self.adopt(query)?;
        self.plans += 1;
        self.progress.planned(self.plans);
        let (scratch, hypotheticals) = (&self.scratch, &self.hypotheticals);
        let planned = sys::subtransaction(true, || {
            sys::perturbed(assumed, || {
                sys::plan(scratch, &statement.statement, binding, hypotheticals, offered, hidden)
            })
        });
        self.scratch.reset();
        planned.ok()
    }

    /// Acts as the role of a statement, under its search path.
    pub(crate) fn adopt(&mut self, query: usize) -> Option<&'a Prepared<'a>> {
        let statement = self.statement(query)?;
        self.identity.adopt(self.scope, statement.role, &statement.search_path);
        Some(statement)
    }

    /// The catalog that it plans over.
    pub(crate) fn catalog(&self) -> &'a ServerCatalog {
        self.catalog
    }

    /// Acts as the caller, for the advisor's own queries.
    pub(crate) fn adopt_caller(&mut self) {
        self.identity.adopt(self.scope, self.scope.caller(), OWN_PATH);
    }
}

impl Sizer for ServerPlanner<'_> {
    fn size(&mut self, def: &IndexDef) -> IndexSize {
        self.progress.planned(self.plans);
        if self.bounds.late() || self.sized_by.is_some_and(|end| Instant::now() >= end) {
            self.look_at(BTreeSet::new());
        }
        self.identity.adopt(self.scope, self.scope.caller(), OWN_PATH);
        self.sizes.size(def)
    }
}

/// By which factor a draw is dearer than it is now; no less than 1 when the difference is nothing.
fn dearer(statement: &Prepared<'_>, draw: usize, cost: f64) -> f64 {
    /// Costs are printed with two digits.
    const NOTHING: f64 = 0.01;
    let before = statement.base.costs.get(draw).copied().unwrap_or(f64::INFINITY);
    if cost - before <= NOTHING { 1.0 } else { cost / before.max(NOTHING) }
}
