#!/usr/bin/env bash
# Makes the bundle target/dist/mcp-bridge-….mcpb of what bridge.sh built, which desktop clients install
# with a click.
. "$(dirname "$0")/env.sh"
. tests/bin/package.sh

packaging_tools
bundle=$target/mcpb
rm -rf "$bundle"
mkdir -p "$bundle/server" "$dist"
# A bundle holds the program of one system.
sed "s/\"platforms\": \[.*\]/\"platforms\": [\"$system\"]/" mcp-bridge/packaging/manifest.json >"$bundle/manifest.json"
cp "$bridge" "$bundle/server/"
strip "$bundle/server/mcp-bridge"
cp LICENSE "$bundle/"
third_party "$bundle" mcp-bridge
find "$bundle" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
mcpb() { npx --prefix "$target/packages" --no-install mcpb "$@"; }
mcpb validate "$bundle/manifest.json"
mcpb pack "$bundle" "$dist/mcp-bridge-$version-$platform.mcpb"
rm -rf "$bundle"
sums
