# How an attack in the shell says what came of its probes; see report.mjs.

# Runs a command. Where it works, the attack does.
probe() {
  what=$1
  shift
  if "$@" >/tmp/.seen 2>/dev/null; then echo "ESCAPED $what"; else echo "DENIED $what: exit code $?"; fi
}

# Runs a command that may work: what only the host has must not be in what it prints.
absent() {
  what=$1
  shift
  "$@" >/tmp/.seen 2>/dev/null
  found=
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in *canary*-*4f1d9c27*) found=1 ;; esac
  done </tmp/.seen
  if [ -n "$found" ]; then echo "ESCAPED $what"; else echo "DENIED $what: not in it"; fi
}
