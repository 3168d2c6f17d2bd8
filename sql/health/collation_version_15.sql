-- Collations, of databases and of columns, whose library sorts otherwise than when they were
-- recorded.
--
-- After an update of the C library or ICU an index on text may be in the wrong order: rows are not
-- found, and unique ones come twice. Of other databases only the default collation is seen. Of
-- collations only those that something depends on are asked for their version. Catalogs:
-- pg_database, pg_collation, pg_depend, pg_index, pg_class, pg_namespace. Threshold:
-- collation_version_most (20): with more indexes the whole database is rebuilt in one statement.
-- Source: the manual, "ALTER COLLATION" and "ALTER DATABASE".
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
),

databases as (
    select
        d.datname,
        d.datcollversion,
        pg_catalog.pg_database_collation_actual_version(d.oid) as actual,
        d.datname = pg_catalog.current_database() as here
    from pg_catalog.pg_database as d
    where d.datcollversion is not null and d.datallowconn
)

select
    'warning' as severity,
    pg_catalog.format('database %I', d.datname) as object,
    case when d.here then (
        select pg_catalog.count(*)
        from pg_catalog.pg_index as x
        -- DEFAULT_COLLATION_OID.
        where 100 = any(x.indcollation::oid [])
    ) end::double precision as value,
    'indexes' as unit,
    'version ' || d.datcollversion as threshold,
    pg_catalog.format(
        'was recorded with collation version %s, and the library is version %s: indexes on text '
        'may be in the wrong order. Rebuild them%s, and look for duplicates where that fails',
        d.datcollversion, d.actual,
        case when not d.here then ' while connected to it' end
    ) as message,
    case when d.here then pg_catalog.format(
        'REINDEX DATABASE CONCURRENTLY %1$I; ALTER DATABASE %1$I REFRESH COLLATION VERSION;',
        d.datname
    ) end as remediation,
    pg_catalog.jsonb_build_object(
        'recorded', d.datcollversion, 'actual', d.actual, 'risk', 'locks'
    ) as details
from databases as d
where d.datcollversion <> d.actual

union all

select
    'warning',
    pg_catalog.format('collation %I.%I', n.nspname, c.collname),
    coalesce(i.number, 0),
    'indexes',
    'version ' || c.collversion,
    pg_catalog.format(
        'was recorded with version %s, and the library is version %s: indexes on it may be in '
        'the wrong order. Rebuild them, and look for duplicates where that fails',
        c.collversion, c.actual
    ),
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
    ),
    pg_catalog.jsonb_build_object(
        'recorded', c.collversion, 'actual', c.actual, 'indexes', coalesce(i.number, 0),
        'risk', 'locks'
    )
from compared as c
inner join pg_catalog.pg_namespace as n
    on n.oid = c.collnamespace
left join indexes as i
    on i.oid = c.oid
where c.collversion <> c.actual

order by 3 desc nulls last, 2
