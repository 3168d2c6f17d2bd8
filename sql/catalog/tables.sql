-- The tables with the given oids ($1, oid[]), their columns, indexes and leaf partitions.
--
-- Returns one jsonb array, ordered by schema and name. Only tables, partitioned tables and
-- materialized views that are not temporary and not in a system schema. Needs no privilege beyond
-- reading the system catalogs; column statistics are read elsewhere.
with target as (
    select
        c.oid,
        n.nspname as schema_name,
        c.relname as table_name,
        c.relkind as kind,
        c.relrowsecurity as row_security
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where c.oid = any ($1)
        and c.relkind in ('r', 'p', 'm')
        and c.relpersistence <> 't'
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_(catalog|toast|temp)'
)

select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'oid', t.oid::bigint,
    'schema', t.schema_name,
    'name', t.table_name,
    'partitioned', t.kind = 'p',
    'row_security', t.row_security,
    'columns', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'number', a.attnum,
            'name', a.attname,
            'type_name', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'type_len', a.attlen,
            'align', case a.attalign when 'c' then 1 when 's' then 2 when 'i' then 4 else 8 end
        ) order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    ),
    'leaves', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'oid', l.oid::bigint,
            'tuples', l.reltuples,
            'pages', l.relpages,
            'all_visible', l.relallvisible,
            'current_pages', case
                -- A shadow database has the sizes of another one in its catalog.
                when pg_catalog.current_setting('mcp_advisor.shadow', true) = 'on' then l.relpages
                else pg_catalog.pg_relation_size(l.oid)
                    / pg_catalog.current_setting('block_size')::bigint
            end
        ) order by l.oid)
        from (
            select t.oid as leaf
            where t.kind <> 'p'
            union all
            select p.relid
            from pg_catalog.pg_partition_tree(t.oid) as p
            where t.kind = 'p' and p.isleaf
        ) as parts
        join pg_catalog.pg_class as l
            on l.oid = parts.leaf
        where l.relkind in ('r', 'm')
    ),
    'indexes', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'oid', i.indexrelid::bigint,
            'name', i.indexrelid::pg_catalog.regclass::text,
            'method', am.amname,
            'keys', (
                select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'column', i.indkey[k],
                    'descending', (i.indoption[k] & 1) <> 0,
                    'nulls_first', (i.indoption[k] & 2) <> 0,
                    'sql', pg_catalog.pg_get_indexdef(i.indexrelid, k + 1, false)
                        || case
                            when a.attcollation <> i.indcollation[k]
                            then ' COLLATE ' || i.indcollation[k]::pg_catalog.regcollation::text
                            else ''
                        end,
                    'opclass', case
                        when oc.opcdefault then null
                        when ocn.nspname = 'pg_catalog' then pg_catalog.quote_ident(oc.opcname)
                        else pg_catalog.format('%I.%I', ocn.nspname, oc.opcname)
                    end
                ) order by k)
                from pg_catalog.generate_series(0, i.indnkeyatts - 1) as k
                join pg_catalog.pg_opclass as oc
                    on oc.oid = i.indclass[k]
                join pg_catalog.pg_namespace as ocn
                    on ocn.oid = oc.opcnamespace
                left join pg_catalog.pg_attribute as a
                    on a.attrelid = i.indrelid and a.attnum = i.indkey[k] and a.attnum <> 0
            ),
            'include', (
                select pg_catalog.jsonb_agg(i.indkey[k] order by k)
                from pg_catalog.generate_series(i.indnkeyatts, i.indnatts - 1) as k
            ),
            'unique', i.indisunique,
            'constraint', i.indisreplident or i.indisclustered or exists (
                select
                from pg_catalog.pg_constraint as con
                where con.conindid = i.indexrelid
            ),
            'partial', i.indpred is not null,
            'default_opclasses', not exists (
                select
                from pg_catalog.generate_series(0, i.indnkeyatts - 1) as k
                join pg_catalog.pg_opclass as oc
                    on oc.oid = i.indclass[k]
                left join pg_catalog.pg_attribute as a
                    on a.attrelid = i.indrelid and a.attnum = i.indkey[k]
                where not oc.opcdefault or a.attcollation is distinct from i.indcollation[k]
            ),
            'size_bytes', case
                when pg_catalog.current_setting('mcp_advisor.shadow', true) = 'on' then
                    ic.relpages * pg_catalog.current_setting('block_size')::bigint
                else pg_catalog.pg_relation_size(i.indexrelid)
            end
        ) order by i.indexrelid)
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as ic
            on ic.oid = i.indexrelid
        join pg_catalog.pg_am as am
            on am.oid = ic.relam
        where i.indrelid = t.oid and i.indisvalid
    ),
    'activity', (
        select pg_catalog.jsonb_build_array(
            coalesce(s.n_tup_ins, 0),
            coalesce(s.n_tup_upd, 0),
            coalesce(s.n_tup_hot_upd, 0),
            coalesce(s.n_tup_del, 0)
        )
        from pg_catalog.pg_stat_user_tables as s
        where s.relid = t.oid
    )
) order by t.schema_name, t.table_name), '[]'::pg_catalog.jsonb)
from target as t
