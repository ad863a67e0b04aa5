#!/usr/bin/env bash
# Clippy over every part of the project but fuzz/, and shellcheck over the scripts, warnings being errors.
#
# Owns:   which feature sets are looked at.
# Writes: target/, guest-shim/target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v shellcheck >/dev/null; then
    shellcheck scripts/*.sh scripts/v8-build/*.sh benches/run.sh examples/orders/run.sh .ci/run tests/shell/capture tests/bash/capture tests/curl/capture
else
    echo "lint: no shellcheck here, so the scripts were not looked at" >&2
fi
cargo clippy --release --package cordon-byte-text --package cordon-protocol --package cordon-kernel --features cordon-protocol/schema --all-targets -- \
    --deny warnings
cargo clippy --release --package cordon --package cordon-compile --package cordon-compiler --package cordon-enclosure --package cordon-net \
    --package cordon-artifact --package cordon-benches \
    --all-targets -- --deny warnings
scripts/wasi-cargo.sh clippy --workspace -- --deny warnings
scripts/worker-cargo.sh any clippy --package cordon-isolate --package cordon-node --package cordon-command --all-targets -- --deny warnings
