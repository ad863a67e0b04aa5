Tests, builtins and variables.

#### regular expressions
if [[ "2024-05-17" =~ ^([0-9]{4})-([0-9]{2})-([0-9]+)$ ]]; then echo "${BASH_REMATCH[1]}/${BASH_REMATCH[2]}/${#BASH_REMATCH[@]}"; fi
re='^[a-z]+$'; for w in abc a1c; do [[ $w =~ $re ]] && echo "$w yes" || echo "$w no"; done
[[ "a.c" =~ a"."c ]] && echo quoted; [[ abc =~ a"."c ]] || echo literal; [[ x =~ (x)(y)? ]] && echo "[${BASH_REMATCH[2]}]"
#### conditions
[[ abc == a* && ! abc == b* ]] && echo one; [[ abc < abd || 1 -gt 2 ]] && echo two; [[ -n x && ( -z '' ) ]] && echo three
x=; [[ -v x ]] && echo set; [[ $x ]] || echo empty; [[ 3+4 -eq 7 ]] && echo sum; shopt -s nocasematch; [[ ABC == abc ]] && echo nocase
#### declare and attributes
declare -i n=3+4; n+=5; echo $n; declare -r c=1; (c=2) 2>/dev/null || echo readonly
declare -x e=v; env | grep ^e=; declare -p n c e; f() { local -i l=2*3; declare -g g=7; echo $l; }; f; echo $g
#### references
swap() { local -n p=$1 q=$2; local t=$p; p=$q; q=$t; }; a=1; b=2; swap a b; echo $a $b
add() { local -n arr=$1; arr+=("$2"); }; list=(x); add list "y z"; echo "${#list[@]} ${list[1]}"; declare -n r=list; echo "${r[0]}"
#### printf
printf -v s '%05d|%-5s|%x' 42 ab 255; echo "$s"; printf '%q %q\n' "a b" "it's"; printf '%s\n' "${s@Q}"
printf '%(%Y-%m-%d)T\n' 0; printf '%b|%s\n' 'a\tb' 'a\tb'; printf '\x41\u00e9\n'; printf -v a[3] x; echo "${!a[@]}"
#### read
IFS=, read -r x y z <<< "1,2,3,4"; echo "$x|$y|$z"; read -ra w <<< "a b  c"; echo "${#w[@]} ${w[2]}"
read -d : -r a <<< "x y:z"; echo "$a"; read -n 3 b <<< abcdef; echo "$b"; printf 'a\0b\0' | while IFS= read -r -d '' f; do echo "[$f]"; done
read -N 4 c <<< $'ab\ncd'; echo "$c" | od -An -c; read -t 0.05 d < <(sleep 1); echo "timed out: $(( $? > 128 ))"; read -u 3 e 3<<< three; echo $e
#### mapfile
printf '%s\n' a b c d | { mapfile -t -s 1 -n 2 m; echo "${m[@]}"; }; mapfile -d : p <<< "x:y"; echo "${#p[@]} ${p[0]}"
readarray -t -O 2 q < <(printf '1\n2\n'); echo "${!q[@]}"
#### process substitution
diff <(printf 'a\nb\n') <(printf 'a\nc\n'); echo $?; cat <(echo one) <(echo two)
while read -r l; do n=$((n+1)); done < <(printf '1\n2\n3\n'); echo "$n"; echo to | tee >(cat > out) > /dev/null; sleep 0.2; cat out
#### descriptors by name
exec {fd}> f; echo hi >&$fd; exec {fd}>&-; cat f; ((fd >= 10)) && echo high
#### functions that know where they are
inner() { echo "${FUNCNAME[0]} ${FUNCNAME[1]}"; }; outer() { inner; }; outer; f() { return 3; }; f; echo $?
false | true | (exit 4); echo "${PIPESTATUS[@]}"; : a b; echo "$_"
#### traps
trap 'echo "err $?"' ERR; false; if false; then :; fi; trap - ERR; f() { trap 'echo ret' RETURN; echo in; }; f
(trap 'echo bye' EXIT; exit 2); echo $?; trap 'echo int' INT; trap -p INT
#### pushd and popd
mkdir a b; cd a; pushd ../b > /dev/null; echo "${#DIRSTACK[@]} ${PWD##*/}"; popd > /dev/null; echo "${PWD##*/}"
#### select
select x in red green; do echo "$REPLY $x"; [ "$x" ] && break; done <<< $'5\n2' 2> /dev/null
#### echo
echo -e 'a\tb\x41'; echo -n no; echo -E '\t'; echo 'a\nb'; echo -ne 'x\n'
#### case with fall through
for v in 1 2 3; do case $v in 1) echo -n one;;& [12]) echo -n low;& 3) echo " next";; esac; done
#### options
set -o pipefail; false | true; echo $?; shopt -q extglob || echo off; set -e; f() { false; echo no; }; (f); echo unreached
#### errors that end no script
cd /nonexistent 2> /dev/null; echo $?; shift 9; echo $?; . ./missing 2> /dev/null; echo $?; echo x 2> /dev/null > /no/dir; echo $?
type -t cd if ls f nothing; f() { :; }; type -t f; command -v cd; builtin echo b; unset nothing; echo $?
#### random numbers of a seed
RANDOM=42; echo $RANDOM $RANDOM; ((SECONDS < 100)) && echo young; [[ $EPOCHSECONDS -gt 1600000000 && $BASHPID -gt 0 ]] && echo ok
#### wait for whoever is first
(sleep 0.3; exit 3) & (exit 5) & wait -n; echo $?; wait; echo done
#### here-documents and strings
x=v; cat <<EOF <<< "$x"
no
EOF
cat <<-'Q'
	$x
	Q
