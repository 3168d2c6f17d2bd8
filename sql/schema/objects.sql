-- The objects of one kind in a schema, by name; the rest of a statement that sizes.sql begins.
--
-- $1: schema; $2: kind, one of table, view, sequence, extension, materialized view, partition,
-- function, type, index. Extensions are listed whatever their schema. Nothing here waits for a
-- lock on a table: details are put together from the catalog, not by the functions that print
-- definitions. Needs no privilege beyond reading the catalog; the last value of a sequence is shown
-- to those who may use it.
, held as materialized (
    -- Sequences, among others, that another session has locked so that reading them would wait.
    select l.relation
    from pg_catalog.pg_locks as l
    where l.locktype = 'relation'
        and l.granted
        and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        and l.database = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        )
        and l.pid <> pg_catalog.pg_backend_pid()
),

member as (
    select
        d.classid,
        d.objid,
        pg_catalog.string_agg(e.extname, ', ' order by e.extname) as extension
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_extension as e
        on e.oid = d.refobjid
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    group by d.classid, d.objid
),

relation as (
    select
        c.*,
        c.tableoid,
        n.nspname,
        case
            when c.relispartition and c.relkind in ('r', 'p', 'f') then 'partition'
            when c.relkind in ('r', 'p', 'f') then 'table'
            when c.relkind = 'v' then 'view'
            when c.relkind = 'm' then 'materialized view'
            when c.relkind = 'S' then 'sequence'
            when c.relkind in ('i', 'I') then 'index'
        end as kind,
        case c.relpersistence when 'u' then 'unlogged' when 't' then 'temporary' end as persistence
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where n.nspname = $1
),

-- Everything below a partitioned table or index, itself included.
tree (root, oid) as (
    with recursive below (root, oid) as (
        select r.oid, r.oid
        from relation as r
        where r.relkind in ('p', 'I') and r.kind = $2
        union all
        select b.root, i.inhrelid
        from below as b
        join pg_catalog.pg_inherits as i
            on i.inhparent = b.oid
    )
    select root, oid from below
),

partitioned as (
    select
        t.root,
        pg_catalog.count(*) filter (where c.relkind not in ('p', 'I')) as leaves,
        pg_catalog.sum(c.reltuples) filter (
            where c.relkind not in ('p', 'I') and c.reltuples >= 0
        ) as tuples,
        pg_catalog.sum(s.bytes) as bytes,
        pg_catalog.sum(c.relpages) as pages
    from tree as t
    join pg_catalog.pg_class as c
        on c.oid = t.oid
    left join size as s
        on s.oid = t.oid
    group by t.root
),

