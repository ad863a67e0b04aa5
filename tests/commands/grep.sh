# Cases of commands, in the form of tests/shell; captured from GNU grep, sed, find, xargs, diff, tar and gzip, gawk and jq.
#### lines that match
printf 'one\ntwo\nthree\n' | grep o; echo $?
#### nothing matches
printf 'one\n' | grep x; echo $?
#### no file
grep x nope 2>/dev/null; echo $?
#### error text of no file
grep x nope 2>&1
#### -s says nothing
grep -s x nope; echo $?
#### basic expressions
printf 'a+b\naab\nab\n' | grep 'a\+b'; printf 'a+b\n' | grep 'a+b'; printf 'foofoo\nfoo\n' | grep '\(foo\)\1'; printf 'ab\nabb\nabbb\n' | grep 'ab\{2,\}'
#### basic alternation
printf 'cat\ndog\ncow\n' | grep 'cat\|dog'
#### -E
printf 'cat\ndog\ncow\nabcabc\n' | grep -E 'cat|^d|(abc){2}'
#### egrep and fgrep
printf 'a.b\naxb\n' > f; egrep 'a(x|y)b' f; fgrep 'a.b' f
#### -F with several
printf 'a.b\naxb\nc*\n' | grep -F -e 'a.' -e '*'
#### -f
printf 'one\ntwo\n' > p; printf 'zone\ntwo\nthree\n' | grep -f p
#### -o
echo 'foo123bar45' | grep -o '[0-9]\+'; echo 'key=value' | grep -oE '[a-z]+$'
#### -o is longest
echo 'abcd' | grep -oE 'a|ab|abc'
#### -c -v -n
printf 'a\nb\na\n' > f; grep -c a f; grep -v a f; grep -n a f; grep -vc a f
#### -q
printf 'a\n' | grep -q a && echo yes; printf 'a\n' | grep -q b || echo no
#### -i
printf 'Hello\nHELLO\nbye\n' | grep -i hello
#### -w and -x
printf 'foo\nfoobar\nfoo bar\n' > f; grep -w foo f; echo --; grep -x foo f
#### -l and -L
echo a > x; echo b > y; grep -l a x y; grep -L a x y
#### several files
echo a > x; echo a > y; grep a x y; grep -h a x y; grep -H a x
#### -A -B -C
seq 10 > f; grep -A1 3 f; echo; grep -B1 3 f; echo; grep -C1 5 f; echo; grep -A1 -e 2 -e 7 f
#### -n with context
seq 5 > f; grep -n -C1 3 f
#### -m
seq 20 | grep -m 2 1
#### -r
mkdir -p d/e; echo needle > d/a.txt; echo needle > d/e/b.c; echo no > d/c.txt; grep -r needle d | sort; grep -rl needle d | sort; grep -rn needle . | sort
#### -r with include and exclude
mkdir -p d/node_modules d/e; echo x > d/a.txt; echo x > d/b.c; echo x > d/node_modules/c.c; grep -r --include='*.c' x d | sort; grep -r --exclude='*.txt' x d | sort; grep -r --exclude-dir=node_modules x d | sort; grep -rn --include='*.txt' x . | sort
#### a directory
mkdir d; grep x d; echo $?
#### character classes
printf 'a1\nb \nC_\n' > f; grep '[[:digit:]]' f; grep '[[:upper:]]' f; grep '[[:space:]]' f; grep '[^[:alnum:]]' f
#### anchors and blank lines
printf 'a\n\nb\n' > f; grep -n '^$' f; grep -v '^$' f; grep -c '' f
#### \w \s \b
printf 'foo bar\nfoobar\n' > f; grep '\bbar' f; grep '\<bar\>' f; grep 'foo\sbar' f; grep -c '\w' f
#### -P
echo 'foo123' | grep -oP '(?<=foo)\d+'; echo 'a.b' | grep -P 'a\.b$'; echo 'version: 1.2.3' | grep -oP 'version: \K[\d.]+'
#### bracket with ] and -
printf 'a]b\na-b\n' > f; grep 'a[]]b' f; grep 'a[x-]b' f
#### many -e
printf 'a\nb\nc\n' | grep -e a -e c
#### pattern with newline
printf 'a\nb\nc\n' | grep 'a
c'
#### pattern that begins with a dash
printf -- '-x\ny\n' | grep -- -x; printf -- '-x\ny\n' | grep -e -x
#### invalid pattern
echo a | grep -E '(' >/dev/null 2>&1; echo $?; echo a | grep '[' >/dev/null 2>&1; echo $?
#### binary
printf 'a\0b\n' > f; grep a f; grep -a -c a f
#### -z and -Z
printf 'a\0b\0' | grep -z b | tr '\0' '\n'; echo x > f; grep -lZ x f | tr '\0' '\n'
#### -b
printf 'abc\nabd\n' | grep -b abd; printf 'abc\nabd\n' | grep -ob b
#### --color
echo abc | grep --color=always b | od -An -c | head -2; echo abc | grep --color=auto b
#### no newline at the end
printf 'a\nb' | grep b
#### in a script
ps_like='1 init
2 sh
3 node'; echo "$ps_like" | grep -v grep | grep -E 'node|sh' | wc -l
#### empty pattern
printf 'a\nb\n' | grep -c ''
#### backreference in -E
printf 'aa\nab\n' | grep -E '(.)\1'
#### interval in -E
printf '192.168.1.1\nfoo\n' | grep -E '^([0-9]{1,3}\.){3}[0-9]{1,3}$'
#### -L status and -c with no match
echo a > f; grep -c b f; echo $?
#### stdin name
echo a | grep -H a; echo a | grep --label=in -H a
#### utf-8
export LC_ALL=C.UTF-8; printf 'äb\n' | grep -o 'ä'; printf 'Ä\n' | grep -ic ä
#### what looks like an anchor
printf 'a^b\nb^a\na$b\n$b\n' > f; grep 'a^' f; grep '$b' f; grep 'a$b' f; grep '\(^a\)' f; grep 'b$' f; grep '\(b\)$' f; grep '^b\|^\$' f; grep '[$]b' f; grep -c '^' f; grep -e 'x\|a^' f; grep -E '(a|b)\^' f; grep '^^' f; echo $?
#### lines that are no text between those that are
printf 'fox\nbad \377 fox\nfox again\n' > f; grep fox f; echo $?; grep -n fox f; grep -c fox f; grep -a -c fox f; printf 'a\nb\0\na\n' > g; grep a g; echo $?; grep -v a g; grep -c a g
#### -w looks for shorter and later matches
printf 'foobar foo\nfoo_foo\nfoo\n' > f; grep -wn 'foo' f; grep -w 'foo.*' f; grep -wc 'o*' f
#### -v of everything and nothing
printf 'one\ntwo\nthree' > f; grep -v x f; grep -vn o f; grep -vc . f; grep -v . f; echo $?
#### sets and intervals
printf 'a1\nbb2\nCCC\n\n---\n' > f; grep '[[:lower:]]\{2\}[0-9]' f; grep -E '^[^a-z]+$' f; grep -in '[^b-c]$' f; grep -E '^(a|b{2})[[:digit:]]$' f; grep -x 'C\{1,3\}' f; grep -c '^$' f
#### letters beyond ASCII among lines of it
printf 'plain\nna\303\257ve\nNA\303\257VE end\n' > f; grep 'na.ve' f; grep -i 'na.ve' f; grep -c '^.\{5\}$' f; grep -v '[[:alpha:]]$' f; echo $?; grep -F "$(printf '\303\257')" f
