#### files
echo x > a; install a b; stat -c %a b; install -m 600 a b; stat -c %a b; install -m u=rw,go=r a b; stat -c %a b; install -D -m 644 a p/q/r; cat p/q/r; mkdir d; install a b d; ls d; install -t d -m 700 a; stat -c %a d/a; install -v a c
#### directories
install -d x/y z; ls -d x/y z; stat -c %a x/y; install -d -m 700 w; stat -c %a w; install -d -m 711 w; stat -c %a w; install -dv n/m
#### failures
echo x > a; install; echo $?; install a; echo $?; install nofile b; echo $?; install a a; echo $?; mkdir d; install d b; echo $?; install a b c; echo $?; install -m z a b; echo $?; install -q; echo $?; install -D -t n/m a; ls n/m; install -T a d; echo $?
#### compare and backup
echo x > a; echo y > b; install -b a b; cat b b~; install -C a b; echo $?; touch -d @1000 a; install -p a e; stat -c %Y e; ln -s a l; install b l; test -L l; echo $?
