//! Given indexes judged for a workload, within one backend.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    fn report(call: &str) -> serde_json::Value {
        let report: Option<pgrx::JsonB> = Spi::get_one(&format!("select {call}")).unwrap();
        report.unwrap().0
    }

    fn tables() {
        Spi::run(
            "create table wi_t as select g as id, g % 1000 as k, repeat('x', 50) as pad \
             from generate_series(1, 50000) as g; \
             create table wi_u as select g as id, g % 90 as k from generate_series(1, 9000) as g; \
             analyze wi_t; analyze wi_u",
        )
        .unwrap();
    }

    #[pg_test]
    fn whatif_indexes_of_no_indexes_is_the_cost_before() {
        tables();
        let queries = "array['select * from wi_t where k = 7', 'select * from wi_u where k = 7']";
        let report = report(&format!("mcp_whatif_indexes('{{}}', {queries})"));
        assert!(report["cost_before"].as_f64().unwrap() > 0.0);
        assert_eq!(report["cost_before"], report["cost_after"]);
        assert_eq!(report["index_bytes"], 0);
    }

    #[pg_test]
    fn whatif_indexes_costs_are_those_of_explain() {
        tables();
        let (query, index) = ("select pad from wi_t where k = 7", "create index on wi_t (k)");
        let report = report(&format!("mcp_whatif_indexes(array['{index}'], array['{query}'])"));
        let text: Option<String> =
            Spi::get_one(&format!("select mcp_explain('{query}', array['{index}'])")).unwrap();
        let cost = |key: &str| report["queries"][0][key].as_f64().unwrap();
        let head = format!("cost {:.2} -> {:.2}\n", cost("cost_before"), cost("cost_after"));
        assert!(text.clone().unwrap().starts_with(&head), "{head}{}", text.unwrap());
    }

    #[pg_test]
    fn whatif_indexes_on_other_tables_change_nothing() {
        tables();
        let call = "mcp_whatif_indexes(array['create index on wi_u (k)'], \
                    array['select pad from wi_t where k = 7'])";
        let report = report(call);
        assert_eq!(report["cost_before"], report["cost_after"]);
        assert!(report["index_bytes"].as_i64().unwrap() > 0);
        assert_eq!(report["indexes"][0]["used_by"], serde_json::json!([]));
        assert_eq!(report["tables"].as_array().unwrap().len(), 2);
    }
}
