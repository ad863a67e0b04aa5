#### default
printf 'abc\0defg\001hello world\n\tx\377yz12' > f; strings f; strings < f; strings -n 3 f; strings -3 f; strings -n 6 f; strings -a f
#### offsets
printf 'abc\0defg\001hello world\n\tx\377yz12' > f; strings -t x f; strings -t d f; strings -t o f; strings -o f; strings -f f; strings --radix=d --bytes=2 f
#### wide
printf 'a\0b\0c\0d\0\0\0xyzzy' > f; strings -e l f; strings -el -t d f; printf '\0a\0b\0c\0d\001' | strings -e b; printf 'h\351llo w' | strings -e S | wc -c; printf 'a\0\0\0b\0\0\0c\0\0\0d\0\0\0' | strings -e L
#### separators
printf 'abcd\0efgh\0' | strings -s ', '; echo; printf 'ab\ncd\0' | strings -w; printf 'ab\tcd\0' | strings
#### failures
strings nofile; echo $?; strings -q; echo $?; printf abcde > f; strings nofile f; echo $?; strings -n 0 f; echo $?; strings -n x f; echo $?; mkdir d; strings d; echo $?; strings -e q f; echo $?
