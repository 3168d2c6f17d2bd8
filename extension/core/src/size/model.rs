//! The size model over a catalogue.

use super::contents::{Contents, Entries, Keys};
use super::{GroupDistinct, KeyPart, brin, btree_size, gin, gist, hash};
use crate::model::{Catalog, Column, IndexDef, Leaf, Method, Table};
use crate::pool::{IndexSize, Sizer};

/// Sizes indexes that do not exist, from statistics and distinct counts of column groups.
#[derive(Debug, Clone, Copy)]
pub struct SizeModel<'a> {
    catalog: &'a Catalog,
    groups: &'a GroupDistinct,
    contents: Option<&'a Contents>,
}

impl<'a> SizeModel<'a> {
    /// A model over `catalog`; groups missing from `groups` are estimated from single columns.
    #[must_use]
    pub const fn new(catalog: &'a Catalog, groups: &'a GroupDistinct) -> Self {
        Self { catalog, groups, contents: None }
    }

    /// The same with what is known of the values in indexes of other methods than the b-tree.
    #[must_use]
    pub const fn with_contents(self, contents: &'a Contents) -> Self {
        Self { contents: Some(contents), ..self }
    }

    /// The size of the index that each leaf of the table would hold, in order of
    /// [`Table::leaves`]; one entry for the table itself when no leaf is listed.
    #[must_use]
    pub fn leaf_sizes(&self, def: &IndexDef) -> Vec<IndexSize> {
        let Some(table) = self.catalog.tables.get(def.table) else { return Vec::new() };
        let own = [Leaf { oid: table.oid, rows: table.rows, pages: table.pages }];
        let leaves = if table.leaves.is_empty() { &own } else { table.leaves.as_slice() };
        let shape = Shape::of(self.groups, table, def);
        let share = def.share(table);
        let size = |leaf: &Leaf| match def.method {
            Method::Btree => shape.size(leaf.rows * share),
            _ => self.other(table, def, leaf, share),
        };
        leaves.iter().map(size).collect()
    }

    /// The index of another method than the b-tree on a leaf of which it holds a `share`.
    fn other(&self, table: &Table, def: &IndexDef, leaf: &Leaf, share: f64) -> IndexSize {
        let rows = leaf.rows * share;
        let columns: Vec<&Column> =
            def.keys.iter().filter_map(|key| table.column(key.column)).collect();
        let width: f64 = columns.iter().map(|column| column.avg_width.max(1.0)).sum();
        let none = Contents::default();
        let contents = self.contents.unwrap_or(&none);
        match def.method {
            Method::Gin => {
                let of = |column: &&Column| contents.entries(def.table, column.number);
                let entries: Option<Vec<&Entries>> = columns.iter().map(of).collect();
                match entries {
                    Some(entries) => gin::gin_size(rows, leaf.pages, &entries, contents),
                    None => gin::gin_unsampled(rows, width),
                }
            }
            Method::Gist | Method::Spgist => {
                let of = |column: &&Column| {
                    let guess = Keys { bytes: column.avg_width.max(1.0), ordered: false };
                    contents.keys(def.table, column.number).unwrap_or(guess)
                };
                let keys: Vec<Keys> = columns.iter().map(of).collect();
                match def.method {
                    Method::Gist => gist::gist_size(rows, &keys),
                    _ => gist::spgist_size(rows, &keys),
                }
            }
            Method::Brin => brin::brin_size(leaf.pages, width),
            Method::Hash | Method::Btree => {
                let distinct = columns.first().map_or(1.0, |column| column.n_distinct);
                let leaf_share = leaf.rows / table.rows.max(1.0);
                hash::hash_size(rows, (distinct * leaf_share).clamp(1.0, rows.max(1.0)))
            }
        }
    }
}

/// What the leaves have in common.
struct Shape {
    keys: Vec<KeyPart>,
    include: Vec<KeyPart>,
    dedup: bool,
    rows: f64,
    distinct: f64,
}

