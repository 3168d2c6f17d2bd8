-- Tables with very many columns.
--
-- Each row has a null bitmap and is unpacked from its first column on, and a table has at most 1600
-- columns in its life: dropped ones count. Partitions, and tables that inherit from one that is
-- reported, are not reported again. Catalogs: pg_class, pg_attribute, pg_inherits. Thresholds:
-- wide_table_columns (200) columns for information; wide_table_warning (1,400) with the dropped
-- ones. Source: MaxHeapAttributeNumber in htup_details.h. Privileges: none.
with wide as materialized (
    select c.oid, c.relname, c.relnamespace, c.relnatts
    from pg_catalog.pg_class as c
    where c.relkind in ('r', 'p')
        and not c.relispartition
        and c.oid >= 16384
        and c.relpersistence <> 't'
        and c.relnatts > (
            select least(
                pg_catalog.current_setting('mcp_advisor.health_wide_table_columns')::bigint,
                pg_catalog.current_setting('mcp_advisor.health_wide_table_warning')::bigint
            )
        )
),

counted as (
    select
        w.*,
        w.relnatts > pg_catalog.current_setting('mcp_advisor.health_wide_table_warning')::bigint
            as near_end,
        (
            select pg_catalog.count(*)
            from pg_catalog.pg_attribute as a
            where a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped
        ) as columns
    from wide as w
    where not exists (
        select
        from pg_catalog.pg_inherits as i
        join wide as parent
            on parent.oid = i.inhparent
        where i.inhrelid = w.oid
    )
)

select
    case when c.near_end then 'warning' else 'info' end as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    (case when c.near_end then c.relnatts else c.columns end)::double precision as value,
    'columns' as unit,
    pg_catalog.current_setting(
        case
            when c.near_end then 'mcp_advisor.health_wide_table_warning'
            else 'mcp_advisor.health_wide_table_columns'
        end
    ) || ' columns' as threshold,
    case
        when c.near_end then pg_catalog.format(
            'has used %s of the 1600 columns that a table can have, with %s that were dropped: '
            'copy it to a new table, and keep what is seldom read in another',
            c.relnatts, c.relnatts - c.columns
        )
        else pg_catalog.format(
            'has %s columns: keep those that are seldom read or set together in a table of their '
            'own, with the same key', c.columns
        )
    end as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'columns', c.columns, 'dropped', c.relnatts - c.columns
    ) as details
from counted as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where c.near_end
    or c.columns > pg_catalog.current_setting('mcp_advisor.health_wide_table_columns')::bigint
order by 3 desc, 2
