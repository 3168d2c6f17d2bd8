//! Index advice in words: what `analyze_workload_indexes` and `analyze_query_indexes` share.

use serde_json::{Map, Value, json};

use super::{Answer, Arguments, Context, Reply, proposals, schema, source, text};
use crate::db::Param;
use crate::error::ToolError;
use crate::sampling;

/// The values of `method`; the first is the default.
pub(super) const METHODS: [&str; 2] = ["dta", "llm"];

/// What one call asks for.
pub(super) struct Request {
    /// The statements; none: the recorded workload.
    pub(super) queries: Option<Vec<String>>,
    /// Bytes for all new indexes together.
    pub(super) budget: i64,
    /// Whether the client's model proposes.
    by_model: bool,
}

/// The arguments that both tools have.
pub(super) fn arguments() -> Vec<schema::Argument> {
    vec![
        schema::optional(
            "max_index_size_mb",
            json!({"type": "integer", "minimum": 1, "default": 10_000, "description": "space for all new indexes together"}),
        ),
        schema::optional(
            "method",
            json!({"type": "string", "enum": METHODS, "default": METHODS[0], "description": "dta: the server searches; llm: your model proposes, the planner verifies"}),
        ),
    ]
}

/// The schema of the answer.
pub(super) fn output() -> Value {
    schema::output(
        &json!({"recommendations": schema::records(), "summary": {"type": "object"}}),
        &["recommendations", "summary"],
    )
}

/// Most megabytes: more would not fit into a bigint of bytes.
const MOST_MB: i64 = i64::MAX >> 20;

impl Request {
    /// Reads the common arguments.
    pub(super) fn new(
        arguments: &mut Arguments,
        queries: Option<Vec<String>>,
    ) -> Result<Self, ToolError> {
        let megabytes = arguments.integer("max_index_size_mb", 10_000, 1..=MOST_MB)?;
        let by_model = arguments.choice("method", &METHODS)? == METHODS[1];
        Ok(Self { queries, budget: megabytes << 20, by_model })
    }

    /// The statements as an argument of an SQL function.
    pub(super) fn queries(&self) -> Param<'_> {
        self.queries
            .as_ref()
            .map_or(Param::NoTextArray, |queries| Param::TextArray(queries.clone()))
    }
}

/// Advises.
pub(super) async fn advise(cx: &Context, request: Request) -> Result<Reply, ToolError> {
    if !request.by_model {
        return search(cx, &request).await.map(Reply::Answer);
    }
    if !cx.sampler.is_available() {
        return Err(sampling::unsupported());
    }
    proposals::advise(cx, &request).await
}

/// Seconds that the answer needs after the search: reading the report and the way back.
const RESERVE_SECONDS: f64 = 5.0;

/// The extension's own search.
async fn search(cx: &Context, request: &Request) -> Result<Answer, ToolError> {
    let server = cx.server().await?;
    let function = source::required_function(&server, "mcp_advise_report")?;
    let sql = format!(
        "select {function}(queries => $1, storage_budget => $2, \
         time_limit => pg_catalog.make_interval(secs => $3), plans => false) as report"
    );
    let whole = cx.call.timeout.as_secs_f64();
    let limit = (whole - RESERVE_SECONDS).max(whole / 2.0);
    let params = [request.queries(), Param::Int(request.budget), Param::Float(limit)];
    let row = one(cx, &sql, &params).await?;
    let Some(Value::Object(report)) = row else {
        return Err(ToolError::new(crate::error::Kind::Internal, "the report is not an object"));
    };
    Ok(answer(&report))
}

/// The first column of the only row, with progress switched on when somebody listens.
pub(super) async fn one(
    cx: &Context,
    sql: &str,
    params: &[Param<'_>],
) -> Result<Option<Value>, ToolError> {
    let _slot = cx.db.analysis_slot(&cx.call).await?;
    let mut session = cx.session().await?;
    if cx.call.notices.is_some() {
        session
            .rows("select pg_catalog.set_config('mcp_advisor.progress', 'on', true)", &[])
            .await?;
    }
    let rows = session.rows(sql, params).await.map_err(source::argument_error)?;
    session.finish().await;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).map(|(_, value)| value))
}

