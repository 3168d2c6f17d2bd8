//! What is said of an advised index beside its definition and its gain.

use std::collections::BTreeMap;
use std::fmt;

use crate::ddl::quote_ident;
use crate::model::{
    Catalog, ExistingIndex, IndexDef, IndexKey, Method, QueryShape, Table, TableId, TableUse,
    is_element,
};
use crate::size::{KeyPart, tuple_bytes};

/// Gain in the cost of the statements that use an index, below which the noise between two runs
/// of ANALYZE could explain it: twice the one per cent that it amounts to at the default
/// statistics target.
const NOISE_GAIN: f64 = 0.02;
/// Bytes of a heap tuple header after alignment, and of a line pointer.
const HEAP_HEADER: f64 = 24.0;
const LINE_POINTER: f64 = 4.0;
/// An entry of a hash index with its line pointer.
const HASH_ENTRY: f64 = 20.0;

/// An existing index as a definition: its leading plain columns, if the advisor may reason about
/// it (a b-tree without predicate, default operator classes and collations) and has such.
///
/// Keys after an expression are left out, so the definition promises at most what the index does.
#[must_use]
pub fn as_definition(table: TableId, index: &ExistingIndex) -> Option<IndexDef> {
    if index.method != "btree" || index.partial || !index.default_opclasses {
        return None;
    }
    let keys: Vec<_> = index.keys.iter().map_while(|key| *key).collect();
    (!keys.is_empty())
        .then(|| IndexDef { include: index.include.clone(), ..IndexDef::btree(table, keys) })
}

/// Whether an existing index does what `def` would do with keys that are not all plain columns: it is
/// of the same method and without a condition, and has the keys. In the order of `def` for a b-tree
/// and the trees that look at the first key first; in any for GIN and BRIN.
#[must_use]
pub fn serves(index: &ExistingIndex, table: &Table, def: &IndexDef) -> bool {
    let key = |key: &IndexKey| {
        let column = table.column(key.column)?;
        Some(match &column.element {
            Some(element) => (element.sql.clone(), element.opclass.clone()),
            None => (quote_ident(&column.name), None),
        })
    };
    let keys: Option<Vec<_>> = def.keys.iter().map(key).collect();
    let Some(keys) = keys else { return false };
    let ascending = |key: &IndexKey| !key.descending && !key.nulls_first;
    let plain = index.keys.iter().flatten().all(ascending) && def.keys.iter().all(ascending);
    index.method == def.method.as_str()
        && !index.partial
        && def.columns().all(|column| is_element(column) || def.method == Method::Btree)
        && def.include.iter().all(|column| index.include.contains(column))
        && match def.method {
            Method::Gin | Method::Brin => keys.iter().all(|key| index.key_texts.contains(key)),
            _ => plain && index.key_texts.starts_with(&keys),
        }
}

/// The existing indexes that another may take the place of: not unique, behind no constraint, and
/// every key a plain column that the advisor may reason about.
pub fn movable(table: &Table) -> impl Iterator<Item = &ExistingIndex> {
    table.indexes.iter().filter(|index| {
        !index.unique
            && !index.constraint
            && index.keys.iter().all(Option::is_some)
            && as_definition(0, index).is_some()
    })
}

/// The existing indexes that are superfluous once `def` is built: movable ones that are a leading
/// part of `def` (or have the same keys, with INCLUDE columns that `def` stores too).
#[must_use]
pub fn replaces<'a>(table: &'a Table, def: &IndexDef) -> Vec<&'a ExistingIndex> {
    let replaced = |index: &&ExistingIndex| {
        as_definition(def.table, index).is_some_and(|old| def.covers(&old))
    };
    movable(table).filter(replaced).collect()
}

