-- Tables without a primary key and without a replica identity index.
--
-- A row of them cannot be told from its copy, and logical replication cannot say which one was
-- changed: where the table is in a publication of updates or deletes, these fail. Partitions count
-- for their partitioned table, and only those without a key of their own; tables of extensions are
-- left out. A unique index on columns that are NOT NULL can become the primary key, or, when it
-- belongs to a constraint, the replica identity. Rows are those that the planner or the statistics
-- know of. Publications of a schema (PostgreSQL 15) are read from pg_depend, which also exists
-- before that. Catalogs: pg_class, pg_index, pg_inherits, pg_publication, pg_publication_rel,
-- pg_depend, pg_attribute, pg_constraint, pg_opclass. Thresholds: table_without_primary_key_rows
-- (1,000) for information; any number of rows is a warning where the table is published and has no
-- REPLICA IDENTITY FULL either. Source: CheckCmdReplicaIdentity in execReplication.c, and the
-- conditions of ADD PRIMARY KEY USING INDEX in parse_utilcmd.c. Privileges: none.
with recursive extension_members as materialized (
    select d.objid as oid
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid = e.oid
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.deptype = 'e'
),

candidates as materialized (
    select c.oid, n.nspname, c.relname, c.relkind
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and not c.relispartition
        and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_(toast_)?temp_'
        and c.oid not in (select m.oid from extension_members as m)
        and not exists (
            select
            from pg_catalog.pg_index as i
            where i.indrelid = c.oid
                and i.indisvalid
                and (i.indisprimary or i.indisreplident)
        )
),

members (root, oid) as (
    select t.oid, t.oid
    from candidates as t
    union all
    select m.root, i.inhrelid
    from members as m
    join pg_catalog.pg_inherits as i
        on i.inhparent = m.oid
    join candidates as t
        on t.oid = m.root and t.relkind = 'p'
),

published_schemas as materialized (
    select s.refobjid as oid
    from pg_catalog.pg_depend as s
    join pg_catalog.pg_depend as d
        on d.classid = s.classid and d.objid = s.objid
            and d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass
    join pg_catalog.pg_publication as p
        on p.oid = d.refobjid
    where s.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
        and s.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
        and (p.pubupdate or p.pubdelete)
),

published_tables as materialized (
    select r.prrelid as oid
    from pg_catalog.pg_publication_rel as r
    join pg_catalog.pg_publication as p
        on p.oid = r.prpubid
    where p.pubupdate or p.pubdelete
),

-- Tables that hold rows, and whether a change of a row would fail in them.
holding as (
    select
        m.root,
        c.oid,
        c.relname,
        c.relnamespace,
        c.relreplident,
        case
            when c.reltuples > 0 then c.reltuples::double precision
            else pg_catalog.pg_stat_get_live_tuples(c.oid)
        end as rows,
        c.relpersistence = 'p' and c.relreplident <> 'f' as fails
    from members as m
    join pg_catalog.pg_class as c
        on c.oid = m.oid
    where c.relkind = 'r'
        and not exists (
            select
            from pg_catalog.pg_index as i
            where i.indrelid = c.oid
                and i.indisvalid
                and (i.indisprimary or i.indisreplident)
        )
),

published as (
    select m.root
    from members as m
    join pg_catalog.pg_class as c
        on c.oid = m.oid
    where c.relpersistence = 'p'
        and (
            exists (
                select
                from pg_catalog.pg_publication as p
                where p.puballtables and (p.pubupdate or p.pubdelete)
            )
            or c.oid in (select t.oid from published_tables as t)
            or c.relnamespace in (select s.oid from published_schemas as s)
        )
    group by m.root
),

found as (
    select
        t.oid,
        t.nspname,
        t.relname,
        t.relkind,
        pg_catalog.sum(h.rows) as rows,
        p.root is not null as published,
        p.root is not null and pg_catalog.bool_or(h.fails) as fails,
        pg_catalog.bool_or(h.relreplident = 'n') as nothing,
        pg_catalog.string_agg(
            pg_catalog.format('ALTER TABLE %I.%I REPLICA IDENTITY FULL;', n.nspname, h.relname),
            ' ' order by h.oid
        ) filter (where h.fails) as complete
    from candidates as t
    join holding as h
        on h.root = t.oid
    join pg_catalog.pg_namespace as n
        on n.oid = h.relnamespace
    left join published as p
        on p.root = t.oid
    group by t.oid, t.nspname, t.relname, t.relkind, p.root
)

select
    case when f.fails then 'warning' else 'info' end as severity,
    pg_catalog.format('%I.%I', f.nspname, f.relname) as object,
    f.rows as value,
    'rows' as unit,
    case
        when f.fails then 'a key, where published'
        else 'a key, from '
            || pg_catalog.current_setting('mcp_advisor.health_table_without_primary_key_rows')
            || ' rows'
    end as threshold,
    case
        when f.fails then 'has no primary key and no replica identity and is published: UPDATE and '
            || 'DELETE fail'
        else 'has no primary key'
    end || case
        when u.index is not null
            then pg_catalog.format(', but its index %I tells its rows apart', u.index)
        when f.fails then '; until it has a key, its whole rows can stand for one'
        else ': add one on columns that are unique, or a new column that is GENERATED ALWAYS AS '
            || 'IDENTITY'
    end as message,
    case
        when u.as_primary_key then pg_catalog.format(
            'ALTER TABLE %I.%I ADD PRIMARY KEY USING INDEX %I;', f.nspname, f.relname, u.index
        ) || case when f.nothing then pg_catalog.format(
            ' ALTER TABLE %I.%I REPLICA IDENTITY DEFAULT;', f.nspname, f.relname
        ) else '' end
        when u.index is not null then pg_catalog.format(
            'ALTER TABLE %I.%I REPLICA IDENTITY USING INDEX %I;', f.nspname, f.relname, u.index
        )
        when f.fails then f.complete
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when u.index is not null or f.fails then 'locks' end,
        'published', f.published,
        'partitioned', f.relkind = 'p'
    ) as details
from found as f
left join lateral (
    select
        c.relname as index,
        pg_catalog.bool_and(
            k.option = 0 and o.opcdefault and k.collid = a.attcollation and b.oid is null
        ) as as_primary_key
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c
        on c.oid = i.indexrelid
    cross join lateral rows from (
        pg_catalog.unnest(i.indkey), pg_catalog.unnest(i.indoption),
        pg_catalog.unnest(i.indclass), pg_catalog.unnest(i.indcollation)
    ) with ordinality as k (attnum, option, opclass, collid, position)
    join pg_catalog.pg_attribute as a
        on a.attrelid = i.indrelid and a.attnum = k.attnum
    join pg_catalog.pg_opclass as o
        on o.oid = k.opclass
    left join pg_catalog.pg_constraint as b
        on b.conrelid = i.indrelid and b.conindid = i.indexrelid
    where f.relkind = 'r'
        and i.indrelid = f.oid
        and i.indisunique and i.indisvalid and i.indimmediate
        and i.indpred is null and i.indexprs is null
        and k.position <= i.indnkeyatts
    group by i.indexrelid, c.relname, c.relpages
    having pg_catalog.bool_and(a.attnotnull)
    order by 2 desc, pg_catalog.count(*), c.relpages, c.relname
    limit 1
) as u
    on true
where f.fails
    or f.rows
        >= pg_catalog.current_setting('mcp_advisor.health_table_without_primary_key_rows')::bigint
order by 3 desc, 2