/// The most statements whose costs are listed, those that gain most.
const MOST_QUERIES: usize = 50;

/// Characters of a statement that is only mentioned.
pub(super) const QUERY_CHARS: usize = 200;

/// A field as a float, 0 when it is none.
pub(super) fn float(object: &Map<String, Value>, key: &str) -> f64 {
    object.get(key).and_then(Value::as_f64).unwrap_or(0.0)
}

fn integer(object: &Map<String, Value>, key: &str) -> i64 {
    object.get(key).and_then(Value::as_i64).unwrap_or(0)
}

/// The objects of a list.
pub(super) fn objects<'a>(
    report: &'a Map<String, Value>,
    key: &str,
) -> Vec<&'a Map<String, Value>> {
    report
        .get(key)
        .and_then(Value::as_array)
        .map(|items| items.iter().filter_map(Value::as_object).collect())
        .unwrap_or_default()
}

/// A report of the advisor in words, and what is worth having of it as data.
pub(crate) fn answer(report: &Map<String, Value>) -> Answer {
    let indexes = objects(report, "indexes");
    let mut lines = vec![headline(report, indexes.len())];
    lines.extend(indexes.iter().enumerate().map(|(at, index)| recommendation(at + 1, index)));
    lines.extend(sizes(report));
    lines.extend(drops(report));
    lines.extend(skipped(report));
    if report.get("complete") == Some(&json!(false)) {
        let limit = report.get("stopped_by").and_then(Value::as_str).unwrap_or("a limit");
        lines.push(format!("The search was ended by {limit}; this is the best found by then."));
    }
    let mut data = Map::new();
    data.insert("recommendations".to_owned(), json!(indexes));
    data.insert("summary".to_owned(), Value::Object(summary(report)));
    data.insert("query_impact".to_owned(), impact(report));
    let skipped: Vec<Value> = objects(report, "skipped")
        .into_iter()
        .take(MOST_QUERIES)
        .map(|one| shortened(one, &["query_id", "query", "reason", "message"]))
        .collect();
    data.insert("skipped".to_owned(), json!(skipped));
    if let Some(drops) = report.get("drops") {
        data.insert("drops".to_owned(), drops.clone());
    }
    Answer { text: lines.join("\n"), data }
}

fn headline(report: &Map<String, Value>, indexes: usize) -> String {
    let used = text::count(integer(report, "statements_used").unsigned_abs(), "statement");
    let (before, after) = (float(report, "cost_before"), float(report, "cost_after"));
    if indexes == 0 {
        return format!(
            "No index pays for {used} (cost {}) within the given space.",
            text::number(before)
        );
    }
    format!(
        "{} for {used}: cost {} -> {}{}, {}.",
        text::count(indexes as u64, "index"),
        text::number(before),
        text::number(after),
        if after > 0.0 {
            format!(" ({} times less)", text::number(before / after))
        } else {
            String::new()
        },
        text::size(integer(report, "index_bytes")),
    )
}

fn recommendation(rank: usize, index: &Map<String, Value>) -> String {
    let field = |name: &str| index.get(name).map(text::cell).unwrap_or_default();
    let mut line = format!(
        "{rank}. {};\n   {}, cost {} -> {}, confidence {}. {}",
        field("ddl"),
        text::size(integer(index, "size_bytes")),
        text::number(float(index, "cost_before")),
        text::number(float(index, "cost_after")),
        field("confidence"),
        field("reason"),
    );
    if index.get("breaks_hot") == Some(&json!(true)) {
        line.push_str(" Updates of its columns can no longer be heap-only (HOT).");
    }
    let reasons = index.get("confidence_detail").and_then(|detail| detail.get("reasons"));
    for reason in reasons.and_then(Value::as_array).into_iter().flatten() {
        line.push(' ');
        line.push_str(&text::cell(reason));
    }
    line
}

/// The most other sizes that are told.
const MOST_SIZES: usize = 4;

