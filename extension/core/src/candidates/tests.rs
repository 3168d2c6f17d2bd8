//! Candidates of small queries, and what holds for all.

use super::*;
use crate::model::{Column, ExistingIndex, IndexKey, Order, TableUse};
use proptest::prelude::*;

fn column(number: i16, n_distinct: f64, avg_width: f64) -> Column {
    Column {
        number,
        name: format!("c{number}"),
        type_len: 4,
        align: 4,
        avg_width,
        n_distinct,
        btree: true,
        dedup: true,
        ..Column::default()
    }
}

/// A million rows; column `n` has `10^n` values, but column 7 a single one.
fn table() -> Table {
    let mut columns: Vec<Column> =
        (1..=6_i16).map(|n| column(n, 10_f64.powi(i32::from(n)), 4.0)).collect();
    columns.push(column(7, 1.0, 4.0));
    columns.push(column(8, 5e4, 400.0));
    columns.push(Column { btree: false, ..column(9, 5e4, 30.0) });
    columns.push(column(10, 5e5, 1500.0));
    Table { rows: 1e6, pages: 2e4, all_visible: 0.9, columns, ..Table::default() }
}

fn run(table: Table, table_use: TableUse, limits: &Limits) -> Vec<IndexDef> {
    let shape = QueryShape { uses: vec![table_use], updated: vec![], deleted: vec![] };
    for_query(&Catalog { tables: vec![table] }, &shape, limits)
}

fn on(columns: &[i16]) -> IndexDef {
    IndexDef::on(0, columns)
}

fn fixed(columns: &[i16], limited: bool) -> Order {
    let keys = columns.iter().map(|&c| IndexKey::asc(c)).collect();
    Order { keys, fixed: true, limited }
}

#[test]
fn equality_range_and_order_are_combined() {
    let table_use = TableUse {
        equal: vec![1, 3],
        range: vec![5],
        orders: vec![fixed(&[4], true)],
        read: vec![1, 3, 4, 5, 8],
        whole_row: true,
        ..TableUse::default()
    };
    let found = run(table(), table_use, &Limits::default());
    for keys in [
        &[3][..],
        &[1],
        &[5],
        &[4],
        &[3, 1],
        &[1, 3],
        &[3, 5],
        &[1, 5],
        &[3, 1, 5],
        &[1, 3, 5],
        &[3, 4],
        &[1, 3, 4],
        &[3, 1, 4],
        &[5, 3],
        &[5, 8],
        &[4, 1],
    ] {
        assert!(found.contains(&on(keys)), "{keys:?}");
    }
    assert!(found.iter().all(|def| def.include.is_empty()), "a whole row cannot be covered");
    assert_eq!(found[0], on(&[3, 1, 4]), "order with a limit is worth most");
}

#[test]
fn join_columns_come_first_among_equals() {
    let table_use =
        TableUse { equal: vec![3], join: vec![4], read: vec![3, 4, 8], ..TableUse::default() };
    let found = run(table(), table_use, &Limits { max_columns: 2, ..Limits::default() });
    assert_eq!(found[0], on(&[4, 3]));
    for keys in [&[4][..], &[3], &[3, 4]] {
        assert!(found.contains(&on(keys)), "{keys:?}");
    }
}

#[test]
fn covering_candidates_use_keys_and_include() {
    let table_use = TableUse { equal: vec![4], read: vec![2, 4, 5], ..TableUse::default() };
    let found = run(table(), table_use.clone(), &Limits::default());
    assert!(found.contains(&on(&[4, 2, 5])));
    assert!(found.contains(&IndexDef { include: vec![2, 5], ..on(&[4]) }));
    assert!(found.contains(&IndexDef { include: vec![5], ..on(&[4, 2]) }));
    let bare = Limits { include_columns: 0, ..Limits::default() };
    assert!(run(table(), table_use, &bare).iter().all(|def| def.include.is_empty()));
    let wide = TableUse { equal: vec![4], read: vec![4, 8], ..TableUse::default() };
    let found = run(table(), wide, &Limits::default());
    assert!(found.iter().all(|def| def.include.is_empty()), "400 bytes are not included");
    let no_class = TableUse { equal: vec![4], read: vec![4, 9], ..TableUse::default() };
    let found = run(table(), no_class, &Limits::default());
    assert!(found.contains(&IndexDef { include: vec![9], ..on(&[4]) }));
}

