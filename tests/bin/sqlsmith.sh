#!/usr/bin/env bash
# SQLsmith, which makes statements up, unpacked into target/tools/sqlsmith with its libraries, and not
# installed. A second run takes no time. Where it cannot be had, the file `absent` in that folder says
# why, and that is no error, unless REQUIRE_SQLSMITH is set.
. "$(dirname "$0")/env.sh"

folder=$target/tools/sqlsmith
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9

absent() { # absent WHY
    echo "$1" >"$folder/absent"
    [ -z "${REQUIRE_SQLSMITH:-}" ] || die "no SQLsmith: $1"
    say "NOT RUN will be SQLsmith: $1"
    exit 0
}

works() {
    LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-*) "$folder/usr/bin/sqlsmith" --version >/dev/null 2>&1
}

! works || exit 0
command -v apt-get >/dev/null || absent "this is no Debian system"
say "unpacking sqlsmith into target/tools"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # for apt's own user
cd "$work"
unpack() { # unpack PACKAGE...
    apt-get download -qq "$@" >"$folder/log" 2>&1 &&
        for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$folder"; done
}
if ! unpack sqlsmith; then
    [ "$(id -u)" != 0 ] || apt-get update -qq
    unpack sqlsmith || absent "apt-get download: $(tail -n 1 "$folder/log")"
fi
for library in $(dpkg-deb --field "$work"/sqlsmith_*.deb Depends | grep -o 'lib[a-z0-9.+-]*'); do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$library" 2>/dev/null)" = installed ] ||
        unpack "$library" || absent "apt-get download: $(tail -n 1 "$folder/log")"
done
works || absent "it does not start"
rm -f "$folder/absent"
