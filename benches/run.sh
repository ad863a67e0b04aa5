#!/usr/bin/env bash
# Measures cordon against npm's secure-exec, in the same run, and prints one table.
#
# Owns:   what is installed and built for the measuring; benches/README.md says what is measured.
# Writes: ${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/cordon}/bench-peer-<lockfile>/ (secure-exec, 1.2 GB),
#         clients/typescript/{node_modules,dist}, target/.
# Needs:  what `make build` built; Node and npm.
#
# Usage: benches/run.sh [--json] [--samples N] [--no-peer]
#        --json        the raw data instead of the table: every sample; median, min, max and n of each measure
#        --samples N   samples of each measure (default 30; whole programs at most 10)
#        --no-peer     leaves secure-exec out
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
json=() samples=30 with_peer=1
while [ $# -gt 0 ]; do
    case $1 in
    --json) json=(--json) ;;
    --samples) samples=${2:?--samples needs a number}; shift ;;
    --no-peer) with_peer= ;;
    *) sed -n '/^# Usage/,/^set/{/^set/!s/^# \?//p}' "$0" >&2; exit 2 ;;
    esac
    shift
done
case $samples in '' | *[!0-9]* | 0*) echo "bench: --samples must be a positive number" >&2; exit 2 ;; esac

cordon=$root/target/cordon/cordon
client=$root/clients/typescript/dist/index.js
peer=benches/peer
[ -x "$cordon" ] || { echo "bench: $cordon is missing; run \`make build\` first" >&2; exit 1; }

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step "TypeScript client"
[ -d clients/typescript/node_modules ] || npm --prefix clients/typescript ci --no-audit --no-fund >&2
npm --prefix clients/typescript run --silent build >&2

modules=
if [ -n "$with_peer" ]; then
    cache=${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/cordon}
    peer_dir=$cache/bench-peer-$(cat "$peer/package.json" "$peer/package-lock.json" | sha256sum | cut -c1-12)
    if [ ! -e "$peer_dir/complete" ]; then
        step "secure-exec (once, 1.2 GB, into $peer_dir)"
        mkdir -p "$peer_dir"
        cp "$peer/package.json" "$peer/package-lock.json" "$peer_dir/"
        # Not `npm ci`: the lockfile has what could be installed here, and `ci` refuses it on a platform whose optional
        # package is not in it. What is in it is still pinned by version and checksum.
        npm --prefix "$peer_dir" install --ignore-scripts --no-audit --no-fund --no-progress >&2
        touch "$peer_dir/complete"
    fi
    modules=$peer_dir/node_modules
fi

step "Rust client"
cargo build --release --package cordon-benches >&2

step "measuring: keep the machine idle"
export CORDON_WORKER_DIR=$root/target/cordon
export CORDON_BENCH_PROGRESS=3
if [ -t 2 ]; then export CORDON_BENCH_TERMINAL=1; fi
# The peer writes a log to standard error; it is shown if the run fails.
node benches/typescript.mjs --binary "$cordon" --client "$client" ${modules:+--peer "$modules"} --samples "$samples" \
    3>&2 2>"$work/log" >"$work/typescript.json" || { tail -n 40 "$work/log" >&2; exit 1; }
if [ -t 2 ]; then printf '\r\e[K' >&2; fi
target/release/latency --samples "$samples" --json >"$work/embedded.json"
target/release/density --json >"$work/density.json"

node benches/report.mjs "${json[@]}" "$work/typescript.json" "$work/embedded.json" "$work/density.json"
