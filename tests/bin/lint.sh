#!/usr/bin/env bash
# Format and lints of the whole workspace, tests included.
. "$(dirname "$0")/env.sh"

cargo fmt --all --check
cargo clippy --workspace --all-targets --no-default-features --features "mcp_advisor/pg$PG mcp_advisor/pg_test" -- -D warnings
