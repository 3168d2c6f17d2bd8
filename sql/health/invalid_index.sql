-- Indexes that are not valid: what a failed CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY left.
--
-- Queries do not use them, writes maintain them, and a unique one may still reject rows. One that
-- is being built, rebuilt or dropped is not reported: a session that is building holds a
-- ShareUpdateExclusiveLock on the table and is in pg_stat_progress_create_index; one that drops or
-- reindexes holds that lock on the index. All of it is visible without privileges. What REINDEX
-- left (_ccnew, _ccold) and what DROP INDEX CONCURRENTLY left is dropped, the rest is built again.
-- Partitioned indexes are invalid_partitioned_index's. Catalogs: pg_index, pg_class, pg_locks.
-- Threshold: any is a warning. Source: manual of CREATE INDEX and REINDEX; locks as in
-- PostgreSQL's indexcmds.c and index.c.
with invalid as materialized (
    select
        i.indexrelid,
        i.indrelid,
        i.indisunique,
        i.indisready,
        i.indislive,
        c.relname,
        c.relpages,
        n.nspname
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c
        on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where not (i.indisvalid and i.indisready and i.indislive)
        and c.relkind = 'i'
        and c.relpersistence <> 't'
),

busy as materialized (
    select
        l.relation,
        l.pid in (select p.pid from pg_catalog.pg_stat_progress_create_index as p) as builds
    from pg_catalog.pg_locks as l
    where l.locktype = 'relation'
        and l.granted
        and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
        and l.database = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        )
        and exists (select from invalid)
)

select
    'warning' as severity,
    pg_catalog.format('%I.%I', i.nspname, i.relname) as object,
    (i.relpages * pg_catalog.current_setting('block_size')::bigint)::double precision as value,
    'bytes' as unit,
    'valid and ready' as threshold,
    pg_catalog.format(
        case
            when not i.indisready
                then 'is not valid: it was not finished, and is of no use to queries on %s'
            else 'is not valid: queries do not use it, writes to %s maintain it'
        end || case
            when i.indisunique and i.indisready then ', and it rejects duplicates'
            else ''
        end,
        i.indrelid::pg_catalog.regclass
    ) as message,
    case
        when not i.indislive or i.relname ~ '_cc(new|old)\d*$'
            then pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', i.nspname, i.relname)
        else pg_catalog.format('REINDEX INDEX CONCURRENTLY %I.%I;', i.nspname, i.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'table', i.indrelid::pg_catalog.regclass::text,
        'unique', i.indisunique,
        'ready', i.indisready,
        'live', i.indislive
    ) as details
from invalid as i
where not exists (
    select
    from busy as b
    where b.relation = i.indexrelid or b.relation = i.indrelid and b.builds
)
order by i.relpages desc, 2
