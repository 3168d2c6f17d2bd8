-- Sequences that are near their end, and inserts with them near to failing.
--
-- The end is the smaller of the sequence's own and that of the narrowest column that is filled from
-- it: serial, identity, and any column whose default calls nextval on it, whole numbers of every
-- size and numeric of a precision, domains by their base type. Descending sequences are judged by
-- their minimum. A cycling one is left out when its own end comes first, as it then starts over by
-- design. Used is the part of the range between the two ends that is behind. The time left is known
-- where rows are counted: the values that are left, at one for each row that was inserted a day into
-- the table of the column (with its direct partitions) since statistics were reset. Values that were taken
-- and not stored are not counted in it. Catalogs: pg_sequence, pg_depend, pg_attrdef, pg_attribute,
-- pg_stat_get_tuples_inserted. Thresholds: sequence_exhaustion_warning (75 %),
-- sequence_exhaustion_critical (90 %); a warning as well where less than sequence_exhaustion_days
-- (30) are left, by statistics of at least sequence_exhaustion_window (1 day). Source: check_postgres
-- (85 and 95 %), PgHero (90 %), with time left to act. Needs USAGE or SELECT on each sequence: one
-- row tells how many could not be read; temporary ones, and unlogged ones on a standby, are not
-- judged.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_sequence_exhaustion_warning')
            ::double precision as warning,
        pg_catalog.current_setting('mcp_advisor.health_sequence_exhaustion_critical')
            ::double precision as critical,
        pg_catalog.current_setting('mcp_advisor.health_sequence_exhaustion_days')
            ::double precision as least_days,
        pg_catalog.current_setting('mcp_advisor.health_sequence_exhaustion_window')::interval
            as window
),

-- For how many days rows have been counted. Counters are lost in a crash, and the time of that is
-- the reset time of the background writer's. Those of a standby are its own.
counted as (
    select extract(epoch from r.age)::double precision / 86400 as days
    from limits as l
    cross join lateral (
        select pg_catalog.clock_timestamp() - greatest(
            pg_catalog.pg_stat_get_db_stat_reset_time(d.oid),
            pg_catalog.pg_stat_get_bgwriter_stat_reset_time()
        ) as age
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    ) as r
    where r.age >= l.window and not pg_catalog.pg_is_in_recovery()
),

member as (
    select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attnum
    from pg_catalog.pg_depend as d
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refobjsubid > 0
        and d.deptype in ('a', 'i')
        and d.objid in (select q.seqrelid from pg_catalog.pg_sequence as q)
    union
    select d.refobjid, e.adrelid, e.adnum
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_attrdef as e
        on e.oid = d.objid
    where d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refobjid in (select q.seqrelid from pg_catalog.pg_sequence as q)
),

