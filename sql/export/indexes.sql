-- Indexes and the constraints that have one, by age; foreign keys; what makes an index part of its
-- parent's; extended statistics.
select
    x.kind,
    x.name,
    x.ddl
from (
    select
        1 as place,
        i.indexrelid as oid,
        case when k.oid is null then 'index' else 'constraint' end as kind,
        i.indexrelid::pg_catalog.regclass::text as name,
        case when k.oid is null
            then pg_catalog.pg_get_indexdef(i.indexrelid)
            else pg_catalog.format(
                'alter table only %s add constraint %I %s',
                t.qualified,
                k.conname,
                pg_catalog.pg_get_constraintdef(k.oid)
            )
        end as ddl
    from pg_catalog.pg_index as i
    join own_table as t
        on t.oid = i.indrelid
    left join pg_catalog.pg_constraint as k
        on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
    where i.indisvalid or t.kind = 'p'
    union all
    select
        2,
        k.oid,
        'foreign key',
        pg_catalog.format('%s.%I', t.qualified, k.conname),
        pg_catalog.format(
            'alter table %s add constraint %I %s',
            t.qualified,
            k.conname,
            pg_catalog.pg_get_constraintdef(k.oid)
        )
    from pg_catalog.pg_constraint as k
    join own_table as t
        on t.oid = k.conrelid
    where k.contype = 'f' and k.conparentid = 0
    union all
    select
        3,
        i.indexrelid,
        'index part',
        i.indexrelid::pg_catalog.regclass::text,
        pg_catalog.format(
            'alter index %s attach partition %s',
            h.inhparent::pg_catalog.regclass,
            h.inhrelid::pg_catalog.regclass
        )
    from pg_catalog.pg_index as i
    join own_table as t
        on t.oid = i.indrelid
    join pg_catalog.pg_inherits as h
        on h.inhrelid = i.indexrelid
    union all
    select
        4,
        s.oid,
        'statistics',
        pg_catalog.format('%I.%I', n.nspname, s.stxname),
        pg_catalog.pg_get_statisticsobjdef(s.oid)
    from pg_catalog.pg_statistic_ext as s
    join own_table as t
        on t.oid = s.stxrelid
    join pg_catalog.pg_namespace as n
        on n.oid = s.stxnamespace
) as x
order by x.place, x.oid