listed (schema, kind, name, oid, classid, owner, rows_estimate, size_bytes, details) as (
    -- Tables, partitions, views and materialized views.
    select
        r.nspname,
        r.kind,
        r.relname,
        r.oid,
        r.tableoid,
        r.relowner,
        case
            when r.relkind = 'p' then p.tuples
            when r.relkind in ('r', 'm', 'f') and r.reltuples >= 0 then r.reltuples
        end,
        case when r.relkind = 'p' then coalesce(p.bytes, 0) else s.bytes end,
        pg_catalog.concat_ws(
            ', ',
            r.persistence,
            (
                select pg_catalog.format(
                    'partition of %s %s', i.inhparent::pg_catalog.regclass,
                    -- Bounds are constants: without the table's oid nothing is locked.
                    pg_catalog.pg_get_expr(r.relpartbound, 0)
                )
                from pg_catalog.pg_inherits as i
                where i.inhrelid = r.oid and r.relispartition
            ),
            (
                select pg_catalog.format(
                    'partitioned by %s (%s), %s partitions',
                    case k.partstrat when 'r' then 'range' when 'l' then 'list' else 'hash' end,
                    (
                        select pg_catalog.string_agg(
                            coalesce(pg_catalog.quote_ident(a.attname), 'expression'),
                            ', ' order by u.n
                        )
                        from pg_catalog.unnest(k.partattrs) with ordinality as u (attnum, n)
                        left join pg_catalog.pg_attribute as a
                            on a.attrelid = k.partrelid and a.attnum = u.attnum and u.attnum > 0
                    ),
                    p.leaves
                )
                from pg_catalog.pg_partitioned_table as k
                where k.partrelid = r.oid
            ),
            (
                select 'foreign table on server ' || pg_catalog.quote_ident(f.srvname)
                from pg_catalog.pg_foreign_table as t
                join pg_catalog.pg_foreign_server as f
                    on f.oid = t.ftserver
                where t.ftrelid = r.oid
            ),
            case when r.relrowsecurity then 'row security' end,
            case when not r.relispopulated then 'not populated' end,
            case when r.relkind = 'v' then pg_catalog.array_to_string(r.reloptions, ', ') end
        )
    from relation as r
    left join partitioned as p
        on p.root = r.oid
    left join size as s
        on s.oid = r.oid
    where r.kind = $2 and $2 in ('table', 'partition', 'view', 'materialized view')

    union all

    -- Sequences.
    select
        r.nspname,
        r.kind,
        r.relname,
        r.oid,
        r.tableoid,
        r.relowner,
        null,
        null,
        pg_catalog.concat_ws(
            ', ',
            r.persistence,
            pg_catalog.format_type(q.seqtypid, null),
            'increment ' || q.seqincrement,
            case
                -- Those of other sessions cannot be read, nor unlogged ones on a standby.
                when pg_catalog.has_sequence_privilege(r.oid, 'usage, select')
                    and (
                        r.relpersistence = 'p'
                        or r.relpersistence = 'u' and not pg_catalog.pg_is_in_recovery()
                    )
                    then case
                        when r.oid in (select h.relation from held as h)
                            then 'last value not read: locked'
                        else 'last value '
                            || coalesce(pg_catalog.pg_sequence_last_value(r.oid)::text, 'none')
                    end
            end,
            (
                select pg_catalog.string_agg(pg_catalog.format(
                    '%s %s.%I',
                    case d.deptype when 'i' then 'identity of' else 'owned by' end,
                    d.refobjid::pg_catalog.regclass,
                    a.attname
                ), ', ' order by d.refobjid, d.refobjsubid)
                from pg_catalog.pg_depend as d
                join pg_catalog.pg_attribute as a
                    on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                where d.classid = r.tableoid
                    and d.objid = r.oid
                    and d.refclassid = r.tableoid
                    and d.deptype in ('a', 'i')
            )
        )
    from relation as r
    join pg_catalog.pg_sequence as q
        on q.seqrelid = r.oid
    where r.kind = $2 and $2 = 'sequence'

    union all

    -- Indexes.
    select
        r.nspname,
        r.kind,
        r.relname,
        r.oid,
        r.tableoid,
        r.relowner,
        case when r.relkind = 'i' and r.reltuples >= 0 then r.reltuples end,
        case
            when r.relkind = 'I' then p.pages * pg_catalog.current_setting('block_size')::bigint
            when (select pg_catalog.count(*) from heap) <= 2000
                and not exists (select from busy as b where b.oid in (i.indrelid, r.oid))
                then pg_catalog.pg_table_size(r.oid)
            else r.relpages * pg_catalog.current_setting('block_size')::bigint
        end,
        pg_catalog.concat_ws(
            ', ',
            r.persistence,
            pg_catalog.format(
                '%s on %s (%s)%s', m.amname, i.indrelid::pg_catalog.regclass, k.keys,
                ' include (' || k.included || ')'
            ),
            case when i.indisprimary then 'primary key' when i.indisunique then 'unique' end,
            case when i.indisexclusion then 'exclusion' end,
            case when i.indpred is not null then 'partial' end,
            case when not i.indisvalid then 'invalid' end
        )
    from relation as r
    join pg_catalog.pg_index as i
        on i.indexrelid = r.oid
    join pg_catalog.pg_am as m
        on m.oid = r.relam
    cross join lateral (
        select
            pg_catalog.string_agg(
                coalesce(pg_catalog.quote_ident(a.attname), 'expression'), ', ' order by u.n
            ) filter (where u.n <= i.indnkeyatts) as keys,
            pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by u.n)
                filter (where u.n > i.indnkeyatts) as included
        from pg_catalog.unnest(i.indkey) with ordinality as u (attnum, n)
        left join pg_catalog.pg_attribute as a
            on a.attrelid = i.indrelid and a.attnum = u.attnum and u.attnum <> 0
    ) as k
    left join partitioned as p
        on p.root = r.oid
    where r.kind = $2 and $2 = 'index'

    union all

    -- Functions, procedures, aggregates and window functions.
    select
        n.nspname,
        'function',
        f.proname,
        f.oid,
        f.tableoid,
        f.proowner,
        null,
        null,
        pg_catalog.concat_ws(
            ', ',
            pg_catalog.format(
                '(%s)%s',
                pg_catalog.pg_get_function_arguments(f.oid),
                ' returns ' || pg_catalog.pg_get_function_result(f.oid)
            ),
            case f.prokind
                when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window'
            end,
            l.lanname,
            case f.provolatile
                when 'i' then 'immutable' when 's' then 'stable' else 'volatile'
            end,
            case when f.prosecdef then 'security definer' end
        )
    from pg_catalog.pg_proc as f
    join pg_catalog.pg_namespace as n
        on n.oid = f.pronamespace
    join pg_catalog.pg_language as l
        on l.oid = f.prolang
    where n.nspname = $1 and $2 = 'function'

    union all

    -- Types, without arrays and the row types of relations.
    select
        n.nspname,
        'type',
        t.typname,
        t.oid,
        t.tableoid,
        t.typowner,
        null,
        null,
        case t.typtype
            when 'e' then 'enum: ' || coalesce((
                select pg_catalog.string_agg(e.enumlabel, ', ' order by e.enumsortorder)
                from pg_catalog.pg_enum as e
                where e.enumtypid = t.oid
            ), '')
            when 'd' then 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod)
            when 'c' then 'composite: ' || coalesce((
                select pg_catalog.string_agg(
                    pg_catalog.format(
                        '%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
                    ), ', ' order by a.attnum
                )
                from pg_catalog.pg_attribute as a
                where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            ), '')
            when 'r' then 'range over ' || (
                select pg_catalog.format_type(g.rngsubtype, null)
                from pg_catalog.pg_range as g
                where g.rngtypid = t.oid
            )
            when 'm' then 'multirange'
            when 'p' then 'pseudo-type'
            else case when t.typisdefined then 'base' else 'shell' end
        end
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n
        on n.oid = t.typnamespace
    left join pg_catalog.pg_class as c
        on c.oid = t.typrelid
    where n.nspname = $1
        and $2 = 'type'
        and (t.typrelid = 0 or c.relkind = 'c')
        -- True arrays are the typarray of their element.
        and not exists (
            select from pg_catalog.pg_type as e where e.oid = t.typelem and e.typarray = t.oid
        )

    union all

    -- Extensions.
    select
        n.nspname,
        'extension',
        e.extname,
        e.oid,
        e.tableoid,
        e.extowner,
        null,
        null,
        pg_catalog.concat_ws(
            ', ',
            'version ' || e.extversion,
            case when e.extrelocatable then 'relocatable' end
        )
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n
        on n.oid = e.extnamespace
    where $2 = 'extension'
)

select
    o.schema::text as schema_name,
    o.kind as object_type,
    o.name::text as name,
    pg_catalog.pg_get_userbyid(o.owner)::text as owner,
    o.rows_estimate::bigint as rows_estimate,
    o.size_bytes::bigint as size_bytes,
    nullif(
        pg_catalog.concat_ws(', ', nullif(o.details, ''), 'part of extension ' || m.extension), ''
    ) as details,
    d.description
from listed as o
left join member as m
    on m.classid = o.classid and m.objid = o.oid
left join pg_catalog.pg_description as d
    on d.objoid = o.oid and d.classoid = o.classid and d.objsubid = 0
order by o.name, o.details, o.oid
