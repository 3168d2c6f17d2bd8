-- Which operator classes beyond the default ones of the b-tree answer to which operator.
--
-- One row for each operator of a class: the operator, whether it orders rows (`<->`) instead of
-- finding them, the access method, the class, its family and the type that it takes, and its name as
-- CREATE INDEX takes it. Classes of any extension are among them. Of BRIN only the default classes: the
-- others differ in how they summarise, not in what they find. The patterns of the b-tree have no row
-- for LIKE, which the planner takes apart itself; they are known by their families.
select
    ao.amopopr::bigint as operator,
    ao.amoppurpose = 'o' as orders,
    am.amname::text as method,
    oc.oid::bigint as class,
    oc.opcfamily::bigint as family,
    oc.opcintype::bigint as input,
    case n.nspname
        when 'pg_catalog' then pg_catalog.quote_ident(oc.opcname)
        else pg_catalog.format('%I.%I', n.nspname, oc.opcname)
    end as name
from pg_catalog.pg_opclass as oc
join pg_catalog.pg_am as am
    on am.oid = oc.opcmethod
join pg_catalog.pg_namespace as n
    on n.oid = oc.opcnamespace
join pg_catalog.pg_amop as ao
    on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype
where am.amname in ('hash', 'gist', 'spgist', 'gin')
    or (am.amname = 'brin' and oc.opcdefault)
    or (
        am.amname = 'btree'
        and not exists (
            select
            from pg_catalog.pg_opclass as usual
            where usual.opcfamily = oc.opcfamily and usual.opcintype = oc.opcintype and usual.opcdefault
        )
    )
order by ao.amopopr, am.amname, oc.oid
