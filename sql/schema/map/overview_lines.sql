-- The lines of an overview: what begins each, its columns or values, the comment, and a call that
-- tells all of it. $1: oids of relations and of enums.
--
-- Sizes are the pages that the last VACUUM or ANALYZE counted, of partitions together, and rows
-- the last ANALYZE's: nothing is locked. Needs no privilege beyond reading the catalog.
with relation as (
    select
        c.*,
        n.nspname,
        p.leaves,
        p.tuples,
        p.pages
    from pg_catalog.unnest($1::bigint[]) as u (oid)
    join pg_catalog.pg_class as c
        on c.oid = u.oid::oid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    cross join lateral (
        with recursive part (oid) as (
            select c.oid
            union all
            select i.inhrelid
            from part as p
            join pg_catalog.pg_inherits as i
                on i.inhparent = p.oid
            where c.relkind = 'p'
        )

        select
            pg_catalog.count(*) filter (where l.relkind <> 'p') as leaves,
            pg_catalog.sum(l.reltuples) filter (where l.relkind <> 'p' and l.reltuples >= 0)
                as tuples,
            pg_catalog.sum(
                case when l.relkind in ('r', 'm') then l.relpages else 0 end
                + coalesce(t.relpages, 0)
                + coalesce((
                    select pg_catalog.sum(x.relpages)
                    from pg_catalog.pg_index as i
                    join pg_catalog.pg_class as x
                        on x.oid = i.indexrelid
                    where i.indrelid = l.oid
                ), 0)
            ) as pages
        from part as p
        join pg_catalog.pg_class as l
            on l.oid = p.oid
        left join pg_catalog.pg_class as t
            on t.oid = l.reltoastrelid
    ) as p
),

-- Foreign keys as a column's target, or as a part of their own when they have several columns.
reference as (
    select
        k.conrelid,
        k.conkey,
        case
            when t.relnamespace = r.relnamespace then pg_catalog.quote_ident(t.relname)
            else pg_catalog.format('%I.%I', n.nspname, t.relname)
        end as target,
        (
            select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by u.n)
            from pg_catalog.unnest(k.confkey) with ordinality as u (attnum, n)
            join pg_catalog.pg_attribute as a
                on a.attrelid = k.confrelid and a.attnum = u.attnum
        ) as target_columns,
        (
            select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by u.n)
            from pg_catalog.unnest(k.conkey) with ordinality as u (attnum, n)
            join pg_catalog.pg_attribute as a
                on a.attrelid = k.conrelid and a.attnum = u.attnum
        ) as own_columns,
        k.conname
    from relation as r
    join pg_catalog.pg_constraint as k
        on k.conrelid = r.oid and k.contype = 'f' and k.conparentid = 0
    join pg_catalog.pg_class as t
        on t.oid = k.confrelid
    join pg_catalog.pg_namespace as n
        on n.oid = t.relnamespace
)

