//! What `mcp_advise_report` says, for cases that ask more of it than the programs do.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

/// A report.
#[derive(Debug)]
pub(crate) struct Answer(Value);

/// An advised index.
#[derive(Debug)]
pub(crate) struct Advised {
    pub(crate) ddl: String,
    pub(crate) size_bytes: f64,
    pub(crate) columns: Vec<String>,
    pub(crate) replaces: Vec<String>,
}

/// Advises on the recorded workload; `more` are further arguments (`max_queries => 5`).
pub(crate) fn recorded(client: &mut Client, more: &str) -> Result<Answer> {
    let comma = if more.is_empty() { "" } else { ", " };
    let sql = format!("select mcp_advise_report({more}{comma}plans => false)::text");
    let text: String = client.query_one(&sql, &[]).context("advise on what was recorded")?.get(0);
    Ok(Answer(serde_json::from_str(&text)?))
}

/// Advises on `queries`; `more` as above.
pub(crate) fn given<S: AsRef<str>>(
    client: &mut Client,
    queries: &[S],
    more: &str,
) -> Result<Answer> {
    let list: Vec<&str> = queries.iter().map(AsRef::as_ref).collect();
    let comma = if more.is_empty() { "" } else { ", " };
    let sql = format!("select mcp_advise_report($1{comma}{more}, plans => true)::text");
    let text: String = client.query_one(&sql, &[&list]).context("advise on a list")?.get(0);
    Ok(Answer(serde_json::from_str(&text)?))
}

impl Answer {
    fn list(&self, key: &str) -> &[Value] {
        self.0[key].as_array().map_or(&[], Vec::as_slice)
    }

    /// How many statements took part.
    pub(crate) fn used(&self) -> usize {
        self.list("queries").len()
    }

    /// The statements that took part and whose text contains `marker`.
    pub(crate) fn using<'a>(&'a self, marker: &'a str) -> impl Iterator<Item = &'a Value> {
        self.list("queries").iter().filter(move |query| text(query).contains(marker))
    }

    /// Why statements whose text contains `marker` were left out.
    pub(crate) fn skipped<'a>(&'a self, marker: &'a str) -> Vec<&'a str> {
        let left_out =
            self.list("skipped").iter().filter(move |query| text(query).contains(marker));
        left_out.filter_map(|query| query["reason"].as_str()).collect()
    }

    /// The texts of those left out whose reason and text are `wanted`.
    pub(crate) fn skipped_for(&self, wanted: impl Fn(&str, &str) -> bool) -> Vec<&str> {
        let left_out = self.list("skipped").iter();
        left_out
            .filter_map(|query| Some((query["reason"].as_str()?, text(query))))
            .filter(|(reason, text)| wanted(reason, text))
            .map(|(_, text)| text)
            .collect()
    }

    /// All that was left out, for a message.
    pub(crate) fn left_out(&self) -> String {
        let line = |query: &Value| {
            let start: String = text(query).chars().take(120).collect();
            format!("{}: {} ({start})\n", query["reason"], query["message"])
        };
        self.list("skipped").iter().map(line).collect()
    }

    /// Fails unless every statement with `marker` takes part, and at least one does.
    pub(crate) fn expect_used(&self, marker: &str) -> Result<()> {
        ensure!(self.using(marker).next().is_some(), "{marker} is not used:\n{}", self.left_out());
        ensure!(self.skipped(marker).is_empty(), "{marker} is left out:\n{}", self.left_out());
        expect_costs(self.using(marker))
    }

    /// Fails unless exactly `count` statements take part, each with a cost.
    pub(crate) fn expect_count(&self, count: usize) -> Result<()> {
        ensure!(self.used() == count, "{} of {count} used:\n{}", self.used(), self.left_out());
        expect_costs(self.using(""))
    }

    /// Fails unless statements with `marker` were left out for `reason`.
    pub(crate) fn expect_skipped(&self, marker: &str, reason: &str) -> Result<()> {
        let found = self.skipped(marker);
        ensure!(self.using(marker).next().is_none(), "{marker} is used");
        ensure!(!found.is_empty(), "{marker} is not in the report");
        ensure!(found.iter().all(|found| *found == reason), "{marker}: {found:?}, not {reason}");
        Ok(())
    }

    /// Fails if statements with `marker` appear anywhere.
    pub(crate) fn expect_absent(&self, marker: &str) -> Result<()> {
        ensure!(self.using(marker).next().is_none(), "{marker} is used");
        ensure!(self.skipped(marker).is_empty(), "{marker} was looked at");
        Ok(())
    }

    /// The advised indexes by rank.
    pub(crate) fn indexes(&self) -> Vec<Advised> {
        let strings = |value: &Value| -> Vec<String> {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        self.list("indexes")
            .iter()
            .map(|index| Advised {
                ddl: index["ddl"].as_str().unwrap_or_default().to_owned(),
                size_bytes: index["size_bytes"].as_f64().unwrap_or_default(),
                columns: strings(&index["columns"]),
                replaces: strings(&index["replaces"]),
            })
            .collect()
    }

    /// Cost without the advice of the statement at this position (from 1) of a given list.
    pub(crate) fn cost_before(&self, position: usize) -> Result<f64> {
        self.cost("cost_before", position)
    }

    /// The same with it.
    pub(crate) fn cost_after(&self, position: usize) -> Result<f64> {
        self.cost("cost_after", position)
    }

    fn cost(&self, key: &str, position: usize) -> Result<f64> {
        let position = Some(position as u64);
        let query = self.list("queries").iter().find(|q| q["query_id"].as_u64() == position);
        let query = query.with_context(|| format!("not used: {}", self.left_out()))?;
        query[key].as_f64().context("no cost")
    }
}

fn expect_costs<'a>(queries: impl Iterator<Item = &'a Value>) -> Result<()> {
    for query in queries {
        for key in ["cost_before", "cost_after"] {
            let cost = query[key].as_f64().unwrap_or_default();
            ensure!(cost > 0.0, "{key} is {cost}: {query}");
        }
    }
    Ok(())
}

fn text(query: &Value) -> &str {
    query["query"].as_str().unwrap_or_default()
}
