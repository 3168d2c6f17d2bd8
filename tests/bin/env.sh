# Sourced by the scripts beside it: strict mode, the repository root, and the build environment.
# RUSTFLAGS is deliberately left alone: setting it would build every dependency a second time.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
repo=$PWD

PG=${PG:-15}
pg_config=${PG_CONFIG:-/usr/lib/postgresql/$PG/bin/pg_config}
target=$repo/target
tools=$target/tools

# cargo-pgrx wants a home with the path of pg_config in it; the user's own ~/.pgrx stays as it is.
export PGRX_HOME=$target/pgrx-home
# It would otherwise pass --no-gc-sections through rustflags and so rebuild every dependency;
# extension/build.rs passes the flag instead.
export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1
export CARGO_TARGET_DIR=$target
export PATH=$tools/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
# For the programs and tests under tests/.
export ADVISOR_PG_CONFIG=$pg_config
export ADVISOR_PGBOUNCER=$tools/pgbouncer/usr/sbin/pgbouncer
export ADVISOR_REGRESS=$tools/regress-$PG
export ADVISOR_SQLSMITH=$tools/sqlsmith

# The one place where the versions are written is Cargo.toml.
pgrx_version=$(sed -n 's/^pgrx = "=\(.*\)"$/\1/p' Cargo.toml)
rust_version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
