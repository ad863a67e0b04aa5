#### names
mkdir d; touch b a .h d/x; ls; ls -a; ls -A; ls -1; ls d; ls -r; ls nothing; echo $?; ls -d . d
#### long lines
printf hello > a; printf '' > bb; chmod 640 a; chmod 4755 bb; mkdir d; ln -s a l; ln -s none n; touch -d '2001-02-03 04:05 UTC' a bb d; touch -hd '2001-02-03 04:05 UTC' l n; ls -l; ls -l a; ls -ld d; ls -l l n
#### long lines with widths
head -c 12345 /dev/zero > big; printf x > small; ln small s2; ln small s3; touch -d '2010-10-10 UTC' *; ls -l; ls -lh; ls -l --si; ls -lk; ls -l --block-size=1000
#### owners and groups
touch -d '2001-01-01 UTC' f; ls -ln f; ls -lg f; ls -lo f; ls -lG f; ls -l --author f; ls -nog f
#### modes
for m in 0 777 1777 2755 4711 6644 7000 644; do touch f$m; chmod $m f$m; done; ls -l | cut -c 1-10; mkdir d; chmod 1770 d; ls -ld d | cut -c 1-10
#### totals
ls -l; touch a; ls -l | head -1; head -c 5000 /dev/zero > b; ls -l | head -1; ls -s; ls -lh | head -1; mkdir d; ls -l | head -1; ls -s1; ls -sh
#### times
touch -d '2001-02-03 04:05:06.789 UTC' f; for s in full-iso long-iso iso locale +%Y '+%d %H:%M:%S'; do ls -l --time-style="$s" f; done; ls -l --full-time f; touch -ad '2002-01-01 UTC' f; ls -lu f; touch g; ls -l --time-style=+%s f; TIME_STYLE=long-iso ls -l f
#### times of now and of long ago
touch f; ls -l f | grep -c ':'; touch -d '2400-01-01 UTC' f; ls -l f; touch -d '1971-01-01 UTC' f; ls -l f
#### orders
head -c 9 /dev/zero > b; head -c 5 /dev/zero > c; printf '' > a; touch -d @100 b; touch -d @300 a; touch -d @200 c; ls -t; ls -tr; ls -S; ls -Sr; ls -U | sort; ls -X; ls -lt | sed 1d | cut -c 35-; ls -ltc | wc -l
#### order by change
touch a; touch b; touch c; chmod 600 b; sleep 0.02; chmod 600 a; ls -tc | head -1; ls -c | head -1; ls -tcr | tail -1
#### order of versions and endings
touch f10 f9 f1.txt f.c f.b; ls -v; ls -X; ls --sort=size; ls --sort=width
#### recursion
mkdir -p a/b c; touch a/x a/b/y c/z; ls -R; ls -lR | cut -c 1-10; ls -R a c
#### several arguments
mkdir d e; touch f d/x e/y; ls f d e; ls -l d f | cut -c 1-10; ls none f; echo $?
#### letters behind names
touch f; chmod +x f; mkdir d; ln -s d l; ln -s none n; touch g; ls -F; ls -p; ls --file-type; ls -lF | sed 's/.* //'; ls -1F; ls -dF d; ls -F d l; echo; ls --indicator-style=none
#### links on the command line
mkdir d; touch d/x; ln -s d l; ls l; ls -l l | cut -c 1-10; ls -lH l | cut -c 1-10; ls -L; ls -lL | cut -c 1-10; ln -s none n; ls -lL n; echo $?; ls -d l; ls -F l
#### inodes
touch a; ln a b; touch c; ls -i a | grep -c '^[0-9]* a$'; [ "$(ls -i a | cut -d ' ' -f 1)" = "$(stat -c %i a)" ] && echo same; ls -li a | wc -w; ls -i | sed 's/[0-9][0-9]*/N/;s/^ *//'
#### columns
touch a bb ccc dddd; ls -C; ls -C -w 10; ls -x -w 12; ls -m; ls -m -w 8; COLUMNS=9 ls -C; ls -Cs; ls -CF -w 12; ls -ms
#### quotes
touch 'a b' "it's" 'c
d'; ls; ls -Q; ls -b; ls -q; ls --quoting-style=shell; ls --quoting-style=shell-escape -1; ls -lQ | sed 's/.*"/"/'; ls --quoting-style=shell-escape -l | sed 1d | cut -c 42-; ls -N
#### colours
mkdir d t; chmod 1777 t; touch f x.tar; chmod +x f; ln -s d l; ln -s none n; ls --color=always; export TERM=xterm; ls --color=always; ls --color=auto; ls --color; ls --color=never; ls -C --color=always; ls -F --color=always; LS_COLORS='*.tar=31:or=40;31:mi=05:di=34' ls -l --color=always | sed 's/^.*[0-9]:[0-9][0-9] //;s/^total.*//'
#### -d -1 with zeroes
touch a b; ls --zero | tr '\0' ,; echo; ls -l --zero a | tr '\0' , | cut -c 1-10; ls -m
#### hidden and ignored
touch a a~ .b b.o; ls -B; ls -I '*.o'; ls --hide='a*'; ls -A --hide='*.o'
#### directories first
mkdir z; touch a; ln -s z l; ls --group-directories-first; ls -l --group-directories-first | sed 1d | cut -c 1
#### dir and vdir
touch -d '2001-01-01 UTC' a b; dir; vdir; vdir -n a
#### devices
ls -l /dev/null | cut -d ' ' -f 1,2,5,6; ls -l /dev/null /dev/zero | wc -l
#### nothing to show
mkdir d; ls d; ls -l d; ls -s d; ls -C d; ls -R d; ls -lR d
#### wrong options
ls --nonsense; echo $?; ls --color=maybe; echo $?; ls -l --time-style=odd; echo $?; ls -w x; echo $?; ls --block-size=0; echo $?
