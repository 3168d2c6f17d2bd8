-- Btree indexes whose queries another index of the table can answer.
--
-- The key columns of the other begin with those of this one, with equal predicate, operator classes
-- and their options, collations and order, or the reverse of every column's order (a btree is read
-- in both directions); the INCLUDE columns are in the other too. A unique index is redundant only
-- to a unique one with the same key that is as strict. One that backs a constraint, the replica
-- identity, a clustered one and a partition's part of a partitioned index never are. Equal indexes
-- are duplicate_index's. Of two that differ in direction only, the one to keep is unique, is used
-- more, is smaller or is older. Catalogs: pg_index, pg_class, pg_constraint, pg_attribute,
-- pg_amproc, the scan counters. Thresholds: any is a warning; for information when the other index
-- has more than redundant_index_ratio (3) times the pages, because then this one may be worth its
-- keep. The extension then proves each (redundant_index_tolerance, _time, _statements): it plans
-- the recorded statements with these indexes hidden. Source: the prefix rule of PgHero with what it
-- leaves out; manual, "Indexes and ORDER BY", for the direction. Needs no privilege.
with alike as materialized (
    select
        i.indrelid,
        i.indkey[0] as first_key,
        i.indclass[0] as first_class
    from pg_catalog.pg_index as i
    where i.indisvalid
        and i.indislive
        and not i.indisexclusion
        -- FirstNormalObjectId: no catalog, and nothing of information_schema.
        and i.indrelid >= 16384
    group by i.indrelid, i.indkey[0], i.indclass[0]
    having pg_catalog.count(*) > 1
),

candidate as materialized (
    select
        i.indexrelid,
        i.indrelid,
        i.indkey[0] as first_key,
        i.indclass[0] as first_class,
        i.indnkeyatts::integer as width,
        i.indnatts - i.indnkeyatts as included,
        -- Lists as texts that end in a space: one begins with another if its text does.
        case
            when i.indnkeyatts = i.indnatts then i.indkey::text
            else pg_catalog.array_to_string(
                (pg_catalog.string_to_array(i.indkey::text, ' '))[1:i.indnkeyatts], ' '
            )
        end || ' ' as keys,
        i.indkey::text || ' ' as columns,
        i.indclass::text || ' ' as classes,
        i.indcollation::text || ' ' as collations,
        i.indoption::text || ' ' as options,
        -- Ascending with nulls last (0), descending with nulls first (3), and the other two.
        pg_catalog.translate(i.indoption::text, '0123', '3210') || ' ' as reverse_options,
        -- A list of trees is printed as (first second).
        coalesce(
            pg_catalog.rtrim(
                pg_catalog.regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'), ')'
            ), '('
        ) as expressions,
        pg_catalog.regexp_replace(i.indpred::text, ':location -?\d+', '', 'g') as predicate,
        i.indisunique,
        i.indimmediate,
        -- NULLS NOT DISTINCT: PostgreSQL 15 and later.
        i.indisunique
            and coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
            as nulls_not_distinct,
        i.indisreplident or i.indisclustered or c.relispartition as needed,
        c.relkind,
        c.relname,
        c.relnamespace,
        c.relpages
    from alike as a
    -- By the catalog's index, whatever the planner expects: its statistics may be an empty
    -- database's.
    cross join lateral (
        select j.*
        from pg_catalog.pg_index as j
        where j.indrelid = a.indrelid
            and j.indkey[0] = a.first_key
            and j.indclass[0] = a.first_class
            and j.indisvalid
            and j.indislive
            and not j.indisexclusion
        offset 0
    ) as i
    cross join lateral (
        select d.*
        from pg_catalog.pg_class as d
        where d.oid = i.indexrelid
        offset 0
    ) as c
    where c.relpersistence <> 't'
        and c.relam = (select m.oid from pg_catalog.pg_am as m where m.amname = 'btree')
),

