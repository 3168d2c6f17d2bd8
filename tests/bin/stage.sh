#!/usr/bin/env bash
# stage.sh release|test: builds the extension and lays its files out below target/stage or
# target/stage-test, as they would be installed below /. The machine's PostgreSQL is not touched.
# `test` is the unoptimised build that also holds the #[pg_test] functions.
. "$(dirname "$0")/env.sh"

case ${1:-} in
    release) stage=$target/stage; options=(--features "pg$PG") ;;
    test) stage=$target/stage-test; options=(--debug --features "pg$PG pg_test") ;;
    *) die "usage: stage.sh release|test" ;;
esac

say "building the extension ($1) for PostgreSQL $PG"
# Into a fresh folder: upgrade scripts that no longer exist must not survive from an earlier build.
rm -rf "$stage.new"
cargo pgrx package --package mcp_advisor --pg-config "$pg_config" --out-dir "$stage.new" \
    --no-default-features "${options[@]}"
rm -rf "$stage"
mv "$stage.new" "$stage"
