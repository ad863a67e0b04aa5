#!/usr/bin/env bash
# Runs cargo for the worker against one V8.
#
# Owns:   how the worker is told where its V8 is, and the folder of each variant: inside one, all archives have the same
#         file name.
# Writes: target/worker-<variant>/, and what scripts/v8.sh and scripts/node-lib.sh fetch.
# Exits:  as cargo does; 3 when that V8 is not available on this machine as things are.
#
# Usage: scripts/worker-cargo.sh <no-wasm|wasm|any> COMMAND [ARGUMENTS...]          any: no-wasm if it is at hand
#        scripts/worker-cargo.sh no-wasm build
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
[ $# -ge 2 ] || { sed -n '/^# Usage/,/^set/{/^set/!s/^# \?//p}' "$0" >&2; exit 2; }
variant=$1 command=$2
shift 2
if [ "$variant" = any ]; then
    if scripts/v8.sh --offline no-wasm >/dev/null 2>&1; then variant=no-wasm; else variant=wasm; fi
fi

scripts/node-lib.sh
answer=$(scripts/v8.sh "$variant")
eval "$answer"
export RUSTY_V8_ARCHIVE RUSTY_V8_SRC_BINDING_PATH
features=()
[ "$CORDON_V8_FEATURES" != sandbox ] || features=(--features cordon-worker/v8-sandbox)
# The features of every package that is named are given here, so that a test of the library is built as the worker is.
exec cargo "$command" --release --package cordon-worker --no-default-features "${features[@]}" \
    --target-dir "target/worker-$variant" "$@"
