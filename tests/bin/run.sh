#!/usr/bin/env bash
# run.sh PROGRAM [ARGUMENT...]: builds and runs a program of tests/src/bin on target/stage.
. "$(dirname "$0")/env.sh"

program=$1
shift
export ADVISOR_STAGE=$target/stage
[ -z "${SCALE:-}" ] || set -- --scale "$SCALE" "$@"
cargo build --quiet --package advisor-tests --bin "$program"
# exec: a signal must reach the program itself.
exec "$target/debug/$program" "$@"
