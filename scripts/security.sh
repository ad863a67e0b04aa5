#!/usr/bin/env bash
# Attacks what was built and prints a table of what was tried: attacks by class, faults injected, limits tried, inputs
# fuzzed, and losses, counted from what ran. Exits with 1 if anything was lost.
#
# Owns:   which suites try to do harm, and the table.
# Writes: target/, fuzz/target, clients/typescript/{node_modules,dist,build}, a temporary folder.
# Needs:  what scripts/build.sh built; a C++ compiler for the fuzz targets.
#
# Usage: scripts/security.sh [SECONDS]     seconds of fuzzing for each target, 2 unless said
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
seconds=${1:-2}
export CORDON_WORKER_DIR=$root/target/cordon CORDON_BINARY=$root/target/cordon/cordon
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CORDON_SECURITY_COUNTS=$folder/counts
: >"$CORDON_SECURITY_COUNTS"
failed=0

# Runs a suite; what it says is shown when it fails. One that fails without a test that did, because it does not build
# for example, counts as a loss as well.
suite() {
    local name=$1 log=$folder/$1.log
    shift
    printf '==> %s\n' "$name" >&2
    if ! "$@" >"$log" 2>&1; then
        failed=$((failed + 1))
        tail -n 60 "$log" >&2
    fi
    grep -h SKIPPED "$log" | sort -u >&2 || true
}

# Tests of the log of a suite, of modules whose names begin like this, that had this result.
tests() {
    grep -hcE "^test $2.* \.\.\. $3\$" "$folder/$1.log" || true
}

typescript() (
    cd clients/typescript &&
        { [ -d node_modules ] || npm ci --no-audit --no-fund; } && npm run build && npm run pretest &&
        node --test --test-timeout=300000 build/test/escape.test.js build/test/peer.test.js build/test/sidecar.test.js
)

# Which only a run of all tests would build.
cargo build --quiet --release --package cordon --example hostile-worker
suite black-box cargo test --release --package cordon --test black_box -- --show-output \
    escape:: guest_against_client:: fault_injection:: faults:: hostile_worker:: hostile_client:: neighbours:: enclosure:: limits::
suite launcher cargo test --release --package cordon --lib launcher
suite typescript-client typescript
suite enclosure scripts/worker-cargo.sh any test --package cordon-worker enclosure
suite protocol cargo test --release --package cordon-protocol --lib
suite fuzz scripts/fuzz.sh short "$seconds"
grep -h $'^inputs\t' "$folder/fuzz.log" >>"$CORDON_SECURITY_COUNTS" || true

# The numbers of one kind, a line for each thing they are of.
numbers() {
    awk -F '\t' -v kind="$1" '$1 == kind { sum[$2] += $3 } END { for (what in sum) printf "  %-44s %10d\n", what, sum[what] }' \
        "$CORDON_SECURITY_COUNTS" | sort
}

total() {
    awk -F '\t' -v kind="$1" '$1 == kind { sum += $3 } END { print sum + 0 }' "$CORDON_SECURITY_COUNTS"
}

row() { printf '%-46s %10s\n' "$1" "$2"; }

row "Attacks made, by class" "$(total attacks)"
numbers attacks
row "Faults injected" "$(total faults)"
numbers faults
row "Limits tried (tests)" "$(tests black-box limits:: ok)"
row "Hostile workers and clients (tests)" \
    $(($(tests black-box hostile_ ok) + $(tests black-box faults:: ok)))
row "Enclosure, attacked from within (tests)" \
    $(($(tests enclosure enclosure ok) + $(tests black-box enclosure:: ok)))
row "Inputs fuzzed" "$(total inputs)"
numbers inputs

# A suite that ran nothing proves nothing.
for kind in attacks faults inputs; do
    if [ "$(total "$kind")" -eq 0 ]; then
        row "No $kind were counted" ""
        failed=$((failed + 1))
    fi
done
losses=$(cat "$folder"/*.log | grep -cE '^test .* \.\.\. FAILED$|^not ok ' || true)
# What failed without a test that says so.
if [ "$losses" -lt "$failed" ]; then losses=$failed; fi
row "Losses" "$losses"
[ "$losses" -eq 0 ]
