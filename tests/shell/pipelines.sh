# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### two programs
printf 'b\na\n' | sort
#### three stages
seq 20 | tail -n 5 | head -n 2
#### builtin into program
echo hello | cat
#### program into loop
seq 3 | while read n; do echo "n=$n"; done
#### loop into program
for i in 3 1 2; do echo $i; done | sort
#### loop into loop
for i in 1 2 3; do echo $i; done | while read n; do echo $((n * 2)); done
#### loop between programs
seq 3 | while read n; do echo "x$n"; done | sort -r
#### function in the middle
double() { while read n; do echo $((n * 2)); done; }
seq 3 | double | double | cat
#### stages run in subshells
x=1; echo 2 | { read x; echo $x; }; echo $x
#### echo into read does not reach the shell
echo hi | read x; echo "[$x]"
#### status is that of the last stage
false | true; echo $?; true | false; echo $?
#### exit in a stage leaves only the stage
{ exit 3; } | cat; echo $?; echo x | { cat; exit 4; }; echo $?
#### a stage that stops early ends the one before
yes | head -n 2
#### a shell stage that stops early
while :; do echo y; done | head -n 2; echo done
#### nested pipelines
{ echo b; { echo c; echo a; } | sort; } | cat
#### negated pipeline
! echo a | cat; echo $?
#### a pipe continues on the next line
echo a |

cat
#### more data than a pipe holds
seq 40000 | { while read n; do last=$n; done; echo $last; }
#### substitution inside a later stage reads the pipe
echo data | echo "got $(cat)"
#### standard error is not piped
{ echo out; echo err >&2; } 2>/dev/null | cat
#### the shell reads on after a program in a pipe
printf '1\n2\n3\n' | { read a; read b; cat; echo "$a$b"; }
