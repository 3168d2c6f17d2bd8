-- Partitioned indexes that some partitions lack: made with ON ONLY and never completed.
--
-- Queries on those partitions have no such index, and a unique one holds nothing. Only those that
-- miss an index of a partition directly below are reported; one above becomes valid with it. A
-- partition gets its index under a name of its own and attached; where it has an equal one already,
-- that is attached. There is SQL for indexes of plain columns without a predicate that back no
-- constraint. Catalogs: pg_index, pg_class, pg_inherits, pg_attribute, pg_opclass, pg_collation,
-- pg_am. Threshold: any is for information. Source: manual of CREATE INDEX (ON ONLY) and ALTER
-- INDEX (ATTACH PARTITION). Needs no privilege.
with invalid as materialized (
    select
        i.*,
        c.relname,
        c.relam,
        n.nspname,
        -- Method, keys and columns of those that can be written.
        case
            when i.indexprs is null
                and i.indpred is null
                and not exists (
                    select
                    from pg_catalog.pg_constraint as k
                    where k.conrelid = i.indrelid and k.conindid = i.indexrelid
                )
                then (
                    select pg_catalog.format(
                        'USING %I (%s)%s%s', m.amname,
                        pg_catalog.string_agg(
                            pg_catalog.format(
                                '%I%s %I.%I%s%s', a.attname,
                                case when l.oid is not null
                                    then pg_catalog.format(' COLLATE %I.%I', ln.nspname, l.collname)
                                end,
                                ocn.nspname, oc.opcname,
                                case when m.amname = 'btree' and i.indoption[u.n] & 1 = 1
                                    then ' DESC'
                                end,
                                case
                                    when m.amname = 'btree' and i.indoption[u.n] = 1
                                        then ' NULLS LAST'
                                    when m.amname = 'btree' and i.indoption[u.n] = 2
                                        then ' NULLS FIRST'
                                end
                            ), ', ' order by u.n
                        ) filter (where u.n < i.indnkeyatts),
                        ' INCLUDE (' || pg_catalog.string_agg(
                            pg_catalog.quote_ident(a.attname), ', ' order by u.n
                        ) filter (where u.n >= i.indnkeyatts) || ')',
                        -- PostgreSQL 15 and later.
                        case when (pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean
                            then ' NULLS NOT DISTINCT'
                        end
                    )
                    from pg_catalog.pg_am as m
                    cross join pg_catalog.generate_series(0, i.indnatts - 1) as u (n)
                    join pg_catalog.pg_attribute as a
                        on a.attrelid = i.indrelid and a.attnum = i.indkey[u.n]
                    left join pg_catalog.pg_opclass as oc
                        on oc.oid = i.indclass[u.n] and u.n < i.indnkeyatts
                    left join pg_catalog.pg_namespace as ocn
                        on ocn.oid = oc.opcnamespace
                    left join pg_catalog.pg_collation as l
                        on l.oid = i.indcollation[u.n] and u.n < i.indnkeyatts
                    left join pg_catalog.pg_namespace as ln
                        on ln.oid = l.collnamespace
                    where m.oid = c.relam
                    group by m.amname
                )
        end as words
    from pg_catalog.pg_class as c
    join pg_catalog.pg_index as i
        on i.indexrelid = c.oid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where c.relkind = 'I'
        and c.relpersistence <> 't'
        and not i.indisvalid
),

lacking as materialized (
    select
        v.indexrelid,
        v.indrelid,
        v.indisunique,
        v.nspname,
        v.relname,
        v.words,
        p.oid as partition,
        p.relname as partition_name,
        p.relkind as partition_kind,
        n.nspname as partition_schema,
        -- An equal one that belongs to no other.
        (
            select pg_catalog.min(e.indexrelid::bigint)::pg_catalog.oid
            from pg_catalog.pg_index as e
            join pg_catalog.pg_class as x
                on x.oid = e.indexrelid
            where e.indrelid = p.oid
                and not x.relispartition
                and e.indisvalid
                and x.relam = v.relam
                and e.indisunique = v.indisunique
                and e.indnkeyatts = v.indnkeyatts
                and e.indclass = v.indclass
                and e.indcollation::text = v.indcollation::text
                and e.indoption::text = v.indoption::text
                and v.words is not null
                and e.indexprs is null
                and e.indpred is null
                -- By names: the numbers may differ.
                and array(
                    select a.attname
                    from pg_catalog.unnest(e.indkey) with ordinality as u (attnum, place)
                    join pg_catalog.pg_attribute as a
                        on a.attrelid = e.indrelid and a.attnum = u.attnum
                    order by u.place
                ) = array(
                    select a.attname
                    from pg_catalog.unnest(v.indkey) with ordinality as u (attnum, place)
                    join pg_catalog.pg_attribute as a
                        on a.attrelid = v.indrelid and a.attnum = u.attnum
                    order by u.place
                )
        ) as equal
    from invalid as v
    join pg_catalog.pg_inherits as h
        on h.inhparent = v.indrelid
    join pg_catalog.pg_class as p
        on p.oid = h.inhrelid
    join pg_catalog.pg_namespace as n
        on n.oid = p.relnamespace
    where p.relkind in ('r', 'p')
        and not exists (
            select
            from pg_catalog.pg_inherits as m
            join pg_catalog.pg_index as e
                on e.indexrelid = m.inhrelid
            where m.inhparent = v.indexrelid and e.indrelid = p.oid
        )
),

step as (
    select
        k.*,
        -- Of both, so that it is free; within 63 bytes, also where a character has four.
        case
            when k.equal is not null then e.relname::text
            else pg_catalog.left(k.relname, 8) || '_' || k.indexrelid || '_' || k.partition
        end as index_name
    from lacking as k
    left join pg_catalog.pg_class as e
        on e.oid = k.equal
),

mended as (
    select
        s.indrelid,
        s.indisunique,
        s.nspname,
        s.relname,
        pg_catalog.count(*) as partitions,
        pg_catalog.min(pg_catalog.format('%I.%I', s.partition_schema, s.partition_name)) as example,
        pg_catalog.bool_or(s.partition_kind = 'p' and s.equal is null) as locks,
        case when s.words is not null then pg_catalog.string_agg(
            case when s.equal is null then pg_catalog.format(
                'CREATE %sINDEX %s%I ON %I.%I %s; ',
                case when s.indisunique then 'UNIQUE ' end,
                case when s.partition_kind = 'r' then 'CONCURRENTLY ' end,
                s.index_name, s.partition_schema, s.partition_name, s.words
            ) else '' end || pg_catalog.format(
                'ALTER INDEX %I.%I ATTACH PARTITION %I.%I;',
                -- An index is in its table's schema.
                s.nspname, s.relname, s.partition_schema, s.index_name
            ), ' ' order by s.partition
        ) end as remediation
    from step as s
    group by s.indexrelid, s.indrelid, s.indisunique, s.nspname, s.relname, s.words
)

select
    'info' as severity,
    pg_catalog.format('%I.%I', m.nspname, m.relname) as object,
    m.partitions::double precision as value,
    'partitions' as unit,
    'every partition has it' as threshold,
    pg_catalog.format(
        '%s partitions of %s have no such index, as %s%s', m.partitions,
        m.indrelid::pg_catalog.regclass, m.example,
        case when m.remediation is null then
            ': create it there and attach it with ALTER INDEX ... ATTACH PARTITION'
        end
    ) as message,
    m.remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when m.locks then 'locks' else 'safe' end,
        'table', m.indrelid::pg_catalog.regclass::text,
        'unique', m.indisunique
    ) as details
from mended as m
order by 3 desc, 2
