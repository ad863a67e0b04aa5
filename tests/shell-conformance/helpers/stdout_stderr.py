#!/bin/sh
# Prints a line to each output and ends with a status: the helper of oils' cases.
printf '%s\n' "${1-STDOUT}"
printf '%s\n' "${2-STDERR}" >&2
exit "${3-0}"
