//! What a set of indexes is worth, whoever proposed it: by what-if planning, and really built.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Context, Result, ensure};
use postgres::Client;

use super::plain;
use crate::measure::{self, RealIndex};
use crate::workloads::Statement;

/// Weighted cost of the statements as a share of the cost without, and the bytes of the indexes, by
/// `mcp_whatif_indexes`.
pub(super) fn by_what_if(
    client: &mut Client,
    statements: &[Statement],
    ddl: &[String],
) -> Result<(f64, f64)> {
    let queries: Vec<&str> = statements.iter().map(|one| one.sql.as_str()).collect();
    let indexes: Vec<String> = ddl.iter().map(|ddl| plain(ddl)).collect();
    let sql = "with report as materialized (select mcp_whatif_indexes($1, $2) as r)
        select array(select (q ->> 'cost_before')::float8 from jsonb_array_elements(r -> 'queries') as q),
            array(select (q ->> 'cost_after')::float8 from jsonb_array_elements(r -> 'queries') as q),
            coalesce((r ->> 'index_bytes')::float8, 0)
        from report";
    let row = client.query_one(sql, &[&indexes, &queries])?;
    let (before, after): (Vec<f64>, Vec<f64>) = (row.try_get(0)?, row.try_get(1)?);
    ensure!(before.len() == statements.len(), "{} statements were costed", before.len());
    let weighted = |costs: &[f64]| -> f64 {
        costs.iter().zip(statements).map(|(cost, one)| cost * f64::from(one.calls)).sum()
    };
    Ok((weighted(&after) / weighted(&before), row.try_get(2)?))
}

/// Indexes that were built, by the statement that built them.
#[derive(Default)]
pub(super) struct Built(BTreeMap<String, RealIndex>);

impl Built {
    /// Builds those that are not built yet.
    pub(super) fn build(&mut self, client: &mut Client, ddl: &[String]) -> Result<()> {
        for ddl in ddl {
            if let Entry::Vacant(missing) = self.0.entry(plain(ddl)) {
                let index = measure::build_index(client, missing.key())?;
                missing.insert(index);
            }
        }
        Ok(())
    }

    /// What was built by `ddl`.
    pub(super) fn get(&self, ddl: &str) -> Option<&RealIndex> {
        self.0.get(&plain(ddl))
    }

    /// Bytes on disk of these indexes.
    pub(super) fn bytes(&self, ddl: &[String]) -> f64 {
        ddl.iter().filter_map(|ddl| self.get(ddl)).map(|index| index.size_bytes as f64).sum()
    }

    /// Weighted cost that EXPLAIN shows with exactly these of the built indexes.
    ///
    /// The others are dropped in a transaction that is rolled back: all sets are judged on the very
    /// same statistics and the very same indexes.
    pub(super) fn cost(
        &self,
        client: &mut Client,
        statements: &[Statement],
        ddl: &[String],
    ) -> Result<f64> {
        let kept: Vec<String> = ddl.iter().map(|ddl| plain(ddl)).collect();
        let others = self.0.iter().filter(|(ddl, _)| !kept.contains(ddl));
        let others: Vec<&str> = others.map(|(_, index)| index.name.as_str()).collect();
        client.batch_execute("begin")?;
        if !others.is_empty() {
            client.batch_execute(&format!("drop index {}", others.join(", ")))?;
        }
        let mut total = 0.0;
        for one in statements {
            let cost = measure::plan_cost(client, &one.sql);
            total += cost.with_context(|| one.name.clone())? * f64::from(one.calls);
        }
        client.batch_execute("rollback")?;
        Ok(total)
    }
}

/// Indexes on expressions are used well only after ANALYZE, which would change all else if it ran
/// before all sets are built.
pub(super) fn analyze(client: &mut Client) -> Result<()> {
    let sql = "select distinct indrelid::regclass::text from pg_index as i
        join pg_class as c on c.oid = i.indrelid
        where indexprs is not null and c.relnamespace = 'public'::regnamespace";
    for row in client.query(sql, &[])? {
        let table: String = row.try_get(0)?;
        client.batch_execute(&format!("analyze {table}"))?;
    }
    Ok(())
}
