//! The SQL functions of the advisor, within one backend.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn advise_finds_the_obvious_index() {
        Spi::run(
            "create table adv_t as select g as id, g % 5000 as k, repeat('x', 80) as pad \
             from generate_series(1, 100000) as g; analyze adv_t",
        )
        .unwrap();
        let columns: Option<Vec<String>> = Spi::get_one(
            "select columns from mcp_advise_indexes(array['select * from adv_t where k = 42'])",
        )
        .unwrap();
        assert_eq!(columns, Some(vec!["k".to_owned()]));
    }

    #[pg_test]
    fn advise_is_silent_about_what_an_index_serves_already() {
        Spi::run(
            "create table adv_s as select g as id, g % 5000 as k, repeat('x', 80) as pad \
             from generate_series(1, 100000) as g; create index on adv_s (k); analyze adv_s",
        )
        .unwrap();
        let rows: Option<i64> = Spi::get_one(
            "select count(*) from mcp_advise_indexes(array['select * from adv_s where k = 42'])",
        )
        .unwrap();
        assert_eq!(rows, Some(0));
    }

    #[pg_test]
    fn advise_twice_gives_the_same_rows() {
        Spi::run(
            "create table adv_d as select g as id, g % 5000 as k, g % 77 as m, repeat('x', 80) as pad \
             from generate_series(1, 100000) as g; analyze adv_d",
        )
        .unwrap();
        let run = || -> Option<String> {
            Spi::get_one(
                "select string_agg(a::text, E'\\n') from mcp_advise_indexes(array[\
                 'select * from adv_d where k = 42 and m > 3', \
                 'select m, count(*) from adv_d where k between 1 and 9 group by m'], \
                 min_improvement => 0, pareto_ratio => 0) as a",
            )
            .unwrap()
        };
        let first = run();
        assert!(first.is_some());
        assert_eq!(first, run());
    }
}
