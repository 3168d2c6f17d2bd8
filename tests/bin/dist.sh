#!/usr/bin/env bash
# Makes the archive target/dist/mcp_advisor-….zip for PGXN of the last commit: the sources, with
# META.json beside the Makefile, whose targets all and install are what `pgxn install` calls.
. "$(dirname "$0")/env.sh"
. tests/bin/package.sh

name=mcp_advisor-$version
mkdir -p "$dist"
# The link extension/sql would come out of most unpackers as a file: what it is for are these scripts.
upgrades=()
for script in $(git ls-files 'sql/mcp_advisor--*--*.sql'); do
    upgrades+=("--add-file=$script")
done
git archive --format=zip -9 --output="$dist/$name.zip" \
    "--prefix=$name/" --add-file=extension/packaging/META.json \
    "--prefix=$name/extension/sql/" "${upgrades[@]}" \
    "--prefix=$name/" HEAD -- . ':!extension/sql'
sums
