# class: shell: files of the host
# rule: paths of a VM are its kernel's; there is no file of the host but beneath a mount
# expects: DENIED by the host's path: exit code 1
# expects: DENIED above the mount: exit code 1
# expects: DENIED through a link: exit code 1
# expects: DENIED through a folder's link: exit code 1
# expects: DENIED through an absolute link: exit code 1
# expects: DENIED the root of a process: exit code 1
# expects: DENIED the root of the first process: exit code 1
# expects: DENIED the directory of a process: exit code 1
# expects: DENIED its memory: exit code 1
# expects: DENIED its maps: exit code 1
# expects: DENIED its executable: not in it
# expects: DENIED another's environment: not in it
# expects: DENIED the kernel's log: exit code 1
# expects: DENIED its core: exit code 1
# expects: DENIED the disk: exit code 1
# expects: DENIED memory of the machine: exit code 1
# expects: DENIED sysfs: exit code 1
# expects: DENIED a socket of docker: exit code 1
# expects: DENIED a socket of the mount: exit code 1
# expects: DENIED a pipe of the mount: exit code 1
# expects: DENIED cd out of the mount: exit code 1
# expects: DENIED cd -P through a link: exit code 2
# expects: DENIED a copy of a link's target: exit code 1
# expects: DENIED a hard link: exit code 1
# expects: DENIED a link made in the mount: exit code 1
# expects: DENIED realpath: exit code 1
. /escape/report.sh
reads() { probe "$1" cat "$2"; }
reads "by the host's path" "$HOST_FOLDER/secret.txt"
reads "above the mount" /m/../secret.txt
reads "through a link" /m/link.txt
reads "through a folder's link" /m/up/secret.txt
reads "through an absolute link" /m/absolute/secret.txt
reads "the root of a process" "/proc/self/root$HOST_FOLDER/secret.txt"
reads "the root of the first process" "/proc/1/root$HOST_FOLDER/secret.txt"
reads "the directory of a process" "/proc/self/cwd/../..$HOST_FOLDER/secret.txt"
reads "its memory" /proc/self/mem
reads "its maps" /proc/self/maps
absent "its executable" cat /proc/self/exe
absent "another's environment" cat /proc/2/environ
reads "the kernel's log" /proc/kmsg
reads "its core" /proc/kcore
reads "the disk" /dev/sda
reads "memory of the machine" /dev/mem
reads "sysfs" /sys/kernel/uevent_seqnum
reads "a socket of docker" /var/run/docker.sock
reads "a socket of the mount" /m/socket
reads "a pipe of the mount" /m/pipe
probe "cd out of the mount" sh -c 'cd /m/folder && cd ../.. && cat secret.txt'
probe "cd -P through a link" sh -c 'cd -P /m/up && cat secret.txt'
probe "a copy of a link's target" cp /m/link.txt /tmp/copy
probe "a hard link" ln /m/link.txt /tmp/hard
probe "a link made in the mount" sh -c 'ln -s "$HOST_FOLDER/secret.txt" /m/mine && cat /m/mine'
probe "realpath" sh -c 'realpath /m/link.txt && cat "$(realpath /m/link.txt)"'
