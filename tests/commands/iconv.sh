#### unicode
printf 'h\303\251llo \342\202\254\n' > u; for t in utf-16 utf-16le utf-16be utf-32 ucs-2 utf-8; do iconv -f utf-8 -t $t u | od -An -tx1; done; iconv -f utf-8 -t utf-16 u | iconv -f utf-16 -t utf-8; iconv -f utf8 -t utf-32be u | iconv -f UTF-32BE -t UTF8; printf '\377\376a\0' | iconv -f utf-16 -t utf-8; echo; printf 'a\0b\0' | iconv -f utf-16le -t utf-8; echo
#### tables
printf 'h\351llo\n' | iconv -f latin1 -t utf-8; printf 'h\303\251llo \342\202\254\n' | iconv -f utf-8 -t cp1252 | od -An -tx1; printf '\342\202\254' | iconv -f utf-8 -t iso-8859-15 | od -An -tx1; printf '\244\242' | iconv -f euc-jp -t utf-8; echo; printf '\343\201\202' | iconv -f utf-8 -t sjis | od -An -tx1; printf '\317\360\350\342\345\362\n' | iconv -f cp1251 -t utf-8; printf '\360\322\311\327\305\324\n' | iconv -f koi8-r -t utf-8; printf '\342\202\254' | iconv -f utf-8 -t gbk | od -An -tx1; printf '\324\332' | iconv -f gb18030 -t utf-8; echo
#### lacking
printf 'h\303\251\342\202\254o\n' > u; iconv -c -f utf-8 -t ascii u; LC_ALL=C.UTF-8 iconv -f utf-8 -t ascii//TRANSLIT u; iconv -f utf-8 -t latin1 u | od -An -tx1; iconv -f utf-8 -t ascii u > /dev/null; echo $?
#### failures
printf 'a\200b' > b; iconv -f utf-8 -t latin1 b; echo " $?"; iconv -f utf-8 -t utf-16le nofile; echo $?; iconv -f nonesuch -t utf-8 b; echo $?; iconv -f utf-8 -t nonesuch b; echo $?; iconv -z; echo $?; printf '\303' | iconv -f utf-8 -t latin1; echo $?; iconv -f ascii -t utf-8 b; echo " $?"; iconv -c -f utf-8 -t latin1 b; echo " $?"
#### files
printf 'a\303\251' > a; printf 'b\n' > b; iconv -f utf-8 -t latin1 a b | od -c; iconv -f utf-8 -t latin1 -o o a; od -c o; iconv -l | grep -c 'UTF-8//'
