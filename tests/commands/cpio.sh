#### archives and what is in them
mkdir d; echo one > d/a; echo two > b; ln -s b l; chmod 600 b; touch -d '2020-02-03 04:05:06' b; find b d l | cpio -o -H newc > n.cpio; cpio -it < n.cpio; cpio -it < n.cpio 2>&1 >/dev/null; cpio -itv --quiet b l < n.cpio | cut -c1-45; mkdir x; cd x; cpio -idv < ../n.cpio 2>&1; cat d/a l; stat -c '%a' b; cpio -id < ../n.cpio 2>&1; cpio -idum --quiet < ../n.cpio; date -u -r b +%F; cpio -iuv 'd/*' < ../n.cpio 2>&1; cpio -iuv --quiet -f 'd*' < ../n.cpio 2>&1; cpio -i --quiet --to-stdout b < ../n.cpio; cpio -it nomatch < ../n.cpio 2>/dev/null; echo $?
#### files of archives, names
echo x > 'a b'; printf 'a b\0' | cpio -o0 --quiet -H newc | wc -c; ls a* | cpio -ov -H newc -O m.cpio 2>&1; cpio -t -F m.cpio; cpio -t -I m.cpio --quiet; rm 'a b'; cpio -i --quiet -I m.cpio; cat 'a b'; echo sub > s; echo s | cpio -o -H newc --quiet | head -c 6
#### passing through
mkdir -p d/e; echo 1 > d/a; echo 2 > d/e/b; cd d; find . -type f | sort | cpio -pdv ../out 2>&1; cd ..; cat out/a out/e/b; find d | cpio -pdmu --quiet copy; diff -r d copy/d && echo same
#### errors
cpio 2>&1; echo $?; echo nofile | cpio -o -H newc 2>/dev/null | wc -c; echo junk | cpio -i 2>&1; echo $?; cpio -o -i 2>&1; echo $?; cpio -o -H bogus 2>/dev/null < /dev/null; echo $?; cpio -it -F none 2>/dev/null; echo $?
