-- Foreign keys whose referencing columns have no index: a delete or a change of a key in the
-- referenced table reads the whole referencing table, once for each row.
--
-- An index serves if it is a valid btree (for one column also a hash) that has the key's columns,
-- in any order and with their own collations, as its first ones, and no predicate other than that
-- a column of the key is not null. Keys of the same columns count as one. A partitioned table
-- counts with all its partitions, and is reported once. Rows are the last ANALYZE's, or the
-- counters' where there was none. Catalogs: pg_constraint, pg_index, pg_class, pg_attribute,
-- pg_inherits, the counters of rows and deletes. Thresholds: a warning from foreign_key_without_index_warning
-- (100,000) rows; from foreign_key_without_index_least (10,000) for information, or a warning if
-- rows have been deleted from the referenced table. Source: manual, "Foreign Keys"; the implied
-- predicate as the planner proves it (predtest.c). Needs no privilege.
with limits as materialized (
    select
        pg_catalog.current_setting('mcp_advisor.health_foreign_key_without_index_warning')::bigint
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_foreign_key_without_index_least')::bigint
            as least
),

foreign_key as materialized (
    select
        k.conrelid,
        k.confrelid,
        k.conname,
        k.conkey,
        k.confdeltype,
        c.relname,
        c.relnamespace,
        c.relkind,
        case
            when c.relkind = 'p' then (
                with recursive part (oid) as (
                    select k.conrelid
                    union all
                    select h.inhrelid
                    from part as p
                    join pg_catalog.pg_inherits as h
                        on h.inhparent = p.oid
                )

                select pg_catalog.sum(
                    case
                        when l.reltuples > 0 then l.reltuples
                        else pg_catalog.pg_stat_get_live_tuples(l.oid)
                    end
                )
                from part as p
                join pg_catalog.pg_class as l
                    on l.oid = p.oid
                where l.relkind = 'r'
            )
            when c.reltuples > 0 then c.reltuples
            else pg_catalog.pg_stat_get_live_tuples(c.oid)
        end as rows
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as c
        on c.oid = k.conrelid
    where k.contype = 'f'
        -- Neither those of partitions nor those that refer to partitions of the referenced table.
        and k.conparentid = 0
        and c.relpersistence <> 't'
),

without_index as materialized (
    select f.*
    from foreign_key as f
    cross join limits as l
    where f.rows >= l.least
        and not exists (
            select
            from pg_catalog.pg_index as i
            join pg_catalog.pg_class as x
                on x.oid = i.indexrelid
            join pg_catalog.pg_am as m
                on m.oid = x.relam
            cross join pg_catalog.generate_series(0, pg_catalog.cardinality(f.conkey) - 1) as u (n)
            join pg_catalog.pg_attribute as a
                on a.attrelid = i.indrelid and a.attnum = i.indkey[u.n]
            where i.indrelid = f.conrelid
                and i.indisvalid
                and i.indnkeyatts >= pg_catalog.cardinality(f.conkey)
                and (
                    m.amname = 'btree'
                    or m.amname = 'hash' and pg_catalog.cardinality(f.conkey) = 1
                )
                and i.indkey[u.n] = any (f.conkey)
                and i.indcollation[u.n] in (0, a.attcollation)
                and (
                    i.indpred is null
                    or pg_catalog.substring(
                        i.indpred::text,
                        '^\{NULLTEST :arg \{VAR :varno 1 :varattno (\d+) [^{}]*\} '
                        ':nulltesttype 1 :argisrow false :location -?\d+\}$'
                    )::smallint = any (f.conkey)
                )
            group by i.indexrelid
            having pg_catalog.count(*) = pg_catalog.cardinality(f.conkey)
        )
),

-- Keys of the same columns are mended by the same index.
counted as (
    select
        w.conrelid,
        w.relname,
        w.relnamespace,
        w.relkind,
        w.rows,
        pg_catalog.min(w.conkey) as conkey,
        pg_catalog.string_agg(
            pg_catalog.quote_ident(w.conname), ', ' order by w.conname
        ) as constraint_names,
        pg_catalog.string_agg(
            w.confrelid::pg_catalog.regclass::text, ', ' order by w.conname
        ) as referenced,
        pg_catalog.string_agg(
            case w.confdeltype
                when 'a' then 'NO ACTION' when 'r' then 'RESTRICT' when 'c' then 'CASCADE'
                when 'n' then 'SET NULL' when 'd' then 'SET DEFAULT'
            end, ', ' order by w.conname
        ) as on_delete,
        pg_catalog.sum(
            (
                with recursive part (oid) as (
                    select w.confrelid
                    union all
                    select h.inhrelid
                    from part as p
                    join pg_catalog.pg_inherits as h
                        on h.inhparent = p.oid
                )

                select pg_catalog.sum(pg_catalog.pg_stat_get_tuples_deleted(p.oid))
                from part as p
            )
        ) as deletes
    from without_index as w
    group by
        w.conrelid,
        w.relname,
        w.relnamespace,
        w.relkind,
        w.rows,
        array(
            select u.attnum
            from pg_catalog.unnest(w.conkey) as u (attnum)
            order by 1
        )
),

named as (
    select
        c.*,
        l.*,
        pg_catalog.format('%I.%I', n.nspname, c.relname) as table_name,
        (
            select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by u.place)
            from pg_catalog.unnest(c.conkey) with ordinality as u (attnum, place)
            join pg_catalog.pg_attribute as a
                on a.attrelid = c.conrelid and a.attnum = u.attnum
        ) as columns
    from counted as c
    cross join limits as l
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
)

select
    case when n.rows >= n.warning or n.deletes > 0 then 'warning' else 'info' end as severity,
    n.table_name as object,
    n.rows::double precision as value,
    'rows' as unit,
    pg_catalog.format(
        'an index from %s rows', case when n.deletes > 0 then n.least else n.warning end
    ) as threshold,
    pg_catalog.format(
        'the foreign key (%s) to %s has no index%s', n.columns, n.referenced,
        case when n.deletes > 0
            then pg_catalog.format(', and %s rows were deleted there', n.deletes)
        end
    ) as message,
    pg_catalog.format(
        'CREATE INDEX %sON %s (%s);', case when n.relkind <> 'p' then 'CONCURRENTLY ' end,
        n.table_name, n.columns
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when n.relkind = 'p' then 'locks' else 'safe' end,
        'constraint', n.constraint_names,
        'columns', n.columns,
        'references', n.referenced,
        'on_delete', n.on_delete,
        'deletes_from_referenced', n.deletes
    ) as details
from named as n
order by n.rows desc, 2, n.columns
