#!/usr/bin/env bash
# Says whether the pinned engines, the crates `v8` and `wasmtime`, have a newer patch release. The registry answers, the
# one that cargo is configured to use; without an answer that is said, and nothing else happens.
#
# Owns:   which crates are looked at.
# Writes: a temporary folder.
# Needs:  cargo, and an answer of its registry.
#
# Usage: scripts/engine-updates.sh [--strict]     exits with 1 if there is one, with --strict; else with 0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Seconds that the registry may take.
patience=60
strict=${1:-}
if [ -n "$strict" ] && [ "$strict" != --strict ]; then
    sed -n '2,/^set/{/^#/s/^# \?//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The version that Cargo.toml pins.
pinned() {
    sed -nE "s/^$1 = (\{ version = )?\"=([0-9.]+)\".*/\2/p" Cargo.toml
}

# The newest version of a crate that a requirement allows, as cargo resolves it for a package that has nothing else; of
# edition 2021, whose resolver does not look at what compiler a version needs.
newest() {
    local package=$folder/$1
    mkdir -p "$package/src"
    : >"$package/src/lib.rs"
    printf '[package]\nname = "asks"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = { version = "%s", default-features = false }\n[workspace]\n' \
        "$1" "$2" >"$package/Cargo.toml"
    rm -f "$package/Cargo.lock"
    timeout "$patience" cargo generate-lockfile --quiet --manifest-path "$package/Cargo.toml" 2>"$folder/why" || return 1
    awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/version = |"/, ""); print; exit }' "$package/Cargo.lock"
}

newer=
for crate in v8 wasmtime; do
    version=$(pinned "$crate")
    if [ -z "$version" ]; then
        echo "engine-updates: Cargo.toml does not pin $crate to one version" >&2
        exit 2
    fi
    if ! patch=$(newest "$crate" "~$version") || [ -z "$patch" ]; then
        echo "engine-updates: SKIPPED: no answer of the registry for $crate: $(head -n 1 "$folder/why")" >&2
        continue
    fi
    if [ "$patch" != "$version" ]; then
        newer="$newer $crate"
        {
            echo "================================================================================"
            echo "  WARNING: $crate $patch is out, and $version is pinned: a patch release, which"
            echo "  may have security fixes. See docs/engine-versions.md."
            echo "================================================================================"
        } >&2
        continue
    fi
    latest=$(newest "$crate" '*') || latest=
    echo "engine-updates: $crate $version is the newest of its line${latest:+; the newest of all is $latest}" >&2
done
[ -z "$newer" ] || [ "$strict" != --strict ]
