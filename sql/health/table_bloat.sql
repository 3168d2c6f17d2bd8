-- Tables of which much is empty, by an estimate that the extension confirms by reading pages.
--
-- The pages that the rows of the last VACUUM or ANALYZE need at the table's own fill factor, from
-- the average widths of the columns, against the pages there are. Follows heap pages: 23 bytes of
-- row header and a bit a column where there are nulls, columns aligned by their types, rows to 8, a
-- line pointer of 4, pages of 8192 - 24 bytes, and no row on two pages. TOAST tables keep four
-- chunks to a page at the tightest, so that is what theirs need; shorter chunks make them look
-- fuller than they are. Statistics are read by key, and only of tables larger than rows of the
-- least size could need by more than the warning allows; those that could not waste
-- table_bloat_least are left out. Dropped columns make a table look fuller, or emptier, than it is:
-- a reason to look at pages. Partitions are judged each, as each is rewritten by itself. One row
-- tells how many could not be judged, for want of statistics or of the privilege to read them.
-- Catalogs: pg_class, pg_attribute, pg_stats, pg_stat_get_dead_tuples. Thresholds:
-- table_bloat_warning (50 %) and table_bloat_least (10 MB) of empty space for a warning,
-- table_bloat_critical (80 %) and table_bloat_critical_least (1 GB); from table_bloat_dead (10 %) of
-- dead rows on VACUUM is what helps, below it the space is free already and only a rewrite gives it
-- back. Source: the server's heapam (bufpage.h, htup_details.h, heaptoast.h) and pgstattuple; limits
-- as pgx_scripts and check_postgres. Needs SELECT on the table for its statistics.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_table_bloat_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_table_bloat_critical')::double precision
            as critical,
        pg_catalog.current_setting('mcp_advisor.health_table_bloat_dead')::double precision
            as dead,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_table_bloat_least')
        ) as least_bytes,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_table_bloat_critical_least')
        ) as critical_bytes,
        pg_catalog.current_setting('block_size')::bigint as block_size
),

-- A row needs 28 bytes, and 36 as soon as it holds anything; a chunk of TOAST a quarter page.
suspect as materialized (
    select
        c.oid,
        c.relname,
        c.relnamespace,
        c.relkind,
        c.relpages,
        c.reltuples,
        coalesce((
            select pg_catalog.substr(o, 12)::integer
            from pg_catalog.unnest(c.reloptions) as o
            where o like 'fillfactor=%'
        ), 100) / 100.0 as fill
    from pg_catalog.pg_class as c
    cross join limits as l
    where c.relkind in ('r', 'm', 't')
        and c.relam = 2
        and c.relpersistence <> 't'
        and c.oid >= 16384
        and (c.relpages - greatest(c.reltuples, 0) * 28 / 8168) * l.block_size > l.least_bytes
        and greatest(c.reltuples, 0) * 28 / 8168 < c.relpages * (1 - l.warning / 100)
),

measured as materialized (
    select
        s.*,
        n.nspname,
        w.known,
        w.width
    from suspect as s
    join pg_catalog.pg_namespace as n
        on n.oid = s.relnamespace
    cross join lateral (
        select
            pg_catalog.bool_and(p.avg_width is not null) as known,
            -- Without regard to the order of the columns: half of what alignment can cost.
            pg_catalog.sum(
                case a.attalign
                    when 'd' then pg_catalog.ceil(p.avg_width / 8.0) * 8
                    when 'i' then case
                        when a.attlen > 0 then pg_catalog.ceil(p.avg_width / 4.0) * 4
                        else p.avg_width
                    end
                    else p.avg_width
                end * (1 - p.null_frac)
            )
            + 23 + case
                when pg_catalog.bool_or(p.null_frac > 0) then (pg_catalog.count(*) + 7) / 8 else 0
            end as width
        from pg_catalog.pg_attribute as a
        -- The limit keeps it a look-up by key for each column.
        left join lateral (
            select t.avg_width, t.null_frac
            from pg_catalog.pg_stats as t
            where t.schemaname = n.nspname
                and t.tablename = s.relname
                and t.attname = a.attname
                and not t.inherited
            limit 1
        ) as p
            on true
        where a.attrelid = s.oid and a.attnum > 0 and not a.attisdropped and s.relkind <> 't'
    ) as w
),

