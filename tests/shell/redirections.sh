# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### output and append
echo a > f; echo b >> f; cat f; echo c > f; cat f
#### input
echo text > f; cat < f; read x < f; echo $x
#### descriptors by number
{ echo out; echo err >&2; } > o 2> e; cat e o
#### both to one file
{ echo out; echo err >&2; } > f 2>&1; cat f
#### order matters
{ { echo out; echo err >&2; } 2>&1 > f; } | while read l; do echo "pipe:$l"; done; cat f
#### swapping
{ echo out; echo err >&2; } 3>&1 1>&2 2>&3 3>&- 2>/dev/null | cat
#### exec opens and closes
exec 3> f; echo x >&3; exec 3>&-; cat f
#### exec for input
printf 'a\nb\n' > f; exec 4< f; read x <&4; read y <&4; echo $y$x
#### reading and writing
printf 'abc\n' > f; exec 3<> f; read x <&3; echo new >&3; cat f
#### redirections before the command
> f echo hi; < f cat
#### redirection without a command creates the file
> f; ls
#### closed output
echo hi >&- 2>/dev/null; echo $?
#### a missing file
cat < missing 2>/dev/null; echo $?
#### a missing directory
echo x > missing/f 2>/dev/null; echo $?
#### a failed redirection of a special builtin ends the shell
: > missing/f
echo never
#### noclobber
set -C; echo a > f; echo b > f; echo $?; echo c >| f; cat f; echo d > /dev/null; echo $?
#### redirected loop reads lines
printf '1\n2\n' > f; while read n; do echo "<$n>"; done < f
#### redirections of a function definition
f() { echo in; } > out; f; cat out
#### words in redirections are expanded
n=name; echo x > "$n.txt"; ls
#### /dev/null
echo gone > /dev/null; cat < /dev/null; echo $?
#### append through one descriptor
exec 5> f; echo a >&5; sh -c 'echo b >&5'; echo c >&5; exec 5>&-; cat f
#### a descriptor put where it is
echo hello 3<&3; : 3>&3; echo $?; echo again 1>&1
#### named pipes between what is in the background
mkfifo a b; echo foo > a & cat a > b & cat b & wait; (cat < a | tr a-z A-Z) & echo bar > a; wait
#### a first command that waits for the second
mkfifo p; echo one > p | cat p; printf 'x\n' > p | (read l < p; echo "got $l")
#### a here-document cannot be written to
echo hi 2>/dev/null 1<<X
text
X
echo $?; { echo hi >&3; } 3<<X 2>/dev/null
text
X
echo $?; cat 3<<X <&3
text
X
