#!/usr/bin/env bash
# Builds mcp-bridge (release) as target/release/mcp-bridge.
. "$(dirname "$0")/env.sh"

# pg_query's C code has the names of its files in it: without the folder of this repository.
export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$target=target"

say "building mcp-bridge"
cargo build --quiet --release --package mcp-bridge --bin mcp-bridge
