//! Names that refer to a key, and near misses.

use super::*;
use crate::relate::{Column, Index};

const INT: u32 = 23;
const BIGINT: u32 = 20;
const TEXT: u32 = 25;
const DATE: u32 = 1082;

/// `schema.name: column type*`, the first column being the primary key; `serial` makes its values.
fn table(text: &str) -> Table {
    let (name, columns) = text.split_once(':').unwrap();
    let (schema, name) = name.split_once('.').unwrap();
    let columns: Vec<Column> = columns
        .split(',')
        .zip(1_i16..)
        .map(|(column, number)| {
            let (name, kind) = column.trim().split_once(' ').unwrap();
            let type_oid = match kind {
                "text" => TEXT,
                "bigint" => BIGINT,
                "date" => DATE,
                _ => INT,
            };
            Column {
                number,
                name: name.into(),
                type_oid,
                type_name: kind.into(),
                not_null: true,
                makes_values: kind == "serial",
                inherited: kind == "inherited",
            }
        })
        .collect();
    let primary = Index { columns: vec![1], unique: true, primary: true };
    Table {
        schema: schema.into(),
        name: name.into(),
        rows: Some(1000.0),
        columns,
        indexes: vec![primary],
        ..Table::default()
    }
}

/// What is concluded without statistics and with those that agree, as `column -> table.key`.
fn concluded(texts: &[&str], with_values: bool) -> Vec<String> {
    let tables: Vec<Table> = texts.iter().map(|text| table(text)).collect();
    let all = candidates(&tables, &[]);
    let agreeing =
        Statistics { distinct: 3.0, rows: Some(1000.0), has_values: true, values: vec![1, 2, 3] };
    conclude(&tables, &all, |_, _| with_values.then(|| agreeing.clone()))
        .into_iter()
        .map(|one| {
            let (from, to) = (&tables[one.from], &tables[one.to]);
            let (column, key) = (from.names(&one.from_columns), to.names(&one.to_columns));
            format!("{} -> {}.{}.{}", column[0], to.schema, to.name, key[0])
        })
        .collect()
}

#[test]
fn the_table_and_its_key() {
    for (texts, expected) in [
        (["a.customers: id serial", "a.orders: id serial, customer_id int"], "a.customers.id"),
        (["a.Customer: id serial", "a.Order: id serial, customerId int"], "a.Customer.id"),
        (["a.category: id serial", "a.film: id serial, categories_id int"], "a.category.id"),
        (
            ["a.customers: customer_id serial", "a.orders: id serial, customer_id bigint"],
            "a.customers.customer_id",
        ),
        (["a.order_items: id int", "a.refunds: id int, order_item_id int"], "a.order_items.id"),
        (
            ["a.shop_customer: id int", "a.shop_order: id int, customer_id int"],
            "a.shop_customer.id",
        ),
        (["b.customers: id int", "a.orders: id int, customer_id int"], "b.customers.id"),
        (["a.people: id int", "a.pets: id int, person_id int"], "a.people.id"),
        (["a.countries: code text", "a.cities: id int, country_code text"], "a.countries.code"),
    ] {
        let found = concluded(&texts, false);
        assert_eq!(found.len(), 1, "{texts:?} {found:?}");
        assert!(found[0].ends_with(&format!("-> {expected}")), "{found:?}");
    }
}

#[test]
fn other_ways_to_name_a_reference() {
    let parent = ["a.categories: id int, parent_id int"];
    assert_eq!(concluded(&parent, false), ["parent_id -> a.categories.id"]);
    let named = ["a.categories: id int, parent_category_id int"];
    assert_eq!(concluded(&named, false), ["parent_category_id -> a.categories.id"]);
    let same = ["a.bookings: book_ref text", "a.seats: id int, book_ref text"];
    assert_eq!(concluded(&same, false), ["book_ref -> a.bookings.book_ref"]);
    // A role, and no word of a key: only with values that agree.
    for column in ["billing_address_id", "address"] {
        let texts = ["a.addresses: id int".to_owned(), format!("a.o: id int, {column} int")];
        let texts = [texts[0].as_str(), texts[1].as_str()];
        assert_eq!(concluded(&texts, false), [""; 0]);
        assert_eq!(concluded(&texts, true), [format!("{column} -> a.addresses.id")]);
    }
}

#[test]
fn near_misses() {
    for texts in [
        // Another type.
        &["a.customers: id int", "a.orders: id int, customer_id text"][..],
        &["a.days: id date", "a.orders: id int, day_id date"],
        // No table of that name.
        &["a.customers: id int", "a.orders: id int, custom_id int"],
        // Two tables of that name.
        &["a.customer: id int", "a.customers: id int", "a.orders: id int, customer_id int"],
        &["a.customers: id int", "b.customers: id int", "c.orders: id int, customer_id int"],
        // No key of that name.
        &["a.customers: nr int", "a.orders: id int, customer_id int"],
        // A number of its own.
        &["a.customers: id serial, customer_id int"],
        &["a.customers: id int", "a.orders: id int, customer_id serial"],
        &["a.customers: id int", "a.orders: id int, customer_id inherited"],
        // Of another system, or of whichever table.
        &["a.customers: id int", "a.orders: id int, external_customer_id int"],
        &["a.items: id int", "a.versions: id int, item_type text, item_id int"],
        // Parents of something else.
        &["a.categories: id int, parent_id text"],
        &["a.categories: id int, parental_id int"],
        // A name of one word says nothing.
        &["a.books: isbn text", "a.loans: id int, isbn text"],
        &["a.customers: id int", "a.orders: id int"],
    ] {
        assert_eq!(concluded(texts, true), [""; 0], "{texts:?}");
    }
}

#[test]
fn a_declared_key_is_not_concluded_again() {
    let tables =
        [table("a.customers: id int"), table("a.orders: id int, customer_id int, tenant int")];
    let declared = Relationship {
        from: 1,
        from_columns: vec![3, 2],
        to: 0,
        to_columns: vec![2, 1],
        origin: Origin::Inferred(String::new()),
    };
    assert_eq!(candidates(&tables, &[declared]), []);
    assert_eq!(candidates(&tables, &[]).len(), 1);
}

#[test]
fn the_table_of_the_own_schema_comes_first() {
    let texts = ["a.customers: id int", "b.customers: id int", "b.orders: id int, customer_id int"];
    assert_eq!(concluded(&texts, false), ["customer_id -> b.customers.id"]);
}

#[test]
fn statistics_that_disagree_end_it() {
    let tables = [table("a.customers: id int"), table("a.orders: id int, customer_id int")];
    let all = candidates(&tables, &[]);
    let values = |table: usize| {
        let values = if table == 0 { [1, 900] } else { [70_000, 90_000] };
        Some(Statistics {
            distinct: 2.0,
            rows: Some(1000.0),
            has_values: true,
            values: values.to_vec(),
        })
    };
    assert_eq!(conclude(&tables, &all, |table, _| values(table)).len(), 0);
    let agreed = conclude(&tables, &all, |_, _| values(0));
    assert_eq!(
        agreed[0].origin,
        Origin::Inferred(
            "the name is that of the table and its key; customers.id is the primary key; both are \
             int; its values (1 to 900) are among the key's (1 to 900)"
                .into()
        )
    );
}