sized as (
    select
        m.*,
        case
            when m.relkind = 't' then pg_catalog.ceil(m.reltuples / 4)
            else pg_catalog.ceil(m.reltuples / greatest(
                pg_catalog.floor((8168 - 8192 * (1 - m.fill)) / (
                    pg_catalog.ceil(m.width / 8) * 8 + 4
                )), 1
            ))
        end as needed_pages
    from measured as m
    where m.reltuples >= 0 and (m.known or m.relkind = 't')
),

bloated as (
    select
        s.*,
        l.*,
        (1 - s.needed_pages / s.relpages) * 100 as percent,
        ((s.relpages - s.needed_pages) * l.block_size)::bigint as bytes,
        pg_catalog.format('%I.%I', s.nspname, s.relname) as object,
        coalesce(
            100.0 * d.dead / nullif(d.dead + greatest(s.reltuples, 0), 0), 0
        )::numeric as dead_percent
    from sized as s
    cross join limits as l
    cross join lateral (select pg_catalog.pg_stat_get_dead_tuples(s.oid) as dead) as d
    where (1 - s.needed_pages / s.relpages) * 100 > l.warning
        and (s.relpages - s.needed_pages) * l.block_size > l.least_bytes
),

unknown as (
    select
        m.*,
        pg_catalog.row_number() over (order by m.relpages desc, m.oid) as place,
        pg_catalog.has_any_column_privilege(m.oid, 'select') as allowed
    from measured as m
    where m.reltuples < 0 or m.known is not true and m.relkind <> 't'
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
        'about %s %% of its %s hold no row that is alive%s', pg_catalog.round(b.percent),
        pg_catalog.pg_size_pretty(b.relpages * b.block_size),
        case
            when b.dead_percent < b.dead then
                ': VACUUM has freed it for new rows, and only a rewrite gives it back, by pg_repack '
                'or, while nobody can use the table, by VACUUM FULL'
        end
    ) as message,
    case
        when b.dead_percent >= b.dead then pg_catalog.format('VACUUM %s;', b.object)
        else pg_catalog.format(
            'VACUUM (FULL, ANALYZE) %s;', coalesce(o.object, b.object)
        )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when b.dead_percent >= b.dead then 'safe' else 'rewrites' end,
        'oid', b.oid::bigint,
        'toast_of', o.object,
        'pages', b.relpages,
        'pages_needed', b.needed_pages,
        'wasted_bytes', b.bytes,
        'dead_percent', pg_catalog.round(b.dead_percent, 1),
        'fillfactor', (b.fill * 100)::integer,
        'estimated_percent', pg_catalog.round(b.percent::numeric, 1),
        'decided_by', 'estimate'
    ) as details
from bloated as b
-- A TOAST table is rewritten with its table.
left join lateral (
    select pg_catalog.format('%I.%I', n.nspname, t.relname) as object
    from pg_catalog.pg_class as t
    join pg_catalog.pg_namespace as n
        on n.oid = t.relnamespace
    where b.relkind = 't' and t.reltoastrelid = b.oid
) as o
    on true

union all

select
    'info',
    null,
    pg_catalog.count(*)::double precision,
    'tables',
    'statistics of all columns',
    pg_catalog.format(
        '%s tables could not be judged: %s', pg_catalog.count(*),
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
                'table', pg_catalog.format('%I.%I', u.nspname, u.relname), 'oid', u.oid::bigint
            ) order by u.place
        ) filter (where u.place <= 20)
    )
from unknown as u
having pg_catalog.count(*) > 0

order by 3 desc, 2
