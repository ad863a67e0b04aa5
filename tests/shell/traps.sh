# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### on exit
trap 'echo bye' EXIT; echo hi
#### on exit with a status
trap 'echo "status $?"' EXIT; exit 3
#### exit in the trap
trap 'exit 5' EXIT; exit 3
#### by number and removed
trap 'echo no' 0; trap - EXIT; echo end
#### not in subshells
trap 'echo bye' EXIT; (echo sub); echo main
#### a subshell's own
(trap 'echo sub-bye' EXIT; echo sub); echo main
#### after set -e
trap 'echo cleaned' EXIT; set -e; false; echo never
#### a signal to ourselves
trap 'echo got' TERM; kill -TERM $$; echo after
#### ignored
trap '' TERM; kill -TERM $$; echo alive
#### listing
trap 'echo x' INT; trap
#### in a command substitution
echo $(trap 'echo t' EXIT; echo s)
#### exit in the trap keeps the status
(trap 'false; exit' EXIT; exit 3); echo $?
#### a signal of another process
trap 'echo got' TERM; sh -c 'kill -TERM $PPID'; echo after
#### a loop of programs until a signal comes
trap 'echo cleaned; exit 3' TERM; { sleep 0.2; kill $$; } & while :; do sleep 0.02; done
#### a loop of builtins until a signal comes
trap 'echo cleaned; exit 3' HUP; { sleep 0.2; kill -HUP $$; } & while :; do :; done
#### after the program in front has ended
trap 'echo got' USR1; { sleep 0.1; kill -USR1 $$; } & sleep 0.4; echo after
#### after a command substitution
trap 'echo got' USR1; { sleep 0.1; kill -USR1 $$; } & x=$(sleep 0.4; echo y); echo $x
#### wait ends at once
trap 'echo got' USR1; { sleep 0.1; kill -USR1 $$; sleep 0.3; } & wait; echo $?; wait; echo $?
#### wait for one job ends at once
trap 'echo got' USR2; { sleep 0.1; kill -USR2 $$; sleep 0.3; exit 5; } & wait $!; echo $?; wait $!; echo $?
#### read ends at once
{ sleep 0.2; kill -USR1 $(cat pid); sleep 0.3; echo line; } | sh -c 'echo $$ > pid; trap "echo got" USR1; read x; echo $? [$x]; read y; echo $? [$y]'
#### two signals, the lower number first
trap 'echo int' INT; trap 'echo term' TERM; sh -c "kill -TERM $$; kill -INT $$"; echo end
#### a signal while a trap runs
trap 'echo one; kill -USR2 $$; echo two' USR1; trap 'echo three' USR2; kill -USR1 $$; echo end
#### the status before the trap
trap 'echo $?; false' USR1; (exit 3); kill -USR1 $$; echo $?; ! kill -USR1 $$; echo $?
#### exit in a signal's trap takes the status before it
trap 'false; exit' USR1; kill -USR1 $$; echo no
#### return and break in a trap
trap 'return 3' USR1; f() { kill -USR1 $$; echo no; }; f; echo $?; trap 'break' USR1; while :; do kill -USR1 $$; echo no; done; echo $?
#### set -e in a trap
set -e; trap 'false; echo no' USR1; if kill -USR1 $$; then echo in; fi; echo no
#### the EXIT trap runs after a trap that exits
trap 'echo bye $?' EXIT; trap 'exit 7' TERM; kill $$; echo no
#### the EXIT trap does not run where a signal ends the shell
sh -c 'trap "echo bye" EXIT; kill $$; echo no'; echo $?
#### back to the default
sh -c 'trap "echo a" USR1; trap - USR1; kill -USR1 $$; echo no'; echo $?
#### a trap that takes itself away
sh -c 'trap "trap - USR1; echo once" USR1; kill -USR1 $$; kill -USR1 $$; echo no'; echo $?
#### what is ignored is inherited
trap '' USR1; sh -c 'kill -USR1 $$; echo alive'; trap - USR1; sh -c 'kill -USR1 $$; echo no'; echo $?
#### what was ignored from the start stays ignored
trap '' TERM; sh -c 'trap - TERM; kill $$; echo alive; trap "echo no" TERM; kill $$; echo alive'
#### what is trapped is not inherited
trap 'echo no' USR1; sh -c 'kill -USR1 $$; echo no'; echo $?
#### a background job does not have the traps
trap 'echo no' TERM; { while :; do sleep 0.05; done; } & sleep 0.2; kill $!; wait $!; echo $?
#### a background subshell has its own
(trap 'echo sub; exit 3' TERM; while :; do sleep 0.05; done) & sleep 0.2; kill $!; wait $!; echo $?
#### a subshell leaves the signal to its shell
trap 'echo outer' USR1; (kill -USR1 $$; echo sub); echo end
#### a subshell with its own trap leaves it too
trap 'echo outer' USR1; (trap 'echo inner' USR1; kill -USR1 $$; echo sub); echo end
#### a command substitution leaves the signal to its shell
trap 'echo outer' USR1; x=$(kill -USR1 $$; echo sub); echo end $x
#### a stage of a pipeline leaves the signal to its shell
trap 'echo got' USR1; echo x | { kill -USR1 $$; echo sub; }; kill -USR1 $$ | cat; echo end
#### a subshell takes ignoring back for itself alone
trap '' USR1; (trap - USR1; sh -c 'kill -USR1 $$; echo no'; echo $?); sh -c 'kill -USR1 $$; echo alive'
#### a subshell ignores for itself alone
(trap '' USR1; sh -c 'kill -USR1 $$; echo alive'); sh -c 'kill -USR1 $$; echo no'; echo $?
#### exec leaves traps behind
sh -c 'trap "echo no" USR1; exec sh -c "kill -USR1 \$\$; echo no"'; echo $?
#### a signal to a shell that has made way for a program
sh -c 'exec sh -c "trap \"echo got; exit 4\" TERM; while :; do sleep 0.05; done"' & sleep 0.3; kill $!; wait $!; echo $?
#### exec with an ignored signal
sh -c 'trap "" TERM; exec sleep 0.4' & sleep 0.2; kill $!; wait $!; echo $?
#### an interrupt is not for what runs in the background
sleep 0.4 & sleep 0.2; kill -INT $!; wait $!; echo $?
#### SIGPIPE and programs in a stage that runs here
{ yes; echo $? >&2; } | head -n 1; { yes || echo $? > status; } | head -n 1; cat status
#### listing is by number
trap 'echo x' TERM HUP; trap '' INT; trap; trap - HUP; trap
#### KILL and STOP
trap 'echo no' KILL; echo $?; trap 'echo no' STOP; echo $?
#### a builtin that waits for a reader writes on
sh -c 'echo $$ > pid; trap "echo t >> log" USR1; i=0; while [ $i -lt 100 ]; do printf %01024d 0; i=$((i+1)); done' | { sleep 0.3; kill -USR1 $(cat pid); sleep 0.1; wc -c; }; cat log
#### KILL from a subshell
sh -c 'trap "echo no" KILL; (kill -KILL $$); echo no'; echo $?
#### an ignored signal from a subshell
trap '' TERM; sh -c 'trap "echo no" TERM; (kill $$); echo alive'
#### all signal names
for s in HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS; do trap "echo $s" $s || echo bad $s; done; trap
#### names of the end
trap 'echo a' EXIT; trap; trap - EXIT; trap; trap 'echo b' 0; trap - 0; trap 'echo c' exit; echo $?
#### numbers of signals and of statuses
kill -l 143; kill -l 15; kill -l 9; kill -l 0; echo $?; kill -l 129; kill -l 300; echo $?
#### several forms of kill
for f in '-TERM' '-15' '-s TERM' '-s 15' '-s term'; do sleep 5 & kill $f $!; echo $?; wait $!; echo $?; done
#### kill with bad operands
kill x 2>/dev/null; echo $?; kill 99999 2>/dev/null; echo $?; kill -s TERM 2>/dev/null; echo $?
#### trapped: in while read of a pipeline
trap 'echo got' USR1; (sleep 0.2; kill -USR1 $$) & sleep 0.5 | while read x; do :; done; echo after $?; wait
#### trapped: script in file
echo 'trap "echo t; exit 5" TERM; sleep 0.6; echo end' > s; sh s & sleep 0.3; kill $!; wait $!; echo $?
#### trapped: loop of subshells
sh -c 'trap "echo t; exit 5" TERM; while :; do (:); done' & sleep 0.3; kill $!; wait $!; echo $?
#### trapped: loop of substitutions
sh -c 'trap "echo t; exit 5" TERM; while :; do x=$(:); done' & sleep 0.3; kill $!; wait $!; echo $?
#### trapped: loop of programs
sh -c 'trap "echo t; exit 5" TERM; while :; do cat /dev/null; done' & sleep 0.3; kill $!; wait $!; echo $?
#### trapped: script from stdin
echo 'trap "echo t; exit 5" TERM; sleep 0.6; echo end' | sh & sleep 0.3; kill $!; wait $!; echo $?
#### trapped: HUP
sh -c 'trap "echo t; exit 5" HUP; sleep 0.4; echo end' & sleep 0.2; kill -HUP $!; wait $!; echo $?
#### trapped: wait twice after interruption
trap 'echo got' USR1; sleep 0.5 & p=$!; (sleep 0.1; kill -USR1 $$) & wait $p; [ $? -gt 128 ] && echo interrupted; wait $p; echo $?
#### trapped: trap action with redirection of stdin
trap 'read y < f; echo "$y"' USR1; echo inner > f; kill -USR1 $$; echo end
