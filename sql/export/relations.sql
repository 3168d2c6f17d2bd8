-- How large tables and indexes are, and what is written to tables. pages: of the files now. tuples:
-- as the planner reckons them (estimate_rel_size in plancat.c), which takes the density that VACUUM
-- or ANALYZE found times the pages of now; -1 where neither ran. An index's first page holds none.
select
    r.schema_name as schema,
    r.name,
    r.is_index,
    r.pages,
    case
        when r.tuples < 0 or r.known - r.is_index::integer <= 0 then
            case when r.pages = 0 and r.tuples >= 0 then 0 else -1 end
        else pg_catalog.round((
            r.tuples / (r.known - r.is_index::integer)
                * greatest(r.pages - r.is_index::integer, 0)
        )::numeric)
    end::float8 as tuples,
    least(r.all_visible, r.pages) as all_visible,
    u.n_tup_ins as inserted,
    u.n_tup_upd as updated,
    u.n_tup_hot_upd as hot_updated,
    u.n_tup_del as deleted
from (
    select
        c.oid,
        x.schema_name,
        c.relname as name,
        x.is_index,
        pg_catalog.pg_relation_size(c.oid)
            / pg_catalog.current_setting('block_size')::bigint as pages,
        c.relpages as known,
        c.reltuples::float8 as tuples,
        c.relallvisible as all_visible
    from (
        select
            t.oid,
            t.schema_name,
            false as is_index
        from own_table as t
        union all
        select
            i.indexrelid,
            t.schema_name,
            true
        from own_table as t
        join pg_catalog.pg_index as i
            on i.indrelid = t.oid and i.indisvalid
    ) as x
    join pg_catalog.pg_class as c
        on c.oid = x.oid
    where c.relkind in ('r', 'm', 'i')
) as r
left join pg_catalog.pg_stat_user_tables as u
    on u.relid = r.oid
where r.pages is not null
order by r.oid
