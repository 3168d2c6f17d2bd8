#!/usr/bin/env bash
# lint.sh [format] [clippy] [doc]: format, lints and documentation of the whole workspace, tests
# included; without an argument all three.
. "$(dirname "$0")/env.sh"

[ $# -gt 0 ] || set -- format clippy doc
features=(--no-default-features --features "mcp_advisor/pg$PG mcp_advisor/pg_test")
for what in "$@"; do
    case $what in
        format) cargo fmt --all --check ;;
        clippy) cargo clippy --workspace --all-targets "${features[@]}" -- -D warnings ;;
        # Private items too, which is what one reads who changes them. Libraries only: program and
        # library mcp-bridge would be documented in the same place. With the features of clippy, whose
        # work it shares.
        doc) RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --lib --no-deps \
            --document-private-items "${features[@]}" ;;
        *) die "usage: lint.sh [format] [clippy] [doc]" ;;
    esac
done
