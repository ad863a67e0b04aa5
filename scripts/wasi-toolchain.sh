#!/usr/bin/env bash
# Obtains a toolchain that builds Rust for wasm32-wasip1, and prints how to use it.
#
# Owns:   the choice between two roads, and what the second one needs.
# Writes: A rustup's own folders (the target's standard library);
#         B Debian packages (as root only), and one folder of some 10 MB in the user's cache:
#         ${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/cordon}/wasi-toolchain-...
#         both: wasi-c-... there, a C compiler of some 300 MB
# Prints: on stdout, for `eval`, the variables named in `scripts/wasi-cargo.sh`; progress goes to stderr.
#
# Usage: scripts/wasi-toolchain.sh [--look] [--road rustup|debian]
#   Road A, "rustup": the compiler in PATH has the target, or rustup can add it.
#   Road B, "debian": Debian's compiler for the web browsers, its copy of the standard library's source, its linker, and
#   a C library from Python's `ziglang` wheel, which is built once. For machines that reach no more than Debian's and
#   Python's registries. Debian's own wasi-libc is from 2022 and lacks what uutils links against.
#   Both take the C compiler from the `ziglang` wheel, too: the regular expressions of `grep` and `find` are Oniguruma.
# Without --road (or CORDON_WASI_ROAD) A is tried, then B. Running it again costs some 50 ms. With --look it installs
# nothing, and fails when neither is there.
set -euo pipefail

readonly target=wasm32-wasip1
readonly zig_version=0.17.1
readonly lld_version=22
# Raise it when what lies in the cached folder changes.
readonly layout=1
readonly rustup_seconds=60

cache=${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/cordon}
toolchain=$cache/wasi-toolchain-zig$zig_version-lld$lld_version-$layout
compiler=$cache/wasi-c-zig$zig_version-$layout

say() { printf '%swasi-toolchain:%s %s\n' "$bold" "$plain" "$*" >&2; }
fail() {
    say "$1"
    [ $# -lt 2 ] || printf '  next: %s\n' "${@:2}" >&2
    exit 1
}
if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

# ---- C --------------------------------------------------------------------------------------------------------------

write_c_tools() { # folder to fill
    mkdir -p "$1/bin"
    cat >"$1/bin/cc" <<'TOOL'
#!/bin/bash
# Written by cordon's scripts/wasi-toolchain.sh. The name that Rust has for the target is not zig's.
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
arguments=(-target wasm32-wasi-musl)
for argument in "$@"; do case $argument in --target=*) ;; *) arguments+=("$argument") ;; esac; done
export PYTHONPATH=$home/zig ZIG_GLOBAL_CACHE_DIR=$home/cache ZIG_LOCAL_CACHE_DIR=$home/cache
exec python3 -m ziglang cc "${arguments[@]}"
TOOL
    cat >"$1/bin/ar" <<'TOOL'
#!/bin/bash
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHONPATH=$home/zig exec python3 -m ziglang ar "$@"
TOOL
    chmod +x "$1/bin/cc" "$1/bin/ar"
}

c_compiler() {
    if [ ! -x "$compiler/bin/cc" ]; then
        [ -z "$look" ] || exit 1
        command -v python3 >/dev/null || fail "python3 is missing" "install python3 and its pip"
        mkdir -p "$cache"
        local making
        making=$(mktemp -d "$cache/wasi-c.XXXXXX")
        # shellcheck disable=SC2064 # the folder's name is known now, and local
        trap "rm -rf '$making'" EXIT
        chmod 755 "$making"
        say "fetching a C compiler for WASI (Python wheel ziglang $zig_version, about 100 MB)"
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
            --target "$making/zig" "ziglang==$zig_version" >&2 || fail "pip could not install ziglang $zig_version" \
            "apt-get install python3-pip, or look at pip's message above"
        write_c_tools "$making"
        # Whoever finished first wins; both made the same.
        mv -T "$making" "$compiler" 2>/dev/null || [ -x "$compiler/bin/cc" ] ||
            fail "cannot write $compiler" "set CORDON_CACHE_DIR to a folder that can be written"
        trap - EXIT
        rm -rf "$making"
        say "ready: $compiler"
    fi
    printf 'CORDON_WASI_C=%q\n' "$compiler/bin"
}

# ---- Road A ---------------------------------------------------------------------------------------------------------

# Whether the compiler in PATH has the target's standard library, whoever installed it.
has_target() {
    local folder
    folder=$(rustc --print target-libdir --target "$target" 2>/dev/null) || return 1
    compgen -G "$folder/libstd-*.rlib" >/dev/null
}

road_rustup() {
    command -v cargo >/dev/null && command -v rustc >/dev/null || return 1
    if ! has_target; then
        [ -z "$look" ] && command -v rustup >/dev/null || return 1
        say "asking rustup for the target $target"
        timeout "$rustup_seconds" rustup target add "$target" >/dev/null 2>&1 && has_target || return 1
    fi
    printf 'CORDON_WASI_ROAD=rustup\n'
}

