#### which
which sh >/dev/null && echo found; which nonesuch; echo $?
#### rev
printf 'abc\nde' | rev; echo abc > f; rev f
#### id
id -u; id -u -r; id -g
#### id of who is not there
id no-such-user 2>/dev/null; echo $?; id -u no-such-user 2>/dev/null; echo $?
#### the user
id; id -un; id -Gn; whoami; groups; id -u root; id root; groups user; id -u 1000; id -nG root user
#### options of id that exclude each other
id -n 2>/dev/null; echo $?; id -u -g 2>/dev/null; echo $?; id -z 2>/dev/null; echo $?; id -uz | od -c; whoami x 2>/dev/null; echo $?
#### whose files are
echo hi > f; stat -c '%u %U %g %G' f; ls -l f | cut -d' ' -f3,4; chown user f; chown 1000:user f; chgrp user f; chown root f 2>/dev/null; echo $?
chmod 0 f; cat f 2>/dev/null; echo $?; [ -r f ]; echo $?; [ -O f ] && echo own; echo ~user ~root ~nobody-there
#### archives say whose files are
echo hi > f; tar cf a.tar f; tar tvf a.tar | cut -d' ' -f2; tar --owner=root:0 --group=0 -cf a.tar f; tar tvf a.tar | cut -d' ' -f2; chmod 4755 f; tar cf a.tar f; tar tvf a.tar | cut -c1-20
#### named pipes
mkfifo f; [ -p f ] && stat -c '%F %a %s' f; ls -l f | cut -c1-10; (echo one > f) & cat f; wait; exec 3<>f; echo two >&3; read x <&3; echo $x; exec 3>&-
mkfifo f 2>/dev/null; echo $?; mkfifo -m 600 g h; stat -c %a g h; mkfifo -m u+s i 2>/dev/null; echo $?; mkfifo 2>/dev/null; echo $?; mkfifo no/such 2>/dev/null; echo $?; rm f g; ls
#### a named pipe between two loops
mkfifo p; { for i in 1 2 3; do echo "line $i"; done > p; } & while read -r line; do echo "got $line"; done < p; wait; (cat p; echo end) & (: > p); wait
#### a named pipe without anybody
mkfifo p; timeout 0.3 cat p; echo $?; timeout 0.3 sh -c 'echo hi > p'; echo $?
