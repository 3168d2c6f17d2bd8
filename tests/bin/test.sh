#!/usr/bin/env bash
# Runs every check, goes on after a failure, and ends with one line: N passed, N failed.
# A step that is not a test run (format, lints, build) counts as one test.
. "$(dirname "$0")/env.sh"

log=$target/test-step.log
# Seconds; the longest step, a first build of everything, takes minutes. Only a hang gets here.
step_limit=2400
passed=0
failed=0

step() {
    local name=$1 status=0 counts ok bad begin=$SECONDS
    shift
    say "$name"
    timeout --foreground "$step_limit" "$@" 2>&1 | tee "$log" || status=1
    [ $status = 0 ] || say "$name failed"
    # Every test harness used here closes with libtest's line.
    counts=$(sed -n 's/^test result: .*[.] \([0-9]*\) passed; \([0-9]*\) failed;.*/\1 \2/p' "$log")
    ok=$(awk '{ n += $1 } END { print n + 0 }' <<<"$counts")
    bad=$(awk '{ n += $2 } END { print n + 0 }' <<<"$counts")
    if [ $status = 0 ] && [ -z "$counts" ]; then ok=1; fi
    if [ $status != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    say "$name: $ok passed, $bad failed in $((SECONDS - begin)) s"
}

step 'format' tests/bin/lint.sh format
step 'core tests' cargo test --package advisor-core --no-fail-fast
step 'clippy' tests/bin/lint.sh clippy
step 'documentation of the code' tests/bin/lint.sh doc
step 'other majors of the server' tests/bin/versions.sh
step 'bridge tests' cargo test --package mcp-bridge --no-fail-fast
step 'bridge, build' cargo build --package mcp-bridge
step 'MCP clients' tests/bin/clients.sh
step 'browser' tests/bin/setup.sh browser
step 'fuzzing the guard' tests/bin/fuzz.sh
step 'TPC-DS queries, fetched' tests/bin/workloads.sh
step 'server regression suite, fetched' tests/bin/regress.sh
step 'SQLsmith, fetched' tests/bin/sqlsmith.sh
step 'extension, test build' tests/bin/stage.sh test
export ADVISOR_STAGE=$target/stage-test
export ADVISOR_BRIDGE=$target/debug/mcp-bridge
step 'in-server and end-to-end tests' cargo test --package advisor-tests --no-fail-fast
step 'packaging tools' tests/bin/setup.sh packaging
step 'extension, build for packages' tests/bin/stage.sh debug
step 'Debian packages' env BUILD=test tests/bin/deb.sh
step 'packages, installed and purged' env BUILD=test tests/bin/packages.sh

rm -f "$log"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
