//! The plans of the statements that the advice helps most, without and with the advised indexes.

use serde_json::Value;

use super::Request;
use crate::db::{Param, ServerInfo};
use crate::error::{Kind, ToolError};
use crate::report::model::{Advice, Impact};
use crate::report::plan::{self, Node, NodeFinding, Pair, Plan};
use crate::tools::source;

/// Most statements whose plans are shown.
const MOST_PLANS: usize = 8;

/// The plans before and after.
///
/// # Errors
/// When the report is not wanted any more. A statement that this role cannot explain, say because
/// its tables are not on the role's search path, is shown as the advisor printed it.
pub(super) async fn pairs(
    request: &Request,
    server: &ServerInfo,
    advice: &Advice,
) -> Result<Vec<Pair>, ToolError> {
    tracing::info!("explaining the statements that the indexes help");
    let mut pairs = Vec::new();
    for impact in advice.helped().into_iter().take(MOST_PLANS) {
        let ddl: Vec<String> = used(advice, impact).map(|index| index.ddl.clone()).collect();
        let (before, after) = match trees(request, server, &impact.query, &ddl).await {
            Ok((before, after)) => (Plan::Tree(before), Plan::Tree(after)),
            Err(error) if error.kind == Kind::Cancelled => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "statement not explained");
                let text = |plan: &Option<String>| Plan::Text(plan.clone().unwrap_or_default());
                (text(&impact.plan_before), text(&impact.plan_after))
            }
        };
        pairs.push(Pair {
            query_id: impact.query_id,
            query: impact.query.clone(),
            calls: impact.calls,
            cost_before: impact.cost_before,
            cost_after: impact.cost_after,
            ranks: used(advice, impact).map(|index| index.rank).collect(),
            before,
            after,
        });
    }
    Ok(pairs)
}

/// The advised indexes that the statement's plan uses.
fn used<'a>(
    advice: &'a Advice,
    impact: &'a Impact,
) -> impl Iterator<Item = &'a crate::report::model::Index> {
    advice.indexes.iter().filter(|index| impact.indexes.contains(&index.id))
}

async fn trees(
    request: &Request,
    server: &ServerInfo,
    query: &str,
    ddl: &[String],
) -> Result<(Node, Node), ToolError> {
    let mut before = tree(request, server, query, &[]).await?;
    let mut after = tree(request, server, query, ddl).await?;
    plan::compare(&mut before, &mut after);
    Ok((before, after))
}

/// The plan with these indexes as well, and what it shows.
async fn tree(
    request: &Request,
    server: &ServerInfo,
    query: &str,
    ddl: &[String],
) -> Result<Node, ToolError> {
    let explain = source::required_function(server, "mcp_explain")?;
    let params = [Param::Text(Some(query)), Param::TextArray(ddl.to_vec())];
    let mut session = request.session().await?;
    let sql = format!(
        "select {explain}(query => $1, hypothetical_indexes => $2, format => 'json') as plan"
    );
    let row = session.rows(&sql, &params).await?.pop().unwrap_or_default();
    session.finish().await;
    let mut root = row
        .get("plan")
        .and_then(Value::as_str)
        .and_then(plan::read)
        .ok_or_else(|| ToolError::new(Kind::Internal, "the plan is no tree"))?;
    // The plan is worth showing without them.
    match findings(request, server, &params).await {
        Ok(findings) => plan::place(&mut root, findings),
        Err(error) if error.kind == Kind::Cancelled => return Err(error),
        Err(error) => tracing::debug!(%error, "no findings about a plan"),
    }
    Ok(root)
}

async fn findings(
    request: &Request,
    server: &ServerInfo,
    params: &[Param<'_>],
) -> Result<Vec<NodeFinding>, ToolError> {
    let function = source::required_function(server, "mcp_plan_findings")?;
    let sql = format!(
        "select f.finding, f.severity, f.node, f.message, f.remedy \
         from {function}(query => $1, hypothetical_indexes => $2) as f"
    );
    let mut session = request.session().await?;
    let rows = session.rows(&sql, params).await?;
    session.finish().await;
    rows.into_iter().map(super::typed).collect()
}
