-- Btree indexes of which much is empty, by an estimate that the extension confirms by reading pages.
--
-- The pages that the rows of the last VACUUM or ANALYZE need at the index's own fill factor, from
-- the average widths of the columns, against the pages there are. Follows nbtree: 8 bytes of tuple
-- header, 16 with nulls, alignment to 8, a line pointer of 4, pages of 8192 - 24 - 16 usable bytes,
-- and deduplication, which stores up to 130 or so equal keys as one with 6 bytes each. Distinct
-- keys of several columns are taken as the product of those of the columns, which errs towards no
-- alarm. Randomly filled indexes settle at 20 to 25 %, so a limit below 50 % is noise.
-- No index is too small: what no rows could fill by half is found without statistics; only for the
-- others are statistics read, by key, as joining all of them is what takes minutes in a large
-- database. The smallest, which together could waste no tenth of index_bloat_small_least, are left
-- out.
-- Indexes of TOAST tables have a fixed form and need none. Other methods (hash, GIN, GiST, BRIN)
-- have no such form and are not judged. One row tells how many could not be judged, for want of
-- statistics or of the privilege to read them. Catalogs: pg_index, pg_class, pg_attribute, pg_stats.
-- Thresholds: index_bloat_warning (50 %) and index_bloat_least (10 MB) of empty space for a warning,
-- index_bloat_critical (80 %) and index_bloat_critical_least (1 GB); smaller ones have one row for
-- all from index_bloat_small_least (1 MB) on. Source of formula and thresholds: the server's
-- nbtree (README, nbtsort.c, nbtdedup.c); measured against pgstatindex on 14 shapes of index,
-- within 3 points. Needs SELECT on the table for its statistics.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_index_bloat_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_index_bloat_critical')::double precision
            as critical,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_index_bloat_least')
        ) as least_bytes,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_index_bloat_critical_least')
        ) as critical_bytes,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_index_bloat_small_least')
        ) as small_bytes,
        pg_catalog.current_setting('block_size')::bigint as block_size
),

-- What is larger than the least that its rows could need by more than the warning allows. A row
-- needs 20 bytes, or 6 where equal keys may be stored as one.
suspect as materialized (
    select
        c.oid,
        c.relname,
        c.relnamespace,
        c.relpages,
        c.reltuples,
        c.reloptions,
        i.indrelid,
        i.indkey,
        i.indclass,
        i.indnatts,
        i.indnkeyatts,
        i.indisunique,
        pg_catalog.sum(c.relpages - n.least_pages) over (
            order by c.relpages - n.least_pages, c.oid
        ) * l.block_size as smaller_bytes
    from pg_catalog.pg_class as c
    join pg_catalog.pg_index as i
        on i.indexrelid = c.oid
    cross join limits as l
    cross join lateral (
        select
            2 + greatest(c.reltuples, 0) / 8152 * case
                when i.indisunique or i.indnatts > i.indnkeyatts then 20 else 6
            end as least_pages
    ) as n
    where c.relkind = 'i'
        and c.relam = 403
        and c.relpersistence <> 't'
        and c.oid >= 16384
        -- The same for an index without rows: nearly all end here, before they are joined.
        and c.relpages * (1 - l.warning / 100) > 2
        and n.least_pages < c.relpages * (1 - l.warning / 100)
),

