# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### star and question mark
touch a.txt b.txt ab; echo *.txt ?; echo a*
#### brackets
touch a1 a2 b1; echo [ab]1 a[!1] a[0-9] [[:alpha:]]2
#### no match stays
echo *.nothing [z]
#### hidden files
touch .h v; echo *; echo .h*
#### directories
mkdir -p d/e d/f; touch d/e/x d/f/x d/f/y; echo d/*/x; echo */; echo d/f/*
#### quoted
touch ab; echo "a*" 'a*' a\*; x='a*'; echo "$x" $x
#### set -f
touch ab; set -f; echo a*; set +f; echo a*
#### sorted
touch c B a; echo *
#### in for
touch x1 x2; for f in x*; do echo "<$f>"; done
#### not in assignments
touch ab; x=a*; echo "$x"
#### bracket edge cases
touch ']' ./- '!' ; echo [\]] [-] []-] [!a]
#### slash is not matched
mkdir d; touch d/x; echo *x; echo d?x
#### from expansions
touch f1 f2; p='f*'; set -- $p; echo $#
#### literal path components
mkdir -p a/b; touch a/b/c1 a/b/c2; echo a/b/c?; echo ./a/b/c1*
