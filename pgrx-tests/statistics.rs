//! Advice on statistics: what is wrong is found, what is right is not, and the advice mends it.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;
    use serde_json::Value;

    fn advice(queries: &[&str]) -> Vec<Value> {
        let list: Vec<String> = queries.iter().map(|query| format!("$q${query}$q$")).collect();
        let sql = format!(
            "select coalesce(jsonb_agg(a), '[]') from mcp_advise_statistics(array[{}]) as a",
            list.join(", ")
        );
        let rows: Option<pgrx::JsonB> = Spi::get_one(&sql).unwrap();
        rows.unwrap().0.as_array().unwrap().clone()
    }

    fn run(sql: &str) {
        Spi::run(sql).unwrap();
    }

    /// The city follows from the zip code; the day has nothing to do with either.
    fn addresses() {
        run("create table stat_a as select g as id, g % 500 as zip, g % 500 / 5 as city, \
             g / 500 % 100 as day, repeat('x', 40) as pad from generate_series(1, 100000) as g; \
             analyze stat_a");
    }

    #[pg_test]
    fn statistics_of_dependent_columns_are_advised_and_mend() {
        addresses();
        let query = "select * from stat_a where zip = 7 and city = 1";
        let found = advice(&[query]);
        assert_eq!(found.len(), 1, "{found:#?}");
        let one = &found[0];
        assert_eq!(one["relation"], "stat_a", "{one}");
        assert!(one["kind"].as_str().unwrap().starts_with("dependencies"), "{one}");
        assert!(one["ratio"].as_f64().unwrap() > 20.0, "{one}");
        let sampled = one["sampled_rows"].as_f64().unwrap();
        assert!((sampled / 200.0 - 1.0).abs() < 0.2, "{one}");
        assert_eq!(one["queries"], serde_json::json!([1]), "{one}");
        run(one["ddl"].as_str().unwrap());
        assert_eq!(advice(&[query]), Vec::<Value>::new());
    }

    #[pg_test]
    fn statistics_of_independent_columns_are_not_advised() {
        addresses();
        // Neither of two that have nothing to do with each other, nor of one, nor of ranges.
        let found = advice(&[
            "select * from stat_a where city = 1 and day = 7",
            "select * from stat_a where zip = 7",
            "select * from stat_a where zip < 7 and city < 2",
            "select city, day, count(*) from stat_a group by city, day",
        ]);
        assert_eq!(found, Vec::<Value>::new());
    }

    #[pg_test]
    fn statistics_of_groups_are_advised_and_mend() {
        addresses();
        let query = "select zip, city, count(*) from stat_a group by zip, city";
        let found = advice(&[query]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0]["kind"], "ndistinct", "{}", found[0]);
        assert_eq!(found[0]["sampled_rows"], 500.0, "{}", found[0]);
        run(found[0]["ddl"].as_str().unwrap());
        assert_eq!(advice(&[query]), Vec::<Value>::new());
    }

    #[pg_test]
    fn statistics_out_of_date_are_to_be_collected() {
        run("create table stat_s as select g as id, 1 as k, g % 50 as m, repeat('x', 40) as pad \
             from generate_series(1, 50000) as g; analyze stat_s; \
             truncate stat_s; insert into stat_s select g, g % 47 + 100, g % 50, repeat('x', 40) \
             from generate_series(1, 50000) as g");
        let query = "select * from stat_s where k = 107 and m = 7";
        let found = advice(&[query]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0]["kind"], "analyze", "{}", found[0]);
        assert!(found[0]["reason"].as_str().unwrap().contains("same value of k"), "{}", found[0]);
        run(found[0]["ddl"].as_str().unwrap());
        let left = advice(&["select * from stat_s where k = 107"]);
        assert_eq!(left, Vec::<Value>::new());
    }

    #[pg_test]
    fn statistics_never_collected_are_missed() {
        run("create table stat_n as select g as id from generate_series(1, 5000) as g; \
             create table stat_o as select g as id from generate_series(1, 5000) as g; \
             analyze stat_o");
        let found =
            advice(&["select * from stat_n where id = 7", "select * from stat_o where id = 7"]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0]["ddl"], "ANALYZE public.stat_n", "{}", found[0]);
        assert_eq!(found[0]["ratio"], Value::Null, "{}", found[0]);
        assert_eq!(found[0]["queries"], serde_json::json!([1]), "{}", found[0]);
    }

    #[pg_test]
    fn statistics_say_whether_a_plan_would_change() {
        run("create table stat_c as select g as id, g % 50 as zip, g % 50 / 5 as city, \
             repeat('x', 40) as pad from generate_series(1, 100000) as g; \
             create table stat_b as select g as id, g % 100000 + 1 as c_id, repeat('y', 40) as pad \
             from generate_series(1, 400000) as g; create index on stat_b (c_id); \
             analyze stat_b, stat_c; set max_parallel_workers_per_gather = 0");
        // For two hundred rows a nested loop is best, for two thousand it is not.
        let join = "select * from stat_c as c join stat_b as b on b.c_id = c.id \
                    where c.zip = 7 and c.city = 1";
        let one = &advice(&[join])[0];
        assert_eq!(one["plan_changes"], true, "{one}");
        // A plan that has nothing to choose from stays what it is.
        let scan = &advice(&["select * from stat_c where zip = 7 and city = 1"])[0];
        assert_eq!(scan["plan_changes"], false, "{scan}");
    }

    #[pg_test]
    fn statistics_of_odd_names_and_values_run_as_printed() {
        run("create schema \"Stat S\"; create table \"Stat S\".\"T t\" as \
             select 'o''\\' || g % 200 as \"A b\", 'x\"' || g % 200 / 4 as \"select\" \
             from generate_series(1, 50000) as g; analyze \"Stat S\".\"T t\"");
        let query = "select * from \"Stat S\".\"T t\" where \"A b\" = 'o' and \"select\" = 'x'";
        let found = advice(&[query]);
        assert_eq!(found.len(), 1, "{found:#?}");
        run(found[0]["ddl"].as_str().unwrap());
        assert_eq!(advice(&[query]), Vec::<Value>::new());
    }

    #[pg_test]
    fn statistics_advice_is_in_the_report() {
        addresses();
        let report: Option<pgrx::JsonB> = Spi::get_one(
            "select mcp_advise_report(array['select * from stat_a where zip = 7 and city = 1'])",
        )
        .unwrap();
        let report = report.unwrap().0;
        assert_eq!(report["statistics_advice"].as_array().unwrap().len(), 1, "{report}");
        assert_eq!(report["statistics_age"][0]["relation"], "public.stat_a", "{report}");
        let front = report["pareto_front"].as_array().unwrap();
        assert_eq!(front.iter().filter(|point| point["knee"] == true).count(), 1, "{report}");
        assert_eq!(front.iter().filter(|point| point["advised"] == true).count(), 1, "{report}");
        for point in front {
            assert_eq!(
                point["ddl"].as_array().map(Vec::len),
                point["indexes"].as_array().map(Vec::len)
            );
        }
    }
}
