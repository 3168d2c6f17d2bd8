#!/usr/bin/env bash
# Installs PgHero, with whose queries the benchmark compares the health checks, into target/pghero,
# at the version of tests/reference/pghero.txt. A second run takes no time. Where it cannot be
# installed, the file target/pghero/absent says why, and that is no error.
# Ruby, its client library and ActiveRecord are Debian's packages; they are installed only where this
# runs as root. PGHERO_LIB names the folder lib of an unpacked PgHero to use instead of the gem.
. "$(dirname "$0")/env.sh"

folder=$target/pghero
version=$(sed -n 's/^pghero==//p' tests/reference/pghero.txt)
wanted="$version ${PGHERO_LIB:-}"
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9

absent() { # absent WHY
    rm -f "$folder/.installed" "$folder/lib"
    echo "$1" >"$folder/absent"
    say "PgHero is not installed for the benchmark: $1"
    exit 0
}

has_libraries() {
    ruby -e 'require "logger"; require "pg"; require "active_record"' 2>/dev/null
}

[ "$(cat "$folder/.installed" 2>/dev/null)" != "$wanted" ] || ! has_libraries || exit 0
if ! has_libraries; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        absent "no Ruby with pg and ActiveRecord: apt-get install ruby ruby-pg ruby-activerecord"
    say "installing Ruby with pg and ActiveRecord"
    { apt-get update -qq && env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends ruby ruby-pg ruby-activerecord; } >"$folder/log" 2>&1 ||
        absent "apt-get: $(tail -n 1 "$folder/log")"
    has_libraries || absent "Ruby does not find pg or ActiveRecord"
fi
if [ -n "${PGHERO_LIB:-}" ]; then
    lib=$PGHERO_LIB
else
    say "installing the gem pghero $version"
    # What it depends on is ActiveRecord, which is there.
    gem install --no-document --ignore-dependencies --install-dir "$folder/gems" \
        "pghero:$version" >"$folder/log" 2>&1 || absent "gem: $(tail -n 1 "$folder/log" | sed 's/^ *//')"
    lib=$folder/gems/gems/pghero-$version/lib
fi
ln -sfn "$lib" "$folder/lib"
version=$(ruby -I "$folder/lib" -e 'require "logger"; require "active_support";
    require "active_support/core_ext"; require "active_record"; require "pghero";
    puts PgHero::VERSION' 2>"$folder/log") || absent "it does not load: $(tail -n 1 "$folder/log")"
echo "$version" >"$folder/version"
rm -f "$folder/absent"
echo "$wanted" >"$folder/.installed"
