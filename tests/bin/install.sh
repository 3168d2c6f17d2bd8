#!/usr/bin/env bash
# Copies what stage.sh built into the server of PG_CONFIG, below DESTDIR if that is set.
. "$(dirname "$0")/env.sh"

[ -e "$target/stage$("$pg_config" --pkglibdir)/mcp_advisor.so" ] ||
    die "there is nothing for the server of $pg_config in target/stage: run make all with the same PG_CONFIG"
cd "$target/stage"
find . -type f -printf '%P\n' | while read -r file; do
    mode=644
    [ "${file##*.}" != so ] || mode=755
    install -D --mode "$mode" "$file" "${DESTDIR:-}/$file"
    say "installed ${DESTDIR:-}/$file"
done
