//! The plan of one statement: as it is, as it would be with other indexes, or as it really ran.

mod recorded;
mod shown;

use std::collections::BTreeSet;
use std::time::Instant;

use advisor_core::index_set::IndexSet;
use advisor_core::model::{CandidateId, is_element};
use advisor_core::plan::facts::Facts;
use advisor_core::plan::{self, Finding, Plan};
use advisor_core::pool::Pool;
use pgrx::PgSqlErrorCode;
use serde_json::Value;

use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::indexes::{self, Hidden, Hypothetical};
use crate::planner::{Identity, ServerPlanner};
use crate::query;
use crate::session::{Session, Waiting};
use crate::sys::{self, Arena, Binding, Explained, Format, How, ServerError};
use crate::workload::Prepared;
use shown::Shown;

/// The statement to explain.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// Its text.
    Text(String),
    /// Its `queryid` in pg_stat_statements.
    Recorded(i64),
}

/// What `$1, $2, …` stand for.
#[derive(Debug, Clone)]
pub(crate) enum Parameters {
    /// Typical values of the columns that they are compared with.
    Typical,
    /// Nothing: the plan is one for any value.
    Generic,
    /// These, as their types read them.
    Given(Vec<Option<String>>),
}

/// The checked arguments of a call.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The statement.
    pub(crate) subject: Subject,
    /// Its parameters.
    pub(crate) parameters: Parameters,
    /// Indexes to try, as CREATE INDEX.
    pub(crate) indexes: Vec<String>,
    /// Indexes to leave out, by oid.
    pub(crate) hidden: Vec<u32>,
    /// How the plan is shown. Nothing is executed with other indexes than those that exist.
    pub(crate) how: How,
}

/// The plan in the format asked for; as text with what the indexes change, if any were given.
///
/// # Errors
/// See [`AdvisorError`].
pub(crate) fn explain(request: &Request) -> Result<String, AdvisorError> {
    let compares = request.how.format == Format::Text && request.changes_indexes();
    shown(request, compares)?.text()
}

/// The plan of a statement in few words: see [`advisor_core::plan::compact`].
///
/// # Errors
/// As [`explain`].
pub(crate) fn compact(request: &Request) -> Result<String, AdvisorError> {
    shown(request, true)?.compact()
}

/// What the plan of a statement shows that is worth a person's time.
///
/// # Errors
/// As [`explain`].
pub(crate) fn findings(request: &Request) -> Result<Vec<Finding>, AdvisorError> {
    shown(request, true)?.findings()
}

/// Everything about a plan, which is made and executed once. It is shown in the request's format, or in
/// few words.
///
/// # Errors
/// As [`explain`].
pub(crate) fn report(request: &Request, is_compact: bool) -> Result<Value, AdvisorError> {
    shown(request, true)?.report(is_compact)
}

/// What a plan shows, which `EXPLAIN (FORMAT JSON)` has printed for the statement.
///
/// # Errors
/// When it is not such a plan; what the server says of the catalog.
pub(crate) fn findings_of(text: &str, statement: &str) -> Result<Vec<Finding>, AdvisorError> {
    let plan = read(text)?;
    Ok(plan::findings(&plan, &facts(&plan)?, statement))
}

fn read(text: &str) -> Result<Plan, AdvisorError> {
    Plan::read(text).ok_or_else(|| AdvisorError::BadArgument {
        argument: "plan",
        requirement: "be what EXPLAIN (FORMAT JSON) prints",
        given: text.chars().take(80).collect(),
    })
}

/// What is known of the relations in a plan.
fn facts(plan: &Plan) -> Result<Facts, AdvisorError> {
    let _scope = query::own_scope();
    let nodes = plan.nodes();
    let relations: Vec<_> = nodes.iter().filter_map(|node| node.relation()).collect();
    let schemas: Vec<Option<&str>> = relations.iter().map(|relation| relation.schema).collect();
    let names: Vec<Option<&str>> = relations.iter().map(|relation| Some(relation.name)).collect();
    let text: Option<String> =
        query::one(advisor_sql::PLAN_FACTS, &[schemas.into(), names.into()])?;
    let facts = text.and_then(|text| serde_json::from_str(&text).ok());
    facts.ok_or_else(|| {
        let code = PgSqlErrorCode::ERRCODE_INTERNAL_ERROR;
        AdvisorError::Statement(ServerError::new(code, "the catalog's answer was not understood"))
    })
}

impl Request {
    fn changes_indexes(&self) -> bool {
        !self.indexes.is_empty() || !self.hidden.is_empty()
    }
}

/// Plans a statement, and executes it if it is to be analyzed. Nothing of the session changes:
/// everything happens in a sub-transaction that is rolled back.
fn shown(request: &Request, tree: bool) -> Result<Shown, AdvisorError> {
    let how = How { tree, ..request.how };
    sys::subtransaction(false, || run(request, how)).map_err(AdvisorError::Statement)?
}

