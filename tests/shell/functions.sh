# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### arguments
f() { echo "$# $1 $2"; }; f a b; f; set -- x; f q; echo $1
#### return
f() { return 3; echo never; }; f; echo $?; g() { false; return; }; g; echo $?
#### global variables
f() { x=in; }; x=out; f; echo $x
#### local variables
f() { local x=in y; y=2; echo $x$y; }; x=out; y=1; f; echo $x$y
#### dynamic scope
g() { echo $x; x=changed; }; f() { local x=local; g; echo $x; }; x=global; f; echo $x
#### recursion
fact() { if [ $1 -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }; fact 10
#### deep recursion
down() { [ $1 -eq 0 ] && return; down $(($1 - 1)); }; down 40; echo ok
#### redefinition and unset
f() { echo 1; }; f; f() { echo 2; }; f; unset -f f; f 2>/dev/null; echo $?
#### a subshell as body
f() (x=in; echo $x); x=out; f; echo $x
#### functions hide builtins and programs
echo() { printf 'my %s\n' "$*"; }; echo hi; unset -f echo; echo hi
#### all arguments passed on
g() { for a; do printf '<%s>' "$a"; done; echo; }; f() { g "$@"; }; f 'a b' '' c
#### return inside a loop
f() { for i in 1 2 3; do [ $i = 2 ] && return 5; echo $i; done; }; f; echo $?
#### definition spread over lines
f()
{
  echo multi
}
f
#### exit inside a function
f() { exit 6; }; f; echo never
#### functions in a background job
f() { echo "bg $1" > out; }; f x & wait; cat out
#### functions in a pipeline of functions
a() { echo start; }; b() { read x; echo "$x middle"; }; c() { read x; echo "$x end"; }; a | b | c
