# Sourced after env.sh: fetches the source of the server under test, as Debian's archive has it.
# apt checks the signature. It works on lists of its own: the machine's sources stay as they are.

# fetch_source WORK: puts the original tarball into WORK, an empty folder, and sets `tarball` and
# `fetched`, the version of the package. Where that fails it sets `why` and returns 1.
fetch_source() {
    local work=$1 list version apt
    tarball= fetched= why=
    command -v apt-get >/dev/null || { why="this is no Debian system"; return 1; }
    chmod 755 "$work" # for apt's own user
    mkdir -p "$work"/{lists,cache,sources}/partial "$work/cache/archives/partial" "$work/download"
    rmdir "$work/sources/partial"
    # The machine's own sources, asked for source packages, in both of apt's notations.
    for list in /etc/apt/sources.list.d/*.sources; do
        [ -f "$list" ] || continue
        sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/sources/${list##*/}"
    done
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$list" ] || continue
        sed -n 's/^deb\(-src\)\? /deb-src /p' "$list" >"$work/sources/from-${list##*/}"
    done
    apt=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/sources"
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=root")
    if ! apt-get "${apt[@]}" -qq update >"$work/log" 2>&1; then
        why="apt-get update: $(tail -n 1 "$work/log")"
        return 1
    fi
    # The newest that can be had: an archive may list what it does not hold.
    for version in $(apt-cache "${apt[@]}" showsrc "postgresql-$PG" 2>/dev/null | sed -n 's/^Version: //p' | sort -Vr -u); do
        if (cd "$work/download" && apt-get "${apt[@]}" -qq source --download-only --tar-only \
            "postgresql-$PG=$version") >"$work/log" 2>&1; then
            fetched=$version
            tarball=$(echo "$work"/download/*.orig.tar.*)
            return 0
        fi
    done
    why="no source package can be had: $(tail -n 1 "$work/log")"
    return 1
}