/// Bytes written to the index for each byte written to the table when a row is inserted: index
/// entry over heap row, each with its line pointer. `row_bytes` is what an inverted index gets, whose
/// row has many entries; next to nothing is written to BRIN.
#[must_use]
pub fn write_overhead(table: &Table, def: &IndexDef, row_bytes: Option<f64>) -> f64 {
    let part = |number: i16| table.column(number).map(KeyPart::from);
    let keys: Vec<KeyPart> = def.keys.iter().filter_map(|key| part(key.column)).collect();
    let include: Vec<KeyPart> = def.include.iter().filter_map(|&column| part(column)).collect();
    let row = ((HEAP_HEADER + table.row_width.max(0.0)) / 8.0).ceil() * 8.0;
    let written = match (def.method, row_bytes) {
        (Method::Brin, _) => 0.0,
        (Method::Hash, _) => def.share(table) * HASH_ENTRY,
        (_, Some(bytes)) => bytes,
        (_, None) => def.share(table) * (tuple_bytes(&keys, &include) + LINE_POINTER),
    };
    written / (row + LINE_POINTER)
}

/// Whether an UPDATE of the workload sets a column that the index depends on: such updates can then
/// not be heap-only any more. `updated` is what [`QueryShape::updated`] holds.
#[must_use]
pub fn breaks_hot(table: &Table, def: &IndexDef, updated: &[(TableId, Vec<i16>)]) -> bool {
    let columns = def.depends_on(table);
    updated
        .iter()
        .filter(|(id, _)| *id == def.table)
        .any(|(_, set)| columns.iter().any(|column| set.contains(column)))
}

/// Share of a gain from which on it is said that writing takes it.
const NOTABLE_WRITING: f64 = 0.05;
/// Share of the updates from which on it is said that they are no longer heap-only.
const NOTABLE_HOT: f64 = 0.01;

/// What is to be said of writing, to go after the reason: which share of the gain it takes, and which
/// share of the table's updates are no longer heap-only. Empty where neither matters.
#[must_use]
pub fn writing(share: f64, hot_lost: f64) -> String {
    let percent = |share: f64| (share * 100.0).round();
    let mut text = String::new();
    if share >= NOTABLE_WRITING {
        text = format!(" Keeping it up to date takes {} % of what it saves.", percent(share));
    }
    if hot_lost >= NOTABLE_HOT {
        let lost = percent(hot_lost);
        text.push_str(&format!(" {lost} % of the table's updates are then no longer heap-only."));
    }
    text
}

/// How far to trust the promised gain of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// The table was never analyzed, or the gain is within the noise of the statistics.
    Low,
    /// The gain rests on default estimates, or depends on the values bound to parameters.
    Medium,
    /// Neither.
    High,
}

impl Confidence {
    /// The word for it: `low`, `medium`, `high`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the confidence in a gain is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Whether the table has statistics.
    pub analyzed: bool,
    /// Gain as a share of the present cost of the statements that improve, 0 to 1.
    pub gain: f64,
    /// Whether an estimate the gain rests on is a default of the planner.
    pub default_estimates: bool,
    /// Whether some parameter bindings gain and others do not.
    pub bindings_disagree: bool,
}

impl Evidence {
    /// The grade.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        let measurable = self.gain >= NOISE_GAIN;
        if !self.analyzed || !measurable {
            Confidence::Low
        } else if self.default_estimates || self.bindings_disagree {
            Confidence::Medium
        } else {
            Confidence::High
        }
    }
}

/// What a column of an index is there for. In order of what is said when queries differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Equality,
    Join,
    Range,
    Search,
    Order,
    Group,
    Covers,
}

impl Role {
    const fn phrase(self) -> &'static str {
        match self {
            Self::Equality => "equality on",
            Self::Join => "join on",
            Self::Range => "range on",
            Self::Search => "search in",
            Self::Order => "order by",
            Self::Group => "grouping by",
            Self::Covers => "covers",
        }
    }
}

