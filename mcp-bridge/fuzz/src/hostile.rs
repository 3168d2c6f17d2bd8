//! Pieces of SQL that no statement may hold, wherever in it they stand.

/// Expressions.
pub(crate) const EXPRESSIONS: &[&str] = &[
    "pg_read_file('PG_VERSION')",
    "pg_catalog.pg_sleep(1)",
    "\"pg_terminate_backend\"(1)",
    "U&\"pg_sle\\0065p\"(1)",
    "lo_import('x')",
    "nextval('s')",
    "setval('s', 1)",
    "set_config('a.b', 'c', false)",
    "dblink('d', 'q')",
    "query_to_xml('delete from t', true, true, '')",
    "pg_advisory_lock(1)",
    "pg_notify('a', 'b')",
    "PG_RELOAD_CONF()",
    "('f'::text).pg_ls_dir",
    "(select a from t for update)",
    "(with w as (delete from t returning *) select 1 from w)",
    "(with w as (update t set a = 1 returning *) select 1 from w)",
    "(with w as (insert into t values (1) returning *) select 1 from w)",
    "(select rolpassword from pg_authid)",
    "(select passwd from pg_catalog.pg_shadow)",
    "exists (table pg_authid)",
];

/// Items of a FROM clause, with alias.
pub(crate) const SOURCES: &[&str] = &[
    "pg_read_file('PG_VERSION') as h",
    "pg_authid as h",
    "pg_catalog.pg_shadow as h",
    "rows from (pg_ls_dir('.'), generate_series(1, 2)) as h",
    "lateral pg_read_binary_file('x') as h",
    "(select * from t for share) as h",
    "(select lo_unlink(1)) as h",
    "(values (pg_sleep(1))) as h",
    "dblink('d', 'q') as h(a integer)",
    "pg_logical_slot_get_changes('s', null, null) as h",
    "ts_stat('select 1') as h",
];

/// Whole queries, as they stand in WITH, in parentheses or beside UNION.
pub(crate) const QUERIES: &[&str] = &[
    "select * from t for update",
    "select * from t for no key update nowait",
    "select pg_switch_wal()",
    "table pg_authid",
    "values (lo_create(0))",
    "with w as (delete from t returning *) select * from w",
    "select 1 order by pg_sleep(1)",
    "select 1 limit (select nextval('s'))",
];
