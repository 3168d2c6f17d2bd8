//! Statistics of an expression: those that exist, or else those of a sample of its values.
//!
//! The sample is read as the caller. Nothing is evaluated for a caller who may not read the columns, or
//! where row-level security would hide rows from somebody.

use advisor_core::model::{Column, Leaf, Table};
use advisor_core::size::distinct_from_sample;
use pgrx::Spi;
use pgrx::spi::SpiError;

use crate::sampling::{relation_name, tids};
use crate::sys::{self, Figures, ServerError, Statistics, ValueType};

const SAMPLE: &str = include_str!("../../../sql/catalog/expression_sample.sql");

/// Rows looked at. ANALYZE takes three times as many; these give its numbers within a few percent and
/// cost some tens of milliseconds.
const SAMPLE_ROWS: f64 = 10_000.0;
/// Rows looked at in a small part of a partitioned table.
const LEAST_ROWS: f64 = 300.0;
/// A relation with at most so many pages, and rows as for a sample, is read as a whole.
const SMALL_PAGES: f64 = 1000.0;
/// Partitions that are looked at, the largest ones.
const MOST_LEAVES: usize = 50;

/// What became known of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// Its values' width and number, whose other statistics the planner has now.
    Known(Values),
    /// Nothing: it is estimated with the planner's defaults.
    Unknown,
    /// It cannot be evaluated for every row, so no index can be built on it.
    Impossible,
}

/// What the size of an index depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Values {
    pub(super) width: f64,
    pub(super) distinct: f64,
    pub(super) null_frac: f64,
    pub(super) correlation: f64,
}

/// A part of the table and what is known of it.
struct Part {
    rows: f64,
    figures: Figures,
    /// A hash of each value in the sample.
    hashes: Vec<u64>,
    sampled: usize,
}

/// Finds or makes the statistics of an expression, for each relation with storage.
pub(super) fn collect(
    table: &Table,
    column: &Column,
    of: ValueType,
    row_security: bool,
    statistics: &Statistics,
) -> Outcome {
    let Some(element) = &column.element else { return Outcome::Unknown };
    let readable = !row_security
        && element.reads.iter().all(|&number| sys::may_read_column(table.oid, number));
    let mut leaves: Vec<&Leaf> = table.leaves.iter().filter(|leaf| leaf.rows >= 1.0).collect();
    leaves.sort_by(|a, b| b.rows.total_cmp(&a.rows));
    let several = leaves.len() > 1;
    let mut parts = Vec::new();
    for leaf in leaves.into_iter().take(MOST_LEAVES) {
        let adopted =
            sys::subtransaction(true, || statistics.adopt(leaf.oid, &element.sql)).ok().flatten();
        if let Some(figures) = adopted {
            let stored_width = stored(figures.stats.width, column.type_len);
            let figures = Figures { stored_width, ..figures };
            parts.push(Part { rows: leaf.rows, figures, hashes: Vec::new(), sampled: 0 });
            continue;
        }
        if !readable {
            continue;
        }
        let share = leaf.rows / table.rows.max(1.0);
        let wanted = (SAMPLE_ROWS * share).max(LEAST_ROWS);
        let query = Sampled { leaf, sql: &element.sql, of, wanted, several };
        match sys::subtransaction(true, || query.read(statistics)) {
            Ok(Ok(Some(part))) => parts.push(part),
            Ok(_) => {}
            Err(error) if is_about_data(&error) => return Outcome::Impossible,
            Err(error) => pgrx::debug1!("no sample of {}: {}", element.sql, error.message),
        }
    }
    together(&parts, table.rows).map_or(Outcome::Unknown, Outcome::Known)
}

/// Whether a value, and not the surroundings, made the evaluation fail (SQLSTATE class 22).
fn is_about_data(error: &ServerError) -> bool {
    crate::workload::sqlstate(error.code).starts_with("22")
}

