#### plain
mkdir -p t/d1/e t/D2 t/.h && cd t && touch b a B.x _c d1/f d1/e/g .h/z && ln -s d1 l && ln -s nowhere m; tree; tree -a; tree -d; tree -L 1; tree --charset=UTF-8; tree d1 D2; tree --noreport d1
#### forms
mkdir -p d1/e D2; printf 12345 > a; touch d1/f d1/e/g; ln -s a l; chmod 755 d1/f; chmod 644 a; tree -F; tree -f -i; tree -s a d1 --noreport; tree -fi --noreport d1; tree -Q; tree -p d1 --noreport; tree -i; tree -if d1/
#### choice
mkdir -p d1/e D2; touch a.c b.h d1/f.c d1/e/g.o; tree -P '*.c'; tree -P '*.c' --prune; tree -I 'd1'; tree -I '*.c|*.h'; tree -P '*.C' --ignore-case; tree --dirsfirst; tree -r; tree --prune
#### json
mkdir -p d1/e; touch a d1/f; ln -s a l; tree -J; tree -J --noreport d1; tree -Jd
#### failures
tree nofile; echo $?; tree -L 0; echo $?; tree -L x; echo $?; touch f; tree f; echo $?; mkdir d; tree d; tree -o out d; cat out
