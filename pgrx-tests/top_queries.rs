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
        for (order, column) in [("total_time", "total_ms"), ("mean_time", "mean_ms")] {
            let sorted: Option<bool> = Spi::get_one(&format!(
                "select bool_and(before is null or before >= now) from (
                     select {column} as now, lag({column}) over (order by place) as before
                     from mcp_top_queries('{order}', 50) with ordinality as t (
                         queryid, role, calls, total_ms, mean_ms, max_ms, stddev_ms, rows,
                         time_share, access_share, read_share, dirtied_share, wal_share,
                         blocks_hit, blocks_read, blocks_dirtied, blocks_temp, wal_bytes, toplevel,
                         stats_since, query, place)
                 ) as q",
            ))
            .unwrap();
            assert_eq!(sorted, Some(true), "{order}");
        }
    }

    #[pg_test(error = "\"calls\" is not a value of \"sort_by\"")]
    fn top_queries_order_that_is_none() {
        Spi::run("select * from mcp_top_queries('calls')").unwrap();
    }

    #[pg_test(error = "max_rows must be at least 1")]
    fn top_queries_no_rows() {
        Spi::run("select * from mcp_top_queries(max_rows => 0)").unwrap();
    }
}
