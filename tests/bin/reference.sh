#!/usr/bin/env bash
# Installs Postgres MCP Pro, with which the benchmark compares mcp-bridge, into target/reference, at
# the versions of tests/reference/requirements.txt. A second run takes no time. Where it cannot be
# installed, the file target/reference/absent says why, and that is no error.
# REFERENCE_PYTHON names the interpreter to use.
. "$(dirname "$0")/env.sh"

folder=$target/reference
wanted=$(cat tests/reference/requirements.txt "$0" | sha256sum | cut -d' ' -f1)
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9

absent() { # absent WHY
    rm -rf "$folder/venv" "$folder/.installed"
    echo "$1" >"$folder/absent"
    say "the reference for the benchmark is not installed: $1"
    exit 0
}

# The newest that runs: a name may be there and start nothing.
interpreter() {
    local name
    for name in "${REFERENCE_PYTHON:-}" python3.13 python3.12 python3; do
        if [ -n "$name" ] && "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

[ "$(cat "$folder/.installed" 2>/dev/null)" != "$wanted" ] || exit 0
python=$(interpreter)
[ -n "$python" ] || absent "no Python of version 3.11 or newer with venv"
say "installing the reference for the benchmark with $("$python" --version)"
"$python" -m venv --clear "$folder/venv" || absent "python cannot make a virtual environment"
# --ignore-requires-python: it asks for 3.12, of which it uses one name, which is added below.
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --ignore-requires-python --requirement tests/reference/requirements.txt 2>"$folder/log" ||
    absent "pip: $(tail -n 1 "$folder/log")"
site=$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo 'import typing; typing.override = getattr(typing, "override", lambda method: method)' \
    >"$site/sitecustomize.py"
"$folder/venv/bin/postgres-mcp" --help >/dev/null 2>"$folder/log" ||
    absent "it does not start: $(tail -n 1 "$folder/log")"
sed -n 's/^postgres-mcp==//p' tests/reference/requirements.txt >"$folder/version"
rm -f "$folder/absent"
echo "$wanted" >"$folder/.installed"
