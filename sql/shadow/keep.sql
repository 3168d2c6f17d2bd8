-- What an import keeps beside the catalog. Not of the extension, so that it goes with the database's
-- own objects and may belong to who imports.
create schema mcp_shadow;
create table mcp_shadow.source (imported_at timestamptz not null default now(), server jsonb not null);
create table mcp_shadow.statement (
    place bigint not null,
    queryid bigint,
    query text not null,
    calls bigint,
    total_ms double precision,
    rows bigint,
    search_path text
);
create table mcp_shadow.activity (
    relation oid not null,
    inserted bigint not null,
    updated bigint not null,
    hot_updated bigint not null,
    deleted bigint not null
);
