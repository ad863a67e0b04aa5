#!/bin/sh
# Prints its arguments as Python 2 prints a list of strings: the helper of oils' cases, without Python.
out='[' separator=''
for argument do
    quote="'"
    case $argument in
    *"'"*'"'* | *'"'*"'"*) ;;
    *"'"*) quote='"' ;;
    esac
    case $argument in
    *[!\ -~]* | *\\* | *"'"*'"'* | *'"'*"'"*)
        escaped=''
        for byte in $(printf %s "$argument" | od -An -v -to1); do
            case $byte in
            011) escaped=$escaped'\\t' ;;
            012) escaped=$escaped'\\n' ;;
            015) escaped=$escaped'\\r' ;;
            134) escaped=$escaped'\\\\' ;;
            047) if [ "$quote" = "'" ]; then escaped=$escaped"\\\\'"; else escaped=$escaped"'"; fi ;;
            0[4-7]? | 1[0-6]? | 17[0-6]) escaped="$escaped\\0$byte" ;;
            *) escaped="$escaped\\\\x$(printf %02x "0$byte")" ;;
            esac
        done
        out="$out$separator$quote$(printf %b. "$escaped")"
        out=${out%.}$quote
        ;;
    *) out="$out$separator$quote$argument$quote" ;;
    esac
    separator=', '
done
printf '%s]\n' "$out"
