#### names
mkdir -p d/e; touch d/a.txt d/b.c d/e/c.txt; find d -name '*.txt' | sort; find . -name 'b*'
#### everything
mkdir -p d/e; touch d/e/f; find d | sort; cd d; find | sort
#### types
mkdir -p d/e; touch d/f; ln -s f d/l; find d -type f; find d -type d | sort; find d -type l
#### depth
mkdir -p a/b/c/d; find a -maxdepth 1 | sort; find a -mindepth 2 | sort; find a -mindepth 1 -maxdepth 2 -type d | sort
#### -iname and -path
mkdir -p src/lib; touch src/README.md src/lib/x.js; find src -iname 'readme*'; find src -path '*/lib/*'; find . -path './src/*.js'
#### or, not and parentheses
touch a.c b.h c.o d; find . -name '*.c' -o -name '*.h' | sort; find . -type f ! -name '*.c' | sort; find . \( -name '*.c' -o -name '*.o' \) -print | sort; find . -type f -not -name 'd' -a -name '*.?' | sort
#### prune
mkdir -p d/node_modules d/src; touch d/node_modules/x.js d/src/y.js; find d -name node_modules -prune -o -name '*.js' -print; find d -path '*/node_modules' -prune -o -type f -print
#### -exec ;
touch a b; find . -type f -exec echo got {} \; | sort
#### -exec +
touch a b; find . -type f -exec echo {} + | tr ' ' '\n' | sort; find . -type f -name 'z' -exec echo never {} +
#### -exec as a test
echo x > a; echo y > b; find . -type f -exec grep -q x {} \; -print; find . -type f ! -exec grep -q x {} \; -print
#### -exec several
touch a; find . -name a -exec echo one {} \; -exec echo two {} \;
#### -exec with {} inside
touch a; find . -name a -exec echo pre-{}-post {} \;
#### -exec sh
touch a b; find . -type f -exec sh -c 'for f; do echo "f=$f"; done' _ {} + | sort
#### -exec rm
touch a b; find . -name a -exec rm {} \; ; ls; find . -name b -exec rm {} + ; ls
#### -exec order
touch a; find . -name a -print -exec echo run \; -print
#### -execdir
mkdir -p d/e; touch d/e/f; find d -name f -execdir echo {} \; ; find d -name f -execdir pwd \; | sed 's|.*/d/|d/|'
#### status of -exec
touch a; find . -name a -exec false \; ; echo $?; find . -name a -exec false {} + ; echo $?
#### program not there
touch a; find . -name a -exec nonesuch {} \; ; echo $?
#### -delete
mkdir -p d/e; touch d/e/f d/g; find d -type f -delete; find d | sort; find d -delete; ls
#### -print0 and xargs -0
touch 'a b' c; find . -type f -print0 | sort -z | xargs -0 -n1 echo
#### -empty and -size
mkdir d; touch e; echo hello > f; find . -empty | sort; find . -type f -size +0; find . -type f -size 6c; find . -type f -size -1k
#### -newer and -mtime
touch -d '2020-01-01' old; touch new; find . -type f -newer old; find . -type f -mtime +30; find . -type f -mtime -1; find . -type f -mmin -60
#### -printf
mkdir d; echo hi > d/f; find d -name f -printf '%p %f %h %s %y %d\n'; find d -printf '%P\n' | sort
#### -quit
touch a b c; find . -type f -name a -print -quit
#### -regex
touch a1 b2 cc; find . -regex './[a-b][0-9]' | sort; find . -regextype posix-extended -regex '.*/(a|c).*' | sort
#### no such
find nope; echo $?; find nope 2>&1
#### unknown predicate
find . -nonesuch >/dev/null 2>&1; echo $?
#### several starts
mkdir a b; touch a/x b/y; find a b -type f | sort
#### -L and broken links
ln -s nowhere l; find . -type l; find -L . -type l; find . -xtype l
#### count
mkdir d; for i in 1 2 3; do touch d/$i; done; find d -type f | wc -l
#### -perm
touch a; chmod 755 a; touch b; chmod 644 b; find . -type f -perm 755; find . -type f -perm -u+x; find . -type f -perm /111; find . -type f -executable
#### -user and -ls
touch a; find . -type f -links 1
#### comma and -true
touch a; find . -name a \( -false , -print \); find . -name a -o -true -print | sort
#### -wholename -samefile
touch a; ln a b; find . -samefile a | sort
#### -fprint
touch a; find . -name a -fprint out; cat out
#### trailing slash
mkdir -p d/e; find d/ | sort
#### names of starting points that end in slashes
mkdir -p d/e; touch d/f; find d/// -maxdepth 0 -name d; find ./// -maxdepth 0 -name .; find // -maxdepth 0 -name /; find / -maxdepth 0 -name //; find d/ -name 'e*'; find d/ -iname 'F'; find d/ -name '*/*'; echo $?
#### -xdev
mkdir -p d/e; touch d/f; find d -xdev | sort; find d -xdev -type f; find d -mount -name e -o -name f | sort; find d -xdev -exec echo x {} \; | sort; find -xdev | sort; find d -depth -xdev | sort
#### an empty starting point
mkdir d; find '' d 2>/dev/null; echo $?
#### owners
mkdir d; touch d/f; find d -user user | sort; find d -user root; find d -uid 1000 -name f; find d -uid -1000; find d -gid +5 -type f; find d -group user -type d; find d -nouser -o -nogroup; find d ! -user 1000; find d -user nobody-there 2>/dev/null; echo $?
#### what -printf tells of modes and owners
mkdir d; echo hi > d/f; chmod 640 d/f; ln d/f d/g; ln -s f d/l; find d -type f -printf '%m %M %n %u %U %g %G %s|%5m|%-5m|%05m|%#m|%8u|%-8u|%p%%m\n' | sort; find d -name f -printf 'x%mc\c'; find d -name l -printf '%M %l\n'
find d -name f -printf '%m ' -o -name l -printf '%p '; find d \( -name f -printf '%n' -o -name l \) -print | sort; find d -name f -printf ''; find d -name f -printf '%y %i\n' | grep -c '^f [0-9][0-9]*$'
#### lists
mkdir d; echo hi > d/f; chmod 640 d/f; ln -s f d/l; touch -d @86400 d/f; find d -ls | sort -k3 | sed 's/^ *[0-9]* *[0-9]* //; /^d/d; s/... .. ..:.. /now /'
#### types of files
mkfifo p; mkdir d; touch f; ln -s f l; find . -type p; find . -type f,p | sort; find . -type c; find /dev/null -type c; find . ! -type p | sort; find . -type x 2>/dev/null; echo $?
#### pruned files do not prune directories
mkdir -p d/a d/b/c; touch d/a/x d/b/y d/b/c/z d/f; find d -type f -prune -o -print | sort; find d -depth -name a -prune -o -type f -print | sort
#### directories that are gone
mkdir -p a/b c; find a c -exec rm -r {} \; 2>&1 | sed "s/‘/'/; s/’/'/"; ls
#### depths from both sides
mkdir -p d/e/f; touch d/e/f/g; find d -depth -mindepth 1 -maxdepth 2; find d -mindepth 3 -maxdepth 2; echo $?; find d -depth
#### lists and quitting
touch a b; find . -name a -print , -name a -print; find . -type f -quit; find . -type f -print -quit | wc -l; find . ! ! -name a; find . -name a \( -false -o -true \) -print
#### patterns of names and paths
touch .h a.txt 'a[b' 'a*b' ab 'a\b'; find . -name '*h'; find . -name 'a\*b'; find . -name 'a[[]b'; find . -name '?b'; find . -name 'a?b' | sort; find . -name 'a\\b'; find . -name '[^a]h'; find . -name '**txt'; find . -iname 'A.TXT'; find . -name 'a[b'; find . -path './a.*'; find . -name '[[:alpha:]]b'
#### output that gets nowhere
find . > /dev/full 2>/dev/null; echo $?
#### what is said stands where it belongs
mkdir a c; { find a nope c -print; find a c -name a -exec rmdir {} \; -print; } 2>&1 | sed "s/‘/'/; s/’/'/"