impl Shape {
    fn of(groups: &GroupDistinct, table: &Table, def: &IndexDef) -> Self {
        let columns: Vec<i16> = def.keys.iter().map(|key| key.column).collect();
        let part = |&number: &i16| table.column(number).map(KeyPart::from);
        Self {
            keys: columns.iter().filter_map(part).collect(),
            include: def.include.iter().filter_map(part).collect(),
            dedup: columns
                .iter()
                .all(|&number| table.column(number).is_some_and(|column| column.dedup)),
            rows: table.rows.max(1.0),
            distinct: groups.estimate(def.table, table, &columns),
        }
    }

    /// The index of a leaf with `rows` rows, as if the table's rows were dealt out at random: a
    /// key with `r` rows is met with probability `1 - (1 - share)^r`.
    fn size(&self, rows: f64) -> IndexSize {
        let met = |values: f64| {
            let share = (rows / self.rows).clamp(0.0, 1.0);
            if share >= 1.0 || values <= 0.0 {
                return values;
            }
            let absent = (1.0 - share).powf(self.rows / values);
            (values * (1.0 - absent)).clamp(1.0, rows.max(1.0))
        };
        let keys: Vec<KeyPart> = self
            .keys
            .iter()
            .map(|part| KeyPart { n_distinct: met(part.n_distinct), ..*part })
            .collect();
        btree_size(rows, &keys, met(self.distinct), self.dedup, &self.include)
    }
}

impl Sizer for SizeModel<'_> {
    /// `bytes` is the sum over the leaves; `pages` and `tree_height` are the largest leaf's,
    /// because the planner looks at one leaf at a time.
    fn size(&mut self, def: &IndexDef) -> IndexSize {
        let mut total = IndexSize { pages: 1.0, tree_height: -1, bytes: 0.0 };
        for leaf in self.leaf_sizes(def) {
            total.bytes += leaf.bytes;
            if leaf.pages > total.pages || total.tree_height < 0 {
                (total.pages, total.tree_height) = (leaf.pages, leaf.tree_height);
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Column;

    fn catalog(leaves: Vec<Leaf>) -> Catalog {
        let id = Column {
            number: 1,
            name: "id".into(),
            type_len: 4,
            align: 4,
            avg_width: 4.0,
            n_distinct: 1e6,
            btree: true,
            dedup: true,
            ..Column::default()
        };
        let kind = Column { number: 3, name: "kind".into(), n_distinct: 10.0, ..id.clone() };
        let table =
            Table { rows: 1e6, pages: 5e3, leaves, columns: vec![id, kind], ..Table::default() };
        Catalog { tables: vec![table] }
    }

    #[test]
    fn a_plain_table_is_one_leaf() {
        let (catalog, groups) = (catalog(vec![]), GroupDistinct::default());
        let size = SizeModel::new(&catalog, &groups).size(&IndexDef::on(0, &[1]));
        assert_eq!((size.pages, size.tree_height, size.bytes), (2745.0, 2, 2745.0 * 8192.0));
        let kind = SizeModel::new(&catalog, &groups).size(&IndexDef::on(0, &[3]));
        assert!(kind.bytes < size.bytes / 3.0);
        let include = IndexDef { include: vec![1], ..IndexDef::on(0, &[3]) };
        assert_eq!(SizeModel::new(&catalog, &groups).size(&include).pages, 2749.0);
    }

    #[test]
    fn leaves_add_up_and_the_largest_gives_the_pages() {
        let leaf = |rows: f64| Leaf { oid: 1, rows, pages: rows / 200.0 };
        let groups = GroupDistinct::default();
        let parted = catalog(vec![leaf(1e5), leaf(6e5), leaf(3e5), leaf(0.0)]);
        let mut model = SizeModel::new(&parted, &groups);
        let size = model.size(&IndexDef::on(0, &[1]));
        let one = catalog(vec![]);
        let whole = SizeModel::new(&one, &groups).size(&IndexDef::on(0, &[1]));
        assert!((size.bytes / whole.bytes - 1.0).abs() < 0.01);
        assert!((size.pages / whole.pages - 0.6).abs() < 0.01);
        assert_eq!(model.leaf_sizes(&IndexDef::on(0, &[1])).len(), 4);
    }

    #[test]
    fn an_unknown_table_is_nothing() {
        let (catalog, groups) = (Catalog::default(), GroupDistinct::default());
        assert_eq!(SizeModel::new(&catalog, &groups).size(&IndexDef::on(7, &[1])).bytes, 0.0);
    }
}
