#### text
printf 'hello\n' > a.txt; printf 'h\303\251llo\n' > u.txt; printf 'a\r\nb\r\n' > crlf; printf 'a\rb\r' > cr; printf 'a\r\nb\n' > mixed; printf '\357\273\277hi\n' > bom; printf '\377\376h\0i\0\n\0' > u16; printf 'a\033[1mb\n' > esc; printf 'a\bb\n' > over; head -c 400 /dev/zero | tr '\0' x > long; printf '\205\225 x\n' > odd; printf '\351\350 latin\n' > l1; printf none > nn; file a.txt u.txt crlf cr mixed bom u16 esc over long odd l1 nn
#### scripts and sources
printf '#!/bin/sh\necho\n' > s.sh; printf '#!/bin/bash\necho\n' > b; printf '#!/usr/bin/env python3\nprint(1)\n' > p.py; printf '<?xml version="1.0"?>\n<a/>\n' > x.xml; printf '<!DOCTYPE html>\n<html></html>\n' > h.html; echo '{"a":1}' > j.json; file s.sh b p.py x.xml h.html
#### archives and pictures
echo x | gzip -n > z.gz; printf 'GIF89a\001\0\001\0\0\0\0' > g.gif; printf '%%PDF-1.4\n' > d.pdf; printf '\211PNG\r\n\032\n\0\0\0\rIHDR\0\0\0\003\0\0\0\004\010\006\0\0\0\0\0\0\0' > i.png; echo a > t; tar --format=gnu -cf t.tar t; file -b g.gif d.pdf i.png; file --mime-type z.gz g.gif d.pdf i.png t.tar
#### kinds of files
: > empty; mkdir d; ln -s empty l; ln -s nope broken; file empty d l broken; file -L l; file nofile; echo $?; file -b d; printf '\0\001\002\003' > bin; file bin
#### forms
echo hi > a; : > bbb; mkdir d; file a bbb; file -N a bbb; file -F ' =' a; file -0 a | tr '\0' '!'; file - < a; printf 'a\nbbb\n' | file -f -; file -i a bbb d; file --mime-encoding a; file --mime -b a; file -bi a; file --mime-type -b a
#### failures
file; echo $?; file -q; echo $?; file -E nofile; echo $?
