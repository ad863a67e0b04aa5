#### bzip2
seq 1000 > a; bzip2 -k a; ls; bzcat a.bz2 | cmp - a && echo same; rm a; bunzip2 a.bz2; ls; bzip2 < a | bzip2 -d | cmp - a && echo same; bzip2 -1 -c a | bunzip2 -c | tail -1; bzip2 a; bzip2 -dk a.bz2; ls; bzip2 -t a.bz2; echo $?; printf x | bzip2 | xxd; : | bzip2 | xxd
#### bzip2 several
echo one | bzip2 > m.bz2; echo two | bzip2 >> m.bz2; bzcat m.bz2; bzip2 -dc m.bz2 m.bz2
#### bzip2 failures
echo x > a; bzip2 nofile; echo $?; bzip2 -k a; bzip2 a.bz2; echo $?; bzip2 a; echo $?; bzip2 -f a; echo $?; echo y > a; bunzip2 a; echo $?; bzcat a; echo $?; bzip2 -t a; echo $?; bzip2 -Q; echo $?; seq 3000 | bzip2 | head -c 100 > t.bz2; bzcat t.bz2 > /dev/null; echo $?; mkdir d; bzip2 d; echo $?
#### xz
seq 1000 > a; xz -k a; ls; xzcat a.xz | cmp - a && echo same; rm a; unxz a.xz; ls; xz < a | xz -d | cmp - a && echo same; xz -0 -c a | unxz -c | tail -1; xz -9e a; xz -dk a.xz; ls; xz -t a.xz; echo $?; : | xz | xz -d | wc -c; xz -C crc32 -c a | xz -dc | wc -l; xz -C sha256 -c a | xz -dc | wc -l; head -c 6 a.xz | xxd
#### xz failures
echo x > a; xz nofile; echo $?; xz -k a; xz a.xz; echo $?; xz a; echo $?; xz -f a; echo $?; echo y > a; unxz a; echo $?; xzcat a; echo $?; xz -t a; echo $?; xz -Z; echo $?; seq 3000 | xz | head -c 100 > t.xz; xzcat t.xz > /dev/null; echo $?; mkdir d; xz d; echo $?; echo x | xz -S .foo > /dev/null; echo y > b; xz -S .foo b; ls; xz -d -S .foo b.foo; ls b*
#### tar with them
mkdir d; echo 1 > d/a; echo 2 > d/b; tar -cjf t.tbz d; file -b t.tbz | cut -c 1-20; tar -tf t.tbz | sort; tar -cJf t.txz d; tar -tf t.txz | sort; tar -caf u.tar.xz d; head -c 6 u.tar.xz | xxd; rm -r d; tar -xJf t.txz; cat d/a; tar -xjf t.tbz d/b; tar -xjf t.txz; echo $?; tar -xOf u.tar.xz d/b
