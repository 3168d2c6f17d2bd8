-- Indexes that do what another index of the table does.
--
-- Two are the same with equal table, method, predicate, key columns or expressions, operator
-- classes, collations, order, INCLUDE columns, and, for unique ones, treatment of nulls. The one to
-- keep backs a constraint, is the replica identity, is unique, is clustered, is used more or is
-- older, in this order. Expressions are compared as trees without the places in the text that they
-- came from. Exclusion constraints are left out: their operators make them another thing. So are
-- partitions' indexes that belong to a partitioned one, which cannot be dropped alone. Catalogs:
-- pg_index, pg_class, pg_constraint, the scan counters. Threshold: any is a warning, one that
-- backs a constraint is for information. Source: notes of the PostgreSQL manual on indexes; the
-- rule is that of PgHero and check_postgres, made exact.
with backed as materialized (
    select k.conindid as oid, pg_catalog.min(k.conname) as constraint_name
    from pg_catalog.pg_constraint as k
    where k.contype in ('p', 'u', 'x', 'f') and k.conindid <> 0
    group by k.conindid
),

-- What makes two the same, in columns that are cheap to compare.
shaped as (
    select
        i.indexrelid,
        c.relkind,
        c.relname,
        c.relpages,
        n.nspname,
        pg_catalog.count(*) over (
            partition by
                i.indrelid, c.relam, i.indnkeyatts, i.indnatts, i.indkey[0], i.indclass::text,
                i.indcollation::text, i.indoption::text
        ) as alike
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c
        on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where i.indisvalid
        and i.indislive
        and not i.indisexclusion
        and not c.relispartition
        and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_(toast|temp)'
),

candidate as materialized (
    select
        s.indexrelid,
        s.relkind,
        s.relname,
        s.relpages,
        s.nspname,
        i.indrelid,
        i.indisunique,
        i.indisreplident,
        i.indisclustered,
        b.constraint_name,
        pg_catalog.pg_stat_get_numscans(s.indexrelid) as idx_scan,
        pg_catalog.jsonb_build_array(
            i.indrelid, c.relam, i.indnkeyatts,
            (pg_catalog.string_to_array(i.indkey::text, ' '))[1:i.indnkeyatts],
            i.indclass::text, i.indcollation::text, i.indoption::text,
            array(
                select u.attnum
                from pg_catalog.unnest(i.indkey) with ordinality as u (attnum, n)
                where u.n > i.indnkeyatts
                order by 1
            ),
            pg_catalog.regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'),
            pg_catalog.regexp_replace(i.indpred::text, ':location -?\d+', '', 'g')
        )::text as shape,
        -- NULLS NOT DISTINCT: PostgreSQL 15 and later.
        i.indisunique
            and coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
            as nulls_not_distinct
    from shaped as s
    join pg_catalog.pg_index as i
        on i.indexrelid = s.indexrelid
    join pg_catalog.pg_class as c
        on c.oid = s.indexrelid
    left join backed as b
        on b.oid = s.indexrelid
    where s.alike > 1
),

ranked as (
    select
        c.*,
        pg_catalog.first_value(c.indexrelid) over best as kept
    from candidate as c
    window best as (
        partition by c.shape
        order by
            c.constraint_name is null,
            not c.indisreplident,
            not c.indisunique,
            not c.indisclustered,
            c.idx_scan desc,
            c.indexrelid
    )
)

select
    case when r.constraint_name is null then 'warning' else 'info' end as severity,
    pg_catalog.format('%I.%I', r.nspname, r.relname) as object,
    (r.relpages * pg_catalog.current_setting('block_size')::bigint)::double precision as value,
    'bytes' as unit,
    'no second index of the same columns' as threshold,
    pg_catalog.format(
        'does the same as %s: it costs writes and space and helps no query',
        k.indexrelid::pg_catalog.regclass
    ) as message,
    case
        when r.constraint_name is not null then null
        when r.relkind = 'I' then pg_catalog.format('DROP INDEX %I.%I;', r.nspname, r.relname)
        else pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', r.nspname, r.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'table', r.indrelid::pg_catalog.regclass::text,
        'kept', k.indexrelid::pg_catalog.regclass::text,
        'constraint', r.constraint_name,
        'scans', r.idx_scan,
        'scans_of_kept', k.idx_scan
    ) as details
from ranked as r
join candidate as k
    on k.indexrelid = r.kept
where r.indexrelid <> r.kept
    and not r.indisreplident
    -- A unique one is only replaced by a unique one that treats nulls alike.
    and (not r.indisunique or k.indisunique and k.nulls_not_distinct = r.nulls_not_distinct)
order by r.relpages desc, 2
