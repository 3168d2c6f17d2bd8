#!/usr/bin/env bash
# Builds mcp-bridge (release) as target/release/mcp-bridge.
. "$(dirname "$0")/env.sh"

say "building mcp-bridge"
cargo build --quiet --release --package mcp-bridge --bin mcp-bridge
