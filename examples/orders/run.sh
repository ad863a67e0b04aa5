#!/usr/bin/env bash
# The main job: an untrusted program on real data in an enclosed VM, then WebAssembly absent and present.
#
# Writes: node_modules/ beside this script (an unmodified package from npm).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cordon=${CORDON_BINARY:-$here/../../target/cordon/cordon}

(cd "$here" && npm ci --ignore-scripts --no-audit --no-fund --silent)
say() { printf '\n$ %s\n' "$*"; }

say cordon run examples/orders/report.mjs
"$cordon" run "$here/report.mjs"

say cordon sh -c "'seq 1 5 | sort -rn | head -n 2; ls /home'"
"$cordon" sh -c 'seq 1 5 | sort -rn | head -n 2; ls /home'

say cordon eval "'typeof WebAssembly'"
"$cordon" eval 'typeof WebAssembly'
say cordon eval "'new WebAssembly.Memory({ initial: 1 })'"
"$cordon" eval 'new WebAssembly.Memory({ initial: 1 })' || echo "(exit code $?)"
say cordon eval --allow-wasm "'new WebAssembly.Memory({ initial: 1 }).buffer.byteLength'"
"$cordon" eval --allow-wasm 'new WebAssembly.Memory({ initial: 1 }).buffer.byteLength'
