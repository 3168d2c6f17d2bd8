//! Each statement on its way from text to something that can be planned.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::index_set::IndexSet;
use advisor_core::nodetree::Tree;
use advisor_core::shape::{self, Extract};

use super::inside::Insides;
use super::read::{self, Read};
use super::referencing::{self, LookUp};
use super::{Base, Entry, Prepared, Skipped, values};
use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::planner::{Identity, OWN_PATH};
use crate::progress::Reporter;
use crate::query;
use crate::session::Bounds;
use crate::sys::{
    self, Arena, Binding, Hypotheticals, ServerError, SessionScope, Statement, Written,
};

const SEARCH_PATH: &str = include_str!("../../../sql/catalog/search_path.sql");

/// Oids below this belong to the system (`FirstNormalObjectId` of the server's `transam.h`).
const FIRST_USER_OID: u32 = 16_384;

/// Statements whose tables are looked up together.
const TOGETHER: usize = 64;

/// A statement that was analyzed; its tables may not be known yet.
struct Analyzed<'a> {
    entry: Entry,
    role: u32,
    search_path: String,
    statement: Statement<'a>,
    /// The text that worked.
    text: String,
    relations: BTreeMap<u32, char>,
}

/// A statement whose cost rests on the statistics of so many expressions of its tables.
struct Costed<'a> {
    prepared: Prepared<'a>,
    expressions: usize,
}

/// The statements that take part and those that do not.
#[derive(Default)]
pub(crate) struct Workload<'a> {
    /// Ready for planning.
    pub(crate) prepared: Vec<Prepared<'a>>,
    /// Left out, with the reason.
    pub(crate) skipped: Vec<Skipped>,
}

/// Makes statements ready, one after the other.
pub(crate) struct Preparer<'a> {
    arena: &'a Arena,
    scope: &'a SessionScope,
    /// The caller's own search path.
    caller_path: String,
    paths: BTreeMap<u32, String>,
    identity: Identity,
    scratch: Arena,
    draws: usize,
    bounds: Bounds<'a>,
    full: bool,
    only: Option<BTreeSet<u32>>,
    inside: Insides,
}

impl<'a> Preparer<'a> {
    /// `caller_path` is the search path that the caller had before the scope was opened. Statements
    /// that cannot be read within the `bounds` are left out, and those that read none of the
    /// relations `only`.
    pub(crate) fn new(
        arena: &'a Arena,
        scope: &'a SessionScope,
        caller_path: String,
        draws: usize,
        bounds: Bounds<'a>,
        only: Option<BTreeSet<u32>>,
    ) -> Self {
        Self {
            arena,
            scope,
            caller_path,
            paths: BTreeMap::new(),
            identity: Identity::default(),
            scratch: Arena::new(),
            draws,
            bounds,
            full: false,
            only,
            inside: Insides::default(),
        }
    }

