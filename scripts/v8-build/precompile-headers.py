#!/usr/bin/env python3
"""Makes one precompiled header for each of V8's big targets; see compiler-wrapper.c for how they are used.

Run in the build folder, after the generated headers exist: precompile-headers.py <ninja>
Writes pch/<target>.h and pch/<target>.pch there, the latter by rename. One that exists already is kept. A target whose
header cannot be compiled is left without: the build is then slower, not different.
"""

import collections
import os
import re
import shlex
import subprocess
import sys
import time

# A header goes in when at least this share of the target's files include it. The generated files of
# torque_generated_initializers all begin alike, so only what is common to them; elsewhere, what is frequent.
SHARE = {
    "torque_generated_initializers": 0.9,
    "v8_base_without_compiler": 0.035,
    "v8_compiler": 0.06,
    "v8_initializers": 0.15,
}

# Headers that mean something else each time they are included, or that belong to one feature only.
NEVER = ("undef", "object-macros", "wasm", "asmjs")
FROM = ("src/", "include/", "torque-generated/")


def compile_commands(ninja):
    """The compile commands of each of V8's targets, with the file that each compiles."""
    listing = subprocess.run([ninja, "-t", "commands", "rusty_v8"], capture_output=True, text=True, check=True).stdout
    commands = collections.defaultdict(list)
    for line in listing.splitlines():
        if match := re.search(r" -c (\S+) -o obj/v8/([a-z0-9_]+)/\S+\.o", line):
            commands[match[2]].append((match[1], line))
    return commands


def frequent_headers(sources, share):
    count = collections.Counter()
    for source in sources:
        with open(source, errors="ignore") as file:
            count.update(set(re.findall(r'^#include "([^"]+\.h)"', file.read(), re.M)))
    return [
        header
        for header, times in count.most_common()
        if times >= share * len(sources) and header.startswith(FROM) and not any(word in header for word in NEVER)
    ]


def precompile(target, commands, share):
    existing = [(source, command) for source, command in commands if os.path.exists(source)]
    headers = frequent_headers([source for source, _ in existing], share)
    if not headers:
        return "nothing in common"
    text, made = f"pch/{target}.h", f"pch/{target}.pch"
    with open(text, "w") as file:
        file.writelines(f'#include "{header}"\n' for header in headers)
    # The flags have to be those of the target's files: take one file's command, and change what it compiles.
    command = re.sub(r" -MD -MF \S+", "", existing[len(existing) // 2][1])
    command = re.sub(
        r" -c \S+ -o \S+", f" -x c++-header {shlex.quote(text)} -o {made}.part -Wno-everything", command
    )
    began = time.monotonic()
    run = subprocess.run(
        command, shell=True, capture_output=True, text=True, env={**os.environ, "V8_BUILD_NO_PCH": "1"}
    )
    if run.returncode != 0:
        return "does not compile, going without: " + run.stderr.strip().splitlines()[0][:200]
    os.rename(f"{made}.part", made)
    size = os.path.getsize(made) >> 20
    return f"{len(headers)} headers for {len(existing)} files, {size} MB, {time.monotonic() - began:.0f} s"


def main():
    os.makedirs("pch", exist_ok=True)
    commands = compile_commands(sys.argv[1] if len(sys.argv) > 1 else "ninja")
    for target, share in SHARE.items():
        if os.path.exists(f"pch/{target}.pch"):
            continue
        done = precompile(target, commands[target], share) if target in commands else "no such target"
        print(f"  {target}: {done}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