pair as materialized (
    select
        a.*,
        b.indexrelid as covering,
        c.relpages as covering_pages,
        b.width as covering_width
    from candidate as a
    cross join lateral (
        select
            j.*,
            j.indnkeyatts::integer as width,
            j.indnatts - j.indnkeyatts as included,
            j.indkey::text || ' ' as columns,
            j.indoption::text || ' ' as options
        from pg_catalog.pg_index as j
        where j.indrelid = a.indrelid
            and j.indkey[0] = a.first_key
            and j.indclass[0] = a.first_class
            and j.indexrelid <> a.indexrelid
            and j.indnkeyatts >= a.width
            and j.indisvalid
            and j.indislive
            and not j.indisexclusion
            and (
                not a.indisunique
                or j.indisunique
                and j.indnkeyatts = a.width
                and (j.indimmediate or not a.indimmediate)
                and (
                    not a.nulls_not_distinct
                    or coalesce((pg_catalog.to_jsonb(j) ->> 'indnullsnotdistinct')::boolean, false)
                )
            )
        offset 0
    ) as b
    cross join lateral (
        select d.*
        from pg_catalog.pg_class as d
        where d.oid = b.indexrelid
        offset 0
    ) as c
    where not a.needed
        and pg_catalog.starts_with(b.columns, a.keys)
        and pg_catalog.starts_with(b.indclass::text || ' ', a.classes)
        and pg_catalog.starts_with(b.indcollation::text || ' ', a.collations)
        and pg_catalog.starts_with(
            coalesce(pg_catalog.regexp_replace(b.indexprs::text, ':location -?\d+', '', 'g'), '('),
            a.expressions
        )
        and (
            pg_catalog.starts_with(b.options, a.options)
            or pg_catalog.starts_with(b.options, a.reverse_options)
        )
        and pg_catalog.regexp_replace(b.indpred::text, ':location -?\d+', '', 'g')
        is not distinct from a.predicate
        and (
            a.included = 0
            or pg_catalog.string_to_array(b.columns, ' ')
            @> (pg_catalog.string_to_array(a.columns, ' '))[a.width + 1:]
        )
        -- With equal keys and no more INCLUDE columns it may be the other that is redundant.
        and case
            when b.width > a.width then true
            when b.included > a.included then true
            when b.options = a.options then false
            when b.indisreplident or b.indisclustered or c.relispartition then true
            when b.indisunique <> a.indisunique then b.indisunique
            else row(
                pg_catalog.pg_stat_get_numscans(a.indexrelid), -a.relpages, -a.indexrelid::bigint
            ) < row(
                pg_catalog.pg_stat_get_numscans(b.indexrelid), -c.relpages, -b.indexrelid::bigint
            )
        end
        -- pg_constraint has no index on conindid: it is read once, whatever the planner expects.
        and a.indexrelid not in (
            select k.conindid
            from pg_catalog.pg_constraint as k
            where k.contype in ('p', 'u', 'x', 'f')
        )
),

redundant as materialized (
    select distinct on (p.indexrelid) p.*
    from pair as p
    -- No operator class of a btree in core has options (support function 5), and then there is
    -- nothing to compare.
    where not exists (
            select
            from pg_catalog.pg_amproc as s
            join pg_catalog.pg_opfamily as f
                on f.oid = s.amprocfamily
            join pg_catalog.pg_am as m
                on m.oid = f.opfmethod
            where s.amprocnum = 5 and m.amname = 'btree'
        )
        or not exists (
            select
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_attribute as b
                on b.attrelid = p.covering and b.attnum = a.attnum
            where a.attrelid = p.indexrelid
                and a.attnum between 1 and p.width
                and a.attoptions is distinct from b.attoptions
        )
    order by p.indexrelid, p.covering_pages, p.covering_width, p.covering
),

-- The pages and the use of a partitioned index are those of its partitions'.
tree as (
    with recursive part (root, oid) as (
        select
            u.oid,
            u.oid
        from redundant as r
        cross join pg_catalog.unnest(array[r.indexrelid, r.covering]) as u (oid)
        where r.relkind = 'I'
        union
        select
            p.root,
            h.inhrelid
        from part as p
        join pg_catalog.pg_inherits as h
            on h.inhparent = p.oid
    )

    select
        p.root,
        pg_catalog.sum(c.relpages) as pages,
        pg_catalog.sum(pg_catalog.pg_stat_get_numscans(c.oid)) as scans
    from part as p
    join pg_catalog.pg_class as c
        on c.oid = p.oid
    where c.relkind = 'i'
    group by p.root
),

measured as materialized (
    select
        r.*,
        pg_catalog.current_setting('mcp_advisor.health_redundant_index_ratio')::double precision
            as ratio,
        coalesce(t.pages, r.relpages) as pages,
        coalesce(t.scans, pg_catalog.pg_stat_get_numscans(r.indexrelid)) as scans,
        coalesce(d.pages, r.covering_pages) as pages_of_covering
    from redundant as r
    left join tree as t
        on t.root = r.indexrelid
    left join tree as d
        on d.root = r.covering
)

select
    case when m.pages_of_covering > m.ratio * m.pages then 'info' else 'warning' end as severity,
    pg_catalog.format('%I.%I', n.nspname, m.relname) as object,
    (m.pages * pg_catalog.current_setting('block_size')::bigint)::double precision as value,
    'bytes' as unit,
    'no index that begins with the same columns' as threshold,
    pg_catalog.format(
        case
            when m.covering_width > m.width
                then 'has the first columns of %s, which can answer its queries'
            else 'has the key of %s, which can answer its queries'
        end || case
            when m.pages_of_covering > m.ratio * m.pages then ', but is %s times its size'
            else ''
        end,
        m.covering::pg_catalog.regclass,
        pg_catalog.round(m.pages_of_covering::numeric / greatest(m.pages, 1), 1)
    ) as message,
    case
        when m.relkind = 'I' then pg_catalog.format('DROP INDEX %I.%I;', n.nspname, m.relname)
        else pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', n.nspname, m.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'oid', m.indexrelid::bigint,
        'table', m.indrelid::pg_catalog.regclass::text,
        'table_oid', m.indrelid::bigint,
        'covering', m.covering::pg_catalog.regclass::text,
        'scans', m.scans,
        'proven', false,
        'why_not', 'only the extension mcp_advisor plans the workload without it'
    ) as details
from measured as m
join pg_catalog.pg_namespace as n
    on n.oid = m.relnamespace
order by 3 desc, 2
