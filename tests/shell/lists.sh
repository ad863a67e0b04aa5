# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### sequence
echo a; echo b
echo c
#### and-or are left associative
false && echo no || echo yes
true || echo no && echo also
#### negation
! false; echo $?
! true; echo $?
#### status of a list is that of its last command
true; false
#### background and wait
echo one > f & wait; cat f
#### comments and continuation lines
echo a # comment
# whole line
echo b\
c d \
e
#### semicolons and newlines around reserved words
if true
then
  echo x; fi; { echo y
}; (echo z)
#### empty command substitution as a command keeps its status
$(exit 3); echo $?
#### commands before a syntax error run
echo first
fi
echo never
#### an unterminated quote is a syntax error
echo first
echo "never
#### a word that looks like a reserved word elsewhere
echo if then else; echo done fi
#### quoted reserved words are not reserved
"if" 2>/dev/null; echo $?
#### a group with a redirection
{ echo a; echo b; } > f; cat f
#### continuation lines inside operators and words
true &\
& echo and; i\
f true; th\
en echo "o\
k"; fi; x=v\
al; echo $\
x
