# class: shell: environment and descriptors of the host
# rule: a program's environment and descriptors are those that its VM's kernel gives it
# expects: DENIED env: not in it
# expects: DENIED set: not in it
# expects: DENIED export -p: not in it
# expects: DENIED of its process: not in it
# expects: DENIED of the first process: not in it
# expects: DENIED of all processes: not in it
# expects: DENIED as a parameter: not in it
# expects: DENIED a descriptor of the host: exit code 2
# expects: DENIED more of them: exit code 1
# expects: DENIED one in /dev/fd: exit code 1
# expects: DENIED one in /proc: exit code 1
# expects: DENIED a socket by path: exit code 2
# expects: DENIED /dev/tcp: exit code 2
# expects: DENIED /dev/tty: exit code 2
. /escape/report.sh
absent "env" env
absent "set" set
absent "export -p" export -p
absent "of its process" cat /proc/self/environ
absent "of the first process" cat /proc/1/environ
absent "of all processes" sh -c 'cat /proc/[0-9]*/environ'
absent "as a parameter" sh -c 'echo "$ESCAPE_CANARY ${ESCAPE_CANARY-}"'
probe "a descriptor of the host" sh -c 'cat <&3'
probe "more of them" sh -c 'for n in 4 5 6 7 8 9; do cat <&$n && exit 0; done; exit 1'
probe "one in /dev/fd" cat /dev/fd/3
probe "one in /proc" sh -c 'cat /proc/1/fd/3'
probe "a socket by path" sh -c 'echo GET > /m/socket'
probe "/dev/tcp" sh -c 'cat < /dev/tcp/127.0.0.1/22'
probe "/dev/tty" sh -c 'cat < /dev/tty'
