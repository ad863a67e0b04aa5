#### create, list, extract
mkdir -p d/e; echo 1 > d/a; echo 2 > d/e/b; tar cf t.tar d; tar tf t.tar | sort; rm -r d; tar xf t.tar; cat d/a d/e/b
#### gzip
mkdir d; echo 1 > d/a; tar czf t.tgz d; tar tzf t.tgz | sort; rm -r d; tar -xzf t.tgz; cat d/a
#### gzip is found out
mkdir d; echo 1 > d/a; tar -czf t.tgz d; tar -tf t.tgz | sort
#### -C
mkdir -p s/d o; echo 1 > s/d/a; tar -cf t.tar -C s d; tar -xf t.tar -C o; cat o/d/a
#### pipe
mkdir d o; echo 1 > d/a; tar cf - d | (cd o && tar xf -); cat o/d/a
#### -v
mkdir d; echo 1 > d/a; tar cvf t.tar d; tar xvf t.tar
#### strip components
mkdir -p d/e; echo 1 > d/e/a; tar cf t.tar d; tar xf t.tar --strip-components=1; cat e/a
#### members
mkdir d; echo 1 > d/a; echo 2 > d/b; tar cf t.tar d; rm -r d; tar xf t.tar d/b; ls d; tar xf t.tar nope 2>/dev/null; echo $?
#### -O
echo hi > a; tar cf t.tar a; tar xOf t.tar a
#### --exclude
mkdir -p d/node_modules; echo 1 > d/a; echo 2 > d/b.log; echo 3 > d/node_modules/x; tar cf t.tar --exclude=node_modules --exclude='*.log' d; tar tf t.tar | sort
#### modes and links
mkdir d; echo 1 > d/a; chmod 755 d/a; ln -s a d/l; tar cf t.tar d; rm -r d; tar xf t.tar; stat -c %a d/a; readlink d/l
#### times
echo 1 > a; touch -d '2020-01-02 03:04:05 UTC' a; tar cf t.tar a; rm a; tar xf t.tar; stat -c %Y a
#### -tv
echo 12345 > a; chmod 644 a; touch -d '2020-01-02 03:04:05 UTC' a; tar cf t.tar --owner=root --group=root a; TZ=UTC tar tvf t.tar
#### no archive
tar xf nope.tar 2>/dev/null; echo $?; tar cf t.tar nope 2>/dev/null; echo $?; tar 2>/dev/null; echo $?
#### long names
n=$(printf 'x%.0s' 1 2 3 4 5 6 7 8 9 0); n=$n$n$n$n$n$n$n$n$n$n; mkdir -p $n; echo 1 > $n/f$n; tar cf t.tar $n; rm -r $n; tar xf t.tar; cat $n/f$n
#### -T
echo 1 > a; echo 2 > b; printf 'a\nb\n' > list; tar cf t.tar -T list; tar tf t.tar
#### gzip a file
echo hello > f; gzip f; ls; gunzip f.gz; cat f
#### gzip -k -c -d
echo hello > f; gzip -k f; ls; gzip -dc f.gz; gzip -c f > g.gz; zcat g.gz; gzip -d < g.gz
#### pipes
echo hello | gzip | gunzip; echo hello | gzip -9 | zcat; printf a | gzip > a.gz; printf b | gzip >> a.gz; zcat a.gz
#### gzip mistakes
gzip nope 2>/dev/null; echo $?; echo x > f.gz; gunzip f.gz 2>/dev/null; echo $?; echo x > g; gunzip g 2>/dev/null; echo $?; echo 1 > a; echo 2 > a.gz; gzip a < /dev/null 2>/dev/null; echo $?
#### gzip -t and -f
echo hi > f; gzip -k f; gzip -t f.gz; echo $?; gzip -f f; ls
#### names begin with ./ where they were given so
mkdir -p d/e; echo 1 > d/e/f; tar cf t.tar ./d; tar tf t.tar | sort; rm -r d; tar xf t.tar ./d/e; cat d/e/f; tar cf u.tar -C d .; tar tf u.tar | sort
#### -X
touch a b c; tar cf t.tar a b c; rm a b c; printf 'a\nb\n' > list; tar xf t.tar -X list; ls; tar tf t.tar --exclude-from=list --exclude c; tar cf u.tar -X list a c b; tar tf u.tar 2>/dev/null; mkdir d; touch d/a d/x; tar cf v.tar -X list d; tar tf v.tar | sort
#### names of one file
echo 1 > a; ln a b; touch -d '2020-01-02 03:04:05 UTC' a; tar cf t.tar a b; tar tvf t.tar | sed 's/.*0[0-9]:.. //'; rm a b; tar xf t.tar; stat -c %h a; cat b
#### --overwrite
echo new > a; tar cf t.tar a; echo old > a; ln a b; tar xf t.tar; cat a b; echo old > c; ln -f c a; tar xf t.tar --overwrite; cat a c
#### --owner --group --mtime
echo 1 > a; TZ=UTC tar c --owner=joe:12 --group=sys:3 --mtime=@1234567890 a | TZ=UTC tar tv | tr -s ' '; TZ=UTC tar c --owner=joe:12 --group=sys:3 --mtime='2020-02-29 10:11:12' a | TZ=UTC tar tv | tr -s ' '
#### -I
echo 1 > a; tar c -Igzip a | gzip -d | tar t; tar cf t.tar.xz --use-compress-program=xz a; tar tf t.tar.xz; tar xOf t.tar.xz -I xz a
#### long options cut short
mkdir -p a/b; echo 1 > a/b/c; tar --create --file=t.tar a; tar --list --file=t.tar --strip=1 --show-tr | grep b
#### a file in the place of a folder
echo 1 > a; tar cf t.tar a; rm a; mkdir a; tar xf t.tar; cat a; rm a; mkdir -p a/b; tar xf t.tar 2>/dev/null; echo $?
#### the umask and modes of archives
mkdir d; echo hi > d/f; chmod 4775 d/f; chmod 777 d; tar cf a.tar d; rm -r d; (umask 027; tar xf a.tar; stat -c '%a %n' d d/f; rm -r d; tar xpf a.tar; stat -c '%a %n' d d/f; rm -r d; tar -xp --no-same-permissions -f a.tar; stat -c '%a %n' d d/f)
