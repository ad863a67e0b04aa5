#### sort of files without a last newline
printf 'x' > a; printf 'y\n' > b; printf 'z' > c; : > e; sort a b; sort a e c b a; printf 'q' | sort - a; printf 'q' | sort a - c; sort -m a b c; sort -r a b; sort -u a a b; sort -s a b; sort -o out a c; cat out
#### sort -z of files without a last zero
printf 'b\0a' > a; printf 'c' > b; sort -z a b | tr '\0' ,
#### sort of files that are not there
printf x > a; sort a none; echo $?; sort none a; echo $?
#### sort with old keys and other options
printf '1 b\n2 a\n' > a; printf '0 c' > b; sort -k2 a b; sort -k 2,2 a b; sort -t ' ' -k1,1n b a; sort --key=2 b a; sort -nr a b; sort -- a b
#### cat head tail of files without a last newline
printf 'a' > a; printf 'b\nc' > b; cat a b; echo; head -n 1 a b; echo; tail -n 1 a b; echo; tail -q -n 1 a b; echo; head -qn1 a b; echo; cat -n a b; echo; cat -A a b; cat -s a; cat -b b a
#### paste and join of files without a last newline
printf '1 a\n2 b' > a; printf '1 c\n2 d' > b; paste a b; paste -s a b; join a b; paste -d, a b a; paste - - < a; join -v1 a b
#### uniq comm tac nl of files without a last newline
printf 'a\na' > a; printf 'a\nb' > b; uniq a; uniq -c a; comm a b; tac b a; echo; nl a; tac a b; echo; fold -w1 b; cut -c1 b; tr a x < b; echo; expand b; unexpand b; wc a b; fmt b; pr -t b; split -l 1 b; cat xaa xab; csplit -s b 2; cat xx00 xx01
#### wc
export LC_ALL=C.UTF-8
printf 'one two\nthree' > a; printf 'äöü\n' > b; wc a; wc -l a b; wc -w a; wc -c < b; wc -m b; wc -L a b; cat a | wc; wc none a; echo $?; wc -lw < a; printf a | wc -l; wc - < a; wc -c < a; wc -lc < a; : > e; wc e; wc a e; wc -m a
#### wc -m of bytes that are no text
printf '\377\376a\n' | wc -m; printf '\303' | wc -m; printf '\303\244' | wc -m; printf 'a\200b' | wc -mc; printf '\355\240\200' | wc -m
#### dd
printf 0123456789 > a; dd if=a bs=3 count=2 2>&1 | sed 's/copied.*/copied/'; dd if=a bs=3 skip=1 status=none; echo; dd if=a of=b bs=2 seek=2 status=none; od -c b; dd if=a of=b bs=1 count=2 conv=notrunc status=none; od -c b; dd if=a of=c bs=4 count=1 status=none; cat c; echo; dd if=none; echo $?; dd of=d status=none < a; cat d; dd if=a ibs=3 obs=5 2>&1 >/dev/null | head -2; echo; dd if=a bs=4 skip=1 count=1 status=none conv=ucase
#### dd of pipes in full blocks
(printf abc; sleep 0.1; printf def) | dd bs=6 count=1 iflag=fullblock status=none; echo; (printf abc; sleep 0.1; printf def) | dd bs=6 count=1 status=none; echo; (printf abc; sleep 0.1; printf def) | dd bs=6 2>&1 > /dev/null | head -2; printf 0123456789 | dd bs=2 skip=2 count=2 status=none; echo; head -c 100000 /dev/zero | dd bs=64k iflag=fullblock 2>&1 >/dev/null | head -2; dd if=/dev/zero bs=1k count=3 2>/dev/null | wc -c; dd if=/dev/zero of=z bs=1k count=1 seek=3 2>/dev/null; wc -c < z; printf abc | dd conv=sync bs=5 status=none | od -c; printf abcd | dd conv=swab status=none; echo; dd if=a bs=0; echo $?; dd count=x; echo $?; printf abc | dd iflag=count_bytes count=2 status=none
#### tail
seq 20 > a; tail a; tail -n 3 a; tail -n +18 a; tail -c 4 a; tail -c +48 a; tail -3 a; tail -n 0 a; tail -r a 2>/dev/null; seq 5 | tail -n 2; seq 5 | tail -c 3; tail -n 1 a none; echo $?; tail -n 1 a a; tail -n1 - < a; tail -z -n 1 a | wc -l
#### tail -f
echo one > a; (sleep 0.3; echo two >> a; sleep 0.3; echo three >> a) & timeout 2 tail -f a; echo $?
#### tail -f with what it begins
seq 5 > a; (sleep 0.3; printf 67 >> a) & timeout 1.5 tail -n 2 -f a; echo; timeout 0.5 tail -c 3 -f a; echo; timeout 0.5 tail -f -n 0 a; echo $?
#### tail -f of a pipe ends
printf 'a\nb\n' | timeout 2 tail -f -n 1; echo $?
#### head
seq 20 > a; head -n 2 a; head -c 3 a; head -n -18 a; head -c -48 a; head -2 a; head -n 1 a a; head -n 0 a; seq 5 | head -n -3; head none; echo $?; head -q -n 1 a a; head -v -n 1 a; head -z -n 1 a | wc -l
#### tee
echo a | tee b c; cat b c; echo d | tee -a b; cat b; echo x | tee /dev/null
#### truncate and sizes
printf abc > a; truncate -s 10 a; wc -c < a; truncate -s -5 a; wc -c < a; truncate -s +1K a; wc -c < a; truncate -c -s 1 none; ls; truncate -r a b; wc -c < b; truncate -s '<100' a; wc -c < a; truncate -s %64 a; wc -c < a
#### checksums
printf abc > a; sha256sum a; md5sum a > s; md5sum -c s; sha1sum a; cksum a; sum a; b2sum a | cut -c 1-20; base64 a; base32 a; base64 -d <<X
YWJj
X
echo; echo bad | sha256sum -c; echo $?; sha512sum < a | cut -c 1-10
#### base64
head -c 200 /dev/zero | base64; head -c 200 /dev/zero | base64 -w 0 | wc -c; printf 'YWJj\nZGVm\n' | base64 -d; echo; printf 'YW Jj' | base64 -di; echo; printf '!!' | base64 -d; echo $?; printf abc | base64 -w 2
#### tail -F of a file that is replaced
echo 1 > a; (sleep 0.4; mv a b; echo 2 > a; sleep 0.4; echo 3 >> a) & timeout 3 tail -F a 2>/dev/null; echo $?
#### tail -f of a file that gets shorter
seq 9 > a; (sleep 0.4; echo x > a) & timeout 2.5 tail -n 1 -f a; echo $?
#### tail -f of several files
echo 1 > a; echo 2 > b; (sleep 0.4; echo 3 >> a; sleep 0.4; echo 4 >> b) & timeout 3 tail -f a b; tail -n 1 -f none; echo $?
#### tail -f --pid
echo 1 > a; sleep 0.3 & timeout 5 tail -s 0.1 -f --pid=$! a; echo $?
#### tail -f of standard input
seq 3 > a; timeout 1 tail -n 1 -f < a; echo $?; seq 3 | tail -f -n 1 - ; echo $?
