-- One table, partition, foreign table, view or materialized view as JSON.
--
-- $1: schema; $2: name, unquoted; $3: any of table, partition, view, materialized view: all find
-- whichever of these it is, and "kind" says it. No row when there is none. Statistics of columns
-- are shown to those who may read the columns. Prints definitions, so it waits, up to
-- lock_timeout, for a table that is being altered.
select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'schema', n.nspname,
    'name', t.relname,
    'kind', case
        when t.relkind in ('r', 'p', 'f') and t.relispartition then 'partition'
        when t.relkind = 'v' then 'view'
        when t.relkind = 'm' then 'materialized view'
        else 'table'
    end,
    'owner', pg_catalog.pg_get_userbyid(t.relowner),
    'description', pg_catalog.obj_description(t.oid, 'pg_class'),
    'persistence', case t.relpersistence when 'u' then 'unlogged' when 't' then 'temporary' end,
    'populated', case when t.relkind = 'm' then t.relispopulated end,
    'options', pg_catalog.to_jsonb(t.reloptions),
    'tablespace', (
        select s.spcname from pg_catalog.pg_tablespace as s where s.oid = t.reltablespace
    ),
    'foreign_server', (
        select f.srvname
        from pg_catalog.pg_foreign_table as e
        join pg_catalog.pg_foreign_server as f
            on f.oid = e.ftserver
        where e.ftrelid = t.oid
    ),
    'extension', (
        select e.extname
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_extension as e
            on e.oid = d.refobjid
        where d.classid = t.tableoid
            and d.objid = t.oid
            and d.objsubid = 0
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.deptype = 'e'
    ),
    'rows_estimate', leaves.rows_estimate,
    'size', leaves.size,
    'privileges', (
        select pg_catalog.jsonb_agg(p.name order by p.n)
        from pg_catalog.unnest(array[
            'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'
        ]) with ordinality as p (name, n)
        where pg_catalog.has_table_privilege(t.oid, p.name)
    ),
    'columns', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', a.attname,
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'nullable', not a.attnotnull,
            'default', case
                when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid)
            end,
            'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
            'generated', case
                when a.attgenerated <> '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid)
            end,
            'collation', (
                select pg_catalog.quote_ident(c.collname)
                from pg_catalog.pg_collation as c
                join pg_catalog.pg_type as y
                    on y.oid = a.atttypid
                where c.oid = a.attcollation and c.oid <> y.typcollation
            ),
            'null_frac', s.null_frac,
            'n_distinct', s.n_distinct,
            'description', pg_catalog.col_description(t.oid, a.attnum)
        ) order by a.attnum)
        from pg_catalog.pg_attribute as a
        left join pg_catalog.pg_attrdef as d
            on d.adrelid = a.attrelid and d.adnum = a.attnum
        left join pg_catalog.pg_stats as s
            on s.schemaname = n.nspname
            and s.tablename = t.relname
            and s.attname = a.attname
            and s.inherited = (t.relkind = 'p')
        where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    ),
    'constraints', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', k.conname,
            'type', case k.contype
                when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key'
                when 'c' then 'check' when 'x' then 'exclusion' when 'n' then 'not null'
                when 't' then 'trigger'
            end,
            'columns', (
                select pg_catalog.jsonb_agg(a.attname order by u.n)
                from pg_catalog.unnest(k.conkey) with ordinality as u (attnum, n)
                join pg_catalog.pg_attribute as a
                    on a.attrelid = k.conrelid and a.attnum = u.attnum
            ),
            'references', case when k.contype = 'f' then k.confrelid::pg_catalog.regclass::text end,
            'references_columns', (
                select pg_catalog.jsonb_agg(a.attname order by u.n)
                from pg_catalog.unnest(k.confkey) with ordinality as u (attnum, n)
                join pg_catalog.pg_attribute as a
                    on a.attrelid = k.confrelid and a.attnum = u.attnum
            ),
            'definition', pg_catalog.pg_get_constraintdef(k.oid, true),
            'valid', case when not k.convalidated then false end,
            'description', pg_catalog.obj_description(k.oid, 'pg_constraint')
        ) order by k.contype <> 'p', k.conname)
        from pg_catalog.pg_constraint as k
        where k.conrelid = t.oid
    ),
    'referenced_by', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', k.conname,
            'table', k.conrelid::pg_catalog.regclass::text,
            'columns', (
                select pg_catalog.jsonb_agg(a.attname order by u.n)
                from pg_catalog.unnest(k.conkey) with ordinality as u (attnum, n)
                join pg_catalog.pg_attribute as a
                    on a.attrelid = k.conrelid and a.attnum = u.attnum
            ),
            'references_columns', (
                select pg_catalog.jsonb_agg(a.attname order by u.n)
                from pg_catalog.unnest(k.confkey) with ordinality as u (attnum, n)
                join pg_catalog.pg_attribute as a
                    on a.attrelid = k.confrelid and a.attnum = u.attnum
            ),
            'definition', pg_catalog.pg_get_constraintdef(k.oid, true)
        ) order by k.conrelid::pg_catalog.regclass::text, k.conname)
        from pg_catalog.pg_constraint as k
        -- A partition's own copies of its parent's foreign keys say nothing new.
        where k.confrelid = t.oid and k.contype = 'f' and k.conparentid = 0
    ),
    'indexes', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', x.relname,
            'definition', pg_catalog.pg_get_indexdef(i.indexrelid),
            'primary', case when i.indisprimary then true end,
            'unique', case when i.indisunique then true end,
            'valid', case when not i.indisvalid then false end,
            'size_bytes', case when x.relkind = 'i' then pg_catalog.pg_table_size(x.oid) end,
            'scans', s.idx_scan,
            'description', pg_catalog.obj_description(x.oid, 'pg_class')
        ) order by not i.indisprimary, x.relname)
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as x
            on x.oid = i.indexrelid
        left join pg_catalog.pg_stat_all_indexes as s
            on s.indexrelid = i.indexrelid
        where i.indrelid = t.oid
    ),
    'triggers', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', g.tgname,
            'definition', pg_catalog.pg_get_triggerdef(g.oid, true),
            'enabled', case g.tgenabled
                when 'O' then 'origin' when 'A' then 'always' when 'R' then 'replica'
                when 'D' then 'disabled'
            end
        ) order by g.tgname)
        from pg_catalog.pg_trigger as g
        where g.tgrelid = t.oid and not g.tgisinternal
    ),
    'row_security', case when t.relrowsecurity or t.relforcerowsecurity then
        pg_catalog.jsonb_build_object(
            'enabled', t.relrowsecurity,
            'forced', t.relforcerowsecurity
        )
    end,
    'policies', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', p.policyname,
            'permissive', p.permissive = 'PERMISSIVE',
            'roles', p.roles,
            'command', p.cmd,
            'using', p.qual,
            'check', p.with_check
        ) order by p.policyname)
        from pg_catalog.pg_policies as p
        where p.schemaname = n.nspname and p.tablename = t.relname
    ),
    'parents', (
        select pg_catalog.jsonb_agg(i.inhparent::pg_catalog.regclass::text order by i.inhseqno)
        from pg_catalog.pg_inherits as i
        where i.inhrelid = t.oid
    ),
    'partition_bound', pg_catalog.pg_get_expr(t.relpartbound, 0),
    'partition_key', case when t.relkind = 'p' then pg_catalog.pg_get_partkeydef(t.oid) end,
    'children', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', c.oid::pg_catalog.regclass::text,
            'partition_bound', pg_catalog.pg_get_expr(c.relpartbound, 0),
            'rows_estimate', case
                when c.relkind <> 'p' and c.reltuples >= 0 then c.reltuples::bigint
            end
        ) order by c.oid::pg_catalog.regclass::text)
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as c
            on c.oid = i.inhrelid
        where i.inhparent = t.oid
    ),
    'definition', case when t.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(t.oid, true) end,
    'activity', (
        select pg_catalog.jsonb_build_object(
            'seq_scan', s.seq_scan, 'idx_scan', s.idx_scan, 'inserted', s.n_tup_ins,
            'updated', s.n_tup_upd, 'hot_updated', s.n_tup_hot_upd, 'deleted', s.n_tup_del,
            'dead_rows', s.n_dead_tup, 'modified_since_analyze', s.n_mod_since_analyze,
            'last_vacuum', greatest(s.last_vacuum, s.last_autovacuum),
            'last_analyze', greatest(s.last_analyze, s.last_autoanalyze)
        )
        from pg_catalog.pg_stat_all_tables as s
        where s.relid = t.oid and t.relkind in ('r', 'm')
    )
)) as object
from pg_catalog.pg_class as t
join pg_catalog.pg_namespace as n
    on n.oid = t.relnamespace
