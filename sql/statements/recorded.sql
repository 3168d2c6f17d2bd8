-- The text of the statement with queryid $1 in pg_stat_statements; the name of its database, quoted, when
-- that is not this one. This database's comes first, then the caller's own, then what is run most.
--
-- The view hides the queryid of other roles' statements from those who may not see the text.
-- {schema} is the extension's schema, quoted.
select
    s.query,
    case
        when d.datname is distinct from pg_catalog.current_database()
            then coalesce(pg_catalog.quote_ident(d.datname), s.dbid::text)
    end as other_database
from {schema}.pg_stat_statements as s
cross join (
    select o.oid
    from pg_catalog.pg_roles as o
    where o.rolname = current_user
) as r
left join pg_catalog.pg_database as d on d.oid = s.dbid
where s.queryid = $1
order by
    d.datname is distinct from pg_catalog.current_database(),
    s.userid <> r.oid,
    s.query is null,
    s.calls desc,
    s.userid
