//! The plan of a statement with other indexes, within one backend.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    use advisor_core::model::Method;

    use crate::sys::{self, KeyText};

    fn table() {
        Spi::run(
            "create table exp_t as select g as id, g % 1000 as k, repeat('x', 50) as pad \
             from generate_series(1, 50000) as g; analyze exp_t",
        )
        .unwrap();
    }

    fn json(call: &str) -> serde_json::Value {
        let text: Option<String> = Spi::get_one(call).unwrap();
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    fn cost(plan: &serde_json::Value) -> f64 {
        plan[0]["Plan"]["Total Cost"].as_f64().unwrap()
    }

    #[pg_test]
    fn explain_cost_with_a_hypothetical_index_is_that_of_the_built_one() {
        table();
        let query = "select pad from exp_t where k = 7 and id > 100";
        for columns in ["k", "k, id", "k desc, id nulls first", "k) include (pad"] {
            let index = format!("create index exp_i on exp_t ({columns})");
            let tried =
                json(&format!("select mcp_explain('{query}', array['{index}'], format => 'json')"));
            Spi::run(&index).unwrap();
            let built: Option<pgrx::Json> =
                Spi::get_one(&format!("explain (format json) {query}")).unwrap();
            let built = built.unwrap().0;
            Spi::run("drop index exp_i").unwrap();
            assert!(tried.to_string().contains("\"Index Name\":\"exp_i\""), "{tried}");
            let (tried, built) = (cost(&tried), cost(&built));
            assert!((tried - built).abs() <= 0.005 * built, "{columns}: {tried} {built}");
        }
    }

    #[pg_test]
    fn explain_with_a_hidden_index_is_that_without_it() {
        table();
        let query = "select * from exp_t where k = 7";
        let explain = format!("select mcp_explain('{query}', format => 'json')");
        let without = json(&explain);
        Spi::run("create index exp_i on exp_t (k)").unwrap();
        let hidden = json(&format!(
            "select mcp_explain('{query}', hide_indexes => '{{exp_i}}', format => 'json')"
        ));
        assert_eq!(without, hidden);
        assert!(cost(&json(&explain)) < 0.5 * cost(&hidden));
    }

    #[pg_test]
    fn explain_reads_definitions_of_indexes() {
        Spi::run("create table exp_d (a int, b text, c date, \"D e\" numeric)").unwrap();
        let read = |columns: &str| {
            sys::read_index(&format!("create index on exp_d ({columns})"), || ()).unwrap()
        };
        let index = read("c desc, a nulls first, \"D e\" desc nulls last) include (b, a, b");
        let plain = |key: &KeyText| match key {
            KeyText::Column(key) => (key.column, key.descending, key.nulls_first),
            KeyText::Element { .. } => panic!("{key:?}"),
        };
        let keys: Vec<(i16, bool, bool)> = index.keys.iter().map(plain).collect();
        assert_eq!(keys, [(3, true, true), (1, false, true), (4, true, false)]);
        assert_eq!((index.include, index.name), (vec![2], None));
        assert_eq!(index.column_names, ["c", "a", "D e", "b"]);
        assert_eq!(index.table_name, "exp_d");
        let error = sys::read_index("create index on exp_d (a b c)", || ()).unwrap_err();
        assert_eq!((error.code, error.position), (PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, Some(28)));
        let error = sys::read_index("create unique index on exp_d (a)", || ()).unwrap_err();
        assert_eq!(error.code, PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED);
        assert!(sys::read_index("create index on exp_d (a)\0", || ()).is_err());
    }

    #[pg_test]
    fn explain_reads_any_kind_of_index() {
        Spi::run("create table exp_k (a int, b text, c jsonb)").unwrap();
        let read = |rest: &str| sys::read_index(&format!("create index on exp_k {rest}"), || ());
        let index = read("(lower(b) desc, b text_pattern_ops) where a is null").unwrap();
        let sql = |key: &KeyText| match key {
            KeyText::Element { element, .. } => (element.sql.clone(), element.opclass.clone()),
            KeyText::Column(_) => panic!("{key:?}"),
        };
        let keys: Vec<_> = index.keys.iter().map(sql).collect();
        let class = Some("text_pattern_ops".to_owned());
        assert_eq!(keys, [("lower(b)".to_owned(), None), ("b".to_owned(), class)]);
        assert_eq!(index.condition.unwrap().sql, "((a IS NULL))");
        assert_eq!(read("using gin (c)").unwrap().method, Method::Gin);
        let code = |rest: &str| read(rest).unwrap_err().code;
        assert_eq!(code("(random())"), PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION);
        assert_eq!(code("(nothing)"), PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN);
        assert_eq!(
            code("using gist (a) include (b)"),
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED
        );
    }

    #[pg_test]
    fn explain_analyze_restores_what_it_makes_read_only() {
        Spi::run("create table exp_w (a int)").unwrap();
        let text: Option<String> =
            Spi::get_one("select mcp_explain('select * from exp_w', \"analyze\" => true)").unwrap();
        assert!(text.unwrap().contains("actual time"));
        Spi::run("insert into exp_w values (1)").unwrap();
        let failed = sys::subtransaction(true, || {
            Spi::run(
                "select mcp_explain('select 1 / a - 1 / (a - 1) from exp_w', '{}', '{}', true)",
            )
        });
        assert_eq!(failed.unwrap_err().code, PgSqlErrorCode::ERRCODE_DIVISION_BY_ZERO);
        Spi::run("insert into exp_w values (2)").unwrap();
    }

    #[pg_test(error = "cannot execute a statement that writes to explain it")]
    fn explain_analyze_of_a_write_is_refused() {
        Spi::run("create table exp_r (a int)").unwrap();
        Spi::run("select mcp_explain('delete from exp_r', \"analyze\" => true)").unwrap();
    }
}
