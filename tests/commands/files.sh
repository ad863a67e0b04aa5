#### mkdir with modes
mkdir a; mkdir -m 700 b; mkdir -m u=rwx,go=x c; mkdir -m 1777 d; mkdir -m a-w e; stat -c '%a %n' a b c d e
#### mkdir with parents and modes
mkdir -p -m 711 a/b/c; stat -c '%a %n' a a/b a/b/c; mkdir -p -m 700 a/b; stat -c %a a/b
#### mkdir under a umask
umask 027; mkdir a; mkdir -m 755 b; mkdir -p c/d; mkdir -m g+w e; stat -c '%a %n' a b c c/d e
#### mkdir where something is
mkdir a; mkdir -m 700 a; echo $?; stat -c %a a; touch f; mkdir -p f; echo $?
#### mktemp
f=$(mktemp); d=$(mktemp -d); stat -c '%a %F' "$f" "$d"; g=$(mktemp -p . abc.XXXX); stat -c %a "$g"; umask 0; h=$(mktemp -d ./XXXXXX); stat -c %a "$h"
rm -r "$f" "$d"
#### files under a umask
umask 077; touch a; : > b; echo x | tee c; cp c d; umask 002; touch e; printf '' >> f; stat -c '%a %n' a b c d e f
#### cp of modes
echo x > a; chmod 751 a; cp a b; cp -p a c; cp --no-preserve=mode a d; cp --preserve=mode a e; stat -c '%a %n' b c d e
#### cp over what is there keeps its mode
echo x > a; chmod 755 a; echo y > b; chmod 666 b; cp a b; stat -c %a b; cp -p a b; stat -c %a b; chmod 600 b; cp --remove-destination a b; stat -c %a b
#### cp of a mode and the umask
echo x > a; chmod 777 a; umask 027; cp a b; cp -p a c; stat -c '%a %n' b c; umask 0; cp a d; stat -c %a d
#### cp of directories and their modes
mkdir a; chmod 770 a; echo x > a/f; chmod 4755 a/f; cp -r a b; cp -a a c; cp -rp a d; stat -c '%a %n' b b/f c c/f d d/f
#### cp of times
echo x > a; touch -d '2001-02-03 04:05:06.5 UTC' a; cp -p a b; stat -c '%Y %y' b; cp --preserve=timestamps a c; stat -c %Y c; mkdir d; touch -d '2002-01-01 UTC' d; cp -a d e; stat -c %Y e
#### cp of symbolic links
echo x > a; ln -s a l; ln -s none n; cp l b; cp -P l c; cp -d n d; for f in b c d; do [ -L $f ] && echo "$f -> $(readlink $f)"; done; cp n e; echo $?
#### cp of trees with symbolic links
mkdir -p a/sub; echo x > a/sub/f; ln -s sub a/l; ln -s sub/f a/m; cp -r a b; cp -rL a c; cp -RP a d; ln -s a top; cp -rH top e; cp -r top f
for d in b c d e; do for f in l m; do [ -L $d/$f ] && echo "$d/$f link" || ls $d/$f; done; done; [ -L f ] && echo 'f link'
#### cp -a of symbolic links keeps their times
echo x > a; ln -s a l; touch -h -d '2003-03-03 UTC' l; cp -a l m; stat -c '%F %Y' m
#### cp of hard links
mkdir a; echo x > a/1; ln a/1 a/2; cp -a a b; stat -c '%h' b/1 b/2; [ b/1 -ef b/2 ] && echo same; cp -r a c; stat -c %h c/1
#### cp -l and -s
echo x > a; cp -l a b; [ a -ef b ] && echo same; cp -s a c; readlink c
#### cp onto itself
echo x > a; cp a a; echo $?; ln -s a l; cp a l; echo $?; ln a h; cp a h; echo $?
#### cp into itself
mkdir a; cp -r a a/b; echo $?
#### cp backups
echo 1 > a; echo 2 > b; cp -b a b; cat b b~; cp --backup=numbered a b; ls
#### cp -u -n
echo 1 > a; echo 2 > b; touch -d '2001-01-01 UTC' a; cp -u a b; cat b; cp -n a b; cat b; touch a; cp -u a b; cat b
#### cp --parents -t -T
mkdir -p x/y d; echo 1 > x/y/f; cp --parents x/y/f d; cat d/x/y/f; cp -t d x/y/f; ls d; mkdir e; cp -rT x e; ls e
#### cp without -r of a directory
mkdir a; cp a b; echo $?; ls
#### cp -v
echo 1 > a; mkdir d; cp -v a b; cp -v a d
#### mv -T over a link to a directory
mkdir real; ln -s real link; echo y > g; mv -T g link; echo $?; cat link; ls real
#### mv -T and -v
mkdir d; echo 1 > a; mv -v a b; mv -v b d; mv -T d e; ls; mkdir f; mv -vT e f; ls f
#### mv keeps modes and times
echo x > a; chmod 640 a; touch -d '2001-01-01 UTC' a; mkdir d; mv a d; stat -c '%a %Y' d/a
#### mv backups and -n
echo 1 > a; echo 2 > b; mv -b a b; cat b b~; echo 3 > c; mv -n c b; cat b c
#### ln
echo x > a; ln a b; stat -c %h a; ln -s a c; readlink c; ln -sf b c; readlink c; ln -s a c; echo $?; mkdir d; ln -s ../a d; readlink d/a; ln a d/e; stat -c %h a
#### ln -sfn and -T
mkdir d e; ln -s d l; ln -sfn e l; readlink l; ln -sfT d l; readlink l; ln -sf a l; ls d; ln -sT e d; echo $?
#### ln -r
mkdir -p a/b c; echo x > a/f; ln -sr a/f c/g; readlink c/g; ln -sr c a/b/up; readlink a/b/up; ln -srv a/f h
#### ln -b and -v
echo 1 > a; echo 2 > b; ln -sv a c; ln -sb a b; ls; cat b~
#### readlink and realpath
mkdir -p a/b; echo x > a/b/f; ln -s a l; ln -s l/b/f m; ln -s none n; here=$(pwd -P)
for p in m l/b/../b/f n n/x a/b; do readlink -f $p | sed "s|^$here||"; echo $?; readlink -e $p | sed "s|^$here||"; readlink -m $p | sed "s|^$here||"; realpath $p | sed "s|^$here||"; done
realpath --relative-to=a m; realpath -s m | sed "s|^$here||"; readlink f; echo $?; readlink -n l
#### rm
echo x > a; mkdir d; rm a; rm d; echo $?; rm -d d; rm none; echo $?; rm -f none; echo $?; mkdir -p e/f; rm -d e; echo $?; rm -rv e | sort; rm .; echo $?
#### touch
touch -d '2001-02-03 04:05:06' a; stat -c '%Y %X' a; touch -r a b; stat -c %Y b; touch -t 200203040506.07 c; stat -c %Y c; touch -m -d @5 a; stat -c '%Y %X' a; touch -a -d @6 a; stat -c '%Y %X' a; touch -c none; ls
#### chmod
echo x > a; for m in 644 u+x go-r a=r +w u=rwx,g=u,o= g+s u+s +t a+X -x o+rw,u-w 0755 =rw; do chmod $m a; echo "$m $(stat -c %a a)"; done
#### chmod and the umask
umask 027; echo x > a; chmod 0 a; chmod +rwx a; stat -c %a a; chmod -w a; stat -c %a a; chmod a+w a; stat -c %a a
#### chmod of directories
mkdir -p d/e; touch d/f; chmod -R u=rwX,go=rX d; stat -c '%a %n' d d/e d/f; chmod -R 700 d; stat -c '%a %n' d/e d/f; chmod g+s d; chmod 755 d; stat -c %a d; chmod 00755 d; stat -c %a d
#### chmod -v -c --reference
touch a b; chmod 600 b; chmod -v 644 a; chmod -c 755 a; chmod -c 755 a; chmod --reference=b a; stat -c %a a
#### stat formats
printf hello > a; chmod 640 a; touch -d '2001-02-03 04:05:06.789 UTC' a; stat -c '%n %s %a %A %F %h %u %U %g %G %f %x %X %y %Y' a; mkdir d; stat -c '%F %A %f' d; ln -s a l; stat -c '%N %F' l; stat -L -c '%F %s' l; stat --printf '%s\t%n\n' a; stat -c '[%5s] [%-5s] [%05s]' a; : > e; stat -c %F e; stat -c '%b %B %o' a; stat none; echo $?
#### stat of widths
printf a > f; chmod 751 f; touch -d '2001-02-03 04:05:06.123456789 UTC' f; stat -c '%Y|%.3Y|%10Y|%010.2X|%#a|%04a|%+s|%.2n|%#f|' f; stat --printf='\x41\101\e[0m|\n' f; stat -c '%t %T %F' /dev/null; stat -c '%5.2F|%-12F|%012F|' f; stat f | sed -n '1,2p;4p'; stat -Lt f | cut -d' ' -f 1-6
#### install of umask in subshells
(umask 077; touch a); touch b; stat -c %a a b
#### test of modes and times
touch a; chmod 500 a; [ -x a ] && echo x; [ -r a ] && echo r; touch -d @5 b; [ a -nt b ] && echo newer; [ b -ot a ] && echo older; [ -s a ] || echo empty; chmod u+s a; [ -u a ] && echo setuid; mkdir d; chmod +t d; [ -k d ] && echo sticky
#### named pipes are copied, archived and moved
mkdir d; mkfifo -m 640 d/p; echo hi > d/f; (umask 077; cp -r d e; cp -a d g; ls -l e g | cut -c1-10); mkfifo q; cp -R q r; [ -p r ] && echo copied; tar cf t.tar d; tar tvf t.tar | cut -c1-10 | sort; mkdir x; tar xf t.tar -C x; [ -p x/d/p ] && echo extracted; diff -r d e; grep -r hi d; mv q s; [ -p s ] && echo moved; rm -r d e g s; ls
