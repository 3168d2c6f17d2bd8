-- Collations of columns whose library sorts otherwise than when they were recorded.
--
-- After an update of the C library or ICU an index on text may be in the wrong order: rows are not
-- found, and unique ones come twice. Only collations that something depends on are asked for their
-- version. The database's own has a version from PostgreSQL 15 on only. Catalogs: pg_collation,
-- pg_depend, pg_index, pg_class, pg_namespace. Threshold: collation_version_most (20): with more
-- indexes the whole database is rebuilt in one statement. Source: the manual, "ALTER COLLATION".
with compared as materialized (
    select c.oid, c.collname, c.collnamespace, c.collversion,
        pg_catalog.pg_collation_actual_version(c.oid) as actual
    from pg_catalog.pg_collation as c
    where c.collversion is not null
        and c.oid in (
            select d.refobjid
            from pg_catalog.pg_depend as d
            where d.refclassid = 'pg_catalog.pg_collation'::regclass
        )
),

-- The indexes that are ordered by it. An exclusion constraint's cannot be built concurrently.
indexes as (
    select
        c.oid,
        pg_catalog.count(*) as number,
        pg_catalog.string_agg(
            pg_catalog.format(
                'REINDEX INDEX %s%I.%I;',
                case when not x.indisexclusion then 'CONCURRENTLY ' end, n.nspname, i.relname
            ), ' ' order by n.nspname, i.relname
        ) as statements
    from compared as c
    inner join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_collation'::regclass
        and d.refobjid = c.oid
        and d.classid = 'pg_catalog.pg_class'::regclass
    inner join pg_catalog.pg_class as i
        on i.oid = d.objid
        and i.relkind = 'i'
        and d.objsubid = 0
    inner join pg_catalog.pg_index as x
        on x.indexrelid = i.oid
    inner join pg_catalog.pg_namespace as n
        on n.oid = i.relnamespace
    where c.collversion <> c.actual
    group by c.oid
)

select
    'warning' as severity,
    pg_catalog.format('collation %I.%I', n.nspname, c.collname) as object,
    coalesce(i.number, 0)::double precision as value,
    'indexes' as unit,
    'version ' || c.collversion as threshold,
    pg_catalog.format(
        'was recorded with version %s, and the library is version %s: indexes on it may be in '
        'the wrong order. Rebuild them, and look for duplicates where that fails',
        c.collversion, c.actual
    ) as message,
    pg_catalog.concat_ws(
        ' ',
        case
            when i.number
                > pg_catalog.current_setting('mcp_advisor.health_collation_version_most')::bigint
                then pg_catalog.format(
                    'REINDEX DATABASE CONCURRENTLY %I;', pg_catalog.current_database()
                )
            else i.statements
        end,
        pg_catalog.format(
            'ALTER COLLATION %I.%I REFRESH VERSION;', n.nspname, c.collname
        )
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'recorded', c.collversion, 'actual', c.actual, 'indexes', coalesce(i.number, 0),
        'risk', 'locks'
    ) as details
from compared as c
inner join pg_catalog.pg_namespace as n
    on n.oid = c.collnamespace
left join indexes as i
    on i.oid = c.oid
where c.collversion <> c.actual

order by 3 desc, 2