/// One sentence on what the index is good for, from the roles of its columns in `improved`, the
/// statements that gain.
#[must_use]
pub fn reason(catalog: &Catalog, def: &IndexDef, improved: &[&QueryShape]) -> String {
    let Some(table) = catalog.tables.get(def.table) else { return String::new() };
    let uses: Vec<&TableUse> =
        improved.iter().flat_map(|s| &s.uses).filter(|u| u.table == def.table).collect();
    let mut clauses: Vec<(Role, Vec<&str>)> = Vec::new();
    for (position, number) in def.columns().enumerate() {
        let name = table.column(number).map_or("?", |column| column.name.as_str());
        let include = position >= def.keys.len();
        let role = if include { Some(Role::Covers) } else { usual_role(&uses, number) };
        let role = role.unwrap_or(Role::Covers);
        match clauses.last_mut() {
            Some((last, names)) if *last == role => names.push(name),
            _ => clauses.push((role, vec![name])),
        }
    }
    let phrases: Vec<String> = clauses
        .iter()
        .map(|(role, names)| format!("{} {}", role.phrase(), listed(names)))
        .collect();
    let part = def.condition(table).map(|condition| format!("; only rows where {}", condition.sql));
    let part = part.unwrap_or_default();
    let only = if index_only(def, &uses) { "; no access to the table itself needed" } else { "" };
    let queries = match improved.len() {
        0 | 1 => "Helps 1 query".to_owned(),
        count => format!("Helps {count} queries"),
    };
    format!("{queries}: {}{part}{only}.", phrases.join(", "))
}

/// The role that a column has most often; the stronger one when two are as frequent.
fn usual_role(uses: &[&TableUse], column: i16) -> Option<Role> {
    let mut counts: BTreeMap<Role, usize> = BTreeMap::new();
    for role in uses.iter().filter_map(|table_use| role_of(table_use, column)) {
        *counts.entry(role).or_default() += 1;
    }
    // A query that merely reads the column says nothing against its role elsewhere.
    if counts.len() > 1 {
        counts.remove(&Role::Covers);
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|&(_, count)| count == most).map(|(role, _)| role)
}

fn role_of(table_use: &TableUse, column: i16) -> Option<Role> {
    let ordered = |fixed: bool| {
        let mut orders = table_use.orders.iter().filter(move |order| order.fixed == fixed);
        orders.any(|order| order.keys.iter().any(|key| key.column == column))
    };
    if table_use.equal.contains(&column) {
        Some(Role::Equality)
    } else if table_use.join.contains(&column) {
        Some(Role::Join)
    } else if table_use.range.contains(&column) {
        Some(Role::Range)
    } else if table_use.searched.contains(&column) {
        Some(Role::Search)
    } else if ordered(true) {
        Some(Role::Order)
    } else if ordered(false) {
        Some(Role::Group)
    } else {
        table_use.read.contains(&column).then_some(Role::Covers)
    }
}