#### heredoc into a loop of arrays
declare -A seen; while IFS='=' read -r k v; do seen[$k]=$v; done <<EOF
a=1
b=2
EOF
echo "${seen[a]}${seen[b]}"
#### continue and break in the condition of until
until continue; do echo x; break; done; echo end; i=0; until i=$((i+1)); test $i -gt 3 && break; continue; do echo body; done; echo $i; for i in 1 2; do until continue 2; do echo x; done; echo not; done; echo end; until break; do echo x; done; echo "$?"
#### BASHPID in subshells
a=$BASHPID; [ $a = $$ ] && echo same; [ $a != "$(echo $BASHPID)" ] && echo other; (x=$BASHPID; [ $x != $a ] && sh -c "[ \$PPID = $x ]" && echo "its children say so"; :); f() { echo $BASHPID; }; [ $(f) != $$ ] && echo in a function; (exit 3); echo $?; x=$(echo a; exit 5); echo $? $x; v=1; (v=2; cd /); echo $v; [ "$PWD" != / ] && echo here
#### coprocesses
coproc cat; echo "${#COPROC[@]} $((COPROC_PID == $!))"; echo hi >&"${COPROC[1]}"; read -r l <&"${COPROC[0]}"; echo "got $l"; exec {COPROC[1]}>&-; wait $COPROC_PID; echo "$? [${COPROC[0]}] [${COPROC_PID-unset}]"; coproc NAME { while read -r a; do echo "<$a>"; done; exit 3; }; echo a >&${NAME[1]}; read -u ${NAME[0]} x; echo $x; exec {NAME[1]}>&-; wait $NAME_PID; echo $?; coproc X (echo sub); cat <&${X[0]}; wait; coproc nonesuch_cmd 2>/dev/null; wait $!; echo $?
#### coprocesses in functions and groups
f() { coproc tr a-z A-Z; echo abc >&${COPROC[1]}; exec {COPROC[1]}>&-; cat <&${COPROC[0]}; wait; }; f; f; { coproc X { cat; }; } 2>/dev/null; echo a >&${X[1]}; read -u ${X[0]} v; echo $v; { exec {X[1]}>&-; } 2>/dev/null; read -u ${X[0]} v; echo $?; wait $X_PID; coproc 1x { echo; }; echo $?
#### who has a coprocess
coproc cat; { echo piped | cat >&${COPROC[1]}; } 2>/dev/null; (echo sub >&${COPROC[1]}) 2>/dev/null; echo $?; /bin/echo program >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x; y=$(echo substituted >&${COPROC[1]}); read -u ${COPROC[0]} x; echo $x
#### descriptors in elements
declare -A h; exec {h[a]}>out; echo x >&${h[a]}; exec {h[a]}>&-; cat out; declare -a z; exec {z[3]}<out; read -u ${z[3]} l; echo $l ${!z[@]}
#### jobs in substitutions and pipelines
sleep 0.3 & jobs | wc -l; jobs -p | wc -l; x=$(jobs -p); [ "$x" = $! ] && echo same; (jobs -p | wc -l); kill $(jobs -p); wait; echo $?; sleep 0.2 & y=$(jobs); echo "$y"
#### listing jobs
sleep 0.2 & sleep 0.3 & (exit 3) & sleep 0.1;  jobs; echo --; jobs -l | sed "s/ *[0-9][0-9]* Run/ N Run/"; echo --; jobs -r; echo --; jobs %1; jobs -p | wc -l; jobs -s; jobs %9; echo $?;  jobs -z; echo $?; kill %1 ; sleep 0.05; jobs; wait $!; echo $?
#### killing jobs at the end
trap 'kill $(jobs -p)' EXIT; sleep 5 & sleep 5 & echo x
#### jobs that have ended
(exit 4) & p=$!; sleep 0.1; jobs; wait $p; echo $?
#### counts of loops that are none
for f in 1 2 3; do echo $f; break 0; echo r $?; done; echo after $?; for f in 1 2; do echo $f; continue -1; done; echo after $?; for i in 1; do for f in 1 2; do continue 0; done; echo in $?; done; echo out $?; continue 0; echo $?; for f in 1 2; do false; break; done; echo $?; for f in 1 2; do echo $f; break x; done; echo after
#### hash with paths
hash -p /some/cat cat; hash -t cat; hash -t cat ls; echo $?; hash -l; type cat; type -t cat; type -P cat; hash -t nope; echo $?; hash -d cat; hash -l; hash -r
#### what is exported of directories
unset OLDPWD; cd /; declare -p OLDPWD | grep -o "declare -[-a-z]* OLDPWD"; export OLDPWD; cd /tmp; declare -p OLDPWD; OLDPWD=/nonexistent bash -c 'echo ${OLDPWD-unset}; declare -p OLDPWD; env | grep OLDPWD; cd /; echo $OLDPWD; env | grep -c ^OLDPWD'; env | grep ^PWD
#### references that loops lead on, and those that are none
a=1 b=2 c=3; declare -n ref; for ref in a b c; do ref=$((ref * 10)); done; echo $a $b $c ${!ref}; declare -n r1=1; echo $?; declare -n r2="a b"; echo $?; declare -n r3='x[0]'; echo $?; declare -n r4='x[0]y'; echo $?; declare -n r5=; echo $?; v=value; unset -n v; echo $v; declare -rn fixed=v; unset -n fixed; echo $?; echo $fixed; unset -n ref; ref=plain; echo $ref $c
#### a function's own variables hide what bash makes up
f(){ local SECONDS=xx EPOCHSECONDS=3 LINENO=7 BASHPID=p DIRSTACK=d BASH_SUBSHELL=s PIPESTATUS=t; true | false; echo $SECONDS $EPOCHSECONDS $LINENO $BASHPID $DIRSTACK $BASH_SUBSHELL $PIPESTATUS; }; f; echo ${#EPOCHSECONDS}; h() { declare -i RANDOM; echo "[$RANDOM]"; RANDOM=2+3; echo $RANDOM; }; h; [ $RANDOM = $RANDOM ] || echo differs; k() { local RANDOM=a; (echo $RANDOM); echo $(echo $RANDOM); echo x | cat - <(echo $RANDOM); m; echo $RANDOM; unset RANDOM; echo "[$RANDOM]"; }; m() { echo m $RANDOM; local RANDOM=b; echo $RANDOM; }; k; [ ${RANDOM-0} != ${RANDOM-1} ] && echo again
#### what bash makes up is gone once it is unset
unset RANDOM GROUPS EPOCHSECONDS LINENO FUNCNAME; echo "[$EPOCHSECONDS][$LINENO][$RANDOM]"; EPOCHSECONDS=4 LINENO=3; echo $EPOCHSECONDS $LINENO; GROUPS=(1 2); RANDOM=5; echo $RANDOM "${GROUPS[@]}"; g(){ unset SECONDS; echo "[$FUNCNAME]"; local RANDOM=6; echo $RANDOM; }; g; echo "[$SECONDS]" $RANDOM
#### options as variables are read-only
(SHELLOPTS=x; echo no); (unset BASHOPTS; echo $?); case $SHELLOPTS in *braceexpand*) echo yes;; esac