    /// Prepares every entry; the tables that they touch are added to the catalog.
    ///
    /// # Errors
    /// Only for the advisor's own catalog queries: what is wrong with a statement is in `skipped`.
    pub(crate) fn prepare(
        &mut self,
        entries: Vec<Entry>,
        catalog: &mut ServerCatalog,
        progress: &Reporter,
    ) -> Result<Workload<'a>, AdvisorError> {
        let mut workload = Workload::default();
        let mut known: Vec<usize> = Vec::new();
        progress.begin("reading statements", entries.len());
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let some: Vec<Entry> = entries.by_ref().take(TOGETHER).collect();
            for outcome in self.some(some, catalog, Some(progress))? {
                match outcome {
                    Ok(Costed { prepared, expressions }) => {
                        known.push(expressions);
                        workload.prepared.push(prepared);
                    }
                    Err(skipped) => workload.skipped.push(skipped),
                }
            }
        }
        for (prepared, known) in workload.prepared.iter_mut().zip(known) {
            if expressions_known(prepared, catalog) > known {
                self.cost_again(prepared, catalog);
            }
        }
        self.referencing(&mut workload, catalog)?;
        Ok(workload)
    }

    /// Puts what foreign keys look up beside the statements that delete. What the caller may not read
    /// stays out without a word: nobody gave it.
    fn referencing(
        &mut self,
        workload: &mut Workload<'a>,
        catalog: &mut ServerCatalog,
    ) -> Result<(), AdvisorError> {
        self.own();
        let oid = |table: usize| catalog.model.tables.get(table).map(|table| table.oid);
        let (entries, weights): (Vec<Entry>, Vec<f64>) =
            referencing::look_ups(&workload.prepared, oid)?
                .into_iter()
                .map(|LookUp { entry, weight }| (entry, weight))
                .unzip();
        for (outcome, weight) in self.some(entries, catalog, None)?.into_iter().zip(weights) {
            if let Ok(Costed { prepared, .. }) = outcome {
                workload.prepared.push(Prepared { weight, ..prepared });
            }
        }
        Ok(())
    }

    /// Plans a statement again because an expression of its tables got statistics later, which it may
    /// have as well: all its costs must rest on the same.
    fn cost_again(&mut self, prepared: &mut Prepared<'a>, catalog: &ServerCatalog) {
        sys::check_interrupts();
        self.identity.adopt(self.scope, prepared.role, &prepared.search_path);
        let none = Hypotheticals::with_statistics(catalog.expression_statistics());
        let scratch = &self.scratch;
        let base = sys::subtransaction(true, || {
            base(scratch, &prepared.statement, &prepared.bindings, &none)
        });
        scratch.reset();
        // It was planned a moment ago: if it fails now, it does in the search, which says so.
        if let Ok(base) = base {
            note_base(prepared, base);
        }
    }

    /// Prepares a few entries. Their tables are looked up at once: a query of the catalog costs more
    /// than reading a statement.
    fn some(
        &mut self,
        entries: Vec<Entry>,
        catalog: &mut ServerCatalog,
        progress: Option<&Reporter>,
    ) -> Result<Vec<Result<Costed<'a>, Skipped>>, AdvisorError> {
        let mut pending = Vec::with_capacity(entries.len());
        for entry in entries {
            sys::check_interrupts();
            if let Some(progress) = progress {
                progress.advance();
            }
            pending.push(match self.limit(&entry) {
                Some(skipped) => Err(skipped),
                None => self.read(entry)?,
            });
        }
        self.own();
        let analyzed = pending.iter().flatten();
        let named: BTreeMap<u32, char> =
            analyzed.flat_map(|read: &Analyzed<'_>| read.relations.clone()).collect();
        catalog.ensure(named.keys().copied())?;
        catalog.ensure_descendants(&named)?;
        let mut outcomes = Vec::with_capacity(pending.len());
        for read in pending {
            sys::check_interrupts();
            outcomes.push(match read {
                // What it takes in memory it has taken by now.
                Ok(read) if self.bounds.late() => Err(out_of_time(&read.entry)),
                Ok(read) => self.shape(read, catalog),
                Err(skipped) => Err(skipped),
            });
        }
        Ok(outcomes)
    }

    /// Why there is no room for another statement, if so.
    fn limit(&mut self, entry: &Entry) -> Option<Skipped> {
        if self.bounds.late() {
            return Some(out_of_time(entry));
        }
        // Those that come first count most: once there was no room, there is none for the others.
        self.full |= self.bounds.full();
        if self.full {
            let message = "mcp_advisor.memory_limit left no room for the statement";
            return Some(skip(entry, "memory limit", message));
        }
        None
    }

    /// Analyzes a statement as the role that ran it.
    fn read(&mut self, entry: Entry) -> Result<Result<Analyzed<'a>, Skipped>, AdvisorError> {
        if entry.text.trim().is_empty() {
            return Ok(Err(skip(&entry, "no text", "the statement has no text")));
        }
        if entry.text == "<insufficient privilege>" {
            let message = "the text of another role's statement is shown to members of \
                           pg_read_all_stats only";
            return Ok(Err(skip(&entry, "no permission", message)));
        }
        let Some(role) = self.role_for(&entry) else {
            let message = "the statement was run by a role that the caller cannot act as";
            return Ok(Err(skip(&entry, "no permission", message)));
        };
        let search_path = match entry.search_path.clone() {
            Some(path) => path,
            None => self.path_for(role)?,
        };
        self.identity.adopt(self.scope, role, &search_path);
        let read = match read::read(self.arena, &entry.text, Some(role)) {
            Ok(read) => read,
            Err(error) => return Ok(Err(failed(&entry, error))),
        };
        if !read.statement.plannable || read.statement.dumps.is_empty() {
            let message = "Only SELECT, INSERT, UPDATE, DELETE and MERGE are planned";
            return Ok(Err(skip(&entry, "utility statement", message)));
        }
        let Read { statement, text } = read;
        let relations = shape::relations(&trees(&statement));
        if self.only.as_ref().is_some_and(|only| !relations.keys().any(|oid| only.contains(oid))) {
            let message = "the statement reads none of the tables in question";
            return Ok(Err(skip(&entry, "other tables", message)));
        }
        Ok(Ok(Analyzed { entry, role, search_path, statement, text, relations }))
    }

    /// Finds out what a statement does with its tables, and plans it.
    fn shape(
        &mut self,
        read: Analyzed<'a>,
        catalog: &mut ServerCatalog,
    ) -> Result<Costed<'a>, Skipped> {
        let Analyzed { entry, role, search_path, mut statement, mut text, relations } = read;
        if let Some((reason, message)) = unusable(&relations, catalog) {
            return Err(skip(&entry, reason, message));
        }
        self.own();
        let mut extract = shape::extract(&trees(&statement), catalog);
        if let Some(filled) = self.inside.fill(&text, &extract.inside, catalog) {
            self.identity.adopt(self.scope, role, &search_path);
            let again = read::read(self.arena, &filled, Some(role));
            self.own();
            if let Ok(again) = again {
                extract = shape::extract(&trees(&again.statement), catalog);
                Read { statement, text } = again;
            }
        }
        catalog.settle();
        catalog.inherit(&mut extract.shape);
        let wishes = catalog.take_wishes();
        self.identity.adopt(self.scope, role, &search_path);
        let prepared = Prepared {
            repaired: (text != entry.text).then_some(text),
            bindings: Vec::new(),
            params: extract.params.clone(),
            may_show_values: extract
                .params
                .iter()
                .filter_map(|param| param.column)
                .all(|(relation, column)| catalog.may_read(relation, column)),
            shape: extract.shape.clone(),
            wishes,
            relations: relations.into_keys().collect(),
            weight: 1.0,
            base_cost: 0.0,
            base: Base::default(),
            entry,
            role,
            search_path,
            statement,
        };
        let prepared = self.finish(prepared, &extract, catalog)?;
        Ok(Costed { expressions: expressions_known(&prepared, catalog), prepared })
    }

    /// Binds the draws, plans once, and checks that the role may run it.
    fn finish(
        &mut self,
        mut prepared: Prepared<'a>,
        extract: &Extract,
        catalog: &ServerCatalog,
    ) -> Result<Prepared<'a>, Skipped> {
        prepared.statement.dumps = Vec::new();
        let types = prepared.statement.param_types.clone();
        let (arena, scratch, draws) = (self.arena, &self.scratch, self.draws);
        let none = Hypotheticals::with_statistics(catalog.expression_statistics());
        let plan = |draws| {
            let planned = sys::subtransaction(true, || {
                let bindings = values::bind_draws(
                    arena,
                    &types,
                    &extract.params,
                    draws,
                    &prepared.entry,
                    catalog,
                    |_, _| true,
                );
                let base = base(scratch, &prepared.statement, &bindings, &none);
                (bindings, base)
            });
            scratch.reset();
            planned
        };
        // A drawn value may be one that the statement cannot do with (`10 / $1`, `ESCAPE $2`);
        // without values it is planned as a prepared statement is.
        let planned = plan(draws).or_else(|error| match types.is_empty() {
            true => Err(error),
            false => plan(0).map_err(|_| error),
        });
        match planned {
            Ok((bindings, base)) => {
                prepared.bindings = bindings;
                note_base(&mut prepared, base);
                Ok(prepared)
            }
            Err(error) => Err(failed(&prepared.entry, error)),
        }
    }

    /// The role to plan as: the one that ran the statement, and none other. Its text is that role's
    /// code: planned with the rights of a caller who may not act as it, it could do what the role
    /// itself may not. `None` when the caller may not, or when the role is gone.
    fn role_for(&self, entry: &Entry) -> Option<u32> {
        let caller = self.scope.caller();
        let Some(role) = entry.role else { return Some(caller) };
        (sys::role_exists(role) && sys::may_act_as(caller, role)).then_some(role)
    }

    fn path_for(&mut self, role: u32) -> Result<String, AdvisorError> {
        if role == self.scope.caller() {
            return Ok(self.caller_path.clone());
        }
        if let Some(path) = self.paths.get(&role) {
            return Ok(path.clone());
        }
        self.own();
        let own: Option<String> = query::one(SEARCH_PATH, &[pgrx::pg_sys::Oid::from(role).into()])?;
        let path = own.unwrap_or_else(|| self.caller_path.clone());
        self.paths.insert(role, path.clone());
        Ok(path)
    }

    /// Acts as the caller with a safe path, for the advisor's own queries.
    fn own(&mut self) {
        self.identity.adopt(self.scope, self.scope.caller(), OWN_PATH);
    }
}

