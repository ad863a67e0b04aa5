#!/usr/bin/env bash
# Prints what building and testing cordon needs on a Debian or Ubuntu machine, and installs what is missing.
#
# Owns:   the list of what has to be on the machine.
# Writes: Debian packages (as root only), each only when missing; the wasm toolchain (scripts/wasi-toolchain.sh); where
#         Debian's Node is older than what the tests need, another one in the user's cache. Nothing when all is there.
# Exits:  0 all is there, 1 something is missing and could not be installed.
#
# Usage: scripts/setup.sh [--check]      --check installs nothing
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/cordon}

readonly rust_wanted=1.95
readonly node_wanted=20
readonly node_installed=22 # the npm package's version, where Debian's is too old

check=
case ${1:-} in
'') ;;
--check) check=1 ;;
*) sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" && exit 2 ;;
esac

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' plain=$'\e[0m'
else
    green='' red='' yellow='' plain=''
fi
failed=
ok() { printf '%sok%s       %-20s %s\n' "$green" "$plain" "$1" "${2:-}"; }
note() { printf '%snote%s     %-20s %s\n' "$yellow" "$plain" "$1" "${2:-}"; }
missing() { # what, next step
    failed=1
    printf '%smissing%s  %-20s next: %s\n' "$red" "$plain" "$1" "$2"
}

has() { command -v "$1" >/dev/null 2>&1; }
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; } # version, wanted

# ---- Looking --------------------------------------------------------------------------------------------------------

# Each prints what it found, or fails. A check that passes installs nothing.
find_cc() { has cc && command -v cc; }
find_linker() { command -v mold || command -v ld.lld || compgen -c ld.lld- | head -n 1 | grep .; }
find_git() { command -v git; }
find_curl() { command -v curl; }
find_gzip() { command -v gzip; }
find_make() { command -v make; }
# With the modules that the build of OpenSSL loads, which a minimal Perl lacks.
find_perl() { has perl && perl -MFindBin -MIPC::Cmd -e 'printf "%vd", $^V'; }
find_python() { has python3 && python3 -c 'import sys, venv, pip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
find_rust() {
    local version
    has cargo && version=$(rustc --version 2>/dev/null | cut -d' ' -f2) && at_least "${version:-0}" "$rust_wanted" &&
        echo "$version"
}
find_node() {
    local node version
    for node in node "$cache/node/node_modules/.bin/node"; do
        if has "$node"; then
            version=$("$node" --version) && at_least "${version#v}" "$node_wanted" && echo "$version" && return
        fi
    done
    return 1
}
find_npm() { command -v npm; }

# What to look for, and the packages that bring it. The linker: the workers link archives of 150 MB. Rust: Debian's own
# is too old for the language edition; the one it ships for the web browsers is not.
readonly wanted=(
    "cc gcc libc6-dev"
    "linker lld"
    "git git"
    "curl curl ca-certificates"
    "gzip gzip"
    "make make"
    "perl perl"
    "python python3 python3-venv python3-pip"
    "rust rustc-web cargo-web"
    "node nodejs"
    "npm npm"
)

# ---- Installing -----------------------------------------------------------------------------------------------------

apt_updated=
install() { # package...
    has apt-get && [ "$(id -u)" = 0 ] || return 1
    if [ -z "$apt_updated" ]; then
        # A machine that has never fetched the lists knows no package.
        compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || apt-get update -qq >&2 || true
        apt_updated=1
    fi
    echo "         installing $*" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Debian 12 has Node 18. npm's package `node` carries the official executable.
install_newer_node() {
    has npm || install npm || return 1
    echo "         installing Node $node_installed into $cache/node" >&2
    npm install --silent --no-audit --no-fund --prefix "$cache/node" "node@$node_installed" >&2
}

provide() { # what package...
    local what=$1 found
    shift
    if found=$("find_$what"); then
        ok "$what" "$found"
        return
    fi
    if [ -z "$check" ]; then
        install "$@" || true
        if [ "$what" = node ] && ! find_node >/dev/null; then install_newer_node || true; fi
        hash -r
        if found=$("find_$what"); then
            ok "$what" "$found (now)"
            return
        fi
    fi
    case $what in
    rust) missing "rust >= $rust_wanted" "rustup (any recent stable), or as root: apt-get install $*" ;;
    node) missing "node >= $node_wanted" "npm install --prefix '$cache/node' node@$node_installed, or as root: apt-get install $*" ;;
    *) missing "$what" "as root: apt-get install --no-install-recommends $*" ;;
    esac
}

for entry in "${wanted[@]}"; do
    # shellcheck disable=SC2086 # a list of words
    provide $entry
done
# The tests in a real terminal are skipped without it, loudly; everything else goes on.
if has tmux || { [ -z "$check" ] && install tmux; }; then
    ok tmux "$(command -v tmux)"
else
    note tmux "tests in a real terminal are skipped; as root: apt-get install tmux"
fi
if ! has node || ! at_least "$(node --version | tr -d v)" "$node_wanted"; then
    [ ! -x "$cache/node/node_modules/.bin/node" ] || note node "export PATH=$cache/node/node_modules/.bin:\$PATH"
fi

# ---- What the project's own scripts provide ---------------------------------------------------------------------------

if [ -n "$check" ]; then
    if answer=$("$here/wasi-toolchain.sh" --look); then
        ok wasi-toolchain "$(sed -n 's/^CORDON_WASI_ROAD=//p' <<<"$answer")"
    else
        missing wasi-toolchain "scripts/wasi-toolchain.sh"
    fi
elif answer=$("$here/wasi-toolchain.sh"); then
    ok wasi-toolchain "$(sed -n 's/^CORDON_WASI_ROAD=//p' <<<"$answer")"
else
    missing wasi-toolchain "look at its message above"
fi

for variant in no-wasm wasm; do
    if answer=$("$here/v8.sh" --offline "$variant" 2>/dev/null); then
        ok "v8 $variant" "$(sed -n 's/^CORDON_V8_SOURCE=//p' <<<"$answer")"
    else
        note "v8 $variant" "not on this machine yet; scripts/v8.sh $variant says what can be done"
    fi
done

[ -z "$failed" ]