/// What less and more space would bring: the points of the front beside the advice, those first that
/// differ most in cost.
fn sizes(report: &Map<String, Value>) -> Option<String> {
    let before = float(report, "cost_before");
    let mut points = objects(report, "pareto_front");
    let advised = points.iter().position(|point| point.get("advised") == Some(&json!(true)))?;
    let at = float(points.get(advised)?, "cost");
    points.retain(|point| {
        let own = point.get("advised") == Some(&json!(true)) || float(point, "index_bytes") <= 0.0;
        // A choice between things that hardly differ is none.
        !own && (float(point, "cost") - at).abs() > 0.02 * before
    });
    points.sort_by(|a, b| (float(b, "cost") - at).abs().total_cmp(&(float(a, "cost") - at).abs()));
    points.truncate(MOST_SIZES);
    points.sort_by(|a, b| float(a, "index_bytes").total_cmp(&float(b, "index_bytes")));
    let told: Vec<String> = points
        .iter()
        .map(|point| {
            let knee = if point.get("knee") == Some(&json!(true)) { " (knee)" } else { "" };
            let share = (float(point, "cost") / before * 100.0).round();
            format!("{} -> {share} %{knee}", text::size(float(point, "index_bytes") as i64))
        })
        .collect();
    (before > 0.0 && !told.is_empty())
        .then(|| format!("Other sizes -> cost, of today's: {}.", told.join("; ")))
}

fn drops(report: &Map<String, Value>) -> Option<String> {
    let drops = report.get("drops")?.as_array()?;
    (!drops.is_empty()).then(|| {
        let names: Vec<String> = drops
            .iter()
            .map(|drop| drop.get("index").map_or_else(|| text::cell(drop), text::cell))
            .collect();
        format!("Made superfluous by these: {}.", names.join(", "))
    })
}

/// The reasons for which statements were left out, with counts and the first message of each.
fn skipped(report: &Map<String, Value>) -> Option<String> {
    let skipped = objects(report, "skipped");
    let mut reasons: Vec<(String, u64, String)> = Vec::new();
    for one in &skipped {
        let reason = one.get("reason").map(text::cell).unwrap_or_default();
        match reasons.iter_mut().find(|(known, ..)| *known == reason) {
            Some((_, count, _)) => *count += 1,
            None => {
                reasons.push((reason, 1, one.get("message").map(text::cell).unwrap_or_default()))
            }
        }
    }
    let reasons: Vec<String> = reasons
        .into_iter()
        .map(|(reason, count, message)| format!("{count} {reason} ({message})"))
        .collect();
    (!reasons.is_empty()).then(|| {
        format!(
            "Left out: {}: {}.",
            text::count(skipped.len() as u64, "statement"),
            reasons.join("; ")
        )
    })
}

fn summary(report: &Map<String, Value>) -> Map<String, Value> {
    const KEYS: [&str; 11] = [
        "statements_examined",
        "statements_used",
        "cost_before",
        "cost_after",
        "lower_bound",
        "geometric_mean_speedup",
        "index_bytes",
        "planner",
        "complete",
        "stopped_by",
        "elapsed_ms",
    ];
    KEYS.iter()
        .filter_map(|key| Some(((*key).to_owned(), report.get(*key)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// The statements that change, those that gain most first.
fn impact(report: &Map<String, Value>) -> Value {
    let gain = |query: &Map<String, Value>| {
        float(query, "weight") * (float(query, "cost_before") - float(query, "cost_after"))
    };
    let mut queries = objects(report, "queries");
    queries.retain(|query| float(query, "cost_before") != float(query, "cost_after"));
    queries.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
    queries
        .into_iter()
        .take(MOST_QUERIES)
        .map(|query| {
            shortened(
                query,
                &["query_id", "query", "calls", "cost_before", "cost_after", "indexes"],
            )
        })
        .collect()
}

/// Some fields of an object, the statement cut.
pub(super) fn shortened(object: &Map<String, Value>, keys: &[&str]) -> Value {
    keys.iter()
        .filter_map(|key| {
            let value = object.get(*key)?;
            let value = match (*key, value) {
                ("query", Value::String(query)) => json!(text::line(query, QUERY_CHARS)),
                _ => value.clone(),
            };
            (!value.is_null()).then(|| ((*key).to_owned(), value))
        })
        .collect::<Map<_, _>>()
        .into()
}
