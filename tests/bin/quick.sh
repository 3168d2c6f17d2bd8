#!/usr/bin/env bash
# The inner loop: what needs no PostgreSQL.
. "$(dirname "$0")/env.sh"

cargo fmt --package advisor-core --check
cargo clippy --quiet --package advisor-core --all-targets -- -D warnings
cargo test --quiet --package advisor-core
