#!/usr/bin/env bash
# run.sh PROGRAM [ARGUMENT...]: builds and runs a program of tests/src/bin on target/stage.
. "$(dirname "$0")/env.sh"

program=$1
shift
export ADVISOR_STAGE=$target/stage
export ADVISOR_BRIDGE=$target/release/mcp-bridge
[ -z "${SCALE:-}" ] || set -- --scale "$SCALE" "$@"
# Release: an unoptimised client would flatter the comparison in the benchmark.
cargo build --quiet --release --package advisor-tests --bin "$program"
# What the program runs beside ours, and the statements that are fetched.
sections=${SECTIONS:-${WORKLOAD:+compare,execution,sizes}}
case $program,${sections:-bridge,health,compare} in
    demo,*) tests/bin/clients.sh py2 ;;
    bench,*health*) tests/bin/reference.sh && tests/bin/pghero.sh ;;
    bench,*bridge*) tests/bin/reference.sh ;;
esac
case $program,${sections:-compare},${WORKLOAD:-tpcds} in
    bench,*compare*,*tpcds* | bench,*execution*,*tpcds* | bench,*sizes*,*tpcds*) tests/bin/workloads.sh ;;
esac
# exec: a signal must reach the program itself.
exec "$target/release/$program" "$@"
