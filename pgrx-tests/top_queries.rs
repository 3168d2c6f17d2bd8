//! The dearest statements, within one backend. The statistics are the server's: other tests run
//! beside these, so nothing is reset and statements are found by a mark.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn top_queries_shares_add_up() {
        // This statement counts only when it has ended; those of the set-up are there already.
        let sum: Option<bool> = Spi::get_one(
            "select sum(time_share) between 0.999 and 1.001 \
             from mcp_top_queries('total_time', 1000000) where toplevel",
        )
        .unwrap();
        assert_eq!(sum, Some(true));
    }

    #[pg_test]
    fn top_queries_are_in_order() {
        let orders = [
            ("total_time", "total_ms"),
            ("mean_time", "mean_ms"),
            ("max_time", "max_ms"),
            ("stddev_time", "stddev_ms"),
            ("calls", "calls"),
            ("rows", "rows"),
            ("wal", "wal_bytes"),
            ("temp", "blocks_temp"),
        ];
        for (order, column) in orders {
            // Numbered as they come.
            let sorted: Option<bool> = Spi::get_one(&format!(
                "select coalesce(bool_and(before is null or before >= now), true) from (
                     select {column} as now, lag({column}) over (order by place) as before
                     from (
                         select t.*, row_number() over () as place
                         from mcp_top_queries('{order}', 50) as t
                     ) as numbered
                 ) as q",
            ))
            .unwrap();
            assert_eq!(sorted, Some(true), "{order}");
        }
    }

    #[pg_test(error = "\"queries\" is not a value of \"sort_by\"")]
    fn top_queries_order_that_is_none() {
        Spi::run("select * from mcp_top_queries('queries')").unwrap();
    }

    #[pg_test(error = "delta_seconds must be from 1 to 3600")]
    fn top_queries_interval_too_long() {
        Spi::run("select * from mcp_top_queries(delta_seconds => 3601)").unwrap();
    }

    #[pg_test(error = "max_rows must be at least 1")]
    fn top_queries_no_rows() {
        Spi::run("select * from mcp_top_queries(max_rows => 0)").unwrap();
    }
}