/// Whether some use reads nothing that the index does not store.
fn index_only(def: &IndexDef, uses: &[&TableUse]) -> bool {
    uses.iter().any(|table_use| {
        !table_use.whole_row
            && !table_use.read.is_empty()
            && table_use.read.iter().all(|&read| def.columns().any(|column| column == read))
    })
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Column, Order};

    fn table() -> Table {
        let column = |number, name: &str, width: i16| Column {
            number,
            name: name.into(),
            type_len: width,
            align: if width > 0 { width as u8 } else { 4 },
            avg_width: f64::from(width.max(10)),
            btree: true,
            ..Column::default()
        };
        let columns = vec![
            column(1, "customer_id", 8),
            column(2, "status", -1),
            column(3, "created_at", 8),
            column(4, "total", 4),
        ];
        let row_width = 32.0;
        Table { name: "orders".into(), columns, row_width, ..Table::default() }
    }

    fn existing(name: &str, columns: &[i16]) -> ExistingIndex {
        ExistingIndex {
            name: name.into(),
            method: "btree".into(),
            keys: columns.iter().map(|&column| Some(IndexKey::asc(column))).collect(),
            default_opclasses: true,
            ..ExistingIndex::default()
        }
    }

    #[test]
    fn leading_parts_are_replaced_and_nothing_else() {
        let mut table = table();
        let mut reversed = existing("reversed", &[1, 2]);
        reversed.keys = reversed.keys.into_iter().map(|key| key.map(IndexKey::reversed)).collect();
        let mut expression = existing("expression", &[1]);
        expression.keys.push(None);
        table.indexes = vec![
            existing("prefix", &[1]),
            existing("same", &[1, 2, 3]),
            existing("swapped", &[2, 1]),
            existing("longer", &[1, 2, 3, 4]),
            reversed,
            expression,
            ExistingIndex { unique: true, ..existing("unique", &[1]) },
            ExistingIndex { constraint: true, ..existing("constraint", &[1]) },
            ExistingIndex { partial: true, ..existing("partial", &[1]) },
            ExistingIndex { default_opclasses: false, ..existing("pattern", &[1]) },
            ExistingIndex { method: "hash".into(), ..existing("hash", &[1]) },
            ExistingIndex { include: vec![4], ..existing("stored", &[1]) },
            ExistingIndex { include: vec![3], ..existing("kept", &[1]) },
        ];
        let names = |def: &IndexDef| -> Vec<String> {
            replaces(&table, def).iter().map(|index| index.name.clone()).collect()
        };
        let mut def = IndexDef::on(0, &[1, 2, 3]);
        assert_eq!(names(&def), ["prefix", "same", "reversed", "kept"]);
        def.include = vec![4];
        assert_eq!(names(&def), ["prefix", "same", "reversed", "stored", "kept"]);
    }

    #[test]
    fn overhead_compares_entry_and_row() {
        // entry: 8 header + 8 data + 4 line pointer; row: 24 + 32 + 4
        assert_eq!(write_overhead(&table(), &IndexDef::on(0, &[1]), None), 20.0 / 60.0);
        assert_eq!(write_overhead(&table(), &IndexDef::on(0, &[1, 3]), None), 28.0 / 60.0);
    }

    #[test]
    fn updates_of_stored_columns_break_hot() {
        let mut def = IndexDef::on(0, &[1]);
        assert!(!breaks_hot(&table(), &def, &[(0, vec![2, 4]), (1, vec![1])]));
        assert!(breaks_hot(&table(), &def, &[(0, vec![1])]));
        def.include = vec![4];
        assert!(breaks_hot(&table(), &def, &[(0, vec![2, 4])]));
    }

    #[test]
    fn grades_follow_the_weakest_evidence() {
        let good = Evidence {
            analyzed: true,
            gain: 0.5,
            default_estimates: false,
            bindings_disagree: false,
        };
        assert_eq!(good.confidence(), Confidence::High);
        assert_eq!(Evidence { analyzed: false, ..good }.confidence(), Confidence::Low);
        assert_eq!(Evidence { gain: 0.019, ..good }.confidence(), Confidence::Low);
        assert_eq!(Evidence { gain: f64::NAN, ..good }.confidence(), Confidence::Low);
        assert_eq!(Evidence { default_estimates: true, ..good }.confidence(), Confidence::Medium);
        assert_eq!(Evidence { bindings_disagree: true, ..good }.confidence(), Confidence::Medium);
        assert_eq!(Confidence::Medium.to_string(), "medium");
    }

    #[test]
    fn the_reason_names_the_roles() {
        let catalog = Catalog { tables: vec![table()] };
        let order = Order { keys: vec![IndexKey::asc(3)], fixed: true, limited: true };
        let one = TableUse {
            equal: vec![1, 2],
            orders: vec![order],
            read: vec![1, 2, 3, 4],
            ..TableUse::default()
        };
        let shape = |table_use: &TableUse| QueryShape {
            uses: vec![table_use.clone()],
            updated: vec![],
            deleted: vec![],
        };
        let mut def = IndexDef::on(0, &[1, 2, 3]);
        assert_eq!(
            reason(&catalog, &def, &[&shape(&one)]),
            "Helps 1 query: equality on customer_id and status, order by created_at."
        );
        def.include = vec![4];
        let other = TableUse { join: vec![1], read: vec![1, 3], ..TableUse::default() };
        assert_eq!(
            reason(&catalog, &def, &[&shape(&one), &shape(&other)]),
            "Helps 2 queries: equality on customer_id and status, order by created_at, \
             covers total; no access to the table itself needed."
        );
    }
}
