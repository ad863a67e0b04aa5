#### default
printf '1234567890abc' > f; hexdump f; hexdump < f; head -c 40 /dev/zero | hexdump
#### forms
printf '1234567890abc\n\t\0\377' > f; for o in -b -c -C -d -o -x; do hexdump $o f; done; hd f
#### squeezing
{ head -c 48 /dev/zero; echo x; } > f; hexdump f; hexdump -v f; hexdump -C f; head -c 64 /dev/zero | hexdump -C
#### length and skip
printf '1234567890abcdefghijklmnopqrstuvwxyz' > f; hexdump -C -n 5 f; hexdump -C -s 10 f; hexdump -C -s 0x10 -n 20 f; hexdump -s 100 -C f; hexdump -n 0 -C f; hexdump -s 1k -C f; hexdump -C -n 3 < f; hexdump -C -s 3 -n 3 < f
#### own formats
printf '1234567890abc' > f; hexdump -e '4/1 "%02x " "|" "\n"' f; hexdump -e '1/4 "%d\n"' f; hexdump -e '16/1 "%02X" "\n"' f; hexdump -v -e '/1 "%u "' f; echo; hexdump -e '"%08_ax " 8/1 "%3u " "\n"' f; hexdump -e '8/1 "%_p" "\n"' f; hexdump -v -e '1/1 "%c"' f; echo; hexdump -e '"%x "' f
#### more formats
printf 'ab\0c\n\033\177\200z' > f; hexdump -e '1/1 "%_u "' f; echo; hexdump -e '1/1 "%_c "' f; echo; hexdump -e '2/2 "%5d " "\n"' f; hexdump -e '1/8 "%x\n"' f; hexdump -ve '1/1 "%.2x"' f; echo; hexdump -e '"[%3s]"  "\n"' f; echo $?; hexdump -e '1/3 "[%s]\n"' f; hexdump -e '"%.3s|" "\n"' f
#### float
printf '\000\000\200\077\000\000\000\100\333\017\111\300\000\000\000\000' | hexdump -e '1/4 "%f " "\n"'; printf '\000\000\000\000\000\000\370\077' | hexdump -e '1/8 "%e " "%g " "\n"'; printf '\000\000\000\000\000\000\370\077' | hexdump -e '1/8 "%g" "\n"'
#### end of input only
printf '1234567890abc' | hexdump -e '"%_Ad\n"' -e '4/1 "%02x " "\n"'; printf 1234 > a; printf 56 > b; hexdump -C a b
#### failures
hexdump nofile; echo $?; printf x > f; hexdump -C nofile f; echo $?; hexdump -q; echo $?; hexdump -e '"%q"' f; echo $?; hexdump -e 'abc' f; echo $?; : | hexdump; hexdump -n z f; echo $?
#### both
printf 'ab' > f; hexdump -C -x f; hexdump -e '1/1 "x%02x "' -e '"\n"' f; hexdump -e '"%07.7_ax  |" 4/1 "%_p" "|\n"' f
