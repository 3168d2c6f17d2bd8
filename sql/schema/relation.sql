-- One table, partition, foreign table, view or materialized view as JSON.
--
-- $1: schema; $2: name, unquoted; $3: any of table, partition, view, materialized view: all find
-- whichever of these it is, and "kind" says it. No row when there is none. Prints definitions, so it
-- waits, up to lock_timeout, for a table that is being altered.
-- The rest of a statement that columns.sql begins.
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
    'options', pg_catalog.to_jsonb(nullif(coalesce(t.reloptions, '{}') || array(
        select 'toast.' || u.option
        from pg_catalog.pg_class as c
        cross join lateral pg_catalog.unnest(c.reloptions) with ordinality as u (option, n)
        where c.oid = t.reltoastrelid
        order by u.n
    ), '{}')),
    'access_method', (select m.amname from pg_catalog.pg_am as m where m.oid = t.relam),
    'tablespace', (
        select s.spcname from pg_catalog.pg_tablespace as s where s.oid = t.reltablespace
    ),
    'of_type', case when t.reloftype <> 0 then pg_catalog.format_type(t.reloftype, null) end,
    'replica_identity', case
        when t.relkind in ('r', 'p') then
            case t.relreplident when 'f' then 'full' when 'n' then 'nothing' when 'i' then 'index' end
    end,
    'foreign_server', f.srvname,
    'foreign_options', pg_catalog.to_jsonb(f.ftoptions),
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
    'acl', pg_catalog.to_jsonb(t.relacl::text[]),
    'columns', (select d.columns from described as d where d.oid = t.oid),
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
            'inherited_from', (
                select o.conrelid::pg_catalog.regclass::text
                from pg_catalog.pg_constraint as o
                where o.oid = k.conparentid and k.contype = 'f'
            ),
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
        -- To a partition those to its parents too, but not the copies that they leave in it.
        where k.contype = 'f'
            and k.conparentid = 0
            and (k.confrelid = t.oid or t.relispartition and k.confrelid in (
                select p.relid from pg_catalog.pg_partition_ancestors(t.oid) as p
            ))
    ),
    'indexes', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', x.relname,
            'definition', pg_catalog.pg_get_indexdef(i.indexrelid),
            'primary', case when i.indisprimary then true end,
            'unique', case when i.indisunique then true end,
            'valid', case when not i.indisvalid then false end,
            'clustered', case when i.indisclustered then true end,
            'replica_identity', case when i.indisreplident then true end,
            'constraint', (
                select k.conname
                from pg_catalog.pg_constraint as k
                where k.conrelid = t.oid and k.conindid = x.oid and k.contype in ('p', 'u', 'x')
            ),
            'tablespace', (
                select p.spcname from pg_catalog.pg_tablespace as p where p.oid = x.reltablespace
            ),
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
    'statistics', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', e.stxnamespace::pg_catalog.regnamespace::text
                || '.' || pg_catalog.quote_ident(e.stxname),
            'definition', pg_catalog.pg_get_statisticsobjdef(e.oid),
            -- Null in newer versions, -1 in older ones, when it is the default.
            'target', case
                when e.stxstattarget >= 0 then e.stxstattarget
            end,
            'description', pg_catalog.obj_description(e.oid, 'pg_statistic_ext')
        ) order by e.stxname, e.oid)
        from pg_catalog.pg_statistic_ext as e
        where e.stxrelid = t.oid
    ),
    'triggers', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', g.tgname,
            'definition', pg_catalog.pg_get_triggerdef(g.oid, true),
            'enabled', case g.tgenabled
                when 'O' then 'origin' when 'A' then 'always' when 'R' then 'replica'
                when 'D' then 'disabled'
            end,
            'internal', case when g.tgisinternal then true end,
            'inherited_from', case when g.tgparentid <> 0 then (
                select u.tgrelid::pg_catalog.regclass::text
                from pg_catalog.pg_partition_ancestors(t.oid) with ordinality as p (relid, n)
                join pg_catalog.pg_trigger as u
                    on u.tgrelid = p.relid and u.tgname = g.tgname and u.tgparentid = 0
                order by p.n
                limit 1
            ) end,
            'description', pg_catalog.obj_description(g.oid, 'pg_trigger')
        ) order by g.tgname)
        from pg_catalog.pg_trigger as g
        -- Of those that keep constraints only the disabled: then the constraint is not kept.
        where g.tgrelid = t.oid and (not g.tgisinternal or g.tgenabled = 'D')
    ),
    'rules', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', r.rulename,
            'definition', pg_catalog.pg_get_ruledef(r.oid, true),
            'enabled', case r.ev_enabled
                when 'O' then 'origin' when 'A' then 'always' when 'R' then 'replica'
                when 'D' then 'disabled'
            end,
            'description', pg_catalog.obj_description(r.oid, 'pg_rewrite')
        ) order by r.rulename)
        from pg_catalog.pg_rewrite as r
        where r.ev_class = t.oid and r.rulename <> '_RETURN'
    )
) || pg_catalog.jsonb_build_object(
    'row_security', case
        when t.relrowsecurity
            or t.relforcerowsecurity
            or exists (select from pg_catalog.pg_policy as p where p.polrelid = t.oid)
            then pg_catalog.jsonb_build_object(
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
    -- By name, for all tables, or by the schema: a version without pg_publication_namespace has no
    -- entry of it in pg_depend either.
    'publications', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', p.pubname,
            'columns', (
                select pg_catalog.jsonb_agg(a.attname order by a.attnum)
                from pg_catalog.pg_attribute as a
                where a.attrelid = t.oid and a.attnum = any (v.prattrs)
            ),
            'filter', pg_catalog.pg_get_expr(v.prqual, t.oid)
        ) order by p.pubname)
        from pg_catalog.pg_publication as p
        left join pg_catalog.pg_publication_rel as m
            on m.prpubid = p.oid and m.prrelid = t.oid
        -- Before version 15 the catalog has neither column, and the nulls are meant.
        cross join (select null::int2vector as prattrs, null::pg_node_tree as prqual) as lacking
        left join lateral (
            select prattrs, prqual from pg_catalog.pg_publication_rel as i where i.oid = m.oid
        ) as v
            on true
        where m.oid is not null
            or p.puballtables and pg_catalog.pg_relation_is_publishable(t.oid)
            or pg_catalog.pg_relation_is_publishable(t.oid) and exists (
                select
                from pg_catalog.pg_depend as d
                join pg_catalog.pg_depend as e
                    on e.classid = d.classid and e.objid = d.objid
                where d.refclassid = p.tableoid
                    and d.refobjid = p.oid
                    and e.refclassid = n.tableoid
                    and e.refobjid = n.oid
            )
    ),
    'parents', (
        select pg_catalog.jsonb_agg(i.inhparent::pg_catalog.regclass::text order by i.inhseqno)
        from pg_catalog.pg_inherits as i
        where i.inhrelid = t.oid
    ),
    'partition_bound', pg_catalog.pg_get_expr(t.relpartbound, 0),
    'partition_constraint', pg_catalog.pg_get_partition_constraintdef(t.oid),
    'detach_pending', (
        select true
        from pg_catalog.pg_inherits as i
        where i.inhrelid = t.oid and (pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean
    ),
    'partition_key', case when t.relkind = 'p' then pg_catalog.pg_get_partkeydef(t.oid) end,
    'children', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', c.oid::pg_catalog.regclass::text,
            'kind', case c.relkind when 'p' then 'partitioned' when 'f' then 'foreign' end,
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
    -- What a view reads, and what stands on this relation. Of functions only those whose bodies are
    -- parsed: no catalog knows what is in the text of the others.
    'reads', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'object', u.object, 'columns', u.columns
        ) order by u.object)
        from (
            select
                pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0) as object,
                pg_catalog.jsonb_agg(distinct a.attname) filter (where a.attname is not null)
                    as columns
            from pg_catalog.pg_rewrite as r
            join pg_catalog.pg_depend as d
                on d.classid = r.tableoid and d.objid = r.oid
            left join pg_catalog.pg_attribute as a
                on d.refclassid = t.tableoid
                and a.attrelid = d.refobjid
                and a.attnum = d.refobjsubid
                and a.attnum <> 0
            where r.ev_class = t.oid
                and t.relkind in ('v', 'm')
                and d.refclassid in (t.tableoid, 'pg_catalog.pg_proc'::pg_catalog.regclass)
                and d.refobjid <> t.oid
            group by d.refclassid, d.refobjid
        ) as u
    ),
    'used_by', (
        select pg_catalog.jsonb_agg(u.object order by u.object)
        from (
            select distinct pg_catalog.pg_describe_object(
                case when r.rulename = '_RETURN' then t.tableoid else d.classid end,
                case when r.rulename = '_RETURN' then r.ev_class else d.objid end,
                0
            ) as object
            from pg_catalog.pg_depend as d
            left join pg_catalog.pg_rewrite as r
                on d.classid = r.tableoid and d.objid = r.oid
            left join pg_catalog.pg_policy as p
                on d.classid = p.tableoid and d.objid = p.oid
            where (
                    d.refclassid = t.tableoid and d.refobjid = t.oid
                    or d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    and d.refobjid = t.reltype
                )
                and (
                    r.ev_class <> t.oid
                    or p.polrelid <> t.oid
                    or d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                )
        ) as u
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
left join (
    select e.ftrelid, e.ftoptions, o.srvname
    from pg_catalog.pg_foreign_table as e
    join pg_catalog.pg_foreign_server as o
        on o.oid = e.ftserver
) as f
    on f.ftrelid = t.oid
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
