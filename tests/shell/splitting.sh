# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### default IFS
x='  a   b	c
d  '; for i in $x; do echo "<$i>"; done
#### other characters
IFS=:; x=a::b:; for i in $x; do echo "<$i>"; done
#### leading separator
IFS=:; x=:a; for i in $x; do echo "<$i>"; done
#### mixed separators
IFS=': '; x='a : b  c:d'; for i in $x; do echo "<$i>"; done
#### empty IFS
IFS=; x='a b'; for i in $x; do echo "<$i>"; done
#### only expansions are split
IFS=o; for i in foo $(echo bob); do echo "<$i>"; done
#### text beside an expansion
x='a b'; for i in 1${x}2; do echo "<$i>"; done
#### quoted parts are not split
x='a b'; for i in $x"$x"$x; do echo "<$i>"; done
#### arithmetic is split
IFS=0; for i in $((101)); do echo "<$i>"; done
#### IFS from the environment is not used
IFS=x sh -c 'v=axb; for i in $v; do echo "<$i>"; done'
#### positional parameters are split each
set -- 'a b' 'c d'; for i in $*; do echo "<$i>"; done
#### case words and assignments are not split
x='a b'; case $x in 'a b') echo whole;; esac; y=$x; echo "$y"
