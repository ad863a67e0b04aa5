# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### errexit
set -e; echo a; false; echo never
#### errexit is ignored in conditions
set -e; if false; then :; fi; false || true; ! true; while false; do :; done; false && true; echo here
#### errexit in functions under a condition
set -e; f() { false; echo in; }; f || true; if f; then echo yes; fi
#### errexit in a subshell
set -e; (false; echo no) || echo caught; (exit 3); echo never
#### errexit and assignments
set -e; x=$(false); echo never
#### errexit and command arguments
set -e; echo "$(false)x"; echo here
#### errexit in a pipeline counts the last stage
set -e; false | true; echo here; true | false; echo never
#### nounset
set -u; x=1; echo $x ${y-d}; echo $y 2>/dev/null; echo never
#### nounset spares special parameters
set -u; set --; echo "$@" $# $*; echo ok
#### noglob and set --
touch a; set -f -- '*' b; echo $1 $#; echo *
#### dollar minus
set -eu; case $- in *e*) echo e;; esac; case $- in *u*) echo u;; esac; set +e; case $- in *e*) echo no;; *) echo off;; esac
#### options by name
set -o errexit; false; echo never
#### switching off by name
set -o noglob; set +o noglob; touch a; echo *
#### noexec
set -n; echo never
#### allexport
set -a; x=1; sh -c 'echo $x'
#### xtrace goes to standard error
set -x; echo a 2>/dev/null; set +x
#### illegal option
set -Z 2>/dev/null; echo never
