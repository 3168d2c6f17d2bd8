//! The error path: a server ERROR becomes a value, and nothing is left behind.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::sys;

    #[pg_test]
    fn subtransaction_error_becomes_a_value() {
        let error = sys::subtransaction(true, || {
            Spi::run("select 1/0").ok();
        })
        .expect_err("division by zero");
        assert_eq!(error.code, PgSqlErrorCode::ERRCODE_DIVISION_BY_ZERO);
        assert_eq!(error.message, "division by zero");
        assert_eq!(Spi::get_one::<i32>("select 1").unwrap(), Some(1));
    }

    #[pg_test]
    fn subtransaction_without_keep_rolls_back_and_gives_locks_back() {
        Spi::run("create table sub_lock (a int)").unwrap();
        sys::subtransaction(false, || {
            Spi::run("lock table sub_lock in share mode; insert into sub_lock values (1)").unwrap();
        })
        .expect("no error");
        let rows: Option<i64> = Spi::get_one("select count(*) from sub_lock").unwrap();
        assert_eq!(rows, Some(0));
        let locks: Option<i64> = Spi::get_one(
            "select count(*) from pg_locks where relation = 'sub_lock'::regclass \
             and mode = 'ShareLock'",
        )
        .unwrap();
        assert_eq!(locks, Some(0));
    }

    #[pg_test]
    fn subtransaction_nested_error_leaves_the_outer_one_usable() {
        let outer = sys::subtransaction(true, || {
            let inner = sys::subtransaction(true, || Spi::run("select * from no_such_table"));
            assert!(inner.is_err());
            Spi::get_one::<i32>("select 2").unwrap()
        });
        assert_eq!(outer.unwrap(), Some(2));
    }

    #[pg_test]
    fn subtransaction_cancel_is_not_swallowed() {
        // A cancel raised inside must end the call: the DO block sees 57014, not a value.
        let state: Option<String> =
            Spi::get_one("select current_setting('server_version')").unwrap();
        assert!(state.is_some());
        let caught = PgTryBuilder::new(|| {
            let _ = sys::subtransaction(true, || {
                ereport!(ERROR, PgSqlErrorCode::ERRCODE_QUERY_CANCELED, "canceling statement");
            });
            false
        })
        .catch_when(PgSqlErrorCode::ERRCODE_QUERY_CANCELED, |_| true)
        .execute();
        assert!(caught);
    }

    #[pg_test]
    fn scope_restores_role_and_settings() {
        Spi::run("create role scope_role").unwrap();
        let oid: Option<pg_sys::Oid> =
            Spi::get_one("select oid from pg_roles where rolname = 'scope_role'").unwrap();
        let before: Option<String> =
            Spi::get_one("select current_user || current_setting('search_path')").unwrap();
        {
            let scope = sys::SessionScope::open();
            sys::set_role(&scope, oid.unwrap().to_u32());
            scope.set("search_path", "pg_catalog");
            let inside: Option<String> =
                Spi::get_one("select current_user || current_setting('search_path')").unwrap();
            assert_eq!(inside.as_deref(), Some("scope_rolepg_catalog"));
        }
        let after: Option<String> =
            Spi::get_one("select current_user || current_setting('search_path')").unwrap();
        assert_eq!(before, after);
    }
}
