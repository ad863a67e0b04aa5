# Paths that name the descriptors of whoever opens them. The form of this file is told in builtins.sh.
#### dev stdout in group
{ echo a > /dev/stdout; echo b >> /dev/stdout; } > f; cat f
#### dev stderr
{ echo a > /dev/stderr; } 2> f; cat f; echo x 2>&1 > /dev/stderr | cat
#### dev stdin in pipeline
echo a | { read x < /dev/stdin; echo "[$x]"; }; echo b | cat /dev/stdin; echo c | cat < /dev/stdin; echo d | (cat < /dev/fd/0)
#### dev fd N
echo q > f; exec 3< f; cat < /dev/fd/3; exec 3<&-; { echo r > /dev/fd/4; } 4> g; cat g; cat < /dev/fd/7 2>/dev/null; echo $?
#### proc self fd
{ echo a > /proc/self/fd/1; } > f; cat f; echo b | { read x < /proc/self/fd/0; echo $x; }
#### function
f() { echo in > /dev/stdout; echo err > /dev/stderr; }; f > o 2> e; cat o e; f 2>&1 | cat
#### subshell and substitution
x=$(echo sub > /dev/stdout); echo "[$x]"; (echo s > /dev/stdout) > f; cat f; y=$(echo e 2>&1 > /dev/stderr); echo "[$y]"
#### program writes to /dev/stdout
echo a | tee /dev/stderr 2> f; cat f; { echo b | tee /dev/stdout; } > g; cat g
#### here document
cat /dev/fd/0 <<X
here
X
read l < /dev/stdin <<X
twice
X
echo "$l"
#### test -e
[ -e /dev/stdin ] && echo in; [ -e /dev/fd/1 ] && echo out; [ -e /dev/fd/9 ] || echo no9; echo | { [ -p /dev/stdin ] && echo pipe; }; [ -r /dev/stdin ] && echo r; { [ -f /dev/stdout ] && echo file >&2; } > f 2> g; cat g
#### redirect order
echo a 3>&1 > f > /dev/fd/3; cat f
#### while loop
printf '1\n2\n' > in; while read a; do echo $a; done < in > /dev/stdout
#### dot file from stdin
echo 'echo sourced' | . /dev/stdin; echo 'echo s2' | sh /dev/stdin
#### append keeps
echo a > f; { echo b > /dev/stdout; } >> f; cat f
#### truncates a file
echo abc > f; { echo d > /dev/fd/1; } 1<> f; cat f
#### read only
: > f; { echo a > /dev/fd/3; } 3< f 2>/dev/null; echo $?; cat f
#### closed
{ cat < /dev/stdin; } <&- 2>/dev/null; echo $?; { echo a > /dev/stdout; } 2>/dev/null >&-; echo $?
#### new offset on reopening
echo abcdef > f; exec 3< f; read -r a <&3; cat /dev/fd/3 < /dev/null | cat; cat < /dev/fd/3
#### cat of dash
echo a | cat -; echo b | cat - /dev/null
#### ls dev fd
{ ls /dev/fd/ | while read -r n; do case $n in 0|1|2) echo $n;; esac; done; } 2>/dev/null
