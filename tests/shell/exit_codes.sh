# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### not found
nonexistent-command 2>/dev/null; echo $?
#### not found by path
./nope 2>/dev/null; echo $?
#### not executable
echo x > f; ./f 2>/dev/null; echo $?
#### a directory
mkdir d; ./d 2>/dev/null; echo $?
#### exit
exit 42
#### exit without a number
false; exit
#### large exit codes wrap
sh -c 'exit 300'; echo $?
#### signals
sh -c 'kill -9 $$'; echo $?; sh -c 'kill -TERM $$'; echo $?
#### the last command's
false
#### syntax error
if then
#### syntax error in eval
eval 'if then' 2>/dev/null; echo never
#### syntax error in a nested shell
sh -c 'if then' 2>/dev/null; echo $?
#### a script without a shebang
printf 'echo "script $1"; exit 7\n' > s; chmod +x s; ./s arg; echo $?
#### a script with a shebang
printf '#!/bin/sh\necho "script $1 $#"\n' > s; chmod +x s; ./s a b
#### sh with a file
printf 'echo "$0 $1"\n' > s; sh s arg; echo $?
#### sh with a missing file
sh ./missing 2>/dev/null; [ $? -ne 0 ] && echo failed
#### sh -c with name and arguments
sh -c 'echo $0 $1 $#' name a b
#### sh from standard input
printf 'echo one\necho two\n' | sh
#### sh -s with arguments
echo 'echo $1 $#' | sh -s x y
#### options on the command line
sh -ec 'false; echo never'; echo $?; sh -uc 'echo $nope' 2>/dev/null; echo $?
#### exported functions do not exist
f() { :; }; sh -c 'f' 2>/dev/null; echo $?
