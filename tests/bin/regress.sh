#!/usr/bin/env bash
# Fetches the regression suite of the server under test, out of Debian's source package, into
# target/tools/regress-N: scripts, data, and its library of C functions, which is compiled. A second
# run takes no time. Where it cannot be had, the file `absent` in that folder says why, and that is no
# error, unless REQUIRE_REGRESS is set.
# apt checks the signature. It works on lists of its own: the machine's sources stay as they are.
. "$(dirname "$0")/env.sh"

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
command -v apt-get >/dev/null || absent "this is no Debian system"
say "fetching the regression suite of PostgreSQL $PG"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # for apt's own user
mkdir -p "$work"/{lists,cache,sources}/partial "$work/cache/archives/partial" "$work/download"
rmdir "$work/sources/partial"

# The machine's own sources, asked for source packages, in both of apt's notations.
shopt -s nullglob
for list in /etc/apt/sources.list.d/*.sources; do
    sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/sources/${list##*/}"
done
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$list" ] || continue
    sed -n 's/^deb\(-src\)\? /deb-src /p' "$list" >"$work/sources/from-${list##*/}"
done
apt=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/sources"
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=root")
apt-get "${apt[@]}" -qq update >"$folder/log" 2>&1 || absent "apt-get update: $(tail -n 1 "$folder/log")"

# The newest that can be had: an archive may list what it does not hold.
fetched=
for version in $(apt-cache "${apt[@]}" showsrc "postgresql-$PG" 2>/dev/null | sed -n 's/^Version: //p' | sort -Vr -u); do
    if (cd "$work/download" && apt-get "${apt[@]}" -qq source --download-only --tar-only \
        "postgresql-$PG=$version") >"$folder/log" 2>&1; then
        fetched=$version
        break
    fi
done
[ -n "$fetched" ] || absent "no source package can be had: $(tail -n 1 "$folder/log")"
tarball=$(echo "$work"/download/*.orig.tar.*)
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
