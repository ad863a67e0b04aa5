# class: shell: globs, fields and here-documents
# rule: words are expanded in the VM, over the VM's files, and texts that were expanded are not expanded again
# expects: DENIED a glob over the root: not in it
# expects: DENIED a glob over dots: not in it
# expects: DENIED a glob over processes: not in it
# expects: DENIED a glob through a link: not in it
# expects: DENIED a tilde: not in it
# expects: DENIED CDPATH: not in it
# expects: DENIED a here-document: not in it
# expects: DENIED a text that is no program: not run
# expects: DENIED a here-document's text: not run
# expects: DENIED a quoted here-document: not run
# expects: DENIED IFS: not run
# expects: DENIED a file's name: not run
# expects: DENIED BASH_ENV and ENV: not run
# expects: DENIED an exported function: not run
# expects: DENIED LD_PRELOAD: not run
# expects: DENIED an index in arithmetic: not run
# expects: DENIED a format: not run
# expects: DENIED a prompt: not run
. /escape/report.sh
absent "a glob over the root" sh -c 'cat /*/secret.txt /*/*/secret.txt'
absent "a glob over dots" sh -c 'cat /m/../*/secret.txt /m/.*/secret.txt'
absent "a glob over processes" sh -c 'cat /proc/*/root/secret.txt /proc/*/cwd/secret.txt'
absent "a glob through a link" sh -c 'cat /m/up/*'
absent "a tilde" sh -c 'cat ~root/secret.txt ~/../../secret.txt'
absent "CDPATH" sh -c 'CDPATH=/m/up cd mount && cat ../secret.txt'
absent "a here-document" sh -c 'cat <<END
$(cat "$HOST_FOLDER/secret.txt") $ESCAPE_CANARY
END'
ran() {
  what=$1
  shift
  "$@" >/dev/null 2>&1
  if [ -e /tmp/ran ]; then echo "ESCAPED $what"; else echo "DENIED $what: not run"; fi
}
ran "a text that is no program" sh -c 'v="; touch /tmp/ran"; echo $v'
ran "a here-document's text" sh -c 'v="\$(touch /tmp/ran)"; cat <<END
$v
END'
ran "a quoted here-document" sh -c 'cat <<"END"
$(touch /tmp/ran) `touch /tmp/ran`
END'
ran "IFS" sh -c 'IFS=/; v=touch/tmp/ran; eval "[ -n \"\$v\" ]"; echo $v'
ran "a file's name" sh -c 'mkdir /tmp/d; cd /tmp/d; : > "\$(touch \$TMPDIR*ran)"; for f in *; do echo $f; done'
ran "BASH_ENV and ENV" sh -c 'echo "touch /tmp/ran" > /tmp/rc; ENV=/tmp/rc BASH_ENV=/tmp/rc sh -c :'
ran "an exported function" sh -c 'env "x=() { :; }; touch /tmp/ran" sh -c :'
ran "LD_PRELOAD" sh -c 'LD_PRELOAD=/m/inside.txt LD_LIBRARY_PATH=/m true'
ran "an index in arithmetic" sh -c 'v="a[\$(touch /tmp/ran)]"; : $((v))'
ran "a format" sh -c 'printf "\$(touch /tmp/ran)%s" x'
ran "a prompt" sh -c 'PS4="\$(touch /tmp/ran)" sh -c "set +x; :"'