select
    r.oid::bigint as oid,
    pg_catalog.concat_ws(
        ' ',
        case r.relkind when 'v' then 'view' when 'm' then 'materialized view' end,
        pg_catalog.format('%I.%I', r.nspname, r.relname),
        '(' || nullif(
            pg_catalog.concat_ws(
                ', ',
                case when r.relkind = 'f' then 'foreign table' end,
                (
                    select pg_catalog.format(
                        '%s partitions by %s (%s)',
                        r.leaves,
                        case k.partstrat when 'r' then 'range' when 'l' then 'list' else 'hash' end,
                        (
                            select pg_catalog.string_agg(
                                coalesce(pg_catalog.quote_ident(a.attname), 'expression'),
                                ', ' order by u.n
                            )
                            from pg_catalog.unnest(k.partattrs) with ordinality as u (attnum, n)
                            left join pg_catalog.pg_attribute as a
                                on a.attrelid = r.oid and a.attnum = u.attnum and u.attnum > 0
                        )
                    )
                    from pg_catalog.pg_partitioned_table as k
                    where k.partrelid = r.oid
                ),
                (
                    select 'inherits ' || pg_catalog.string_agg(
                        pg_catalog.format('%I.%I', m.nspname, p.relname), ', ' order by i.inhseqno
                    )
                    from pg_catalog.pg_inherits as i
                    join pg_catalog.pg_class as p
                        on p.oid = i.inhparent
                    join pg_catalog.pg_namespace as m
                        on m.oid = p.relnamespace
                    where i.inhrelid = r.oid
                ),
                case
                    when r.relkind = 'v' or r.tuples is null then null
                    when r.tuples >= 10000 then
                        pg_catalog.format(
                            '~%s %s rows',
                            pg_catalog.round(
                                (r.tuples / case when r.tuples < 1e6 then 1e3 else 1e6 end)::numeric
                            ),
                            case when r.tuples < 1e6 then 'thousand' else 'million' end
                        )
                    else pg_catalog.format('~%s rows', r.tuples)
                end,
                case
                    when r.pages > 0 and r.relkind <> 'v' then pg_catalog.pg_size_pretty(
                        (r.pages * pg_catalog.current_setting('block_size')::bigint)::bigint
                    )
                end
            ), ''
        ) || ')'
    ) as head,
    array(
        select pg_catalog.concat_ws(
            ' ',
            pg_catalog.quote_ident(a.attname),
            case
                -- Short names for the server's own types.
                when a.atttypid < 16384 then pg_catalog.replace(pg_catalog.replace(
                    pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
                        pg_catalog.format_type(a.atttypid, a.atttypmod),
                        'timestamp with time zone', 'timestamptz'
                    ), 'timestamp without time zone', 'timestamp'), 'character varying', 'varchar'),
                    'double precision', 'float8'), 'integer', 'int'), 'boolean', 'bool')
                else pg_catalog.format_type(a.atttypid, a.atttypmod)
            end,
            case
                when exists (
                    select
                    from pg_catalog.pg_index as i
                    where i.indrelid = r.oid and i.indisprimary and a.attnum = any (i.indkey)
                ) then 'pk'
                when a.attnotnull then 'nn'
            end,
            case
                when exists (
                    select
                    from pg_catalog.pg_index as i
                    where i.indrelid = r.oid
                        and i.indisunique
                        and not i.indisprimary
                        and i.indpred is null
                        and i.indnkeyatts = 1
                        and i.indkey[0] = a.attnum
                ) then 'uq'
            end,
            (
                select pg_catalog.string_agg(
                    pg_catalog.format('→%s.%s', f.target, f.target_columns), ' ' order by f.conname
                )
                from reference as f
                where f.conrelid = r.oid and f.conkey = array[a.attnum]
            )
        )
        from pg_catalog.pg_attribute as a
        where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum
    ) || array(
        select pg_catalog.format('(%s) →%s(%s)', f.own_columns, f.target, f.target_columns)
        from reference as f
        where f.conrelid = r.oid and pg_catalog.cardinality(f.conkey) > 1
        order by f.conname
    ) as parts,
    d.description as comment,
    pg_catalog.format(
        'mcp_object(%L, %L, %L)', r.nspname, r.relname,
        case r.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end
    ) as rest
from relation as r
left join pg_catalog.pg_description as d
    on d.objoid = r.oid
        and d.objsubid = 0
        and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass

union all

select
    t.oid::bigint,
    pg_catalog.format('enum %I.%I', n.nspname, t.typname),
    array(
        select pg_catalog.quote_literal(e.enumlabel)
        from pg_catalog.pg_enum as e
        where e.enumtypid = t.oid
        order by e.enumsortorder
    ),
    d.description,
    pg_catalog.format('mcp_object(%L, %L, %L)', n.nspname, t.typname, 'type')
from pg_catalog.unnest($1::bigint[]) as u (oid)
join pg_catalog.pg_type as t
    on t.oid = u.oid::oid and t.typtype = 'e'
join pg_catalog.pg_namespace as n
    on n.oid = t.typnamespace
left join pg_catalog.pg_description as d
    on d.objoid = t.oid
        and d.objsubid = 0
        and d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass
