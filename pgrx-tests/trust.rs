//! Statistics that the planner is handed in place of its own, and what the advice makes of them.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use advisor_core::index_set::IndexSet;
    use pgrx::prelude::*;
    use serde_json::Value;

    use crate::sys::{self, Arena, Hypotheticals, Perturbation};

    fn cost(query: &str, assumed: &Perturbation) -> f64 {
        let arena = Arena::new();
        let statement = sys::analyze(&arena, query, &[]).unwrap();
        let binding = sys::bind(&arena, &[], &[]);
        let (none, offered, hidden) = (Hypotheticals::new(), IndexSet::new(), BTreeSet::new());
        sys::perturbed(assumed, || {
            sys::plan(&Arena::new(), &statement, &binding, &none, &offered, &hidden).cost
        })
    }

    fn explain_cost(query: &str) -> f64 {
        let json: Option<pgrx::Json> =
            Spi::get_one(&format!("explain (format json) {query}")).unwrap();
        json.unwrap().0[0]["Plan"]["Total Cost"].as_f64().unwrap()
    }

    /// EXPLAIN's cost, which it prints with two digits, is this.
    fn unchanged(query: &str, cost: f64) {
        let explained = explain_cost(query);
        assert!((explained - cost).abs() < 0.01, "{explained} {cost}");
    }

    fn table() {
        Spi::run(
            "create table trust_t as select g as id, g % 1000 as k, g % 10 as m, g * 7919 % 50000 as r, \
             repeat('x', 80) as pad from generate_series(1, 50000) as g; \
             create index trust_k on trust_t (k); create index trust_id on trust_t (id); \
             analyze trust_t",
        )
        .unwrap();
    }

    #[pg_test]
    fn trust_no_perturbation_changes_nothing() {
        table();
        let query = "select * from trust_t where k = 7 order by id";
        unchanged(query, cost(query, &Perturbation::default()));
    }

    #[pg_test]
    fn trust_a_larger_table_costs_in_proportion() {
        table();
        let query = "select * from trust_t";
        let plain = cost(query, &Perturbation::default());
        let larger = cost(query, &Perturbation { size: 4.0, ..Perturbation::default() });
        assert!((larger / plain - 4.0).abs() < 0.05, "{plain} {larger}");
        let smaller = cost(query, &Perturbation { size: 0.25, ..Perturbation::default() });
        assert!((smaller / plain - 0.25).abs() < 0.05, "{plain} {smaller}");
        // It was for that call only.
        unchanged(query, plain);
    }

    #[pg_test]
    fn trust_values_with_more_rows_cost_more_to_look_up() {
        table();
        let query = "select * from trust_t where k = 7";
        let plain = cost(query, &Perturbation::default());
        let more = cost(query, &Perturbation { per_value: 4.0, ..Perturbation::default() });
        let less = cost(query, &Perturbation { per_value: 0.25, ..Perturbation::default() });
        assert!(more > plain * 2.0 && less < plain * 0.5, "{less} {plain} {more}");
        unchanged(query, plain);
    }

    #[pg_test]
    fn trust_scattered_rows_cost_more_where_they_lay_in_order() {
        table();
        let scattered = Perturbation { scattered: true, ..Perturbation::default() };
        Spi::run("set enable_seqscan = off; set enable_bitmapscan = off").unwrap();
        let query = "select * from trust_t where id between 100 and 5000";
        let (plain, changed) = (cost(query, &Perturbation::default()), cost(query, &scattered));
        assert!(changed > plain * 3.0, "{plain} {changed}");
        // Near miss: where they did not, nothing changes.
        Spi::run("create index on trust_t (r); analyze trust_t").unwrap();
        let query = "select * from trust_t where r between 100 and 5000";
        let (plain, changed) = (cost(query, &Perturbation::default()), cost(query, &scattered));
        assert!((changed / plain - 1.0).abs() < 0.05, "{plain} {changed}");
    }

    #[pg_test]
    fn trust_a_single_column_is_corrected() {
        table();
        // m follows from k: each pair that occurs has ten times the rows that are estimated.
        let query = "select * from trust_t where k = 7 and m = 7 order by pad";
        let relation: Option<pg_sys::Oid> =
            Spi::get_one("select 'trust_t'::regclass::oid").unwrap();
        let columns: BTreeMap<_, _> = [((relation.unwrap().to_u32(), 3), 10.0)].into();
        let corrected = Perturbation { columns, ..Perturbation::default() };
        let one = cost("select * from trust_t where k = 7 order by pad", &Perturbation::default());
        let (plain, changed) = (cost(query, &Perturbation::default()), cost(query, &corrected));
        assert!(plain < changed && (changed / one - 1.0).abs() < 0.05, "{plain} {changed} {one}");
    }

    #[pg_test]
    fn trust_statistics_that_may_not_be_read_stay_unread() {
        table();
        Spi::run(
            "create role trust_stranger; grant select (id, pad) on trust_t to trust_stranger; \
             create function trust_leak(a integer, b integer) returns boolean language plpgsql \
             as $$ begin raise exception 'saw %', a; end $$; \
             create operator === (function = trust_leak, leftarg = integer, rightarg = integer, \
             restrict = eqsel); set role trust_stranger",
        )
        .unwrap();
        let assumed = Perturbation { per_value: 4.0, ..Perturbation::default() };
        // Not shown to the operator's function, so nothing is raised.
        let query = "select id from trust_t where m === 7";
        assert!(cost(query, &assumed) > 0.0);
        Spi::run("reset role; grant select (m) on trust_t to trust_stranger").unwrap();
        Spi::run("set role trust_stranger").unwrap();
        let seen = sys::subtransaction(true, || cost(query, &assumed));
        let message = seen.err().map(|error| error.message).unwrap_or_default();
        assert!(message.starts_with("saw "), "{message}");
    }

    fn advice(query: &str) -> (String, Value) {
        let sql = format!(
            "select jsonb_build_object('confidence', confidence, 'detail', confidence_detail) \
             from mcp_advise_indexes(array[$q${query}$q$], pareto_ratio => 0)"
        );
        let row: Option<pgrx::JsonB> = Spi::get_one(&sql).unwrap();
        let row = row.expect("no advice").0;
        (row["confidence"].as_str().unwrap().to_owned(), row["detail"].clone())
    }

    #[pg_test]
    fn trust_an_index_for_one_lucky_value_says_so() {
        Spi::run(
            "create table trust_skew as select case when g <= 48000 then 1 else g end as k, \
             g % 5000 as even, repeat('x', 80) as pad from generate_series(1, 50000) as g; \
             analyze trust_skew",
        )
        .unwrap();
        let (grade, detail) = advice("select * from trust_skew where k = $1");
        assert_eq!(grade, "low", "{detail}");
        assert_eq!(detail["values_tested"], 9, "{detail}");
        assert!(detail["values_gaining"].as_u64().unwrap() <= 2, "{detail}");
        assert!(detail["reasons"][0].as_str().unwrap().contains("only"), "{detail}");
        // Near miss: the same statement on a column whose values are alike.
        let (grade, detail) = advice("select * from trust_skew where even = $1");
        assert_eq!(grade, "high", "{detail}");
        assert_eq!(detail["values_gaining"], detail["values_tested"], "{detail}");
        assert_eq!(detail["assumed"].as_array().unwrap().len(), 6, "{detail}");
        assert_eq!(detail["reasons"], serde_json::json!([]), "{detail}");
    }
}
