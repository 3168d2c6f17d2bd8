//! What writing costs, by the statements of a list: within one transaction nothing is counted yet.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    const READ: &str = "select pad from wr_t where k = 7";

    fn table() {
        Spi::run(
            "create table wr_t (id integer primary key, k integer, n integer, pad text); \
             insert into wr_t select g, g % 1000, g % 7, repeat('x', 50) \
             from generate_series(1, 50000) as g; \
             analyze wr_t",
        )
        .unwrap();
    }

    fn report(queries: &[&str]) -> serde_json::Value {
        let list: Vec<String> = queries.iter().map(|query| format!("$q${query}$q$")).collect();
        let sql = format!(
            "select mcp_advise_report(array[{}], min_improvement => 0, pareto_ratio => 0, \
             plans => false)",
            list.join(", ")
        );
        let report: Option<pgrx::JsonB> = Spi::get_one(&sql).unwrap();
        report.unwrap().0
    }

    fn number(report: &serde_json::Value, key: &str) -> f64 {
        report["indexes"][0][key].as_f64().unwrap()
    }

    #[pg_test]
    fn writes_of_the_list_decide_against_an_index() {
        table();
        let load = "insert into wr_t select g, g, g, 'x' from generate_series(1, 1000000) as g";
        let with_writes = report(&[READ, load]);
        assert!(with_writes["indexes"].as_array().unwrap().is_empty(), "{with_writes}");
        let declined = &with_writes["declined"][0];
        assert!(declined["write_cost"].as_f64() > declined["saves"].as_f64(), "{declined}");
        Spi::run("set mcp_advisor.write_weight = 0").unwrap();
        // Without its price the index is one again: the statement is no part of what it saves.
        let sql = format!("select count(*) from mcp_advise_indexes(array[$q${READ}$q$])");
        assert_eq!(Spi::get_one::<i64>(&sql).unwrap(), Some(1));
        let free = report(&[READ, "insert into wr_t values (0, 0, 0, 'x')"]);
        assert_eq!(number(&free, "write_cost"), 0.0);
        assert!(number(&free, "wal_bytes_per_second") > 0.0, "{free}");
    }

    #[pg_test]
    fn writes_of_an_insert_are_in_its_own_cost() {
        table();
        let report = report(&[READ, "insert into wr_t values (0, 0, 0, 'x')"]);
        assert_eq!(report["indexes"].as_array().unwrap().len(), 1, "{report}");
        let query = &report["queries"][1];
        let cost = |key: &str| query[key].as_f64().unwrap();
        assert!(cost("write_cost") > 0.0, "{query}");
        assert!((cost("cost_after") - cost("cost_before") - cost("write_cost")).abs() < 1e-9);
        assert_eq!(report["indexes"][0]["regressed_queries"], serde_json::json!([2]));
        assert_eq!(report["queries"][0]["write_cost"], 0.0);
    }

    #[pg_test]
    fn writes_lose_heap_only_updates_of_what_is_stored() {
        table();
        let updates =
            ["update wr_t set k = k + 1 where id = 5", "update wr_t set n = 0 where id = 5"];
        let one = report(&[READ, updates[0]]);
        assert_eq!(
            (number(&one, "hot_updates_lost"), one["indexes"][0]["breaks_hot"].as_bool()),
            (1.0, Some(true))
        );
        let reason = one["indexes"][0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("100 % of the table's updates"), "{reason}");
        assert_eq!(number(&report(&[READ, updates[1]]), "hot_updates_lost"), 0.0);
        assert_eq!(number(&report(&[READ, updates[0], updates[1]]), "hot_updates_lost"), 0.5);
        // Those of a column that is stored anyway are not there to be lost.
        Spi::run("create index on wr_t (k, n)").unwrap();
        let list = ["select pad from wr_t where n = 3 and id between 5 and 4000", updates[0]];
        for index in report(&list)["indexes"].as_array().unwrap() {
            assert_eq!(index["hot_updates_lost"], 0.0, "{index}");
        }
    }

    #[pg_test]
    fn writes_of_what_is_dropped_come_back() {
        table();
        Spi::run("create index wr_old on wr_t (k); analyze wr_t").unwrap();
        let read = "select n from wr_t where k = 7 and n = 3 and pad > 'a' order by id limit 1";
        let report = report(&[
            "select count(*) from wr_t where k = 7 and n = 3",
            read,
            "insert into wr_t values (0, 0, 0, 'x')",
        ]);
        for index in report["indexes"].as_array().unwrap() {
            let replaces = index["replaces"].as_array().unwrap();
            if index["columns"][0] == "k" {
                assert_eq!(replaces.len(), 1, "{index}");
                assert_eq!(report["drops"][0]["index"], "public.wr_old");
                // As large as the one that goes, or a little larger: hardly anything is added.
                assert!(index["write_cost"].as_f64().unwrap() < 1.0, "{index}");
            }
        }
        assert!(!report["indexes"].as_array().unwrap().is_empty(), "{report}");
    }
}
