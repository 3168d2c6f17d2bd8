-- Tables partitioned by time whose partitions end, or have a hole, now or soon.
--
-- Only ranges of one column of type date, timestamp or timestamptz. The bounds are read by
-- pg_get_expr without a relation: as they hold no columns it needs none, and takes no lock, where
-- with one it would wait for an ALTER TABLE (pg_get_expr_worker in ruleutils.c, the same from 14 to
-- 18). Where the partitions that follow now without a gap end is the edge. A partition that is
-- itself partitioned by the same column is judged within its own bounds. The usual width is the
-- most common one, in months where bounds are on the same day; bounds with time zone are reckoned
-- in UTC when all are midnight there, else in the session's time zone, and where days do not begin
-- at midnight in that either, nothing is printed. Names follow those of the
-- partitions there are. Creating one takes an ACCESS EXCLUSIVE lock on the table, and fails while
-- the default partition holds rows for it, so nothing is printed then. Catalogs:
-- pg_partitioned_table, pg_inherits, pg_class, pg_attribute, pg_stat_get_live_tuples. Thresholds:
-- critical when there is no partition for now and no default one, warning when there is a default
-- one, information when the edge is nearer than one usual width, and nearer than
-- missing_partition_ahead (31 days); at most missing_partition_statements (12) partitions are
-- printed. Source: ahead-of-time creation as in pg_partman. Privileges: none.
with parents as materialized (
    select
        p.partrelid, p.partdefid, a.attname, a.atttypid,
        c.relname, c.relnamespace, c.relispartition, c.relpartbound
    from pg_catalog.pg_partitioned_table as p
    join pg_catalog.pg_class as c
        on c.oid = p.partrelid
    join pg_catalog.pg_attribute as a
        on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partstrat = 'r'
        and p.partnatts = 1
        and a.atttypid in (1082, 1114, 1184)
        and c.relpersistence <> 't'
),

-- The partitions, and the bounds of what is itself a partition by that column.
written as materialized (
    select
        p.partrelid, p.atttypid, c.relname, c.relnamespace, c.relkind, false as own,
        pg_catalog.regexp_match(
            pg_catalog.pg_get_expr(c.relpartbound, 0), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$'
        ) as bound
    from parents as p
    join pg_catalog.pg_inherits as i
        on i.inhparent = p.partrelid
    join pg_catalog.pg_class as c
        on c.oid = i.inhrelid
    where c.oid <> p.partdefid
        and not i.inhdetachpending
    union all
    select
        p.partrelid, p.atttypid, p.relname, p.relnamespace, 'p', true,
        pg_catalog.regexp_match(
            pg_catalog.pg_get_expr(p.relpartbound, 0), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$'
        )
    from parents as p
    join pg_catalog.pg_inherits as i
        on i.inhrelid = p.partrelid
    join parents as above
        on above.partrelid = i.inhparent
            and above.attname = p.attname
            and above.atttypid = p.atttypid
    where p.relispartition
),

