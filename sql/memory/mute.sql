-- Mutes an advice. $1: its id; $2: why. {schema}: the extension's.
insert into {schema}.mcp_advice as a (id, muted_at, muted_by, mute_reason)
values ($1, pg_catalog.clock_timestamp(), current_user, $2)
on conflict (id) do update set
    muted_at = excluded.muted_at,
    muted_by = excluded.muted_by,
    mute_reason = excluded.mute_reason
returning a.id
