#!/usr/bin/env bash
# Every test: Rust unit and property tests, black-box tests through the command line and the Rust client, the tests
# of the guest's programs, the TypeScript client against the real sidecar, whole projects beside real Node. It also says
# whether the engines are the newest of their lines, which fails nothing.
#
# Owns:   the order of the suites.
# Writes: target/, clients/typescript/{node_modules,dist}.
# Needs:  what scripts/build.sh built; an npm registry.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export CORDON_WORKER_DIR=$root/target/cordon CORDON_BINARY=$root/target/cordon/cordon

step() { printf '==> %s\n' "$*" >&2; }

step "newer patch releases of the engines"
scripts/engine-updates.sh

step "Rust: protocol and kernel"
cargo test --release --package cordon-byte-text --package cordon-protocol --package cordon-kernel --features cordon-protocol/schema

step "Rust: supervisor, compiler, enclosure, network process, command line, client"
cargo test --release --package cordon --package cordon-compile --package cordon-enclosure --package cordon-artifact --package cordon-net

step "Rust: what runs in a worker"
scripts/worker-cargo.sh any test --package cordon-isolate --package cordon-node --package cordon-command --lib

step "guest programs"
cargo test --release --manifest-path guest-shim/Cargo.toml --package cordon-sh --package cordon-multicall --package cordon-utilities --package cordon-textutils --package cordon-findutils --package cordon-coreutils

step "coreutils without a VM"
node guest-shim/coreutils/tests/run.mjs target/cordon/commands/coreutils.wasm

step "TypeScript client"
(cd clients/typescript && npm ci --no-audit --no-fund && npm run build && npm test)

step "runner of public shell suites"
node --test tests/shell-conformance/suites.test.mjs

step "whole scripts beside dash and bash"
node --test tests/shell/scripts/scripts.test.mjs

step "whole projects beside real Node"
node --test tests/projects/projects.test.mjs

step "clients of HTTP and an agent's program, against real servers"
node --test tests/network/*.test.mjs

step "TypeScript in the documentation"
node --test tests/docs/typescript.test.mjs