texts as (
    select
        w.*,
        case
            when w.bound[1] = 'MINVALUE' then '-infinity' else pg_catalog.btrim(w.bound[1], '''')
        end as lower_text,
        case
            when w.bound[2] = 'MAXVALUE' then 'infinity' else pg_catalog.btrim(w.bound[2], '''')
        end as upper_text
    from written as w
    where w.bound is not null
),

zones as (
    select
        t.partrelid,
        case
            when pg_catalog.bool_and(
                (t.upper_text::timestamptz at time zone 'UTC')::time = '00:00'
            ) then 'UTC'
            else pg_catalog.current_setting('TimeZone')
        end as zone
    from texts as t
    where t.atttypid = 1184
    group by t.partrelid
),

bounds as materialized (
    select
        t.partrelid, t.relname, t.relnamespace, t.relkind, t.own, z.zone,
        case
            when t.atttypid = 1184 then t.lower_text::timestamptz at time zone z.zone
            else t.lower_text::timestamp
        end as lower,
        case
            when t.atttypid = 1184 then t.upper_text::timestamptz at time zone z.zone
            else t.upper_text::timestamp
        end as upper,
        case
            when t.atttypid = 1184 then pg_catalog.now() at time zone z.zone else localtimestamp
        end as now
    from texts as t
    left join zones as z
        on z.partrelid = t.partrelid
),

parts as (
    select
        b.*,
        pg_catalog.lead(b.lower) over (partition by b.partrelid order by b.lower) as following,
        case
            when pg_catalog.isfinite(b.lower) and pg_catalog.isfinite(b.upper) then case
                when m.months > 0
                    and b.lower + pg_catalog.make_interval(months => m.months) = b.upper
                    then pg_catalog.make_interval(months => m.months)
                else b.upper - b.lower
            end
        end as width
    from bounds as b
    cross join lateral (
        select case
            when pg_catalog.isfinite(b.lower) and pg_catalog.isfinite(b.upper)
                then (extract(year from b.upper) - extract(year from b.lower))::integer * 12
                    + (extract(month from b.upper) - extract(month from b.lower))::integer
        end as months
    ) as m
    where not b.own
),

summed as (
    select
        s.partrelid,
        s.now,
        s.zone,
        pg_catalog.min(s.lower) as first,
        pg_catalog.bool_or(s.lower <= s.now and s.now < s.upper) as held,
        pg_catalog.max(s.upper) filter (where s.upper <= s.now) as before,
        pg_catalog.min(s.lower) filter (where s.lower > s.now) as after,
        pg_catalog.min(s.upper) filter (
            where s.upper > s.now and (s.following is null or s.following > s.upper)
        ) as covered,
        pg_catalog.mode() within group (order by s.width) as width,
        pg_catalog.bool_and(s.relkind = 'r') as plain,
        pg_catalog.count(*) as partitions,
        (pg_catalog.array_agg(s.relname order by s.lower desc))[1] as last_name,
        (pg_catalog.array_agg(s.lower order by s.lower desc))[1] as last_lower,
        (pg_catalog.array_agg(s.relnamespace order by s.lower desc))[1] as last_namespace
    from parts as s
    group by s.partrelid, s.now, s.zone
),

edged as (
    select
        s.*,
        case when s.held then s.covered else s.before end as edge,
        -- No partition can reach beyond these.
        least(
            case
                when not s.held then s.after
                else (
                    select pg_catalog.min(n.lower)
                    from bounds as n
                    where n.partrelid = s.partrelid and not n.own and n.lower > s.covered
                )
            end,
            o.upper
        ) as ceiling,
        s.now + least(
            s.width,
            pg_catalog.current_setting('mcp_advisor.health_missing_partition_ahead')::interval
        ) as target,
        s.zone is not null and s.width >= interval '1 day' and
            (case when s.held then s.covered else s.before end)::time <> '00:00'
            as elsewhere
    from summed as s
    left join bounds as o
        on o.partrelid = s.partrelid and o.own
    where s.first <= s.now
        and (o.lower is null or o.lower <= s.now and s.now < o.upper)
),

judged as (
    select
        e.*,
        p.relname,
        p.relnamespace,
        p.attname,
        p.atttypid,
        d.relname as default_name,
        case
            when d.oid is null then 0
            when d.reltuples > 0 then d.reltuples::double precision
            else pg_catalog.pg_stat_get_live_tuples(d.oid)
        end as default_rows
    from edged as e
    join parents as p
        on p.partrelid = e.partrelid
    left join pg_catalog.pg_class as d
        on d.oid = p.partdefid and p.partdefid <> 0
    where not e.held
        or e.edge < e.target and (e.ceiling is null or e.edge < e.ceiling)
),

-- The partitions that would be there.
wanted as (
    select
        j.partrelid,
        g.lower,
        least(g.lower + j.width, j.ceiling) as upper,
        pg_catalog.row_number() over (partition by j.partrelid order by g.lower desc) as position
    from judged as j
    cross join lateral pg_catalog.generate_series(
        j.edge, least(j.target, j.ceiling), j.width
    ) as g (lower)
    where j.plain
        and not j.elsewhere
        and j.default_rows = 0
        and g.lower < least(j.target, j.ceiling)
),

named as (
    select
        w.partrelid,
        w.lower,
        j.atttypid,
        pg_catalog.format(
            'CREATE TABLE %I.%I PARTITION OF %I.%I FOR VALUES FROM (%L) TO (%L);',
            ln.nspname,
            case
                when f.format is not null then pg_catalog.left(
                    j.last_name, pg_catalog.length(j.last_name)
                        - pg_catalog.length(pg_catalog.to_char(j.last_lower, f.format))
                ) || pg_catalog.to_char(w.lower, f.format)
                -- 63 bytes of at most 4 for a character.
                else case
                    when pg_catalog.octet_length(j.relname) <= 44 then j.relname
                    else pg_catalog.left(j.relname, 11)
                end || pg_catalog.to_char(w.lower, case
                    when w.lower = pg_catalog.date_trunc('day', w.lower) then '"_p"YYYYMMDD'
                    else '"_p"YYYYMMDD_HH24MISS'
                end)
            end,
            n.nspname, j.relname, v.lower_text, v.upper_text
        ) as statement
    from wanted as w
    join judged as j
        on j.partrelid = w.partrelid
    join pg_catalog.pg_namespace as n
        on n.oid = j.relnamespace
    join pg_catalog.pg_namespace as ln
        on ln.oid = j.last_namespace
    cross join lateral (
        select
            pg_catalog.min(b.text) filter (where b.side = 1) as lower_text,
            pg_catalog.min(b.text) filter (where b.side = 2) as upper_text
        from (
            select
                s.side,
                case
                    when j.atttypid = 1082 then pg_catalog.to_char(s.at, 'YYYY-MM-DD')
                    when j.atttypid = 1114 then pg_catalog.to_char(s.at, p.precision)
                    else pg_catalog.to_char(
                        s.at at time zone j.zone at time zone 'UTC', p.precision || '"+00"'
                    )
                end as text
            from (values (1, w.lower), (2, w.upper)) as s (side, at)
            cross join lateral (
                select 'YYYY-MM-DD HH24:MI:SS' || case
                    when s.at = pg_catalog.date_trunc('second', s.at) then '' else '.US'
                end as precision
            ) as p
        ) as b
    ) as v
    left join lateral (
        select x.format
        from (
            values
                ('YYYY_MM_DD_HH24', interval '1 hour'), ('YYYYMMDDHH24', interval '1 hour'),
                ('YYYY_MM_DD', interval '1 day'), ('YYYY-MM-DD', interval '1 day'),
                ('YYYYMMDD', interval '1 day'),
                ('IYYY"w"IW', interval '7 days'), ('IYYY"_w"IW', interval '7 days'),
                ('YYYY"_q"Q', interval '3 months'), ('YYYY"q"Q', interval '3 months'),
                ('YYYY_MM', interval '1 month'), ('YYYY-MM', interval '1 month'),
                ('YYYYMM', interval '1 month'), ('"y"YYYY"m"MM', interval '1 month'),
                ('YYYY', interval '1 year')
        ) as x (format, least_width)
        where j.width >= x.least_width
            and pg_catalog.right(
                j.last_name, pg_catalog.length(pg_catalog.to_char(j.last_lower, x.format))
            ) = pg_catalog.to_char(j.last_lower, x.format)
        order by x.least_width, pg_catalog.length(x.format) desc
        limit 1
    ) as f
        on true
    where w.position
        <= pg_catalog.current_setting('mcp_advisor.health_missing_partition_statements')::bigint
)

select
    case
        when j.held then 'info'
        when j.default_name is null then 'critical'
        else 'warning'
    end as severity,
    pg_catalog.format('%I.%I', n.nspname, j.relname) as object,
    pg_catalog.round((extract(epoch from j.edge - j.now) / 86400)::numeric, 2)::double precision
        as value,
    'days' as unit,
    case when j.held then 'a partition ahead' else 'a partition for now' end as threshold,
    case
        when j.held then pg_catalog.format('has partitions until %s only', e.edge)
        when j.default_name is null
            then pg_catalog.format('has no partition for now: they end at %s', e.edge)
        else pg_catalog.format(
            'has no partition for now but the default one: they end at %s', e.edge
        )
    end || case
        when j.default_rows > 0 then pg_catalog.format(
            '; %I holds rows, so detach it, create the partitions, move its rows and attach it '
            'again', j.default_name
        )
        when c.remediation is not null then ''
        when j.elsewhere then '; set TimeZone to where its bounds are midnight, and ask again'
        when not j.plain then '; create one that is partitioned as the others are'
        else '; create one for what comes'
    end as message,
    c.remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when c.remediation is not null then 'locks' end,
        'edge', e.edge, 'usual_width', j.width, 'partitions', j.partitions, 'column', j.attname,
        'time_zone', j.zone, 'default_partition', j.default_name
    ) as details
from judged as j
join pg_catalog.pg_namespace as n
    on n.oid = j.relnamespace
cross join lateral (
    select pg_catalog.to_char(j.edge, 'YYYY-MM-DD HH24:MI') as edge
) as e
left join (
    select
        m.partrelid,
        pg_catalog.string_agg(m.statement, ' ' order by m.lower) as remediation
    from named as m
    group by m.partrelid
) as c
    on c.partrelid = j.partrelid
order by 3, 2
