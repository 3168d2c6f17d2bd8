-- How the tables with the given oids ($1, oid[]) are written and what the server's settings say of
-- the cost, as one jsonb object.
--
-- age: seconds since which writes are counted; as a crash resets the counters without a date, the
-- later one of the database and of the background writer. cache: pages that the planner takes to be
-- cached. tables: rows inserted, updated, of those heap-only, and deleted, blocks of indexes fetched
-- and found in memory, all with partitions; related: whether the table is a partition or has any, or
-- inherits; indexes, with partitions: rows, pages, bytes, whether it belongs to the index of a parent,
-- and the columns that it stores or that its expressions and predicate depend on. Needs no privilege.
select pg_catalog.jsonb_build_object(
    'age', (
        select greatest(extract(
            epoch from pg_catalog.clock_timestamp() - greatest(d.stats_reset, b.stats_reset)
        ), 0)
        from pg_catalog.pg_stat_database as d
        cross join pg_catalog.pg_stat_bgwriter as b
        where d.datname = pg_catalog.current_database()
    ),
    'random_page_cost', pg_catalog.current_setting('random_page_cost')::double precision,
    'seq_page_cost', pg_catalog.current_setting('seq_page_cost')::double precision,
    'cpu_operator_cost', pg_catalog.current_setting('cpu_operator_cost')::double precision,
    'cpu_index_tuple_cost', pg_catalog.current_setting('cpu_index_tuple_cost')::double precision,
    'full_page_writes', pg_catalog.current_setting('full_page_writes')::boolean,
    'vacuum_threshold',
    pg_catalog.current_setting('autovacuum_vacuum_threshold')::double precision,
    'vacuum_share',
    pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::double precision,
    'checkpoint_seconds', (
        select s.setting::double precision
        from pg_catalog.pg_settings as s
        where s.name = 'checkpoint_timeout'
    ),
    'cache', (
        select s.setting::double precision
        from pg_catalog.pg_settings as s
        where s.name = 'effective_cache_size'
    ),
    'tables', (
        select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'oid', t.oid::bigint,
            'inserted', w.inserted,
            'updated', w.updated,
            'hot_updated', w.hot_updated,
            'deleted', w.deleted,
            'unlogged', t.relpersistence = 'u',
            'related', t.relkind = 'p' or t.relispartition or exists (
                select
                from pg_catalog.pg_inherits as h
                where t.oid in (h.inhrelid, h.inhparent)
            ),
            'indexes', (
                select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'oid', i.indexrelid::bigint,
                    'method', m.amname,
                    'rows', x.rows,
                    'pages', x.pages,
                    'bytes', x.bytes,
                    'fetched', x.fetched,
                    'hit', x.hit,
                    'attached', c.relispartition,
                    'columns', (
                        select coalesce(
                            pg_catalog.jsonb_agg(distinct k.number), '[]'::pg_catalog.jsonb
                        )
                        from (
                            select pg_catalog.unnest(i.indkey::smallint []) as number
                            union all
                            select d.refobjsubid
                            from pg_catalog.pg_depend as d
                            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                and d.objid = i.indexrelid
                                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                and d.refobjid = i.indrelid
                        ) as k
                        where k.number > 0
                    )
                ) order by i.indexrelid), '[]'::pg_catalog.jsonb)
                from pg_catalog.pg_index as i
                join pg_catalog.pg_class as c
                    on c.oid = i.indexrelid
                join pg_catalog.pg_am as m
                    on m.oid = c.relam
                cross join lateral (
                    select
                        coalesce(pg_catalog.sum(greatest(y.reltuples, 0)), 0) as rows,
                        coalesce(pg_catalog.sum(y.relpages), 0) as pages,
                        coalesce(pg_catalog.sum(case
                            -- A shadow database has the sizes of another one in its catalog.
                            when pg_catalog.current_setting('mcp_advisor.shadow', true) = 'on' then
                                y.relpages * pg_catalog.current_setting('block_size')::bigint
                            else pg_catalog.pg_relation_size(y.oid)
                        end), 0) as bytes,
                        coalesce(pg_catalog.sum(
                            pg_catalog.pg_stat_get_blocks_fetched(y.oid)
                        ), 0) as fetched,
                        coalesce(pg_catalog.sum(
                            pg_catalog.pg_stat_get_blocks_hit(y.oid)
                        ), 0) as hit
                    from pg_catalog.pg_class as y
                    where y.relkind = 'i'
                        and (
                            y.oid = c.oid
                            or c.relkind = 'I'
                            and y.oid in (
                                select p.relid
                                from pg_catalog.pg_partition_tree(c.oid) as p
                            )
                        )
                ) as x
                where i.indrelid = t.oid and i.indisready
            )
        ) order by t.oid), '[]'::pg_catalog.jsonb)
        from pg_catalog.pg_class as t
        cross join lateral (
            select
                coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(y.oid)), 0)
                    as inserted,
                coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_tuples_updated(y.oid)), 0) as updated,
                coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_tuples_hot_updated(y.oid)), 0)
                    as hot_updated,
                coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_tuples_deleted(y.oid)), 0) as deleted
            from pg_catalog.pg_class as y
            where y.oid = t.oid
                or t.relkind = 'p'
                and y.oid in (
                    select p.relid
                    from pg_catalog.pg_partition_tree(t.oid) as p
                    where p.isleaf
                )
        ) as w
        where t.oid = any ($1)
    )
)
