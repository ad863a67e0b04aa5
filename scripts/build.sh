#!/usr/bin/env bash
# Builds cordon: command modules, workers, supervisor; and puts them into one folder that can be run and copied.
#
# Owns:   the order of the build and the layout of target/cordon/.
# Writes: target/ (cargo's folders and target/cordon/), the caches of the scripts it calls, and the native code of the
#         command modules in the user's cache.
#
# Usage: scripts/build.sh [--no-wasm-worker|--library-code]
#        --no-wasm-worker   leaves out the worker for `webAssembly: "allow"`
#        --library-code     makes the library's compiled code for the workers that are in target/cordon/, and nothing else
#
# target/examples/{ask,jobs,prefix,reach}.wasm  examples/component and component-c, which are not part of an installation
# target/cordon/cordon                   supervisor, sidecar, command line
#              /cordon-launcher          starts workers
#              /cordon-compiler          compiles what guests have made
#              /cordon-net               has sockets to the world
#              /cordon-worker-absent     its V8 was built without WebAssembly
#              /cordon-worker-wasm       its V8 has it
#              /cordon-worker-*.library, cordon-worker-*.library-jitless
#                                        Node's library as the worker's V8 has compiled it, where `jit` is allowed and denied
#              /commands/{sh,archive,coreutils,filetype,findutils,search,sqlite,textutils,transfer,utilities}.wasm
#              /npm/                     what VMs have at /usr/lib/node_modules/npm
#              /LICENSE-node             of Node's library, which the workers contain
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
wasm_worker=1
[ "${1:-}" = --no-wasm-worker ] && wasm_worker=
out=$root/target/cordon

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }
# A running executable cannot be written to, but it can be replaced.
install_file() { install -m "$1" "$2" "$3.new" && mv -f "$3.new" "$3"; }

# Run after each change of a worker: what another one has made is not used.
library_code() {
    local worker=$1 wasm=$2 jit suffix
    for jit in allow deny; do
        [ $jit = allow ] && suffix=library || suffix=library-jitless
        "$worker" compile "$wasm" "$jit" node >"$worker.$suffix.new" || { rm -f "$worker.$suffix.new"; return 1; }
        chmod 644 "$worker.$suffix.new"
        mv -f "$worker.$suffix.new" "$worker.$suffix"
    done
}
if [ "${1:-}" = --library-code ]; then
    [ ! -x "$out/cordon-worker-absent" ] || library_code "$out/cordon-worker-absent" absent
    [ ! -x "$out/cordon-worker-wasm" ] || library_code "$out/cordon-worker-wasm" allowed
    exit 0
fi

mkdir -p "$out/commands"

step "command modules (wasm32-wasip1)"
modules=(archive coreutils filetype findutils search sh sqlite textutils transfer utilities)
scripts/wasi-cargo.sh build "${modules[@]/#/-pcordon-}"
for module in "${modules[@]}"; do
    install_file 644 "guest-shim/target/wasm32-wasip1/release/$module.wasm" "$out/commands/$module.wasm"
done

step "examples of commands (examples/component, examples/component-c)"
scripts/wasi-cargo.sh build --manifest-path examples/component/Cargo.toml --target-dir guest-shim/target
scripts/wasi-cargo.sh build --manifest-path examples/component-c/Cargo.toml --target-dir guest-shim/target
mkdir -p "$root/target/examples"
for example in ask jobs prefix reach; do
    install_file 644 "guest-shim/target/wasm32-wasip1/release/$example.wasm" "$root/target/examples/$example.wasm"
done

worker() { # variant, executable
    step "worker $2 (V8 $1)"
    scripts/worker-cargo.sh "$1" build || return $?
    install_file 755 "target/worker-$1/release/cordon-worker" "$out/$2"
    step "library's code of $2"
    if [ "$1" = no-wasm ]; then library_code "$out/$2" absent; else library_code "$out/$2" allowed; fi
}

built=
if worker no-wasm cordon-worker-absent; then
    built=1
else
    status=$?
    [ $status -eq 3 ] || exit $status
    echo "build: no V8 without WebAssembly on this machine: denial will be at the level \"locked\"" >&2
    wasm_worker=1
fi
if [ -n "$wasm_worker" ]; then
    # What does not depend on V8 need not be compiled twice.
    if [ -n "$built" ] && [ ! -d target/worker-wasm ]; then cp -a target/worker-no-wasm target/worker-wasm; fi
    if worker wasm cordon-worker-wasm; then
        built=1
    else
        status=$?
        [ $status -eq 3 ] || exit $status
        echo "build: no V8 with WebAssembly on this machine: permissions.webAssembly \"allow\" will be refused" >&2
    fi
fi
# Its library is in the workers.
install_file 644 "$root/target/node-lib/out/LICENSE" "$out/LICENSE-node"
[ -n "$built" ] || { echo "build: no V8 at all; see scripts/v8.sh --help" >&2; exit 1; }

step "npm"
scripts/npm-tree.sh
rm -rf "$out/npm.new" "$out/npm.old"
cp -a target/npm/out "$out/npm.new"
# A directory is not replaced by another; who has the old one open keeps it.
[ ! -e "$out/npm" ] || mv "$out/npm" "$out/npm.old"
mv "$out/npm.new" "$out/npm"
rm -rf "$out/npm.old"

step "supervisor"
cargo build --release --package cordon --package cordon-compiler --package cordon-net
for executable in cordon cordon-launcher cordon-compiler cordon-net; do
    install_file 755 "target/release/$executable" "$out/$executable"
done

step "native code of the command modules"
"$out/cordon" prepare
