-- One sequence as JSON.
--
-- $1: schema; $2: name, unquoted; $3: sequence. No row when there is none. The last value is shown
-- to those who may use or read the sequence, and absent until the sequence was used. Reading it would
-- wait for a session that alters the sequence: then "locked" is there in its place.
select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'schema', n.nspname,
    'name', c.relname,
    'kind', 'sequence',
    'owner', pg_catalog.pg_get_userbyid(c.relowner),
    'description', pg_catalog.obj_description(c.oid, 'pg_class'),
    'persistence', case c.relpersistence when 'u' then 'unlogged' when 't' then 'temporary' end,
    'type', pg_catalog.format_type(q.seqtypid, null),
    'last_value', case
        -- Those of other sessions cannot be read, nor unlogged ones on a standby.
        when pg_catalog.has_sequence_privilege(c.oid, 'usage, select')
            and (
                c.relpersistence = 'p'
                or c.relpersistence = 'u' and not pg_catalog.pg_is_in_recovery()
            )
            and not k.locked
            then pg_catalog.pg_sequence_last_value(c.oid)
    end,
    'locked', case when k.locked then true end,
    'start', q.seqstart,
    'increment', q.seqincrement,
    'minimum', q.seqmin,
    'maximum', q.seqmax,
    'cache', q.seqcache,
    'cycle', q.seqcycle,
    'owned_by', (
        select pg_catalog.jsonb_build_object(
            'table', d.refobjid::pg_catalog.regclass::text,
            'column', a.attname,
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'identity', d.deptype = 'i'
        )
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_attribute as a
            on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = c.tableoid
            and d.objid = c.oid
            and d.refclassid = c.tableoid
            and d.deptype in ('a', 'i')
    ),
    'default_of', (
        select pg_catalog.jsonb_agg(
            pg_catalog.format('%s.%I', e.adrelid::pg_catalog.regclass, a.attname)
            order by e.adrelid::pg_catalog.regclass::text, a.attnum
        )
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_attrdef as e
            on e.oid = d.objid
        join pg_catalog.pg_attribute as a
            on a.attrelid = e.adrelid and a.attnum = e.adnum
        where d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
            and d.refclassid = c.tableoid
            and d.refobjid = c.oid
    ),
    'privileges', (
        select pg_catalog.jsonb_agg(p.name order by p.n)
        from pg_catalog.unnest(array['USAGE', 'SELECT', 'UPDATE']) with ordinality as p (name, n)
        where pg_catalog.has_sequence_privilege(c.oid, p.name)
    ),
    'acl', pg_catalog.to_jsonb(c.relacl::text[])
)) as object
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
join pg_catalog.pg_sequence as q
    on q.seqrelid = c.oid
cross join lateral (
    select exists (
        select
        from pg_catalog.pg_locks as l
        where l.locktype = 'relation'
            and l.granted
            and l.mode in (
                'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
            )
            and l.relation = c.oid
            and l.database = (
                select d.oid
                from pg_catalog.pg_database as d
                where d.datname = pg_catalog.current_database()
            )
            and l.pid <> pg_catalog.pg_backend_pid()
    ) as locked
) as k
where n.nspname = $1 and c.relname = $2 and $3 = 'sequence'
