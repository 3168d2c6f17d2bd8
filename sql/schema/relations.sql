-- The relations of a schema with their columns, constraints and indexes, for reading.
--
-- $1: schema; $2: most relations. Ordered by name. Partitions are left out: they look like their
-- parent. Needs no privilege beyond reading the catalog.
select
    c.relname::text as name,
    case c.relkind
        when 'r' then 'table'
        when 'p' then 'partitioned table'
        when 'v' then 'view'
        when 'm' then 'materialized view'
        when 'f' then 'foreign table'
    end as kind,
    pg_catalog.obj_description(c.oid, 'pg_class') as description,
    case when c.reltuples operator(pg_catalog.>=) 0 then c.reltuples::bigint end as rows_estimate,
    array(
        select pg_catalog.concat(
            pg_catalog.quote_ident(a.attname),
            ' ',
            pg_catalog.format_type(a.atttypid, a.atttypmod),
            case when a.attnotnull then ' not null' end,
            case
                when a.attidentity operator(pg_catalog.<>) '' then ' identity'
                when a.attgenerated operator(pg_catalog.<>) '' then
                    ' generated as (' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ')'
                when d.adbin is not null then ' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid)
            end,
            ' -- ' || pg_catalog.col_description(c.oid, a.attnum)
        )
        from pg_catalog.pg_attribute as a
        left join pg_catalog.pg_attrdef as d
            on d.adrelid operator(pg_catalog.=) a.attrelid and d.adnum operator(pg_catalog.=) a.attnum
        where a.attrelid operator(pg_catalog.=) c.oid
            and a.attnum operator(pg_catalog.>) 0
            and not a.attisdropped
        order by a.attnum
    ) as columns,
    array(
        select pg_catalog.pg_get_constraintdef(k.oid)
        from pg_catalog.pg_constraint as k
        where k.conrelid operator(pg_catalog.=) c.oid
            and k.contype operator(pg_catalog.<>) 'n'
            and k.contype operator(pg_catalog.<>) 't'
        order by k.contype operator(pg_catalog.<>) 'p', k.conname
    ) as constraints,
    array(
        select pg_catalog.pg_get_indexdef(i.indexrelid)
        from pg_catalog.pg_index as i
        where i.indrelid operator(pg_catalog.=) c.oid
            and not exists (
                select 1
                from pg_catalog.pg_constraint as k
                where k.conindid operator(pg_catalog.=) i.indexrelid
                    and k.contype in ('p', 'u', 'x')
            )
        order by i.indexrelid::pg_catalog.regclass::text
    ) as indexes
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
where n.nspname operator(pg_catalog.=) $1
    and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
order by c.relname
limit $2