fn run(request: &Request, how: How) -> Result<Shown, AdvisorError> {
    let arena = Arena::new();
    let session = Session::open(&arena, Waiting::AsTheCaller)?;
    let text = match &request.subject {
        Subject::Text(text) => text.clone(),
        Subject::Recorded(queryid) => recorded::text(*queryid)?,
    };
    let hidden = indexes::hidden(&request.hidden)?;
    let mut catalog = ServerCatalog::new()?;
    let statement =
        session.prepare_one(&text, &mut catalog).map_err(|error| match &request.subject {
            Subject::Text(_) => error,
            Subject::Recorded(queryid) => recorded::unusable(*queryid, &text, error),
        })?;
    let wanted = indexes::read(&session, &request.indexes, &mut catalog)?;
    if wanted.iter().any(|index| index.def.columns().any(is_element)) {
        // Without, the plan is EXPLAIN's own.
        catalog.sample_expressions();
        catalog.settle();
    }
    let given = given(&arena, &session, &statement, &request.parameters)?;
    let types = statement.statement.param_types.clone();
    let statements = [statement];
    let planner = session.planner(&catalog, &statements, Instant::now(), None)?;
    let mut plans = Plans::new(planner, &wanted, hidden, how);
    let none = sys::bind(&arena, &types, &[]);
    let binding = match request.parameters {
        Parameters::Typical => statements.iter().flat_map(|one| &one.bindings).next(),
        Parameters::Generic => None,
        Parameters::Given(_) => given.as_ref(),
    };
    let binding = binding.unwrap_or(&none);
    if how.analyze {
        let needed = (1..).zip(&types).filter(|(_, type_oid)| **type_oid != 0);
        if let Some((number, _)) = needed.into_iter().find(|&(at, _)| !binding.has_value(at)) {
            return Err(AdvisorError::Unbound(number));
        }
    }
    let is_typical = matches!(request.parameters, Parameters::Typical);
    let shown = plans.show(binding).or_else(|error| {
        // A typical value may be one that the statement cannot do with (`10 / $1`). Without values
        // it is planned as a prepared statement is.
        match types.is_empty() || how.analyze || !is_typical {
            true => Err(error),
            false => plans.show(&none).map_err(|_| error),
        }
    });
    let (before, after) = shown.map_err(AdvisorError::Statement)?;
    let (used, not_used) = plans.offered(&after);
    let hidden = std::mem::take(&mut plans.hidden);
    Ok(Shown { statement: text, how, before, after, used, not_used, hidden })
}

/// The values given for the parameters.
fn given<'a>(
    arena: &'a Arena,
    session: &Session<'_>,
    statement: &Prepared<'_>,
    parameters: &Parameters,
) -> Result<Option<Binding<'a>>, AdvisorError> {
    let Parameters::Given(values) = parameters else { return Ok(None) };
    let types = &statement.statement.param_types;
    if values.len() != types.len() {
        let code = PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE;
        let count = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        let error =
            ServerError::new(code, "\"parameters\" has not as many values as there are parameters");
        return Err(AdvisorError::Statement(ServerError {
            detail: Some(format!(
                "The statement has {}, the array {}.",
                count(types.len(), "parameter"),
                count(values.len(), "value")
            )),
            ..error
        }));
    }
    // Some types read their values by the search path, as regclass does.
    let scope = &session.scope;
    Identity::default().adopt(scope, scope.caller(), &session.caller_path);
    sys::bind_given(arena, types, values).map(Some).map_err(AdvisorError::Statement)
}

/// Plans of the one statement that there is.
struct Plans<'a> {
    planner: ServerPlanner<'a>,
    pool: Pool,
    /// The indexes to try, each once, with their names.
    offered: Vec<(CandidateId, String)>,
    hidden: Hidden,
    how: How,
}

impl<'a> Plans<'a> {
    fn new(
        mut planner: ServerPlanner<'a>,
        wanted: &[Hypothetical],
        hidden: Hidden,
        how: How,
    ) -> Self {
        let mut pool = Pool::default();
        let mut offered: Vec<(CandidateId, String)> = Vec::with_capacity(wanted.len());
        for index in wanted {
            let id = pool.intern(&index.def, &mut planner);
            // The same index under two names is one, under the first.
            if offered.iter().all(|(other, _)| *other != id) {
                planner.call(id, &index.name);
                offered.push((id, index.name.clone()));
            }
        }
        Self { planner, pool, offered, hidden, how }
    }

    /// The plan with these values for the parameters, and before it the one that the statement has
    /// now, if other indexes may change it and anybody compares.
    fn show(
        &mut self,
        binding: &Binding<'_>,
    ) -> Result<(Option<Explained>, Explained), ServerError> {
        let offered: IndexSet = self.offered.iter().map(|(id, _)| *id).collect();
        let hidden = &self.hidden.oids;
        let after = self.planner.show(&self.pool, 0, binding, &offered, hidden, self.how)?;
        if !self.how.tree || offered.is_empty() && hidden.is_empty() {
            return Ok((None, after));
        }
        let (none, nothing) = (IndexSet::new(), BTreeSet::new());
        let before = self.planner.show(&self.pool, 0, binding, &none, &nothing, self.how)?;
        Ok((Some(before), after))
    }

    /// The names of the offered indexes: those that the plan uses, and the others.
    fn offered(&self, plan: &Explained) -> (Vec<String>, Vec<String>) {
        let names = |used: bool| {
            let wanted =
                self.offered.iter().filter(|(id, _)| plan.planned.used.contains(*id) == used);
            wanted.map(|(_, name)| name.clone()).collect()
        };
        (names(true), names(false))
    }
}
