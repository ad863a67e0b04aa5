# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### fields
echo ' a b  c d ' | { read x y z; echo "<$x><$y><$z>"; }
#### too few fields
echo 'a' | { read x y; echo "<$x><$y>"; }
#### status at the end
printf 'a\n' | { read x; echo $?; read x; echo "$? <$x>"; }
#### a last line without newline
printf 'partial' | { read x; echo "$? <$x>"; }
#### backslashes
printf 'a\\b c\\\nd\n' | { read x y; echo "<$x><$y>"; }
#### raw
printf 'a\\b c\\\nd\n' | { read -r x y; printf '<%s><%s>\n' "$x" "$y"; }
#### IFS
echo a:b:c | { IFS=: read x y; echo "<$x><$y>"; }; echo "$IFS" | wc -l
#### empty IFS keeps blanks
echo '  a b  ' | { IFS= read -r x; echo "<$x>"; }
#### lines of a file
printf '1 one\n2 two\n' > f; while read n w; do echo "$w=$n"; done < f
#### several reads from one file
printf 'a\nb\nc\n' > f; { read x; read y; cat; } < f; echo $x$y
#### escaped separators
printf 'a\\ b c\n' | { read x y; echo "<$x><$y>"; }
#### to the letter: read basics
r() { printf '%s' "$1" | { IFS="$2" read a b c; echo "$? <$a><$b><$c>"; }; }
r 'a b c
' ' '; r '  a  b  c d  
' ' '; r 'a:b:c:d
' ':'; r 'a::b
' ':'; r ':a:
' ':'; r 'a : b : c
' ': '; r ' : a
' ': '; r 'a b' ' '; r '' ' '; r 'a:b:c:
' ':'; r 'a:b:c::
' ':'; r 'a:b:c:d:
' ':'; r 'a b c  
' ' '; r 'a	b
' ' '; r 'a b:c 
' ': '; r 'a:b: c :
' ': '; r 'a:b: c : :
' ': '
#### to the letter: one variable
r() { printf '%s' "$1" | { IFS="$2" read a; echo "$? <$a>"; }; }
r ' a b 
' ' '; r 'a:
' ':'; r ':a:
' ':'; r 'a::
' ':'; r '  :a
' ' :'; r 'a : 
' ' :'; r 'a : : 
' ' :'; r '	a	
' ' '; r ' a 
' ''; r ':
' ':'; r '::
' ':'; r ' : 
' ': '
#### to the letter: two variables
r() { printf '%s' "$1" | { IFS="$2" read a b; echo "$? <$a><$b>"; }; }
r 'a:b:
' ':'; r 'a:b::
' ':'; r 'a:b:c
' ':'; r 'a:b:c:
' ':'; r 'a::
' ':'; r 'a:
' ':'; r 'a
' ':'; r 'a : b : 
' ': '; r 'a b
' ':'; r ' a:b 
' ':'; r 'a:b c: 
' ': '; r 'a: :
' ': '; r 'a:: 
' ': '
#### to the letter: backslashes
r() { printf '%s' "$1" | { read a b; echo "$? <$a><$b>"; }; }
r 'a\ b c
'; r 'a\
b c
'; r 'a\\b
'; r '\a
'; r 'a \
b
'; r 'a\'; r 'a b\ 
'; r 'a b\  
'; r '\ a
'; r 'a \ b
'
#### to the letter: backslash and separators
printf 'a\\:b:c\n' | { IFS=: read a b; echo "<$a><$b>"; }; printf 'a:b\\:\n' | { IFS=: read a b; echo "<$a><$b>"; }; printf 'a:b\\::\n' | { IFS=: read a b; echo "<$a><$b>"; }
#### to the letter: raw
r() { printf '%s' "$1" | { read -r a b; echo "$? <$a><$b>"; }; }
r 'a\ b c
'; r 'a\
b c
'; r 'a\\b
'; r 'a\'
#### to the letter: raw one
printf 'a\\tb\\\n' | { read -r x; printf '%s\n' "$x"; }; printf ' a\\ \n' | { IFS= read -r x; printf '<%s>\n' "$x"; }
#### to the letter: no newline
printf 'a b' | { read x y; echo "$? $x $y"; }; printf '' | { x=old; read x; echo "$? [$x]"; }
#### to the letter: lines one by one
printf '1\n2\n3\n' | while read x; do echo "<$x>"; done; printf '1\n2' | while read x || [ -n "$x" ]; do echo "<$x>"; done
#### to the letter: the rest is left
printf '1\n2\n3\n' | { read x; cat; }; printf '1\n2\n' > f; { read x; cat; } < f; { read x; read y; echo $x$y; } < f
#### to the letter: bad names
read 1x < /dev/null; echo $?; read a-b < /dev/null; echo $?; read a 2b < /dev/null; echo $?
#### to the letter: bad option
read -Z x < /dev/null; echo $?
#### to the letter: unset IFS
unset IFS; printf ' a\tb c \n' | { read x y; echo "<$x><$y>"; }
#### to the letter: empty IFS
IFS=; printf ' a b \n' | { read x y; echo "<$x><$y>"; }
#### to the letter: IFS of letters
printf 'xaxbx\n' | { IFS=x read a b c; echo "<$a><$b><$c>"; }
#### to the letter: IFS temporary
printf 'a:b\n' | { IFS=: read a b; x='c:d'; set -- $x; echo $#; }
#### to the letter: closed stdin
read x <&- ; echo $?
#### to the letter: directory
read x < / ; echo $?
#### to the letter: -- and options together
printf 'a\\b\n' | { read -r -- x; echo "$x"; }; printf 'a\\b\n' | { read -r -p p x; echo "$x"; }; printf 'a\\b\n' | { read -rp p x; echo "$x"; }
#### to the letter: null bytes
printf 'a\0b\n' | { read x; echo "$x"; }
#### to the letter: multibyte
printf 'äöü x\n' | { read a b; echo "$a|$b"; }
#### to the letter: read into variables seen before
printf 'a\n' | { y=old; read x y; echo "[$x][$y]"; }
#### to the letter: many
printf 'a b\n' | { read a b c d; echo "[$a][$b][$c][$d]"; }
