# Runs a toybox test file with functions that write its cases down.
#
# Usage: bash toybox.sh FILE, in the folder that cases run in; see busybox.sh for what is written.
TOYBOX=yes
# shellcheck source=busybox.sh
. /recorders/busybox.sh
CMDNAME=$(basename "$1" .test)
C=$CMDNAME
FILES=/files/tests/files
SKIP=0
TEST_HOST=1
SH=sh
export C CMDNAME FILES TEST_HOST LC_COLLATE=C
export TESTDIR=/case

optional() { :; }
toyonly() { "$@"; }
skipnot() { eval "$@" >/dev/null 2>&1; }
utf8locale() { LC_ALL=C.UTF-8; }
txpect() { :; }
verbose_has() { false; }
testcmd() { testing "${1:-$CMDNAME $2}" "$C $2" "$3" "$4" "$5"; }

. "$1"
