#!/usr/bin/env bash
# Judges the packages that deb.sh made: what is in them, the systemd unit, and, by piuparts, that they
# install in a fresh root of this machine's release, work, and leave nothing behind when purged. The log
# of it is target/deb/piuparts.log. The root is made once, as target/deb/root.tar.gz. Then it makes the
# other packages of the same build, and looks into them.
. "$(dirname "$0")/env.sh"
. tests/bin/package.sh

logs=$target/deb
root=$logs/root.tar.gz
work=
finish() { [ -z "$work" ] || as_root rm -rf --one-file-system "$work"; }
trap finish EXIT

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# No folder of this machine: neither as a place to install to, nor in a text. In binaries that are for
# others none of the repository either; rustc does write the folders of libraries into messages of panics.
contents() {
    local package offences folder=$work/contents
    for package in "$deb"/*.deb; do
        rm -rf "$folder"
        dpkg-deb --extract "$package" "$folder"
        (cd "$folder" && find . -type f -printf '/%P\n') | grep -vE '^/(etc|lib|usr)/' &&
            die "$package installs into an odd place"
        offences=$(grep -rIlF -e "$repo/" -e "${CARGO_HOME:-$HOME/.cargo}/" "$folder" || true)
        [ -z "$offences" ] || die "$package names folders of this machine: $offences"
        [ "${BUILD:-release}" = test ] || offences=$(grep -rlF -e "$repo/" "$folder" || true)
        [ -z "$offences" ] || die "$package has binaries that name folders of this machine: $offences"
        say "${package##*/}: $(find "$folder" -type f | wc -l) files"
    done
}

# As systemd would read it where the package has put it; its program is the one in the package.
unit() {
    local exposure
    rm -rf "$work/contents"
    dpkg-deb --extract "$deb"/mcp-bridge_*.deb "$work/contents"
    sed "s|^ExecStart=mcp-bridge|ExecStart=$work/contents/usr/bin/mcp-bridge|" \
        "$work/contents/lib/systemd/system/mcp-bridge.service" >"$work/mcp-bridge.service"
    systemd-analyze verify --man=no "$work/mcp-bridge.service"
    # Tenths of 10; its parts that are left are the network, and what would tie it to one machine.
    exposure=$(systemd-analyze security --offline=yes --threshold=15 "$work/mcp-bridge.service")
    say "$(tail -n 1 <<<"$exposure")"
}

# The archives of this machine's distribution, in apt's one-line form.
sources() {
    local distribution
    distribution=$(. /etc/os-release && echo "${NAME%% *}")
    apt-get indextargets --format '$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        sed -n "s/^$distribution|//p"
}

# How this machine reaches them, for apt in the root.
apt_configuration() {
    local scheme proxy
    apt-config dump | grep -E '^Acquire::(Check-|http|https)' | grep -vE '"";$' || true
    for scheme in http https; do
        proxy=${scheme}_proxy
        [ -z "${!proxy:-}" ] || echo "Acquire::$scheme::Proxy \"${!proxy}\";"
    done
    echo 'Acquire::https::CAInfo "/etc/apt/host-certificates.crt";'
}

fresh_root() {
    local release
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    [ ! -e "$root" ] || return 0
    [ -n "$(sources)" ] || as_root apt-get update -qq
    say "making a root of $release"
    sources >"$work/sources.list"
    [ -s "$work/sources.list" ] || die "apt knows no archive of this machine's distribution"
    apt_configuration >"$work/apt.conf"
    as_root mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/apt/lists \
        --customize-hook="copy-in /etc/ssl/certs/ca-certificates.crt /etc/apt" \
        --customize-hook='mv "$1/etc/apt/ca-certificates.crt" "$1/etc/apt/host-certificates.crt"' \
        --customize-hook="upload $work/apt.conf /etc/apt/apt.conf.d/90host" \
        "$release" "$work/root.tar.gz" "$work/sources.list" >"$logs/root.log" 2>&1 ||
        die "see $logs/root.log: $(tail -n 1 "$logs/root.log")"
    mv "$work/root.tar.gz" "$root"
}

# In namespaces of its own: what is mounted or started in there is gone when it ends, however it ends.
installed_and_purged() {
    local release
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    say "installing and purging in a fresh root"
    mkdir "$work/piuparts"
    as_root unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
        env --unset=TMPDIR piuparts --basetgz="$root" --distribution="$release" --tmpdir="$work/piuparts" \
        --keep-sources-list --skip-minimize --no-eatmydata --no-upgrade-test --warn-on-others \
        --scriptsdir=tests/packages/piuparts \
        "$deb"/*.deb >"$logs/piuparts.log" 2>&1 || {
        grep -E 'ERROR|FAIL|error:' -A 12 "$logs/piuparts.log" | tail -n 40 >&2
        die "see $logs/piuparts.log"
    }
    grep -E '^ *(advice|answer): ' "$logs/piuparts.log" | cut -c 1-160 >&2
}

# What the tarballs and the bundle hold runs, and the sources for PGXN are whole. They are unpacked as its
# client does it: without links and modes.
archives() {
    local name=mcp_advisor-$version
    mkdir -p "$work/archives"
    tests/bin/tarball.sh
    tests/bin/mcpb.sh
    tests/bin/dist.sh
    (cd "$dist" && sha256sum --quiet --check SHA256SUMS)
    tar --directory "$work/archives" --extract --file "$dist/$name-pg$PG-$platform.tar.gz"
    tar --directory "$work/archives" --extract --file "$dist/mcp-bridge-$version-$platform.tar.gz"
    diff --recursive "$stage/usr" "$work/archives/$name-pg$PG-$platform/usr"
    "$work/archives/mcp-bridge-$version-$platform/mcp-bridge" --version
    npx --prefix "$target/packages" --no-install mcpb unpack "$dist/mcp-bridge-$version-$platform.mcpb" "$work/archives/bundle"
    "$work/archives/bundle/server/mcp-bridge" --version
    python3 -m zipfile --extract "$dist/$name.zip" "$work/archives"
    [ -e "$work/archives/$name/META.json" ] || die "no META.json in the archive"
    make --directory "$work/archives/$name" --dry-run "PG_CONFIG=$pg_config" all install >/dev/null
    (cd "$work/archives/$name" && cargo metadata --locked --no-deps --format-version 1 >/dev/null)
}

# By the schema of compose files. That a service names both its image and how it is built is wanted.
compose() {
    packaging_tools
    npx --prefix "$target/packages" --no-install dclint --quiet extension/packaging/compose.yaml \
        --disable-rule no-build-and-image
}

work=$(mktemp -d "$deb/work-XXXXXX")
contents
unit
fresh_root
installed_and_purged
archives
compose
