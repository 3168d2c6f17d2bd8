//! Schemas and objects, within one backend: what a transaction sees of its own work.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::JsonB;
    use pgrx::prelude::*;

    fn object(name: &str, kind: &str) -> serde_json::Value {
        let sql = format!("select mcp_object('schema_own', '{name}', '{kind}')");
        let JsonB(object) = Spi::get_one(&sql).unwrap().unwrap();
        object
    }

    #[pg_test]
    fn schema_shows_what_the_transaction_made() {
        Spi::run(
            "create schema schema_own; create table schema_own.t (a integer primary key, b text);
             insert into schema_own.t select g, 'x' from generate_series(1, 1000) as g;
             create table schema_own.child (a integer references schema_own.t)",
        )
        .unwrap();
        let names: Option<Vec<String>> =
            Spi::get_one("select array_agg(name) from mcp_objects('schema_own')").unwrap();
        assert_eq!(names, Some(vec!["child".to_owned(), "t".to_owned()]));
        // This session's own lock on its new table does not hide the size.
        let right: Option<bool> = Spi::get_one(
            "select size_bytes = pg_total_relation_size('schema_own.t') \
             from mcp_objects('schema_own') where name = 't'",
        )
        .unwrap();
        assert_eq!(right, Some(true));
        let table = object("t", "table");
        assert_eq!(table["columns"][0]["name"], "a");
        assert_eq!(table["referenced_by"][0]["table"], "schema_own.child");
        assert_eq!(object("child", "table")["constraints"][0]["references"], "schema_own.t");
    }

    #[pg_test]
    fn schema_calls_leave_settings_as_they_were() {
        Spi::run("set local search_path = public, pg_temp; set local lock_timeout = '7s'").unwrap();
        Spi::run("select mcp_schemas(); select mcp_objects('public'); select mcp_health()")
            .unwrap();
        let settings: Option<String> = Spi::get_one(
            "select current_setting('search_path') || ' ' || current_setting('lock_timeout')",
        )
        .unwrap();
        assert_eq!(settings, Some("public, pg_temp 7s".to_owned()));
    }

    #[pg_test(error = "table \"public.schema_nothing\" does not exist")]
    fn schema_object_that_is_not_there() {
        Spi::run("select mcp_object('public', 'schema_nothing')").unwrap();
    }

    #[pg_test(error = "schema \"schema_nowhere\" does not exist")]
    fn schema_that_is_not_there() {
        Spi::run("select * from mcp_objects('schema_nowhere')").unwrap();
    }

    #[pg_test(error = "\"tables\" is not a value of \"kind\"")]
    fn schema_kind_that_is_none() {
        Spi::run("select * from mcp_objects('public', 'tables')").unwrap();
    }

    /// The flags of the functions, which the planner relies on.
    #[pg_test]
    fn schema_functions_are_marked_right() {
        let flags: Option<String> = Spi::get_one(
            "select string_agg(concat(p.proname, ' ', p.provolatile, p.proparallel, p.proisstrict), ', '
                 order by p.proname)
             from pg_proc as p
             where p.proname in
                 ('mcp_schemas', 'mcp_objects', 'mcp_object', 'mcp_top_queries', 'mcp_health')",
        )
        .unwrap();
        assert_eq!(
            flags.as_deref(),
            Some(
                "mcp_health vuf, mcp_object srf, mcp_objects srf, mcp_schemas srt, \
                 mcp_top_queries vuf"
            )
        );
    }

    #[pg_test]
    fn schema_functions_have_comments() {
        let bare: Option<i64> = Spi::get_one(
            "select count(*) from pg_proc as p
             where p.proname in
                 ('mcp_schemas', 'mcp_objects', 'mcp_object', 'mcp_top_queries', 'mcp_health')
                 and obj_description(p.oid, 'pg_proc') is null",
        )
        .unwrap();
        assert_eq!(bare, Some(0));
    }
}
