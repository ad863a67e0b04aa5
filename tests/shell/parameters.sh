# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### defaults
unset u; n=; v=val
echo "${u-d1} ${n-d2} ${v-d3} ${u:-d4} ${n:-d5} ${v:-d6}"
#### assigning defaults
unset u; echo ${u:=new}; echo $u; n=; echo "[${n=kept}]"
#### alternatives
unset u; n=; v=val; echo "[${u+a}][${n+b}][${v+c}][${u:+d}][${n:+e}][${v:+f}]"
#### errors end the shell
echo a; echo ${nope:?gone} 2>/dev/null; echo never
#### error in a subshell ends only that
(echo ${nope:?gone}) 2>/dev/null; echo "status $?"
#### length
x=hello; set -- a b c; echo ${#x} ${#} ${#nope} ${#1}
#### prefixes and suffixes
p=/usr/local/lib.tar.gz; echo ${p#*/} ${p##*/} ${p%.*} ${p%%.*} ${p%/*}
#### patterns in removals are expanded and quoted
x='a*b*c'; s='*'; echo "${x#a$s}" "${x#a"$s"}" "${x%\**}"
#### character classes in patterns
x=abc123; echo ${x%%[0-9]*} ${x##*[[:alpha:]]} ${x#[!b]}
#### positional parameters
set -- one two three four five six seven eight nine ten eleven; echo $1 $10 ${10} ${11} $#
#### all parameters
set -- 'a b' c; for x in "$@"; do echo "<$x>"; done; for x in $@; do echo "($x)"; done; for x in "$*"; do echo "{$x}"; done
#### joining with IFS
set -- a b c; IFS=-; echo "$*"; IFS=; echo "$*"; unset IFS; echo "$*"
#### no parameters
set --; for x in "$@" "a$@"; do echo "<$x>"; done; echo $#
#### parameters within words
set -- 1 2 3; printf '<%s>' "a$@b"; echo
#### shift
set -- a b c d; shift; echo $1; shift 2; echo $1 $#
#### special parameters
(exit 7); echo $?; set -- x y; echo $#; [ $$ -gt 0 ] && echo pid
#### nested expansions
unset a b; c=deep; echo ${a:-${b:-$c}}
#### assignment is not split
x='a   b'; y=$x; z=$(echo "c   d"); echo "$y|$z"
#### several assignments in order
a=1 b=$a; echo $b; a=2 c=$a$b; echo $c
#### temporary assignments
x=old; x=new sh -c 'echo $x'; echo $x
#### assignments before a function
f() { echo $x; }; x=old; x=new f
#### exported variables reach programs
a=1; export b=2; export a; sh -c 'echo $a$b'
#### unset
x=1; unset x; echo "[${x-unset}]"
#### readonly
readonly r=1; echo $r; (r=2) 2>/dev/null; echo $?
#### bad substitution
(echo ${x!y}) 2>/dev/null; echo $?
#### a quoted expansion of nothing is a field
n() { printf '%s:' "$#"; for a; do printf '<%s>' "$a"; done; echo; }
unset v; e=
n "${v:-}"; n "${v-}"; n "${v:+}"; n "${v+}"; n "${v+x}"; n "${v:=}"; unset v; n "${v=}"; n "${v#}"; n "${v%%}"; n "${e#x}"; n "${e:-}"; n "${v:-${v:-}}"; n "${v:-"${v:-}"}"; n "${v:-$e}"; n "$(:)"; n "${e:+x}"; n "${e+}"; n "${v:-""}"; n ${v:-""}; n ${v:-''}; n ${v:-}; n ${v-"$e"}; n "${v:-$@}"; n "${v:-$*}"; n "$@"; n "$@$e"; n "$e$@"; n "${e}${v}"
x=y; n "${x:+}"; n "${x+}"; n ${x:+""}; n ${x:+"${v:-}"}; n "${v:+${v:+}}"
#### a quoted expansion of nothing beside others
n() { printf '%s:' "$#"; for a; do printf '<%s>' "$a"; done; echo; }
unset a b; n "${a:-${b:-}}" "${a:-${b:+}}" "${a:+${b}}" x"${a:-}"y ""${a:-} "${a:-}"${a:-} '' "${a:-}${b:-}"
#### a quoted expansion of nothing where one word is taken
unset v; a=${v:-}; b="${v:-}"; echo "[$a][$b]"; case "${v:-}" in '') echo empty;; *) echo no;; esac; cat <<X
[${v:-}][${v:+}]
X
for i in "${v:-}"; do echo "turn [$i]"; done; for i in "${v:+}" b; do echo "turn [$i]"; done; [ -z "${v:-}" ] && echo z; test -n "${v:-}" || echo notn
#### no parameters, and empty ones
n() { printf '%s:' "$#"; for a; do printf '<%s>' "$a"; done; echo; }
set --; n "$*"; n "${*}"; n "${@}"; n "${@:-}"; n "${*:-}"; n "${@-}"; n "${*-}"; n "${*:+}"; set -- '' ; n "${@+"$@"}"; n ${1+"$@"}; n "${1:-}"; n "${1:+"$1"}"; n "$*"; n "$@"; n $@; n $*; set -- '' ''; n "$@"; n "$*"; n "${1-}${2-}"; set -- a '' b; n "$@"; n "x$@y"; n "${@#a}"; n "${@:+$@}"
#### names that bash fills are as any other
SECONDS=5 GROUPS=3 RANDOM=2 PIPESTATUS=4; echo $SECONDS $GROUPS $RANDOM $PIPESTATUS; f() { echo $GROUPS; }; GROUPS=7 f; LINENO=5; echo $LINENO
