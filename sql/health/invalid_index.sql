-- Indexes that are not valid: what a failed CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY left.
--
-- Queries do not use them, writes maintain them, and a unique one may still reject rows. An index
-- that is being built is not reported: its session is in pg_stat_progress_create_index and holds a
-- ShareUpdateExclusiveLock on the table, both visible without privileges. Catalogs: pg_index,
-- pg_locks. Threshold: any is a warning; a partitioned index that some partitions lack is for
-- information.
select
    case when c.relkind = 'I' then 'info' else 'warning' end as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    (c.relpages * pg_catalog.current_setting('block_size')::bigint)::double precision as value,
    'bytes' as unit,
    'valid and ready' as threshold,
    case
        when c.relkind = 'I' then pg_catalog.format(
            'some partitions of %s have no matching index: create it there and attach it with '
            'ALTER INDEX ... ATTACH PARTITION', i.indrelid::pg_catalog.regclass
        )
        else pg_catalog.format(
            'is not valid: queries do not use it, writes to %s maintain it',
            i.indrelid::pg_catalog.regclass
        )
    end as message,
    case
        when c.relkind = 'I' then null
        when c.relname ~ '_cc(new|old)\d*$'
            then pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', n.nspname, c.relname)
        else pg_catalog.format('REINDEX INDEX CONCURRENTLY %I.%I;', n.nspname, c.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'table', i.indrelid::pg_catalog.regclass::text,
        'unique', i.indisunique,
        'ready', i.indisready
    ) as details
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c
    on c.oid = i.indexrelid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where not (i.indisvalid and i.indisready and i.indislive)
    and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast_)?temp_'
    and not exists (
        select
        from pg_catalog.pg_locks as l
        where l.locktype = 'relation'
            and l.relation = i.indrelid
            and l.mode = 'ShareUpdateExclusiveLock'
            and l.granted
            and l.pid in (select b.pid from pg_catalog.pg_stat_progress_create_index as b)
            and l.database = (
                select d.oid
                from pg_catalog.pg_database as d
                where d.datname = pg_catalog.current_database()
            )
    )
order by c.relpages desc, 2