described as materialized (
    select
        s.*,
        n.nspname,
        n.nspname = 'pg_toast' as is_toast,
        t.relname as table_name,
        coalesce((
            select pg_catalog.substr(o, 12)::integer
            from pg_catalog.unnest(s.reloptions) as o
            where o like 'fillfactor=%'
        ), 90) / 100.0 as fill,
        not coalesce('deduplicate_items=off' = any (s.reloptions), false)
            and not s.indisunique
            and s.indnatts = s.indnkeyatts
            -- Support function 4 says that equal keys look equal.
            and not exists (
                select
                from pg_catalog.unnest(s.indclass) as u (opclass)
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
    from suspect as s
    join pg_catalog.pg_namespace as n
        on n.oid = s.relnamespace
    join pg_catalog.pg_class as t
        on t.oid = s.indrelid
    cross join limits as l
    where s.smaller_bytes > l.small_bytes / 10.0
),

measured as materialized (
    select
        d.*,
        d.is_toast or k.known as known,
        case when d.is_toast then 8 else k.width end as width,
        k.nulls,
        least(greatest(k.distinct_keys, 1), greatest(d.reltuples, 1)) as distinct_keys
    from described as d
    cross join lateral (
        select
            pg_catalog.bool_and(w.known) as known,
            -- Of the rows, those that have a null in some column.
            1 - pg_catalog.exp(
                pg_catalog.sum(pg_catalog.ln(greatest(1 - w.null_frac, 1e-9)::double precision))
            ) as nulls,
            pg_catalog.sum(w.width * (1 - w.null_frac)) as width,
            pg_catalog.exp(pg_catalog.sum(
                pg_catalog.ln(greatest(w.distinct_keys, 1)::double precision)
            ) filter (where w.n <= d.indnkeyatts)) as distinct_keys
        from (
            select
                u.n,
                s.avg_width is not null or f.fixed as known,
                coalesce(s.null_frac, 0) as null_frac,
                -- A fixed-length column is as wide as its alignment allows; others follow unaligned.
                case
                    when a.attlen > 0 and a.attalign = 'd' then 8
                    when a.attlen > 0 and a.attalign = 'i' then greatest(a.attlen, 4)
                    when a.attlen > 0 then a.attlen
                    else s.avg_width
                end as width,
                case
                    when s.n_distinct < 0 then -s.n_distinct * greatest(d.reltuples, 1)
                    else s.n_distinct
                end + case when s.null_frac > 0 then 1 else 0 end as distinct_keys
            from pg_catalog.unnest(d.indkey) with ordinality as u (attnum, n)
            join pg_catalog.pg_attribute as a
                on a.attrelid = d.oid and a.attnum = u.n
            left join pg_catalog.pg_attribute as b
                on b.attrelid = d.indrelid and b.attnum = u.attnum and u.attnum > 0
            -- Of such a column, statistics could tell nothing that matters. Expressions have theirs
            -- under the index's own name.
            cross join lateral (
                select
                    a.attlen > 0 and coalesce(b.attnotnull, false) and not d.deduplicates as fixed,
                    case when b.attname is null then d.relname else d.table_name end as relname,
                    coalesce(b.attname, a.attname) as attname
            ) as f
            -- The limit keeps it a look-up by key for each column.
            left join lateral (
                select p.avg_width, p.null_frac, p.n_distinct
                from pg_catalog.pg_stats as p
                where p.schemaname = d.nspname
                    and p.tablename = f.relname
                    and p.attname = f.attname
                    and not p.inherited
                limit 1
            ) as s
                on not f.fixed
        ) as w
    ) as k
),

sized as (
    select
        m.*,
        1 + pg_catalog.ceil(
            1.01 * m.reltuples * case
                when m.deduplicates and m.per_key >= 2
                    then 6 + (m.tuple + 4) / least(m.per_key, 130)
                else m.tuple + 4
            end / ((8192 - 24 - 16) * m.fill)
        ) as needed_pages
    from (
        select
            q.*,
            greatest(q.reltuples / q.distinct_keys, 1) as per_key,
            pg_catalog.ceil((8 + 8 * coalesce(q.nulls, 0) + q.width) / 8) * 8 as tuple
        from measured as q
        where q.known and q.reltuples >= 0
    ) as m
),

bloated as (
    select
        s.*,
        l.*,
        (1 - s.needed_pages / s.relpages) * 100 as percent,
        ((s.relpages - s.needed_pages) * l.block_size)::bigint as bytes,
        pg_catalog.format('%I.%I', s.nspname, s.relname) as object
    from sized as s
    cross join limits as l
    where (1 - s.needed_pages / s.relpages) * 100 > l.warning
),

small as (
    select
        b.*,
        pg_catalog.row_number() over (order by b.bytes desc, b.oid) as place,
        pg_catalog.format('REINDEX INDEX CONCURRENTLY %s;', b.object) as remediation
    from bloated as b
    where b.bytes <= b.least_bytes
),

unknown as (
    select
        m.*,
        pg_catalog.row_number() over (order by m.relpages desc, m.oid) as place,
        pg_catalog.has_any_column_privilege(m.indrelid, 'select') as allowed
    from measured as m
    where m.known is not true or m.reltuples < 0
)

select
    case
        when b.percent > b.critical and b.bytes > b.critical_bytes then 'critical' else 'warning'
    end as severity,
    b.object,
    pg_catalog.round(b.percent::numeric, 1)::double precision as value,
    '%' as unit,
    pg_catalog.format('%s %% and %s', b.warning, pg_catalog.pg_size_pretty(b.least_bytes))
        as threshold,
    pg_catalog.format(
        'about %s %% of its %s are empty', pg_catalog.round(b.percent),
        pg_catalog.pg_size_pretty(b.relpages * b.block_size)
    ) as message,
    pg_catalog.format('REINDEX INDEX CONCURRENTLY %s;', b.object) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'oid', b.oid::bigint,
        'table', b.indrelid::pg_catalog.regclass::text,
        'pages', b.relpages,
        'pages_needed', b.needed_pages,
        'wasted_bytes', b.bytes,
        'fillfactor', (b.fill * 100)::integer,
        'estimated_percent', pg_catalog.round(b.percent::numeric, 1),
        'decided_by', 'estimate'
    ) as details
