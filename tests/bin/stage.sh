#!/usr/bin/env bash
# stage.sh release|debug|test: builds the extension and lays its files out below target/stage,
# target/stage-debug or target/stage-test, as they would be installed below /. The machine's PostgreSQL is
# not touched. `debug` is unoptimised, `test` is too and also holds the #[pg_test] functions.
. "$(dirname "$0")/env.sh"

case ${1:-} in
    release) stage=$target/stage; options=(--features "pg$PG") ;;
    debug) stage=$target/stage-debug; options=(--debug --features "pg$PG") ;;
    test) stage=$target/stage-test; options=(--debug --features "pg$PG pg_test") ;;
    *) die "usage: stage.sh release|debug|test" ;;
esac

say "building the extension ($1) for PostgreSQL $PG"
# Into a fresh folder: upgrade scripts that no longer exist must not survive from an earlier build.
rm -rf "$stage.new"
cargo pgrx package --package mcp_advisor --pg-config "$pg_config" --out-dir "$stage.new" \
    --no-default-features "${options[@]}"
rm -rf "$stage"
mv "$stage.new" "$stage"
