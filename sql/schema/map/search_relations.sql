-- The relations of the user's that a search looks at: no partitions, which look like their parent,
-- nothing that belongs to extensions, and no sequence that a column owns. Needs no privilege beyond
-- reading the catalog.
select
    c.oid::bigint as oid,
    case c.relkind
        when 'v' then 'view'
        when 'm' then 'materialized view'
        when 'S' then 'sequence'
        when 'c' then 'type'
        when 'f' then 'foreign table'
        else 'table'
    end as kind,
    n.nspname::text as schema_name,
    c.relname::text as name,
    case when c.relkind in ('r', 'm', 'f') and c.reltuples >= 0 then c.reltuples end
        ::double precision as rows_estimate,
    d.description as comment
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
left join pg_catalog.pg_description as d
    on d.objoid = c.oid and d.classoid = c.tableoid and d.objsubid = 0
where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c')
    and not c.relispartition
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and not exists (
        select
        from pg_catalog.pg_depend as e
        where e.classid = c.tableoid
            and e.objid = c.oid
            and (e.deptype = 'e' or c.relkind = 'S' and e.deptype in ('a', 'i'))
            and e.objsubid = 0
            and (e.deptype = 'e' or e.refclassid = c.tableoid)
    )
order by n.nspname, c.relname
