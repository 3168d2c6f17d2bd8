#!/usr/bin/env bash
# clients.sh [NAME...]: installs the MCP clients that the harness `mcp` drives, or those named, each
# into target/clients/NAME, at the versions of its lock file in tests/clients/NAME. A second run
# takes no time.
. "$(dirname "$0")/env.sh"

clients=$target/clients
[ $# -gt 0 ] || set -- py1 py2 fastmcp ts1 ts2 inspector
mkdir -p "$clients"
# Two runs at once must not install into the same folder.
exec 9>"$clients/.lock"
flock 9

uses_node() { [ -f "tests/clients/$1/package.json" ]; }

command -v python3 >/dev/null || die "python3 is needed for the Python clients: install python3 and python3-venv"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    die "$(python3 --version) is too old for the Python clients, 3.10 or newer is needed"
python3 -c 'import ensurepip, venv' 2>/dev/null ||
    die "python3 has no venv: install the package python3-venv"
for name in "$@"; do
    ! uses_node "$name" || command -v npm >/dev/null ||
        die "npm is needed for the TypeScript clients: install the packages nodejs and npm"
done

python_client() {
    python3 -m venv --clear "$clients/$1"
    "$clients/$1/bin/pip" install --quiet --disable-pip-version-check \
        --requirement "tests/clients/$1/requirements.txt"
}

node_client() {
    rm -rf "${clients:?}/$1"
    mkdir -p "$clients/$1"
    cp "tests/clients/$1/package.json" "tests/clients/$1/package-lock.json" "$clients/$1"
    npm ci --prefix "$clients/$1" --no-audit --no-fund --ignore-scripts --loglevel=error >&2
}

# install KIND NAME LOCK_FILE: unless it is there at these versions, which the stamp says.
install() {
    local stamp=$clients/$2/.installed wanted
    wanted=$(sha256sum "tests/clients/$2/$3" | cut -d' ' -f1)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        say "installing client $2"
        "$1_client" "$2"
        echo "$wanted" >"$stamp"
    fi
}

jobs=()
for name in "$@"; do
    if uses_node "$name"; then
        install node "$name" package-lock.json &
    else
        install python "$name" requirements.txt &
    fi
    jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job"; done

# Node looks for packages beside the importing file and above it.
for name in ts1 ts2; do
    [ ! -d "$clients/$name" ] || ln -sfn "$clients/$name/node_modules" "tests/clients/$name/node_modules"
done