/// The width of a value as an index stores it, from the width that ANALYZE measured in memory: a short
/// string loses three of the four bytes of its header.
fn stored(width: f64, type_len: i16) -> f64 {
    /// Longest string with a short header, with the header in memory (`VARATT_SHORT_MAX` 127).
    const SHORT: f64 = 130.0;
    if type_len == -1 && width <= SHORT { (width - 3.0).max(1.0) } else { width }
}

struct Sampled<'a> {
    leaf: &'a Leaf,
    sql: &'a str,
    of: ValueType,
    wanted: f64,
    several: bool,
}

impl Sampled<'_> {
    fn read(&self, statistics: &Statistics) -> Result<Option<Part>, SpiError> {
        let leaf = self.leaf;
        let whole = leaf.rows <= 1.5 * self.wanted && leaf.pages <= SMALL_PAGES;
        // An array of arrays would be one with more dimensions.
        let values = match sys::has_array_type(self.of.type_oid) {
            true => "pg_catalog.array_agg(value order by value)",
            false => "null::pg_catalog.text[]",
        };
        let hashes = match self.several {
            true => {
                "(select pg_catalog.array_agg(pg_catalog.hashtextextended(
                    pg_catalog.format('%s', value), 0
                )) from sample where value is not null)"
            }
            false => "null::bigint[]",
        };
        let rows = if whole { "" } else { "where ctid = any ($1::pg_catalog.tid[])" };
        let query = SAMPLE
            .lines()
            .filter(|line| !line.starts_with("--"))
            .collect::<Vec<_>>()
            .join("\n")
            .replace("{relation}", &relation_name(leaf.oid)?)
            .replace("{rows}", rows)
            .replace("{values}", values)
            .replace("{hashes}", hashes)
            // Last: it is the statement's text, which may have braces in it.
            .replace("{expression}", self.sql);
        let arguments = [tids(leaf, self.wanted).into()];
        let arguments = if whole { &[][..] } else { &arguments[..] };
        Spi::connect(|client| {
            let answer = client.select(&query, Some(1), arguments)?.first();
            let hashes: Option<Vec<i64>> = answer.get(9)?;
            let hashes = hashes.unwrap_or_default().into_iter().map(i64::cast_unsigned).collect();
            let sampled = usize::try_from(answer.get::<i64>(2)?.unwrap_or(0)).unwrap_or(0);
            let made = statistics.make(leaf.oid, self.sql, self.of, leaf.rows, &answer)?;
            Ok(made.map(|figures| Part { rows: leaf.rows, figures, hashes, sampled }))
        })
    }
}

/// What the parts' values are together; `None` when none is known.
fn together(parts: &[Part], table_rows: f64) -> Option<Values> {
    let rows: f64 = parts.iter().map(|part| part.rows).sum();
    if rows <= 0.0 {
        return None;
    }
    let mean = |of: fn(&Figures) -> f64| {
        parts.iter().map(|part| of(&part.figures) * part.rows).sum::<f64>() / rows
    };
    let null_frac = mean(|figures| figures.stats.null_frac);
    let singles = parts.iter().map(|part| {
        let distinct = part.figures.stats.distinct;
        if distinct < 0.0 { -distinct * part.rows } else { distinct }
    });
    let sampled: usize = parts.iter().map(|part| part.sampled).sum();
    let hashes: Vec<u64> = parts.iter().flat_map(|part| part.hashes.iter().copied()).collect();
    let distinct = if parts.len() > 1 && sampled > 0 && hashes.len() == sampled {
        distinct_from_sample(sampled, table_rows * (1.0 - null_frac), &hashes)
    } else {
        singles.fold(0.0, f64::max) * if parts.len() == 1 { table_rows / rows } else { 1.0 }
    };
    Some(Values {
        width: mean(|figures| figures.stored_width),
        distinct: distinct.clamp(1.0, table_rows.max(1.0)),
        null_frac,
        correlation: mean(|figures| figures.stats.correlation),
    })
}
