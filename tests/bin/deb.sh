#!/usr/bin/env bash
# Packs what stage.sh and bridge.sh built as Debian packages into target/deb, and has lintian look at
# them. DEBFULLNAME and DEBEMAIL name another maintainer, as for Debian's own tools.
. "$(dirname "$0")/env.sh"
. tests/bin/package.sh

build=$deb/build
maintainer="${DEBFULLNAME:-the mcp_advisor authors} <${DEBEMAIL:-mcp-advisor@users.noreply.github.com}>"
# A pre-release sorts before its release.
debian_version=${version/-/\~}-1
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-unstable}")
[ -d "$stage/usr/lib/postgresql/$PG" ] ||
    die "$stage is not for Debian's PostgreSQL $PG: run make deb without PG_CONFIG"

# source_tree NAME PACKAGING: an unpacked source package with what both have; prints its folder.
source_tree() {
    local tree=$build/$1-$version file
    mkdir -p "$tree"
    cp -R "$2/debian" "$tree/debian"
    for file in "$tree"/debian/*.in; do
        # The license is the repository's: each line indented, an empty one as a full stop.
        sed -e "s/@PG@/$PG/g; s/@MAINTAINER@/$maintainer/" \
            -e '/@LICENSE@/{r /dev/stdin' -e 'd}' "$file" \
            < <(tail -n +5 LICENSE | sed 's/^$/./; s/^/ /') >"${file%.in}"
        rm "$file"
    done
    printf '%s (%s) %s; urgency=medium\n\n  * Version %s: see changelog.gz.\n\n -- %s  %s\n' \
        "$1" "$debian_version" "$codename" "$version" "$maintainer" \
        "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")" >"$tree/debian/changelog"
    cp CHANGELOG.md "$tree/"
    echo "$tree"
}

pack() { # pack TREE
    say "packing ${1##*/}"
    (cd "$1" && dpkg-buildpackage --build=binary --no-sign) >"$1.log" 2>&1 || { tail -n 40 "$1.log" >&2; die "see $1.log"; }
}

extension() {
    local tree
    tree=$(source_tree mcp-advisor extension/packaging)
    cp -R "$stage" "$tree/stage"
    cp README.md SECURITY.md "$tree/"
    third_party "$tree" mcp_advisor "pg$PG"
    pack "$tree"
}

bridge() {
    local tree packaging=mcp-bridge/packaging
    tree=$(source_tree mcp-bridge "$packaging")
    cp "$packaging/mcp-bridge.service" "$tree/debian/"
    cp "$bridge" "$packaging/mcp-bridge.example.toml" mcp-bridge/README.md "$tree/"
    described_by_itself "$tree"
    third_party "$tree" mcp-bridge
    pack "$tree"
}

rm -rf "$build" "$deb"/*.deb
mkdir -p "$build"
extension
bridge
mv "$build"/*.deb "$deb/"
rm -rf "$build"
lintian --fail-on error,warning --allow-root --tag-display-limit 0 "$deb"/*.deb
(cd "$deb" && sha256sum -- *.deb | tee SHA256SUMS)
