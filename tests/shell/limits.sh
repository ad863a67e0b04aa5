# What is long or deep. The form of this file is told in builtins.sh.
#### a function calls itself as often as dash allows
f() { if [ $1 -gt 0 ]; then f $(($1-1)); else echo bottom; fi; }; f 990
#### a function goes deep in other ways
f() { case $1 in 0) echo bottom;; *) while :; do (f $(($1-1))); break; done;; esac; }; f 300; g() { x=$([ $1 -gt 0 ] && g $(($1-1)) || echo deep); echo $x; }; g 300; h() { [ $1 -gt 0 ] && eval 'h $(($1-1))' || echo down; }; h 300
#### a long sum
i=0 s=1; while [ $i -lt 6000 ]; do s="$s+1"; i=$((i+1)); done; echo $(($s))
#### many arguments
set -- $(seq 1 10000); /bin/echo "$@" | wc -c; env echo "$@" | wc -c; echo "$#"; printf '%s\n' "$@" | tail -n 1
#### a long argument and a long variable
x=$(seq 1 20000 | tr -d "\n"); /bin/echo "$x" | wc -c; export x; printenv x | wc -c; sh -c 'echo ${#x}'; cat /dev/null; echo $?
#### tac of a pipe
seq 1 3 | tac; printf 'a\nb\n' | tac -
