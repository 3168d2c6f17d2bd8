//! Run times and planner costs of queries, with and without certain indexes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::error::SqlState;
use postgres::{Client, SimpleQueryMessage};

/// Runs `sql` and discards its rows. None when the statement timeout struck.
///
/// # Errors
/// Every other error of the server.
pub fn run(client: &mut Client, sql: &str) -> Result<Option<Duration>> {
    let begin = Instant::now();
    match client.simple_query(sql) {
        Ok(_) => Ok(Some(begin.elapsed())),
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Runs `sql` as if `indexes` did not exist. None when the statement timeout struck.
///
/// The indexes are dropped in a transaction that is rolled back, which takes no time and leaves
/// them as they were: so runs with and without them can alternate, and what else happens on the
/// machine touches both alike.
///
/// # Errors
/// Every other error of the server.
pub fn run_without(client: &mut Client, sql: &str, indexes: &[String]) -> Result<Option<Duration>> {
    client.batch_execute("begin")?;
    if !indexes.is_empty() {
        client.batch_execute(&format!("drop index {}", indexes.join(", ")))?;
    }
    // Dropping invalidates the caches of the catalogue, and so does taking it back before a run
    // without any drop; filling them is not the query's time.
    client.simple_query(&format!("explain {sql}"))?;
    let time = run(client, sql);
    client.batch_execute("rollback")?;
    time
}

/// Cost of the plan that plain EXPLAIN shows.
///
/// # Errors
/// Whatever the server answers.
pub fn plan_cost(client: &mut Client, sql: &str) -> Result<f64> {
    let messages = client.simple_query(&format!("explain (format json) {sql}"))?;
    let text = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: serde_json::Value = serde_json::from_str(text.context("EXPLAIN shows nothing")?)?;
    plan[0]["Plan"]["Total Cost"].as_f64().context("EXPLAIN shows no total cost")
}

/// Sum of the costs that plain EXPLAIN shows.
///
/// # Errors
/// Whatever the server answers.
pub fn total_cost(client: &mut Client, queries: &[String]) -> Result<f64> {
    queries.iter().map(|sql| plan_cost(client, sql)).sum()
}

/// The plan that EXPLAIN shows, without costs.
///
/// # Errors
/// Whatever the server answers.
pub fn plan_text(client: &mut Client, sql: &str) -> Result<String> {
    let messages = client.simple_query(&format!("explain (costs off) {sql}"))?;
    let lines = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// Bytes of all user tables without their indexes.
///
/// # Errors
/// Whatever the server answers.
pub fn data_bytes(client: &mut Client) -> Result<i64> {
    let sql = "select coalesce(sum(pg_table_size(oid)), 0)::bigint from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// An index that exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RealIndex {
    /// Name, quoted where it must be.
    pub name: String,
    /// Bytes on disk.
    pub size_bytes: i64,
}

/// Runs `ddl`, which must create one index, and tells which.
///
/// # Errors
/// Whatever the server answers.
pub fn build_index(client: &mut Client, ddl: &str) -> Result<RealIndex> {
    client.batch_execute(ddl).with_context(|| format!("run: {ddl}"))?;
    let sql = "select i.oid::regclass::text, pg_relation_size(i.oid) from pg_class as i
        where i.relkind = 'i' order by i.oid desc limit 1";
    let row = client.query_one(sql, &[])?;
    Ok(RealIndex { name: row.try_get(0)?, size_bytes: row.try_get(1)? })
}

/// Drops every index that belongs to no constraint.
///
/// # Errors
/// Whatever the server answers.
pub fn drop_plain_indexes(client: &mut Client) -> Result<()> {
    let sql = "select i.indexrelid::regclass::text from pg_index as i
        join pg_class as c on c.oid = i.indexrelid
        where c.relnamespace = 'public'::regnamespace
            and not exists (select from pg_constraint as k where k.conindid = i.indexrelid)";
    for row in client.query(sql, &[])? {
        let name: String = row.try_get(0)?;
        client.batch_execute(&format!("drop index {name}"))?;
    }
    Ok(())
}

/// The geometric mean of positive numbers; 1 for none.
#[must_use]
pub fn geometric_mean(values: &[f64]) -> f64 {
    let logs: f64 = values.iter().map(|value| value.ln()).sum();
    (logs / values.len().max(1) as f64).exp()
}

/// The middle one, or the mean of the two in the middle; 0 for none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(low), sorted.get(high)) {
        (Some(a), Some(b)) => f64::midpoint(*a, *b),
        _ => 0.0,
    }
}

/// The value that this share of the values is not above; 0 for none.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_even_and_odd_counts() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn quantiles_are_values() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.99), 4.0);
        assert_eq!(quantile(&[4.0, 1.0], 1.0), 4.0);
    }

    #[test]
    fn geometric_mean_of_reciprocals_is_one() {
        assert!((geometric_mean(&[4.0, 0.25]) - 1.0).abs() < 1e-12);
    }
}