#[test]
fn whole_scans_get_a_narrow_index() {
    let sum = TableUse { read: vec![2, 5], selectivity: 1.0, ..TableUse::default() };
    let found = run(table(), sum, &Limits::default());
    assert!(found.contains(&on(&[2, 5])));
    assert!(found.contains(&IndexDef { include: vec![5], ..on(&[2]) }));
    let count = TableUse { selectivity: 1.0, ..TableUse::default() };
    assert_eq!(run(table(), count, &Limits::default()), [on(&[1])], "column 7 is constant");
}

#[test]
fn mixed_directions_are_kept_and_mirrors_are_not() {
    let down = |column| IndexKey::asc(column).reversed();
    let order = |keys: Vec<IndexKey>| TableUse {
        orders: vec![Order { keys, fixed: true, limited: true }],
        read: vec![2, 3, 8],
        whole_row: true,
        ..TableUse::default()
    };
    let found = run(table(), order(vec![down(3), IndexKey::asc(2)]), &Limits::default());
    let mixed = IndexDef::btree(0, vec![IndexKey::asc(3), down(2)]);
    assert_eq!(found[0], mixed);
    let found = run(table(), order(vec![down(3), down(2)]), &Limits::default());
    assert_eq!(found[0], on(&[3, 2]));
    assert!(found.iter().all(|def| def.keys.iter().all(|key| !key.descending)));
}

#[test]
fn grouping_is_tried_in_every_order() {
    let keys = vec![IndexKey::asc(2), IndexKey::asc(3), IndexKey::asc(4)];
    let table_use = TableUse {
        orders: vec![Order { keys, fixed: false, limited: false }],
        read: vec![2, 3, 4],
        ..TableUse::default()
    };
    let found = run(table(), table_use, &Limits::default());
    for keys in [[2, 3, 4], [2, 4, 3], [3, 2, 4], [3, 4, 2], [4, 2, 3], [4, 3, 2]] {
        assert!(found.contains(&on(&keys)), "{keys:?}");
    }
}

#[test]
fn what_exists_is_not_offered_again() {
    let existing = |keys: &[i16]| ExistingIndex {
        method: "btree".into(),
        keys: keys.iter().map(|&c| Some(IndexKey::asc(c).reversed())).collect(),
        default_opclasses: true,
        ..ExistingIndex::default()
    };
    let mut table = table();
    table.indexes = vec![existing(&[3, 1]), ExistingIndex { partial: true, ..existing(&[5]) }];
    let table_use =
        TableUse { equal: vec![1, 3, 5], read: vec![1, 3, 5, 8], ..TableUse::default() };
    let found = run(table, table_use, &Limits::default());
    assert!(!found.contains(&on(&[3])) && !found.contains(&on(&[3, 1])));
    assert!(found.contains(&on(&[5])) && found.contains(&on(&[1, 3])));
}

#[test]
fn hopeless_columns_and_tables_are_left_out() {
    let table_use =
        TableUse { equal: vec![7, 9, 10, 99], read: vec![7, 9, 10], ..TableUse::default() };
    let found = run(table(), table_use, &Limits::default());
    assert!(found.is_empty(), "{found:?}");
    let small = Table { pages: 7.0, ..table() };
    let table_use = TableUse { equal: vec![3], read: vec![3], ..TableUse::default() };
    assert!(run(small, table_use.clone(), &Limits::default()).is_empty());
    let unknown = TableUse { table: 5, ..table_use };
    assert!(run(table(), unknown, &Limits::default()).is_empty());
}

#[test]
fn a_weak_lead_ranks_last() {
    let mut table = table();
    table.columns[0].n_distinct = 2.0;
    let table_use =
        TableUse { equal: vec![1, 4], read: vec![1, 4], whole_row: true, ..TableUse::default() };
    let found = run(table, table_use, &Limits::default());
    assert_eq!(found, [on(&[4, 1]), on(&[4]), on(&[1, 4]), on(&[1])]);
}

#[test]
fn the_cap_leaves_room_for_every_leading_column() {
    let table_use = TableUse {
        equal: vec![1, 2, 3, 4, 5],
        range: vec![6],
        orders: vec![fixed(&[2, 6], true)],
        read: vec![1, 2, 3, 4, 5, 6],
        ..TableUse::default()
    };
    let limits = Limits { max_per_table: 40, ..Limits::default() };
    let found = run(table(), table_use, &limits);
    assert_eq!(found.len(), 40);
    for lead in 1..=6_i16 {
        assert!(found.iter().any(|def| def.keys[0].column == lead), "{lead}");
    }
}

