#!/usr/bin/env bash
# Runs a fuzz target of fuzz/ (cargo-fuzz, libFuzzer) for some time, or all of them one after the other; or all of them
# for a little while on damaged seeds, which needs no cargo-fuzz.
#
# Owns:   how the targets are built and what they start from.
# Writes: fuzz/target; fuzz/corpus and fuzz/artifacts, where an input that fails is kept.
# Needs:  cargo-fuzz (cargo install cargo-fuzz), a C++ compiler; for `short` the latter alone.
#
# Usage: scripts/fuzz.sh TARGET|all [SECONDS]     60 seconds unless said; without a target it lists them
#        scripts/fuzz.sh short [SECONDS]          so many for each target, 2 unless said
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../fuzz"

if [ "${1:-}" = short ]; then
    # What the compiler checks only when it is told to must hold as well.
    export RUSTFLAGS="--cfg fuzzing -C debug-assertions -C overflow-checks"
    cargo build --quiet --release --target-dir target/short --example seeds --example short
    target/short/release/examples/seeds corpus
    exec target/short/release/examples/short corpus "${2:-2}"
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "fuzz: there is no cargo-fuzz; next: cargo install cargo-fuzz" >&2
    exit 1
fi
target=${1:-}
case $target in
'' | -h | --help)
    sed -n '2,/^set/{/^#/s/^# \?//p}' "../scripts/fuzz.sh"
    cargo fuzz list
    exit 2
    ;;
all) mapfile -t targets < <(cargo fuzz list) ;;
*) targets=("$target") ;;
esac
seconds=${2:-60}

# What finds its way into a run is also what a run before has found.
RUSTFLAGS="--cfg fuzzing" cargo run --quiet --example seeds -- corpus
# Coverage is an unstable flag, which a stable compiler has to be told to allow. Without the address sanitizer: what is
# fuzzed has no unsafe code, and runs several times as fast.
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
    flags=()
    # swc's parser asserts, where assertions are compiled, what does not hold for damaged sources; what ships has none.
    if [ "$target" = typescript ]; then flags=(--release --features typescript); fi
    nice -n 19 cargo fuzz run --sanitizer none "${flags[@]}" "$target" -- -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -malloc_limit_mb=256 -dict=corpus/words.dict -print_final_stats=1
done
