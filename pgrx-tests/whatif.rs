//! Planning with indexes that do not exist gives what EXPLAIN says once they do.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use std::collections::BTreeSet;

    use advisor_core::index_set::IndexSet;
    use advisor_core::model::{IndexKey, Method};
    use pgrx::prelude::*;

    use crate::sys::{self, Arena, Hypotheticals, IndexSpec, KeySpec};

    fn table() {
        Spi::run(
            "create table whatif_t as select g as id, g % 1000 as k, repeat('x', 50) as pad \
             from generate_series(1, 50000) as g; analyze whatif_t",
        )
        .unwrap();
    }

    fn explain_cost(query: &str) -> f64 {
        let json: Option<pgrx::Json> =
            Spi::get_one(&format!("explain (format json) {query}")).unwrap();
        json.unwrap().0[0]["Plan"]["Total Cost"].as_f64().unwrap()
    }

    #[pg_test]
    fn whatif_cost_without_candidates_is_explains() {
        table();
        let query = "select count(*) from whatif_t where k = 7";
        let arena = Arena::new();
        let statement = sys::analyze(&arena, query, &[]).unwrap();
        let binding = sys::bind(&arena, &[], &[]);
        let planned = sys::plan(
            &Arena::new(),
            &statement,
            &binding,
            &Hypotheticals::new(),
            &IndexSet::new(),
            &BTreeSet::new(),
        );
        assert!((planned.cost - explain_cost(query)).abs() < 0.01);
        assert!(planned.used.is_empty());
    }

    #[pg_test]
    fn whatif_cost_with_a_candidate_is_that_of_the_built_index() {
        table();
        let query = "select id from whatif_t where k = 7 and pad = 'x'";
        let arena = Arena::new();
        let statement = sys::analyze(&arena, query, &[]).unwrap();
        let binding = sys::bind(&arena, &[], &[]);
        let (scratch, hidden) = (Arena::new(), BTreeSet::new());
        Spi::run("create index whatif_i on whatif_t (k)").unwrap();
        let real = explain_cost(query);
        let size: Option<i64> = Spi::get_one("select pg_relation_size('whatif_i')").unwrap();
        let index: Option<pg_sys::Oid> = Spi::get_one("select 'whatif_i'::regclass::oid").unwrap();
        let relation: Option<pg_sys::Oid> =
            Spi::get_one("select 'whatif_t'::regclass::oid").unwrap();
        let hide: BTreeSet<u32> = [index.unwrap().to_u32()].into();
        let mut hypotheticals = Hypotheticals::new();
        hypotheticals.add(
            3,
            "ix_test",
            &[IndexSpec {
                relation: relation.unwrap().to_u32(),
                method: Method::Btree,
                keys: &[KeySpec::Column(IndexKey::asc(2))],
                condition: None,
                share: 1.0,
                include: &[],
                pages: size.unwrap() as f64 / 8192.0,
                tree_height: 1,
            }],
        );
        let offered: IndexSet = [3].into_iter().collect();
        let with_real =
            sys::plan(&scratch, &statement, &binding, &hypotheticals, &IndexSet::new(), &hidden);
        assert!((with_real.cost - real).abs() < 0.01);
        assert!(with_real.used_existing.contains(&index.unwrap().to_u32()));
        let hypothetical =
            sys::plan(&scratch, &statement, &binding, &hypotheticals, &offered, &hide);
        assert_eq!(hypothetical.used, offered);
        assert!((hypothetical.cost - real).abs() < 0.01, "{} {real}", hypothetical.cost);
        let without =
            sys::plan(&scratch, &statement, &binding, &hypotheticals, &IndexSet::new(), &hide);
        assert!(without.cost > real * 2.0);
    }

    #[pg_test]
    fn whatif_parameters_are_planned_as_values() {
        Spi::run(
            "create table whatif_skew as select case when g <= 49000 then 1 else g end as k \
             from generate_series(1, 50000) as g; create index on whatif_skew (k); \
             analyze whatif_skew",
        )
        .unwrap();
        let arena = Arena::new();
        let statement =
            sys::analyze(&arena, "select * from whatif_skew where k = $1", &[]).unwrap();
        assert_eq!(statement.param_types, vec![pg_sys::INT4OID.to_u32()]);
        let cost = |value: &str| {
            let source = sys::Source::Text(value.to_owned());
            let binding = sys::bind(&arena, &statement.param_types, &[source]);
            let none = (Hypotheticals::new(), IndexSet::new(), BTreeSet::new());
            sys::plan(&Arena::new(), &statement, &binding, &none.0, &none.1, &none.2).cost
        };
        let (common, rare) = (cost("1"), cost("49500"));
        assert!((common - explain_cost("select * from whatif_skew where k = 1")).abs() < 0.01);
        assert!((rare - explain_cost("select * from whatif_skew where k = 49500")).abs() < 0.01);
        assert!(common > 10.0 * rare);
    }

    #[pg_test]
    fn whatif_analyze_reports_the_position_of_an_error() {
        let arena = Arena::new();
        let error = sys::analyze(&arena, "select 1 from nowhere", &[]).err().unwrap();
        assert_eq!(error.code, PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE);
        assert_eq!(error.position, Some(15));
        let error = sys::analyze(&arena, "select date $1", &[]).err().unwrap();
        assert_eq!(error.code, PgSqlErrorCode::ERRCODE_SYNTAX_ERROR);
        assert_eq!(error.position, Some(13));
        assert!(sys::analyze(&arena, "select 1; select 2", &[]).is_err());
        assert!(sys::analyze(&arena, "", &[]).is_err());
        assert!(!sys::analyze(&arena, "create table x (a int)", &[]).ok().unwrap().plannable);
    }

    #[pg_test]
    fn whatif_folded_functions_do_not_see_hypothetical_indexes() {
        table();
        // The function plans and runs a query on the same table while our planner call folds it;
        // being immutable it runs with the test's own snapshot, which does not see the rows yet.
        Spi::run(
            "create function whatif_f() returns int immutable language plpgsql as \
             $$ begin return coalesce((select id from whatif_t where k = 7 limit 1), 7); end $$",
        )
        .unwrap();
        let relation: Option<pg_sys::Oid> =
            Spi::get_one("select 'whatif_t'::regclass::oid").unwrap();
        let arena = Arena::new();
        let statement =
            sys::analyze(&arena, "select * from whatif_t where k = whatif_f()", &[]).unwrap();
        let mut hypotheticals = Hypotheticals::new();
        hypotheticals.add(
            0,
            "ix_test",
            &[IndexSpec {
                relation: relation.unwrap().to_u32(),
                method: Method::Btree,
                keys: &[KeySpec::Column(IndexKey::asc(2))],
                condition: None,
                share: 1.0,
                include: &[],
                pages: 50.0,
                tree_height: 1,
            }],
        );
        let offered: IndexSet = [0].into_iter().collect();
        let binding = sys::bind(&arena, &[], &[]);
        let planned = sys::plan(
            &Arena::new(),
            &statement,
            &binding,
            &hypotheticals,
            &offered,
            &BTreeSet::new(),
        );
        assert_eq!(planned.used, offered);
    }
}
