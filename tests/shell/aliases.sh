# Aliases. The form of this file is told in builtins.sh.
#### basic
alias a='echo hi'
a there
alias
alias a
unalias a
a 2>/dev/null; echo $?
#### same line
alias a='echo hi'; a 2>/dev/null; echo $?
a
#### trailing blank
alias n='echo ' e='x y'
n e e
alias m='echo'
m e
#### recursion
alias ls='echo ls'
ls a
alias x=y y=x
x 2>/dev/null; echo $?
alias echo='echo +'
echo b
#### chain
alias a=b b='c 1' c='echo c'
a 2
#### unalias -a
alias a='echo 1' b='echo 2'
unalias -a
alias
a 2>/dev/null; echo $?
#### unalias bad
unalias nosuch 2>/dev/null; echo $?; alias nosuch 2>/dev/null; echo $?
#### quoted names are not aliases
alias a='echo hi'
\a 2>/dev/null; echo $?
'a' 2>/dev/null; echo $?
"a" 2>/dev/null; echo $?
#### reserved words
alias if2='if true' t='then'
if2; t echo yes; fi
alias start='{' stop='}'
start echo in; stop
alias w='while'
w false; do :; done; echo $?
#### pipelines and operators
alias c='| cat' s='; echo second'
echo a c
alias p='echo a | cat'
p
alias q='echo 1; echo 2'
q
q && echo 3
#### after assignment and redirect
alias a='echo hi'
x=1 a
> f a; cat f
x=1 y=2 a z
#### not in arguments
alias a='echo hi'
echo a
command a 2>/dev/null; echo $?
#### in functions
alias a='echo one'
f() { a; }
alias a='echo two'
f
a
#### in function defined same line
alias a='echo one'; f() { a; }
f
#### in eval
alias a='echo hi'; eval a; eval 'a
a'
#### in substitution
alias a='echo hi'
echo $(a) `a`
#### in subshell
alias a='echo hi'
(a; alias b='echo b'; alias | while read -r l; do echo "$l"; done)
b 2>/dev/null; echo $?
#### after reserved words
alias a='echo hi'
if a; then a; else a; fi; while a; do break; done; { a; }; ! a; for i in a; do a; done; case a in a) a;; esac
#### case pattern
alias a='echo hi'
case a in (a) echo ok;; esac
#### alias with quotes
alias a="echo 'x  y'"
a
alias b='echo "'
b z"
#### value empty
alias e=
e echo after
e; echo $?
#### newline in alias
alias a='echo 1
echo 2'
a
#### alias names
alias a-b='echo ab' 1x='echo one' .d='echo dot' A='echo cap'
a-b; 1x; .d; A
#### type and command -v
alias a='echo hi'
command -v a; type a; command -V a
#### script from stdin
printf 'alias a="echo hi"\na\nunalias a\na 2>/dev/null; echo $?\n' | sh
#### dot
echo "alias a='echo dotted'" > s; . ./s
a
#### alias to function name
f() { echo func; }
alias f='echo alias'
f
\f
#### function definition under alias
alias g=h
g() { echo defined; }
h; \g 2>/dev/null; echo $?
#### trailing blank chain
alias s='echo ' t='u ' u='v'
s t u
#### comment
alias a='echo x # '
a y
#### background
alias a='echo bg'
a & wait
#### pipe
alias a='echo p'
a | a | cat
echo q | { a; }
#### alias and here-doc
alias c='cat <<X'
c
body
X
#### heredoc in alias value
alias c='cat'
c <<X
a $(c /dev/null) b
X
#### alias with = in value
alias a='x=1; echo $x'
a
#### alias with readonly assignment words
alias s='set -- '
alias v='q'
s v; echo $1
#### multi-line command
alias a='echo hi'
if true
then
a
fi
#### alias defined in compound
if true; then alias a='echo hi'; a 2>/dev/null; echo $?; fi
a
#### continuation
alias a='echo hi'
a \
 b
#### for words
alias x='1 2'
for i in x; do echo $i; done
alias f='for i in '
f x; do echo $i; done
