#!/usr/bin/env bash
# Finds the V8 archive that one build of the worker links against, and prints it for `eval`.
#
# Owns:   where V8 comes from; nothing else in the project looks for archives.
# Writes: nothing, unless it downloads or builds: then ${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/cordon}/v8/.
# Prints: on stdout
#           RUSTY_V8_ARCHIVE            the .a.gz, for the build script of the crate `v8`
#           RUSTY_V8_SRC_BINDING_PATH   the binding that belongs to it
#           CORDON_V8_FEATURES          sandbox (build with the crate's feature v8_enable_sandbox) or none
#           CORDON_V8_SOURCE            env, shared, cache, upstream or built
#         and on stderr what took time or will be missed.
# Exits:  0 found, 1 failed, 2 called wrongly, 3 not available on this machine as things are.
#
# Usage: scripts/v8.sh [--build | --offline] <no-wasm|wasm|stock>
#   no-wasm  V8 without WebAssembly, with the V8 sandbox: the default worker (level "absent").
#   wasm     V8 with WebAssembly: the worker for `webAssembly: "allow"`; or, where no-wasm is not to be had, the worker
#            that hides it (level "locked").
#   stock    the crate's default features, as upstream publishes it: with WebAssembly, without the V8 sandbox.
#
# It takes the first of: $CORDON_V8_DIR/<variant>; ../shared/v8/<variant> beside the checkout; the user's cache; for wasm
# and stock, upstream's release (RUSTY_V8_MIRROR names another place); and, with --build or CORDON_V8_BUILD=1, a build
# from the crate's own source (scripts/v8-build.sh, about 45 minutes on two cores). CI never builds V8. --offline only looks at what is on the machine.
#
# Give every variant its own --target-dir: inside one, all of them use the same file name.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=v8-build/common.sh
. "$here/v8-build/common.sh"

readonly not_available=3
readonly connect_seconds=8

usage() { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0"; }

build=${CORDON_V8_BUILD:-}
offline=
variant=
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=1 ;;
    --offline) offline=1 ;;
    no-wasm | wasm | stock) variant=$1 ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ -n "$variant" ] || { usage >&2 && exit 2; }

# Prints the answer when a folder holds an archive of the variant and its binding.
found() { # folder source
    local features suffix archive binding
    for features in sandbox none; do
        suffix=$(suffix_of "$features")
        archive=$1/librusty_v8${suffix}_release_$v8_target.a.gz
        binding=$1/src_binding${suffix}_release_$v8_target.rs
        if [ -r "$archive" ] && [ -r "$binding" ]; then
            printf 'RUSTY_V8_ARCHIVE=%q\nRUSTY_V8_SRC_BINDING_PATH=%q\n' "$archive" "$binding"
            printf 'CORDON_V8_FEATURES=%s\nCORDON_V8_SOURCE=%s\n' "$features" "$2"
            exit 0
        fi
    done
}

# Downloads upstream's archive and the binding published with it. Upstream publishes none with the V8 sandbox.
download() { # folder to make
    local base=${RUSTY_V8_MIRROR:-https://github.com/denoland/rusty_v8/releases/download}/v$v8_version
    local archive=librusty_v8_release_$v8_target.a.gz binding=src_binding_release_$v8_target.rs making
    command -v curl >/dev/null || { say "no curl, so no download of upstream's V8" && return 1; }
    mkdir -p "$(dirname "$1")" && making=$(mktemp -d "$1.XXXXXX") || return 1
    # shellcheck disable=SC2064 # the folder's name is known now, and local
    trap "rm -rf '$making'" EXIT
    say "trying upstream's prebuilt V8 $v8_version"
    if ! curl -fsSL --connect-timeout "$connect_seconds" -o "$making/$binding" "$base/$binding" ||
        ! curl -fSL --no-progress-meter --connect-timeout "$connect_seconds" --speed-time 30 --speed-limit 1000 \
            -o "$making/$archive" "$base/$archive" || ! gzip -t "$making/$archive"; then
        say "upstream's release is not reachable from here"
        return 1
    fi
    chmod 755 "$making"
    mv -T "$making" "$1" 2>/dev/null || [ -d "$1" ]
    say "note: upstream's V8 has no V8 sandbox; denied WebAssembly is hidden in it (\"locked\"), not absent"
}

[ -z "${CORDON_V8_DIR:-}" ] || found "$CORDON_V8_DIR/$variant" env
shared=$(cd "$here/../.." && pwd)/shared/v8
found "$shared/$variant" shared
found "$v8_cache/$variant" cache

wants_build() { [ -n "$build" ] && [ "$build" != 0 ] && [ -z "$offline" ]; }
in_ci() { [ "${CI:-}" = true ] || [ "${CI:-}" = 1 ]; }

# Upstream's archive stands in for `wasm`, under its own name: a later build of `wasm` is then preferred to it.
if [ "$variant" != no-wasm ] && ! { wants_build && ! in_ci; }; then
    found "$v8_cache/stock" cache
    if [ -z "$offline" ] && download "$v8_cache/stock"; then found "$v8_cache/stock" upstream; fi
fi

if wants_build && ! in_ci; then
    "$here/v8-build.sh" "$variant" >&2
    found "$v8_cache/$variant" built
    say "scripts/v8-build.sh ended without an archive"
    exit 1
fi

say "V8 $v8_version ($variant, $v8_target) is not available here"
if in_ci && wants_build; then
    say "CI does not build V8; put an archive into \$CORDON_V8_DIR/$variant or into the cached folder $v8_cache"
else
    hint "build it: CORDON_V8_BUILD=1 scripts/v8.sh $variant   (about 45 minutes on two cores, 12 GB of disk)"
    hint "or name a folder that has it: CORDON_V8_DIR=<folder with $variant/librusty_v8_..._release_$v8_target.a.gz>"
fi
exit $not_available