-- The column that ends first; the smallest attribute's name decides between equals.
used_by as materialized (
    select distinct on (m.sequence)
        m.sequence,
        m.relation,
        a.attname,
        a.attidentity,
        a.atttypid,
        a.atttypmod,
        case b.oid
            when 'pg_catalog.int2'::pg_catalog.regtype then 32767
            when 'pg_catalog.int4'::pg_catalog.regtype then 2147483647
            -- The digits before the point, if they are fewer than those of bigint.
            when 'pg_catalog.numeric'::pg_catalog.regtype then case
                when b.typmod >= 4 and b.digits between 0 and 18 then 10::numeric ^ b.digits - 1
            end
        end::bigint as largest,
        case when b.oid = 'pg_catalog.numeric'::pg_catalog.regtype then 0 else 1 end as beyond,
        -- What holds every bigint, and no less than it did.
        case
            when b.oid = 'pg_catalog.numeric'::pg_catalog.regtype
                then pg_catalog.format('numeric(%s,%s)', 19 + b.scale, b.scale)
            else 'bigint'
        end as wider
    from member as m
    join pg_catalog.pg_attribute as a
        on a.attrelid = m.relation and a.attnum = m.attnum
    join pg_catalog.pg_type as t
        on t.oid = a.atttypid
    cross join lateral (
        select
            r.oid,
            r.typmod,
            s.scale,
            ((r.typmod - 4) >> 16 & 65535) - s.scale as digits
        from (
            select
                case when t.typtype = 'd' then t.typbasetype else t.oid end as oid,
                case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as typmod
        ) as r
        -- As numeric.c packs them; the scale has 11 bits, one of them for its sign.
        cross join lateral (select (((r.typmod - 4) & 2047) # 1024) - 1024 as scale) as s
    ) as b
    order by m.sequence, 7 nulls last, m.relation, m.attnum
),

readable as (
    select
        q.*,
        c.relname,
        c.relnamespace,
        u.relation,
        u.attname,
        u.attidentity,
        u.atttypid,
        u.atttypmod,
        u.largest,
        u.wider,
        -u.largest - u.beyond as smallest,
        case
            when q.seqincrement > 0 then least(q.seqmax, u.largest)
            else greatest(q.seqmin, -u.largest - u.beyond)
        end as last_possible,
        pg_catalog.has_sequence_privilege(c.oid, 'usage, select') as allowed
    from pg_catalog.pg_sequence as q
    join pg_catalog.pg_class as c
        on c.oid = q.seqrelid
    left join used_by as u
        on u.sequence = q.seqrelid
    where c.relpersistence = 'p'
        or c.relpersistence = 'u' and not pg_catalog.pg_is_in_recovery()
),

judged as materialized (
    select
        r.*,
        case when r.allowed then pg_catalog.pg_sequence_last_value(r.seqrelid) end as last
    from readable as r
    where not (
        r.seqcycle
        and r.last_possible = case when r.seqincrement > 0 then r.seqmax else r.seqmin end
    )
),

graded as materialized (
    select
        j.*,
        100 * case
            when j.seqincrement > 0
                then (j.last::double precision - j.seqmin)
                    / greatest(j.last_possible::double precision - j.seqmin, 1)
            else (j.seqmax - j.last::double precision)
                / greatest(j.seqmax - j.last_possible::double precision, 1)
        end as percent,
        pg_catalog.abs(j.last_possible::double precision - j.last) / r.a_day as days_left,
        r.a_day
    from judged as j
    left join lateral (
        select
            pg_catalog.abs(j.seqincrement) / d.days * case t.relkind
                when 'p' then (
                    select pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(h.inhrelid))
                    from pg_catalog.pg_inherits as h
                    where h.inhparent = t.oid
                )
                else pg_catalog.pg_stat_get_tuples_inserted(t.oid)
            end as a_day
        from counted as d
        cross join pg_catalog.pg_class as t
        where t.oid = j.relation
    ) as r
        on r.a_day > 0
    where j.last is not null
),

found as (
    select
        g.*,
        l.*,
        n.nspname,
        pg_catalog.format_type(g.atttypid, g.atttypmod) as type,
        -- The sequence ends before its column does.
        case
            when g.seqincrement > 0 then g.seqmax < coalesce(g.largest, 9223372036854775807)
            else g.seqmin > coalesce(g.smallest, -9223372036854775808)
        end as sequence_first
    from graded as g
    cross join limits as l
    join pg_catalog.pg_namespace as n
        on n.oid = g.relnamespace
    where g.percent >= l.warning or g.days_left < l.least_days
)

select
    case when f.percent >= f.critical then 'critical' else 'warning' end as severity,
    pg_catalog.format('%I.%I', f.nspname, f.relname) as object,
    pg_catalog.round(least(f.percent, 1000)::numeric, 1)::double precision as value,
    '%' as unit,
    pg_catalog.format('%s %%, or %s days left', f.warning, f.least_days) as threshold,
    pg_catalog.format(
        'is at %s of %s%s%s', f.last, f.last_possible,
        case when f.relation is not null then pg_catalog.format(
            ' and fills %s.%I, which is %s', f.relation::pg_catalog.regclass, f.attname, f.type
        ) end,
        case when f.days_left is not null then pg_catalog.format(
            '; at the present rate it ends in %s days', pg_catalog.round(f.days_left::numeric, 1)
        ) end
    ) as message,
    case
        when f.sequence_first and f.seqincrement > 0
            then pg_catalog.format(
                'ALTER SEQUENCE %I.%I AS bigint %s;', f.nspname, f.relname,
                coalesce('MAXVALUE ' || f.largest, 'NO MAXVALUE')
            )
        when f.sequence_first
            then pg_catalog.format(
                'ALTER SEQUENCE %I.%I AS bigint %s;', f.nspname, f.relname,
                coalesce('MINVALUE ' || f.smallest, 'NO MINVALUE')
            )
        -- Changing the type of an identity column changes its sequence too.
        when f.largest is not null and f.attidentity <> ''
            then pg_catalog.format(
                'ALTER TABLE %s ALTER COLUMN %I TYPE %s;',
                f.relation::pg_catalog.regclass, f.attname, f.wider
            )
        when f.largest is not null
            then pg_catalog.format(
                'ALTER TABLE %s ALTER COLUMN %I TYPE %s; ALTER SEQUENCE %I.%I AS bigint;',
                f.relation::pg_catalog.regclass, f.attname, f.wider, f.nspname, f.relname
            )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when f.sequence_first then 'locks' else 'rewrites' end,
        'last_value', f.last, 'limit', f.last_possible, 'maximum', f.seqmax, 'minimum', f.seqmin,
        'increment', f.seqincrement, 'cycle', f.seqcycle,
        'days_left', pg_catalog.round(f.days_left::numeric, 1),
        'values_a_day', pg_catalog.round(f.a_day::numeric, 1),
        'table', f.relation::pg_catalog.regclass::text, 'column', f.attname,
        'column_type', f.type,
        'column_ends_first', f.last_possible <> case
            when f.seqincrement > 0 then f.seqmax else f.seqmin
        end
    ) as details
from found as f

union all

select
    'info',
    null,
    pg_catalog.count(*)::double precision,
    'sequences',
    'USAGE or SELECT on sequences',
    pg_catalog.format(
        '%s sequences could not be read: the role may not use them', pg_catalog.count(*)
    ),
    null,
    pg_catalog.jsonb_build_object('ran', false)
from judged as j
where not j.allowed
having pg_catalog.count(*) > 0

order by 3 desc, 2
