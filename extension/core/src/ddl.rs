//! Definitions as SQL.

use std::fmt::Write as _;

use crate::model::{Catalog, Element, IndexDef, IndexKey, Table};

/// Keywords that cannot stand as a plain identifier: every one of PostgreSQL 15 to 18 that is not
/// unreserved (`pg_get_keywords()`), sorted. `quote_identifier` in the server quotes the same.
const KEYWORDS: &str = "\
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit \
    boolean both case cast char character check coalesce collate collation column concurrently \
    constraint create cross current_catalog current_date current_role current_schema \
    current_time current_timestamp current_user dec decimal default deferrable desc distinct do \
    else end except exists extract false fetch float for foreign freeze from full grant greatest \
    group grouping having ilike in initially inner inout int integer intersect interval into is \
    isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query \
    json_scalar json_serialize json_table json_value lateral leading least left like limit \
    localtime localtimestamp merge_action national natural nchar none normalize not notnull null \
    nullif numeric offset on only or order out outer overlaps overlay placing position precision \
    primary real references returning right row select session_user setof similar smallint some \
    substring symmetric system_user table tablesample then time timestamp to trailing treat trim \
    true union unique user using values varchar variadic verbose when where window with \
    xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot \
    xmlserialize xmltable";

/// An identifier as SQL, quoted exactly where the server's `quote_ident` quotes it: unless it is
/// a lower-case letter or underscore followed by those and digits, and no keyword.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && !KEYWORDS.split(' ').any(|keyword| keyword == name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The qualified name of a table, quoted where needed.
#[must_use]
pub fn table_name(table: &Table) -> String {
    format!("{}.{}", quote_ident(&table.schema), quote_ident(&table.name))
}

/// The statement that builds `def`, without a semicolon and without a name, so that the server
/// chooses a free one. `CONCURRENTLY`, except on a partitioned table, where it does not exist.
/// Empty when `def` names a table or a column that `catalog` does not have.
#[must_use]
pub fn create_index(catalog: &Catalog, def: &IndexDef) -> String {
    let concurrently = catalog.tables.get(def.table).is_some_and(|table| !table.partitioned);
    let verb = if concurrently { "CREATE INDEX CONCURRENTLY ON" } else { "CREATE INDEX ON" };
    body(catalog, def).map_or_else(String::new, |body| format!("{verb} {body}"))
}

/// A short name for a definition, the same in every run and on every server: `ix_` and the
/// 64-bit FNV-1a hash of table, method, keys, INCLUDE columns and condition as SQL.
#[must_use]
pub fn id(catalog: &Catalog, def: &IndexDef) -> String {
    let canonical = body(catalog, def).unwrap_or_else(|| format!("{def:?}"));
    format!("ix_{:016x}", fnv1a(canonical.as_bytes()))
}

/// Table, method and columns of a definition as SQL.
fn body(catalog: &Catalog, def: &IndexDef) -> Option<String> {
    let table = catalog.tables.get(def.table)?;
    let keys: Option<Vec<String>> = def.keys.iter().map(|key| key_sql(table, key)).collect();
    let method = def.method.as_str();
    let mut sql = format!("{} USING {method} ({})", table_name(table), keys?.join(", "));
    if !def.include.is_empty() {
        let columns: Option<Vec<String>> =
            def.include.iter().map(|&column| column_sql(table, column)).collect();
        write!(sql, " INCLUDE ({})", columns?.join(", ")).ok()?;
    }
    if def.predicate.is_some() {
        write!(sql, " WHERE {}", def.condition(table)?.sql).ok()?;
    }
    Some(sql)
}

fn column_sql(table: &Table, number: i16) -> Option<String> {
    let column = table.column(number)?;
    match &column.element {
        None => Some(quote_ident(&column.name)),
        Some(Element { sql, opclass: Some(opclass), .. }) => Some(format!("{sql} {opclass}")),
        Some(Element { sql, opclass: None, .. }) => Some(sql.clone()),
    }
}

/// A key as CREATE INDEX takes it; the order of NULLs is printed only where it is not the default.
/// `None` when the table has no such column.
#[must_use]
pub fn key_sql(table: &Table, key: &IndexKey) -> Option<String> {
    let order = match (key.descending, key.nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    };
    column_sql(table, key.column).map(|name| name + order)
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Column;
    use proptest::prelude::*;

    fn catalog() -> Catalog {
        let column = |number, name: &str| Column { number, name: name.into(), ..Column::default() };
        let table = Table {
            schema: "public".into(),
            name: "Order".into(),
            columns: vec![column(1, "id"), column(2, "user"), column(4, "at")],
            ..Table::default()
        };
        Catalog { tables: vec![table] }
    }

    #[test]
    fn identifiers_are_quoted_as_the_server_does() {
        for plain in ["a", "_x9", "abort", "name", "date", "text", "id"] {
            assert_eq!(quote_ident(plain), plain);
        }
        let quoted =
            ["", "A", "9a", "a b", "a$b", "käse", "user", "between", "left", "int", "json"];
        for name in quoted {
            assert_eq!(quote_ident(name), format!("\"{name}\""));
        }
        assert_eq!(quote_ident("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn the_keywords_are_sorted_and_whole() {
        let words: Vec<&str> = KEYWORDS.split(' ').collect();
        assert!(words.is_sorted() && words.iter().all(|word| !word.is_empty()));
        assert_eq!(words.len(), 164);
    }

    #[test]
    fn statements_are_what_the_server_reads() {
        let mut catalog = catalog();
        let mut def = IndexDef::on(0, &[2, 1, 4]);
        def.keys[1].nulls_first = true;
        def.keys[2].descending = true;
        def.include = vec![1];
        assert_eq!(
            create_index(&catalog, &def),
            "CREATE INDEX CONCURRENTLY ON public.\"Order\" USING btree \
             (\"user\", id NULLS FIRST, at DESC NULLS LAST) INCLUDE (id)"
        );
        let id_before = id(&catalog, &def);
        catalog.tables[0].partitioned = true;
        def.keys[2].nulls_first = true;
        assert!(create_index(&catalog, &def).starts_with("CREATE INDEX ON public.\"Order\" USING"));
        assert!(create_index(&catalog, &def).contains("at DESC)"));
        assert_ne!(id(&catalog, &def), id_before);
        assert_eq!(create_index(&catalog, &IndexDef::on(0, &[3])), "");
        assert_eq!(create_index(&catalog, &IndexDef::on(1, &[1])), "");
    }

    #[test]
    fn ids_are_stable() {
        let (catalog, def) = (catalog(), IndexDef::on(0, &[1]));
        assert_eq!(id(&catalog, &def), "ix_f799fae0154c0d24");
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    /// Reads an identifier as the server's scanner does.
    fn unquote(sql: &str) -> String {
        match sql.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) => inner.replace("\"\"", "\""),
            None => sql.to_ascii_lowercase(),
        }
    }

    proptest! {
        #[test]
        fn quoting_round_trips(name in "[a-zA-Z0-9_$ \"äß.;-]{0,12}") {
            let sql = quote_ident(&name);
            prop_assert_eq!(unquote(&sql), name);
            let inner = sql.trim_matches('"').replace("\"\"", "");
            prop_assert!(sql.starts_with('"') || !inner.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        }
    }
}
