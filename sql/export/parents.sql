-- Partitions and inheritance, and how columns are stored where the type says otherwise.
select
    x.kind,
    x.name,
    x.ddl
from (
    select
        1 as place,
        child.oid,
        i.inhseqno as at,
        'parent' as kind,
        child.qualified as name,
        case when c.relispartition
            then pg_catalog.format(
                'alter table only %s attach partition %s %s',
                parent.qualified,
                child.qualified,
                pg_catalog.pg_get_expr(c.relpartbound, c.oid)
            )
            else pg_catalog.format('alter table %s inherit %s', child.qualified, parent.qualified)
        end as ddl
    from pg_catalog.pg_inherits as i
    join own_table as child
        on child.oid = i.inhrelid
    join own_table as parent
        on parent.oid = i.inhparent
    join pg_catalog.pg_class as c
        on c.oid = child.oid
    where not i.inhdetachpending
    union all
    select
        2,
        t.oid,
        a.attnum,
        'storage',
        pg_catalog.format('%s.%I', t.qualified, a.attname),
        pg_catalog.format(
            'alter table only %s alter column %I set storage %s',
            t.qualified,
            a.attname,
            case a.attstorage
                when 'p' then 'plain'
                when 'e' then 'external'
                when 'm' then 'main'
                else 'extended'
            end
        )
    from own_table as t
    join pg_catalog.pg_attribute as a
        on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type as b
        on b.oid = a.atttypid
    where t.kind in ('r', 'p') and a.attstorage <> b.typstorage
) as x
order by x.place, x.oid, x.at
