-- Rows that no partition was made for and that lie in the default partition.
--
-- It is searched by each query on other values, cannot be dropped by age, and a partition for its
-- values can only be added once they are moved. For a list it may be meant so, hence information.
-- Rows are those that the planner or the statistics know of, with those of its own partitions.
-- Catalogs: pg_partitioned_table, pg_class, pg_inherits, pg_attribute, pg_stat_get_live_tuples.
-- Threshold: default_partition_rows (1). Source: the manual's chapter on partitioning. Privileges:
-- none.
with recursive members (root, oid) as (
    select p.partdefid, p.partdefid
    from pg_catalog.pg_partitioned_table as p
    where p.partdefid <> 0
    union all
    select m.root, i.inhrelid
    from members as m
    join pg_catalog.pg_inherits as i
        on i.inhparent = m.oid
),

held as (
    select
        m.root,
        pg_catalog.sum(case
            when c.reltuples > 0 then c.reltuples::double precision
            else pg_catalog.pg_stat_get_live_tuples(c.oid)
        end) as rows
    from members as m
    join pg_catalog.pg_class as c
        on c.oid = m.oid
    where c.relkind = 'r'
    group by m.root
)

select
    'info' as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    h.rows as value,
    'rows' as unit,
    pg_catalog.current_setting('mcp_advisor.health_default_partition_rows') || ' rows' as threshold,
    pg_catalog.format(
        'holds %s rows that %I.%I has no other partition for: see which, detach it, create their '
        'partition, move them and attach it again', h.rows, pn.nspname, pc.relname
    ) as message,
    case
        when k.name is null then null
        when p.partstrat = 'l' then pg_catalog.format(
            'SELECT %1$I, count(*) FROM %2$I.%3$I GROUP BY 1 ORDER BY 2 DESC LIMIT 20;',
            k.name, n.nspname, c.relname
        )
        else pg_catalog.format(
            'SELECT min(%1$I), max(%1$I), count(*) FROM %2$I.%3$I;', k.name, n.nspname, c.relname
        )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when k.name is not null then 'safe' end,
        'table', pg_catalog.format('%I.%I', pn.nspname, pc.relname),
        'strategy', case p.partstrat when 'l' then 'list' else 'range' end
    ) as details
from held as h
join pg_catalog.pg_partitioned_table as p
    on p.partdefid = h.root
join pg_catalog.pg_class as c
    on c.oid = h.root
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
join pg_catalog.pg_class as pc
    on pc.oid = p.partrelid
join pg_catalog.pg_namespace as pn
    on pn.oid = pc.relnamespace
left join lateral (
    select a.attname as name
    from pg_catalog.pg_attribute as a
    where a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
) as k
    on true
where c.relpersistence <> 't'
    and h.rows >= pg_catalog.current_setting('mcp_advisor.health_default_partition_rows')::bigint
order by 3 desc, 2
