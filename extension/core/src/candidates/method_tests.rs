//! Candidates of other access methods than the b-tree.

use super::*;
use crate::model::{Column, Element, ExistingIndex, FIRST_ELEMENT, Method, TableUse};

const DOC: i16 = FIRST_ELEMENT;
const PATHS: i16 = FIRST_ELEMENT + 1;
const TAGS: i16 = FIRST_ELEMENT + 2;
const KIND: i16 = FIRST_ELEMENT + 3;
const PREFIX: i16 = FIRST_ELEMENT + 4;
const TOKEN: i16 = FIRST_ELEMENT + 5;

fn element(number: i16, column: i16, method: Method, opclass: Option<&str>) -> Column {
    let name = format!("c{column}");
    Column {
        number,
        name: name.clone(),
        type_len: -1,
        align: 4,
        avg_width: 30.0,
        n_distinct: 1e5,
        btree: method == Method::Btree,
        dedup: method == Method::Btree,
        element: Some(Element {
            sql: name,
            opclass: opclass.map(str::to_owned),
            method,
            column: Some(column),
            reads: vec![column],
        }),
        ..Column::default()
    }
}

fn table() -> Table {
    let plain = |number: i16| Column {
        number,
        name: format!("c{number}"),
        type_len: 4,
        align: 4,
        avg_width: 4.0,
        n_distinct: 1e4,
        btree: true,
        dedup: true,
        ..Column::default()
    };
    let mut columns: Vec<Column> = (1..=5).map(plain).collect();
    columns.extend([
        element(DOC, 1, Method::Gin, None),
        element(PATHS, 1, Method::Gin, Some("jsonb_path_ops")),
        element(TAGS, 2, Method::Gin, None),
        element(KIND, 3, Method::Gin, None),
        element(PREFIX, 4, Method::Btree, Some("text_pattern_ops")),
        element(TOKEN, 5, Method::Hash, None),
    ]);
    Table { rows: 1e6, pages: 2e4, columns, ..Table::default() }
}

fn run(table: Table, searched: &[i16], equal: &[i16], limits: &Limits) -> Vec<IndexDef> {
    let table_use = TableUse {
        searched: searched.to_vec(),
        equal: equal.to_vec(),
        whole_row: true,
        ..TableUse::default()
    };
    let shape = QueryShape { uses: vec![table_use], updated: vec![], deleted: vec![] };
    for_query(&Catalog { tables: vec![table] }, &shape, limits)
}

fn of(method: Method, keys: &[i16]) -> IndexDef {
    IndexDef { method, ..IndexDef::on(0, keys) }
}

#[test]
fn each_element_alone_and_two_inverted_ones_together() {
    let found = run(table(), &[DOC, PATHS, TAGS, TOKEN], &[], &Limits::default());
    let gin = |keys: &[i16]| of(Method::Gin, keys);
    for def in [gin(&[DOC]), gin(&[PATHS]), gin(&[TAGS]), gin(&[DOC, TAGS]), gin(&[PATHS, TAGS])] {
        assert!(found.contains(&def), "{def:?}");
    }
    assert!(found.contains(&of(Method::Hash, &[TOKEN])));
    let same = |def: &&IndexDef| def.keys.len() > 1 && def.columns().all(|c| c < TAGS);
    assert_eq!(found.iter().find(same), None, "two classes of one column");
}

#[test]
fn a_scalar_is_only_a_further_column() {
    let found = run(table(), &[TAGS, KIND], &[3], &Limits::default());
    assert!(!found.contains(&of(Method::Gin, &[KIND])));
    assert!(found.contains(&of(Method::Gin, &[KIND, TAGS])));
    assert!(found.contains(&of(Method::Gin, &[TAGS])));
}

#[test]
fn an_operator_class_of_the_b_tree_is_a_range() {
    let found = run(table(), &[PREFIX], &[3], &Limits::default());
    assert!(found.contains(&IndexDef::on(0, &[PREFIX])));
    assert!(found.contains(&IndexDef::on(0, &[3, PREFIX])));
}

#[test]
fn kinds_restrict_what_is_offered() {
    let all = [DOC, PATHS, PREFIX, TOKEN];
    let limits = |kinds| Limits { kinds, ..Limits::default() };
    let found = run(table(), &all, &[3], &limits(Kinds::of_methods([Method::Btree])));
    assert!(!found.is_empty() && found.iter().all(|def| def.method == Method::Btree));
    let kinds = Kinds { opclass: false, ..Kinds::default() };
    let found = run(table(), &all, &[3], &limits(kinds));
    assert!(found.contains(&of(Method::Gin, &[DOC])));
    assert!(found.iter().all(|def| def.columns().all(|c| c != PATHS && c != PREFIX)));
    assert!(run(table(), &all, &[3], &limits(Kinds::of_methods([]))).is_empty());
}

#[test]
fn what_exists_is_not_offered_again() {
    let mut table = table();
    table.indexes = vec![ExistingIndex {
        method: "gin".into(),
        keys: vec![None, None],
        key_texts: vec![("c2".into(), None), ("c1".into(), Some("jsonb_path_ops".into()))],
        ..ExistingIndex::default()
    }];
    let found = run(table.clone(), &[DOC, PATHS, TAGS], &[], &Limits::default());
    assert!(found.contains(&of(Method::Gin, &[DOC])), "another class");
    for keys in [&[PATHS][..], &[TAGS], &[PATHS, TAGS]] {
        assert!(!found.contains(&of(Method::Gin, keys)), "{keys:?}");
    }
    table.indexes[0].partial = true;
    let found = run(table, &[PATHS], &[], &Limits::default());
    assert!(found.contains(&of(Method::Gin, &[PATHS])), "a partial index has not all rows");
}

#[test]
fn the_class_that_answers_to_more_is_kept() {
    let shape = |searched: &[i16]| QueryShape {
        uses: vec![TableUse { searched: searched.to_vec(), ..TableUse::default() }],
        updated: vec![],
        deleted: vec![],
    };
    let catalog = Catalog { tables: vec![table()] };
    let (mut one, mut two) = (shape(&[DOC, PATHS, TAGS]), shape(&[DOC, PATHS]));
    prefer_general(&catalog, &mut [&mut one, &mut two]);
    assert_eq!(
        (&one.uses[0].searched, &two.uses[0].searched),
        (&vec![DOC, PATHS, TAGS], &vec![DOC, PATHS])
    );
    let mut three = shape(&[DOC]);
    prefer_general(&catalog, &mut [&mut one, &mut two, &mut three]);
    assert_eq!((&one.uses[0].searched, &two.uses[0].searched), (&vec![DOC, TAGS], &vec![DOC]));
}
