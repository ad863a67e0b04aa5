#### create and list
echo hello > a; yes abc | head -100 > b; mkdir -p d/e; echo y > d/e/g; touch -d '2020-05-06 07:08:10' a b d/e/g d/e d; zip z a b | sed 's/[0-9]*%//'; zip -r z d; unzip -l z; unzip -Z1 z; zip -sf z; unzip -v z a
#### update
echo hello > a; yes abc | head -100 > b; zip -q z a b; echo more >> a; touch -d '+1 hour' a; zip z a; unzip -p z a; zip -u z a; echo $?; zip -d z b; unzip -Z1 z; zip -d z nofile; echo $?; touch c; zip -u z a c; zip -f z; echo $?
#### forms
mkdir -p d; echo x > d/f; echo yy > d/g; zip -j j.zip d/f; zip -q -0 s d/f; unzip -Z1 s; zip -D -r n.zip d; zip -r x.zip d -x 'd/g'; zip -r i.zip d -i '*g'; ln -s d/f l; zip -y y.zip l; unzip -o y.zip -d out; readlink out/l; printf 'd/f\nd/g\n' | zip -@ at.zip; zip -m m.zip d/g; ls d; zip - d/f 2> /dev/null > p.zip; unzip -p p.zip
#### extract
echo hello > a; yes abc | head -100 > b; mkdir -p d/e; echo x > d/e/f; chmod 755 b; chmod 640 a; touch -d '2020-05-06 07:08:10' a b; zip -qr z a b d; rm -r a b d; unzip z; stat -c '%n %a %Y' a b; rm b; unzip -n z; unzip -qo z; unzip -o -d out z; unzip -o -j z d/e/f -d out2; unzip -o z -x b 'd*'; unzip -c z a d/e/f; unzip -o z '*f'; rm a; unzip z a
#### test
echo hello > a; yes abc | head -100 > b; zip -q z a b; unzip -t z; unzip -tq z; unzip -t z a; zip -T z
#### asking
echo hello > a; zip -q z a; echo other > a; unzip z; echo $?; cat a; echo y | unzip -q z; cat a; echo other > a; echo n | unzip -q z; cat a; printf 'r\nb\n' | unzip -q z; cat b
#### failures
zip n.zip nofile; echo $?; echo x > a; zip z nofile a; echo $?; zip -Q x a; echo $?; unzip nofile; echo $?; unzip a; echo $?; zip -q z a; unzip -o z nofile; echo $?; unzip -l z nofile; echo $?; zip a.zip a > /dev/null; echo junk > j.zip; zip j.zip a > /dev/null; echo $?; unzip -Q z; echo $?
#### outside
printf 'UEsDBBQAAAAAAAAAIQCDFtyMAQAAAAEAAAAEAAAALi4vZXhQSwMEFAAAAAAAAAAhAIMW3IwBAAAAAQAAAAQAAAAvYWJzeFBLAQIUAxQAAAAAAAAAIQCDFtyMAQAAAAEAAAAEAAAAAAAAAAAAAACAAQAAAAAuLi9lUEsBAhQDFAAAAAAAAAAhAIMW3IwBAAAAAQAAAAQAAAAAAAAAAAAAAIABIwAAAC9hYnNQSwUGAAAAAAIAAgBkAAAARgAAAAAA' | base64 -d > evil.zip; mkdir in; cd in; unzip -o ../evil.zip; echo $?; ls; ls ..
