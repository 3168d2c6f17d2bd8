-- The columns of one relation as JSON, as the head of relation.sql: described (oid, columns).
--
-- $1: schema; $2: name, unquoted. Statistics of columns are those of pg_stats: only for columns
-- that the caller may read and whose rows no policy hides from the caller. Values are left out
-- where names say that they are secret. They are printed by the output functions of their types; a
-- cast to JSON could run a cast function of the type's owner.
with described (oid, columns) as (
    select
        a.attrelid,
        pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', a.attname,
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'nullable', not a.attnotnull,
            'default', case
                when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid, true)
            end,
            'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
            'generated', case
                when a.attgenerated <> '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid, true)
            end,
            'collation', (
                select pg_catalog.quote_ident(c.collname)
                from pg_catalog.pg_collation as c
                where c.oid = a.attcollation and c.oid <> y.typcollation
            ),
            'storage', case
                when a.attstorage <> y.typstorage and t.relkind in ('r', 'p', 'f', 'm') then
                    case a.attstorage
                        when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended'
                        else 'main'
                    end
            end,
            'compression', case o.attcompression
                when 'p' then 'pglz' when 'l' then 'lz4'
            end,
            'statistics_target', case when a.attstattarget >= 0 then a.attstattarget end,
            -- Those with "pg_" are the server's own notes.
            'options', (
                select pg_catalog.jsonb_agg(o.option order by o.option)
                from pg_catalog.unnest(a.attoptions) as o (option)
                where o.option !~ '^pg_'
            ),
            'foreign_options', pg_catalog.to_jsonb(a.attfdwoptions),
            -- Beyond those on the whole table.
            'privileges', (
                select pg_catalog.jsonb_agg(p.name order by p.n)
                from pg_catalog.unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'])
                    with ordinality as p (name, n)
                where a.attacl is not null
                    and pg_catalog.has_column_privilege(t.oid, a.attnum, p.name)
                    and not pg_catalog.has_table_privilege(t.oid, p.name)
            ),
            'acl', pg_catalog.to_jsonb(a.attacl::text[]),
            'labels', (
                select pg_catalog.jsonb_agg(l.enumlabel order by l.enumsortorder)
                from (
                    select e.enumlabel, e.enumsortorder
                    from pg_catalog.pg_enum as e
                    where e.enumtypid in (y.oid, y.typelem, y.typbasetype)
                    order by e.enumsortorder
                    limit 20
                ) as l
            ),
            'null_frac', pg_catalog.round(s.null_frac::numeric, 4)::float8,
            'n_distinct', pg_catalog.round(s.n_distinct::numeric, 4)::float8,
            'avg_width', s.avg_width,
            'correlation', pg_catalog.round(s.correlation::numeric, 4)::float8,
            'most_common', case when v.shown then (
                select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'value', pg_catalog.regexp_replace(m.value, '^(.{59}).{2,}$', '\1…'),
                    'frequency', pg_catalog.round(m.frequency::numeric, 4)::float8
                ) order by m.n)
                from rows from (
                    pg_catalog.unnest(s.most_common_vals::text::text[]),
                    pg_catalog.unnest(s.most_common_freqs)
                ) with ordinality as m (value, frequency, n)
                where m.n <= 5
            ) end,
            -- The least and the greatest value known. The histogram is without the most common
            -- values, so these are looked through too where their order is known from the text.
            'range', case when v.shown then (
                select pg_catalog.jsonb_build_array(
                    pg_catalog.regexp_replace(
                        pg_catalog.min(e.value) filter (where e.first = 1), '^(.{59}).{2,}$', '\1…'
                    ),
                    pg_catalog.regexp_replace(
                        pg_catalog.min(e.value) filter (where e.last = 1), '^(.{59}).{2,}$', '\1…'
                    )
                )
                from (
                    select
                        u.value,
                        pg_catalog.row_number() over (
                            order by k.number, k.float, k.day, k.moment, k.instant, u.n
                        ) as first,
                        pg_catalog.row_number() over (
                            order by
                                k.number desc, k.float desc, k.day desc, k.moment desc,
                                k.instant desc, u.n desc
                        ) as last
                    from pg_catalog.unnest(
                        case when v.ordered then s.most_common_vals::text::text[] end
                        || s.histogram_bounds::text::text[]
                    ) with ordinality as u (value, n)
                    cross join lateral (
                        select
                            case
                                when v.ordered and v.type ~ '^(int[248]|numeric)$'
                                    then u.value::numeric
                            end as number,
                            case when v.ordered and v.type ~ '^float' then u.value::float8 end
                                as float,
                            case when v.ordered and v.type = 'date' then u.value::date end as day,
                            case when v.ordered and v.type = 'timestamp' then u.value::timestamp end
                                as moment,
                            case
                                when v.ordered and v.type = 'timestamptz'
                                    then u.value::timestamptz
                            end as instant
                    ) as k
                ) as e
                having pg_catalog.count(*) > 0
            ) end,
            'values_withheld', case
                when not v.shown and (s.most_common_vals is not null or s.histogram_bounds is not null)
                    then true
            end,
            'description', pg_catalog.col_description(t.oid, a.attnum)
        ) order by a.attnum)
    from pg_catalog.pg_class as t
    join pg_catalog.pg_namespace as n
        on n.oid = t.relnamespace
    join pg_catalog.pg_attribute as a
        on a.attrelid = t.oid
    join pg_catalog.pg_type as y
        on y.oid = a.atttypid
    -- Before version 14 the catalog has no such column, and the null is meant.
    cross join (select null::"char" as attcompression) as lacking
    cross join lateral (
        select attcompression
        from pg_catalog.pg_attribute as i
        where i.attrelid = a.attrelid and i.attnum = a.attnum
    ) as o
    left join pg_catalog.pg_attrdef as d
        on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_catalog.pg_stats as s
        on s.schemaname = n.nspname
        and s.tablename = t.relname
        and s.attname = a.attname
        and s.inherited = (t.relkind = 'p')
    -- Whether values may be shown: not when the name of table, column or type, split into
    -- words, tells of something that opens a door (passwords, keys, tokens) or that is a
    -- person's or an account's own number. Statistics hold real values of real rows, and what
    -- a model is told may be kept elsewhere. Names are all there is to go by, so in doubt a
    -- value is left out. Whether the array is taken apart right is known only for commas,
    -- which all types but "box" have between their elements.
    cross join lateral (
        select
            b.typname as type,
            b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
            and b.typname in (
                'int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'date', 'timestamp',
                'timestamptz'
            ) as ordered,
            y.typdelim = ',' and not exists (
                select
                from pg_catalog.unnest(
                    array[t.relname::text, a.attname::text, y.typname::text]
                ) as w (name)
                where pg_catalog.lower(
                    pg_catalog.regexp_replace(w.name, '([a-z0-9])([A-Z])', '\1_\2', 'g')
                ) ~ ('passw|passphrase|passcode|passport|secret|token|credential|cookie|encrypted'
                    || '|(api|auth|access|private|secret|session|signing|encryption|license)[ _-]?keys?'
                    || '|auth[ _-]?code|session[ _-]?id|social[ _-]?security|tax[ _-]?(id|number)'
                    || '|(card|account|routing)[ _-]?(no|nr|num|number)($|[ _0-9-])|credit[ _-]?card'
                    || '|(^|[ _-])(pass|pwd|pw|otp|totp|pin|cvv|cvc|ssn|sin|iban|salt|hash|digest|hmac'
                    || '|pan|mfa|apikeys?|jwt|bearer)s?($|[ _0-9-])')
            ) as shown
        from pg_catalog.pg_type as b
        -- Of a domain the type below it.
        where b.oid = coalesce(nullif(y.typbasetype, 0), y.oid)
        -- Found once a column, not at each use.
        offset 0
    ) as v
    where n.nspname = $1 and t.relname = $2 and a.attnum > 0 and not a.attisdropped
    group by a.attrelid
)

