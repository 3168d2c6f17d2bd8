use super::*;
use crate::model::{Column, Table};

fn settings() -> Settings {
    Settings::default()
}

fn tree(pages: f64, scattered: f64) -> Entries {
    Entries { kind: Kind::Btree, bytes: 20.0, pages, height: 2, scattered, share: 1.0 }
}

fn price(entries: &Entries, written: f64) -> Prices {
    entries.prices(&settings(), 1e6, written, 0.0, 1.0)
}

#[test]
fn an_entry_costs_the_descent_that_the_planner_charges() {
    // log2(10^6) comparisons and three pages of 50 operators' worth of work; nothing else weighs much
    // for entries that go to the end, of which one page holds 400.
    let entry = price(&tree(2700.0, 0.0), 1e6).entry;
    let descent = (20.0 + 150.0) * 0.0025 + 0.005;
    assert!((entry.cost - descent).abs() < 0.02, "{entry:?} {descent}");
    assert!((entry.wal - (20.0 + 48.0 + 20.0)).abs() < 2.0, "{entry:?}");
}

#[test]
fn a_page_is_logged_whole_once_between_checkpoints() {
    let sparse = price(&tree(27_000.0, 1.0), 100.0).entry;
    assert!(sparse.wal > 8000.0 && sparse.wal < 8300.0, "{sparse:?}");
    let dense = price(&tree(27_000.0, 1.0), 1e7).entry;
    assert!(dense.wal < 120.0, "{dense:?}");
    let off = Settings { full_page_writes: false, ..settings() };
    let entry = tree(27_000.0, 1.0).prices(&off, 1e6, 100.0, 0.0, 1.0).entry;
    assert!((entry.wal - 68.0).abs() < 1e-9, "{entry:?}");
    let unlogged = Settings { logged: false, ..settings() };
    let entry = tree(27_000.0, 1.0).prices(&unlogged, 1e6, 100.0, 0.0, 1.0).entry;
    assert!(entry.wal == 0.0 && entry.cost > 1.0, "{entry:?}");
    // As many entries spread over more checkpoints touch more pages.
    let often = tree(27_000.0, 1.0).prices(&settings(), 1e6, 1e7, 0.0, 100.0).entry;
    assert!(often.wal > 2.0 * dense.wal);
}

#[test]
fn a_page_that_is_not_in_memory_is_read() {
    let (here, there) = (tree(27_000.0, 1.0), tree(27_000.0, 0.0));
    let cost =
        |entries: &Entries, misses| entries.prices(&settings(), 1e6, 1e5, misses, 1.0).entry.cost;
    assert!((cost(&here, 0.5) - cost(&here, 0.0) - 2.0).abs() < 1e-9);
    assert!((cost(&there, 0.5) - cost(&there, 0.0)).abs() < 1e-9);
}

#[test]
fn kinds_differ_as_their_writing_does() {
    let of = |kind| price(&Entries { kind, ..tree(2700.0, 1.0) }, 1e5).entry.cost;
    assert_eq!(of(Kind::Brin), 0.0);
    assert!(of(Kind::Hash) < of(Kind::Btree) && of(Kind::Btree) < of(Kind::Gist));
    let words = Entries { kind: Kind::Gin, bytes: 120.0, ..tree(2700.0, 1.0) };
    assert!(price(&words, 1e5).entry.cost > 5.0 * of(Kind::Btree));
    let half = Entries { share: 0.5, ..tree(2700.0, 0.0) };
    let whole = price(&tree(2700.0, 0.0), 1e5).entry.cost;
    assert!((price(&half, 1e5).entry.cost / whole - 0.5).abs() < 0.05);
    for (name, kind) in [("btree", Kind::Btree), ("gin", Kind::Gin), ("spgist", Kind::Gist)] {
        assert_eq!(Kind::named(name), kind);
    }
}

#[test]
fn vacuum_reads_the_index_for_a_fifth_of_the_rows_together() {
    let dead = price(&tree(2700.0, 1.0), 1e5).dead;
    let pass = 2700.0 + 1e6 * 0.0025;
    assert!((dead.cost - pass / 200_050.0).abs() < 1e-12);
    assert_eq!(dead.wal, 0.0);
}

