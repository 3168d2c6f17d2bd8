#!/usr/bin/env bash
# Fetches what the workloads need from elsewhere into target/workloads: the queries of TPC-DS, which
# are not copied into this repository. A second run takes no time.
. "$(dirname "$0")/env.sh"

folder=$target/workloads
source=tests/workloads/tpcds
wanted=$(cat "$source/requirements.txt" "$source/queries.py" "$0" | sha256sum | cut -d' ' -f1)
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
[ "$(cat "$folder/.installed" 2>/dev/null)" != "$wanted" ] || exit 0

python3 -c 'import ensurepip, venv' 2>/dev/null || die "python3 with venv is needed: install python3-venv"
say "fetching the queries of TPC-DS"
rm -rf "$folder/tpcds"
python3 -m venv --clear "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$source/requirements.txt"
"$folder/venv/bin/python" "$source/queries.py" "$folder/tpcds"
# Only the texts are needed from here on.
rm -rf "$folder/venv"
echo "$wanted" >"$folder/.installed"