from bloated as b
where b.bytes > b.least_bytes

union all

select
    'info',
    null,
    pg_catalog.count(*)::double precision,
    'indexes',
    pg_catalog.format(
        '%s %% of each and %s of all', s.warning, pg_catalog.pg_size_pretty(s.small_bytes)
    ),
    pg_catalog.format(
        '%s of %s in %s smaller indexes that are more than %s %% empty',
        pg_catalog.pg_size_pretty(pg_catalog.sum(s.bytes)),
        pg_catalog.pg_size_pretty(pg_catalog.sum(s.relpages) * s.block_size),
        pg_catalog.count(*), s.warning
    ),
    pg_catalog.string_agg(s.remediation, ' ' order by s.place) filter (where s.place <= 20),
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'wasted_bytes', pg_catalog.sum(s.bytes),
        'decided_by', 'estimate',
        'largest', pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'index', s.object, 'percent', pg_catalog.round(s.percent::numeric, 1),
                'wasted_bytes', s.bytes, 'remediation', s.remediation
            ) order by s.place
        ) filter (where s.place <= 20)
    )
from small as s
group by s.warning, s.small_bytes, s.block_size
having pg_catalog.sum(s.bytes) > s.small_bytes

union all

select
    'info',
    null,
    pg_catalog.count(*)::double precision,
    'indexes',
    'statistics of all columns',
    pg_catalog.format(
        '%s indexes could not be judged: %s', pg_catalog.count(*),
        case
            when pg_catalog.bool_and(u.allowed) then 'they have no statistics'
            else 'the role may not read their statistics, or there are none'
        end
    ),
    case
        when pg_catalog.bool_and(u.allowed) then 'ANALYZE;'
        else pg_catalog.format('GRANT pg_monitor TO %I;', current_user)
    end,
    pg_catalog.jsonb_build_object(
        'ran', false,
        'risk', 'safe',
        'largest', pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'index', pg_catalog.format('%I.%I', u.nspname, u.relname), 'oid', u.oid::bigint,
                'table', u.indrelid::pg_catalog.regclass::text
            ) order by u.place
        ) filter (where u.place <= 20)
    )
from unknown as u
having pg_catalog.count(*) > 0

order by 3 desc, 2
