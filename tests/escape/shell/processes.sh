# class: shell: other processes and devices
# rule: processes are the VM's own; there is no privilege, no mount and no device of the host
# expects: DENIED killing the first process: exit code 1
# expects: DENIED killing beyond the VM: exit code 1
# expects: DENIED set-user-id on a file of the host: exit code 1
# expects: DENIED mount: exit code 127
# expects: DENIED chroot: exit code 127
# expects: DENIED su: exit code 127
# expects: DENIED mknod: exit code 127
# expects: DENIED nice: exit code 1
# expects: DENIED raising a limit: exit code 1
# expects: DENIED writing to /proc: exit code 2
# expects: DENIED writing to the oom score: exit code 2
# expects: DENIED writing to a program: exit code 2
# expects: DENIED the host's name: exit code 1
# expects: DENIED the host's users: exit code 1
. /escape/report.sh
probe "killing the first process" kill -9 1
probe "killing beyond the VM" kill -9 4000
probe "set-user-id on a file of the host" sh -c 'chmod 6755 /m/inside.txt; [ -u /m/inside.txt ] || [ -g /m/inside.txt ]'
probe "mount" mount -t proc proc /tmp
probe "chroot" chroot / true
probe "su" su -c true
probe "mknod" mknod /tmp/disk b 8 0
probe "nice" sh -c 'nice -n -20 nice | grep -v "^0$"'
probe "raising a limit" sh -c 'ulimit -n 1000000 && [ "$(ulimit -n)" -ge 1000000 ]'
probe "writing to /proc" sh -c 'echo 1 > /proc/sys/kernel/core_pattern'
probe "writing to the oom score" sh -c 'echo -1000 > /proc/self/oom_score_adj'
probe "writing to a program" sh -c 'echo x > /bin/sh'
probe "the host's name" sh -c 'n=$(cat /etc/hostname 2>/dev/null || uname -n); [ "$n" = "$HOST_NAME" ]'
probe "the host's users" sh -c 'cat /etc/shadow'
