//! Statistics of expressions, in the form in which the planner reads those of ANALYZE.
//!
//! They are taken over from an index or an extended statistics object on the same expression, or
//! made of a sample. The planner finds the statistics of an expression through an index on it, so
//! each planner call that may use them gets an index that has no key column, and therefore no path,
//! beside the candidates.

use std::cell::RefCell;
use std::collections::BTreeMap;

use advisor_core::statistics::{Groups, summarize};
use pgrx::pg_sys;
use pgrx::spi::{SpiError, SpiTupleTable};

use super::arena::Arena;
use super::element::{self, ValueType};
use super::facts::{self, ColumnStats};
use super::params::{StatsValues, values_of};
use super::statistics_found::collected;
use super::statistics_row::{elements, row};

/// Oids from here on are those of indexes that only carry statistics; those of candidates are below.
const FIRST_OID: u32 = 0xFFFF_0001;
/// What is known of an expression's values on one relation, without the values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// As for a column.
    pub(crate) stats: ColumnStats,
    /// Average width as an index stores it: short strings have a header of one byte there.
    pub(crate) stored_width: f64,
}

/// The statistics of expressions, by relation with storage.
pub(crate) struct Statistics {
    arena: Arena,
    found: RefCell<Found>,
}

#[derive(Default)]
struct Found {
    by_relation: BTreeMap<u32, Vec<Entry>>,
    /// By oid, from [`FIRST_OID`].
    tuples: Vec<pg_sys::HeapTuple>,
}

struct Entry {
    /// The expression as CREATE INDEX takes it.
    sql: String,
    /// Its tree as the planner has it; columns have range-table number 1.
    expression: *mut pg_sys::Node,
    tuple: pg_sys::HeapTuple,
    /// The index that carries it.
    info: *mut pg_sys::IndexOptInfo,
    figures: Figures,
}

impl Statistics {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { arena: Arena::new(), found: RefCell::default() }
    }

    /// Takes over what ANALYZE collected for an index on the expression or an extended statistics
    /// object; `None` when there is none.
    ///
    /// Raises the server's errors: call this within a sub-transaction.
    pub(crate) fn adopt(&self, relation: u32, sql: &str) -> Option<Figures> {
        self.arena.with(|| {
            let oid = pg_sys::Oid::from(relation);
            // SAFETY: within the caller's sub-transaction; copies are made in the arena.
            unsafe {
                let expression = element::key(oid, "btree", sql)?.expression;
                if expression.is_null() {
                    return None;
                }
                let tuple = collected(oid, expression)?;
                let stats = facts::stats_of(tuple);
                let figures = Figures { stats, stored_width: stats.width };
                self.note(relation, sql, expression, tuple, figures);
                Some(figures)
            }
        })
    }

    /// Makes statistics of a sample, the only row of `sql/catalog/expression_sample.sql`'s answer.
    /// `None` for an empty one.
    ///
    /// Raises the server's errors: call this within a sub-transaction.
    ///
    /// # Errors
    /// What SPI says of a column of that row.
    pub(crate) fn make(
        &self,
        relation: u32,
        sql: &str,
        of: ValueType,
        rows: f64,
        sample: &SpiTupleTable<'_>,
    ) -> Result<Option<Figures>, SpiError> {
        let number =
            |at| sample.get::<i64>(at).map(|count| count.unwrap_or(0).max(0).cast_unsigned());
        let (all, valued, narrow) = (number(1)?, number(2)?, number(3)?);
        let widths: (Option<f64>, Option<f64>) = (sample.get(4)?, sample.get(5)?);
        let correlation: Option<f64> = sample.get(6)?;
        let values = sample.get_datum_by_ordinal(7)?;
        let counts: Vec<i64> = sample.get(8)?.unwrap_or_default();
        let counts: Vec<u64> = counts.into_iter().map(i64::cast_unsigned).collect();
        let groups = Groups {
            counts: &counts,
            nulls: all.saturating_sub(valued),
            wide: valued.saturating_sub(narrow),
            table_rows: rows,
        };
        let Some(summary) = summarize(groups, target()) else { return Ok(None) };
        let stats = ColumnStats {
            width: widths.0.unwrap_or(0.0),
            distinct: summary.distinct,
            null_frac: summary.null_frac,
            correlation: correlation.unwrap_or(0.0),
        };
        let figures = Figures { stats, stored_width: widths.1.unwrap_or(0.0).max(1.0) };
        let made = self.arena.with(|| {
            let oid = pg_sys::Oid::from(relation);
            // SAFETY: within the caller's sub-transaction; the array belongs to the row, which
            // outlives this, and is copied into the arena.
            unsafe {
                let expression = element::key(oid, "btree", sql)?.expression;
                if expression.is_null() {
                    // A column with another collation: the planner has its statistics.
                    return Some(figures);
                }
                let values = values.map(|values| elements(values, of));
                let values = values.filter(|values| values.len() == counts.len());
                let tuple = row(oid, of, &stats, &summary, &values.unwrap_or_default());
                self.note(relation, sql, expression, tuple, figures);
                Some(figures)
            }
        });
        Ok(made)
    }

    /// How many expressions of these relations have statistics.
    pub(crate) fn count(&self, relations: impl Iterator<Item = u32>) -> usize {
        let found = self.found.borrow();
        relations.filter_map(|relation| found.by_relation.get(&relation)).map(Vec::len).sum()
    }

    /// The kept values of an expression.
    pub(crate) fn values<'a>(
        &self,
        arena: &'a Arena,
        relation: u32,
        sql: &str,
    ) -> Option<(StatsValues<'a>, Figures)> {
        let found = self.found.borrow();
        let entry = found.by_relation.get(&relation)?.iter().find(|entry| entry.sql == sql)?;
        // SAFETY: the tuple is as old as `self`; what is read of it is copied into the arena.
        let values = arena.with(|| unsafe { values_of(entry.tuple) })?;
        Some((values, entry.figures))
    }

    /// Notes statistics in the arena, which is current.
    unsafe fn note(
        &self,
        relation: u32,
        sql: &str,
        expression: *mut pg_sys::Node,
        tuple: pg_sys::HeapTuple,
        figures: Figures,
    ) {
        let mut found = self.found.borrow_mut();
        let position = u32::try_from(found.tuples.len()).unwrap_or(0);
        // SAFETY: a complete expression in the arena.
        let info = unsafe { carrier(FIRST_OID.saturating_add(position), expression) };
        found.tuples.push(tuple);
        let entry = Entry { sql: sql.to_owned(), expression, tuple, info, figures };
        found.by_relation.entry(relation).or_default().push(entry);
    }

    /// The statistics of an expression that the planner would take for the same.
    ///
    /// # Safety
    /// A complete expression whose columns have range-table number 1.
    pub(super) unsafe fn of(
        &self,
        relation: u32,
        expression: *mut pg_sys::Node,
    ) -> Option<pg_sys::HeapTuple> {
        let found = self.found.borrow();
        let mut entries = found.by_relation.get(&relation)?.iter();
        // SAFETY: both are complete trees.
        let same =
            |entry: &&Entry| unsafe { pg_sys::equal(entry.expression.cast(), expression.cast()) };
        entries.find(same).map(|entry| entry.tuple)
    }

    /// The statistics that an index of ours carries.
    pub(super) fn carried(&self, oid: u32) -> Option<pg_sys::HeapTuple> {
        let position = usize::try_from(oid.checked_sub(FIRST_OID)?).ok()?;
        self.found.borrow().tuples.get(position).copied()
    }

    /// Puts the indexes that carry the relation's statistics behind those that it has.
    ///
    /// # Safety
    /// As [`super::Hypotheticals::inject`].
    pub(super) unsafe fn inject(&self, relation: u32, rel: *mut pg_sys::RelOptInfo) {
        let found = self.found.borrow();
        for entry in found.by_relation.get(&relation).into_iter().flatten() {
            // SAFETY: see there; the flat struct is copied because it has the relation's pointer.
            unsafe {
                let info: *mut pg_sys::IndexOptInfo =
                    pg_sys::palloc(size_of::<pg_sys::IndexOptInfo>()).cast();
                *info = *entry.info;
                (*info).rel = rel;
                (*info).indexprs =
                    super::hypothetical::renumbered((*info).indexprs, (*rel).relid as i32);
                (*rel).indexlist = pg_sys::lappend((*rel).indexlist, info.cast());
            }
        }
    }
}

