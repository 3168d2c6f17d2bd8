-- Constraints that were added NOT VALID and never validated: old rows may break them.
--
-- Of tables (foreign keys, checks and, from PostgreSQL 18, NOT NULL) and of domains. The planner
-- does not use such a check to leave out partitions, and a dump may not restore. What a child table
-- or a partition has from its parent is reported once, for the parent, whose VALIDATE goes down to
-- them. Constraints that are not enforced (PostgreSQL 18) are never valid: see
-- not_enforced_constraint. Validating one of a table lets others write meanwhile; one of a domain
-- takes a SHARE lock on every table that uses the domain (validateDomainConstraint in typecmds.c).
-- Catalogs: pg_constraint, pg_class. Threshold: any is a warning. Privileges: none.
select
    'warning' as severity,
    case
        when k.contypid <> 0
            then pg_catalog.format('%s: %I', k.contypid::pg_catalog.regtype, k.conname)
        else pg_catalog.format('%s: %I', k.conrelid::pg_catalog.regclass, k.conname)
    end as object,
    case when c.reltuples >= 0 then c.reltuples end::double precision as value,
    case when c.reltuples >= 0 then 'rows' end as unit,
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
        'risk', case when k.contypid <> 0 then 'locks' else 'safe' end,
        'type', case k.contype
            when 'f' then 'foreign key' when 'c' then 'check' when 'n' then 'not null'
            else k.contype::text
        end,
        'references', case when k.confrelid <> 0 then k.confrelid::pg_catalog.regclass::text end
    ) as details
from pg_catalog.pg_constraint as k
join pg_catalog.pg_namespace as n
    on n.oid = k.connamespace
left join pg_catalog.pg_class as c
    on c.oid = k.conrelid
where not k.convalidated
    and k.conparentid = 0
    and k.coninhcount = 0
    and coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true)
    and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast_)?temp_'
order by 3 desc nulls last, 2
