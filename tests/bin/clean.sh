#!/usr/bin/env bash
# Removes everything below target/ except target/tools, which takes minutes to build.
. "$(dirname "$0")/env.sh"

[ ! -d "$target" ] || find "$target" -mindepth 1 -maxdepth 1 ! -name tools -exec rm -rf {} +
