#!/usr/bin/env bash
# valgrind.sh [STATEMENTS]: every function of the extension, and made-up statements (12 by default)
# through every call that takes one, in a server with assertions that runs under valgrind. It ends with
# an error when a report of valgrind has a frame of the extension in it, or an assertion fails. The
# reports of each process are in target/valgrind. ORIGINS=1 also tracks where what was never
# initialised comes from, which takes twice as long. WITHOUT_VALGRIND=1 only has the assertions.
. "$(dirname "$0")/env.sh"

case ${1:-12} in
    *[!0-9]*) die "usage: valgrind.sh [STATEMENTS]" ;;
    *) export ADVISOR_FEW=${1:-12} ;;
esac
tests/bin/checked.sh
tests/bin/stage.sh test

# Where the server's own user can read it, which the repository need not be. A server finds its files
# relative to its program.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp -a "$target/tools/checked-$PG" "$work/server"
export ADVISOR_PG_CONFIG=$work/server/bin/pg_config
export ADVISOR_STAGE=$work/stage
lay() { # lay OPTION [FOLDER]: files of the stage to where the checked server looks for them
    local from to
    from=$target/stage-test$("$pg_config" "$1")${2:-}
    to=$ADVISOR_STAGE$("$ADVISOR_PG_CONFIG" "$1")${2:-}
    mkdir -p "$to"
    cp "$from"/* "$to/"
}
lay --pkglibdir
lay --sharedir /extension

cargo test --quiet --package advisor-tests --test robust --no-run
if [ -n "${WITHOUT_VALGRIND:-}" ]; then
    cargo test --quiet --package advisor-tests --test robust -- --nocapture
    exit
fi

command -v valgrind >/dev/null || die "there is no valgrind: apt-get install valgrind"
logs=$target/valgrind
rm -rf "$logs"
mkdir -p "$logs"
mkdir -m 1777 "$work/logs"
origins=no
[ -z "${ORIGINS:-}" ] || origins=yes
options=(--quiet --leak-check=no --error-limit=no --num-callers=50 --time-stamp=yes --keep-debuginfo=yes
    "--track-origins=$origins" "--suppressions=$work/server/valgrind.supp" "--log-file=$work/logs/%p")
ADVISOR_SERVER_STARTER="valgrind ${options[*]}"
export ADVISOR_SERVER_STARTER
status=0
# Of the cases those two that need nothing beside: every function, and statements through every call.
cargo test --quiet --package advisor-tests --test robust -- --nocapture every_ || status=1
find "$work/logs" -type f -size +0 -exec cp {} "$logs/" \;
reports=$(cat "$logs"/* 2>/dev/null | grep -c ' at 0x' || true)
# Frames of the extension name its library or, with line tables, its files.
ours=$(awk 'BEGIN { RS = ""; ORS = "\n\n" } / at 0x/ && /mcp_advisor|extension\/(src|core)/' "$logs"/* 2>/dev/null || true)
say "valgrind: $reports stacks in all; those with the extension in them:"
[ -z "$ours" ] || { printf '%s\n' "$ours"; status=1; }
exit $status
