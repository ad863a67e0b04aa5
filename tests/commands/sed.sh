#### s
echo 'hello world' | sed 's/o/0/'; echo 'hello world' | sed 's/o/0/g'; echo 'hello world' | sed 's/o/0/2'
#### s with & and groups
echo 'abc' | sed 's/b/[&]/'; echo 'john smith' | sed 's/\(.*\) \(.*\)/\2, \1/'; echo abc | sed 's/b/\&/'
#### -E
echo 'john smith' | sed -E 's/(\w+) (\w+)/\2 \1/'; echo 'aaa' | sed -r 's/a{2}/b/'; echo 'x=1' | sed -E 's/(x|y)=([0-9]+)/\2/'
#### other delimiters
echo /usr/bin | sed 's|/usr|/opt|'; echo /usr/bin | sed 's#/#:#g'
#### -n p
seq 5 | sed -n 2p; seq 5 | sed -n '2,4p'; seq 5 | sed -n '$p'; seq 5 | sed -n '/3/p'
#### ranges
seq 10 | sed -n '/3/,/5/p'; seq 10 | sed '3,$d'; seq 10 | sed -n '2,+2p'; seq 10 | sed -n '1~3p'; seq 10 | sed -n '0~4p'
#### d
seq 3 | sed 2d; printf 'a\n\nb\n' | sed '/^$/d'; printf '#c\nx\n' | sed '/^#/d'
#### !
seq 5 | sed -n '2!p'; seq 4 | sed '/2/!d'
#### several commands
echo abc | sed -e 's/a/1/' -e 's/b/2/'; echo abc | sed 's/a/1/;s/b/2/'; echo abc | sed 's/a/1/
s/c/3/'
#### -f
printf 's/a/1/\n# a remark\ns/b/2/\n' > p; echo ab | sed -f p
#### -i
printf 'one\ntwo\n' > f; sed -i 's/one/1/' f; cat f; sed -i.bak 's/two/2/' f; cat f f.bak; sed -i -e '/1/d' f; cat f
#### -i of several files
echo a > x; echo a > y; sed -i 's/a/b/' x y; cat x y
#### a i c in one line
seq 2 | sed '1a after'; seq 2 | sed '2i before'; seq 2 | sed '1c changed'
#### a i c with backslash
seq 2 | sed '1a\
after'; seq 2 | sed '1i\  indented'; seq 2 | sed '/2/c\
two\
lines'
#### a to the last line
seq 2 | sed '$a end'
#### y
echo hello | sed 'y/el/ip/'
#### hold space
seq 3 | sed -n '1!G;h;$p'; seq 3 | sed 'x;1d;$G' ; seq 4 | sed 'N;s/\n/ /'
#### join lines
seq 4 | sed ':a;N;$!ba;s/\n/,/g'
#### branches
echo aaa | sed ':x;s/a/b/;tx'; echo 1234567 | sed -E ':a;s/([0-9])([0-9]{3})($|,)/\1,\2\3/;ta'; seq 3 | sed '/2/b;s/$/!/'
#### = l and q
seq 2 | sed =; printf 'a\tb\\\n' | sed -n l; seq 5 | sed 2q; seq 5 | sed 2Q; seq 3 | sed '2q5'; echo $?
#### w and r
seq 3 > f; sed -n '2w out' f; cat out; echo in > ins; sed '1r ins' f
#### flags
echo 'Hello HELLO' | sed 's/hello/x/I'; echo 'Hello HELLO' | sed 's/hello/x/Ig'; echo aXb | sed -n 's/X/-/p'; printf 'a\nb\n' | sed 's/a/A/w out'; cat out
#### newline and tab in the replacement
echo a,b | sed 's/,/\n/'; echo a,b | sed 's/,/\t/'
#### character classes
echo 'a1 b2' | sed 's/[[:digit:]]//g'; echo '  trim  ' | sed 's/^[[:space:]]*//;s/[[:space:]]*$//'; echo 'a]b' | sed 's/[]]/x/'
#### blocks
seq 5 | sed -n '2,4{/3/!p}'; seq 3 | sed '/2/{s/2/two/;s/$/!/}'
#### D and P
printf 'a\nb\nb\nc\n' | sed '$!N;/^\(.*\)\n\1$/!P;D'
#### empty expression repeats the last
echo foobar | sed '/foo/s//x/'
#### -s and -z
echo a > x; echo b > y; sed -n '$p' x y; sed -s -n '$p' x y
#### no newline at the end
printf 'a' | sed 's/a/b/'
#### no file
sed p nope; echo $?; sed p nope 2>&1
#### wrong script
echo a | sed 's/a' 2>/dev/null; echo $?; echo a | sed k 2>/dev/null; echo $?
#### n
seq 4 | sed 'n;d'; seq 4 | sed -n 'n;p'
#### escaped delimiter and dot
echo 'a/b' | sed 's/\//-/'; echo 'a.b.c' | sed 's/\./_/g'
#### basic and extended plus
echo aab | sed 's/a\+/x/'; echo 'a+b' | sed 's/a+/x/'; echo aab | sed -E 's/a+/x/'; echo 'a|b' | sed 's/a\|b/x/g'
#### numbers of groups
echo abcdefghi | sed -E 's/(.)(.)(.)(.)(.)(.)(.)(.)(.)/\9\8\7/'
#### & escaped in variable
v='a/b'; echo X | sed "s|X|$v|"
#### extract between
printf 'x\nBEGIN\n1\n2\nEND\ny\n' | sed -n '/BEGIN/,/END/{//!p}'
#### e is not run by a plain script
printf 'version = "1.2"\n' | sed -n 's/^version = "\(.*\)"$/\1/p'
#### --posix-like options
echo a | sed --expression='s/a/b/'; echo a | sed --quiet -e p; echo ab | sed --regexp-extended 's/(a)(b)/\2\1/'
#### empty matches
echo abc | sed 's/x*/-/g'; echo baaac | sed 's/a*/x/2'
#### brackets with what is special elsewhere
echo 'a[b' | sed 's/a[[]b/X/'; echo 'a[b' | sed 's/a[([]b/X/'; echo 'a\b' | sed 's/a[\]b/X/'; printf 'a\tb\n' | sed 's/a[\t]b/X/'; echo 'a]b' | sed 's/a[]]b/X/'; echo 'a]b' | sed 's/a[^[]b/X/'; echo 'a1[' | sed 's/[[:digit:][]//g'; echo 'x[' | sed -n '/[[]/p'; echo 'a.b' | sed 's,[.[\*^$],\\&,g'
#### a remark behind flags
printf 'one\ntwo\n' | sed 's/TWO/four/i# no more'; printf 'one\n' | sed -e 's/o/0/ # first' -e 's/e/3/'
#### one simple command over several files
printf 'a-a\nb\naa' > f; printf a > g; : > h; for s in 's/a/X/' 's/a/[&]/gp' 's/^a/X/' 's/a$/X/' 's/a.a/-/' 's/[^a]/X/g' 's/aa*/X/g' /b/d '/[b-c]/!d' /-/p 's,-,/,' 's/\./x/'; do sed "$s" f g h f; echo; sed -n "$s" g f; echo; sed -E -e "$s" < f; echo; done
#### one simple command over long lines
seq 100000 | tr -d '\n' | sed 's/9/n/g' | cksum; seq 100000 | sed -n '/99$/p' | cksum; yes abc | sed 's/b/X/' | head -n 1
