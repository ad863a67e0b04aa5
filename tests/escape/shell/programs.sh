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
# expects: DENIED nohup: exit code 127
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
# expects: DENIED xargs: exit code 127
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