# ---- Road B ---------------------------------------------------------------------------------------------------------

# Prints the Debian packages that are missing.
missing_packages() {
    local package
    for package in rustc-web cargo-web rust-web-src "lld-$lld_version"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
    done
}

install_packages() {
    local packages
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null || fail "no rustup target, and this is no Debian: cannot build for $target" \
        "install rustup, then: rustup target add $target"
    [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: $packages" \
        "as root: apt-get install --no-install-recommends $packages" \
        "or, with rustup: rustup target add $target"
    say "installing $packages"
    # shellcheck disable=SC2086 # a list of words
    apt-get install -y --no-install-recommends $packages >/dev/null || fail "apt-get could not install: $packages" \
        "apt-get update, then run this again" "or, with rustup: rustup target add $target"
}

# Runs zig once over an empty program: linking it makes zig build the C library, and it names the parts it linked.
build_libc() { # folder to fill
    local zig=$compiler/zig line part
    say "building the C library (about a minute)"
    printf 'int main(void) { return 0; }\n' >"$1/empty.c"
    # Debian's pip is told by --target not to touch the system; PYTHONPATH is how the wheel is found there.
    line=$(cd "$1" && PYTHONPATH=$zig ZIG_GLOBAL_CACHE_DIR=$1/cache ZIG_LOCAL_CACHE_DIR=$1/local \
        python3 -m ziglang cc -v -target wasm32-wasi-musl empty.c -o empty.wasm 2>&1 | grep '^wasm-ld ') ||
        fail "zig could not build the C library" "look at: python3 -m ziglang cc -target wasm32-wasi-musl empty.c"
    mkdir -p "$1/lib" "$1/bin"
    for part in crt1-command.o libc.a libzigc.a libcompiler_rt.a; do
        cp "$(cd "$1" && realpath "$(tr ' ' '\n' <<<"$line" | grep "/$part\$")")" "$1/lib/$part" ||
            fail "zig did not name $part" "the pinned version $zig_version is the one that was tested"
    done
}

write_linker() { # folder to fill
    cat >"$1/bin/wasm-ld" <<LINKER
#!/bin/sh
# Written by cordon's scripts/wasi-toolchain.sh. rustc calls the linker with \`-flavor wasm\` first, and expects it to
# know the C library. A library (--no-entry: the cdylibs that some dependencies also are) must not get the start file.
lib=\$(dirname "\$0")/../lib
start=\$lib/crt1-command.o
for argument in "\$@"; do [ "\$argument" != --no-entry ] || start=; done
exec wasm-ld-$lld_version "\$@" \${start:+"\$start"} -L"\$lib" -lc -lzigc -lcompiler_rt
LINKER
    chmod +x "$1/bin/wasm-ld"
}

road_debian() {
    if [ -n "$look" ]; then
        [ -z "$(missing_packages)" ] && [ -x "$toolchain/bin/wasm-ld" ] || exit 1
    fi
    install_packages
    if [ ! -x "$toolchain/bin/wasm-ld" ]; then
        command -v python3 >/dev/null || fail "python3 is missing" "apt-get install python3 python3-pip"
        mkdir -p "$cache"
        local making
        making=$(mktemp -d "$cache/wasi-toolchain.XXXXXX")
        # shellcheck disable=SC2064 # the folder's name is known now, and local
        trap "rm -rf '$making'" EXIT
        chmod 755 "$making"
        build_libc "$making"
        write_linker "$making"
        rm -rf "$making"/{cache,local,empty.*}
        # Whoever finished first wins; both made the same.
        mv -T "$making" "$toolchain" 2>/dev/null || [ -x "$toolchain/bin/wasm-ld" ] ||
            fail "cannot write $toolchain" "set CORDON_CACHE_DIR to a folder that can be written"
        say "ready: $toolchain"
    fi
    printf 'CORDON_WASI_ROAD=debian\nCORDON_WASI_TOOLCHAIN=%q\n' "$toolchain"
}

# ---------------------------------------------------------------------------------------------------------------------

road=${CORDON_WASI_ROAD:-}
look=
while [ $# -gt 0 ]; do
    case $1 in
    --look) look=1 ;;
    --road) road=${2:-} && shift ;;
    -h | --help) sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" && exit 0 ;;
    *) fail "unknown argument: $1" "scripts/wasi-toolchain.sh --help" ;;
    esac
    shift
done
c_compiler
case $road in
'') if ! road_rustup; then road_debian; fi ;; # not `||`, which would switch `set -e` off inside
rustup) road_rustup || fail "no compiler in PATH has $target, and rustup did not add it within $rustup_seconds s" \
    "rustup target add $target" ;;
debian) road_debian ;;
*) fail "no such road: $road" "use rustup or debian" ;;
esac
