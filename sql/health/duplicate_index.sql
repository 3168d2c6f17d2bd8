-- Indexes that do what another index of the table does.
--
-- Two are the same with equal table, method, predicate, key columns or expressions, operator
-- classes and their options, collations, order and INCLUDE columns (in any order). Storage
-- parameters make no difference. A unique index is a duplicate only of a unique one that is as
-- strict (nulls, deferral). The one to keep backs a constraint, is the replica identity, is unique,
-- is strict with nulls, is clustered, is used more, is smaller or is older, in this order.
-- Expressions are compared as trees, without the places in the text that they came from. Exclusion
-- constraints are left out: their operators make them another thing. A partition's index that
-- belongs to one of the parent is kept, as it cannot be dropped alone. Catalogs: pg_index,
-- pg_class, pg_constraint, pg_attribute, pg_inherits, the scan counters; the columns that are dear
-- to compare are read only of indexes whose cheap ones are equal. Threshold: any is a warning; one
-- that backs a constraint, is the replica identity or is clustered is for information. Source:
-- catalogue of pg_index in the PostgreSQL manual; the rule is that of PgHero and check_postgres,
-- made exact. Needs no privilege.
with alike as materialized (
    select
        i.indrelid,
        i.indkey[0] as first_key,
        i.indnatts,
        i.indclass
    from pg_catalog.pg_index as i
    where i.indisvalid
        and i.indislive
        and not i.indisexclusion
        -- FirstNormalObjectId: no catalog, and nothing of information_schema.
        and i.indrelid >= 16384
    group by i.indrelid, i.indkey[0], i.indnatts, i.indclass
    having pg_catalog.count(*) > 1
),

candidate as materialized (
    select
        i.indexrelid,
        i.indrelid,
        i.indnkeyatts::integer as width,
        i.indisreplident,
        i.indisclustered,
        c.relname,
        c.relnamespace,
        c.relkind,
        c.relpages,
        c.relispartition,
        row(
            c.relam, i.indnkeyatts,
            case
                when i.indnkeyatts = i.indnatts then i.indkey::text
                else (pg_catalog.string_to_array(i.indkey::text, ' '))[1:i.indnkeyatts]::text
            end,
            i.indclass::text, i.indcollation::text, i.indoption::text,
            case when i.indnkeyatts < i.indnatts then array(
                select u.attnum
                from pg_catalog.unnest(i.indkey) with ordinality as u (attnum, n)
                where u.n > i.indnkeyatts
                order by 1
            )::text end,
            pg_catalog.regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'),
            pg_catalog.regexp_replace(i.indpred::text, ':location -?\d+', '', 'g')
        )::text as shape,
        -- Bits, of which one to keep has at least those of the other: unique, NULLS NOT DISTINCT
        -- (PostgreSQL 15 and later), checked at once.
        case when i.indisunique then
            4
            + coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)::integer
            * 2
            + i.indimmediate::integer
        else 0 end as strictness
    from alike as a
    -- By the catalog's index, whatever the planner expects: its statistics may be an empty
    -- database's.
    cross join lateral (
        select j.*
        from pg_catalog.pg_index as j
        where j.indrelid = a.indrelid
            and j.indkey[0] = a.first_key
            and j.indnatts = a.indnatts
            and j.indclass = a.indclass
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
),

twin as materialized (
    select c.*
    from (
        select
            d.*,
            pg_catalog.count(*) over (partition by d.indrelid, d.shape) as alike
        from candidate as d
    ) as c
    where c.alike > 1
),

