-- Tables whose large values take far more room than their rows.
--
-- The out-of-line storage (TOAST) is read value by value, kept through each backup and vacuumed as
-- a table of its own. Both sizes are those of the last VACUUM (relpages), as measuring the files
-- would need a lock. Partitions count for their partitioned table. Catalogs: pg_class. Thresholds:
-- more than toast_size_ratio (10) times the pages of the rows and toast_size_least (1 GB) in all,
-- for information. Source: the manual's chapter on TOAST; limits from experience. Privileges: none.
with found as (
    select
        -- Only few get so far: the function asks pg_inherits for each.
        case when c.relispartition then pg_catalog.pg_partition_root(c.oid) else c.oid end as oid,
        c.relpages as pages,
        t.relpages as toast_pages
    from pg_catalog.pg_class as t
    join pg_catalog.pg_class as c
        on c.reltoastrelid = t.oid
    where t.relkind = 't'
        and t.relpages > 0
        and c.relkind in ('r', 'm')
        and c.relpersistence <> 't'
        and c.oid >= 16384
        and t.relpages > c.relpages * (
            select pg_catalog.current_setting('mcp_advisor.health_toast_size_ratio')
                ::double precision
        )
),

summed as (
    select
        f.oid,
        pg_catalog.count(*) as tables,
        pg_catalog.sum(f.pages) * b.bytes as heap,
        pg_catalog.sum(f.toast_pages) * b.bytes as toast
    from found as f
    cross join (select pg_catalog.current_setting('block_size')::bigint as bytes) as b
    group by f.oid, b.bytes
)

select
    'info' as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    s.toast::double precision as value,
    'bytes' as unit,
    pg_catalog.format(
        '%s and %s times the rows',
        pg_catalog.pg_size_pretty(
            pg_catalog.pg_size_bytes(
                pg_catalog.current_setting('mcp_advisor.health_toast_size_least')
            )
        ),
        pg_catalog.current_setting('mcp_advisor.health_toast_size_ratio')
    ) as threshold,
    pg_catalog.format(
        'has %s of large values beside %s of rows: look which values of %s need to be here, '
        'compress them with lz4, or keep them elsewhere', pg_catalog.pg_size_pretty(s.toast),
        pg_catalog.pg_size_pretty(s.heap), a.names
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'heap_bytes', s.heap, 'toast_bytes', s.toast, 'tables', s.tables
    ) as details
from summed as s
join pg_catalog.pg_class as c
    on c.oid = s.oid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
cross join lateral (
    select pg_catalog.string_agg(pg_catalog.quote_ident(v.attname), ', ' order by v.attnum) as names
    from pg_catalog.pg_attribute as v
    where v.attrelid = s.oid
        and v.attnum > 0
        and v.attstorage <> 'p'
        and not v.attisdropped
) as a
where s.toast >= pg_catalog.pg_size_bytes(
    pg_catalog.current_setting('mcp_advisor.health_toast_size_least')
)
order by 3 desc, 2
