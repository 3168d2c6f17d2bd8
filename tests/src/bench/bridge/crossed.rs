//! Whether every answer comes, and comes to whom it is for.
//!
//! All clients number their requests alike, so that an answer that went astray is not found out by
//! its number; each call asks for a value that no other asks for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::join_all;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::client::{Call, Client, Transport};
use super::{MOST_CLIENTS, one_value};
use crate::bench::Bench;
use crate::program::Table;

/// Calls of all clients together.
const CALLS: usize = 100_000;

/// Calls that each client makes at a time.
const AT_A_TIME: usize = 4;

/// An answer that has not come by then is lost. Above every limit of the bridge.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of calls.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    made: usize,
    right: usize,
    /// No answer.
    lost: usize,
    /// Somebody else's answer.
    crossed: usize,
    /// An error for an answer.
    refused: usize,
    /// What went wrong first.
    first: Option<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.made += other.made;
        self.right += other.right;
        self.lost += other.lost;
        self.crossed += other.crossed;
        self.refused += other.refused;
        self.first = self.first.take().or(other.first);
    }

    /// Judges the answer to a call for `value`.
    fn judge(&mut self, value: &str, answer: &Value) {
        match value_of(answer) {
            Ok(found) if found == value => self.right += 1,
            Ok(found) => {
                self.crossed += 1;
                self.first.get_or_insert_with(|| format!("asked for {value}, got {found}"));
            }
            Err(what) => {
                self.refused += 1;
                self.first.get_or_insert(what);
            }
        }
    }

    fn lose(&mut self, count: usize, why: String) {
        self.lost += count;
        self.first.get_or_insert(why);
    }
}

pub(super) fn measure(bench: &mut Bench<'_>, runtime: &Runtime, address: &str) -> Result<()> {
    bench.progress.part(&format!(
        "mcp-bridge: {CALLS} calls of {MOST_CLIENTS} clients over all HTTP transports, \
         {AT_A_TIME} at a time each, every answer checked"
    ));
    let begin = Instant::now();
    let tallies = runtime.block_on(run(address))?;
    let seconds = begin.elapsed().as_secs_f64();
    let mut table = Table::new(&["transport", "calls", "right", "lost", "crossed", "refused"]);
    let mut total = Tally::default();
    for (transport, tally) in tallies {
        table.row(&row(transport.name(), &tally));
        total.add(tally);
    }
    table.row(&row("all", &total));
    crate::bench::print(&table);
    println!();
    bench.progress.line(&format!("{:.0} calls a second", total.made as f64 / seconds));
    if let Some(first) = &total.first {
        bench.progress.line(&format!("the first that went wrong: {first}"));
    }
    for (what, seen) in
        [("lost", total.lost), ("crossed", total.crossed), ("refused", total.refused)]
    {
        let what = format!("mcp-bridge: answers {what} among {CALLS}");
        bench.verdicts.add(&what, "0", &seen.to_string(), seen == 0 && total.made >= CALLS);
    }
    Ok(())
}

fn row(name: &str, tally: &Tally) -> [String; 6] {
    let numbers = [tally.made, tally.right, tally.lost, tally.crossed, tally.refused];
    let [made, right, lost, crossed, refused] = numbers.map(|number| number.to_string());
    [name.to_owned(), made, right, lost, crossed, refused]
}

async fn run(address: &str) -> Result<Vec<(Transport, Tally)>> {
    let clients = (0..MOST_CLIENTS).map(|number| {
        let transport = Transport::ALL[number % Transport::ALL.len()];
        let address = address.to_owned();
        async move {
            let calls = tokio::spawn(async move { one_client(transport, &address, number).await });
            calls.await.context("a client panicked").map(|tally| (transport, tally))
        }
    });
    let mut tallies: Vec<_> =
        Transport::ALL.map(|transport| (transport, Tally::default())).into_iter().collect();
    for client in join_all(clients).await {
        let (transport, tally) = client?;
        for (name, sum) in &mut tallies {
            if *name == transport {
                sum.add(tally);
                break;
            }
        }
    }
    Ok(tallies)
}

/// The share of one client.
async fn one_client(transport: Transport, address: &str, number: usize) -> Tally {
    let share = CALLS.div_ceil(MOST_CLIENTS).next_multiple_of(AT_A_TIME);
    let mut tally = Tally { made: share, ..Tally::default() };
    let mut client = match Client::connect(transport, address, AT_A_TIME).await {
        Ok(client) => client,
        Err(error) => {
            tally.lose(share, format!("{error:#}"));
            return tally;
        }
    };
    for first in (0..share).step_by(AT_A_TIME) {
        let values: Vec<String> =
            (first..first + AT_A_TIME).map(|call| format!("client {number} call {call}")).collect();
        let calls: Vec<Call> = values.iter().map(|value| one_value(value)).collect();
        match timeout(PATIENCE, client.call(&calls)).await {
            Ok(Ok(answers)) => {
                for (value, answer) in values.iter().zip(&answers) {
                    tally.judge(value, answer);
                }
            }
            // What has broken stays broken: the rest of the share is lost as well.
            Ok(Err(error)) => {
                tally.lose(share - first, format!("{error:#}"));
                break;
            }
            Err(_) => {
                tally.lose(share - first, format!("no answer within {PATIENCE:?}"));
                break;
            }
        }
    }
    if let Err(error) = client.close().await {
        tally.first.get_or_insert_with(|| format!("{error:#}"));
    }
    tally
}

/// The only value of the answer to [`one_value`]; or what else came.
fn value_of(answer: &Value) -> Result<&str, String> {
    let result = answer.get("result").ok_or_else(|| format!("refused: {answer}"))?;
    if result.get("isError").and_then(Value::as_bool).unwrap_or(false) {
        return Err(format!("failed: {result}"));
    }
    let value = result.pointer("/structuredContent/rows/0/0").and_then(Value::as_str);
    value.ok_or_else(|| format!("no value: {result}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_answer_is_told_from_the_others() {
        let answer = |value: &str| json!({"result": {"structuredContent": {"rows": [[value]]}}});
        let mut tally = Tally::default();
        tally.judge("a", &answer("a"));
        tally.judge("a", &answer("b"));
        tally.judge("a", &json!({"error": {"code": -32603, "message": "no"}}));
        tally.judge("a", &json!({"result": {"isError": true, "content": []}}));
        assert_eq!((tally.right, tally.crossed, tally.refused), (1, 1, 2));
        assert_eq!(tally.first.as_deref(), Some("asked for a, got b"));
    }
}