fn columns() -> impl Strategy<Value = Vec<i16>> {
    prop::collection::vec(1_i16..11, 0..5)
}

prop_compose! {
    fn orders()(keys in columns(), down in any::<u8>(), fixed in any::<bool>(), limited in any::<bool>())
        -> Order
    {
        let keys = unique(keys).into_iter().map(|c| {
            let key = IndexKey::asc(c);
            if down >> (c % 8) & 1 == 1 { key.reversed() } else { key }
        });
        Order { keys: keys.collect(), fixed, limited }
    }
}

prop_compose! {
    fn uses()(equal in columns(), range in columns(), join in columns(), more in columns(),
              orders in prop::collection::vec(orders(), 0..3), whole_row in any::<bool>(),
              selectivity in 0.0_f64..1.0) -> TableUse
    {
        let ordered = orders.iter().flat_map(|o| o.keys.iter().map(|key| key.column));
        let all = equal.iter().chain(&range).chain(&join).chain(&more).copied().chain(ordered);
        let mut read = unique(all);
        read.sort_unstable();
        TableUse {
            table: 0,
            equal,
            range,
            join,
            orders,
            read,
            whole_row,
            selectivity,
            ..TableUse::default()
        }
    }
}

prop_compose! {
    fn bounds()(max_columns in 1_usize..5, max_per_table in 1_usize..100, include_columns in 0_usize..5)
        -> Limits
    {
        Limits { max_columns, max_per_table, include_columns, ..Limits::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_candidate_can_be_built(uses in prop::collection::vec(uses(), 1..3), limits in bounds(),
                                    exists in prop::collection::vec(columns(), 0..3)) {
        let mut table = table();
        table.indexes = exists.into_iter().map(unique).filter(|keys| !keys.is_empty()).map(|keys| {
            ExistingIndex {
                method: "btree".into(),
                keys: keys.into_iter().map(|c| Some(IndexKey::asc(c))).collect(),
                default_opclasses: true,
                ..ExistingIndex::default()
            }
        }).collect();
        let catalog = Catalog { tables: vec![table] };
        let shape = QueryShape { uses, updated: vec![], deleted: vec![] };
        let found = for_query(&catalog, &shape, &limits);
        prop_assert_eq!(&found, &for_query(&catalog, &shape, &limits));
        prop_assert!(found.len() <= limits.max_per_table);
        prop_assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
        let existing = existing_definitions(0, &catalog.tables[0]);
        for def in &found {
            prop_assert!((1..=limits.max_columns).contains(&def.keys.len()));
            prop_assert!(def.include.len() <= limits.include_columns && def.include.is_sorted());
            prop_assert_eq!(unique(def.columns()).len(), def.keys.len() + def.include.len());
            for key in &def.keys {
                prop_assert!(catalog.tables[0].column(key.column).is_some_and(keyable));
            }
            prop_assert!(!def.keys[0].descending && def.keys[0].column != 7);
            prop_assert!(existing.iter().all(|index| !index.covers(def)));
        }
    }

    #[test]
    fn the_order_of_conditions_does_not_matter(table_use in uses()) {
        let mut turned = table_use.clone();
        turned.equal.reverse();
        turned.range.reverse();
        turned.join.reverse();
        let limits = Limits::default();
        prop_assert_eq!(run(table(), table_use, &limits), run(table(), turned, &limits));
    }
}

#[test]
fn hundreds_of_columns_do_not_make_all_their_combinations() {
    let all: Vec<i16> = (1..=500).collect();
    let columns = all.iter().map(|&n| column(n, 10.0 + f64::from(n), 4.0)).collect();
    let table = Table { rows: 1e6, pages: 2e4, columns, ..Table::default() };
    let table_use = TableUse {
        equal: all.clone(),
        range: all.clone(),
        orders: vec![fixed(&all, true), Order { fixed: false, ..fixed(&all, false) }],
        read: all,
        ..TableUse::default()
    };
    let limits = Limits::default();
    let found = Generator::new(&table, &table_use, &limits).run();
    assert!(found.contains(&on(&[500])), "the column with the most values");
    assert!(found.len() < 20_000, "{} candidates", found.len());
}
