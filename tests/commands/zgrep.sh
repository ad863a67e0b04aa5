#### files that are packed, and that are not
printf 'alpha\nbeta\nbeta two\n' | gzip > a.gz; echo 'beta plain' > p.txt; zgrep beta a.gz; echo $?; zgrep beta a.gz p.txt; zgrep -c beta a.gz p.txt; zgrep -l beta a.gz p.txt; zgrep -h beta a.gz p.txt; zgrep -H beta a.gz; zgrep -n -i BETA a.gz; zgrep nope a.gz; echo $?; zgrep -q beta a.gz; echo $?; zgrep -A1 alpha a.gz p.txt
#### patterns
printf 'alpha\nbeta\nbeta two\n' | gzip > a.gz; zgrep -e alpha -e two a.gz; zegrep 'al|two' a.gz; zfgrep a.z a.gz; echo $?; zgrep -ie 'TWO' a.gz; echo two > pats; zgrep -f pats a.gz; zgrep --regexp=alp a.gz; zgrep -m 1 beta a.gz; zgrep -m1 -v alpha a.gz; zgrep -- -x a.gz; echo $?; zgrep beta < a.gz; zgrep -o 'b.t' a.gz
#### errors
zgrep beta nofile.gz 2>/dev/null; echo $?; zgrep 2>/dev/null; echo $?; zgrep -r x . 2>/dev/null; echo $?; printf 'one\n' > p; zgrep one nofile p 2>/dev/null; echo $?
#### xz and bzip2
printf 'beta xz\n' | xz > b.xz; printf 'beta bz\n' | bzip2 > c.bz2; printf 'beta gz\n' | gzip > a.gz; echo beta > p.txt; xzgrep beta b.xz p.txt a.gz c.bz2; echo $?; bzgrep beta c.bz2 p.txt; echo $?; xzgrep -l beta b.xz
#### differences
printf 'a\nb\nc\n' | gzip > a.gz; printf 'a\nX\nc\n' | gzip > b.gz; printf 'a\nb\nc\n' > p; printf 'a\nb\nc\n' > a; zdiff a.gz b.gz; echo $?; zdiff a.gz p; echo $?; zdiff p b.gz; echo $?; zdiff a.gz; echo $?; zcmp a.gz p; echo $?; zcmp -s a.gz b.gz; echo $?; zcmp p p; echo $?; zdiff -q a.gz p; zdiff a.gz none 2>/dev/null; echo $?
#### pages of what is packed
printf 'one\ntwo\n' | gzip > a.gz; zless a.gz; zmore < a.gz; zcat a.gz | zless
#### gzip -f lets through what is not packed
printf 'plain text\n' > p; gzip -cdf p; echo ab > q; gzip -dcf q p; gzip < p | cat - p > mixed; zcat -f p; gzip -dc p 2>/dev/null; echo $?; : > empty; gzip -cdf empty; echo $?; gzip -c p > p.gz; zcat -f p.gz p; gzip -dcf < p
