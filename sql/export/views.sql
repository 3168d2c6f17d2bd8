-- Views and materialized views, by age. A materialized view stays empty.
select
    'view' as kind,
    t.qualified as name,
    pg_catalog.format(
        'create %sview %s%s as %s%s',
        case t.kind when 'm' then 'materialized ' else '' end,
        t.qualified,
        ' with (' || (
            select pg_catalog.string_agg(pg_catalog.format(
                '%I = %L', o.option_name, o.option_value
            ), ', ')
            from pg_catalog.pg_options_to_table(c.reloptions) as o
        ) || ')',
        pg_catalog.rtrim(pg_catalog.pg_get_viewdef(t.oid), ';'),
        case t.kind when 'm' then ' with no data' else '' end
    ) as ddl
from own_table as t
join pg_catalog.pg_class as c
    on c.oid = t.oid
where t.kind in ('v', 'm')
order by t.oid
