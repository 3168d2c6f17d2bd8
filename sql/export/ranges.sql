-- Statistics of ranges before PostgreSQL 17, whose pg_stats does not show them. Needs SELECT on
-- pg_statistic, which superusers have.
select
    t.schema_name as schema,
    c.relname as relation,
    a.attname as column,
    s.stainherit as inherited,
    case 6 when s.stakind1 then s.stavalues1 when s.stakind2 then s.stavalues2
        when s.stakind3 then s.stavalues3 when s.stakind4 then s.stavalues4
        else s.stavalues5 end::text as lengths,
    case 6 when s.stakind1 then s.stanumbers1 when s.stakind2 then s.stanumbers2
        when s.stakind3 then s.stanumbers3 when s.stakind4 then s.stanumbers4
        else s.stanumbers5 end as empty_frac,
    case 7 when s.stakind1 then s.stavalues1 when s.stakind2 then s.stavalues2
        when s.stakind3 then s.stavalues3 when s.stakind4 then s.stavalues4
        else s.stavalues5 end::text as bounds
from own_table as t
join pg_catalog.pg_class as c
    on c.oid = t.oid
join pg_catalog.pg_statistic as s
    on s.starelid = c.oid
join pg_catalog.pg_attribute as a
    on a.attrelid = s.starelid and a.attnum = s.staattnum
where 6 in (s.stakind1, s.stakind2, s.stakind3, s.stakind4, s.stakind5)
    and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
    and not (c.relrowsecurity and pg_catalog.row_security_active(c.oid))
order by 1, 2, 3, 4
