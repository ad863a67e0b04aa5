#!/usr/bin/env bash
# Clippy over every part of the project, warnings being errors.
#
# Owns:   which feature sets are looked at.
# Writes: target/ only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo clippy --release --package cordon --all-targets -- --deny warnings
if scripts/v8.sh --offline no-wasm >/dev/null 2>&1; then variant=no-wasm; else variant=wasm; fi
scripts/worker-cargo.sh "$variant" clippy --package cordon --features cordon/worker --all-targets -- --deny warnings
