//! Distinct counts of column groups from a sample of rows.

use std::collections::BTreeMap;

use advisor_core::ddl::{key_sql, quote_ident};
use advisor_core::model::{IndexKey, Method, Table};
use advisor_core::size::{clamp_group, combine_hashes, distinct_from_sample};
use pgrx::Spi;

use crate::query;
use crate::sys;

/// Rows looked at. Ten thousand give a group's distinct count within some ten percent as long as
/// it is below a tenth of the rows, and cost a few tens of milliseconds.
const SAMPLE_ROWS: f64 = 5_000.0;

/// Rows whose entries or keys are looked at: one has many entries.
const CONTENT_ROWS: f64 = 3_000.0;
/// Pages looked at for a column whose values lie together.
const SAMPLE_PAGES: f64 = 40.0;
/// `MaxHeapTuplesPerPage` of the server for pages of 8 KiB.
const MAX_LINES: f64 = 291.0;

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

/// The distinct values of a column whose equal values lie together (correlation near 1 or -1),
/// from whole pages: rows per value on a page are rows per value in the table. ANALYZE's sample of
/// single rows sees hardly any value twice there and guesses too few values.
///
/// `None` when the table cannot be read or the sample is empty.
pub(crate) fn clustered_distinct(table: &Table, column: i16) -> Option<f64> {
    let leaf = table.leaves.iter().max_by(|a, b| a.rows.total_cmp(&b.rows))?;
    let name = quote_ident(&table.column(column)?.name);
    let counts = sys::subtransaction(true, || -> Result<(f64, f64), pgrx::spi::SpiError> {
        let sql = format!(
            "select pg_catalog.count(*)::float8, pg_catalog.count(distinct (page, {name}))::float8
             from (
                 select (ctid::pg_catalog.text::pg_catalog.point)[0] as page, {HASH} as {name}
                 from only {relation}
                 where ctid = any ($1::pg_catalog.tid[])
             ) as sample",
            HASH = hash_of(&name),
            relation = relation_name(leaf.oid)?,
        );
        Spi::connect(|client| {
            let rows = client.select(&sql, Some(1), &[page_tids(leaf).into()])?.first();
            Ok((rows.get(1)?.unwrap_or(0.0), rows.get(2)?.unwrap_or(0.0)))
        })
    });
    match counts {
        // A window of n rows over runs of r equal values touches (n - 1) / r + 1 runs.
        Ok(Ok((rows, values))) if rows > 0.0 => {
            let pages = SAMPLE_PAGES.min(leaf.pages);
            let per_value = (rows - pages) / (values - pages).max(1.0);
            Some((table.rows / per_value.max(1.0)).clamp(1.0, table.rows.max(1.0)))
        }
        _ => None,
    }
}

/// All row addresses of evenly spaced pages.
fn page_tids(leaf: &advisor_core::model::Leaf) -> String {
    let pages = SAMPLE_PAGES.min(leaf.pages).max(1.0) as u64;
    // Half as many again as the average, for pages with shorter rows.
    let lines = (leaf.rows / leaf.pages.max(1.0) * 1.5).clamp(1.0, MAX_LINES) as u64;
    let tids: Vec<String> = (0..pages)
        .flat_map(|at| {
            let page = (at as f64 / pages as f64 * leaf.pages).floor() as u64;
            (1..=lines).map(move |line| format!("\"({page},{line})\""))
        })
        .collect();
    format!("{{{}}}", tids.join(","))
}

/// The expression that hashes a column. Through the output function: a cast to text may be a
/// function of the type's owner, which would run with the caller's rights.
fn hash_of(quoted_name: &str) -> String {
    format!("pg_catalog.hashtextextended(pg_catalog.format('%s', {quoted_name}), 0)")
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
        .map(|column| hash_of(&quote_ident(&column.name)))
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

/// The qualified, quoted name of a relation.
///
/// # Errors
/// What SPI says.
pub(crate) fn relation_name(oid: u32) -> Result<String, pgrx::spi::SpiError> {
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

/// What an index of `method` on an element would store of a sample of the largest partition's rows.
/// `None` when the method stores nothing that must be looked at, or when the rows cannot be read.
pub(crate) fn contents(table: &Table, method: Method, key: &IndexKey) -> Option<sys::Contents> {
    let leaf = table.leaves.iter().max_by(|a, b| a.rows.total_cmp(&b.rows))?;
    let element = table.column(key.column)?.element.as_ref()?;
    let definition = key_sql(table, key)?;
    let name = relation_name(leaf.oid).ok()?;
    let query =
        format!("select {} from only {name} where ctid = any ($1::pg_catalog.tid[])", element.sql);
    let tids = tids(leaf, CONTENT_ROWS);
    let read = || sys::read_contents(leaf.oid, method, &definition, &query, &tids);
    let contents = sys::subtransaction(true, read).ok()??;
    (contents.rows > 0).then_some(contents)
}

/// Row addresses, the same at every run: one in each of as many equal parts of the table, at a place
/// in it that a hash of its number chooses. Without, rows that repeat with a period would be met too
/// often or never.
pub(crate) fn tids(leaf: &advisor_core::model::Leaf, wanted: f64) -> String {
    let per_page = (leaf.rows / leaf.pages).max(1.0);
    let count = wanted.min(leaf.rows).max(1.0) as u64;
    let mut list = String::from("{");
    for at in 0..count {
        let hash = scattered(at);
        let within = (hash >> 40) as f64 / f64::from(1_u32 << 24);
        let page = ((at as f64 + within) / count as f64 * leaf.pages).floor() as u64;
        let line = (hash & 0xFFFF_FFFF) % (per_page as u64).max(1) + 1;
        if at > 0 {
            list.push(',');
        }
        list.push_str(&format!("\"({page},{line})\""));
    }
    list.push('}');
    list
}

/// The finalizer of splitmix64 (Steele, Lea and Flood 2014): all bits of the result depend on all of
/// the number's.
const fn scattered(number: u64) -> u64 {
    let mut x = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
