#### plain
printf '1234567890abc\001\377\n' | xxd
#### columns groups
printf '1234567890abcdefghij' > f; xxd -c 8 f; xxd -c8 -g1 f; xxd -g 4 f; xxd -g 3 f; xxd -g0 f; xxd -cols 6 f; xxd -c 0 f; xxd -c 257 f; echo $?
#### little endian
printf '1234567890abc' > f; xxd -e f; xxd -e -g 8 f; xxd -e -g 2 f; xxd -e -g 1 f; xxd -e -g 3 f; echo $?
#### bits
printf '1234567890abc' | xxd -b; printf '12' | xxd -b -c 4
#### plain hex
printf '1234567890abcdefghijklmnopqrstuvwxyz' > f; xxd -p f; xxd -ps -c 10 f; xxd -p -c 0 f; xxd -u -p f; xxd -plain f
#### include
printf 'hello world abcdef' > 'a-b.c'; xxd -i a-b.c; xxd -i < a-b.c; xxd -i -C a-b.c; xxd -i -n nm a-b.c; printf x > 1f; xxd -i 1f; xxd -i -c 4 a-b.c; : > e; xxd -i e
#### upper decimal
printf 'hello\377\253' > f; xxd -u f; xxd -d f; xxd -E f; printf '\310\205\223\223\226@\346\226\231\223\204' | xxd -E
#### seek and length
printf '1234567890abcdefghijklmnopqrstuvwxyz' > f; xxd -s 10 f; xxd -s 0x10 -l 4 f; xxd -s -5 f; xxd -l 5 < f; xxd -s 3 -l 5 < f; xxd -o 100 -l 3 f; xxd -len 3 f; xxd -seek 4 -l 3 f; xxd -s +4 -l 3 f
#### autoskip
head -c 100 /dev/zero > f; xxd -a f; echo x >> f; xxd -a f; head -c 48 /dev/zero | xxd -a; head -c 32 /dev/zero | xxd -a; head -c 16 /dev/zero | xxd -a; { head -c 48 /dev/zero; printf '1234567890123456'; head -c 20 /dev/zero; } | xxd -a
#### revert
printf '1234567890abcdefghijklmnopqrstuvwxyz\n' > f; xxd f | xxd -r; xxd -p f | xxd -r -p; xxd -g1 f | xxd -r; xxd -c 8 f | xxd -r -c 8; printf '00000005: 4142\n' | xxd -r | xxd; echo 48656c6c6f0a | xxd -r -p; echo '48 65 6c 6c 6f 0a' | xxd -r -p; printf '0000: 41 42  xx\n0002: 43\n' | xxd -r; echo
#### revert into a file
printf 'hello world\n' > f; echo '0000006: 5757' | xxd -r - f; cat f; echo '0: 58' | xxd -r -s 3 - f; cat f; printf '5: 41\n0: 42\n' | xxd -r | xxd; xxd f g; cat g; xxd -r g; xxd -r g h; cmp f h && echo same
#### empty and missing
xxd < /dev/null; xxd nofile; echo $?; xxd -Z; echo $?; printf a | xxd - ; xxd -p < /dev/null
#### revert odd
echo '616' | xxd -r -p; echo; echo 'zz61' | xxd -r -p; echo; echo '0x61' | xxd -r -p; printf '61\n\n62\n' | xxd -r -p; echo; printf '6 162' | xxd -r -p; echo; printf '6\n1 6-2 63' | xxd -r -p; echo; printf '00000000: 6162 zz63\n' | xxd -r; echo; printf 'junk\n00000000: 6162\n' | xxd -r; echo
