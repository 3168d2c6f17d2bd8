-- Foreign keys whose columns are of another type than those they refer to.
--
-- A narrower column (integer to a bigint key) refuses rows once the key outgrows it; another type
-- of the same width still costs a cast in each join and check. Domains count as the type below
-- them; varchar and text are the same but for a length; a column that is wider in length or
-- precision only is right as it is. Every value of the referring column is one of the key's, so it
-- can always take the key's type: that rewrites the table. A partition's foreign key is reported
-- for the partitioned table. Catalogs: pg_constraint, pg_attribute, pg_type. Threshold: any is for
-- information, a narrower column is a warning. Source: pg-index-health (foreign keys with
-- unmatched column types). Privileges: none.
with recursive pairs as materialized (
    select k.oid, k.conrelid, k.confrelid, u.child, u.parent, u.position
    from pg_catalog.pg_constraint as k
    cross join lateral rows from (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey))
        with ordinality as u (child, parent, position)
    where k.contype = 'f' and k.conparentid = 0
),

different as materialized (
    select
        p.oid, p.position, p.conrelid, p.child,
        a.attname, a.attinhcount, a.atttypid, a.atttypmod,
        b.attname as key, b.atttypid as key_typid, b.atttypmod as key_typmod
    from pairs as p
    -- By their index: OFFSET keeps the planner from reading all of pg_attribute.
    cross join lateral (
        select c.attname, c.attinhcount, c.atttypid, c.atttypmod
        from pg_catalog.pg_attribute as c
        where c.attrelid = p.conrelid and c.attnum = p.child
        offset 0
    ) as a
    cross join lateral (
        select c.attname, c.atttypid, c.atttypmod
        from pg_catalog.pg_attribute as c
        where c.attrelid = p.confrelid and c.attnum = p.parent
        offset 0
    ) as b
    where a.atttypid <> b.atttypid or a.atttypmod <> b.atttypmod
),

-- From each domain down to the type at its bottom.
types (oid, base, typmod, depth) as (
    select d.oid, d.oid, -1, 0
    from (
        select atttypid from different union select key_typid from different
    ) as d (oid)
    union all
    select
        l.oid, t.typbasetype, case when l.typmod >= 0 then l.typmod else t.typtypmod end,
        l.depth + 1
    from types as l
    join pg_catalog.pg_type as t
        on t.oid = l.base
    where t.typtype = 'd'
),

bases as (
    select distinct on (l.oid) l.oid, l.base, l.typmod
    from types as l
    order by l.oid, l.depth desc
),

columns as (
    select
        d.*,
        pg_catalog.format_type(d.atttypid, d.atttypmod) as type,
        pg_catalog.format_type(d.key_typid, d.key_typmod) as key_type,
        -- Altered at the top of the tree only, and never where rows are routed by it.
        d.attinhcount > 0 or exists (
            select
            from pg_catalog.pg_partitioned_table as t
            where t.partrelid = d.conrelid and d.child = any (t.partattrs)
        ) as fixed,
        a.base,
        b.base as key_base,
        greatest(a.typmod, d.atttypmod) as typmod,
        greatest(b.typmod, d.key_typmod) as key_size
    from different as d
    join bases as a
        on a.oid = d.atttypid
    join bases as b
        on b.oid = d.key_typid
),

-- How much fits: digits before and after the point of numbers, characters of texts.
sized as (
    select
        c.oid, c.position, c.attname, c.fixed, c.type, c.key, c.key_type, c.base, c.key_base,
        pg_catalog.array_agg(s.family order by s.side) as families,
        pg_catalog.array_agg(s.size order by s.side) as sizes,
        pg_catalog.array_agg(s.scale order by s.side) as scales
    from columns as c
    cross join lateral (
        select
            v.side,
            case
                when v.base in (20, 21, 23, 1700) then 'number'
                when v.base in (25, 1042, 1043) then 'text'
            end as family,
            case
                when v.base = 21 then 4.0
                when v.base = 23 then 9.0
                when v.base = 20 then 18.0
                when v.typmod < 0 then 'infinity'::double precision
                when v.base = 1700
                    then ((v.typmod - 4) >> 16 & 65535) - ((v.typmod - 4 & 2047 # 1024) - 1024)
                when v.base in (1042, 1043) then v.typmod - 4
                else 'infinity'::double precision
            end as size,
            case
                when v.base in (20, 21, 23) then 0
                when v.base = 1700 and v.typmod >= 0 then (v.typmod - 4 & 2047 # 1024) - 1024
                else 'infinity'::double precision
            end as scale
        from (values (1, c.base, c.typmod), (2, c.key_base, c.key_size)) as v (side, base, typmod)
    ) as s
    group by
        c.oid, c.position, c.attname, c.fixed, c.type, c.key, c.key_type, c.base, c.key_base
),

judged as (
    select
        s.*,
        coalesce(
            s.families[1] = s.families[2]
            and (s.sizes[1] < s.sizes[2] or s.scales[1] < s.scales[2]), false
        ) as narrower
    from sized as s
    where s.base <> s.key_base and (s.families = array['text', 'text']) is not true
        or s.families[1] = s.families[2]
            and (s.sizes[1] < s.sizes[2] or s.scales[1] < s.scales[2])
),

keys as (
    select
        j.oid,
        pg_catalog.bool_or(j.narrower) as narrower,
        pg_catalog.bool_or(j.base <> j.key_base) as other_type,
        pg_catalog.bool_or(j.fixed) as fixed,
        pg_catalog.string_agg(
            pg_catalog.format('%I is %s and %I is %s', j.attname, j.type, j.key, j.key_type),
            ', ' order by j.position
        ) as difference,
        pg_catalog.string_agg(
            pg_catalog.format('ALTER COLUMN %I TYPE %s', j.attname, j.key_type),
            ', ' order by j.position
        ) as change
    from judged as j
    group by j.oid
)

select
    case when f.narrower then 'warning' else 'info' end as severity,
    pg_catalog.format('%I.%I: %I', n.nspname, c.relname, k.conname) as object,
    case when c.reltuples >= 0 then c.reltuples end::double precision as value,
    case when c.reltuples >= 0 then 'rows' end as unit,
    'the type of the key' as threshold,
    pg_catalog.format(
        '%s in %s%s%s', f.difference, k.confrelid::pg_catalog.regclass,
        case when f.narrower then ': not every key fits into the column that refers to it' end,
        case when f.fixed then '; it cannot be altered here, as it is inherited or part of the '
            || 'partition key: make the table anew' end
    ) as message,
    case when not f.fixed then pg_catalog.format(
        'ALTER TABLE %I.%I %s;', n.nspname, c.relname, f.change
    ) end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when f.other_type then 'rewrites' else 'locks' end,
        'references', k.confrelid::pg_catalog.regclass::text
    ) as details
from keys as f
join pg_catalog.pg_constraint as k
    on k.oid = f.oid
join pg_catalog.pg_class as c
    on c.oid = k.conrelid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast_)?temp_'
order by f.narrower desc, 3 desc nulls last, 2
