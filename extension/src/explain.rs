//! The plan of one statement: as it is, as it would be with other indexes, or as it really ran.

use std::collections::BTreeSet;
use std::time::Instant;

use advisor_core::index_set::IndexSet;
use advisor_core::model::CandidateId;
use advisor_core::plan::facts::Facts;
use advisor_core::plan::{self, Finding, Plan, compact};
use advisor_core::pool::Pool;
use pgrx::PgSqlErrorCode;

use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::indexes::{self, Hidden, Hypothetical};
use crate::planner::ServerPlanner;
use crate::query;
use crate::session::{Session, Waiting};
use crate::sys::{self, Arena, Binding, Format, How, Planned, ServerError};

/// The checked arguments of a call.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The statement.
    pub(crate) query: String,
    /// Indexes to try, as CREATE INDEX.
    pub(crate) indexes: Vec<String>,
    /// Indexes to leave out, by oid.
    pub(crate) hidden: Vec<u32>,
    /// How the plan is shown. Nothing is executed with other indexes than those that exist.
    pub(crate) how: How,
}

/// The plan of a statement in few words: see [`advisor_core::plan::compact`].
///
/// # Errors
/// As [`explain`].
pub(crate) fn compact(request: &Request) -> Result<String, AdvisorError> {
    let text = explain(&as_json(request, false))?;
    Ok(compact::compact(&read(&text)?))
}

/// What the plan of a statement shows that is worth a person's time.
///
/// # Errors
/// As [`explain`].
pub(crate) fn findings(request: &Request) -> Result<Vec<Finding>, AdvisorError> {
    // Verbose, for the schemas of the relations.
    let text = explain(&as_json(request, true))?;
    findings_of(&text, &request.query)
}

/// What a plan shows, which `EXPLAIN (FORMAT JSON)` has printed for the statement.
///
/// # Errors
/// When it is not such a plan; what the server says of the catalog.
pub(crate) fn findings_of(text: &str, statement: &str) -> Result<Vec<Finding>, AdvisorError> {
    let plan = read(text)?;
    Ok(plan::findings(&plan, &facts(&plan)?, statement))
}

fn as_json(request: &Request, verbose: bool) -> Request {
    let how = How { format: Format::Json, verbose, ..request.how };
    Request { how, ..request.clone() }
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

/// Explains a statement. Nothing of the session changes: everything happens in a sub-transaction
/// that is rolled back.
///
/// # Errors
/// See [`AdvisorError`].
pub(crate) fn explain(request: &Request) -> Result<String, AdvisorError> {
    sys::subtransaction(false, || run(request)).map_err(AdvisorError::Statement)?
}

fn run(request: &Request) -> Result<String, AdvisorError> {
    let arena = Arena::new();
    let session = Session::open(&arena, Waiting::AsTheCaller)?;
    let hidden = indexes::hidden(&request.hidden)?;
    let mut catalog = ServerCatalog::new()?;
    let statement = session.prepare_one(&request.query, &mut catalog)?;
    let wanted = indexes::read(&session, &request.indexes, &mut catalog)?;
    let types = statement.statement.param_types.clone();
    let statements = [statement];
    let planner = session.planner(&catalog, &statements, Instant::now(), None)?;
    let mut plans = Plans::new(planner, &wanted, hidden, request.how);
    let typical = statements.iter().flat_map(|statement| &statement.bindings).next();
    let none = sys::bind(&arena, &types, &[]);
    let typical = typical.unwrap_or(&none);
    if request.how.analyze {
        let needed = (1..).zip(&types).filter(|(_, type_oid)| **type_oid != 0);
        if let Some((number, _)) = needed.into_iter().find(|&(at, _)| !typical.has_value(at)) {
            return Err(AdvisorError::Unbound(number));
        }
    }
    let shown = plans.show(typical).or_else(|error| {
        // A typical value may be one that the statement cannot do with (`10 / $1`). Without values
        // it is planned as a prepared statement is.
        match types.is_empty() || request.how.analyze {
            true => Err(error),
            false => plans.show(&none).map_err(|_| error),
        }
    });
    shown.map_err(AdvisorError::Statement)
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

    /// The plan with these values for the parameters; as text with a head if it is not the plan
    /// that the statement has now.
    fn show(&mut self, binding: &Binding<'_>) -> Result<String, ServerError> {
        let offered: IndexSet = self.offered.iter().map(|(id, _)| *id).collect();
        let hidden = &self.hidden.oids;
        let after = self.planner.show(&self.pool, 0, binding, &offered, hidden, self.how)?;
        if self.how.format != Format::Text || offered.is_empty() && hidden.is_empty() {
            return Ok(after.text);
        }
        let (none, nothing) = (IndexSet::new(), BTreeSet::new());
        let before = self.planner.show(&self.pool, 0, binding, &none, &nothing, self.how)?;
        Ok(format!("{}\n\n{}", self.head(&before.planned, &after.planned), after.text))
    }

    /// What the indexes change, and which of them the plan uses.
    fn head(&self, before: &Planned, after: &Planned) -> String {
        let names = |used: bool| -> Vec<&str> {
            let wanted = self.offered.iter().filter(|(id, _)| after.used.contains(*id) == used);
            wanted.map(|(_, name)| name.as_str()).collect()
        };
        let mut lines = vec![format!("cost {:.2} -> {:.2}", before.cost, after.cost)];
        let hidden = self.hidden.names.iter().map(String::as_str).collect();
        for (what, names) in [("used", names(true)), ("not used", names(false)), ("hidden", hidden)]
        {
            if !names.is_empty() {
                lines.push(format!("{what}: {}", names.join(", ")));
            }
        }
        lines.join("\n")
    }
}
