#### other names of awk
for name in gawk mawk nawk; do echo a b | $name '{ print $2 }'; done
#### dos2unix
printf 'a\r\nb\r\n' > d; dos2unix d 2>&1; od -c d; printf 'a\r\nb\nc\rd\r\n' | dos2unix | od -c; printf '\357\273\277a\r\n' > m; dos2unix -q m; od -c m; printf 'a\r\n' > s; dos2unix -n s t 2>&1; od -c s t; dos2unix -q nofile; echo $?; dos2unix nofile 2>&1; echo $?; dos2unix . 2>&1; echo $?; dos2unix -l < s | od -c
#### unix2dos
printf 'x\ny\n' > u; unix2dos u 2>&1; od -c u; unix2dos -q u; od -c u; printf 'a\r\nb\nc\rd' | unix2dos | od -c; printf '\357\273\277a\n' > m; unix2dos -q m; od -c m; unix2dos -r -q m; od -c m; unix2dos -m -q m; od -c m
#### what is no text
printf 'x\na\0b\r\n' > b; dos2unix b 2>&1; echo $?; od -c b; dos2unix -f b 2>&1; od -c b; ln -s b link; dos2unix link 2>&1; printf 'a\r\n' > b; dos2unix -F link 2>&1; od -c b; touch -d '2020-01-02 03:04:05 UTC' b; unix2dos -k -q b; date -u -r b +%F
#### kinds of ends
printf 'a\r\nb\nc\rd\n' > x; printf 'a\0' > y; dos2unix -i x y; echo $?
#### uuencode
printf 'hello world, this is a test of some length of more than one line of output\n' > f; chmod 600 f; uuencode f name; uuencode -m f name; uuencode name < f; chmod 640 f; : | uuencode e; : | uuencode -m e; printf 'a' | uuencode x; printf 'ab' | uuencode -m x; uuencode 2>/dev/null; echo $?; uuencode nofile x 2>/dev/null; echo $?; head -c 300 /dev/zero | uuencode z
#### uudecode
printf 'some text\n' > f; chmod 640 f; uuencode f g | uudecode; cat g; stat -c %a g; uuencode -m f h | uudecode -o -; uuencode f x | uudecode -o y; cmp f y; { echo 'mail text'; uuencode f z; echo more; } > mail; uudecode mail; cat z; uudecode nofile 2>/dev/null; echo $?; uudecode f 2>/dev/null; echo $?; printf 'begin 644 q\n#86)C\n' | uudecode 2>/dev/null; echo $?; seq 1000 > s; uuencode s s2 | uudecode; cmp s s2; uuencode -m s s3 | uudecode; cmp s s3; uuencode f /dev/stdout | uudecode
#### look
printf 'Apple\nBand\napple\napricot\nbanana\ncherry\n' > w; look ap w; look zz w; echo $?; look -t p apx w; look c w; look a w | wc -l; printf 'apple\nApricot\nbanana\n' > v; look -f AP v; look 2>/dev/null; echo $?; look x nofile 2>/dev/null; echo $?; printf 'a-b c\nab d\n' > u; look -d ab u
#### colrm
printf 'abcdefgh\n123\n\tx\n' > f; colrm 3 5 < f; colrm 3 < f; colrm < f; colrm 1 1 < f; colrm x 2>/dev/null < f; echo $?; printf 'a\tb\tc\n' | colrm 2 4 | od -c; printf 'äöü€x\n' | colrm 2 3
#### col
printf 'N\bNA\bAME\n        tabbed\n' > f; col < f | od -c; col -b < f | od -c; col -bx < f | od -c; printf 'a\n        tabbed   y\n' | col -x; printf 'abc\rX\n\n\n\na' | col -b | od -c; printf 'one\ntwo\013up\n' | col -b; printf '\033[1mbold\033[0m\n' | col -b | od -c; printf 'x    y\n  \n' | col -x | od -c
#### sponge
printf 'b\na\n' > f; sort f | sponge f; cat f; echo c | sponge -a f; cat f; echo q | sponge; echo x | sponge no/such 2>/dev/null; echo $?; sed s/a/A/ f | sponge new; cat new
#### ts
printf 'x\ny\n' | ts there; printf 'x\n' | ts -s '%H:%M'; printf 'x' | ts -i '%M'; printf 'x\n' | ts '%Y' | grep -c '^20[0-9][0-9] x$'; printf 'x\n' | ts | grep -cE '^[A-Z][a-z]{2} [0-9]{2} [0-9:]{8} x$'; printf 'x\n' | ts '%.s' | grep -cE '^[0-9]{10}\.[0-9]{6} x$'; ts -x 2>/dev/null < /dev/null; echo $?
