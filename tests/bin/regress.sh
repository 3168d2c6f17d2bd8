#!/usr/bin/env bash
# Fetches the regression suite of the server under test, out of Debian's source package, into
# target/tools/regress-N: scripts, data, and its library of C functions, which is compiled. A second
# run takes no time. Where it cannot be had, the file `absent` in that folder says why, and that is no
# error, unless REQUIRE_REGRESS is set.
. "$(dirname "$0")/env.sh"
. "$repo/tests/bin/source.sh"

folder=$target/tools/regress-$PG
major_version=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9.]*\).*/\1/')
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9

absent() { # absent WHY
    echo "$1" >"$folder/absent"
    [ -z "${REQUIRE_REGRESS:-}" ] || die "no regression suite of PostgreSQL $PG: $1"
    say "NOT RUN will be the server's own regression suite: $1"
    exit 0
}

[ "$(cat "$folder/.installed" 2>/dev/null)" != "$major_version" ] || exit 0
say "fetching the regression suite of PostgreSQL $PG"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch_source "$work" || absent "$why"
tar --extract --file "$tarball" --directory "$work" --strip-components 4 --wildcards \
    '*/src/test/regress/sql' '*/src/test/regress/data' '*/src/test/regress/regress.c' \
    '*/src/test/regress/parallel_schedule' || absent "the source package holds no such suite"
rm -rf "$folder/sql" "$folder/data" "$folder/lib"
mkdir "$folder/lib"
mv "$work/sql" "$work/data" "$work/parallel_schedule" "$folder/"
cc -O1 -w -shared -fPIC -I"$("$pg_config" --includedir-server)" -o "$folder/lib/regress.so" \
    "$work/regress.c" >"$folder/log" 2>&1 || absent "its C functions do not compile: $(tail -n 1 "$folder/log")"
# Trigger functions of contrib that it takes along.
for library in autoinc refint; do
    cp "$("$pg_config" --pkglibdir)/$library.so" "$folder/lib/" || absent "there is no $library.so"
done
rm -f "$folder/absent"
echo "$fetched" >"$folder/version"
echo "$major_version" >"$folder/.installed"
say "the regression suite is that of $fetched"
