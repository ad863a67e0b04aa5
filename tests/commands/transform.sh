#### names that are changed
mkdir -p d/sub; echo 1 > d/a.txt; echo 2 > d/sub/b.txt; tar --transform 's,^d,new,' -cf a.tar d; tar tf a.tar | sort; tar --xform='s/\.txt$/.md/' -cvf b.tar d | sort; tar tf b.tar | sort; tar cf c.tar --transform 's,^,pre/fix/,' --show-transformed-names -v d/a.txt; mkdir x; tar xf b.tar -C x --transform 's|d/||'; find x | sort; tar tf a.tar --transform s/new/old/ | sort; tar tf a.tar --transform s/new/old/ --show-transformed-names | sort; tar xf a.tar --transform 's/new/q/' --strip-components=1 -C x; find x | sort
#### expressions
echo 1 > file-one.txt; for expression in 's/o/0/' 's/o/0/g' 's/O/0/gi' 's/\(.*\)-\([a-z]*\)/\2-\1/' 's/(.*)-([a-z]+)/\2_\1/x' 's/[^.]*$/<&>/' 's/e*/x/' 's,file,a/b,' 's/one/two/;s/two/three/' 's/f\|o/Z/g' 's/f[i]\+l/Q/' 's/$/&&/' 's/[]f]/B/' 's/n\{1\}/N/' 's/+/p/' 's/a/\//'; do tar cf t.tar --transform "$expression" file-one.txt; tar tf t.tar; done; tar cf t.tar --transform 'bogus' file-one.txt 2>/dev/null; echo $?
#### links
mkdir d; echo 1 > d/f; ln -s f d/s; ln -s d/f t; ln d/f d/h; tar cf l.tar --transform 's,d/,D/,' d/f d/s d/h t; tar tvf l.tar | sed 's/.* \([^ ]*\( -> \| link to \).*\)/\1/;t;s/.* //'
