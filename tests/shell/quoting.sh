# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### single quotes
echo 'a  $x `b` \n "c"' | cat
#### double quotes
x='a  b'; printf '%s\n' "$x" "\$x \" \` \\" "$(echo "in  ner")"
#### backslash
printf '%s\n' \a\ \b \$x \'
#### adjacent parts join
printf '%s\n' a"b c"'d e'f
#### empty arguments stay
set -- "" '' a; echo $#
#### unset unquoted disappears
set -- $nope "$nope" a; echo $#
#### newline in quotes
printf '[%s]\n' "a
b"
#### quotes inside expansions
x=; printf '[%s]\n' "${x:-"a  b"}" ${x:-"c  d"} ${x:-e  f}
#### single quotes in a quoted default
printf '%s\n' "${x:-it's}"
#### a closing brace that is quoted
printf '%s\n' "${x:-a\}b}" ${x:-'}'}
#### quotes from expansion results are literal
x='"a b"'; printf '[%s]\n' $x
#### dollar alone
echo $ a$ "$" "a$ b"
#### hash inside a word
echo a#b; echo x '#' y
#### backslash newline in double quotes
echo "one\
two"