/// The dumped trees of a statement.
fn trees<'t>(statement: &'t Statement<'_>) -> Vec<Tree<'t>> {
    statement.dumps.iter().filter_map(|dump| Tree::read(dump)).collect()
}

/// Notes what a statement costs, and the weight that follows from it.
fn note_base(prepared: &mut Prepared<'_>, base: Base) {
    let cost = base.costs.iter().sum::<f64>() / base.costs.len().max(1) as f64;
    prepared.base = base;
    prepared.base_cost = cost;
    let entry = &prepared.entry;
    prepared.weight = entry.total_ms.map_or(entry.calls, |ms| ms.max(1e-3) / cost.max(1e-6));
}

/// How many expressions of a statement's tables have statistics.
fn expressions_known(prepared: &Prepared<'_>, catalog: &ServerCatalog) -> usize {
    let tables: BTreeSet<usize> =
        prepared.shape.uses.iter().map(|table_use| table_use.table).collect();
    tables.into_iter().map(|id| catalog.expressions_known(id)).sum()
}

/// The plans with the indexes that exist; raises the server's error when the role in force may not
/// run the statement.
fn base(
    scratch: &Arena,
    statement: &Statement<'_>,
    bindings: &[Binding<'_>],
    none: &Hypotheticals,
) -> Base {
    let (offered, hidden) = (IndexSet::new(), BTreeSet::new());
    let mut base = Base::default();
    for binding in bindings {
        let planned = sys::plan(scratch, statement, binding, none, &offered, &hidden);
        base.costs.push(planned.cost);
        base.indexes.extend(planned.used_existing);
        let share = 1.0 / bindings.len() as f64;
        let mean = |one: Written| Written { rows: one.rows * share, ..one };
        base.written.extend(planned.written.into_iter().map(mean));
    }
    if let Some(binding) = bindings.first() {
        sys::check_permissions(scratch, statement, binding);
    }
    base
}

/// Why a statement over these relations gets no advice.
fn unusable(
    relations: &BTreeMap<u32, char>,
    catalog: &ServerCatalog,
) -> Option<(&'static str, &'static str)> {
    use advisor_core::shape::Facts;
    if relations.keys().any(|&oid| catalog.table(oid).is_some()) {
        return None;
    }
    if relations.is_empty() {
        return Some(("no table", "the statement reads no table"));
    }
    if relations.keys().all(|&oid| oid < FIRST_USER_OID) {
        return Some(("catalog only", "the statement reads only system catalogs"));
    }
    if relations.keys().any(|&oid| sys::is_temporary(oid)) {
        return Some(("temporary table", "the statement reads only temporary tables"));
    }
    Some(("no table", "the statement reads no table that could have an index"))
}

fn out_of_time(entry: &Entry) -> Skipped {
    skip(entry, "time limit", "the time limit left no time to read the statement")
}

fn skip(entry: &Entry, reason: &'static str, message: &str) -> Skipped {
    Skipped {
        query_id: entry.id,
        query: entry.text.clone(),
        reason,
        message: message.to_owned(),
        sqlstate: None,
        error: None,
    }
}

fn failed(entry: &Entry, error: ServerError) -> Skipped {
    Skipped {
        query_id: entry.id,
        query: entry.text.clone(),
        reason: read::reason(&error, &entry.text),
        message: error.message.clone(),
        sqlstate: Some(read::sqlstate(error.code)),
        error: Some(error),
    }
}
