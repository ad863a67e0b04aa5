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
