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
