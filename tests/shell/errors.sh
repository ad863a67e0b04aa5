# What an error ends: the shell, one command, or nothing. The form of this file is told in builtins.sh.
#### redirection fails: set -e failed redirection of group
set -e; { echo in; } > /nonexistent/x; echo after
#### redirection fails: if
set -e; if true; then echo in; fi > /nonexistent/x; echo after
#### redirection fails: loop
set -e; while true; do echo in; break; done < /nonexistent; echo after
#### redirection fails: for
set -e; for i in 1; do echo in; done < /nonexistent; echo after
#### redirection fails: case
set -e; case a in a) echo in;; esac < /nonexistent; echo after
#### redirection fails: subshell
set -e; ( echo in ) < /nonexistent; echo after
#### redirection fails: simple
set -e; cat < /nonexistent; echo after
#### redirection fails: builtin
set -e; echo a > /nonexistent/x; echo after
#### redirection fails: null
set -e; > /nonexistent/x; echo after
#### redirection fails: null without e
> /nonexistent/x; echo after $?
#### redirection fails: assignment
a=1 > /nonexistent/x; echo after $? $a
#### redirection fails: function
f() { echo in; }; set -e; f > /nonexistent/x; echo after
#### redirection fails: function definition redirect
f() { echo in; } > /nonexistent/x; set -e; f; echo after
#### redirection fails: special
: > /nonexistent/x; echo after
#### redirection fails: special set
set a b > /nonexistent/x; echo after
#### redirection fails: special via command
command : > /nonexistent/x; echo after $?
#### redirection fails: command exec
command exec 3> /nonexistent/x; echo after $?
#### redirection fails: exec redirect
exec 3> /nonexistent/x; echo after
#### redirection fails: exec program
exec echo a > /nonexistent/x; echo after
#### redirection fails: eval
eval echo a > /nonexistent/x; echo after
#### redirection fails: dot
echo 'echo s' > s; . ./s > /nonexistent/x; echo after
#### redirection fails: export
export A=1 > /nonexistent/x; echo after
#### redirection fails: special in subshell
( : > /nonexistent/x; echo no ); echo after $?
#### redirection fails: special in and or
: > /nonexistent/x || echo or; echo after
#### redirection fails: in if
set -e; if { echo in; } > /nonexistent/x; then echo y; else echo n; fi; echo after
#### redirection fails: in or
set -e; { echo in; } > /nonexistent/x || echo or; echo after
#### redirection fails: negated
set -e; ! { echo in; } > /nonexistent/x; echo after
#### redirection fails: in pipeline
set -e; { echo in; } > /nonexistent/x | cat; echo after
#### redirection fails: last in pipeline
set -e; echo | { echo in; } > /nonexistent/x; echo after
#### redirection fails: bad fd
{ echo in; } >&9; echo after $?
#### redirection fails: bad fd set e
set -e; { echo in; } >&9; echo after $?
#### redirection fails: bad fd special
: >&9; echo after $?
#### redirection fails: group in function with e
set -e; f() { { echo in; } > /nonexistent/x; echo inside; }; f; echo after
#### redirection fails: nested group inside
set -e; { { echo in; } > /nonexistent/x; echo inside; }; echo after
#### redirection fails: EXIT trap on failed redirection
trap 'echo bye $?' EXIT; : > /nonexistent/x; echo after
#### redirection fails: read redirect
read a < /nonexistent; echo $?
#### redirection fails: expansion error in redirect
set -u; echo a > $undefined; echo after
#### redirection fails: expansion error in simple external
set -u; cat $undefined; echo after
#### redirection fails: pipe and expansion error
echo a | cat > ${undefined?no}; echo after $?
#### redirection fails: external expansion error in redirect
cat < ${undefined?no}; echo after $?
#### redirection fails: group expansion error in redirect
{ echo; } < ${undefined?no}; echo after $?
#### readonly: assignment
readonly a=1; a=2; echo after $?
#### readonly: before external
readonly a=1; a=2 cat /dev/null; echo after $?
#### readonly: before builtin
readonly a=1; a=2 echo x; echo after $?
#### readonly: before special
readonly a=1; a=2 :; echo after $?
#### readonly: before function
f() { echo f; }; readonly a=1; a=2 f; echo after $?
#### readonly: before command
readonly a=1; a=2 command echo x; echo after $?
#### readonly: subshell
readonly a=1; (a=2; echo no); echo after $?
#### readonly: for
readonly a=1; for a in 1 2; do echo no; done; echo after $?
#### readonly: read
readonly a=1; echo x | read a; echo after $?
#### readonly: read here
readonly a=1; read a <<X
b
X
echo after $? $a
#### readonly: read second
readonly b=1; read a b c <<X
x y z
X
echo after $? $a
#### readonly: getopts
readonly o=1; set -- -a; getopts a o; echo after $?
#### readonly: getopts OPTARG
readonly OPTARG=1; set -- -a x; getopts a: o; echo after $?
#### readonly: export
readonly a=1; export a=2; echo after $?
#### readonly: export name
readonly a=1; export a; echo after $? $a; sh -c 'echo $a'
#### readonly: readonly again
readonly a=1; readonly a=2; echo after $?
#### readonly: readonly again same
readonly a; readonly a; echo after $?
#### readonly: readonly unset var
readonly a; a=1; echo after
#### readonly: unset
readonly a=1; unset a; echo after $?
#### readonly: unset -v
readonly a=1; unset -v a; echo after $?
#### readonly: command unset
readonly a=1; command unset a; echo after $?
#### readonly: command export
readonly a=1; command export a=2; echo after $? $a
#### readonly: command readonly
readonly a=1; command readonly a=2; echo after $? $a
#### readonly: local
readonly a=1; f() { local a=2; echo $a; }; f; echo after $? $a
#### readonly: local name
readonly a=1; f() { local a; echo $a; }; f; echo after $? $a
#### readonly: arithmetic assignment
readonly a=1; echo $((a=2)); echo after $?
#### readonly: arithmetic assignment 2
readonly a=1; : $((a+=2)); echo after $?
#### readonly: default assignment
readonly a; : ${a:=x}; echo after $?
#### readonly: in pipeline
readonly a=1; a=2 echo x | cat; echo after $?
#### readonly: external in pipeline
readonly a=1; a=2 cat /dev/null | cat; echo after $?
#### readonly: in subst
readonly a=1; x=$(a=2; echo no); echo after $? [$x]
#### readonly: exit trap
trap 'echo bye $?' EXIT; readonly a=1; a=2; echo after
#### readonly: or
readonly a=1; a=2 || echo or; echo after
#### readonly: cd OLDPWD
readonly OLDPWD; cd / ; echo after $?
#### readonly: exec
readonly a=1; a=2 exec echo hi; echo after
#### readonly: OPTIND
readonly OPTIND; set -- -a -b; getopts ab o; echo after $?
#### readonly: bad name
readonly 1a=2; echo after
#### readonly: bad export
export a-b=1; echo after
#### readonly: bad unset
unset a-b; echo after $?
#### readonly: command bad export
command export a-b=1; echo after $?
#### readonly: eval
readonly a=1; eval a=2; echo after
#### readonly: eval command
readonly a=1; command eval a=2; echo after $?
#### readonly: background
readonly a=1; a=2 sleep 0 & wait $!; echo after $?
#### readonly: group of assignments
readonly b=1; a=1 b=2 c=3; echo after
#### error: shift bad
shift 5; echo after
#### error: command shift bad
command shift 5; echo after $?
#### error: return bad
f() { return x; }; f; echo after
#### error: return bad through command
f() { command return x; echo in $?; }; f; echo after
#### error: command return
f() { command return 3; echo in $?; }; f; echo after $?
#### error: command break
for i in 1 2; do command break; echo no; done; echo after
#### error: command exit
command exit 3; echo after
#### error: exit bad
exit x; echo after
#### error: command exit bad
command exit x; echo after $?
#### error: break bad
for i in 1 2; do break x; done; echo after
#### error: set bad
set -Z; echo after
#### error: command set bad
command set -Z; echo after $?
#### error: trap bad
trap x NOSUCH; echo after $?
#### error: eval syntax
eval 'if'; echo after
#### error: command eval syntax
command eval 'if'; echo after $?
#### error: command eval exit
command eval 'exit 4'; echo after $?
#### error: command eval unset parameter
command eval ': ${x?no}'; echo after $?
#### error: command dot missing
command . ./missing; echo after $?
#### error: exec missing
exec /nonexistent; echo after $?
#### error: command exec missing
command exec /nonexistent; echo after $?
#### error: umask bad
umask x; echo after $?
#### error: arithmetic error
echo $((1/0)); echo after
#### error: arithmetic error in builtin
set -- ; test $((1/0)); echo after
#### error: getopts bad
getopts; echo after $?
#### error: getopts bad name
getopts a 1x; echo after $?
#### error: cd many
cd a b c; echo after $?
#### error: local outside
local a; echo after $?
#### error: set -e in function through command
set -e; command false; echo after
#### error: set -e eval false under command
set -e; command eval false; echo after
#### error: errors in traps
trap ': ${x?no}; echo in trap' EXIT; exit 3
#### error: errors in signal traps
trap ': ${x?no}' USR1; kill -USR1 $$; echo after
#### error: readonly in trap
readonly a=1; trap 'a=2; echo no' EXIT; exit 3
#### error: unset function and readonly
readonly f=1; f() { echo f; }; unset -f f; f 2>/dev/null; echo $?
#### error: unset absent
unset nosuch; echo $?; unset -f nosuch; echo $?; unset -v nosuch; echo $?
#### names of functions are not expanded
sh -c '$foo-bar() { :; }; echo no'; echo $?; sh -c 'a-$(echo hi)() { :; }; echo no'; echo $?; sh -c '"a"() { :; }; echo no'; echo $?; a() { echo yes; }; a