-- The pages and the use of a partitioned index are those of its partitions'.
tree as materialized (
    with recursive part (root, oid) as (
        select
            t.indexrelid,
            t.indexrelid
        from twin as t
        where t.relkind = 'I'
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
        array[
            pg_catalog.sum(c.relpages), pg_catalog.sum(pg_catalog.pg_stat_get_numscans(c.oid))
        ]::bigint[] as measured
    from part as p
    join pg_catalog.pg_class as c
        on c.oid = p.oid
    where c.relkind = 'i'
    group by p.root
),

described as materialized (
    select
        t.*,
        -- pg_constraint has no index on conindid: it is read once, whatever the planner expects.
        t.indexrelid in (
            select k.conindid
            from pg_catalog.pg_constraint as k
            where k.contype in ('p', 'u', 'x', 'f')
        ) as backs,
        array(
            select a.attoptions::text
            from pg_catalog.pg_attribute as a
            where a.attrelid = t.indexrelid and a.attnum between 1 and t.width
            order by a.attnum
        ) as options,
        case
            when t.relkind = 'I' then coalesce(
                (select s.measured from tree as s where s.root = t.indexrelid), '{0,0}'
            )
            else array[t.relpages, pg_catalog.pg_stat_get_numscans(t.indexrelid)]
        end as measured
    from twin as t
),

ranked as materialized (
    select
        d.*,
        coalesce(d.measured[1], 0) * pg_catalog.current_setting('block_size')::bigint as bytes,
        d.backs or d.indisreplident or d.indisclustered as held,
        pg_catalog.row_number() over (
            partition by d.indrelid, d.shape, d.options
            order by
                not d.relispartition,
                not d.backs,
                not d.indisreplident,
                d.strictness desc,
                not d.indisclustered,
                d.measured[2] desc,
                d.measured[1],
                d.indexrelid
        ) as place
    from described as d
),

-- The same in the order of worth: each with those that come before it.
ordered as (
    select
        r.*,
        pg_catalog.array_agg(r.indexrelid) over worth as oids,
        pg_catalog.array_agg(r.strictness) over worth as strict,
        pg_catalog.array_agg(r.measured[2]) over worth as scans
    from ranked as r
    window worth as (
        partition by r.indrelid, r.shape, r.options
        order by r.place
        rows unbounded preceding
    )
),

pair as materialized (
    select
        o.*,
        case when o.backs then (
            select k.conname
            from pg_catalog.pg_constraint as k
            where k.conrelid = o.indrelid and k.conindid = o.indexrelid and k.contype <> 'f'
        ) end as constraint_name
    from (
        select
            q.*,
            (
                select pg_catalog.min(u.place)
                from pg_catalog.unnest(q.strict) with ordinality as u (strictness, place)
                where u.place < q.place and u.strictness & q.strictness = q.strictness
            ) as kept_place
        from ordered as q
        where q.place > 1 and not q.relispartition
    ) as o
    where o.kept_place is not null
)

select
    case when p.held then 'info' else 'warning' end as severity,
    pg_catalog.format('%I.%I', n.nspname, p.relname) as object,
    p.bytes::double precision as value,
    'bytes' as unit,
    'no second index of the same columns' as threshold,
    pg_catalog.format(
        'does the same as %s%s', p.oids[p.kept_place]::pg_catalog.regclass,
        case
            when p.constraint_name is not null
                then pg_catalog.format(', but backs the constraint %I', p.constraint_name)
            when p.backs then ', but a foreign key refers to it'
            when p.indisreplident then ', but is the replica identity'
            when p.indisclustered then ', but is what CLUSTER sorts by'
        end
    ) as message,
    case
        when p.held then null
        when p.relkind = 'I' then pg_catalog.format('DROP INDEX %I.%I;', n.nspname, p.relname)
        else pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', n.nspname, p.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'oid', p.indexrelid::bigint,
        'table_oid', p.indrelid::bigint,
        'table', p.indrelid::pg_catalog.regclass::text,
        'kept', p.oids[p.kept_place]::pg_catalog.regclass::text,
        'constraint', p.constraint_name,
        'scans', p.measured[2],
        'scans_of_kept', p.scans[p.kept_place]
    ) as details
from pair as p
join pg_catalog.pg_namespace as n
    on n.oid = p.relnamespace
order by p.bytes desc, 2
