# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### wait for one
sleep 0.05 & p=$!; wait $p; echo $?
#### status of a job
sh -c 'exit 3' & wait $!; echo $?
#### a compound list in the background
{ echo a; echo b; } > f & wait; cat f
#### variables of the background copy
x=1; { x=2; echo $x > f; } & wait; echo $x; cat f
#### kill
sleep 10 & kill $!; wait $!; echo $?
#### kill by name and number
sleep 10 & kill -s KILL $!; wait $!; echo $?; sleep 10 & kill -2 $! 2>/dev/null; kill -TERM $! 2>/dev/null; wait $!; [ $? -gt 128 ] && echo signalled
#### several at once
for i in 1 2 3; do { sleep 0.0$i; echo $i >> f; } & done; wait; sort f
#### a pipeline in the background
echo x | cat > f & wait; cat f
#### and-or lists in the background
false && echo no > f || echo yes > f & wait; cat f
#### not found in the background
nonexistent-command 2>/dev/null & wait $!; echo $?
#### input of a background job is empty
echo data | { cat & wait; cat; }
#### exit of the shell does not wait
sleep 5 & echo done
#### a subshell that stops the shell goes on, and continues it
(kill -s STOP $$; status=$?; kill -s CONT $$; exit $status); echo $?; x=$(kill -STOP $$; echo inside; kill -CONT $$); echo "$x"; (kill -STOP $$; kill -CONT $$) | cat; echo end
#### a shell that a subshell has stopped stands still once that has ended
sh -c '(kill -STOP $$; echo inside); echo outside' & sleep 0.3; echo before; kill -CONT $!; wait $!; echo $?
