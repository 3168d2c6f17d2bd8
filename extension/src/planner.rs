//! The core's planner port over the server's planner.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use advisor_core::ddl;
use advisor_core::index_set::IndexSet;
use advisor_core::model::{CandidateId, IndexDef, IndexKey, Table};
use advisor_core::pool::{IndexSize, Pool, Sizer};
use advisor_core::size::{GroupDistinct, SizeModel};
use advisor_core::whatif::{Plan, Planner, Stop};

use crate::catalog::ServerCatalog;
use crate::doubts::Doubts;
use crate::hypopg::Hypopg;
use crate::sampling;
use crate::sys::{self, Arena, Hypotheticals, IndexSpec, SessionScope};
use crate::workload::Prepared;

/// The search path of the advisor's own queries: nothing that a user made comes first.
pub(crate) const OWN_PATH: &str = "pg_catalog, pg_temp";

/// Correlation from which on equal values are taken to lie together.
const CLUSTERED: f64 = 0.95;
/// Columns with fewer values have them all in the statistics.
const MANY: f64 = 1000.0;

/// Plans the workload's statements with hypothetical indexes.
pub(crate) struct ServerPlanner<'a> {
    scope: &'a SessionScope,
    catalog: &'a ServerCatalog,
    statements: &'a [Prepared<'a>],
    hypotheticals: Hypotheticals,
    scratch: Arena,
    deadline: Option<Instant>,
    identity: Identity,
    doubts: Doubts,
    /// The doubts about each plan made, by query and the candidates it uses.
    doubted: BTreeMap<(usize, IndexSet), f64>,
    sizes: Sizes<'a>,
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

/// Where sizes come from.
pub(crate) enum SizeSource {
    /// The advisor's formula.
    Measured,
    /// hypopg.
    Hypopg(Hypopg),
}

struct Sizes<'a> {
    source: SizeSource,
    catalog: &'a ServerCatalog,
    groups: GroupDistinct,
    /// Columns worth sampling, by table.
    wanted: BTreeMap<usize, BTreeSet<i16>>,
    sampled: BTreeMap<usize, sampling::Sample>,
}

impl<'a> ServerPlanner<'a> {
    /// A planner over prepared statements.
    pub(crate) fn new(
        scope: &'a SessionScope,
        catalog: &'a ServerCatalog,
        statements: &'a [Prepared<'a>],
        source: SizeSource,
        groups: GroupDistinct,
        started: Instant,
        deadline: Option<Instant>,
    ) -> Self {
        let mut wanted: BTreeMap<usize, BTreeSet<i16>> = BTreeMap::new();
        for table_use in statements.iter().flat_map(|statement| &statement.shape.uses) {
            wanted.entry(table_use.table).or_default().extend(&table_use.read);
        }
        Self {
            scope,
            catalog,
            statements,
            hypotheticals: Hypotheticals::new(),
            scratch: Arena::new(),
            deadline,
            identity: Identity::default(),
            doubts: Doubts::new(),
            doubted: BTreeMap::new(),
            sizes: Sizes { source, catalog, groups, wanted, sampled: BTreeMap::new() },
            plans: 0,
            planning: Duration::ZERO,
            started,
            answered: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    /// When the search had made this many requests, from the start of the run.
    pub(crate) fn time_of(&self, calls: u64) -> Duration {
        let at = usize::try_from(calls).unwrap_or(usize::MAX).min(self.answered.len());
        at.checked_sub(1).and_then(|at| self.answered.get(at)).copied().unwrap_or_default()
    }

    /// EXPLAIN's text of a statement's plan with the offered candidates.
    pub(crate) fn explain(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> String {
        self.materialize(pool, offered);
        let statements = self.statements;
        let Some(statement) = statements.get(query) else { return String::new() };
        let Some(binding) = statement.bindings.first() else { return String::new() };
        self.identity.adopt(self.scope, statement.role, &statement.search_path);
        let (scratch, hypotheticals) = (&self.scratch, &self.hypotheticals);
        sys::subtransaction(true, || {
            sys::explain(scratch, &statement.statement, binding, hypotheticals, offered)
        })
        .unwrap_or_else(|error| error.message)
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
        let Some(table) = self.catalog.model.tables.get(def.table) else { return };
        let sizes = self.sizes.leaf_sizes(def, pool.size(id));
        let leaves: Vec<LeafSpec> = table
            .leaves
            .iter()
            .zip(sizes)
            .filter_map(|(leaf, size)| LeafSpec::new(table.oid, leaf.oid, def, size))
            .collect();
        let specs: Vec<IndexSpec<'_>> = leaves.iter().map(LeafSpec::spec).collect();
        self.hypotheticals.add(id, &ddl::id(&self.catalog.model, def), &specs);
    }
}

impl Planner for ServerPlanner<'_> {
    fn plan(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> Result<Plan, Stop> {
        let failed = Plan { cost: f64::INFINITY, used: IndexSet::new() };
        let statements = self.statements;
        let Some(statement) = statements.get(query) else { return Ok(failed) };
        if self.failures.contains_key(&query) {
            return Ok(failed);
        }
        if offered.is_empty() {
            // Planned when the statement was prepared, so known even when time is up.
            self.answered.push(self.started.elapsed());
            return Ok(Plan { cost: statement.base_cost, used: IndexSet::new() });
        }
        self.poll()?;
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
                self.doubted.insert((query, plan.used.clone()), doubt);
                Ok(plan)
            }
            Err(error) => {
                self.scratch.reset();
                self.failures.insert(query, error.message);
                Ok(failed)
            }
        }
    }

    fn doubt(&mut self, pool: &Pool, query: usize, offered: &IndexSet) -> Result<f64, Stop> {
        self.poll()?;
        if let Some(&doubt) = self.doubted.get(&(query, offered.clone())) {
            return Ok(doubt);
        }
        let draws = self.statements.get(query).map_or(0, |statement| statement.bindings.len());
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
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Stop::Deadline);
        }
        Ok(())
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
        let statements = self.statements;
        let statement = statements.get(query)?;
        let binding = statement.bindings.get(draw)?;
        self.identity.adopt(self.scope, statement.role, &statement.search_path);
        self.plans += 1;
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
        let draws = self.statements.get(query).map_or(0, |statement| statement.bindings.len());
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
        self.identity.adopt(self.scope, self.scope.caller(), OWN_PATH);
        self.sizes.size(def)
    }
}

