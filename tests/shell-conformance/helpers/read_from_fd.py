#!/bin/sh
# Reads once from each descriptor: the helper of oils' cases.
for fd do
    eval ": <&$fd" 2>/dev/null || exit 1
    printf '%s: ' "$fd"
    eval "dd bs=1024 count=1 <&$fd 2>/dev/null"
done
