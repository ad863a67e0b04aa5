#!/usr/bin/env bash
# Gets the npm that VMs have from the npm registry.
#
# Owns:   which npm that is (guest-shim/npm/package-lock.json, with its integrity), what it starts from (npmrc), and where
#         it lies until it is installed.
# Writes: target/npm/.
#
# Usage: scripts/npm-tree.sh
#
# target/npm/out/   npm's package with npmrc, without its documentation
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
from=$root/guest-shim/npm
to=$root/target/npm
stamp=$(cat "$from/package-lock.json" "$from/npmrc" "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$to/stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

rm -rf "$to"
mkdir -p "$to"
cp "$from/package.json" "$from/package-lock.json" "$to/"
npm ci --prefix "$to" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
mv "$to/node_modules/npm" "$to/out"
rm -rf "$to/out/docs" "$to/out/man" "$to/node_modules"
cp "$from/npmrc" "$to/out/npmrc"
# Whoever the supervisor runs as reads it; nobody writes.
chmod -R u=rwX,go=rX "$to/out"
echo "$stamp" > "$to/stamp"
