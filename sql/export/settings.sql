-- The settings that plans depend on, each in the unit that it has without one. $1: their names.
-- What the exporting session itself has set is taken as it was before.
select
    s.name,
    case when s.name in ('search_path', 'DateStyle', 'IntervalStyle')
        then s.reset_val else s.setting
    end as setting
from pg_catalog.pg_settings as s
where s.name = any ($1)
order by s.name
