//! Distinct counts of column groups from a sample of rows.

use std::collections::BTreeMap;

use advisor_core::ddl::quote_ident;
use advisor_core::model::Table;
use advisor_core::size::{clamp_group, combine_hashes, distinct_from_sample};
use pgrx::Spi;

use crate::query;
use crate::sys;

/// Rows looked at. Ten thousand give a group's distinct count within some ten percent as long as
/// it is below a tenth of the rows, and cost a few tens of milliseconds.
const SAMPLE_ROWS: f64 = 10_000.0;

/// A hash of each column's value, for a sample of rows spread over the whole table.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    columns: BTreeMap<i16, Vec<u64>>,
}

impl Sample {
    /// The estimated number of distinct combinations; `None` when the sample has not all columns.
    pub(crate) fn distinct(&self, columns: &[i16], singles: &[f64], rows: f64) -> Option<f64> {
        let hashes: Option<Vec<&[u64]>> =
            columns.iter().map(|column| self.columns.get(column).map(Vec::as_slice)).collect();
        let combined = combine_hashes(&hashes?);
        if combined.is_empty() {
            return None;
        }
        let estimate = distinct_from_sample(combined.len(), rows, &combined);
        Some(clamp_group(estimate, singles, rows))
    }
}

/// Reads a sample. Rows are taken singly, one from each of evenly spaced pages: whole pages would
/// see rows that were inserted together, and take their columns for more alike than they are.
///
/// The caller's own privileges apply; a table that he may not read gives an empty sample, and the
/// size is estimated from single columns.
pub(crate) fn take(table: &Table, columns: &[i16]) -> Sample {
    let mut sample = Sample::default();
    for leaf in table.leaves.iter().filter(|leaf| leaf.rows >= 1.0 && leaf.pages >= 1.0) {
        let share = leaf.rows / table.rows.max(1.0);
        let rows = sys::subtransaction(true, || read(table, leaf, columns, SAMPLE_ROWS * share));
        let Ok(Ok(rows)) = rows else { continue };
        for row in rows {
            for (&column, hash) in columns.iter().zip(row) {
                sample.columns.entry(column).or_default().push(hash);
            }
        }
    }
    sample
}

fn read(
    table: &Table,
    leaf: &advisor_core::model::Leaf,
    columns: &[i16],
    wanted: f64,
) -> Result<Vec<Vec<u64>>, pgrx::spi::SpiError> {
    let names: Vec<String> = columns
        .iter()
        .filter_map(|number| table.columns.iter().find(|column| column.number == *number))
        .map(|column| {
            // Through the output function: a cast to text may be a function of the type's owner,
            // which would run with the caller's rights.
            format!(
                "pg_catalog.hashtextextended(pg_catalog.format('%s', {}), 0)",
                quote_ident(&column.name)
            )
        })
        .collect();
    let query = format!(
        "select array[{}]::bigint[] from only {} where ctid = any ($1::pg_catalog.tid[])",
        names.join(", "),
        relation_name(leaf.oid)?,
    );
    Spi::connect(|client| {
        let mut rows = Vec::new();
        for row in client.select(&query, None, &[tids(leaf, wanted).into()])? {
            let hashes: Option<Vec<i64>> = row.get(1)?;
            rows.push(hashes.unwrap_or_default().into_iter().map(i64::cast_unsigned).collect());
        }
        Ok(rows)
    })
}

fn relation_name(oid: u32) -> Result<String, pgrx::spi::SpiError> {
    let name: Option<String> = query::one(
        "select pg_catalog.format('%I.%I', n.nspname, c.relname)
         from pg_catalog.pg_class as c
         join pg_catalog.pg_namespace as n
             on n.oid = c.relnamespace
         where c.oid = $1",
        &[pgrx::pg_sys::Oid::from(oid).into()],
    )?;
    Ok(name.unwrap_or_default())
}

/// Row addresses, the same at every run: evenly spaced pages, and on each a line pointer that a
/// multiplicative hash of its number chooses.
fn tids(leaf: &advisor_core::model::Leaf, wanted: f64) -> String {
    let per_page = (leaf.rows / leaf.pages).max(1.0);
    let count = wanted.min(leaf.rows).max(1.0) as u64;
    let mut list = String::from("{");
    for at in 0..count {
        let page = (at as f64 / count as f64 * leaf.pages).floor() as u64;
        let scattered = at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let line = scattered % (per_page as u64).max(1) + 1;
        if at > 0 {
            list.push(',');
        }
        list.push_str(&format!("\"({page},{line})\""));
    }
    list.push('}');
    list
}
