# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### if
if true; then echo t; fi; if false; then echo t; else echo f; fi
#### elif
x=2; if [ $x = 1 ]; then echo one; elif [ $x = 2 ]; then echo two; else echo other; fi
#### status of if without a branch
if false; then echo; fi; echo $?
#### while and until
i=0; while [ $i -lt 3 ]; do echo w$i; i=$((i+1)); done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i
#### for
for i in a "b c" d; do echo "<$i>"; done; echo $i
#### for over parameters
set -- x y; for i; do echo $i; done; for i do echo $i; done
#### for with no words
for i in; do echo never; done; echo $?
#### break and continue
for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done
#### break and continue with levels
for i in 1 2 3; do for j in a b c; do [ $j = b ] && continue 2; [ $i = 3 ] && break 2; echo $i$j; done; done; echo end
#### case
for w in apple banana cherry date; do case $w in a*) echo A;; b*|c*) echo BC;; *) echo other;; esac; done
#### case patterns
case 'a*b' in a\*b) echo literal;; esac; p='x*'; case xyz in $p) echo pattern;; esac; case xyz in "$p") echo no;; *) echo quoted;; esac
#### case with parentheses and no last separator
case x in (x) echo paren;; esac; case y in x) echo no;; y) echo last
esac
#### case without a match
case x in y) echo no;; esac; echo $?
#### case over several lines
case foo in
  bar | baz)
    echo no
    ;;
  f[a-z]o)
    echo yes
    ;;
esac
#### groups and subshells
x=1; { x=2; }; echo $x; (x=3; echo $x); echo $x
#### subshell status
(exit 4); echo $?; (false; true); echo $?
#### subshell inside a group inside a pipeline
{ (echo b); (echo a); } | sort
#### nested loops with redirections
for i in 1 2; do for j in 1 2; do echo $i$j; done > f$i; done; cat f1 f2
#### loop status
while false; do :; done; echo $?; for i in 1; do false; done; echo $?
#### cd in a subshell
cd /; (cd /tmp; pwd); pwd
#### case inside a subshell on one line
(case m in m) echo one;; esac); (case n in (n) echo two; esac)
#### nested subshells
( (echo a; (echo b)) ); (((echo c) ) )
#### break in a subshell
for v in a b; do echo $v; (echo in; break; echo never); done
