#!/usr/bin/env bash
# Runs cargo for wasm32-wasip1, in release mode, over the guest-shim workspace, whichever toolchain the machine has.
#
# Owns:   the compiler, linker and flags that scripts/wasi-toolchain.sh's answer stands for.
# Writes: what cargo writes: guest-shim/target/wasm32-wasip1/release/*.wasm (or under CARGO_TARGET_DIR).
#
# Usage: scripts/wasi-cargo.sh build [-p cordon-coreutils] [cargo's arguments]...
#        CORDON_WASI_ROAD=rustup|debian forces a road (see wasi-toolchain.sh).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1:-} in
'' | -h | --help) sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" && exit 0 ;;
esac
command=$1
shift

answer=$("$here/wasi-toolchain.sh")
eval "$answer"

# Flags meant for the host's code, or inherited from a cargo that called us, would replace ours.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET
# Incremental builds lay code out otherwise: the stack that a program needs would be another one at each developer.
unset CARGO_INCREMENTAL
# uucore embeds the translation of the builder's language besides English: keep the module the same everywhere.
export LANG=C

# Some crates contain C. None is taken from the builder's system.
export CC_wasm32_wasip1=$CORDON_WASI_C/cc AR_wasm32_wasip1=$CORDON_WASI_C/ar RUSTONIG_SYSTEM_LIBONIG=0

arguments=(--release --target wasm32-wasip1)
case " $* " in
*" --manifest-path "* | *" --manifest-path="*) ;;
*) arguments+=(--manifest-path "$here/../guest-shim/Cargo.toml") ;;
esac

# 128-bit vectors are part of what the engine has everywhere, with the same results everywhere.
flags=-Ctarget-feature=+simd128
case $CORDON_WASI_ROAD in
rustup)
    cargo=cargo
    ;;
debian)
    # Debian ships the standard library as source: cargo builds it (some two minutes, once per target folder), which
    # is an unstable feature that a stable compiler has to be told to allow.
    cargo=/usr/bin/cargo
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_WASIP1_LINKER=$CORDON_WASI_TOOLCHAIN/bin/wasm-ld
    flags+=" -Clink-self-contained=no"
    arguments+=("-Zbuild-std=std,panic_abort")
    ;;
esac
export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS=$flags
exec "$cargo" "$command" "${arguments[@]}" "$@"
