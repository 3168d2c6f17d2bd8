-- Which tables of this database keep its transaction id or multixact age up.
--
-- Tables and materialized views with their TOAST tables. Catalogs: pg_class. Thresholds as for
-- database_age: information above 1.5 times autovacuum_freeze_max_age and 400 million, warning from
-- 50 % of 2^31, critical from 65 %.
with aged as (
    select
        n.nspname,
        c.relname,
        greatest(
            pg_catalog.age(c.relfrozenxid), pg_catalog.mxid_age(c.relminmxid),
            pg_catalog.age(t.relfrozenxid), pg_catalog.mxid_age(t.relminmxid)
        ) as age,
        greatest(pg_catalog.age(c.relfrozenxid), pg_catalog.age(t.relfrozenxid)) as xid_age,
        greatest(pg_catalog.mxid_age(c.relminmxid), pg_catalog.mxid_age(t.relminmxid)) as mxid_age
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    left join pg_catalog.pg_class as t
        on t.oid = c.reltoastrelid and c.reltoastrelid <> 0
    where c.relkind in ('r', 'm') and c.relfrozenxid <> '0'
)

select
    case
        when a.age >= 0.65 * 2147483648 then 'critical'
        when a.age >= 0.50 * 2147483648 then 'warning'
        else 'info'
    end as severity,
    pg_catalog.format('%I.%I', a.nspname, a.relname) as object,
    pg_catalog.round(100.0 * a.age / 2147483648, 1)::double precision as value,
    '%' as unit,
    '50 %' as threshold,
    pg_catalog.format(
        'was not frozen for %s million transactions', pg_catalog.round(a.age / 1000000.0)
    ) as message,
    pg_catalog.format('VACUUM (FREEZE) %I.%I;', a.nspname, a.relname) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'xid_age', a.xid_age, 'multixact_age', a.mxid_age) as details
from aged as a
where a.age > greatest(
    400000000, 1.5 * pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint
)
order by a.age desc, 2