/// Most values kept, and intervals of the histogram: the server's setting.
fn target() -> usize {
    // SAFETY: reads an integer setting.
    usize::try_from(unsafe { pg_sys::default_statistics_target }).unwrap_or(100).max(1)
}

/// An index without key columns: nothing matches it, so no plan reads it.
unsafe fn carrier(oid: u32, expression: *mut pg_sys::Node) -> *mut pg_sys::IndexOptInfo {
    // SAFETY: the arrays are as long as the number of columns; the planner's cost function for the
    // b-tree is called for an index-only scan that is made and thrown away.
    unsafe {
        let am = pg_sys::GetIndexAmRoutineByAmId(pg_sys::BTREE_AM_OID, false);
        let info: *mut pg_sys::IndexOptInfo =
            pg_sys::palloc0(size_of::<pg_sys::IndexOptInfo>()).cast();
        (*info).type_ = pg_sys::NodeTag::T_IndexOptInfo;
        (*info).indexoid = pg_sys::Oid::from(oid);
        (*info).pages = 1;
        (*info).tuples = 1.0;
        (*info).ncolumns = 1;
        (*info).indexkeys = one();
        (*info).canreturn = one();
        (*info).indexcollations = one();
        (*info).opfamily = one();
        (*info).opcintype = one();
        (*info).opclassoptions = one();
        (*info).reverse_sort = one();
        (*info).nulls_first = one();
        (*info).indexprs = pg_sys::lappend(std::ptr::null_mut(), expression.cast());
        (*info).relam = pg_sys::BTREE_AM_OID;
        (*info).immediate = true;
        (*info).hypothetical = true;
        super::hypothetical::capabilities(info, am);
        (*info).amhasgettuple = false;
        (*info).amhasgetbitmap = false;
        (*info).amcanparallel = false;
        (*info).amcanorderbyop = false;
        info
    }
}

unsafe fn one<T>() -> *mut T {
    // SAFETY: all-zero is valid for the plain types used here.
    unsafe { pg_sys::palloc0(size_of::<T>()).cast() }
}
