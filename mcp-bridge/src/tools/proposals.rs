//! Method `llm`: the client's model proposes indexes, the planner says what they are worth.
//!
//! A proposal counts only by its what-if cost. Each round tells the model what its last proposal
//! brought; the best one is what is answered, without the indexes that no plan uses.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::analyze::Request;
use super::{Context, Reply, analyze, source, text};
use crate::db::Param;
use crate::error::{Kind, ToolError};
use crate::sampling::Asked;

/// Rounds of asking. The first proposal is usually the best, and each may need a person's approval.
const ROUNDS: usize = 3;

/// Most indexes that are looked at in one proposal.
const MOST_INDEXES: usize = 20;

/// Statements shown to the model, those with the highest weighted cost.
const MOST_STATEMENTS: usize = 20;

/// Characters of a statement shown to the model.
const STATEMENT_CHARS: usize = 2_000;

const SYSTEM: &str = "You are an expert for PostgreSQL performance. You propose b-tree indexes. \
    The planner will verify what you propose. Answer with JSON only.";

/// What is known after some rounds; goes to the client and back, sealed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    attempts: Vec<Attempt>,
}

/// One proposal and what it brought.
#[derive(Debug, Serialize, Deserialize)]
struct Attempt {
    indexes: Vec<String>,
    outcome: Outcome,
}

#[derive(Debug, Serialize, Deserialize)]
enum Outcome {
    /// The cost of the workload with it, and its bytes.
    Cost { cost: f64, bytes: i64 },
    /// Why it is no proposal.
    Refused(String),
}

