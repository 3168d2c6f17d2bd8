-- Which tables of this database keep its transaction id or multixact age up.
--
-- Tables and materialized views with their TOAST tables, temporary ones too; a TOAST table
-- without settings of its own has those of its table (autovacuum.c), and a table's setting only
-- counts when it is lower than the server's. Catalogs: pg_class, pg_depend. Thresholds:
-- information above table_age_overdue (1.5) times the age at which autovacuum freezes the table
-- and, unless the table has its own setting, above table_age_least (400 million); warning from
-- table_age_warning (50 % of 2^31), critical from table_age_critical (65 %). Source: as for
-- database_age. Needs no privileges.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_table_age_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_table_age_critical')::double precision
            as critical,
        pg_catalog.current_setting('mcp_advisor.health_table_age_overdue')::double precision
            as overdue,
        pg_catalog.current_setting('mcp_advisor.health_table_age_least')::bigint as least,
        pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint as freeze,
        pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::bigint as freeze_multi
),

-- Below these ages only a table with its own setting can be overdue.
floors as (
    select
        least(
            greatest(l.least, l.overdue * l.freeze), l.warning / 100 * 2147483648
        )::bigint as xids,
        least(
            greatest(l.least, l.overdue * l.freeze_multi), l.warning / 100 * 2147483648
        )::bigint as multixacts
    from limits as l
),

candidate as materialized (
    select
        c.oid,
        c.reltoastrelid,
        c.reloptions,
        c.relfrozenxid,
        c.relminmxid,
        -- Found by key: nothing leads from a TOAST table to its table but this.
        case when c.relkind = 't' then (
            select d.refobjid
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::regclass
                and d.objid = c.oid
                and d.objsubid = 0
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.deptype = 'i'
            limit 1
        ) end as owner
    from pg_catalog.pg_class as c
    cross join floors as f
    where c.relkind in ('r', 'm', 't')
        and c.relfrozenxid <> '0'
        -- Few pass, which the planner expects of an equality and not of a comparison.
        and case
            when pg_catalog.age(c.relfrozenxid) > f.xids then 1
            when pg_catalog.mxid_age(c.relminmxid) > f.multixacts then 1
            when c.reloptions is not null and c.reloptions::text like '%freeze_max_age%' then 1
        end = 1
),

relation as (
    select
        c.oid,
        coalesce(m.oid, c.oid) as table_oid,
        coalesce(c.reloptions, m.reloptions) as reloptions,
        c.relfrozenxid,
        c.relminmxid
    from candidate as c
    left join pg_catalog.pg_class as m
        on m.oid = c.owner

    union all

    -- Those that have the settings of their table.
    select
        t.oid,
        c.oid,
        coalesce(t.reloptions, c.reloptions),
        t.relfrozenxid,
        t.relminmxid
    from candidate as c
    join pg_catalog.pg_class as t
        on t.oid = c.reltoastrelid
    where c.reltoastrelid <> 0 and c.reloptions is not null
),

old as materialized (
    select
        r.*,
        pg_catalog.age(r.relfrozenxid)::bigint as xid_age,
        pg_catalog.mxid_age(r.relminmxid)::bigint as multi_age
    from relation as r
),

limited as (
    select
        o.*,
        l.warning,
        l.critical,
        coalesce(least(s.freeze, l.freeze), l.freeze) as freeze,
        coalesce(least(s.freeze_multi, l.freeze_multi), l.freeze_multi) as freeze_multi,
        case when s.freeze < l.freeze then 0 else l.least end as least,
        case when s.freeze_multi < l.freeze_multi then 0 else l.least end as least_multi,
        l.overdue
    from old as o
    cross join limits as l
    left join lateral (
        select
            pg_catalog.max(p.option_value::numeric)
                filter (where p.option_name = 'autovacuum_freeze_max_age') as freeze,
            pg_catalog.max(p.option_value::numeric)
                filter (where p.option_name = 'autovacuum_multixact_freeze_max_age')
                as freeze_multi
        from pg_catalog.pg_options_to_table(o.reloptions) as p
        where p.option_value ~ '^\s*[0-9]+\s*$'
    ) as s
        on o.reloptions is not null
),

-- The worse of a table and its TOAST table, which are vacuumed together.
graded as (
    select distinct on (l.table_oid)
        l.*,
        greatest(l.xid_age, l.multi_age) as age,
        100.0 * greatest(l.xid_age, l.multi_age) / 2147483648 as percent,
        case
            when l.multi_age > greatest(l.least_multi, l.overdue * l.freeze_multi)
                and l.multi_age > l.xid_age then l.freeze_multi
            else l.freeze
        end as age_limit
    from limited as l
    where l.xid_age > greatest(l.least, l.overdue * l.freeze)
        or l.multi_age > greatest(l.least_multi, l.overdue * l.freeze_multi)
        or 100.0 * greatest(l.xid_age, l.multi_age) / 2147483648 >= l.warning
    order by l.table_oid, age desc
)

select
    case
        when g.percent >= g.critical then 'critical'
        when g.percent >= g.warning then 'warning'
        else 'info'
    end as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    pg_catalog.round(g.percent, 1)::double precision as value,
    '%' as unit,
    g.warning || ' %' as threshold,
    pg_catalog.format(
        '%swas not frozen for %s million %s, which autovacuum should have done at %s million%s',
        case when g.oid <> g.table_oid then 'its TOAST table ' end,
        pg_catalog.round(g.age / 1e6, 1),
        case when g.multi_age > g.xid_age then 'multixacts' else 'transactions' end,
        pg_catalog.round(g.age_limit / 1e6, 1),
        case
            when f.foreign_temporary
                then ': only the session that it belongs to can VACUUM it, or drop it'
            when pg_catalog.pg_is_in_recovery() then ': VACUUM it on the primary'
        end
    ) as message,
    case when not f.foreign_temporary and not pg_catalog.pg_is_in_recovery() then
        pg_catalog.format('VACUUM (FREEZE) %I.%I;', n.nspname, c.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'xid_age', g.xid_age, 'multixact_age', g.multi_age, 'toast', g.oid <> g.table_oid,
        'relation', g.oid::bigint, 'risk', 'safe'
    ) as details
from graded as g
join pg_catalog.pg_class as c
    on c.oid = g.table_oid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
cross join lateral (
    select c.relpersistence = 't' and n.oid <> pg_catalog.pg_my_temp_schema()
) as f (foreign_temporary)
order by g.age desc, 2
