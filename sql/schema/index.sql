-- One index as JSON.
--
-- $1: schema; $2: name, unquoted; $3: index. No row when there is none. Waits, up to lock_timeout,
-- for a table that is being altered.
select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'schema', n.nspname,
    'name', x.relname,
    'kind', 'index',
    'owner', pg_catalog.pg_get_userbyid(x.relowner),
    'description', pg_catalog.obj_description(x.oid, 'pg_class'),
    'table', i.indrelid::pg_catalog.regclass::text,
    'method', m.amname,
    'definition', pg_catalog.pg_get_indexdef(x.oid),
    'columns', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', pg_catalog.pg_get_indexdef(x.oid, k::integer, true),
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'included', case when k > i.indnkeyatts then true end,
            'statistics_target', case when a.attstattarget >= 0 then a.attstattarget end
        ) order by k)
        from pg_catalog.generate_series(1, i.indnatts::integer) as k
        join pg_catalog.pg_attribute as a
            on a.attrelid = x.oid and a.attnum = k
    ),
    'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid, true),
    'unique', i.indisunique,
    'primary', i.indisprimary,
    'valid', i.indisvalid and i.indisready,
    'clustered', case when i.indisclustered then true end,
    'replica_identity', case when i.indisreplident then true end,
    'constraint', k.conname,
    'deferrable', case when k.condeferrable then true end,
    'initially_deferred', case when k.condeferred then true end,
    'parent', (
        select h.inhparent::pg_catalog.regclass::text
        from pg_catalog.pg_inherits as h
        where h.inhrelid = x.oid
    ),
    'children', (
        select pg_catalog.jsonb_agg(
            h.inhrelid::pg_catalog.regclass::text order by h.inhrelid::pg_catalog.regclass::text
        )
        from pg_catalog.pg_inherits as h
        where h.inhparent = x.oid
    ),
    'options', pg_catalog.to_jsonb(x.reloptions),
    'tablespace', (
        select s.spcname from pg_catalog.pg_tablespace as s where s.oid = x.reltablespace
    ),
    'rows_estimate', case when x.relkind = 'i' and x.reltuples >= 0 then x.reltuples::bigint end,
    'size_bytes', case when x.relkind = 'i' then pg_catalog.pg_table_size(x.oid) end,
    'activity', (
        select pg_catalog.jsonb_build_object(
            'idx_scan', s.idx_scan, 'tuples_read', s.idx_tup_read, 'tuples_fetched', s.idx_tup_fetch
        )
        from pg_catalog.pg_stat_all_indexes as s
        where s.indexrelid = x.oid
    )
)) as object
from pg_catalog.pg_class as x
join pg_catalog.pg_namespace as n
    on n.oid = x.relnamespace
join pg_catalog.pg_index as i
    on i.indexrelid = x.oid
join pg_catalog.pg_am as m
    on m.oid = x.relam
left join pg_catalog.pg_constraint as k
    on k.conrelid = i.indrelid and k.conindid = x.oid and k.contype in ('p', 'u', 'x')
where n.nspname = $1 and x.relname = $2 and $3 = 'index'
