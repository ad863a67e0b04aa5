# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### pipefail
set -o pipefail; false | true; echo $?; true | true; echo $?; (exit 3) | (exit 4) | true; echo $?
#### double brackets
x='a b'; [[ $x == a* ]]; echo $?; [[ $x = "a*" ]]; echo $?; [[ -n $x && 2 -gt 1 ]]; echo $?; [[ ! -e nope || a < b ]]; echo $?
#### here-strings
cat <<< "hello $((1 + 1))"; read x <<< 'a b'; echo $x
#### substrings
x=abcdef; echo ${x:2} ${x:1:3} ${x: -2} ${x:0:1}
#### replacement
x=banana; echo ${x/an/AN} ${x//an/AN} ${x/#ba/B} ${x/%na/N} ${x//a}
#### appending assignment
x=a; x+=b; echo $x
#### ansi quotes
printf '%s\n' $'a\tb\x41'
#### both streams
{ echo out; echo err >&2; } &> f; cat f; { echo more >&2; } &>> f; cat f
#### source
echo 'echo "sourced $1"' > s; source ./s arg
#### the function keyword
function f { echo "kw $1"; }; f x
#### arithmetic commands
i=3; ((i++)); echo $i; ((i > 9)); echo $?; for ((i = 0; i < 3; i++)); do echo $i; done
#### case fall through
case a in a) echo one;& b) echo two;; c) echo three;; esac
#### pipe with standard error
{ echo err >&2; } |& cat
#### sh reads its script line by line
printf 'read x\ndata\necho "got $x"\n' > s; sh < s
