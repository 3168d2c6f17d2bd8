-- Btree indexes whose columns another index of the table begins with.
--
-- The longer one serves the same queries if method, predicate, operator classes, collations, order
-- and INCLUDE columns allow it. Unique indexes, those that back a constraint, the replica identity
-- and the clustered index are never redundant in this sense. Catalogs: pg_index, pg_class,
-- pg_constraint, the scan counters. Threshold: any is a warning; for information when the longer
-- index has more than three times the pages, because then the shorter one may be worth its keep.
-- Equal indexes are duplicate_index's. Source: the prefix rule of PgHero, with what it leaves out.
with backed as materialized (
    select distinct k.conindid as oid
    from pg_catalog.pg_constraint as k
    where k.contype in ('p', 'u', 'x', 'f') and k.conindid <> 0
),

candidate as materialized (
    select
        i.indexrelid,
        i.indrelid,
        i.indnkeyatts::integer as width,
        c.relkind,
        c.relname,
        c.relpages,
        n.nspname,
        i.indisunique or i.indisreplident or i.indisclustered or b.oid is not null as needed,
        (pg_catalog.string_to_array(i.indkey::text, ' '))[1:i.indnkeyatts] as keys,
        pg_catalog.string_to_array(i.indkey::text, ' ') as columns,
        (pg_catalog.string_to_array(i.indkey::text, ' '))[i.indnkeyatts + 1:] as included,
        pg_catalog.string_to_array(i.indclass::text, ' ') as classes,
        pg_catalog.string_to_array(i.indcollation::text, ' ') as collations,
        pg_catalog.string_to_array(i.indoption::text, ' ') as options,
        coalesce(pg_catalog.regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'), '()')
            as expressions,
        pg_catalog.regexp_replace(i.indpred::text, ':location -?\d+', '', 'g') as predicate
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c
        on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    join pg_catalog.pg_am as m
        on m.oid = c.relam
    left join backed as b
        on b.oid = i.indexrelid
    where i.indisvalid
        and i.indislive
        and m.amname = 'btree'
        and not c.relispartition
        and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_(toast|temp)'
),

pair as (
    select distinct on (a.indexrelid)
        a.indexrelid,
        a.indrelid,
        a.relkind,
        a.nspname,
        a.relname,
        a.relpages,
        b.indexrelid as covering,
        b.relpages as covering_pages
    from candidate as a
    join candidate as b
        on b.indrelid = a.indrelid
        and b.keys[1] = a.keys[1]
        and b.width > a.width
    where not a.needed
        and b.keys[1:a.width] = a.keys
        and b.classes[1:a.width] = a.classes
        and b.collations[1:a.width] = a.collations
        and b.options[1:a.width] = a.options
        and b.predicate is not distinct from a.predicate
        and b.columns @> a.included
        -- A list of trees is printed as (first second): all of a's come first in b's.
        and pg_catalog.starts_with(
            b.expressions, pg_catalog.rtrim(a.expressions, ')')
        )
    order by a.indexrelid, b.relpages, b.indexrelid
)

select
    case when p.covering_pages > 3 * p.relpages then 'info' else 'warning' end as severity,
    pg_catalog.format('%I.%I', p.nspname, p.relname) as object,
    (p.relpages * pg_catalog.current_setting('block_size')::bigint)::double precision as value,
    'bytes' as unit,
    'no index that begins with the same columns' as threshold,
    pg_catalog.format(
        'has the first columns of %s, which can answer its queries',
        p.covering::pg_catalog.regclass
    ) as message,
    case
        when p.relkind = 'I' then pg_catalog.format('DROP INDEX %I.%I;', p.nspname, p.relname)
        else pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', p.nspname, p.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'table', p.indrelid::pg_catalog.regclass::text,
        'covering', p.covering::pg_catalog.regclass::text,
        'scans', pg_catalog.pg_stat_get_numscans(p.indexrelid)
    ) as details
from pair as p
order by p.relpages desc, 2