impl Sizes<'_> {
    fn size(&mut self, def: &IndexDef) -> IndexSize {
        if let SizeSource::Hypopg(hypopg) = &self.source {
            return hypopg.size(&self.catalog.model, def);
        }
        self.sample_group(def);
        SizeModel::new(&self.catalog.model, &self.groups).size(def)
    }

    /// Size per leaf, for the planner.
    fn leaf_sizes(&self, def: &IndexDef, whole: IndexSize) -> Vec<IndexSize> {
        match &self.source {
            SizeSource::Measured => {
                SizeModel::new(&self.catalog.model, &self.groups).leaf_sizes(def)
            }
            SizeSource::Hypopg(_) => {
                let leaves = self.catalog.model.tables.get(def.table).map_or(1, |t| t.leaves.len());
                vec![whole; leaves]
            }
        }
    }

    /// Counts the distinct values of columns whose equal values lie together, which ANALYZE
    /// underestimates.
    fn count_clustered(&mut self, id: usize, table: &Table, columns: &[i16]) {
        for column in columns.iter().filter_map(|&number| table.column(number)) {
            let repeats = table.rows / column.n_distinct > 1.0 + 1.0 / MANY;
            if column.dedup
                && column.correlation.abs() > CLUSTERED
                && column.n_distinct > MANY
                && repeats
                && self.groups.get(id, &[column.number]).is_none()
            {
                let distinct = sampling::clustered_distinct(table, column.number);
                self.groups.insert(id, &[column.number], distinct.unwrap_or(column.n_distinct));
            }
        }
    }

    /// Counts the distinct values of a key of several columns in a sample of rows, where
    /// deduplication makes the size depend on it.
    fn sample_group(&mut self, def: &IndexDef) {
        let Some(table) = self.catalog.model.tables.get(def.table) else { return };
        let mut columns: Vec<i16> = def.keys.iter().map(|key| key.column).collect();
        columns.sort_unstable();
        columns.dedup();
        let dedup = |number: &i16| table.columns.iter().any(|c| c.number == *number && c.dedup);
        if self.catalog.row_security(def.table) {
            return;
        }
        self.count_clustered(def.table, table, &columns);
        if columns.len() < 2
            || !def.include.is_empty()
            || !columns.iter().all(dedup)
            || self.groups.get(def.table, &columns).is_some()
        {
            return;
        }
        let distinct: Vec<f64> = columns
            .iter()
            .filter_map(|&number| {
                let known = self.groups.get(def.table, &[number]);
                known.or_else(|| table.column(number).map(|column| column.n_distinct))
            })
            .collect();
        // A nearly unique column makes the group unique; few combinations need no sample either.
        let product: f64 = distinct.iter().product();
        let largest = distinct.iter().fold(1.0_f64, |a, &b| a.max(b));
        if largest > 0.9 * table.rows || product < 0.01 * table.rows {
            return;
        }
        let wanted = self.wanted.entry(def.table).or_default();
        wanted.extend(&columns);
        let sample = self.sampled.entry(def.table).or_insert_with(|| {
            let columns: Vec<i16> = wanted.iter().copied().filter(|n| dedup(n)).collect();
            sampling::take(table, &columns)
        });
        if let Some(count) = sample.distinct(&columns, &distinct, table.rows) {
            self.groups.insert(def.table, &columns, count);
        }
    }
}

/// An index of a candidate on one relation with storage.
struct LeafSpec {
    relation: u32,
    keys: Vec<IndexKey>,
    include: Vec<i16>,
    size: IndexSize,
}

impl LeafSpec {
    fn new(table: u32, leaf: u32, def: &IndexDef, size: IndexSize) -> Option<Self> {
        let keys: Option<Vec<IndexKey>> = def
            .keys
            .iter()
            .map(|key| {
                sys::leaf_column(table, key.column, leaf).map(|column| IndexKey { column, ..*key })
            })
            .collect();
        let include: Option<Vec<i16>> =
            def.include.iter().map(|&column| sys::leaf_column(table, column, leaf)).collect();
        Some(Self { relation: leaf, keys: keys?, include: include?, size })
    }

    fn spec(&self) -> IndexSpec<'_> {
        IndexSpec {
            relation: self.relation,
            keys: &self.keys,
            include: &self.include,
            pages: self.size.pages,
            tree_height: self.size.tree_height,
        }
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
