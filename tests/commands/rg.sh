#### plain
mkdir -p src .hid .git; printf 'hello world\nfoo bar\nHello again\n' > src/a.txt; printf 'fn main() {\n  hello();\n}\n' > src/b.rs; echo hello > .hid/x; echo hello > ign.log; echo '*.log' > .gitignore; rg --sort path hello; rg -n hello src/a.txt; rg hello src/a.txt; rg --sort path hello src; rg -c --sort path hello; rg -l --sort path hello; rg --files --sort path; rg nothing; echo $?; rg -q foo; echo $?
#### choice of files
mkdir -p src .hid .git d/e; echo hello > src/a.txt; echo hello > src/b.rs; echo hello > .hid/x; echo hello > ign.log; echo '*.log' > .gitignore; echo hello > d/e/f.py; echo e > d/.ignore; rg --sort path -l hello -g '*.rs'; rg --sort path -l -t rust hello; rg --sort path -l -T rust hello; rg --sort path -l --hidden hello -g '!.git'; rg --sort path -l -u hello; rg -l --no-ignore hello d; rg --sort path -l -g '!src' hello; rg --sort path --files --max-depth 1; rg -l -g '!*.rs' --sort path hello src; rg --files -t py -u; rg --type-add 'foo:*.txt' -t foo --files; rg --iglob '*.RS' -l hello
#### expressions
printf 'hello world\nfoo bar\nHello again\nhelloworld\na.b\n' > a; rg -i hello a; rg -S Hello a; rg -S hello a; rg -w hello a; rg -x 'foo bar' a; rg -F a.b a; rg -v hello a; rg -e foo -e again a; printf 'foo\nagain\n' > p; rg -f p a; rg -o 'hel+' a; rg '^\w+$' a; rg -r '<$1>' '(o+)' a; rg -or '$1' 'w(or)' a; rg '[' a; echo $?; rg -U 'world\nfoo' a; rg 'a\nb' a; echo $?; rg -iw HELLO a
#### context
seq 20 > a; rg -A1 5 a; rg -B1 -n 12 a; rg -C1 '^(3|9)$' a; rg -C1 -n '^(3|4)$' a; cp a b; rg --sort path -A1 '^7$' a b; rg -m1 1 a; rg --context-separator xx -A1 '^(3|9)$' a; rg --passthru 9 a | head -3
#### output
mkdir s; printf 'hello\nfoo hello\n' > s/a; echo hello > s/b; rg --sort path --heading hello s; rg --sort path --heading -n hello s; rg --sort path --vimgrep hello s; rg --sort path --column hello s; rg --sort path -H hello s/a; rg -I --sort path hello s; rg --sort path --count-matches l s; rg -b hello s/a; rg --sort path --files-without-match foo s; rg --sort path -0l hello s | tr '\0' '!'; echo; rg --trim ' hello' s/a; rg --sort path -c nothing s; rg --sort path --include-zero -c foo s; rg -N hello s/a; rg -M 6 hello s/a; rg --color always hello s/b
#### input
printf 'hello\nworld\n' | rg wor; printf 'hello\nworld\n' | rg -n wor -; echo hello > f; printf 'hello\n' | rg hello - f | sort; printf 'hello\n' | rg -c hello
#### binary
printf 'hello\0bin\n' > b; rg -a hello b | tr '\0' 0; rg -c hello b; rg -l hello b; rg -l hello; echo $?; rg -uuu -l hello
#### json
printf 'foo bar\n' > a; rg --json foo a | sed 's/"elapsed[^}]*}//g; s/,"stats.*//'; rg --stats foo a | head -6
#### failures
rg hello nofile; echo $?; rg -P x; echo $?; rg; echo $?; echo hello > a; rg hello a nofile; echo $?; rg -t nonesuch x; echo $?; rg -A x y; echo $?
