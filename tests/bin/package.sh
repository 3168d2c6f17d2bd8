# Sourced after env.sh by the scripts that make packages: what they have in common.

# The version of everything is that of the workspace.
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
system=$(uname -s | tr '[:upper:]' '[:lower:]')
platform=$system-$(uname -m)
# What is packed, and where Debian's packages and the others go. BUILD=test packs the unoptimised build that
# the tests make anyway, for a release build takes as long as all of them.
case ${BUILD:-release} in
    release) stage=$target/stage; bridge=$target/release/mcp-bridge; deb=$target/deb; dist=$target/dist ;;
    test) stage=$target/stage-debug; bridge=$target/debug/mcp-bridge; deb=$target/deb/test; dist=$target/dist/test ;;
    *) die "BUILD is release or test" ;;
esac
# The same sources give the same packages: files are as old as the last commit.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}

third_party() { # third_party FOLDER PACKAGE [FEATURES]: the licenses of what is compiled in
    python3 tests/bin/third_party.py "${@:2}" >"$1/THIRD-PARTY"
}

described_by_itself() { # described_by_itself FOLDER: man page and completions, printed by the bridge
    mkdir -p "$1"/{bash,zsh,fish}
    "$bridge" man >"$1/mcp-bridge.1"
    "$bridge" completions bash >"$1/bash/mcp-bridge"
    "$bridge" completions zsh >"$1/zsh/_mcp-bridge"
    "$bridge" completions fish >"$1/fish/mcp-bridge.fish"
}

glibc_of() { # glibc_of FILE: the oldest glibc that it runs with
    objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 | tr _ ' ' | tr '[:upper:]' '[:lower:]'
}

sums() { # writes and prints the sums of what lies in target/dist
    (cd "$dist" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS)
    sed 's/^/  /' "$dist/SHA256SUMS"
}

# packaging_tools: mcpb and a linter for compose files into target/packages, at the versions of the
# lock file in tests/packages. A second run takes no time.
packaging_tools() {
    local folder=$target/packages wanted
    wanted=$(sha256sum tests/packages/package-lock.json | cut -d' ' -f1)
    [ "$(cat "$folder/.installed" 2>/dev/null)" != "$wanted" ] || return 0
    command -v npm >/dev/null || die "npm is needed: install the packages nodejs and npm"
    say "installing mcpb and dclint into target/packages"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp tests/packages/package.json tests/packages/package-lock.json "$folder/"
    npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error >&2
    echo "$wanted" >"$folder/.installed"
}
