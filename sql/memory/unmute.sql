-- Ends the muting of an advice, if it is muted. $1: its id. {schema}: the extension's.
update {schema}.mcp_advice as a
set
    muted_at = null,
    muted_by = null,
    mute_reason = null
where a.id = $1
    and a.muted_at is not null
returning a.id
