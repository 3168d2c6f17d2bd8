-- Constraints that were added NOT VALID and never validated: old rows may break them.
--
-- Of tables and domains. The planner does not use such a check to leave out partitions, and a dump
-- may not restore. A partition's constraint that comes from its parent is reported once, for the
-- parent. Constraints that are not enforced (PostgreSQL 18) are left out. Catalogs: pg_constraint.
-- Threshold: any is a warning.
select
    'warning' as severity,
    case
        when k.contypid <> 0
            then pg_catalog.format('%s: %I', k.contypid::pg_catalog.regtype, k.conname)
        else pg_catalog.format('%s: %I', k.conrelid::pg_catalog.regclass, k.conname)
    end as object,
    null::double precision as value,
    null as unit,
    'validated' as threshold,
    'was added NOT VALID and never validated: rows from before may break it' as message,
    case
        when k.contypid <> 0 then pg_catalog.format(
            'ALTER DOMAIN %s VALIDATE CONSTRAINT %I;', k.contypid::pg_catalog.regtype, k.conname
        )
        else pg_catalog.format(
            'ALTER TABLE %s VALIDATE CONSTRAINT %I;', k.conrelid::pg_catalog.regclass, k.conname
        )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'type', case k.contype
            when 'f' then 'foreign key' when 'c' then 'check' when 'n' then 'not null'
            else k.contype::text
        end,
        'references', case when k.confrelid <> 0 then k.confrelid::pg_catalog.regclass::text end
    ) as details
from pg_catalog.pg_constraint as k
join pg_catalog.pg_namespace as n
    on n.oid = k.connamespace
where not k.convalidated
    and k.conparentid = 0
    and k.coninhcount = 0
    and coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true)
    and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast_)?temp_'
order by 2
