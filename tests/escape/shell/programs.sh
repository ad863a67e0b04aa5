# class: shell: PATH, links and scripts against childProcess
# rule: childProcess is decided on what will run, after PATH, links and #! lines are resolved
# config: { "permissions": { "childProcess": { "rules": [{ "mode": "deny", "patterns": ["rm", "cat"] }, { "mode": "allow" }] } } }
# expects: DENIED rm: exit code 126
# expects: DENIED its path: exit code 126
# expects: DENIED dots: exit code 126
# expects: DENIED a slash at the end: exit code 127
# expects: DENIED an ending: exit code 127
# expects: DENIED command: exit code 126
# expects: DENIED exec: exit code 126
# expects: DENIED env: exit code 126
# expects: DENIED timeout: exit code 126
# expects: DENIED nohup: exit code 126
# expects: DENIED coreutils: exit code 126
# expects: DENIED coreutils under another name: exit code 126
# expects: DENIED a link: exit code 127
# expects: DENIED a link in PATH: exit code 127
# expects: DENIED a link in an allowed one's place: exit code 1
# expects: DENIED a hard link: exit code 127
# expects: DENIED a script: exit code 126
# expects: DENIED a script of env: exit code 126
# expects: DENIED a function of that name: exit code 126
# expects: DENIED eval: exit code 126
# expects: DENIED a trap: exit code 1
# expects: DENIED the background: exit code 126
# expects: DENIED a substitution: exit code 126
# expects: DENIED xargs: exit code 126
# expects: DENIED find: exit code 1
# expects: DENIED find, one by one: exit code 1
# expects: DENIED awk: exit code 126
# expects: DENIED awk, through a shell: exit code 126
# expects: DENIED a pipe of awk: exit code 1
# expects: DENIED a pipe into awk's command: exit code 1
# expects: DENIED sed: exit code 1
# expects: DENIED textutils: exit code 126
# expects: DENIED findutils: exit code 126
. /escape/report.sh
echo x > /tmp/x
probe "rm" rm /tmp/x
probe "its path" /bin/rm /tmp/x
probe "dots" /bin/../bin/rm /tmp/x
probe "a slash at the end" /bin/rm/ /tmp/x
probe "an ending" /bin/rm.wasm /tmp/x
probe "command" command rm /tmp/x
probe "exec" sh -c 'exec rm /tmp/x'
probe "env" env rm /tmp/x
probe "timeout" timeout 5 rm /tmp/x
probe "nohup" nohup rm /tmp/x
probe "coreutils" coreutils rm /tmp/x
probe "coreutils under another name" sh -c 'ln -s /bin/coreutils /tmp/rm; /tmp/rm /tmp/x'
probe "a link" sh -c 'ln -s /bin/rm /tmp/harmless; /tmp/harmless /tmp/x'
probe "a link in PATH" sh -c 'ln -s /bin/rm /tmp/ok; PATH=/tmp ok /tmp/x'
probe "a link in an allowed one's place" sh -c 'ln -sf /bin/rm /bin/true; true /tmp/x; [ ! -e /tmp/x ]'
probe "a hard link" sh -c 'ln /bin/rm /tmp/hard && /tmp/hard /tmp/x'
probe "a script" sh -c 'echo "#!/bin/rm" > /tmp/s; chmod +x /tmp/s; /tmp/s /tmp/x'
probe "a script of env" sh -c 'printf "#!/bin/env rm\n" > /tmp/e; chmod +x /tmp/e; /tmp/e /tmp/x'
probe "a function of that name" sh -c 'r() { "$@"; }; r rm /tmp/x'
probe "eval" sh -c 'eval "r""m /tmp/x"'
probe "a trap" sh -c 'trap "rm /tmp/x && exit 0" EXIT; exit 1'
probe "the background" sh -c 'rm /tmp/x & wait $!'
probe "a substitution" sh -c 'v=$(rm /tmp/x) && exit 0'
probe "xargs" sh -c 'echo /tmp/x | xargs rm'
probe "find" sh -c 'find /tmp/x -exec rm {} +'
probe "find, one by one" sh -c 'find /tmp/x -exec rm {} \; && [ ! -e /tmp/x ]'
probe "awk" awk 'BEGIN { exit system("rm /tmp/x") }'
probe "awk, through a shell" awk 'BEGIN { exit system("exec rm /tmp/x") }'
probe "a pipe of awk" sh -c '[ "$(awk "BEGIN { \"cat /tmp/x\" | getline v; print v }")" = x ]'
probe "a pipe into awk's command" sh -c 'awk "BEGIN { print 1 | \"cat > /tmp/y\"; close(\"cat > /tmp/y\") }"; [ -s /tmp/y ]'
probe "sed" sh -c '[ "$(echo a | sed "s/a/cat \/tmp\/x/e")" = x ]'
probe "textutils" textutils awk 'BEGIN { exit system("rm /tmp/x") }'
probe "findutils" sh -c 'echo /tmp/x | findutils xargs rm'
