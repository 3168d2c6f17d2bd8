#!/usr/bin/env bash
# Builds the server under test once more from its source, with its assertions, with checks of every
# piece of memory that it hands out, and telling valgrind about each. It goes into
# target/tools/checked-N. A second run takes no time; the first takes minutes and half a GB.
. "$(dirname "$0")/env.sh"
. "$repo/tests/bin/source.sh"

folder=$target/tools/checked-$PG
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
[ ! -f "$folder/.built" ] || exit 0

say "building PostgreSQL $PG with its own checks"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch_source "$work" || die "$why"
mkdir "$work/source"
tar --extract --file "$tarball" --directory "$work/source" --strip-components 1
cd "$work/source"
# The release's optimisation would merge frames that a report names. What is left out is what the
# extension does not meet.
./configure --quiet --prefix="$folder" --enable-cassert --enable-debug --without-readline \
    --without-zlib --without-icu --with-system-tzdata=/usr/share/zoneinfo \
    CFLAGS="-O1 -g -fno-omit-frame-pointer -DUSE_VALGRIND" >"$folder/log" 2>&1 ||
    die "configure: $(tail -n 1 "$folder/log")"
jobs=${JOBS:-$(nproc)}
for part in . contrib/pg_stat_statements contrib/pgstattuple contrib/btree_gin contrib/btree_gist contrib/pg_trgm; do
    make --directory="$part" --silent --jobs="$jobs" >>"$folder/log" 2>&1 &&
        make --directory="$part" --silent install >>"$folder/log" 2>&1 ||
        die "make: $(tail -n 1 "$folder/log")"
done
cp src/tools/valgrind.supp "$folder/"
# hypopg as it is installed: the checks change nothing that it sees of the server.
share=$("$folder/bin/pg_config" --sharedir)/extension
for file in "$("$pg_config" --pkglibdir)/hypopg.so"; do
    [ ! -f "$file" ] || cp "$file" "$("$folder/bin/pg_config" --pkglibdir)/"
done
for file in "$("$pg_config" --sharedir)"/extension/hypopg*; do
    [ ! -f "$file" ] || cp "$file" "$share/"
done
echo "$fetched" >"$folder/.built"
say "checked is $fetched"
