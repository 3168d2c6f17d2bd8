#!/usr/bin/env bash
# setup.sh [browser|packaging|pgrx]: installs what is missing on a Debian machine, and only that: what
# building and running needs, or the browser that the tests open the report in, or what makes and judges
# Debian packages; `pgrx` is cargo-pgrx alone, on any system. A second run takes no time.
. "$(dirname "$0")/env.sh"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The server packages would create a cluster "main" and start it. Nobody asked for one, so the
# packaging scripts are told not to, by a file that is gone again when the installation is over:
# whatever cluster or configuration the machine has stays untouched.
no_cluster=/etc/postgresql-common/createcluster.d/mcp-advisor-setup.conf

install_packages() {
    say "installing $*"
    as_root mkdir -p "${no_cluster%/*}"
    trap 'as_root rm -f "$no_cluster"' EXIT
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    as_root rm -f "$no_cluster"
    trap - EXIT
}

missing_of() { # prints those of the packages that are not installed
    local name
    for name in "$@"; do
        installed "$name" || echo "$name"
    done
}

browser() {
    # A font, too: without any there is no text.
    local missing
    mapfile -t missing < <(missing_of chromium chromium-driver fonts-dejavu-core)
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

packaging() {
    local missing
    mapfile -t missing < <(missing_of debhelper lintian mmdebstrap piuparts systemd)
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

packages() {
    # libclang reads the server's headers for the bindings; libssl is what cargo-pgrx links.
    # openssl makes the certificates of the TLS tests.
    local wanted=(build-essential pkg-config clang libclang-dev libssl-dev openssl
        "postgresql-$PG" "postgresql-client-$PG" "postgresql-server-dev-$PG" "postgresql-$PG-hypopg")
    # The MCP clients that drive the bridge in demo and tests.
    command -v node >/dev/null && command -v npm >/dev/null || wanted+=(nodejs npm)
    python3 -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3 python3-venv)
    command -v cargo >/dev/null || wanted+=(curl ca-certificates)
    local missing
    mapfile -t missing < <(missing_of "${wanted[@]}")
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

# PgBouncer for the tests, unpacked and not installed: its package would start a service.
pooler() {
    [ ! -x /usr/sbin/pgbouncer ] && [ ! -x "$tools/pgbouncer/usr/sbin/pgbouncer" ] || return 0
    say "unpacking pgbouncer into target/tools"
    local folder missing=() name
    folder=$(mktemp -d)
    chmod 755 "$folder" # for apt's own user
    (cd "$folder" && { apt-get download -qq pgbouncer 2>/dev/null ||
        { as_root apt-get update -qq && apt-get download -qq pgbouncer; }; })
    for name in $(dpkg-deb --field "$folder"/*.deb Depends | grep -o 'lib[a-z0-9.+-]*' | grep -v '^libc6$'); do
        installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
    mkdir -p "$tools"
    dpkg-deb --extract "$folder"/*.deb "$tools/pgbouncer"
    rm -r "$folder"
}

at_least() { # at_least FOUND WANTED
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

rust() {
    local found
    found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || true
    if [ -n "$found" ] && at_least "$found" "$rust_version"; then return; fi
    if command -v rustup >/dev/null; then
        say "cargo ${found:-is absent}, $rust_version is needed: rustup update stable"
        rustup toolchain install stable --profile minimal
    else
        say "installing Rust through rustup"
        command -v curl >/dev/null || install_packages curl ca-certificates
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
            sh -s -- -y --profile minimal --default-toolchain stable --no-modify-path
    fi
    found=$(cargo --version | cut -d' ' -f2)
    at_least "$found" "$rust_version" ||
        die "cargo is $found, $rust_version or newer is needed: rustup default stable"
}

rust_components() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
        rustup component add rustfmt clippy
}

cargo_pgrx() {
    mkdir -p "$tools"
    # Two runs at once must not build it twice.
    exec 9>"$tools/.lock"
    flock 9
    if [ "$("$tools/bin/cargo-pgrx" pgrx --version 2>/dev/null)" != "cargo-pgrx $pgrx_version" ]; then
        say "building cargo-pgrx $pgrx_version into target/tools (a few minutes, once)"
        cargo install --locked --quiet --root "$tools" "cargo-pgrx@$pgrx_version"
    fi
    if ! grep -qsF "pg$PG = \"$pg_config\"" "$PGRX_HOME/config.toml"; then
        mkdir -p "$PGRX_HOME"
        # --no-run: no server is started, and none could be as root.
        "$tools/bin/cargo-pgrx" pgrx init "--pg$PG" "$pg_config" --no-run
    fi
    exec 9>&-
}

if [ "${1:-}" = pgrx ]; then
    [ -x "$pg_config" ] || die "no $pg_config: set PG_CONFIG"
    rust
    cargo_pgrx
    exit
fi
if [ "${1:-}" = packaging ]; then
    command -v dpkg-query >/dev/null || die "Debian packages are made on Debian"
    packaging
    exit
fi
if [ "${1:-}" = browser ]; then
    ! command -v dpkg-query >/dev/null || browser
    command -v chromium >/dev/null && command -v chromedriver >/dev/null ||
        die "no chromium and chromedriver: install them"
    exit
fi
if command -v dpkg-query >/dev/null; then
    packages
    pooler
else
    say "not a Debian system: PostgreSQL $PG with headers, hypopg, libclang and a C compiler are expected to be there"
fi
[ -x "$pg_config" ] || die "no $pg_config: install the server development package or set PG_CONFIG"
rust
rust_components
cargo_pgrx