-- The table itself, or all partitions that hold rows.
cross join lateral (
    select
        pg_catalog.sum(case when l.reltuples >= 0 then l.reltuples end)::bigint as rows_estimate,
        case when pg_catalog.count(*) filter (where l.relkind in ('r', 'm')) > 0 then
            pg_catalog.jsonb_build_object(
                'total_bytes', pg_catalog.sum(pg_catalog.pg_total_relation_size(l.oid)),
                'table_bytes', pg_catalog.sum(pg_catalog.pg_relation_size(l.oid)),
                'index_bytes', pg_catalog.sum(pg_catalog.pg_indexes_size(l.oid)),
                'toast_bytes', pg_catalog.sum(
                    case when l.reltoastrelid = 0 then 0
                    else pg_catalog.pg_total_relation_size(l.reltoastrelid) end
                )
            )
        end as size
    from pg_catalog.pg_class as l
    where l.relkind in ('r', 'm', 'f')
        and l.oid in (
            select t.oid
            union all
            select p.relid::pg_catalog.oid
            from pg_catalog.pg_partition_tree(t.oid) as p
            where t.relkind = 'p' and p.isleaf
        )
) as leaves
where n.nspname = $1
    and t.relname = $2
    and t.relkind in ('r', 'p', 'f', 'v', 'm')
    and $3 in ('table', 'partition', 'view', 'materialized view')
