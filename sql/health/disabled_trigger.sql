-- Triggers that do not fire: of constraints, which then check nothing, and of users.
--
-- ALTER TABLE ... DISABLE TRIGGER ALL and pg_dump --disable-triggers switch the triggers of foreign
-- keys off, on either end; ENABLE REPLICA TRIGGER keeps one for sessions whose
-- session_replication_role is replica, and that role, set for the server, a database or a role,
-- switches off all the others. Switching on checks no row that was written meanwhile: details have
-- a query for those of a foreign key. The triggers of a partition are reported for the partitioned
-- table when they are its (tgparentid). Catalogs: pg_trigger, pg_constraint, pg_attribute,
-- pg_db_role_setting, pg_settings. Threshold: any; a warning where a constraint is not checked,
-- critical for the whole server, for information where it is a user's trigger or a role's setting.
-- Source: tgenabled in trigger.c (TriggerEnabled). Privileges: none; a constraint's own trigger can
-- be enabled by a superuser only.
with off as (
    select
        t.oid, t.tgrelid, t.tgconstraint, t.tgname, t.tgenabled, t.tgisinternal,
        coalesce(parent.tgenabled = t.tgenabled, false) as from_parent
    from pg_catalog.pg_trigger as t
    left join pg_catalog.pg_trigger as parent
        on parent.oid = t.tgparentid and t.tgparentid <> 0
    where t.tgenabled in ('D', 'R')
),

grouped as (
    select
        o.tgrelid,
        o.tgconstraint,
        -- Users' triggers are one row each.
        case when o.tgisinternal then 0 else o.oid end as trigger,
        pg_catalog.bool_or(o.tgisinternal) as internal,
        pg_catalog.bool_and(o.tgenabled = 'R') as replica,
        pg_catalog.min(o.tgname::text) as name,
        pg_catalog.string_agg(
            pg_catalog.format(
                'ALTER TABLE %s ENABLE TRIGGER %I;', o.tgrelid::pg_catalog.regclass, o.tgname
            ), ' ' order by o.oid
        ) as enable
    from off as o
    where not o.from_parent
    group by 1, 2, 3
),

found as (
    select
        g.*,
        n.nspname, c.relname,
        c.reltuples,
        k.contype, k.conname, k.conrelid, k.confrelid, k.conkey, k.confkey
    from grouped as g
    join pg_catalog.pg_class as c
        on c.oid = g.tgrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    left join pg_catalog.pg_constraint as k
        on k.oid = g.tgconstraint
    where n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_(toast_)?temp_'
)

select
    case when f.contype is null then 'info' else 'warning' end as severity,
    pg_catalog.format('%I.%I: %I', f.nspname, f.relname, coalesce(f.conname, f.name)) as object,
    case when f.reltuples >= 0 then f.reltuples end::double precision as value,
    case when f.reltuples >= 0 then 'rows' end as unit,
    'enabled' as threshold,
    case
        when f.contype = 'f' and f.conrelid = f.tgrelid
            then 'the triggers of this foreign key are disabled: what is written is not checked'
        when f.contype = 'f' then pg_catalog.format(
            'the triggers of this foreign key of %s are disabled: a row that is deleted or changed '
            'here is not looked for there', f.conrelid::pg_catalog.regclass
        )
        when f.contype is not null
            then 'the trigger of this constraint is disabled: what is written is not checked'
        when f.replica then 'this trigger fires only where session_replication_role is replica'
        else 'this trigger is disabled'
    end || case
        when f.contype is null then ''
        when f.replica
            then ' unless session_replication_role is replica; look at the rows of the time'
        else '; look at the rows of the time before it is relied on'
    end as message,
    f.enable as remediation,
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'risk', 'locks',
        'trigger', f.name,
        'replica_only', f.replica,
        'constraint_table', f.conrelid::pg_catalog.regclass::text,
        'references', case when f.confrelid <> 0 then f.confrelid::pg_catalog.regclass::text end,
        'needs_superuser', f.internal,
        'rows_to_check', case when f.contype = 'f' then (
            select pg_catalog.format(
                'SELECT count(*) FROM %s AS c WHERE %s '
                'AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)',
                f.conrelid::pg_catalog.regclass,
                pg_catalog.string_agg(pg_catalog.format('c.%I IS NOT NULL', a.attname), ' AND '),
                f.confrelid::pg_catalog.regclass,
                pg_catalog.string_agg(
                    pg_catalog.format('p.%I = c.%I', b.attname, a.attname), ' AND '
                )
            )
            from rows from (pg_catalog.unnest(f.conkey), pg_catalog.unnest(f.confkey))
                as u (child, parent)
            join pg_catalog.pg_attribute as a
                on a.attrelid = f.conrelid and a.attnum = u.child
            join pg_catalog.pg_attribute as b
                on b.attrelid = f.confrelid and b.attnum = u.parent
        ) end
    )) as details
from found as f

union all

-- For everybody: unless a database or a role has it, or this session asked for it.
select
    'critical',
    null,
    null,
    null,
    'session_replication_role = origin',
    pg_catalog.format(
        'session_replication_role is %s for the whole server: foreign keys and triggers are not '
        'obeyed', s.reset_val
    ),
    'ALTER SYSTEM SET session_replication_role = ''origin''; SELECT pg_catalog.pg_reload_conf();',
    pg_catalog.jsonb_build_object('risk', 'safe', 'session_replication_role', s.reset_val)
from pg_catalog.pg_settings as s
where s.name = 'session_replication_role'
    and s.reset_val <> 'origin'
    and s.source <> 'client'
    and not exists (
        select
        from pg_catalog.pg_db_role_setting as r
        cross join pg_catalog.unnest(r.setconfig) as v (line)
        where v.line like 'session\_replication\_role=%'
            and r.setdatabase in (0, (
                select d.oid
                from pg_catalog.pg_database as d
                where d.datname = pg_catalog.current_database()
            ))
            and r.setrole in (0, session_user::pg_catalog.regrole)
    )

union all

-- A role that applies changes from elsewhere has good reason to.
select
    case when r.setrole = 0 then 'warning' else 'info' end,
    pg_catalog.concat_ws(
        ' in ',
        case when r.setrole <> 0 then 'role ' || r.setrole::pg_catalog.regrole end,
        case
            when r.setdatabase <> 0 then 'database ' || pg_catalog.quote_ident(d.datname)
            when r.setrole = 0 then 'every database'
        end
    ),
    null,
    null,
    'session_replication_role = origin',
    pg_catalog.format(
        '%s is set here: its sessions do not obey foreign keys and triggers',
        pg_catalog.replace(v.line, '=', ' = ')
    ),
    pg_catalog.format(
        'ALTER %s%s RESET session_replication_role;',
        case
            when r.setrole = 0 and r.setdatabase = 0 then 'ROLE ALL'
            when r.setrole = 0 then 'DATABASE ' || pg_catalog.quote_ident(d.datname)
            else 'ROLE ' || r.setrole::pg_catalog.regrole
        end,
        case
            when r.setrole <> 0 and r.setdatabase <> 0
                then ' IN DATABASE ' || pg_catalog.quote_ident(d.datname)
        end
    ),
    pg_catalog.jsonb_build_object('risk', 'safe')
from pg_catalog.pg_db_role_setting as r
cross join pg_catalog.unnest(r.setconfig) as v (line)
left join pg_catalog.pg_database as d
    on d.oid = r.setdatabase
where v.line like 'session\_replication\_role=%'
    and v.line <> 'session_replication_role=origin'
    and (r.setdatabase = 0 or d.datname = pg_catalog.current_database())

order by 3 desc nulls first, 2