impl State {
    /// The cheapest attempt; of equal ones the first.
    fn best(&self) -> Option<(&Attempt, f64)> {
        self.attempts
            .iter()
            .filter_map(|attempt| match attempt.outcome {
                Outcome::Cost { cost, .. } => Some((attempt, cost)),
                Outcome::Refused(_) => None,
            })
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// Whether another round is worth asking for: there is one left, and the last one led on.
    fn goes_on(&self) -> bool {
        let Some(last) = self.attempts.last() else { return true };
        let led_on = match last.outcome {
            Outcome::Refused(_) => true,
            Outcome::Cost { .. } => self.best().is_some_and(|(best, _)| std::ptr::eq(best, last)),
        };
        led_on && self.attempts.len() < ROUNDS
    }
}

/// Advises with the client's model.
pub(super) async fn advise(cx: &Context, request: &Request) -> Result<Reply, ToolError> {
    let base = evaluate(cx, request, &[]).await?;
    let mut state = match cx.sampler.resumed::<State>()? {
        Some((state, reply)) => judge(cx, request, state, &reply).await?,
        None => State::default(),
    };
    while state.goes_on() {
        let question = question(&base, &state, request.budget);
        match cx.sampler.ask(SYSTEM, question, &state, &cx.call.cancelled).await? {
            Asked::Suspended(question) => return Ok(Reply::Ask(question)),
            Asked::Reply(reply) => state = judge(cx, request, state, &reply).await?,
        }
    }
    finish(cx, request, &state).await
}

/// Puts a reply to the test and adds what came out.
async fn judge(
    cx: &Context,
    request: &Request,
    mut state: State,
    reply: &str,
) -> Result<State, ToolError> {
    let indexes = match proposal(reply) {
        Ok(indexes) => indexes,
        Err(why) => {
            state.attempts.push(Attempt { indexes: Vec::new(), outcome: Outcome::Refused(why) });
            return Ok(state);
        }
    };
    let outcome = match evaluate(cx, request, &indexes).await {
        Ok(report) => {
            let bytes = report.get("index_bytes").and_then(Value::as_i64).unwrap_or(0);
            if bytes > request.budget {
                Outcome::Refused(format!(
                    "the indexes need {}, allowed are {}",
                    text::size(bytes),
                    text::size(request.budget)
                ))
            } else {
                Outcome::Cost { cost: analyze::float(&report, "cost_after"), bytes }
            }
        }
        // A definition that the server does not take is the model's fault and worth telling it.
        Err(error)
            if matches!(error.kind, Kind::SqlError | Kind::InvalidArgument | Kind::Unsupported) =>
        {
            Outcome::Refused(
                [Some(error.message), error.detail]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(": "),
            )
        }
        Err(error) => return Err(error),
    };
    state.attempts.push(Attempt { indexes, outcome });
    Ok(state)
}

/// The what-if report of a set of indexes.
async fn evaluate(
    cx: &Context,
    request: &Request,
    indexes: &[String],
) -> Result<Map<String, Value>, ToolError> {
    let server = cx.server().await?;
    let function = source::required_function(&server, "mcp_whatif_indexes")?;
    let sql = format!("select {function}($1, $2) as report");
    let params = [Param::TextArray(indexes.to_vec()), request.queries()];
    match analyze::one(cx, &sql, &params).await? {
        Some(Value::Object(report)) => Ok(report),
        _ => Err(ToolError::new(Kind::Internal, "the report is not an object")),
    }
}

/// The best proposal's report, without the indexes that no plan uses.
async fn finish(cx: &Context, request: &Request, state: &State) -> Result<Reply, ToolError> {
    let proposed = state.best().map(|(attempt, _)| attempt.indexes.clone()).unwrap_or_default();
    let report = evaluate(cx, request, &proposed).await?;
    let used: Vec<String> = analyze::objects(&report, "indexes")
        .into_iter()
        .filter(|index| {
            index.get("used_by").and_then(Value::as_array).is_some_and(|by| !by.is_empty())
        })
        .filter_map(|index| index.get("ddl").and_then(Value::as_str).map(str::to_owned))
        .collect();
    let report =
        if used.len() == proposed.len() { report } else { evaluate(cx, request, &used).await? };
    let mut answer = analyze::answer(&report);
    let rounds: Vec<Value> = state.attempts.iter().map(describe).collect();
    answer.text = format!(
        "Proposed by the client's model in {}, costs by the server's planner.\n{}",
        text::count(rounds.len() as u64, "round"),
        answer.text
    );
    answer.data.insert("proposals".to_owned(), Value::Array(rounds));
    Ok(Reply::Answer(answer))
}

fn describe(attempt: &Attempt) -> Value {
    match &attempt.outcome {
        Outcome::Cost { cost, bytes } => {
            json!({"indexes": attempt.indexes, "cost_after": cost, "index_bytes": bytes})
        }
        Outcome::Refused(why) => json!({"indexes": attempt.indexes, "refused": why}),
    }
}

/// The definitions in a reply: the first JSON object with a list `indexes`.
fn proposal(reply: &str) -> Result<Vec<String>, String> {
    const EXPECTED: &str = "the reply holds no JSON object {\"indexes\": [\"CREATE INDEX …\"]}";
    let start = reply.find('{').ok_or(EXPECTED)?;
    // What follows the object, such as the end of a code fence, is not looked at.
    let mut documents =
        serde_json::Deserializer::from_str(&reply[start..]).into_iter::<Map<String, Value>>();
    let Some(Ok(document)) = documents.next() else { return Err(EXPECTED.to_owned()) };
    let Some(Value::Array(items)) = document.get("indexes") else {
        return Err(EXPECTED.to_owned());
    };
    let indexes: Vec<String> = items
        .iter()
        .filter_map(Value::as_str)
        .map(|index| index.trim().trim_end_matches(';').to_owned())
        .collect();
    match indexes.len() {
        0 => Err("the reply proposes no index".to_owned()),
        many if many > MOST_INDEXES => {
            Err(format!("the reply proposes {many} indexes, the most are {MOST_INDEXES}"))
        }
        _ => Ok(indexes),
    }
}

/// What the model is asked.
fn question(base: &Map<String, Value>, state: &State, budget: i64) -> String {
    let weighted = |query: &Map<String, Value>| {
        analyze::float(query, "weight") * analyze::float(query, "cost_before")
    };
    let mut queries = analyze::objects(base, "queries");
    queries.sort_by(|a, b| weighted(b).total_cmp(&weighted(a)));
    let mut lines = vec![format!(
        "Propose b-tree indexes that make these statements cheaper, {} together at most. Cost of all \
         now: {}.\n\nStatements:",
        text::size(budget),
        text::number(analyze::float(base, "cost_before")),
    )];
    for query in queries.into_iter().take(MOST_STATEMENTS) {
        let sql = query.get("query").and_then(Value::as_str).unwrap_or_default();
        lines.push(format!(
            "- cost {}: {}",
            text::number(weighted(query)),
            text::line(sql, STATEMENT_CHARS)
        ));
    }
    lines.push("\nTables:".to_owned());
    for table in analyze::objects(base, "tables") {
        lines.push(format!("- {}", text::cell(&Value::Object(table.clone()))));
    }
    for attempt in &state.attempts {
        lines.push(format!("\nYou proposed: {}", attempt.indexes.join("; ")));
        lines.push(match &attempt.outcome {
            Outcome::Cost { cost, bytes } => {
                format!("Cost of all with it: {}; {}.", text::number(*cost), text::size(*bytes))
            }
            Outcome::Refused(why) => format!("It was refused: {why}."),
        });
    }
    lines.push(
        "\nAnswer with one JSON object and nothing else: \
         {\"indexes\": [\"CREATE INDEX ON schema.table USING method (column or expression, …) \
         INCLUDE (column, …) WHERE condition\", …]}"
            .to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(cost: f64) -> Attempt {
        Attempt { indexes: vec!["i".into()], outcome: Outcome::Cost { cost, bytes: 1 } }
    }

    #[test]
    fn replies_are_read_in_any_wrapping() {
        for reply in [
            r#"{"indexes": ["CREATE INDEX ON t (a);"]}"#,
            "Here you are:\n```json\n{\"indexes\": [\"CREATE INDEX ON t (a)\"]}\n```\nGood luck {",
        ] {
            assert_eq!(proposal(reply).unwrap(), ["CREATE INDEX ON t (a)"]);
        }
        for reply in ["", "no", "{", "{}", r#"{"indexes": []}"#, r#"{"indexes": "x"}"#] {
            assert!(proposal(reply).is_err());
        }
    }

    #[test]
    fn rounds_end_when_nothing_gets_better() {
        let mut state = State::default();
        assert!(state.goes_on());
        state.attempts.push(attempt(10.0));
        assert!(state.goes_on());
        state.attempts.push(attempt(12.0));
        assert!(!state.goes_on());
        assert!((state.best().unwrap().1 - 10.0).abs() < f64::EPSILON);
        let mut state = State::default();
        for _ in 0..ROUNDS {
            assert!(state.goes_on());
            state
                .attempts
                .push(Attempt { indexes: Vec::new(), outcome: Outcome::Refused("no".into()) });
        }
        assert!(!state.goes_on());
        assert!(state.best().is_none());
    }
}
