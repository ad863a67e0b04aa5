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
#### the trace begins with PS4 expanded
PS4='+${LINENO}$(echo x)> '; set -x; echo a; b=1; set +x 
#### the trace has assignments and goes where errors went before
exec 2>&1; PS4='[$v]'; v=q; set -x; echo a; b=1; b=2 echo c; f() { echo f; }; f 1 'a b'; for i in 1 2; do :; done; case a in a) :;; esac; [ a = 'b c' ]; : '' "x'y" 'a*b' > f; if true; then :; fi; (echo s); x=$(echo q); set +x; echo done
#### verbose shows what is read of files
printf 'echo a\n# comment\n\nif true; then\n  echo b\nfi\nset +v\necho c\n' > s; sh -v s 2>&1; sh -v < s 2>&1; cat s | sh -v 2>&1; printf 'echo q\nset -v\necho r\n' > t; sh t 2>&1; sh -c '. ./t; :' 2>&1
#### noclobber and everything that opens
set -C; echo a > f; echo b > f; echo $?; echo c >| f; cat f; set +C; echo d > f; cat f; set -C; echo e >> f; cat f; echo x > /dev/null; echo $?; ln -s f l; echo q > l; echo $?; ln -s nowhere m; echo q > m; echo $?; cat nowhere; mkdir d; echo x > d; echo $?; { echo g; } > f; echo $?; echo h 3> f; echo $?; echo i <> f; echo $?
#### noglob
echo a > x1; set -f; echo x*; set +f; echo x*; set -f; for i in *; do echo $i; done; case x1 in x*) echo m;; esac
#### allexport and everything that assigns
set -a; v=1; sh -c 'echo $v'; set +a; w=2; sh -c 'echo [$w]'; set -a; read r <<X
q
X
sh -c 'echo $r'; for i in z; do sh -c 'echo $i'; done; : ${d:=e}; sh -c 'echo $d'; : $((n=3)); sh -c 'echo $n'; f() { local l=1; sh -c 'echo $l'; }; f; unset o; getopts a o -a; sh -c 'echo $o'
#### the letters of all options
set -e; echo $-; set -u; echo $-; set -x 2>/dev/null; echo $-; set +x; set -f; echo $-; set -C; echo $-; set -a; echo $-; set -b; echo $-; set -m 2>/dev/null; echo $-; set +efuCab
#### the letters of a shell that starts
sh -c 'echo $-'; sh -e -c 'echo $-'; sh -euc 'echo $-'; echo 'echo $-' | sh; echo 'echo $-' | sh -s a; echo 'echo $-' > s; sh s; sh -e s
#### options of POSIX by name
for o in allexport errexit ignoreeof monitor noclobber noexec noglob nolog notify nounset verbose vi xtrace; do [ $o = noexec ] && continue; (set -o $o) 2>/dev/null; echo $o $?; done
#### notify
set -b; echo $?; set +b; echo $?
#### set and its operands
set -- -a -b; echo $# $1; set -e -- x y; echo $# $1; set - p q; echo $# $1; set +e a; echo $1; set -; echo $#; set --; echo $#
#### noexec reads alone
sh -n -c 'echo a'; echo $?; sh -n -c 'if' 2>/dev/null; echo $?; echo 'echo a; if' > s; sh -n s 2>/dev/null; echo $?
