#!/usr/bin/env bash
# fuzz.sh [SECONDS]: libFuzzer on the bridge's parser layer, each target of mcp-bridge/fuzz for that
# long, from other seeds each time. Without SECONDS a bounded number of runs from a fixed seed.
# What it finds is put into target/fuzz/found. `target/fuzz/…/check FILE` runs one input again.
# The targets are those of `cargo fuzz`, which would want a nightly compiler; with the same flags but
# its sanitizer the stable one builds them as well.
. "$(dirname "$0")/env.sh"

seconds=${1:-}
fuzz=$target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
flags=(-Cpasses=sancov-module -Ccodegen-units=1 -Cdebug-assertions --cfg fuzzing)
for argument in level=4 inline-8bit-counters pc-table trace-compares; do
    flags+=("-Cllvm-args=-sanitizer-coverage-$argument")
done

say "building the fuzz targets"
# pg_query's C code is looked into too. The flags are for the target only: build scripts run here.
name=${host//-/_}
env "RUSTFLAGS=${flags[*]}" "CC_$name=clang" "CFLAGS_$name=-fsanitize=fuzzer-no-link" \
    CARGO_TARGET_DIR="$fuzz" cargo build --quiet --locked --release --bins --target "$host" \
    --manifest-path mcp-bridge/fuzz/Cargo.toml

# The statements of tests/guard, each a file: paragraphs, without remarks and headings.
mkdir -p "$fuzz"/{seeds,check,grammar,found}
cat tests/guard/*.sql | sed '/^--- /d' | awk -v folder="$fuzz/seeds" 'BEGIN { RS = "" } {
    sub(/^-- [^\n]*\n?/, "")
    file = sprintf("%s/%05d", folder, NR)
    if ($0 != "") { printf "%s", $0 > file; close(file) }
}'

run() { # run TARGET RUNS LENGTH [ARGUMENT...]
    local program=$fuzz/$host/release/$1 runs=$2 length=$3 corpus=$fuzz/$1
    local limits=(-max_total_time="$seconds")
    shift 3
    if [ -z "$seconds" ]; then
        # Nothing of earlier runs: the same each time.
        corpus=$(mktemp -d "$fuzz/corpus-XXXXXX")
        limits=(-seed=1 -runs="$runs")
    fi
    say "fuzzing ${program##*/}"
    "$program" "${limits[@]}" -max_len="$length" -timeout=60 -rss_limit_mb=4096 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$fuzz/found/${program##*/}-" "$corpus" "$@" ||
        die "$fuzz/found has an input for ${program##*/} that must not be"
    [ -n "$seconds" ] || rm -r "$corpus"
}

run check 6000 4096 "$fuzz/seeds"
run grammar 400 256 -len_control=0
