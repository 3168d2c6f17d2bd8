-- Sequences that are near their end, and inserts with them near to failing.
--
-- The end is the smaller of the sequence's own and that of the narrowest column that is filled from
-- it: serial, identity, and any column whose default calls nextval on it, domains by their base
-- type. Descending sequences are judged by their minimum. A cycling one is left out when its own
-- end comes first, as it then starts over by design. Used is the part of the range between the two
-- ends that is behind. Catalogs: pg_sequence, pg_depend, pg_attrdef, pg_attribute. Thresholds:
-- warning from 75 %, critical from 90 %. Source: check_postgres (85 and 95 %), PgHero (90 %), with
-- time left to act. One row tells how many could not be read for want of a privilege; temporary
-- ones, and unlogged ones on a standby, are not judged.
with member as (
    select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attnum
    from pg_catalog.pg_depend as d
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.refobjsubid > 0
        and d.deptype in ('a', 'i')
    union
    select d.refobjid, e.adrelid, e.adnum
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_attrdef as e
        on e.oid = d.objid
    where d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
),

-- The column that ends first; the smallest attribute's name decides between equals.
used_by as (
    select distinct on (m.sequence)
        m.sequence,
        m.relation,
        a.attname,
        a.attidentity,
        case coalesce(nullif(t.typbasetype, 0), t.oid)
            when 'pg_catalog.int2'::pg_catalog.regtype then 32767
            when 'pg_catalog.int4'::pg_catalog.regtype then 2147483647
        end::bigint as largest,
        pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from member as m
    join pg_catalog.pg_sequence as q
        on q.seqrelid = m.sequence
    join pg_catalog.pg_attribute as a
        on a.attrelid = m.relation and a.attnum = m.attnum
    join pg_catalog.pg_type as t
        on t.oid = a.atttypid
    order by m.sequence, 5 nulls last, m.relation, m.attnum
),

readable as (
    select
        q.*,
        n.nspname,
        c.relname,
        u.relation,
        u.attname,
        u.attidentity,
        u.type,
        u.largest,
        case
            when q.seqincrement > 0 then least(q.seqmax, u.largest)
            else greatest(q.seqmin, -u.largest - 1)
        end as last_possible,
        pg_catalog.has_sequence_privilege(c.oid, 'usage, select') as allowed
    from pg_catalog.pg_sequence as q
    join pg_catalog.pg_class as c
        on c.oid = q.seqrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    left join used_by as u
        on u.sequence = q.seqrelid
    where c.relpersistence = 'p'
        or c.relpersistence = 'u' and not pg_catalog.pg_is_in_recovery()
),

judged as (
    select
        r.*,
        case when r.allowed then pg_catalog.pg_sequence_last_value(r.seqrelid) end as last
    from readable as r
    where not (
        r.seqcycle
        and r.last_possible = case when r.seqincrement > 0 then r.seqmax else r.seqmin end
    )
),

graded as (
    select
        j.*,
        100 * case
            when j.seqincrement > 0
                then (j.last::numeric - j.seqmin)
                    / greatest(j.last_possible::numeric - j.seqmin, 1)
            else (j.seqmax - j.last::numeric)
                / greatest(j.seqmax - j.last_possible::numeric, 1)
        end as percent
    from judged as j
    where j.last is not null
)

select
    case when g.percent >= 90 then 'critical' else 'warning' end as severity,
    pg_catalog.format('%I.%I', g.nspname, g.relname) as object,
    pg_catalog.round(least(g.percent, 1000), 1)::double precision as value,
    '%' as unit,
    '75 %' as threshold,
    pg_catalog.format(
        'is at %s of %s%s', g.last, g.last_possible,
        case when g.relation is not null then pg_catalog.format(
            ' and fills %s.%I, which is %s', g.relation::pg_catalog.regclass, g.attname, g.type
        ) end
    ) as message,
    case
        -- The sequence ends before its column does.
        when g.seqincrement > 0 and g.seqmax < coalesce(g.largest, 9223372036854775807)
            then pg_catalog.format(
                'ALTER SEQUENCE %I.%I AS bigint %s;', g.nspname, g.relname,
                coalesce('MAXVALUE ' || g.largest, 'NO MAXVALUE')
            )
        when g.seqincrement < 0 and g.seqmin > coalesce(-g.largest - 1, -9223372036854775808)
            then pg_catalog.format(
                'ALTER SEQUENCE %I.%I AS bigint %s;', g.nspname, g.relname,
                coalesce('MINVALUE ' || (-g.largest - 1), 'NO MINVALUE')
            )
        -- Changing the type of an identity column changes its sequence too.
        when g.largest is not null and g.attidentity <> ''
            then pg_catalog.format(
                'ALTER TABLE %s ALTER COLUMN %I TYPE bigint;',
                g.relation::pg_catalog.regclass, g.attname
            )
        when g.largest is not null
            then pg_catalog.format(
                'ALTER TABLE %s ALTER COLUMN %I TYPE bigint; ALTER SEQUENCE %I.%I AS bigint;',
                g.relation::pg_catalog.regclass, g.attname, g.nspname, g.relname
            )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case
            when g.seqincrement > 0 and g.seqmax < coalesce(g.largest, 9223372036854775807)
                or g.seqincrement < 0 and g.seqmin > coalesce(-g.largest - 1, -9223372036854775808)
                then 'locks'
            else 'rewrites'
        end,
        'last_value', g.last, 'limit', g.last_possible, 'maximum', g.seqmax, 'minimum', g.seqmin,
        'increment', g.seqincrement, 'cycle', g.seqcycle,
        'table', g.relation::pg_catalog.regclass::text, 'column', g.attname,
        'column_type', g.type,
        'column_ends_first', g.last_possible <> case
            when g.seqincrement > 0 then g.seqmax else g.seqmin
        end
    ) as details
from graded as g
where g.percent >= 75

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