fn catalog() -> Catalog {
    let column = |number: i16, correlation: f64| Column {
        number,
        type_len: 4,
        align: 4,
        avg_width: 4.0,
        n_distinct: 1e4,
        correlation,
        ..Column::default()
    };
    let columns = vec![column(1, 1.0), column(2, 0.0), column(3, 0.0)];
    Catalog { tables: vec![Table { rows: 1e5, pages: 1000.0, columns, ..Table::default() }] }
}

fn model(catalog: &Catalog, activity: Activity) -> Model<'_> {
    Model { catalog, activity: vec![activity], settings: settings(), scale: 2.0, checkpoints: 1.0 }
}

fn size() -> IndexSize {
    IndexSize { pages: 300.0, tree_height: 1, bytes: 300.0 * 8192.0 }
}

/// Half of the updates set column 2, the other half column 3; a primary key on column 1.
fn busy() -> Activity {
    let fixed = Fixed { entries: tree(300.0, 0.0), columns: vec![1] };
    Activity {
        updated: 1000.0,
        hot_updated: 800.0,
        sets: vec![(vec![2], 10.0), (vec![3], 10.0)],
        fixed: vec![fixed],
        ..Activity::default()
    }
}

#[test]
fn an_index_on_an_updated_column_ends_its_heap_only_updates() {
    let catalog = catalog();
    let model = model(&catalog, busy());
    let updates = model.updates(0).unwrap();
    assert_eq!((updates.all, updates.hot.clone()), (1000.0, vec![400.0, 400.0]));
    let groups = |columns: &[i16]| model.index(&IndexDef::on(0, columns), size()).groups;
    assert_eq!((groups(&[1]), groups(&[2]), groups(&[2, 3])), (0, 1, 3));
    assert_eq!(updates.hot_without(1), 400.0);
    // One column is stored by an index already: its updates are none of the heap-only ones.
    let mut stored = busy();
    stored.fixed[0].columns.push(3);
    let model = self::model(&catalog, stored);
    assert_eq!(model.updates(0).unwrap().hot, [500.0, 0.0]);
}

#[test]
fn costs_are_scaled_and_wal_is_not() {
    let catalog = catalog();
    let inserts = Activity { inserted: 1000.0, ..Activity::default() };
    let one = model(&catalog, inserts.clone());
    let two = Model { scale: 4.0, ..model(&catalog, inserts) };
    let def = IndexDef::on(0, &[2]);
    let (one, two) = (one.index(&def, size()), two.index(&def, size()));
    assert!((two.rows.cost / one.rows.cost - 2.0).abs() < 1e-12);
    assert_eq!(one.rows.wal, two.rows.wal);
    assert!(one.rows.cost > 0.0 && one.groups == 0);
}

#[test]
fn a_table_that_nobody_writes_costs_nothing() {
    let catalog = catalog();
    let model = model(&catalog, Activity::default());
    assert_eq!(model.index(&IndexDef::on(0, &[2]), size()), Keeping::default());
    assert_eq!(model.updates(0), None);
    assert_eq!(model.updates(7), None);
}

#[test]
fn a_statement_pays_for_the_entries_it_makes() {
    let catalog = catalog();
    let model = model(&catalog, busy());
    let def = IndexDef::on(0, &[2]);
    let cost =
        |written: &Written, indexes: &[(&IndexDef, IndexSize)]| model.statement(written, indexes);
    let insert = Written { inserted: 10.0, ..Written::default() };
    let (before, after) = (cost(&insert, &[]), cost(&insert, &[(&def, size())]));
    assert!(before > 0.0 && after > 1.5 * before);
    // Four in five find room, and need no entry as long as the column is not stored.
    let update = |sets: i16| Written { updated: 10.0, sets: vec![sets], ..Written::default() };
    assert!((cost(&update(3), &[]) - 0.2 * before).abs() < 1e-9);
    assert!((cost(&update(3), &[(&def, size())]) - 0.2 * after).abs() < 1e-9);
    assert!((cost(&update(2), &[(&def, size())]) - after).abs() < 1e-9);
    assert_eq!(cost(&Written { table: 3, inserted: 5.0, ..Written::default() }, &[]), 0.0);
}
