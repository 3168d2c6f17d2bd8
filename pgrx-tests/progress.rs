//! The setting that asks for progress; what arrives at a client is tested end to end.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn progress_is_off_and_anybody_may_set_it() {
        let setting: Option<String> = Spi::get_one(
            "select context || ' ' || boot_val from pg_settings where name = 'mcp_advisor.progress'",
        )
        .unwrap();
        assert_eq!(setting.as_deref(), Some("user off"));
    }

    #[pg_test]
    fn progress_changes_no_advice() {
        Spi::run(
            "create table pr_t as select g as id, g % 5000 as k, repeat('x', 80) as pad \
             from generate_series(1, 100000) as g; analyze pr_t",
        )
        .unwrap();
        let run = || -> Option<String> {
            Spi::get_one(
                "select string_agg(a::text, E'\\n') from mcp_advise_indexes(array[\
                 'select * from pr_t where k = 42']) as a",
            )
            .unwrap()
        };
        let silent = run();
        Spi::run("set local mcp_advisor.progress = on").unwrap();
        assert!(silent.is_some());
        assert_eq!(run(), silent);
    }
}
