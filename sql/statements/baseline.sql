-- What pg_stat_statements counts now, as a document to count from: see top.sql, $4.
--
-- $1: whether of all databases. Texts are not read. Counters that are zero are left out: most are.
-- In braces: as in top.sql, the counters null for zero.
with entries as (
    select
        s.userid,
        s.dbid,
        s.queryid,
        {toplevel} as is_toplevel,
        {since} as since,
        {nonzero}
    from {schema}.pg_stat_statements(false) as s
    where s.queryid is not null
        and ($1 or s.dbid = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        ))
)

select
    pg_catalog.json_build_object(
        'at', pg_catalog.clock_timestamp(),
        'entries', coalesce(
            pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.row_to_json(e))),
            '[]'
        )
    )::text as baseline
from entries as e
