//! What the advisor reads from real statements: the roles of columns, orders and parameters.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use std::collections::BTreeMap;

    use advisor_core::model::{FIRST_ELEMENT, Order, TableUse};
    use advisor_core::nodetree::Tree;
    use advisor_core::shape::{self, Extract, Meets};
    use pgrx::prelude::*;

    use crate::catalog::ServerCatalog;
    use crate::sys::{self, Arena};

    /// Columns of `shape_t` by attribute number.
    const ID: i16 = 1;
    const K: i16 = 2;
    const M: i16 = 3;
    const DAY: i16 = 4;
    const NOTE: i16 = 5;
    const DONE: i16 = 6;
    /// Columns of `shape_u`.
    const U_ID: i16 = 1;
    const U_T: i16 = 2;
    const U_X: i16 = 3;

    /// What was read from a statement, with its tables' names.
    struct Shape {
        extract: Extract,
        names: Vec<String>,
    }

    fn read(statement: &str) -> Shape {
        Spi::run(
            "create table if not exists shape_t (id int, k int, m int, day date, note text, \
             done boolean); \
             create table if not exists shape_u (id int, t int, x numeric); \
             create or replace view shape_v as select u.id as uid, t.k as kay, t.note, u.x as ex \
             from shape_t as t join shape_u as u on u.t = t.id where t.done",
        )
        .unwrap();
        let arena = Arena::new();
        let analyzed = sys::analyze(&arena, statement, &[]).unwrap();
        let trees: Vec<Tree<'_>> =
            analyzed.dumps.iter().map(|dump| Tree::read(dump).unwrap()).collect();
        let mut catalog = ServerCatalog::new().unwrap();
        catalog.ensure(shape::relations(&trees).keys().copied()).unwrap();
        let extract = shape::extract(&trees, &catalog);
        let names = catalog.model.tables.iter().map(|table| table.name.clone()).collect();
        Shape { extract, names }
    }

    impl Shape {
        /// The occurrences of a table, in the order of the statement.
        fn all(&self, table: &str) -> Vec<&TableUse> {
            let uses = self.extract.shape.uses.iter();
            uses.filter(|table_use| self.names[table_use.table] == table).collect()
        }

        /// The only occurrence of a table.
        fn only(&self, table: &str) -> &TableUse {
            let all = self.all(table);
            assert_eq!(all.len(), 1, "{:?}", self.extract.shape);
            all[0]
        }

        fn params(&self) -> BTreeMap<u32, (Option<i16>, Option<Meets>)> {
            let params = self.extract.params.iter();
            params.map(|p| (p.number, (p.column.map(|(_, column)| column), p.meets))).collect()
        }
    }

    /// Column, descending, NULLS FIRST of each key.
    fn keys(order: &Order) -> Vec<(i16, bool, bool)> {
        order.keys.iter().map(|key| (key.column, key.descending, key.nulls_first)).collect()
    }

    #[pg_test]
    fn shape_sorts_comparisons() {
        let shape = read(
            "select id from shape_t where k = 5 and 3 < m and day between '2020-01-01' \
             and '2020-02-01' and note <> 'x' and 7 = id",
        );
        let table_use = shape.only("shape_t");
        assert_eq!(table_use.equal, [ID, K]);
        assert_eq!(table_use.range, [M, DAY]);
        assert!(table_use.join.is_empty() && table_use.orders.is_empty());
        assert_eq!(table_use.read, [ID, K, M, DAY, NOTE]);
        assert!(!table_use.whole_row);
    }

    #[pg_test]
    fn shape_takes_in_null_boolean_and_or() {
        let shape = read("select 1 from shape_t where k in (1, 2) and note is null and not done");
        let table_use = shape.only("shape_t");
        assert_eq!(table_use.equal, [K, NOTE, DONE]);
        assert!(table_use.range.is_empty());
        let shape = read("select 1 from shape_t where (k = 5 or m > 3) and done is true");
        let table_use = shape.only("shape_t");
        assert_eq!((&table_use.equal[..], &table_use.range[..]), (&[K, DONE][..], &[M][..]));
        // None can be looked up in a b-tree on the column; an expression can in one on it.
        let shape = read("select 1 from shape_t where k + 1 = 5 and note is not null and m <> 3");
        let table_use = shape.only("shape_t");
        assert_eq!((&table_use.equal[..], &table_use.range[..]), (&[FIRST_ELEMENT][..], &[][..]));
        assert_eq!(table_use.read, [K, M, NOTE]);
    }

    #[pg_test]
    fn shape_takes_a_prefix_match_as_a_range() {
        let table_use = read("select id from shape_t where note like 'abc%'");
        assert_eq!(table_use.only("shape_t").range, [NOTE]);
        let row = read("select id from shape_t where (k, m) > (5, 6)");
        assert!(row.only("shape_t").range.contains(&K));
    }

    #[pg_test]
    fn shape_follows_joins_and_spreads_constants() {
        let shape = read(
            "select u.x from shape_t as t join shape_u as u on u.t = t.id where t.id = 5 and u.x > 3",
        );
        let (t, u) = (shape.only("shape_t"), shape.only("shape_u"));
        assert_eq!((&t.join[..], &t.equal[..], &t.read[..]), (&[ID][..], &[ID][..], &[ID][..]));
        assert_eq!(u.join, [U_T]);
        assert_eq!(u.equal, [U_T], "t.id = 5 holds for u.t as well");
        assert_eq!(u.range, [U_X]);
        let shape =
            read("select * from shape_t as a left join shape_t as b using (k) where b.m = 3");
        let uses = shape.all("shape_t");
        assert_eq!(uses.len(), 2);
        assert!(uses.iter().all(|table_use| table_use.join == [K]), "{uses:?}");
        assert_eq!((&uses[0].equal[..], &uses[1].equal[..]), (&[][..], &[M][..]));
        assert_eq!(uses[0].read, [ID, K, M, DAY, NOTE, DONE]);
    }

    #[pg_test]
    fn shape_sees_through_views_and_subqueries() {
        let shape = read("select ex from shape_v where kay = 5 order by uid desc limit 3");
        let (t, u) = (shape.only("shape_t"), shape.only("shape_u"));
        assert_eq!(t.equal, [K, DONE]);
        assert_eq!(t.join, [ID]);
        assert_eq!(t.read, [ID, K, DONE], "the view's other columns are not read");
        assert_eq!(u.join, [U_T]);
        assert_eq!(u.read, [U_ID, U_T, U_X]);
        assert_eq!(keys(&u.orders[0]), [(U_ID, true, true)]);
        assert!(u.orders[0].fixed && u.orders[0].limited);
        let shape = read("select kk from (select k as kk, m from shape_t) as s where s.m < 3");
        let table_use = shape.only("shape_t");
        assert_eq!((&table_use.range[..], &table_use.read[..]), (&[M][..], &[K, M][..]));
    }

    #[pg_test]
    fn shape_sees_through_ctes_and_set_operations() {
        let shape = read(
            "with c as (select id as i, k from shape_t where m = 3) \
             select u.x from c join shape_u as u on u.t = c.i where c.k > 7",
        );
        let t = shape.only("shape_t");
        assert_eq!((&t.equal[..], &t.range[..], &t.join[..]), (&[M][..], &[K][..], &[ID][..]));
        assert_eq!(shape.only("shape_u").join, [U_T]);
        let shape = read(
            "select * from (select id, k from shape_t union all select id, t from shape_u) as s (a, b) \
             where b = 5",
        );
        assert_eq!(shape.only("shape_t").equal, [K]);
        assert_eq!(shape.only("shape_u").equal, [U_T]);
        let shape = read(
            "with recursive r as (select id, t from shape_u where id = 1 union all \
             select u.id, u.t from shape_u as u join r on r.id = u.t) select count(*) from r",
        );
        let uses = shape.all("shape_u");
        assert_eq!(uses.len(), 2);
        assert_eq!(uses[0].equal, [U_ID]);
        // The term that repeats is looked up by t, whatever that is called.
        assert!(uses[1].join.contains(&U_T) || uses[1].equal.contains(&U_T), "{uses:?}");
    }

    #[pg_test]
    fn shape_goes_into_correlated_and_in_subselects() {
        let shape = read(
            "select id from shape_t as t where exists \
             (select note from shape_u as u where u.t = t.k and u.x > 5)",
        );
        let (t, u) = (shape.only("shape_t"), shape.only("shape_u"));
        assert_eq!((&t.join[..], &u.join[..], &u.range[..]), (&[K][..], &[U_T][..], &[U_X][..]));
        assert_eq!(t.read, [ID, K], "EXISTS never reads its target list");
        let shape = read("select id from shape_t where k in (select t from shape_u where x = 5)");
        let (t, u) = (shape.only("shape_t"), shape.only("shape_u"));
        assert_eq!((&t.join[..], &u.join[..], &u.equal[..]), (&[K][..], &[U_T][..], &[U_X][..]));
        let shape = read(
            "select t.id, l.x from shape_t as t cross join lateral \
             (select x from shape_u as u where u.t = t.id order by x desc limit 1) as l where t.m = 3",
        );
        let (t, u) = (shape.only("shape_t"), shape.only("shape_u"));
        assert_eq!((&t.join[..], &t.equal[..], &u.join[..]), (&[ID][..], &[M][..], &[U_T][..]));
        assert!(u.orders[0].limited);
        let shape =
            read("select id, (select max(x) from shape_u as u where u.t = t.id) from shape_t as t");
        let u = shape.only("shape_u");
        assert_eq!(u.join, [U_T]);
        assert_eq!(keys(&u.orders[0]), [(U_X, true, true)]);
    }

    #[pg_test]
    fn shape_reads_orders() {
        let order = |statement: &str| -> (Vec<(i16, bool, bool)>, bool, bool) {
            let shape = read(statement);
            let orders = &shape.only("shape_t").orders;
            assert_eq!(orders.len(), 1, "{statement}: {orders:?}");
            (keys(&orders[0]), orders[0].fixed, orders[0].limited)
        };
        assert_eq!(
            order("select * from shape_t order by day desc nulls last, id limit 5"),
            (vec![(DAY, true, false), (ID, false, false)], true, true)
        );
        assert_eq!(
            order("select * from shape_t order by day desc, k"),
            (vec![(DAY, true, true), (K, false, false)], true, false)
        );
        // An expression is an element of its own, unless no index can be built on it.
        assert_eq!(
            order("select * from shape_t order by day nulls first, k + 1, id limit 5"),
            (
                vec![(DAY, false, true), (FIRST_ELEMENT, false, false), (ID, false, false)],
                true,
                true
            )
        );
        assert_eq!(
            order("select * from shape_t order by day nulls first, k + random(), id limit 5"),
            (vec![(DAY, false, true)], true, true)
        );
        let grouped = order("select k, m, count(*) from shape_t group by k, m limit 5");
        assert_eq!(grouped, (vec![(K, false, false), (M, false, false)], false, false));
        let distinct = order("select distinct m from shape_t where k = 5");
        assert_eq!(distinct, (vec![(M, false, false)], false, false));
        let least = order("select min(day) from shape_t where k = 5");
        assert_eq!(least, (vec![(DAY, false, false)], true, true));
        let window = order("select rank() over (partition by k order by day desc) from shape_t");
        assert_eq!(window, (vec![(K, false, false), (DAY, true, true)], true, false));
    }

    #[pg_test]
    fn shape_reads_whole_rows_and_system_columns() {
        for statement in [
            "select t from shape_t as t",
            "select ctid, k from shape_t",
            "select t.* is null from shape_t as t",
        ] {
            let shape = read(statement);
            let table_use = shape.only("shape_t");
            assert!(table_use.whole_row || table_use.read.len() == 6, "{statement}");
        }
        let shape = read("select count(*) from shape_t");
        let table_use = shape.only("shape_t");
        assert!(table_use.read.is_empty() && !table_use.whole_row);
    }

    #[pg_test]
    fn shape_notes_updated_columns() {
        let updated = |statement: &str| -> Vec<(String, Vec<i16>)> {
            let shape = read(statement);
            let name = |table: usize| shape.names[table].clone();
            let updated = shape.extract.shape.updated.iter();
            updated.map(|(table, columns)| (name(*table), columns.clone())).collect()
        };
        let t = |columns: &[i16]| vec![("shape_t".to_owned(), columns.to_vec())];
        assert_eq!(updated("update shape_t set note = 'x', k = k + 1 where m = 3"), t(&[K, NOTE]));
        assert_eq!(
            updated("update shape_t set (m, day) = (1, '2020-01-01') from shape_u where t = k"),
            t(&[M, DAY])
        );
        assert!(updated("delete from shape_t where k = 3").is_empty());
        assert!(updated("insert into shape_t (k) select t from shape_u").is_empty());
        let modifying =
            "with u as (update shape_t set done = true where k = 1 returning id) table u";
        assert_eq!(updated(modifying), t(&[DONE]));
        let shape = read("update shape_t set note = 'x' where m = 3 and k > $1");
        let table_use = shape.only("shape_t");
        assert_eq!((&table_use.equal[..], &table_use.range[..]), (&[M][..], &[K][..]));
    }

    #[cfg(not(feature = "pg14"))]
    #[pg_test]
    fn shape_reads_merge() {
        let shape = read(
            "merge into shape_t as t using shape_u as u on t.id = u.t \
             when matched and u.x > 3 then update set m = 1, day = null \
             when not matched then insert (id) values (u.t)",
        );
        assert_eq!(shape.only("shape_t").join, [ID]);
        assert_eq!(shape.only("shape_u").join, [U_T]);
        assert_eq!(shape.extract.shape.updated.len(), 1);
        assert_eq!(shape.extract.shape.updated[0].1, [M, DAY]);
    }

    #[pg_test]
    fn shape_knows_what_parameters_meet() {
        let shape = read(
            "select id from shape_t where k = $1 and m in ($2, $3) and day >= $4 and $5 > day \
             and note like $6 and id <> $7 and day > now() - $8::interval \
             order by id limit $9 offset $10",
        );
        let params = shape.params();
        assert_eq!(params[&1], (Some(K), Some(Meets::Equal)));
        assert_eq!(params[&2], (Some(M), Some(Meets::In)));
        assert_eq!(params[&3], (Some(M), Some(Meets::In)));
        assert_eq!(params[&4], (Some(DAY), Some(Meets::Lower)));
        assert_eq!(params[&5], (Some(DAY), Some(Meets::Upper)));
        assert_eq!(params[&6], (Some(NOTE), Some(Meets::Pattern)));
        assert_eq!(params[&8].1, Some(Meets::Interval));
        assert_eq!(params[&9], (None, Some(Meets::Limit)));
        assert_eq!(params[&10], (None, Some(Meets::Offset)));
        let types: Vec<u32> = shape.extract.params.iter().map(|param| param.type_oid).collect();
        assert_eq!(types[0], pg_sys::INT4OID.to_u32());
        assert_eq!(types[3], pg_sys::DATEOID.to_u32());
        assert_eq!(types[7], pg_sys::INTERVALOID.to_u32());
        assert_eq!(types[8], pg_sys::INT8OID.to_u32());
        assert_eq!(params[&7], (Some(ID), Some(Meets::NotEqual)));
    }

    #[pg_test]
    fn shape_knows_parameters_behind_views_and_sublinks() {
        let shape = read(
            "select ex from shape_v where kay = $1 and exists \
             (select from shape_u as u where u.t = shape_v.uid and u.x between $2 and $3) \
             and note || $4 = 'x'",
        );
        let params = shape.params();
        assert_eq!(params[&1], (Some(K), Some(Meets::Equal)));
        assert_eq!(params[&2], (Some(U_X), Some(Meets::Lower)));
        assert_eq!(params[&3], (Some(U_X), Some(Meets::Upper)));
        assert_eq!(params[&4], (None, None));
    }

    #[pg_test]
    fn shape_lists_relations_of_all_kinds() {
        let shape = read("select 1 from shape_v, pg_class as c where c.relname = 'x'");
        let kinds: Vec<char> = shape.extract.relations.values().copied().collect();
        assert!(kinds.contains(&'v') && kinds.contains(&'r'), "{kinds:?}");
        assert!(!shape.names.contains(&"pg_class".to_owned()), "no advice on catalogs");
        assert_eq!(shape.names.len(), 2, "{:?}", shape.names);
    }
}
