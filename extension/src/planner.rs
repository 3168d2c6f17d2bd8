//! The core's planner port over the server's planner.

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
use crate::progress::Reporter;
use crate::session::Bounds;
use crate::sizes::{LeafSpec, Sizes};
use crate::sys::{
    self, Arena, Binding, Explained, Format, How, Hypotheticals, IndexSpec, ServerError,
    SessionScope,
};
use crate::workload::Prepared;

/// The search path of the advisor's own queries: nothing that a user made comes first.
pub(crate) const OWN_PATH: &str = "pg_catalog, pg_temp";

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
    /// Names other than the identifiers.
    names: BTreeMap<CandidateId, String>,
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
            hypotheticals: Hypotheticals::new(),
            scratch: Arena::new(),
            bounds,
            sized_by: None,
            planned: BTreeSet::new(),
            chosen: None,
            identity: Identity::default(),
            doubts: Doubts::new(),
            doubted: BTreeMap::new(),
            sizes,
            names: BTreeMap::new(),
            progress,
            plans: 0,
            planning: Duration::ZERO,
            started,
            answered: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Begins anew with other candidates: of the statements only those `chosen` take part, in that
    /// order; `None`: all. What is known of sizes stays.
    pub(crate) fn restart(&mut self, chosen: Option<Vec<usize>>, deadline: Option<Instant>) {
        self.chosen = chosen;
        self.bounds = self.bounds.until(deadline);
        self.sized_by = self.bounds.left().map(|left| Instant::now() + left.mul_f64(SIZING));
        self.planned.clear();
        self.forget();
    }

    /// Forgets the candidates, for a new pool.
    pub(crate) fn forget(&mut self) {
        self.hypotheticals = Hypotheticals::new();
        self.names.clear();
        self.doubted.clear();
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
    /// there is none. Shows no value that the statement's role may not read.
    pub(crate) fn explain(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> String {
        const HOW: How = How::new(Format::Text, false);
        let Some(statement) = self.statement(query) else { return String::new() };
        let arena = Arena::new();
        let generic = sys::bind(&arena, &statement.statement.param_types, &[]);
        let typical = statement.bindings.first().filter(|_| statement.may_show_values);
        let binding = typical.unwrap_or(&generic);
        let shown = self.show(pool, query, binding, offered, &BTreeSet::new(), HOW);
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
        for id in offered.iter() {
            if !self.hypotheticals.contains(id) {
                self.add(pool, id);
            }
        }
    }

    fn add(&mut self, pool: &Pool, id: CandidateId) {
        let def = pool.def(id);
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

    /// What EXPLAIN calls a candidate, instead of its identifier. To be said before it is planned
    /// with.
    pub(crate) fn call(&mut self, id: CandidateId, name: &str) {
        self.names.insert(id, name.to_owned());
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
        if offered.is_empty() {
            // Planned when the statement was prepared, so known even when time is up.
            self.answered.push(self.started.elapsed());
            return Ok(Plan { cost: statement.base_cost, used: IndexSet::new() });
        }
        self.poll()?;
        self.progress.planned(self.plans);
        self.materialize(pool, offered);
        self.identity.adopt(self.scope, statement.role, &statement.search_path);
        self.plans += statement.bindings.len() as u64;
        let asked = Instant::now();
        let (scratch, hypotheticals) = (&self.scratch, &self.hypotheticals);
        let hidden = &BTreeSet::new();
        let (doubts, catalog) = (&self.doubts, self.catalog);
        let answer = sys::subtransaction(true, || {
            let mut total = Plan { cost: 0.0, used: IndexSet::new() };
            let mut doubt = 0.0;
            for binding in &statement.bindings {
                let planned = sys::plan(
                    scratch,
                    &statement.statement,
                    binding,
                    hypotheticals,
                    offered,
                    hidden,
                );
                total.cost += planned.cost;
                total.used = total.used.union(&planned.used);
                doubt += doubts.sum(catalog, pool, &planned.inner_scans);
            }
            let draws = statement.bindings.len().max(1) as f64;
            total.cost /= draws;
            (total, doubt / draws)
        });
        self.planning += asked.elapsed();
        self.answered.push(self.started.elapsed());
        match answer {
            Ok((plan, doubt)) => {
                self.planned.insert(at);
                self.doubted.insert((query, plan.used.clone()), doubt);
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
        let draws = self.statement(query).map_or(0, |statement| statement.bindings.len());
        let mut total = 0.0;
        for draw in 0..draws {
            if let Some(planned) = self.plan_once(pool, query, draw, offered) {
                total += self.doubts.sum(self.catalog, pool, &planned.inner_scans);
            }
        }
        Ok(total / draws.max(1) as f64)
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

impl ServerPlanner<'_> {
    /// The plan of one draw of a statement, really made; `None` when the server raised an error.
    pub(crate) fn plan_once(
        &mut self,
        pool: &Pool,
        query: usize,
        draw: usize,
        offered: &IndexSet,
    ) -> Option<sys::Planned> {
        self.materialize(pool, offered);
        let statement = self.statement(query)?;
        let binding = statement.bindings.get(draw)?;
        self.identity.adopt(self.scope, statement.role, &statement.search_path);
        self.plans += 1;
        self.progress.planned(self.plans);
        let (scratch, hypotheticals) = (&self.scratch, &self.hypotheticals);
        let hidden = &BTreeSet::new();
        let planned = sys::subtransaction(true, || {
            sys::plan(scratch, &statement.statement, binding, hypotheticals, offered, hidden)
        });
        self.scratch.reset();
        planned.ok()
    }
}

impl ServerPlanner<'_> {
    /// Whether the candidates help some of a statement's parameter draws and others not at all.
    pub(crate) fn draws_disagree(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> bool {
        /// Gains that count as none and as some.
        const NONE: f64 = 0.01;
        const SOME: f64 = 0.10;
        let draws = self.statement(query).map_or(0, |statement| statement.bindings.len());
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for draw in (0..draws).filter(|_| draws > 1) {
            let before = self.plan_once(pool, query, draw, &IndexSet::new());
            let after = self.plan_once(pool, query, draw, offered);
            if let (Some(before), Some(after)) = (before, after) {
                let gain = 1.0 - after.cost / before.cost.max(f64::MIN_POSITIVE);
                (least, most) = (least.min(gain), most.max(gain));
            }
        }
        least < NONE && most > SOME
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

/// The role and search path in force, so that they are switched only when they change.
#[derive(Default)]
pub(crate) struct Identity {
    role: Option<u32>,
    search_path: Option<String>,
}

impl Identity {
    /// Acts as `role` with `search_path`; an empty path leaves the one in force.
    pub(crate) fn adopt(&mut self, scope: &SessionScope, role: u32, search_path: &str) {
        if self.role != Some(role) {
            sys::set_role(scope, role);
            self.role = Some(role);
        }
        if !search_path.is_empty() && self.search_path.as_deref() != Some(search_path) {
            scope.set("search_path", search_path);
            self.search_path = Some(search_path.to_owned());
        }
    }
}
