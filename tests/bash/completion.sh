#### words that begin so
compgen -W "aa ab b" a
#### a word behind dashes
compgen -W "aa ab b" -- a; echo $?
#### nothing found
compgen -W "aa ab" z; echo $?
#### no functions
compgen -A function; echo $?
#### functions
f1(){ :; }; f2(){ :; }; compgen -A function; compgen -A function f2
#### built-in commands
compgen -b e; compgen -A builtin ec; compgen -A enabled ec; compgen -A helptopic ec
#### keywords
compgen -k | tr "\n" " "; compgen -A keyword wh
#### files
mkdir d1 d2; touch f1 f2 "sp ace"; compgen -A file | sort; compgen -f f | sort; compgen -d | sort; compgen -A directory d1; compgen -f ./f | sort; compgen -d ./ | sort; compgen -f sp; compgen -G "*1" | sort; compgen -o plusdirs -W zz | sort; compgen -o dirnames | sort; compgen -o filenames f; echo $?; compgen -f d1/
#### variables
XAB=1 ; XAC=2; compgen -v XA; export XAZ=1; compgen -e XA; compgen -A export PAT; compgen -A variable XA; compgen -A arrayvar BASH_V
#### aliases
shopt -s expand_aliases; alias aa=x; compgen -a
#### commands
compgen -A command ech | sort -u
#### quoted words
compgen -W "a\ b c"
#### words of variables
x="p q"; compgen -W "$x" p; compgen -W "\$HOME x" / | wc -l
#### around words
compgen -P pre -S suf -W "a b"
#### filters
compgen -X "a*" -W "ab b"; compgen -X "!a*" -W "ab b"; compgen -X "&b" -W "ab b" a
#### options and signals
compgen -A shopt ext; compgen -A setopt no; compgen -A signal SIGH
#### no jobs
compgen -A job; echo $?
#### by a function
g(){ COMPREPLY=(q r); echo "[$1][$2][$3]" >&2; }; compgen -F g x; echo ${COMPREPLY-gone}
#### by no function
compgen -F nofunc x; echo $?
#### by a command
compgen -C "echo foo" x
#### nothing asked
compgen; echo $?
#### wrong letter
compgen -Z; echo $?
#### wrong kind
compgen -A nope; echo $?
#### no value
compgen -W; echo $?
#### wrong option
compgen -o nope; echo $?
#### words by IFS
IFS=:; compgen -W "a:b c"
#### the same words
compgen -W "b a b"; compgen -W aa -W bb; compgen -W "'a b' \"c d\" e"
#### expansions in words
compgen -W '$(echo x y) $((1+2)) ~' | sed 's/^\/.*/home/'
#### no completions
complete; complete -p; echo $?
#### completions
complete -W "a b" foo; complete -p; complete -p foo; complete -F f bar; complete -p bar; complete -p nope; echo $?; complete -r foo; complete -p; complete -r nope; echo $?; complete -r; complete -p
#### order of what is listed
complete -F _x -o nospace -o default cmd; complete -p
#### for all commands
complete -D -F x; complete -p -D; complete
#### values of completions
complete -A file -P pre -S suf -X "*.o" -C "cmd x" -G "*.c" -W "a b" zz; complete -p
#### letters of completions
complete -abcdefgjksuv q; complete -p; complete -A function -A hostname q; complete -p
#### complete with a wrong letter
complete -Z; echo $?
#### complete with wrong words
complete -o bad x; echo $?; complete -A bad x; echo $?; complete -F; echo $?; complete -r nope; echo $?; complete -W x; echo $?
#### quotes in completions
complete -W "it's" x; complete -p x
#### compopt outside
compopt -o nospace; echo $?
#### compopt
complete -W a k; compopt -o nospace k; complete -p; compopt k; compopt +o nospace k; complete -p; compopt -o nospace nn; echo $?
#### bind without a terminal
bind "\C-x: foo"; echo $?; bind -q foo; echo $?
#### fc without a terminal
fc -l; echo $?; fc -s; echo $?; fc -z; echo $?; fc -ln -1; echo $?
#### disown
disown; echo $?; disown nope; echo $?; sleep 0.1 & disown; jobs; wait; sleep 0.1 & disown $!; jobs; sleep 0.1 & disown -h; jobs | wc -l; disown -a; jobs
#### completions in subshells
(complete -W a b; complete -p); complete -p; x=$(compgen -W "q w" q); echo $x
#### many commands
list=$(compgen -c | wc -l); [ $list -gt 50 ] && echo many; compgen -A function -abck | sort -u | grep -c "^echo$"
#### more expansions in words
compgen -W '$(echo x y) $((1+2)) a' ; v="q w"; compgen -W '$v z'; compgen -W '*'; compgen -W '${v}'
