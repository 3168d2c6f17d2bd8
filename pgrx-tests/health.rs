//! Health checks, within one backend.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    /// `severity object` of what a check finds in objects whose name begins with `prefix`.
    fn found(check: &str, prefix: &str) -> Vec<String> {
        let sql = format!(
            "select coalesce(array_agg(severity || ' ' || object), '{{}}') \
             from mcp_health('{{{check}}}') where object like '{prefix}%'"
        );
        Spi::get_one(&sql).unwrap().unwrap()
    }

    #[pg_test]
    fn health_finds_and_forgets_a_duplicate() {
        Spi::run(
            "create schema health_dup; create table health_dup.t (a integer, b integer);
             create index i1 on health_dup.t (a); create index i2 on health_dup.t (a)",
        )
        .unwrap();
        assert_eq!(found("duplicate_index", "health_dup."), ["warning health_dup.i2"]);
        Spi::run("drop index health_dup.i2").unwrap();
        assert!(found("duplicate_index", "health_dup.").is_empty());
    }

    #[pg_test]
    fn health_judges_sequences_by_their_columns() {
        Spi::run(
            "create schema health_seq; create table health_seq.t (id integer);
             create sequence health_seq.s; select setval('health_seq.s', 2000000000);
             alter table health_seq.t alter id set default nextval('health_seq.s')",
        )
        .unwrap();
        assert_eq!(found("sequence", "health_seq."), ["critical health_seq.s"]);
        Spi::run("alter table health_seq.t alter id type bigint").unwrap();
        assert!(found("sequence", "health_seq.").is_empty());
    }

    #[pg_test]
    fn health_has_a_row_for_every_check() {
        let checks: Option<i64> =
            Spi::get_one("select count(distinct check_name) from mcp_health()").unwrap();
        assert_eq!(checks, Some(advisor_sql::health::checks().count() as i64));
    }

    #[pg_test(error = "\"locks\" is not a value of \"checks\"")]
    fn health_check_that_is_none() {
        Spi::run("select * from mcp_health('{locks}')").unwrap();
    }

    #[pg_test(error = "\"checks\" must not contain null elements")]
    fn health_null_among_checks() {
        Spi::run("select * from mcp_health('{index,null}')").unwrap();
    }
}
