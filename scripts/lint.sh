#!/usr/bin/env bash
# Clippy over every part of the project, warnings being errors.
#
# Owns:   which feature sets are looked at.
# Writes: target/ only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo clippy --release --package cordon --all-targets -- --deny warnings
if answer=$(scripts/v8.sh --offline no-wasm 2>/dev/null || scripts/v8.sh --offline wasm); then
    (
        eval "$answer"
        export RUSTY_V8_ARCHIVE RUSTY_V8_SRC_BINDING_PATH CARGO_PROFILE_RELEASE_PANIC=abort
        case $RUSTY_V8_ARCHIVE in */no-wasm/*) folder=worker-no-wasm ;; *) folder=worker-wasm ;; esac
        cargo clippy --release --package cordon-worker --target-dir "target/$folder" -- --deny warnings
    )
else
    echo "lint: no V8 here, so the worker was not looked at" >&2
    exit 1
fi
