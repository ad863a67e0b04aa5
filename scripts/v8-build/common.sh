# shellcheck shell=bash
# What scripts/v8.sh and scripts/v8-build.sh have to agree on. Sourced, not run. Sets:
#   v8_version, v8_target   the crate's pinned version, and this machine's target triple
#   v8_cache                the folder with one folder per variant in it
# shellcheck disable=SC2034 # used by those who source it

# The version of the crate `v8` in Cargo.toml.
v8_version=152.2.0
v8_target=$(uname -m)-unknown-linux-gnu

# Raise it when the way of building changes what comes out: older archives are then no longer found.
v8_recipe=1

v8_cache=${CORDON_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/cordon}/v8/$v8_version-$v8_target-$v8_recipe

# The part of the crate's file names that stands for its features.
suffix_of() { # sandbox|none
    case $1 in sandbox) echo _ptrcomp_sandbox ;; none) echo '' ;; esac
}

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { printf '%s%s:%s %s\n' "$bold" "$(basename "$0" .sh)" "$plain" "$*" >&2; }
hint() { printf '  next: %s\n' "$*" >&2; }
fail() { # message [next step]...
    say "$1"
    local step
    for step in "${@:2}"; do hint "$step"; done
    exit 1
}
