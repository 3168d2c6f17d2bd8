#!/usr/bin/env bash
# Puts what stage.sh and bridge.sh built into one tarball each in target/dist, for systems
# without Debian's packages.
. "$(dirname "$0")/env.sh"
. tests/bin/package.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pack() { # pack NAME
    cp LICENSE CHANGELOG.md "$work/$1/"
    chmod -R u=rwX,go=rX "$work/$1"
    mkdir -p "$dist"
    tar --directory "$work" --create --sort=name --owner=0 --group=0 --numeric-owner --format=gnu \
        --mtime="@$SOURCE_DATE_EPOCH" "$1" | gzip -9n >"$dist/$1.tar.gz"
}

extension() {
    local name=mcp_advisor-$version-pg$PG-$platform library files
    cp -R "$stage" "$work/$name"
    library=$(find "$work/$name" -name mcp_advisor.so -printf '%P')
    files=$(dirname "$(find "$work/$name" -name mcp_advisor.control -printf '%P')")
    third_party "$work/$name" mcp_advisor "pg$PG"
    cat >"$work/$name/README" <<EOF
mcp_advisor $version for PostgreSQL $PG on $platform with $(glibc_of "$work/$name/$library") or newer; the licenses are in LICENSE and THIRD-PARTY.
Copy $library into the folder that pg_config --pkglibdir prints, and $files/* into that of pg_config --sharedir, below extension.
Then, as a superuser, in each database to advise on: CREATE EXTENSION mcp_advisor;
EOF
    pack "$name"
}

bridge() {
    local name=mcp-bridge-$version-$platform packaging=mcp-bridge/packaging
    mkdir "$work/$name"
    cp "$bridge" "$packaging/mcp-bridge.service" "$packaging/mcp-bridge.example.toml" "$work/$name/"
    strip "$work/$name/mcp-bridge"
    described_by_itself "$work/$name"
    third_party "$work/$name" mcp-bridge
    cat >"$work/$name/README" <<EOF
mcp-bridge $version on $platform with $(glibc_of "$work/$name/mcp-bridge") or newer; the licenses are in LICENSE and THIRD-PARTY.
Copy mcp-bridge into /usr/local/bin; mcp-bridge.service says how it becomes a service, mcp-bridge.1 is the man page, bash/, zsh/ and fish/ have completions.
Then: DATABASE_URI=postgresql://user:password@host/database mcp-bridge check; mcp-bridge print-config --client NAME
EOF
    pack "$name"
}

extension
bridge
sums
