//! `get_top_queries`.

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::listing::Listing;
use super::{Answer, Arguments, Context, Definition, Reply, schema, source, text};
use crate::db::Param;
use crate::error::ToolError;

/// The values of `sort_by`; the first is the default.
const SORTS: &[&str] = &advisor_sql::TOP_QUERIES_ORDERS;

pub(super) const TOOL: Definition = Definition {
    name: "get_top_queries",
    title: "Top queries",
    description: "Show the dearest statements of this database from pg_stat_statements: by total \
                  or mean time, or by their largest share of time, blocks or WAL (resources).",
    arguments: || {
        vec![
            schema::optional(
                "sort_by",
                json!({"type": "string", "enum": SORTS, "default": SORTS[0]}),
            ),
            schema::optional(
                "limit",
                json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 10}),
            ),
        ]
    },
    output: || schema::output(&json!({"queries": schema::records()}), &["queries"]),
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

/// What the text shows; the statement itself comes last, on one line.
const COLUMNS: [&str; 10] = [
    "queryid",
    "calls",
    "total_ms",
    "mean_ms",
    "rows",
    "time_share",
    "read_share",
    "dirtied_share",
    "wal_share",
    "query",
];

/// Characters of a statement in the text; all of it is in the structured content.
const QUERY_CHARS: usize = 300;

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let sort = arguments.choice("sort_by", SORTS)?;
    let limit = arguments.integer("limit", 10, 1..=1000)?;
    let server = cx.server().await?;
    let params = [Param::Text(Some(sort)), Param::Int(limit)];
    let mut session = cx.session().await?;
    let mut rows = match source::function(&server, "mcp_top_queries") {
        Some(function) => {
            session.rows(&format!("select * from {function}($1, $2::integer)"), &params).await?
        }
        None => {
            let sql = source::top_queries(&server)?;
            source::own_path(&mut session).await?;
            let [sort, limit] = params;
            session.rows(&sql, &[sort, limit, Param::Bool(false), Param::Text(None)]).await?
        }
    };
    session.finish().await;
    rows.iter_mut().for_each(spell_out_id);
    let listing = Listing::new(&cx.limits, rows);
    let shown: Vec<Map<String, Value>> = listing.rows().iter().map(shortened).collect();
    let mut answer = listing.answer("queries", "query", &COLUMNS, "a lower limit than");
    let rest = answer.data.get("truncated").and_then(|cut| cut["notice"].as_str());
    answer.text = [
        Some(text::count(shown.len() as u64, "query")),
        (!shown.is_empty()).then(|| text::records(&COLUMNS, &shown)),
        rest.map(str::to_owned),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("\n");
    Ok(answer)
}

/// The id as text: it has more digits than a JSON number has in many programs.
fn spell_out_id(row: &mut Map<String, Value>) {
    if let Some(id) = row.get_mut("queryid")
        && let Value::Number(number) = id
    {
        *id = Value::String(number.to_string());
    }
}

/// The row with its statement on one line and its figures rounded.
fn shortened(row: &Map<String, Value>) -> Map<String, Value> {
    row.iter()
        .map(|(key, value)| {
            let value = match (key.as_str(), value) {
                ("query", Value::String(query)) => json!(text::line(query, QUERY_CHARS)),
                (_, Value::Number(number)) if number.as_i64().is_none() => number
                    .as_f64()
                    .map_or_else(|| value.clone(), |float| json!(text::number(float))),
                _ => value.clone(),
            };
            (key.clone(), value)
        })
        .collect()
}
