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
