# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### colon, true, false
:; echo $?; true; echo $?; false; echo $?
#### echo
echo -n a; echo; echo 'a\tb\nc'; echo 'x\cy'; echo; echo -e x; echo --
#### printf strings
printf '%s|%5s|%-5s|%.2s\n' abc abc abc abc; printf '%c%c\n' abc def; printf '%%\n'
#### printf numbers
printf '%d %i %05d %+d %x %X %o %u\n' 42 -7 42 42 255 255 8 7; printf '%#x %#o\n' 255 8
#### printf reuses its format
printf '%s-%s\n' a b c; printf '%d\n' 1 2 3
#### printf escapes
printf 'a\tb\\n\101\n'; printf '%b\n' 'x\ty\0101'; printf '\\x'
#### printf errors
printf '%d\n' abc 2>/dev/null; echo $?; printf '%d\n' 12x 2>/dev/null; echo $?
#### printf bases and characters
printf '%d %d %d\n' 0x10 010 "'A"
#### printf floats
printf '%f %.2f %e %g\n' 1.5 2.345 12345.678 0.0001
#### printf width from arguments
printf '[%*d][%-*d]\n' 5 42 5 42
#### cd and pwd
mkdir -p a/b; cd a/b; cd ..; pwd | while read p; do echo ${p##*/}; done; cd -> /dev/null; pwd | while read p; do echo ${p##*/}; done
#### cd to nowhere
cd /nonexistent 2>/dev/null; echo $?
#### cd sets PWD and OLDPWD
cd /; cd /tmp; echo $PWD $OLDPWD
#### eval
x='echo $y'; y=val; eval $x; eval 'a=1; b=2'; echo $a$b; eval; echo $?
#### eval status and exit
eval 'false'; echo $?; eval 'exit 3'; echo never
#### dot
echo 'x=sourced; echo "in $x"; return 4; echo never' > s; . ./s; echo $? $x
#### dot without the file
. ./missing 2>/dev/null; echo never
#### exec with a command
exec echo replaced; echo never
#### exec of nothing to be found
exec nonexistent-command 2>/dev/null; echo never
#### export and readonly listing
export A_B=1; export -p | while read l; do case $l in *A_B*) echo "$l";; esac; done
#### unset a function and a variable
f() { :; }; f=1; unset f; f && echo function; unset -f f; f 2>/dev/null || echo gone
#### shift too far
set -- a; (shift 2) 2>/dev/null; echo $?; set -- a b; shift 2; echo $#
#### set replaces parameters
set -- a b c; set x y; echo $1 $#; set --; echo $#; set -- -e; echo $1
#### getopts
set -- -a -b val -cd rest; while getopts ab:cd o; do echo "$o ${OPTARG:-none}"; done; shift $((OPTIND - 1)); echo $1
#### getopts errors
set -- -x -b; while getopts :ab: o; do echo "$o $OPTARG"; done
#### getopts in a function starts over
f() { OPTIND=1; while getopts n: o "$@"; do echo $OPTARG; done; }; f -n 1; f -n2
#### type and command -v
f() { :; }; command -v f echo >/dev/null; command -v f; command -v if; command -v cd; command -v no-such-thing; echo $?
#### command skips functions
echo() { printf 'mine\n'; }; command echo theirs
#### command keeps special builtins from ending the shell
command . ./missing 2>/dev/null; echo still here
#### umask
umask 027; umask; umask -S; touch f; mkdir d; umask 022
#### wait for nothing
wait; echo $?; wait 99999 2>/dev/null; echo $?
#### break outside a loop
break; echo $?; continue; echo $?
#### true in PATH
command -v cat > /dev/null && echo found
#### times and hash
hash; echo $?
#### no core files
ulimit -c 0 && ulimit -c
#### what other shells have is as it stands
echo -e 'a\tb'; echo -ne x; echo -E a; echo -n -n a
