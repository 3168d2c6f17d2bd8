-- Constraints declared NOT ENFORCED (PostgreSQL 18): they are written down and never checked.
--
-- That is somebody's choice, so it is for information. A constraint that is not enforced is never
-- marked as validated (CreateConstraintEntry in pg_constraint.c), so only those that are not
-- validated are asked for the column, which older versions lack: there every constraint is
-- enforced. A foreign key can be enforced again, which checks all rows; a check has to be dropped
-- and added. A child's constraint is reported for the parent. Catalogs: pg_constraint, pg_class.
-- Threshold: any. Privileges: none.
select
    'info' as severity,
    pg_catalog.format('%s: %I', k.conrelid::pg_catalog.regclass, k.conname) as object,
    case when c.reltuples >= 0 then c.reltuples end::double precision as value,
    case when c.reltuples >= 0 then 'rows' end as unit,
    'enforced' as threshold,
    case
        when k.contype = 'f' then 'is declared NOT ENFORCED: no row is checked against it'
        else 'is declared NOT ENFORCED: no row is checked against it; to enforce it, add it anew '
            || 'as NOT VALID, validate it, and drop this one'
    end as message,
    case when k.contype = 'f' then pg_catalog.format(
        'ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED;',
        k.conrelid::pg_catalog.regclass, k.conname
    ) end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when k.contype = 'f' then 'locks' end,
        'type', case k.contype
            when 'f' then 'foreign key' when 'c' then 'check' else k.contype::text
        end,
        'references', case when k.confrelid <> 0 then k.confrelid::pg_catalog.regclass::text end
    ) as details
from pg_catalog.pg_constraint as k
join pg_catalog.pg_namespace as n
    on n.oid = k.connamespace
join pg_catalog.pg_class as c
    on c.oid = k.conrelid
where not k.convalidated
    and k.conparentid = 0
    and k.coninhcount = 0
    and pg_catalog.to_jsonb(k) ->> 'conenforced' = 'false'
    and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast_)?temp_'
order by 3 desc nulls last, 2
