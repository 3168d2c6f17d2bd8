-- Tables whose updates mostly write to their indexes too.
--
-- An update that changes no indexed column and finds room in its page leaves the indexes alone
-- (heap-only tuple, README.HOT): room is what a fillfactor under 100 keeps, in pages that are
-- written from then on. From PostgreSQL 16 the updates that had to go to another page are counted
-- (n_tup_newpage_upd): where they are the fewer of those that were not HOT, the cause is an index
-- on a column that is updated. Partitions are reported themselves, for they have the fillfactor.
-- Not on a standby, where nobody updates. Catalogs: pg_class, pg_stat_get_tuples_updated and
-- pg_stat_get_tuples_hot_updated, pg_stat_all_tables and pg_index for what is found. Thresholds:
-- under hot_updates_share (50 %) of at least hot_updates_rows (100,000) updates, for information;
-- the fillfactor advised is hot_updates_fillfactor (90). Source: the manual's chapter on heap-only
-- tuples. Privileges: none.
with counted as materialized (
    select
        c.oid, c.relname, c.relnamespace, c.reloptions,
        pg_catalog.pg_stat_get_tuples_updated(c.oid) as updates
    from pg_catalog.pg_class as c
    where c.relkind = 'r'
        and c.relpersistence <> 't'
        and c.oid >= 16384
        and not pg_catalog.pg_is_in_recovery()
),

shared as (
    select
        c.*,
        pg_catalog.pg_stat_get_tuples_hot_updated(c.oid) as hot
    from counted as c
    where c.updates >= (
        select pg_catalog.current_setting('mcp_advisor.health_hot_updates_rows')::bigint
    )
),

found as materialized (
    select
        s.*,
        n.nspname,
        100.0 * s.hot / greatest(s.updates, 1) as percent,
        coalesce((
            select o.option_value::integer
            from pg_catalog.pg_options_to_table(s.reloptions) as o
            where o.option_name = 'fillfactor'
        ), 100) as fillfactor,
        (
            select (pg_catalog.to_jsonb(t) ->> 'n_tup_newpage_upd')::bigint
            from pg_catalog.pg_stat_all_tables as t
            where t.relid = s.oid
        ) as other_page,
        (
            select pg_catalog.count(*)
            from pg_catalog.pg_index as i
            where i.indrelid = s.oid
        ) as indexes
    from shared as s
    join pg_catalog.pg_namespace as n
        on n.oid = s.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_toast'
),

judged as materialized (
    select
        f.*,
        l.fillfactor as advised,
        f.fillfactor > l.fillfactor
            and coalesce(2 * f.other_page >= f.updates - f.hot, true) as wants_room
    from found as f
    cross join (
        select pg_catalog.current_setting('mcp_advisor.health_hot_updates_fillfactor')::bigint
            as fillfactor
    ) as l
    where f.percent
        < pg_catalog.current_setting('mcp_advisor.health_hot_updates_share')::double precision
)

select
    'info' as severity,
    pg_catalog.format('%I.%I', j.nspname, j.relname) as object,
    pg_catalog.round(j.percent, 1)::double precision as value,
    '%' as unit,
    pg_catalog.current_setting('mcp_advisor.health_hot_updates_share')
        || ' % of the updates' as threshold,
    pg_catalog.format(
        '%s of %s updates wrote to the indexes too: %s', j.updates - j.hot, j.updates,
        case
            when j.wants_room and j.other_page is null then 'room in the pages that are written '
                'from now on helps, unless an index is on a column that they change'
            when j.wants_room
                then 'they found no room in their page; new pages can keep some'
            else 'see whether an index is on a column that they change, and drop or narrow it'
        end
    ) as message,
    case when j.wants_room then pg_catalog.format(
        'ALTER TABLE %I.%I SET (fillfactor = %s);', j.nspname, j.relname, j.advised
    ) end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when j.wants_room then 'safe' end,
        'updates', j.updates, 'hot', j.hot, 'other_page', j.other_page, 'indexes', j.indexes,
        'fillfactor', j.fillfactor
    ) as details
from judged as j

union all

select
    'info',
    null,
    null,
    null,
    'statistics of updates',
    case
        when pg_catalog.pg_is_in_recovery()
            then 'cannot be judged on a standby: the updates are counted on the primary'
        else 'cannot be judged: track_counts is off'
    end,
    null,
    '{"ran": false}'
where pg_catalog.pg_is_in_recovery() or pg_catalog.current_setting('track_counts') = 'off'

order by 3, 2
