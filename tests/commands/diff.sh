#### the same
echo a > x; echo a > y; diff x y; echo $?
#### normal
printf '1\n2\n3\n' > x; printf '1\n3\n4\n' > y; diff x y; echo $?
#### -u
printf '1\n2\n3\n' > x; printf '1\n3\n4\n' > y; diff -u x y | sed 's/\t.*//'; diff -u x y >/dev/null; echo $?
#### -U and -c
seq 20 > x; seq 20 | sed 's/10/ten/' > y; diff -U1 x y | tail -n +3; diff -U 0 x y | tail -n +3; diff -c x y | tail -n +3
#### -q and -s
echo a > x; echo b > y; diff -q x y; echo $?; diff -s x x; echo $?
#### no file
echo a > x; diff x nope; echo $?; diff x nope 2>&1
#### -
echo a > x; echo b | diff x -; echo $?
#### no newline at the end
printf 'a' > x; printf 'a\n' > y; diff x y
#### directories
mkdir a b; echo 1 > a/f; echo 2 > b/f; echo x > a/only; echo s > a/same; echo s > b/same; diff -r a b; echo $?; diff -rq a b; diff -ru a b | sed 's/\t.*//'
#### deeper directories
mkdir -p a/s b/s; echo 1 > a/s/f; echo 2 > b/s/f; diff a b; diff -r a b
#### labels
echo a > x; echo b > y; diff -u --label old --label new x y; diff -L old -L new -u x y
#### -N
mkdir a b; echo 1 > b/f; diff -rN a b
#### hunks
seq 30 > x; seq 30 | sed 's/^3$/three/;s/^25$/x/' > y; diff -u x y | tail -n +3
#### -w -b -i -B
echo 'a  b' > x; echo 'a b' > y; diff -w x y; echo $?; diff -b x y; echo $?; echo A > x; echo a > y; diff -i x y; echo $?; printf 'a\n\nb\n' > x; printf 'a\nb\n' > y; diff -B x y; echo $?
#### cmp
echo abc > x; echo abd > y; cmp x y | sed 's/byte/char/'; cmp x y > /dev/null; echo $?; cmp x x; echo $?; cmp -s x y; echo $?; cmp -l x y
#### cmp of a prefix
printf ab > x; printf abc > y; cmp x y; echo $?
#### cmp without a file
echo a > x; cmp x nope 2>&1; echo $?; echo a | cmp x -; echo $?
#### the same input twice
echo a | diff - -; echo $?
#### formats of lines
seq 1 3 > x; printf '1\n3\n4' > y; diff --unchanged-line-format=U%l, --old-line-format='D%dn:%L' --new-line-format='A%3dn%%%l' x y; echo $?; diff --line-format='%L' x y; diff --old-line-format= --new-line-format="%c'x'%l|" --unchanged-line-format='%02xn ' x y; diff --unchanged-line-format= --old-line-format=%L x x; echo $?
#### formats of groups
seq 5 > x; seq 5 | sed 's/2/two/;4d;5a six' > y; diff --changed-group-format='%<' --unchanged-group-format='' x y; diff --changed-group-format='<%>>' x y; diff --old-group-format='-%<' --new-group-format='+%>' --unchanged-group-format='=%=' x y; diff --changed-group-format='%%[%<][%>]' x y
#### links that are not followed
echo a > f; ln -s f one; ln -s g other; diff --no-dereference -q f one; diff --no-dereference one other; diff --no-dereference one one; echo $?
#### functions of hunks
printf 'int f() {\n1\n2\n3\n4\n5\n}\n\nint g() {\n  a\n  b\n  c\n  d\n}\n' > x; sed 's/5/five/;s/  d/dd/' x > y; diff -p -U1 x y | tail -n +3; diff -U1 --show-function-line='{$' x y | tail -n +3; diff -F '^int g' -U0 x y | tail -n +3; diff -pc x y | tail -n +3
#### what makes no difference stays in hunks as it is
printf 'a\nb  c\nd\n' > x; printf 'a\nb c\nD\ne\n' > y; diff -ub x y | tail -n +3; diff -ui x y | tail -n +3; diff -uw x y | tail -n +3; diff -i -w x y; printf 'a\n\n\nb\n1\n2\n3\n4\n5\n6\n7\nc\n' > x; printf 'a\nb\n1\n2\n3\n4\n5\n6\n7\nC\n' > y; diff -uB x y | tail -n +3; diff -B x y; printf 'a \n' > x; printf 'a' > y; diff -b x y; echo $?; diff -Z x y; echo $?; diff -i x y; echo $?
#### places of changes that could be elsewhere
printf 'a\nx\nx\nb\n' > x; printf 'a\nx\nx\nx\nb\n' > y; diff x y; diff y x; printf 'f() {\n  1\n}\n\ng() {\n  2\n}\n' > x; printf 'f() {\n  1\n}\n\nh() {\n  3\n}\n\ng() {\n  2\n}\n' > y; diff -u x y | tail -n +3; diff -c y x | tail -n +3
#### many lines
seq 20000 > x; seq 1 4 20000 > y; diff -u --label x --label y x y | cksum; seq 1 3 20000 > z; diff z y | wc -l; diff -e x y | wc -l
#### no newlines at the ends
printf 'a\nb' > x; printf 'a\nc' > y; diff x y; diff -u x y | tail -n +3; diff -c x y | tail -n +3; printf 'a\nb\n' > z; diff -u x z | tail -n +3; diff -c z x | tail -n +3; : > e; diff e x; diff -u x e | tail -n +3; diff -c e x | tail -n +3
#### scripts for ed
seq 9 > x; seq 9 | sed "2d;4s/.*/./;6a new\\nline
" > y; diff -e x y; printf "a\nb\n" > p; printf "a\n.\n.\nq\n" > q; diff -e p q; diff --ed q p; printf "a" > r; diff -e p r 2>/dev/null
#### cmp of files that end early
printf 'ab\nc\nx' > a; printf 'ab\nc\n' > b; printf 'ab\nx\nx' > c; : > e; cmp a b 2>&1; echo $?; cmp -l a b 2>&1; cmp -l c b 2> /dev/null; cmp c b; cmp b a 2>&1; cmp a e 2>&1; cmp -s a b; echo $?; cmp a a; echo $?; printf ab > d; cmp a d 2>&1; cmp -s a c; echo $?; cmp -l a c; seq 20000 > s; (seq 19999; echo 2) > t; cmp s t; cmp -l s t; cmp s nope 2> /dev/null; echo $?
