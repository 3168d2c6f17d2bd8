-- What the findings about a plan go by beside the plan: of the relations with the names $2 in the schemas
-- $1 (null is any that is on the search path) rows, changes since the last ANALYZE, columns and valid
-- indexes; and the memory of the session. One row with one column, JSON in the form of
-- advisor_core::plan::facts. Opens no relation.
select pg_catalog.json_build_object(
    'work_mem_kb', pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) / 1024.0,
    'hash_mem_multiplier', pg_catalog.current_setting('hash_mem_multiplier')::double precision,
    'relations', coalesce((
        select pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', n.nspname,
            'name', c.relname,
            'rows', c.reltuples,
            'modified', coalesce(pg_catalog.pg_stat_get_mod_since_analyze(c.oid), 0),
            'analyzed',
                pg_catalog.pg_stat_get_last_analyze_time(c.oid) is not null
                or pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) is not null
                or exists (
                    select from pg_catalog.pg_stats as s
                    where s.schemaname = n.nspname and s.tablename = c.relname
                ),
            'columns', (
                select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                    'name', a.attname,
                    'type', pg_catalog.format_type(
                        case when t.typtype = 'd' then t.typbasetype else t.oid end, null
                    )
                ) order by a.attnum), '[]')
                from pg_catalog.pg_attribute as a
                join pg_catalog.pg_type as t on t.oid = a.atttypid
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ),
            'indexes', (
                select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                    'name', x.relname,
                    'method', m.amname,
                    'keys', (
                        select pg_catalog.json_agg(
                            pg_catalog.pg_get_indexdef(i.indexrelid, k.number, true)
                            order by k.number
                        )
                        from pg_catalog.generate_series(1, i.indnkeyatts) as k (number)
                    )
                ) order by x.relname), '[]')
                from pg_catalog.pg_index as i
                join pg_catalog.pg_class as x on x.oid = i.indexrelid
                join pg_catalog.pg_am as m on m.oid = x.relam
                where i.indrelid = c.oid and i.indisvalid
            )
        ))
        from (
            select distinct w.schema, w.name
            from rows from (
                pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])
            ) as w (schema, name)
        ) as wanted
        join pg_catalog.pg_class as c on c.relname = wanted.name
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where case
            when wanted.schema is null then pg_catalog.pg_table_is_visible(c.oid)
            else n.nspname = wanted.schema
        end
        and c.relkind in ('r', 'p', 'm', 'f')
    ), '[]')
)::text
