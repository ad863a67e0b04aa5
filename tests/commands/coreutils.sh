#### du
mkdir -p d/e; head -c 5000 /dev/zero > d/a; head -c 1 /dev/zero > d/e/b; ln d/a d/c; ln -s a d/l; du d; du -al d | sort; du -s d; du -sh d; du -c d d/e; du -d 0 d; du -ak d/a; du --max-depth=1 d; du -B 4096 -s d; du -sm d; du -S d; du -sl d; du none; echo $?; du -0s d | tr '\0' ,
#### du of links
mkdir d e; head -c 5000 /dev/zero > e/f; ln -s ../e/f d/l; ln -s e t; ln -s . e/loop; du -s d; du -sL d; du -s t; du -sD t; du -sH t; du -sL e; du -sLx e
#### du of what is left out
mkdir d; touch d/a.o; head -c 5000 /dev/zero > d/b.o; echo > d/c; du -a --exclude='*.o' d; du -ab d/c
#### env
env -i env; env -i a=1 b=2 env; env -i sh -c 'echo $a'; a=1 env -u a sh -c 'echo ${a-none}'; FOO=bar env | grep FOO; env -i PATH="$PATH" a=1 printenv a; cd /tmp; env | grep '^PWD='; unset PWD; printenv PWD; echo $?
#### head leaves the rest
seq 5 > a; { head -n 1; cat; } < a; { head -n 2 >/dev/null; head -c 3; read x; echo "[$x]"; cat; } < a; while read x; do echo "=$x"; head -n 1; done < a; head -2 < a; head -n1 - < a; head -c4 < a; head -n 0 < a; head < a
#### mktemp with an empty TMPDIR
TMPDIR= mktemp -u -t hello.XXXXXXXX | grep -c '^/tmp/hello\.........$'; TMPDIR= mktemp -u helloXXX --tmpdir | grep -c '^/tmp/hello...$'; TMPDIR=/x mktemp -u -t abXXX | cut -c 1-5; mktemp -u XX; echo $?
#### stat of what is no directive
: > f; stat -c % f; stat -c %q% f; stat -c '%n%%' f; stat --printf '%n' f; echo; stat --printf='%s\n' f
#### dd with odd numbers
printf 'high' > a; dd if=a 'count= 2' ibs=1 2>/dev/null; echo; dd if=a bs=1x2 count=1 2>/dev/null; echo; dd if=a bs=0x1 count=0 2>/dev/null; echo $?
#### columns of many widths
touch a bb ccc dddd eeeee ffffff one two three four five six seven eight nine ten; for w in 1 7 10 15 19 20 33 40 64 80 100; do ls -Cw $w; ls -xw $w; ls -mw $w; done; ls -C -T 0 -w 40; ls -C -w 0; ls -m -w 0; ls -Fxw 30; mkdir n; cd n; touch a b c d e f; for w in 1 2 3 4 5 6 7 8 9; do ls -Cw $w; done
#### chown and chgrp
touch f; ln -s f l; chown root f; echo $?; chown 0:0 f; echo $?; chown root: f; chown :root f; chgrp 0 f; chgrp root f l; echo $?; chown nobody-there f 2>/dev/null; echo $?; chown root none 2>/dev/null; echo $?; mkdir -p d/e; chown -R root:root d; echo $?; stat -c %U:%G f; chown 2>/dev/null; echo $?; chown -v 0 f; chgrp -v 0 f; chown --reference=l f; echo $?
#### dd reads whole blocks of files and devices
dd if=/dev/zero bs=1M count=1 2>/dev/null | wc -c; dd if=/dev/zero of=f bs=300K count=2 2>/dev/null; stat -c %s f; dd if=f bs=600K count=1 2>&1 >/dev/null | head -1; dd bs=200K count=1 < f 2>/dev/null | wc -c
#### cat -u
cat -u /dev/null; echo $?; echo a > f; cat -u f; echo b | cat -u f -
#### od -B, nl -v with a negative number
printf 'abcd' | od -B; printf 'a\nb\n' | nl -v -1; printf 'a\nb\n' | nl -i -2
#### base64 -d of much, of parts, and of what is none
seq 200000 | base64 > b; base64 -d b | cksum; base64 --decode - < b | cksum; base64 -w 0 b | base64 -d | cksum; (cat b; printf 'QQ'; sleep 0.1; printf '==') | base64 -d | cksum; printf 'QQ==QUI=\nQUJD' | base64 -d; echo " $?"; printf 'QUJDR' | base64 -d; echo " $?"; printf '\n\n' | base64 -d; echo " $?"; printf 'Q*Q==' | base64 -di; echo " $?"; base64 -d nofile; echo $?
#### chown and chgrp tell what they do
touch f; { chown -v root f; chown -v user f; chown -v root:root f; chown -v :root f; chgrp -v root f; chown -v user: f; chown -v 1000 f; chown -v 1000:1000 f; chgrp -v user f; chown --from=root -v user f; } 2>/dev/null
