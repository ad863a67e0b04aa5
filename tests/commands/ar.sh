#### archives
echo one > f1; echo two22 > f2; chmod 600 f2; ar r x.a f1 f2 2>&1; cat x.a; ar rv x.a f1; ar t x.a; ar tv x.a; ar p x.a f2; ar pv x.a; ar q x.a f1; ar qv x.a f1; ar t x.a; ar dv x.a f1; ar t x.a; ar d x.a nofile; echo $?
#### names and sizes
echo long > a_very_long_file_name.txt; printf abc > odd; mkdir d; echo deep > d/deep; ar rcs y.a a_very_long_file_name.txt odd d/deep; head -c 8 y.a; mkdir out; cd out; ar xv ../y.a; ls; cat deep; ar x ../y.a odd; cd ..; ar t y.a deep odd; ar rcs e.a; od -c e.a; ar -t y.a; touch -d '2020-02-03 04:05:06 UTC' odd; ar rcU u.a odd; ar tv u.a | cut -d' ' -f4-; rm odd; ar xo u.a; date -u -r odd +%F
#### order
for n in a b c d; do echo $n > $n; done; ar rc o.a a b c; ar mv o.a a; ar t o.a; ar ma c o.a b; ar t o.a; ar rb c o.a d; ar t o.a; ar rva a o.a d; ar t o.a
#### errors
ar t none.a 2>&1; echo $?; echo x > f; ar rc x.a nofile 2>&1; echo $?; ar 2>/dev/null; echo $?; ar z x.a 2>/dev/null; echo $?; ar t f 2>/dev/null; echo $?; ar rc x.a f; ar t x.a nofile 2>&1; echo $?; ar x x.a nofile 2>&1; echo $?; ar d none.a f 2>&1; echo $?
