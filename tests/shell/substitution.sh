# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### simple
echo $(echo a) `echo b`
#### trailing newlines go, inner ones stay
x=$(printf 'a\n\nb\n\n\n'); echo "[$x]"
#### nested
echo $(echo $(echo $(echo deep)))
#### nested backquotes
echo `echo \`echo inner\``
#### backslashes in backquotes
echo `echo '\$x' \\\\a`
#### status
x=$(exit 3); echo $?; y=$(true); echo $?
#### a subshell
x=1; y=$(x=2; echo $x); echo $x$y
#### quotes inside
echo "$(echo "a  b" 'c  d')"
#### case inside
echo $(case x in x) echo matched;; *) echo other;; esac)
#### comment inside
echo $(echo a # it's a comment )
echo b)
#### splitting
set -- $(echo 'a b' c); echo $#; set -- "$(echo 'a b' c)"; echo $#
#### large output
x=$(seq 20000); echo ${#x}
#### cd inside does not leak
cd /; x=$(cd /tmp; pwd); echo $x; pwd
#### functions are visible
f() { echo "f:$1"; }; echo "$(f 1)-$(f 2)"
#### exit inside
echo "$(echo a; exit; echo b)"; echo $?
#### subshell directly inside
echo $( (echo a; echo b) | sort -r )
#### substitution as the command name
$(echo echo) hi
#### reads the shell's input
echo data | { x=$(cat); echo "<$x>"; }
#### background output is waited for
x=$( { sleep 0.1; echo late; } & echo early ); echo $x
