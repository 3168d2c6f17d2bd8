#!/usr/bin/env bash
# versions.sh [MAJOR...]: whether the extension compiles for these majors of the server, by default for
# all that it is made for but PG. Their headers are not needed: pgrx brings its own bindings of each, for
# the builders of its documentation, and those are taken.
#
# They are behind a cfg that only its own documentation builds get, and it must reach that one crate
# only, others of the tree have features of a nightly compiler behind it. So this script is the wrapper
# of the compiler, too: called by cargo with the compiler and its arguments.
if [ -n "${ADVISOR_STORED_BINDINGS:-}" ]; then
    case " $* " in
        *' --crate-name pgrx_pg_sys '*) exec "$@" --cfg docsrs ;;
        *) exec "$@" ;;
    esac
fi
. "$(dirname "$0")/env.sh"

majors=("$@")
if [ ${#majors[@]} = 0 ]; then
    mapfile -t majors < <(sed -n 's|^pg\([0-9]*\) = \["pgrx/pg.*|\1|p' extension/Cargo.toml | grep -vx "$PG")
fi
# A folder of its own: each major is another build of pgrx, and the one in use stays.
export CARGO_TARGET_DIR=$target/versions CARGO_INCREMENTAL=0
# The stored bindings are cfg'd with features of the compiler that only its bootstrap may use.
export DOCS_RS=1 RUSTC_BOOTSTRAP=1 RUSTC_WRAPPER=$repo/tests/bin/versions.sh ADVISOR_STORED_BINDINGS=1
for major in "${majors[@]}"; do
    say "checking the extension for PostgreSQL $major"
    cargo check --quiet --package mcp_advisor --no-default-features --features "pg$major"
done
