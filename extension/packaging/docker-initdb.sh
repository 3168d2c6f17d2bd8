#!/usr/bin/env bash
# Run by the image's entry point in a new data directory: the extensions, and, where the secret
# reader_password is there, the role mcp_reader, which may read and nothing else, for the bridge.
set -euo pipefail

database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$database" \
    --command 'create extension if not exists pg_stat_statements' \
    --command 'create extension if not exists mcp_advisor'
secret=/run/secrets/reader_password
if [ -e "$secret" ]; then
    PGHOST=/var/run/postgresql PGUSER=${POSTGRES_USER:-postgres} PGDATABASE=$database \
        mcp-bridge setup --read-all-data --password-file "$secret" --apply
fi
