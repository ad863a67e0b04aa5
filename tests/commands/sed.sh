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
#### -z
printf 'a\nb\0c' | sed -z 's/\n/-/g;N;P;D' | od -c; printf 'one\0two' | sed -zn 'N;l;=;$!d' | od -c; printf 'a\nb\0c\nd\0' | sed -z 's/^/X/mg;s/a.*/Y/M;i foo' | od -c
#### cases of what is put there
echo 'hello WORLD foo' | sed -E 's/(\w+) (\w+)/\u\1 \L\2\E-\U&/'; echo 'foo bar' | sed 's/\w\+/\u&/g'; echo 'one' | sed 's/o\(n\)/\U\1\Ex\l\1/'; echo été | sed 's/.*/\U&/;s/^./\L&/'
#### c on ranges
seq 6 | sed '2,4c blah'; seq 6 | sed '2,4!c x'; seq 4 | sed '$!N;2,3c y'; seq 6 | sed '/2/,/4/{c z
}'; seq 3 | sed -e 'c\' -e 'two\' -e ''
#### files that are written twice
seq 3 | sed -n -e '/1/w out' -e '/3/w out'; cat out; echo hello | sed -e 'w one' -e 'w one' -e d; cat one; printf a | sed 'w /dev/stdout'; printf 'a\nb' | sed 's/b/x/w three'; cat three
#### no newline at the end, several files
printf 'one' > a; printf 'two\nthree' > b; sed p a b; echo; sed -n '$p' a b; echo; sed -s '$a end' a b; sed '$!N;s/\n/+/' a b; echo; sed G a; sed x b; sed '1!G;h;$!d' b; printf x | sed q; sed -i 's/o/0/' a b; cat a b
#### odd delimiters
echo 'a|b ab' | sed 's|a\|b|X|g'; echo '9+8=17' | sed 's1\(9\)1X\11'; echo '9+8' | sed 's&9&X\&&'; echo 'a.b axb' | sed 's.a\.b.X.g'; echo '[' | sed 's][[]]X]g'; echo '[' | sed 's[\[\[][X['; echo a/b | sed 's/[/]/x/'; echo 'a,b' | sed 's,[\,],x,'; echo a/b | sed -n '\,a/b,p'; echo abc | sed 'y,b\,,\,b,'
#### ranges that are passed, counted, and from 0
seq 9 | sed -n 'N;N;2,+1p'; seq 5 | sed -n '2,3p;$!n'; printf 'a\n1\nc\nc\na\n2\na\n3\n' | sed -n '/a/,+1p'; seq 9 | sed -n '2,~2p;7,~3p'; seq 4 | sed '1d;1,3s/$/!/'; seq 5 | sed -n '0,/1/p;4,2p'; seq 5 | sed -n '/2/,1p;/4/,$='
#### a anchors once
echo /usr/lib | sed 's,\(^/\|\)[^/][^/]*,>\0<,g'; echo aaa | sed 's/^a/x/g'; echo 'a^b$c' | sed 's/a^b/X/;s/$c/Y/'; echo '*a' | sed 's/*a/x/'; echo 'a^b' | sed 's/\(^a\|b$\)/<&>/g'
#### the longest of alternatives
echo foobar | sed -E 's/foo|foobar/X/'; echo abab | sed -E 's/(a|ab|b)*/[\1]/'; echo ab | sed -E 's/a?(ab)?/X/'; echo abcd | sed -E 's/(a|ab)(c|bcd)(d*)/[\1][\2]/'
#### references back
echo 'abba aa xyzzy' | sed -E 's/(.)\1/<&>/g'; echo 'abab cc' | sed 's/\(ab\)\1/x/;s/\(c\|d\)\1/y/I'; printf 'a\na\nb\n' | sed -E '$!N;/^(.*)\n\1$/!P;D'
#### l
printf 'a\tb\\\001\303\251 end\n' | sed -n l; seq 100 | tr -d '\n' | sed -n 'l;l 20;l 0'; echo aaaaaa | sed -n -l 4 l; seq 2 | sed -n 'N;l'
#### F z W R Q v and statuses
echo x > f; sed F f - < f; seq 2 | sed 'z;s/^$/e/'; seq 4 | sed -n '$!N;W out'; cat out; seq 3 | sed 'R f'; seq 3 | sed 2Q7; echo $?; seq 3 | sed 2q3; echo $?; echo a | sed 'v 4.2'; sed p nope f; echo $?; sed p . ; echo $?
#### -i by file
printf '1\n2\n' > a; printf '3\n4\n' > b; chmod 640 a; sed -i.bak -n '$p;1!G;h' a b; cat a b a.bak; ls -l a | cut -c1-10; sed -i'old_*' '1i\top' a; cat a old_a; sed -n -s '1p;$=' a b; sed -i 1q b; cat b; sed -i w\ c a; cat c; ls
#### -i needs a file
echo x | sed -i p; echo $?; sed -i p .; echo $?; sed -e '' -i 2> /dev/null || echo yes
#### -n by the script
seq 2 | sed '#n
p'; printf '#n\np\n' > p; seq 2 | sed -f p; seq 2 | sed -e 'p' -e '#n'
#### options
seq 2 | sed -ne p; seq 2 | sed --expr=p --qui; seq 2 | sed -s -u -b p; seq 2 | sed --line-length=5 -n l; seq 2 | sed --posix 'N;N;p'; echo a | sed --sandbox 'w x'; echo $?; sed 2> /dev/null; echo $?; sed --nope 2> /dev/null; echo $?
#### texts
seq 2 | sed '1a\  x\
 y\tz\
end'; seq 1 | sed 'a hello\nworld'; seq 1 | sed 'a\ttab'; seq 1 | sed 'i\\ttab'; seq 2 | sed '1{a in
}'; seq 2 | sed -e '1i\' -e '  indented'; seq 1 | sed 'a  \  both\'; seq 1 | sed '$!{a no
}'
#### what is wrong
for s in 'k' '{p' 'p}' 'ba' ':' '1,p' '0p' 'pp' 'a' 'r' '1,2q' '1!!p' 's/a' 's/a/b' 's/a/b/gg' 's/a/b/0' 's/a/\1/' 's/\(a/b/' 's/a\)/b/' 's/[a/b/' 's/a\{2,1\}/b/' 's/[[:foo:]]/b/' 'y/ab/c/' '//p' 's//b/I' '/a' '+1p' 'dp' 's/a/b/k'; do echo a | sed "$s" 2>&1; echo $?; done; for s in 's/*a/b/' 's/a{/b/' 's/a)/b/' 's/(a/b/'; do echo a | sed -E "$s" 2>&1; echo $?; done; printf 'p\nk\n' > p; sed -f p 2>&1; sed -e p -e '{' 2>&1
#### labels and blocks
seq 3 | sed -n ':a;N;$!ba;p'; seq 3 | sed '{:a;s/^.$/x&/;ta}'; seq 3 | sed '2{s/2/b/;b};s/$/./'; seq 3 | sed 'bend
p
: end
s/1/x/'; seq 4 | sed -n '2{p;n;p;};$!d;='; seq 2 | sed 's/1/x/;T;s/$/!/'; seq 2 | sed '{{p;};p}' | cksum
#### escapes
echo 'aAb' | sed 's/\x41/\x2d\o053\d042/'; echo 'a.b' | sed 's/a\.b/\cG/' | od -c; printf 'a\tb\n' | sed 's/[\t]/\\t/;s/\n/x/'; echo 'a]b\]' | sed 's/[\]]/x/'; echo 'a\b' | sed 's/[\.]/x/'; printf 'a\nb\n' | sed 'N;s/[\n]/+/'; printf '\001\n' | sed 's/\cA/x/'
